"""The catalogue of published models."""

from __future__ import annotations

import csv
import re
from collections import Counter

import pytest
from tools import make_models

import paramscale as ps
from paramscale.catalogue.models import Unbuilt, squeezed, unbuilt
from paramscale.catalogue.tables import Row
from paramscale.errors import FileFormatError, UnknownNameError
from paramscale.specs.bill import total
from paramscale.specs.passes import Pass

ROWS: dict[str, Row] = {key: item.row for key, _, item in unbuilt()}


def count(model: ps.ModelSpec) -> float:
    """Parameters of a model, summed over its bill of work."""
    return float(total(model.operations(Pass(1.0, 1.0)), lambda op: op.weights))


#: Key, parameters, and who says so. The numbers are not ours.
PUBLISHED = [
    # What other libraries and model cards print.
    ("llama-3.1-8b", 8_030_261_248, "KerasHub 0.32.0, llama3.1_8b"),
    ("llama-3.1-70b", 70_553_706_496, "checkpoint of meta-llama/Llama-3.1-70B"),
    ("llama-2-7b", 6_738_415_616, "KerasHub 0.32.0, llama2_7b_en"),
    ("mixtral-8x7b", 46_702_792_704, "KerasHub 0.32.0, mixtral_8_7b_en"),
    ("mistral-7b-v0.1", 7_241_732_096, "KerasHub 0.32.0, mistral_7b_en"),
    ("mistral-7b-v0.3", 7_248_023_552, "KerasHub 0.32.0, mistral_0.3_7b_en"),
    ("mistral-small-3.1-24b", 23_572_403_200, "KerasHub 0.32.0, magistral_small_2506_en (same)"),
    ("gpt2", 124_439_808, "KerasHub 0.32.0, gpt2_base_en"),
    ("gpt2-medium", 354_823_168, "KerasHub 0.32.0, gpt2_medium_en"),
    ("gpt2-large", 774_030_080, "KerasHub 0.32.0, gpt2_large_en"),
    ("gpt2-xl", 1_557_611_200, "KerasHub 0.32.0, gpt2_extra_large_en"),
    ("bloom-560m", 559_214_592, "KerasHub 0.32.0, bloom_560m_multi"),
    ("bloom-1.1b", 1_065_314_304, "KerasHub 0.32.0, bloom_1.1b_multi"),
    ("bloom-1.7b", 1_722_408_960, "KerasHub 0.32.0, bloom_1.7b_multi"),
    ("bloom-3b", 3_002_557_440, "KerasHub 0.32.0, bloom_3b_multi"),
    ("gemma-2b", 2_506_172_416, "KerasHub 0.32.0, gemma_2b_en"),
    ("gemma-7b", 8_537_680_896, "KerasHub 0.32.0, gemma_7b_en"),
    ("gemma-2-2b", 2_614_341_888, "KerasHub 0.32.0, gemma2_2b_en"),
    ("gemma-2-9b", 9_241_705_984, "KerasHub 0.32.0, gemma2_9b_en"),
    ("gemma-2-27b", 27_227_128_320, "KerasHub 0.32.0, gemma2_27b_en"),
    ("gemma-3-1b", 999_885_952, "KerasHub 0.32.0, gemma3_1b"),
    ("phi-3-mini-4k", 3_821_079_552, "KerasHub 0.32.0, phi3_mini_4k_instruct_en"),
    ("qwen2.5-0.5b", 494_032_768, "KerasHub 0.32.0, qwen2.5_0.5b_en"),
    ("qwen2.5-3b", 3_085_938_688, "KerasHub 0.32.0, qwen2.5_3b_en"),
    ("qwen2.5-7b", 7_615_616_512, "KerasHub 0.32.0, qwen2.5_math_7b_en (same)"),
    ("qwen2.5-72b", 72_706_203_648, "KerasHub 0.32.0, qwen2.5_instruct_72b_en"),
    ("qwen3-0.6b", 596_049_920, "KerasHub 0.32.0, qwen3_0.6b_en"),
    ("qwen3-8b", 8_190_735_360, "KerasHub 0.32.0, qwen3_8b_en"),
    ("qwen3-32b", 32_762_123_264, "KerasHub 0.32.0, qwen3_32b_en"),
    ("qwen3-30b-a3b", 30_532_122_624, "KerasHub 0.32.0, qwen3_moe_30b_a3b_en"),
    ("qwen3-235b-a22b", 235_093_634_560, "KerasHub 0.32.0, qwen3_moe_235b_a22b_en"),
    ("qwen3.5-35b-a3b", 34_660_610_688, "KerasHub 0.32.0, qwen_agent_world_35b_a3b (same)"),
    ("qwen1.5-moe-a2.7b", 14_315_784_192, "KerasHub 0.32.0, qwen1.5_moe_2.7b_en"),
    ("bloom-176b", 176_247_271_424, "arXiv:2211.05100 and the model card of bigscience/bloom"),
    ("gpt-neox-20b", 20_554_567_680, "model card of EleutherAI/gpt-neox-20b, n_parameters"),
    # Published total 671B without the layer that predicts a second token (arXiv:2412.19437).
    ("deepseek-v3", 671_026_404_352, "transformers 5.23.0, measured on DeepseekV3ForCausalLM"),
]

