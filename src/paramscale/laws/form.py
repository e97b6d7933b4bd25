"""A functional form as the laws see it: a function, its inputs, its coefficients."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

import attrs

from paramscale.errors import UnknownNameError
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

    Examples
    --------
    >>> form = form_named("chinchilla")
    >>> form.inputs, form.coefficients
    (('parameters', 'tokens'), ('E', 'A', 'alpha', 'B', 'beta'))
    """

    name: str
    function: Callable[..., Floats]
    inputs: tuple[str, ...] = attrs.field(init=False)
    coefficients: tuple[str, ...] = attrs.field(init=False)

    @inputs.default
    def _inputs(self) -> tuple[str, ...]:
        return _names(self.function, inspect.Parameter.POSITIONAL_OR_KEYWORD)

    @coefficients.default
    def _coefficients(self) -> tuple[str, ...]:
        return _names(self.function, inspect.Parameter.KEYWORD_ONLY)


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
    if name not in form_names():
        raise UnknownNameError("form of law", name, form_names())
    return Form(name, getattr(import_module(f"{_FORMS}.{name}"), name))
