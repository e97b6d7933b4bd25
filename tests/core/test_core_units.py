from __future__ import annotations

import numpy as np
import pytest

from paramscale.units import UNITS, format_value, unit_of


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("kv_cache_bytes", "bytes"),
        ("prefill_flops", "FLOP"),
        ("peak_flops_per_s", "FLOP/s"),
        ("throughput_tokens_per_s", "tokens/s"),
        ("requests_per_s", "1/s"),
        ("energy_per_token_j", "J"),
        ("active_parameters", "parameters"),
        ("parameters", "parameters"),
        ("knowledge_bits_per_parameter", "bits/parameter"),
        ("intensity_flops_per_byte", "FLOP/byte"),
    ],
)
def test_the_end_of_a_name_tells_the_unit(name, unit):
    assert unit == unit_of(name).text


@pytest.mark.parametrize("name", ["speed", "tokenss", "bytes_read", ""])
def test_other_ends_tell_none(name):
    assert unit_of(name) is None


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "bytes", "0 bytes"),
        (1023, "bytes", "1,023 bytes"),
        (1024, "bytes", "1 KiB"),
        (80 * 2**30, "bytes", "80 GiB"),
        (989e12, "FLOP/s", "989 TFLOP/s"),
        (3.1e-6, "s", "3.1 µs"),
        (0.9999, "s", "1 s"),
        (3.6e9 * 1300, "J", "1.3 GWh"),
        (539e3, "kgCO2e", "539 tCO2e"),
        (15e12, "tokens", "15 T tokens"),
        (-8.03e9, "parameters", "-8.03 B"),
        (1.5e3, "furlong", "1,500 furlong"),
        (np.nan, "s", "nan"),
        (np.inf, "s", "inf s"),
        (4.0, "bits/parameter", "4 bit/parameter"),
        ([1.0, np.nan, 3.0], "W", "(3,): 1 W … 3 W, 1 nan"),
        ([np.nan], "W", "(1,): nan"),
        (np.zeros((0, 2)), "W", "(0, 2): empty"),
        (np.ones((2, 2)), "W", "(2, 2): 1 W"),
    ],
)
def test_display(value, unit, text):
    assert text == format_value(value, unit)


def test_every_unit_displays_itself_unscaled():
    """Each table of steps holds the unit itself, or values near one would be misread."""
    for unit in UNITS.values():
        assert 1.0 in [factor for factor, _ in unit.scales] or unit.text == "fraction"
        assert list(unit.scales) == sorted(unit.scales, reverse=True)