#: Total and non-embedding parameters of the Pythia suite: arXiv:2304.01373 Table 1, model cards.
PYTHIA = {
    "pythia-70m": (70_426_624, 18_915_328),
    "pythia-160m": (162_322_944, 85_056_000),
    "pythia-410m": (405_334_016, 302_311_424),
    "pythia-1b": (1_011_781_632, 805_736_448),
    "pythia-1.4b": (1_414_647_808, 1_208_602_624),
    "pythia-2.8b": (2_775_208_960, 2_517_652_480),
    "pythia-6.9b": (6_857_302_016, 6_444_163_072),
    "pythia-12b": (11_846_072_320, 11_327_027_200),
}

#: Published size in billions, rounded as printed, and where.
ROUNDED = {
    "deepseek-v2": ("236", "arXiv:2405.04434"),
    "gpt-oss-20b": ("20.9", "model card"),
    "gpt-oss-120b": ("116.8", "model card"),
    "command-r-35b": ("35", "model card"),
    "jamba-v0.1": ("52", "arXiv:2403.19887"),
    "dbrx": ("132", "model card"),
    "hunyuan-a13b": ("80", "model card"),
    "lfm2-1.2b": ("1.17", "model card"),
    "recurrentgemma-2b": ("2.68", "arXiv:2404.07839 Table 1"),
    "recurrentgemma-9b": ("8.58", "arXiv:2404.07839 Table 1"),
    "mamba-2.8b": ("2.8", "arXiv:2312.00752"),
    "falcon-mamba-7b": ("7.27", "arXiv:2410.05355"),
    "starcoder2-15b": ("16", "arXiv:2402.19173"),
    "minimax-m1": ("456", "arXiv:2506.13585"),
}


def test_breadth() -> None:
    """There are at least 120 models of at least 40 families."""
    assert len(ps.models) >= 120
    assert len({row.text("family") for row in ROWS.values()}) >= 40


@pytest.mark.parametrize("key", ROWS)
def test_row_builds(key: str) -> None:
    """A row builds, its count is that of its bill of work, and it is the same as plain data."""
    row, model = ROWS[key], ps.models[key]
    assert row.whole("parameters") == count(model)
    assert (model.name, model.family, model.source) == (
        key,
        row.text("family"),
        row.text("source"),
    )
    plain = model.to_dict()
    assert plain == ps.ModelSpec.from_dict(plain).to_dict()


@pytest.mark.parametrize("key", ROWS)
def test_source_is_exact(key: str) -> None:
    """A source names a file at a commit, a released package, a paper, or a published file."""
    source = ROWS[key].text("source")
    exact = r"@[0-9a-f]{7,40}:|\(PyPI\)|arXiv:\d{4}\.\d{5}|config\.json|README\.md|\.py|\.rs"
    assert re.search(exact, source), source
    assert "/work" not in source
    assert "http" not in source


def test_names_are_unique() -> None:
    """Keys and aliases name one model each, also with signs and publisher left out."""
    owners: dict[str, set[str]] = {}
    for key, aliases, _ in unbuilt():
        for name in (key, *aliases):
            for form in (squeezed(name), squeezed(name.rpartition("/")[2])):
                owners.setdefault(form, set()).add(key)
    assert {form: keys for form, keys in owners.items() if len(keys) > 1} == {}
    assert max(Counter(key for key, _, _ in unbuilt()).values()) == 1


