"""The catalogue of machines, and what a machine answers."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from paramscale.catalogue.formats import formats
from paramscale.catalogue.hardware import hardware
from paramscale.catalogue.tables import read_table
from paramscale.errors import SpecError, UnknownNameError
from paramscale.specs.hardware import COMPUTE_TYPES, FIGURES, HardwareSpec

ROOT = Path(__file__).parents[2]
STUDY = ROOT.parent / "shared" / "data" / "systems" / "hardware.csv"
TOOLS = ROOT / "tools"


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_h100() -> None:
    """NVIDIA H100 SXM data sheet: 989 and 1979 TFLOP/s dense, 80 GB at 3.35 TB/s, 700 W."""
    card = hardware["h100-sxm"]
    assert card.peak_flops_per_s("bf16") == 989e12
    assert card.peak_flops_per_s("fp8") == 1979e12
    assert (card.memory_bytes, card.memory_bandwidth_bytes_per_s) == (80e9, 3.35e12)
    assert (card.power_limit_w, card.interconnect_bytes_per_s) == (700, 450e9)
    assert card.memory_type == "HBM"


@pytest.mark.parametrize(
    ("key", "field", "value"),
    [
        ("a100-sxm-80gb", "bf16_flops_per_s", 312e12),
        ("a100-sxm-80gb", "memory_bandwidth_bytes_per_s", 2039e9),
        ("mi300x", "bf16_flops_per_s", 1307.4e12),
        ("l4", "fp8_flops_per_s", 242e12),
        ("tpu-v5e", "bf16_flops_per_s", 197e12),
        ("rtx-4090", "bf16_flops_per_s", 165.15e12),
        ("rtx-4090", "fp16_flops_per_s", 165.15e12),
        ("v100-sxm-16gb", "memory_bytes", 16e9),
    ],
)
def test_dense_peaks(key: str, field: str, value: float) -> None:
    """Peaks are dense and accumulate in fp32, not what the box says."""
    assert getattr(hardware[key], field) == value


def test_every_machine_is_sourced_and_plausible() -> None:
    """Each has a source; narrower units are not slower; memory classes keep to their band."""
    band = {"HBM": (5e11, 3e13), "GDDR": (2e11, 2.1e12), "LPDDR": (5e10, 1e12), "DDR": (4e10, 1e12)}
    for key, card in hardware.items():
        assert card.source, key
        assert key == key.lower(), key
        if card.memory_type and not np.isnan(card.memory_bandwidth_bytes_per_s):
            low, high = band[card.memory_type]
            assert low <= card.memory_bandwidth_bytes_per_s <= high, key
        for wide, narrow in (("bf16", "fp8"), ("fp8", "fp4"), ("fp32", "fp16")):
            pair = [getattr(card, f"{each}_flops_per_s") for each in (wide, narrow)]
            assert not pair[0] > pair[1], (key, wide, narrow)


def test_withheld_figures_are_nan() -> None:
    """A constant from memory does not ship: the fields named in `unverified` are NaN."""
    withheld = [(key, field) for key, card in hardware.items() for field in card.unverified]
    assert withheld
    for key, field in withheld:
        assert np.isnan(getattr(hardware[key], field)), (key, field)


def test_aliases_and_case() -> None:
    """An alias is the same object, and is not listed."""
    assert hardware["H100"] is hardware["h100-sxm"]
    assert "h100" in hardware
    assert "h100" not in list(hardware)
    assert len(hardware) == 101


@pytest.mark.parametrize(
    ("key", "like", "ratio"),
    [("rtx-3070", "rtx-3080", 2.0), ("rtx-3080-ti", "rtx-3080", 2.0),
     ("rtx-4070-ti", "rtx-4090", 2.0), ("rtx-4000-ada", "rtx-6000-ada", 4.0),
     ("rtx-5000-ada", "rtx-6000-ada", 4.0)],
)  # fmt: skip
def test_cards_of_one_generation_have_one_rule(key: str, like: str, ratio: float) -> None:
    """Matrix units do twice the fp32 rate on GeForce with fp32 sums, and four times on others."""
    for card in (hardware[key], hardware[like]):
        assert card.bf16_flops_per_s / card.fp32_flops_per_s == pytest.approx(ratio, rel=0.01)
        assert card.memory_type == "GDDR"
    assert hardware[key].memory_bytes >= 8e9


def test_unknown_name() -> None:
    """The error proposes what was probably meant."""
    with pytest.raises(UnknownNameError, match="did you mean 'h100-sxm'"):
        hardware["h100-sxn"]
    assert "abacus" not in hardware
    assert 3 not in hardware


def test_grid_equals_points() -> None:
    """A spec of arrays answers as its points do, also where they differ in units."""
    bf16, fp8 = [4e14, 9e14, np.nan], [np.nan, 2e15, np.nan]
    grid = HardwareSpec(bf16_flops_per_s=bf16, fp8_flops_per_s=fp8, fp32_flops_per_s=1e13)
    points = [
        HardwareSpec(bf16_flops_per_s=b, fp8_flops_per_s=f, fp32_flops_per_s=1e13)
        for b, f in zip(bf16, fp8, strict=True)
    ]
    for name in COMPUTE_TYPES:
        expected = [point.peak_flops_per_s(name) for point in points]
        np.testing.assert_array_equal(
            np.broadcast_to(grid.peak_flops_per_s(name), 3), expected, strict=False
        )
    assert [point.compute_type("fp8") for point in points] == ["bf16", "fp8", "fp32"]
    assert grid.compute_type("fp8") == "fp8/bf16/fp32"


def test_format_falls_back_to_a_wider_type() -> None:
    """An A100 has no fp8 units, so fp8 weights are multiplied in bf16; a T4 runs bf16 as fp16."""
    assert hardware["a100"].compute_type(formats["fp8"]) == "bf16"
    assert hardware["a100"].peak_flops_per_s(formats["nvfp4"]) == 312e12
    assert hardware["t4"].compute_type("bf16") == "fp16"
    assert hardware["gaudi"].compute_type("bf16") == ""
    assert np.isnan(hardware["gaudi"].peak_flops_per_s("bf16"))


def test_bad_values() -> None:
    """Wrong numbers and unknown types are refused with their name."""
    with pytest.raises(SpecError, match=r"HardwareSpec\.memory_bytes .* index 1"):
        HardwareSpec(memory_bytes=[1e9, -1.0])
    with pytest.raises(SpecError, match="memory_type"):
        HardwareSpec(memory_type="core")
    with pytest.raises(UnknownNameError, match="compute type"):
        HardwareSpec().peak_flops_per_s("fp7")


def test_repr_shows_what_is_given() -> None:
    """NaN fields stay out; arrays are shown by shape."""
    shown = repr(HardwareSpec(name="x", bf16_flops_per_s=1e14, memory_bytes=[1e9, 2e9]))
    assert shown == "HardwareSpec('x', bf16_flops_per_s=1e+14, memory_bytes=array(2,))"


@pytest.mark.skipif(not TOOLS.is_dir(), reason="the tools folder is not in the distribution")
@pytest.mark.skipif(not STUDY.exists(), reason=f"{STUDY.name} of the study is not beside the repo")
def test_equals_the_study() -> None:
    """Every figure is the study's, or stands among the decisions, or is withheld."""
    keys = {row["hw_id"]: row["key"] for row in read(TOOLS / "hardware_keys.csv")}
    decided = {(row["key"], row["column"]) for row in read(TOOLS / "hardware_decisions.csv")}
    theirs = {
        "power_limit_w": "tdp_W",
        "int8_ops_per_s": "peak_int8_op_per_s",
        "interconnect_bytes_per_s": "interconnect_unidirectional_bytes_per_s",
    }
    for row in read(STUDY):
        card = hardware[keys[row["hw_id"]]]
        for field in FIGURES:
            peak = f"peak_{field.replace('flops', 'flop')}"
            text = row[theirs.get(field, peak if peak in row else field)]
            if (keys[row["hw_id"]], field) in decided or field in card.unverified:
                continue
            expected = float(text) if text else np.nan
            np.testing.assert_equal(float(getattr(card, field)), expected, f"{card.name} {field}")


