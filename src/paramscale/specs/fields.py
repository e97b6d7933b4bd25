"""How a spec stores numbers: one float64 scalar, or a read-only float64 array, checked elementwise.

Counts are stored as float64 too: products such as 6 · 7e10 · 1.5e13 overflow int64 silently,
while float64 is exact for every count up to 2^53 = 9.0e15.
"""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from paramscale.core.reasons import Reason, raises
from paramscale.errors import SpecError, plain_number
from paramscale.typing import Floats

__all__ = ["array_fields", "choice", "flag", "number", "refused", "short_repr", "to_floats"]

_EXACT = 2.0**53


def to_floats(value: Any, owner: str = "value") -> Floats:
    """Return a float64 scalar, or a read-only float64 array, with the numbers of `value`.

    Parameters
    ----------
    value : float, int, sequence or array
        Numbers; text and booleans are refused.
    owner : str
        How the value is called in an error, for example ``"ServingSpec.batch"``.

    Raises
    ------
    SpecError
        If it is not numeric.

    Examples
    --------
    >>> to_floats(3)
    np.float64(3.0)
    >>> to_floats([1, 2])
    array([1., 2.])
    """
    if type(value) is float or type(value) is int:  # the common case, at the least cost
        return np.float64(value)
    if isinstance(value, np.float64):
        return value
    if isinstance(value, (bool, np.bool_, str, bytes)) or value is None:
        raise SpecError(f"{owner} must be a number or an array of numbers, not {value!r}")
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise SpecError(
            f"{owner} must be a number or an array of numbers, not {type(value).__name__} {value!r}"
        ) from None
    if array.ndim == 0:
        return np.float64(array)
    if array.size == 0:
        raise SpecError(f"{owner} is an empty array; give at least one number")
    array.flags.writeable = False
    return array


def _first_bad(value: Floats, ok: Any) -> str:
    """Return the first offending number, with its index when `value` is an array."""
    if np.ndim(value) == 0:
        return plain_number(value)
    index = tuple(int(i) for i in np.argwhere(~np.asarray(ok))[0])
    place = index if len(index) > 1 else index[0]
    return f"{plain_number(np.asarray(value)[index])} at index {place}"


def number(
    default: Any = attrs.NOTHING,
    *,
    low: float = 0.0,
    high: float = np.inf,
    low_allowed: bool = False,
    high_allowed: bool = True,
    integer: bool = False,
    optional: bool = False,
    missing: bool = False,
    scales: str = "",
    doc: str = "",
) -> Any:
    """Return an attrs field that holds float64 numbers and checks each of them.

    Parameters
    ----------
    default : number, optional
        The value when none is given.
    low, high : float
        Bounds.
    low_allowed, high_allowed : bool
        Whether the bounds themselves are allowed (by default numbers are positive).
    integer : bool
        Whether only whole numbers up to 2^53 have a meaning (heads, layers, tokens).
    optional : bool
        Whether None is allowed, meaning "not stated" or "there is none".
    missing : bool
        Whether NaN is allowed, meaning that no source gives the figure.
    scales : str
        How a larger or smaller member of the family changes it: ``"exactly"`` with the width
        (numbers of heads), ``"about"`` with the width (channels, rounded), or ``""`` not at all.
    doc : str
        One line of meaning, with the unit.
    """
    sign = "at least" if low_allowed else "greater than"
    allowed = f"{'a whole number' if integer else 'a number'} {sign} {low:g}"
    most = "at most" if high_allowed else "less than"
    allowed += f" and {most} {high:g}" if np.isfinite(high) else ""

    def within(value: Any) -> Any:
        """Return which numbers are allowed; a plain number takes a tenth of the time of others."""
        good = (value >= low if low_allowed else value > low) & (value < np.inf)
        good = good & (value <= high if high_allowed else value < high)
        if integer:
            good = good & (value % 1.0 == 0.0) & (value <= _EXACT)
        return good | (value != value) if missing else good

    def check(instance: Any, attribute: Any, value: Floats | None) -> None:
        if value is None:
            return
        good = within(float(value) if type(value) is np.float64 else value)
        if good is not True and not np.all(good):
            large = integer and np.any((value > _EXACT) & np.isfinite(value))
            rule = f"{type(instance).__name__}.{attribute.name} must be {allowed}"
            _refuse(instance, attribute.name, value, good, rule + " and at most 2^53" * bool(large))

    def convert(value: Any, instance: Any, attribute: Any) -> Floats | None:
        if value is None and optional:
            return None
        return to_floats(value, f"{type(instance).__name__}.{attribute.name}")

    if isinstance(default, float):  # one object, so that a value that nobody stated can be told
        default = np.float64(default)
    return attrs.field(
        default=default,
        converter=attrs.Converter(convert, takes_self=True, takes_field=True),
        validator=check,
        metadata={"doc": doc, "scales": scales, "integer": integer, "high": high},
    )


