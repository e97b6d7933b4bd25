"""What a callable takes: specs by annotation, quantities by name, options by keyword.

Read once, when an estimator is registered; nothing is inspected while a plan runs.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Mapping
from typing import Any

import attrs

from paramscale.core.interval import Interval
from paramscale.core.quantity import Quantity
from paramscale.core.registry import Registry
from paramscale.core.spec import SpecKind, kind_of
from paramscale.errors import RegistrationError, did_you_mean

__all__ = ["Signature", "read_signature"]


@attrs.frozen(eq=False)
class Signature:
    """What a callable takes.

    Parameters
    ----------
    inputs : tuple of str
        Names of specs and quantities, in the order in which they are handed over.
    specs, quantities : tuple of str
        The inputs that are specs, and those that are quantities.
    options : mapping
        Keyword-only parameters and their defaults.
    intervals : frozenset of str
        The quantities that are wanted with the ends of their interval, by annotation.
    """

    inputs: tuple[str, ...]
    specs: tuple[str, ...]
    quantities: tuple[str, ...]
    options: Mapping[str, Any]
    intervals: frozenset[str] = frozenset()


def read_signature(
    function: Any, owner: str, vocabulary: Registry[Quantity], kinds: Registry[SpecKind]
) -> Signature:
    """Return what a function or callable object takes; refuse what cannot be provided.

    Parameters
    ----------
    function : callable
        Parameters annotated with a spec type are specs, other positional parameters are names of
        quantities, keyword-only parameters with defaults are options.
    owner : str
        Who it belongs to, for messages: ``"estimator 'kv_cache'"``.
    vocabulary, kinds : Registry
        The quantities and spec types that exist.
    """
    hints = _hints(function, owner)
    inputs, specs, options, intervals = [], [], {}, set()
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY:
            if parameter.default is parameter.empty:
                raise RegistrationError(
                    f"{owner}: the option {parameter.name!r} has no default; "
                    "give it one, or move it before the '*' if it is a spec or quantity"
                )
            options[parameter.name] = parameter.default
            continue
        _refuse_what_nobody_provides(parameter, owner)
        kind = kind_of(hints.get(parameter.name), kinds)
        if kind is not None:
            specs.append(kind.name)
        elif parameter.name not in vocabulary:
            raise RegistrationError(
                _unknown(parameter.name, hints.get(parameter.name), owner, vocabulary, kinds)
            )
        elif hints.get(parameter.name) is Interval:
            intervals.add(parameter.name)
        inputs.append(parameter.name if kind is None else kind.name)
    quantities = tuple(name for name in inputs if name not in specs)
    return Signature(tuple(inputs), tuple(specs), quantities, options, frozenset(intervals))


def _hints(function: Any, owner: str) -> dict[str, Any]:
    """Return the annotations as objects; they are texts where annotations are postponed."""
    target = function if inspect.isroutine(function) else type(function).__call__
    try:
        return typing.get_type_hints(target)
    except NameError as error:
        raise RegistrationError(
            f"{owner}: an annotation cannot be resolved: {error}; import the name at run time, "
            "not under 'if TYPE_CHECKING'"
        ) from error


def _refuse_what_nobody_provides(parameter: inspect.Parameter, owner: str) -> None:
    """Refuse ``*args``, ``**kwargs`` and positional parameters that have a default."""
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        raise RegistrationError(
            f"{owner}: it takes {parameter}; name every input, since they are provided by name"
        )
    if parameter.default is not parameter.empty:
        raise RegistrationError(
            f"{owner}: the input {parameter.name!r} has a default; inputs have none. "
            "If it is an option, make it keyword-only: put '*' before it"
        )


def _unknown(
    name: str,
    hint: object,
    owner: str,
    vocabulary: Registry[Quantity],
    kinds: Registry[SpecKind],
) -> str:
    """Return the text about a parameter that is neither a spec nor a quantity."""
    if name in kinds:
        cls = kinds[name].cls.__name__
        found = "nothing" if hint is None else getattr(hint, "__name__", repr(hint))
        return f"{owner}: {name!r} is a spec; annotate it with {cls}, not with {found}"
    return (
        f"{owner}: {name!r} is not a quantity{did_you_mean(name, vocabulary) or '.'} "
        "A spec comes by annotation, an option by keyword; a new quantity is made with "
        "Quantity(name, meaning)"
    )
