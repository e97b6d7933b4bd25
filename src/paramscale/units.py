"""Units: a quantity's unit is the end of its name; prefixes appear only at display.

Inside the library every number is in the unit that its name ends with (SI, bytes, FLOPs, USD,
kg of CO2 equivalent). GiB, MWh, tCO2e and "8.03 B" exist only in :func:`format_value`.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from paramscale.typing import FloatsLike

__all__ = ["UNITS", "Unit", "display_scale", "format_value", "unit_of"]

Scales = tuple[tuple[float, str], ...]


class Unit(NamedTuple):
    """A unit: its text, the steps it is displayed in (largest first), and significant digits."""

    text: str
    scales: Scales
    digits: int = 3


def _decimal(label: str, prefixes: str, *, space: str = "") -> Scales:
    """Return steps of 1000, one a letter of `prefixes` (largest first), down to `label` itself."""
    powers = range(len(prefixes), 0, -1)
    steps = [(1000.0**power, p + space + label) for power, p in zip(powers, prefixes, strict=True)]
    return (*steps, (1.0, label))


_BINARY: Scales = (
    *(
        (1024.0**power, letter + "iB")
        for power, letter in zip(range(6, 0, -1), "EPTGMK", strict=True)
    ),
    (1.0, "bytes"),
)
_TIME: Scales = (
    (31_557_600.0, "yr"),
    (86_400.0, "d"),
    (3_600.0, "h"),
    (60.0, "min"),
    (1.0, "s"),
    (1e-3, "ms"),
    (1e-6, "µs"),
    (1e-9, "ns"),
)
_DEVICE_TIME: Scales = (
    (3.6e9, "M device-hours"),
    (3.6e6, "k device-hours"),
    (3_600.0, "device-hours"),
    (1.0, "device-s"),
)
_ENERGY: Scales = (
    (3.6e15, "TWh"),
    (3.6e12, "GWh"),
    (3.6e9, "MWh"),
    (3.6e6, "kWh"),
    (1e3, "kJ"),
    (1.0, "J"),
    (1e-3, "mJ"),
    (1e-6, "µJ"),
    (1e-9, "nJ"),
    (1e-12, "pJ"),
)
_POWER: Scales = ((1e9, "GW"), (1e6, "MW"), (1e3, "kW"), (1.0, "W"), (1e-3, "mW"))
_CARBON: Scales = (
    (1e9, "MtCO2e"),
    (1e6, "ktCO2e"),
    (1e3, "tCO2e"),
    (1.0, "kgCO2e"),
    (1e-3, "gCO2e"),
    (1e-6, "mgCO2e"),
    (1e-9, "µgCO2e"),
    (1e-12, "ngCO2e"),
)
_VOLUME: Scales = (
    (1e6, "ML"),
    (1e3, "m³"),
    (1.0, "L"),
    (1e-3, "mL"),
    (1e-6, "µL"),
    (1e-9, "nL"),
)
_MONEY: Scales = ((1e9, "B USD"), (1e6, "M USD"), (1e3, "k USD"), (1.0, "USD"), (1e-6, "µUSD"))
_COUNT: Scales = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1.0, ""))


def _counted(label: str) -> Scales:
    return tuple((factor, f"{letter} {label}".strip()) for factor, letter in _COUNT)


#: Ending of a name (without the underscore) to unit. The longest ending that fits counts.
UNITS: dict[str, Unit] = {
    "bytes": Unit("bytes", _BINARY),
    "bytes_per_s": Unit("bytes/s", _decimal("B/s", "PTGMk")),
    "bits": Unit("bits", _decimal("bit", "PTGMk")),
    "bits_per_s": Unit("bits/s", _decimal("bit/s", "PTGMk")),
    "flops": Unit("FLOP", _decimal("FLOP", "QRYZEPTGMk")),
    "flops_per_s": Unit("FLOP/s", _decimal("FLOP/s", "QRYZEPTGMk")),
    "s": Unit("s", _TIME),
    "device_s": Unit("device-s", _DEVICE_TIME),
    "j": Unit("J", _ENERGY),
    "w": Unit("W", _POWER),
    "kgco2e": Unit("kgCO2e", _CARBON),
    "l": Unit(
        "L", ((1e6, "ML"), (1e3, "m³"), (1.0, "L"), (1e-3, "mL"), (1e-6, "µL"), (1e-9, "nL"))
    ),
    "usd": Unit("USD", _MONEY),
    "per_token_usd": Unit("USD/token", ((1.0, "USD/token"), (1e-6, "USD/M tokens"))),
    "nats": Unit("nats", ((1.0, "nats"),), 4),
    "fraction": Unit("fraction", ((0.01, "%"),)),
    "ratio": Unit("ratio", ((1.0, ""),)),
    "per_s": Unit("1/s", ((1.0, "/s"),)),
    "tokens": Unit("tokens", _counted("tokens")),
    "parameters": Unit("parameters", _COUNT),
    "devices": Unit("devices", ((1.0, "devices"),)),
    "count": Unit("count", _COUNT),
}

_PER = {
    "s": "s",
    "j": "J",
    "byte": "byte",
    "flop": "FLOP",
    "token": "token",
    "parameter": "parameter",
    "device": "device",
}


@lru_cache(maxsize=1024)
def unit_of(name: str) -> Unit | None:
    """Return the unit that the end of a name tells, or None where it tells none.

    Parameters
    ----------
    name : str
        Name of a quantity or field, for instance ``"kv_cache_bytes"``. An ending
        ``<unit>_per_<s|j|byte|flop|token|parameter|device>`` is understood as a whole.

    Examples
    --------
    >>> unit_of("kv_cache_bytes").text, unit_of("throughput_tokens_per_s").text
    ('bytes', 'tokens/s')
    >>> unit_of("colour") is None
    True
    """
    words = name.split("_")
    for start in range(len(words)):
        unit = _known("_".join(words[start:]))
        if unit is not None:
            return unit
    return None


def _known(ending: str) -> Unit | None:
    """Return the unit of exactly this ending; ``a_per_b`` is composed of a and b."""
    if ending in UNITS:
        return UNITS[ending]
    above, _, below = ending.rpartition("_per_")
    if above not in UNITS or below not in _PER:
        return None
    unit, suffix = UNITS[above], "/" + _PER[below]
    scales = tuple((factor, label + suffix) for factor, label in unit.scales)
    return Unit(unit.text + suffix, scales, unit.digits)


@lru_cache(maxsize=256)
def _unit_with_text(text: str) -> Unit:
    """Return the unit that is written so; an unknown text is displayed as it is, unscaled."""
    for unit in UNITS.values():
        if unit.text == text:
            return unit
    above, _, below = text.rpartition("/")
    for ending, unit in UNITS.items():
        for word, label in _PER.items():
            if unit.text == above and label == below:
                return _known(f"{ending}_per_{word}") or unit
    return Unit(text, ((1.0, text),))


def format_value(value: FloatsLike, unit: str = "") -> str:
    """Return a number, or the range of an array, as text with a readable prefix.

    Parameters
    ----------
    value : float or array
        In `unit`. NaN is shown as ``nan``; of an array, shape, least and greatest are shown.
    unit : str
        Text of the unit, as in ``Quantity.unit``; an unknown text is shown after the number.

    Examples
    --------
    >>> format_value(8.03e9, "parameters"), format_value(2.0**34, "bytes")
    ('8.03 B', '16 GiB')
    >>> format_value(0.0123, "s"), format_value(0.453, "fraction"), format_value(2.01342, "nats")
    ('12.3 ms', '45.3 %', '2.013 nats')
    >>> format_value([1e12, 3e15], "FLOP")
    '(2,): 1 TFLOP … 3 PFLOP'
    """
    found = _unit_with_text(unit)
    array = np.asarray(value, dtype=np.float64)
    if array.ndim == 0:
        return _format_scalar(float(array), found)
    finite = array[~np.isnan(array)]
    if finite.size == 0:
        return f"{_shape(array)}: nan" if array.size else f"{_shape(array)}: empty"
    low, high = (
        _format_scalar(float(finite.min()), found),
        _format_scalar(float(finite.max()), found),
    )
    unknown = f", {array.size - finite.size} nan" if finite.size < array.size else ""
    return f"{_shape(array)}: {low if low == high else f'{low} … {high}'}{unknown}"


def display_scale(values: FloatsLike, unit: str) -> tuple[float, str]:
    """Return the step in which a unit suits many values, and its label, for the axis of a figure.

    It is the largest step that the median size of the values reaches.

    Examples
    --------
    >>> display_scale([0.004, 0.02, 0.9], "s")
    (0.001, 'ms')
    """
    found = _unit_with_text(unit)
    sizes = np.abs(np.asarray(values, dtype=np.float64))
    sizes = sizes[np.isfinite(sizes) & (sizes > 0.0)]
    middle = float(np.median(sizes)) if sizes.size else 1.0
    return next((step for step in found.scales if middle >= step[0]), found.scales[-1])


def _shape(array: np.ndarray[Any, Any]) -> str:
    return "(" + ", ".join(map(str, array.shape)) + ("," if array.ndim == 1 else "") + ")"


def _format_scalar(value: float, unit: Unit) -> str:
    if value == 0 or not math.isfinite(value):
        label = next((label for factor, label in unit.scales if factor == 1.0), unit.scales[-1][1])
        return f"{value:.0f} {label}".rstrip() if not math.isnan(value) else "nan"
    rounded = float(f"{value:.{unit.digits - 1}e}")  # so that 999.9 ms is shown as 1 s
    size = max(abs(value), abs(rounded))
    factor, label = next((step for step in unit.scales if size >= step[0]), unit.scales[-1])
    return f"{_digits(value / factor, unit.digits)} {label}".rstrip()


def _digits(value: float, digits: int) -> str:
    size = abs(float(f"{value:.{digits - 1}e}"))
    if size >= 1e6 or size < 1e-3:
        return f"{value:.{digits}g}"
    return f"{value:,.0f}" if size >= 10.0 ** (digits - 1) else f"{value:.{digits}g}"