def _refuse(instance: Any, name: str, value: Floats, good: Any, rule: str) -> None:
    """Raise, or where bad points may be NaN, make them so and note why on the spec.

    A value that was refused before stays refused when the spec is changed elsewhere.
    """
    before: tuple[Reason, ...] | None = getattr(instance, "refused", None)
    owner = rule.partition(" ")[0]
    known = before is not None and any(each.text.startswith(owner + " ") for each in before)
    if known and np.all(good | np.isnan(value)):
        return
    text = f"{rule}, not {_first_bad(value, good)}"
    if before is None or raises():
        raise SpecError(text)
    kept = np.where(good, value, np.nan)[()]
    if isinstance(kept, np.ndarray):
        kept.flags.writeable = False
    object.__setattr__(instance, name, kept)
    object.__setattr__(instance, "refused", (*before, Reason(~np.asarray(good)[()], text)))


def refused() -> Any:
    """Return an attrs field that holds why points of a grid were refused."""
    return attrs.field(default=(), repr=False, converter=tuple)


def flag(default: Any = attrs.NOTHING, *, doc: str = "") -> Any:
    """Return an attrs field that holds True or False and nothing that merely looks like it."""

    def check(instance: Any, attribute: Any, value: Any) -> None:
        if not isinstance(value, bool):
            raise SpecError(
                f"{type(instance).__name__}.{attribute.name} must be True or False, not {value!r}"
            )

    return attrs.field(default=default, validator=check, metadata={"doc": doc})


def choice(default: Any, options: tuple[str, ...], *, doc: str = "") -> Any:
    """Return an attrs field that holds one of a few words."""

    def check(instance: Any, attribute: Any, value: Any) -> None:
        if value not in options:
            raise SpecError(
                f"{type(instance).__name__}.{attribute.name} must be one of "
                f"{', '.join(map(repr, options))}, not {value!r}"
            )

    return attrs.field(default=default, validator=check, metadata={"doc": doc})


def array_fields(spec: Any, prefix: str = "") -> dict[str, Floats]:
    """Return the fields of `spec` that hold arrays, by name, in field order."""
    return {
        prefix + attribute.name: value
        for attribute in attrs.fields(type(spec))
        if isinstance(value := getattr(spec, attribute.name), np.ndarray)
    }


def short_repr(spec: Any) -> str:
    """Return the constructor call that makes `spec`, fields at their defaults left out.

    Examples
    --------
    >>> from paramscale.specs.parallel import ParallelSpec
    >>> short_repr(ParallelSpec(tensor=8, devices=8))
    'ParallelSpec(devices=8, tensor=8)'
    """
    given = []
    for attribute in attrs.fields(type(spec)):
        value, default = getattr(spec, attribute.name), attribute.default
        if attribute.init and attribute.repr and not _is_default(value, default):
            given.append(f"{attribute.name}={_shown(value)}")
    return f"{type(spec).__name__}({', '.join(given)})"


def _is_default(value: Any, default: Any) -> bool:
    if isinstance(value, np.ndarray) or default is attrs.NOTHING:
        return False
    return bool(value is default or value == default or (value != value and default != default))


def _shown(value: Any) -> str:
    if isinstance(value, np.float64):
        whole = value == np.rint(value) and abs(value) < 1e15
        return f"{int(value)}" if whole else f"{value:g}"
    if isinstance(value, np.ndarray):
        return np.array2string(value, threshold=4, precision=6, separator=", ").replace("\n", "")
    return repr(value)
