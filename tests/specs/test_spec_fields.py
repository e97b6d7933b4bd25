"""What specs accept, and the words with which they refuse the rest."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import pytest

import paramscale as ps
from paramscale.architecture.experts import MixtureOfExperts
from paramscale.architecture.grouped_attention import GroupedAttention
from paramscale.architecture.mlp import MLP
from paramscale.errors import SpecError, UnknownNameError

WHOLE = "must be a whole number greater than 0, not "
NUMBER = "must be a number greater than 0, not "

BAD = [
    ("batch", -1, WHOLE + "-1"),
    ("batch", 0, WHOLE + "0"),
    ("batch", float("nan"), WHOLE + "nan"),
    ("batch", float("inf"), WHOLE + "inf"),
    ("batch", 2.5, WHOLE + "2.5"),
    ("batch", 2**60, r"must be a whole number .*, not 1\.15\d*e\+18"),
    ("prompt_tokens", [1, 2, 0, -4], WHOLE + "0 at index 2"),
    ("prompt_tokens", [[1, 2], [3, 0.5]], WHOLE + r"0.5 at index \(1, 1\)"),
    ("output_tokens", -1, "must be a whole number at least 0, not -1"),
    ("batch", "8", "must be a number or an array of numbers, not '8'"),
    ("batch", True, "must be a number or an array of numbers, not True"),
    ("batch", None, "must be a number or an array of numbers, not None"),
    ("batch", [], "is an empty array; give at least one number"),
    ("batch", [1, "a"], "must be a number or an array of numbers, not list"),
    ("batch", {}, "must be a number or an array of numbers, not dict"),
    ("batch", 1 + 2j, "must be a number or an array of numbers, not complex"),
    ("weight_format", 16, "must be the name of a number format, such as 'bf16', or a Format"),
]


@pytest.mark.parametrize(("field", "value", "text"), BAD)
def test_serving_refuses(field: str, value: Any, text: str) -> None:
    """Class, field, what is allowed, and the first bad value with its index."""
    with pytest.raises(SpecError, match=rf"^ServingSpec\.{field} {text}"):
        ps.ServingSpec(**{field: value})


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: ps.TrainingSpec(tokens=0), rf"^TrainingSpec\.tokens {NUMBER}0$"),
        (lambda: ps.TrainingSpec(tokens=1e9, batch_tokens=-1), rf"\.batch_tokens {NUMBER}-1$"),
        (lambda: ps.HardwareSpec(memory_bytes=-1), rf"^HardwareSpec\.memory_bytes {NUMBER}-1$"),
        (lambda: ps.HardwareSpec(memory_type="RAM"), "memory_type must be one of .*, not 'RAM'$"),
        (lambda: ps.SiteSpec(pue=0.9), r"^SiteSpec\.pue must be a number at least 1, not 0\.9$"),
        (lambda: ps.ParallelSpec(tensor=0), rf"^ParallelSpec\.tensor {WHOLE}0$"),
        (lambda: ps.ParallelSpec(zero_stage=4), "at least 0 and at most 3, not 4$"),
        (lambda: MLP(1.5), rf"^MLP\.inner {WHOLE}1\.5$"),
        (lambda: MLP(64, gated=1), r"^MLP\.gated must be True or False, not 1$"),
        (lambda: GroupedAttention(3, 2, 64), "heads must be a multiple of kv_heads, not 3.0 and 2"),
        (lambda: GroupedAttention(4, 2, 64, gate="all"), "gate must be one of .*, not 'all'$"),
        (lambda: MixtureOfExperts(2, 4, 8), "chosen must be at most experts, not 4.0 of 2.0$"),
        (lambda: ps.Layer("mlp"), r"a layer is made of blocks .*, not 'mlp'$"),
        (lambda: ps.ModelSpec(width=8, layers=[MLP(8)]), "must hold Layer objects, not MLP"),
        (lambda: ps.ModelSpec(width=0, layers=[]), rf"^ModelSpec\.width {WHOLE}0$"),
    ],
)
def test_other_specs_refuse(make: Any, text: str) -> None:
    """The same words everywhere."""
    with pytest.raises(SpecError, match=text):
        make()


def test_unknown_formats_are_refused_where_they_are_written() -> None:
    """A wrong name of a format is refused by the spec, with a proposal."""
    with pytest.raises(UnknownNameError, match="no format is called 'bf61'; did you mean 'bf16'"):
        ps.ServingSpec(weight_format="bf61")


def test_the_product_of_degrees_is_checked() -> None:
    """A layout whose devices are not the product of its degrees is refused with both numbers."""
    with pytest.raises(
        SpecError,
        match=r"ParallelSpec\.devices is 8, but tensor x pipeline x data x context is 6; "
        "give degrees whose product it is, or leave devices out",
    ):
        ps.ParallelSpec(devices=8, tensor=3, data=2)
    layout = ps.ParallelSpec(tensor=2, pipeline=[1, 4], data=3)
    np.testing.assert_array_equal(layout.devices, [6.0, 24.0])
    with pytest.raises(SpecError, match="devices is"):
        ps.ParallelSpec(devices=6, tensor=2, pipeline=[1, 4], data=3)


@pytest.mark.parametrize("value", [3, 3.0, np.int64(3), np.float32(3), np.array(3), np.uint8(3)])
def test_numbers_become_float64(value: Any) -> None:
    """Whatever kind of number comes in, a float64 scalar is stored."""
    stored = ps.ServingSpec(batch=value).batch
    assert isinstance(stored, np.float64)
    assert stored == 3.0


def test_arrays_are_copied_and_read_only() -> None:
    """A spec does not change when the array that made it does, nor can it be written into."""
    given = np.array([1, 2, 3])
    spec = ps.ServingSpec(batch=given)
    given[0] = 99
    assert spec.batch.tolist() == [1.0, 2.0, 3.0]
    with pytest.raises(ValueError, match="read-only"):
        spec.batch[0] = 5.0
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        spec.batch = 3.0  # type: ignore[misc]


def test_large_products_do_not_overflow() -> None:
    """6 x 7e10 x 1.5e13 is positive, though the numbers came as integers."""
    spec = ps.TrainingSpec(tokens=np.array([15 * 10**12]))
    assert (6 * spec.tokens * np.float64(70 * 10**9) > 0).all()


def test_changes_are_checked_too() -> None:
    """``attrs.evolve`` goes through the same checks."""
    spec = ps.ServingSpec(batch=4)
    assert attrs.evolve(spec, batch=8).batch == 8.0
    with pytest.raises(SpecError, match=r"ServingSpec\.batch"):
        attrs.evolve(spec, batch=-8)
