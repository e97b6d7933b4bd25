"""A functional form as the laws see it: a function, its inputs, its coefficients."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import attrs

from paramscale.errors import MissingInputError, UnknownNameError
from paramscale.laws.forms._terms import Terms
from paramscale.typing import Floats

__all__ = ["Form", "form_named", "form_names"]

_FORMS = "paramscale.laws.forms"


@attrs.frozen
class Form:
    """A functional form.

    Parameters
    ----------
    name : str
        Its name, which is that of its function.
    function : callable
        ``function(*inputs, **coefficients)``, on arrays.
    terms : callable, optional
        Of a form that is a Chinchilla law at fixed further inputs: the terms of that law, from
        those inputs by name and the coefficients.

    Examples
    --------
    >>> form = form_named("chinchilla")
    >>> form.inputs, form.coefficients
    (('parameters', 'tokens'), ('E', 'A', 'alpha', 'B', 'beta'))
    """

    name: str
    function: Callable[..., Floats]
    terms: Callable[..., Terms] | None = None
    inputs: tuple[str, ...] = attrs.field(init=False)
    required: tuple[str, ...] = attrs.field(init=False)
    coefficients: tuple[str, ...] = attrs.field(init=False)

    @inputs.default
    def _inputs(self) -> tuple[str, ...]:
        return _names(self.function, inspect.Parameter.POSITIONAL_OR_KEYWORD)

    @required.default
    def _required(self) -> tuple[str, ...]:
        given = inspect.signature(self.function).parameters
        return tuple(name for name in self.inputs if given[name].default is inspect.Parameter.empty)

    @coefficients.default
    def _coefficients(self) -> tuple[str, ...]:
        return _names(self.function, inspect.Parameter.KEYWORD_ONLY)

    def bind(self, owner: str, *inputs: Any, **named: Any) -> dict[str, Any]:
        """Return the inputs by name; refuse missing and unknown ones in the name of `owner`.

        Examples
        --------
        >>> form_named("chinchilla").bind("law 'x'", 1e9, tokens=2e10)
        {'parameters': 1000000000.0, 'tokens': 20000000000.0}
        """
        takes = ", ".join(self.inputs)
        for name in named:
            if name not in self.inputs:
                raise UnknownNameError(f"input of {owner}", name, self.inputs)
        given = dict(zip(self.inputs, inputs, strict=False))
        twice = sorted(given.keys() & named.keys())
        if twice or len(inputs) > len(self.inputs):
            what = f"gets {', '.join(twice)} twice" if twice else f"gets {len(inputs)} inputs"
            raise MissingInputError(f"{owner} {what}; it takes {takes}")
        given.update(named)
        missing = [name for name in self.required if name not in given]
        if missing:
            raise MissingInputError(f"{owner} needs {', '.join(missing)}; it takes {takes}")
        return given


def _names(function: Callable[..., Floats], kind: object) -> tuple[str, ...]:
    given = inspect.signature(function).parameters.values()
    return tuple(each.name for each in given if each.kind is kind)


def form_names() -> tuple[str, ...]:
    """Return the names of the built-in forms.

    Examples
    --------
    >>> "chinchilla" in form_names()
    True
    """
    found = iter_modules(import_module(_FORMS).__path__)
    return tuple(module.name for module in found if not module.name.startswith("_"))


@cache
def form_named(name: str) -> Form:
    """Return the built-in form of a name; only its own file is imported.

    Raises
    ------
    UnknownNameError
        If there is none, with what was probably meant.
    """
    if not name.isidentifier() or name.startswith("_"):
        raise UnknownNameError("form of law", name, form_names())
    try:
        module = import_module(f"{_FORMS}.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"{_FORMS}.{name}":
            raise
        raise UnknownNameError("form of law", name, form_names()) from None
    return Form(name, getattr(module, name), getattr(module, "terms", None))