def test_keys_are_readable() -> None:
    """Keys are lower-case words, and the rows stand in their order."""
    assert [key for key in ROWS if not re.fullmatch(r"[a-z0-9]+([.-][a-z0-9]+)*", key)] == []
    assert list(ROWS) == sorted(ROWS)


@pytest.mark.parametrize(("key", "parameters", "source"), PUBLISHED)
def test_published_count(key: str, parameters: int, source: str) -> None:
    """The count is the one that others publish."""
    assert parameters == count(ps.models[key]), source


@pytest.mark.parametrize("key", PYTHIA)
def test_pythia(key: str) -> None:
    """Total and non-embedding counts are those of the table of the Pythia paper."""
    model = ps.models[key]
    embedding = [item.operations(model.width, Pass(1, 1)) for item in model.embedding]
    tables = sum(float(op.weights) for ops in embedding for op in ops)
    assert PYTHIA[key] == (count(model), count(model) - 2 * tables)


@pytest.mark.parametrize("key", ROUNDED)
def test_published_size(key: str) -> None:
    """The count is the published size within its rounding."""
    size, source = ROUNDED[key]
    half = 0.5 * 10.0 ** -len(size.partition(".")[2])
    assert float(size) == pytest.approx(count(ps.models[key]) / 1e9, abs=half), source


#: Models whose name gives another size than that of the text model: the active size, one with the
#: vision tower, or one that is rounded down a lot.
NAMED_OTHERWISE = {
    "falcon3-1b",
    "llama-4-maverick-17b-128e",
    "llama-4-scout-17b-16e",
    "olmo-2-1b",
    "olmoe-1b-7b",
    "qwen2-vl-2b",
}


@pytest.mark.parametrize("key", [key for key in ROWS if key not in NAMED_OTHERWISE])
def test_size_in_the_name(key: str) -> None:
    """A size in the name is about the count."""
    found = re.search(r"(?<![a-z0-9.])(\d+(?:\.\d+)?)([mb])(?![a-z0-9])", key)
    if found is None:
        return
    size = float(found[1]) * {"m": 1e6, "b": 1e9}[found[2]]
    assert size == pytest.approx(count(ps.models[key]), rel=0.27)


@pytest.mark.parametrize(
    "name",
    [
        "LLAMA-3.1-8B",
        "meta-llama/Llama-3.1-8B",
        "meta-llama/Meta-Llama-3.1-8B-Instruct",
        "Llama 3.1 8B",
        "llama3.1-8b",
        "Llama-3.1 (8B)",
        "LLAMA3.1_8B",
    ],
)
def test_other_names(name: str) -> None:
    """A model answers to its aliases, whatever the case and the signs between the words."""
    assert name in ps.models
    assert ps.models["llama-3.1-8b"] is ps.models[name]


def test_did_you_mean() -> None:
    """An unknown name is answered with the nearest."""
    with pytest.raises(UnknownNameError, match=r"no model is called 'llama-3.1-9b'; did you mean"):
        ps.models["llama-3.1-9b"]
    with pytest.raises(KeyError, match="Known"):
        ps.models["no such thing"]
    assert "someone-else/Llama-3.1-8B" not in ps.models


def test_a_model_is_built_once_and_late() -> None:
    """Reading the table builds nothing; a model is built at its first use and kept."""
    assert all(isinstance(item, Unbuilt) for _, _, item in unbuilt())
    assert ps.models["gpt2"] is ps.models["gpt2"]


def test_rows_follow_from_their_facts() -> None:
    """The table is what ``tools/make_models.py`` makes of ``tools/model_facts.jsonl`` today."""
    made = [make_models.row_of(entry) for entry in make_models.from_facts()]
    differ = [row["key"] for row in made if dict(ROWS[row["key"]].cells) != row]
    assert differ == [], "run tools/make_models.py again"


def test_broken_row_is_named() -> None:
    """A row with a cell too few fails when it is used."""
    broken = Unbuilt("key,aliases,family", "a,b", 2)
    with pytest.raises(FileFormatError, match=r"models\.csv line 2: 2 cells, but the header has 3"):
        broken.build()


def test_csv_is_one_line_a_row() -> None:
    """No cell holds a line break, on which the quick reading relies; keys and aliases no comma."""
    lines = [item.text for _, _, item in unbuilt()]
    assert all(len(next(csv.reader([line]))) == 6 for line in lines)
