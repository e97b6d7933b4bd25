"""Quantities: the names through which estimators meet, each with a unit and a meaning."""

from __future__ import annotations

import attrs

from paramscale.core.registry import Registry
from paramscale.errors import RegistrationError
from paramscale.units import UNITS, format_value, unit_of

__all__ = ["VOCABULARY", "Quantity", "define", "learn"]


@attrs.frozen
class Quantity:
    """A named number, or set of numbers, that an estimator can give.

    Parameters
    ----------
    name : str
        A Python identifier whose end tells the unit: ``"kv_cache_bytes"``, ``"ttft_s"``.
    meaning : str
        One sentence.
    internal : bool
        An internal quantity may hold any object. It is computed once, shared between estimators
        and never shown; its name needs no unit.
    topic : str
        Heading under which reports show it.
    by_name_only : bool
        Whether it is left out unless it is asked for by name, or all are: detail that most
        questions do not need.
    more_is_better : bool
        Whether one wants it large, as accuracies and rates, all else being equal; less of it is
        better, or neither, unless said.

    Examples
    --------
    >>> Quantity("kv_cache_bytes", "Bytes of keys and values").unit
    'bytes'
    >>> Quantity("speed", "How fast it is")
    Traceback (most recent call last):
    paramscale.errors.RegistrationError: the end of the quantity name 'speed' tells no unit; ...
    """

    name: str
    meaning: str
    internal: bool = False
    topic: str = ""
    by_name_only: bool = False
    more_is_better: bool = False
    unit: str = attrs.field(init=False, eq=False)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.isidentifier():
            raise RegistrationError(f"the quantity name {self.name!r} is not a Python identifier")
        if not self.meaning:
            raise RegistrationError(f"the quantity {self.name!r} has no meaning; write a sentence")
        unit = unit_of(self.name)
        if unit is None and not self.internal:
            endings = ", ".join("_" + ending for ending in UNITS)
            raise RegistrationError(
                f"the end of the quantity name {self.name!r} tells no unit; "
                f"end it with one of {endings}"
            )
        object.__setattr__(self, "unit", unit.text if unit and not self.internal else "")

    def format(self, value: object) -> str:
        """Return a value of this quantity as text; an internal one as the name of its class."""
        return type(value).__name__ if self.internal else format_value(value, self.unit)  # type: ignore[arg-type]


def _import_built_ins() -> None:
    """Import the built-in vocabulary; it stands above this room, so it is known by name only."""
    from importlib import import_module

    import_module("paramscale.quantities")


#: Every quantity that is known to the built-in estimators and to plugins.
VOCABULARY: Registry[Quantity] = Registry("quantity", holds=Quantity, built_in=_import_built_ins)


def learn(vocabulary: Registry[Quantity], quantity: Quantity) -> Quantity:
    """Add a quantity to a vocabulary, unless the very same one is there already.

    Examples
    --------
    >>> words = Registry("quantity", holds=Quantity)
    >>> learn(words, Quantity("wait_s", "Time spent waiting")).unit
    's'
    """
    # Nothing is loaded: the built-in vocabulary itself is just being imported, or comes later and
    # then meets this quantity here.
    known = vocabulary.names_so_far().get(quantity.name)
    if known is None:
        return vocabulary.add(quantity.name, quantity)
    if known != quantity:
        raise RegistrationError(
            f"the quantity {quantity.name!r} exists and means {known.meaning!r}, "
            f"not {quantity.meaning!r}; choose another name"
        )
    return known


def define(
    name: str,
    meaning: str,
    internal: bool = False,
    *,
    topic: str = "",
    by_name_only: bool = False,
    more_is_better: bool = False,
    vocabulary: Registry[Quantity] | None = None,
) -> Quantity:
    """Return a new quantity after adding it to the vocabulary.

    Parameters are those of :class:`Quantity`; `vocabulary` is the shared one unless given.

    Examples
    --------
    >>> define("wait_s", "Time spent waiting", vocabulary=Registry("quantity")).unit
    's'
    """
    words = VOCABULARY if vocabulary is None else vocabulary
    return learn(words, Quantity(name, meaning, internal, topic, by_name_only, more_is_better))
