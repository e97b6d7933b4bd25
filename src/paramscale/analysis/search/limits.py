"""Limits: what must hold of a measure, as text or as a sign and a number, and by how much it fails.

``"<= 30 ms"``, ``(">=", 0.5)``; a unit is one of those in which the quantity is displayed, and
without one the number is in the quantity's own unit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from paramscale.core.quantity import VOCABULARY
from paramscale.core.record import Interval
from paramscale.errors import SpecError, UnknownNameError, did_you_mean
from paramscale.units import format_value, unit_of

__all__ = ["Limit", "LimitLike", "LimitsLike", "format_measure", "limits_of"]

Sign = Literal["<=", ">="]

#: One limit, or several of the same measure.
LimitLike: TypeAlias = (
    "str | tuple[str, float] | Mapping[str, float] | Sequence[str | tuple[str, float]]"
)

#: Limits by measure, or texts that name it: ``["tpot_s <= 30 ms"]``.
LimitsLike: TypeAlias = "Mapping[str, LimitLike] | Iterable[str]"

_TEXT = re.compile(
    r"^\s*([A-Za-z][\w.\[\]]*)?\s*(<=|>=)\s*([-+]?[\d_.]+(?:[eE][-+]?\d+)?)\s*(.*?)\s*$"
)
_BYTES = {"kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}


@attrs.frozen
class Limit:
    """One limit on one measure.

    Attributes
    ----------
    measure : str
        A quantity or a field.
    sign : {"<=", ">="}
    bound : float
        In the unit of the measure.
    """

    measure: str
    sign: Sign
    bound: float

    def __str__(self) -> str:
        return f"{self.measure} {self.sign} {format_measure(self.measure, self.bound)}"

    def taken(self, measured: Interval, *, cautious: bool = False) -> Any:
        """Return the number that must hold it: the value, or the unfavourable end of its interval.

        Where no interval is known it is the value.
        """
        end = measured.high if self.sign == "<=" else measured.low
        if not cautious:
            return measured.value
        return np.where(np.isnan(end), measured.value, end)[()]

    def violation(self, value: Any, bound: Any = None) -> npt.NDArray[np.float64]:
        """Return how far values miss it: 0 where they hold it, infinite where they are NaN.

        It is the logarithm of the ratio to a positive bound, so that unlike limits compare, and
        that of 1 + the excess over another bound.

        Examples
        --------
        >>> Limit("tpot_s", "<=", 0.03).violation(np.array([0.02, 0.06, np.nan])).round(3)
        array([0.   , 0.693,   inf])
        """
        limit = self.bound if bound is None else bound
        value, limit = np.broadcast_arrays(np.asarray(value, dtype=np.float64), limit)
        excess = value - limit if self.sign == "<=" else limit - value
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.abs(np.log(np.maximum(value, np.abs(limit) * 1e-9) / limit))
            missed = np.where(limit > 0.0, ratio, np.log1p(np.maximum(excess, 0.0)))
        held = np.where(excess <= 0.0, 0.0, missed)
        return np.where(np.isnan(value), np.inf, held)

    def slack(self, value: float) -> float:
        """Return what is left to the bound, as a fraction of it (of 1 where it is 0)."""
        room = self.bound - value if self.sign == "<=" else value - self.bound
        return float(room / (abs(self.bound) or 1.0))


def format_measure(name: str, value: Any) -> str:
    """Return a value of a quantity or field with its unit.

    Examples
    --------
    >>> format_measure("tpot_s", 0.03), format_measure("training.tokens", 15e12)
    ('30 ms', '15 T tokens')
    """
    unit = unit_of(name.rpartition(".")[2])
    return format_value(value, unit.text if unit else "")


def limits_of(given: LimitsLike | None) -> tuple[Limit, ...]:
    """Return limits as records.

    Raises
    ------
    SpecError
        If one cannot be read; what may be written is told.

    Examples
    --------
    >>> [str(each) for each in limits_of({"tpot_s": "<= 30 ms", "mmlu_fraction": (">=", 0.5)})]
    ['tpot_s <= 30 ms', 'mmlu_fraction >= 50 %']
    >>> limits_of(["serving_memory_bytes <= 24 GB"])
    (Limit(measure='serving_memory_bytes', sign='<=', bound=24000000000.0),)
    """
    if given is None:
        return ()
    if isinstance(given, str):
        given = [given]
    if not isinstance(given, Mapping):
        return tuple(_of_text(text) for text in given)
    return tuple(limit for name, each in given.items() for limit in _of_one(name, each))


def _of_one(name: str, given: Any) -> list[Limit]:
    if isinstance(given, str):
        return [_of_text(given, name)]
    if isinstance(given, Mapping):
        signs = {"max": "<=", "min": ">="}
        unknown = [key for key in given if key not in signs]
        if unknown or not given:
            raise _unreadable(name, given)
        return [_limit(name, signs[key], value) for key, value in given.items()]
    if isinstance(given, tuple) and len(given) == 2 and given[0] in ("<=", ">="):
        return [_limit(name, *given)]
    several = isinstance(given, (list, tuple)) and len(given) > 0
    if several and all(isinstance(each, (str, tuple)) for each in given):
        return [limit for each in given for limit in _of_one(name, each)]
    raise _unreadable(name, given)


def _limit(name: str, sign: Any, bound: Any) -> Limit:
    if isinstance(bound, bool) or not isinstance(bound, (int, float, np.number)):
        raise _unreadable(name, (sign, bound))
    if np.isnan(bound):
        raise SpecError(f"the limit on {name} is {bound}; give a number")
    return Limit(name, sign, float(bound))


def _of_text(text: str, name: str = "") -> Limit:
    found = _TEXT.match(text) if isinstance(text, str) else None
    if found is None or not (found[1] or name) or (name and found[1] not in (None, name)):
        raise _unreadable(name, text)
    name = found[1] or name
    try:
        number = float(found[3])
    except ValueError:
        raise _unreadable(name, text) from None
    sign: Any = found[2]
    return Limit(name, sign, number * _factor(name, found[4], text))


def _factor(name: str, label: str, text: str) -> float:
    """Return how many of the measure's own units one of a written unit is."""
    if not label:
        return 1.0
    unit = unit_of(name.rpartition(".")[2])
    if unit is None and "." not in name and name not in VOCABULARY:
        raise UnknownNameError("quantity", name, VOCABULARY)
    labels = {each: factor for factor, each in unit.scales if each} if unit else {}
    labels |= {"u" + each[1:]: x for each, x in labels.items() if each.startswith("µ")}
    if unit is not None and unit.text == "bytes":
        labels |= _BYTES
    if label in labels:
        return labels[label]
    short = {each.split()[0]: factor for each, factor in labels.items()}
    if label in short:
        return short[label]
    allowed = ", ".join(each for each in labels if not each.startswith("u")) or "none"
    raise SpecError(
        f"the limit {text!r} on {name} has the unit {label!r}{did_you_mean(label, labels) or '.'}"
        f" Allowed: {allowed}; or no unit, for the quantity's own"
    )


def _unreadable(name: str, given: object) -> SpecError:
    owner = f"the limit on {name}" if name else "a limit"
    shown = name or "tpot_s"
    return SpecError(
        f"{owner} is {given!r}; write {{{shown!r}: ('<=', 0.03)}}, '<= 0.03', '<= 30 ms', or a"
        " list of these; allowed signs are <= and >="
    )