def test_what_a_machine_does_with_a_format() -> None:
    """Native, at another type's rate, unpacked first, or unknown."""
    said = {
        (machine, name): hardware[machine].support(formats[name])
        for machine in ("h100-sxm", "a100", "b200", "gaudi")
        for name in ("fp8", "nvfp4", "q4_k", "awq-int4-g128", "bf16")
    }
    assert said["h100-sxm", "fp8"] == said["b200", "nvfp4"] == said["a100", "bf16"] == "native"
    assert said["a100", "fp8"] == said["h100-sxm", "nvfp4"] == "emulated"
    assert said["h100-sxm", "q4_k"] == said["b200", "awq-int4-g128"] == "stored only"
    assert said["gaudi", "bf16"] == "unknown"


def test_zeros_that_a_machine_passes_over() -> None:
    """2:4 on Ampere and later, in the types of its units; nothing else, nowhere else."""
    assert hardware["a100"].left_of("2:4", "bf16") == 0.5
    assert hardware["h100-sxm"].left_of("2:4", formats["fp8"]) == 0.5
    assert hardware["a100"].left_of("unstructured", "bf16") == 1.0
    assert hardware["t4"].left_of("2:4", "fp16") == 1.0
    assert hardware["b300"].left_of("2:4", "fp4") == 1.0
    known = {row.text("key"): row.names("machines") for row in read_table("sparse_units.csv")}
    assert all(machine in list(hardware) for each in known.values() for machine in each)
