"""Number formats: bits are counted from the layout of a block."""

from __future__ import annotations

import csv
from fractions import Fraction
from importlib import resources

import numpy as np
import pytest

from paramscale.catalogue.formats import Format, formats
from paramscale.errors import SpecError, UnknownNameError
from paramscale.specs.serving import ServingSpec

PACKAGED = resources.files("paramscale.validation") / "data" / "capability" / "formats.csv"


@pytest.mark.parametrize(
    ("name", "bits"),
    [
        ("nvfp4", Fraction(9, 2)),
        ("mxfp4", Fraction(17, 4)),
        ("mxfp6", Fraction(25, 4)),
        ("mxfp8", Fraction(33, 4)),
        ("nf4", Fraction(9, 2)),
        ("nf4-dq", 4 + Fraction(8, 64) + Fraction(32, 64 * 256)),
        ("fp8-block128", 8 + Fraction(32, 128 * 128)),
        ("q4_k", Fraction(144 * 8, 256)),
        ("q6_k", Fraction(210 * 8, 256)),
        ("q8_0", Fraction(34 * 8, 32)),
        ("iq2_xxs", Fraction(66 * 8, 256)),
        ("tq1_0", Fraction(54 * 8, 256)),
        ("gptq-int4-g128", 4 + Fraction(20, 128)),
        ("2:4-fp16", Fraction(9)),
    ],
)
def test_exact_bits(name: str, bits: Fraction) -> None:
    """Sizes of the structs in ggml-common.h, and of the papers' layouts, as fractions."""
    assert formats[name].bits_exact == bits
    assert formats[name].bits_per_weight == float(bits)


def test_aliases() -> None:
    """Usual other names are the same object, whatever their case."""
    assert formats["Q4_K"] is formats["q4_k"]
    assert formats["bfloat16"] is formats["bf16"]
    assert formats["float16"] is formats["fp16"]
    assert formats["awq-int4-g128"] is formats["gptq-int4-g128"]


def test_every_format_is_sourced() -> None:
    """Each names its source, and its name is its key."""
    for key, item in formats.items():
        assert item.source, key
        assert item.name == key
        assert 1.0 <= item.bits_per_weight <= 32.0, key


def test_bytes_of() -> None:
    """8 billion weights in bf16 are 16 GB; arrays keep their shape, integers do not overflow."""
    assert formats["bf16"].bytes_of(8e9) == 16e9
    sizes = np.array([10**18, 4], dtype=np.int64)
    np.testing.assert_array_equal(formats["fp32"].bytes_of(sizes), [4e18, 16.0])


def test_bad_layouts() -> None:
    """Counts that have no meaning are refused."""
    with pytest.raises(SpecError, match="block_weights"):
        Format(name="x", block_weights=0, code_bits=8)
    with pytest.raises(SpecError, match="overhead_bits"):
        Format(name="x", code_bits=8, overhead_bits=-1)
    with pytest.raises(UnknownNameError, match="compute type"):
        Format(name="x", code_bits=8, compute_type="int5")
    with pytest.raises(UnknownNameError, match="did you mean 'nvfp4'"):
        formats["nvfp"]


def test_specs_refuse_unknown_formats() -> None:
    """A spec that names a format is checked where it is made."""
    assert ServingSpec(weight_format="q4_k").weight_format == "q4_k"
    with pytest.raises(UnknownNameError, match="did you mean 'nvfp4'"):
        ServingSpec(weight_format="nvfp")


#: Titles of the table that several of ours share, or that ours spell otherwise.
SPELT = {"BF16/FP16": "bf16", "OCP MXFP4": "mxfp4"}

#: Rows of the table that are no storage format of ours, and why.
LEFT_OUT = {
    "BitNet b1.58 ternary (information content)": "an amount of information, not a layout",
}


def test_equals_the_table() -> None:
    """Every block format of the table has its bits, to the digits printed; none is missing.

    File types are mixtures, compared in ``test_file_types``.
    """
    with PACKAGED.open(encoding="utf-8") as stream:
        study = {row["format"]: row["bits_per_weight"] for row in csv.DictReader(stream)}
    ours = {item.title: item for item in formats.values()}
    ours |= {title: formats[name] for title, name in SPELT.items()}
    blocks = [title for title in study if not title.startswith("GGUF mix")]
    assert set(blocks) - set(ours) == set(LEFT_OUT)
    for title in set(blocks) & set(ours):
        digits = len(study[title].partition(".")[2])
        half = 0.5 * 10.0**-digits if digits >= 5 else 1e-6
        assert ours[title].bits_per_weight == pytest.approx(float(study[title]), abs=half), title
