"""``paramscale list``: every kind of thing, as text and as JSON, and the search."""

from __future__ import annotations

import json
from typing import Any

import pytest

import paramscale as ps
from paramscale.cli.commands.listing import _KINDS
from paramscale.cli.tables import TABLES
from paramscale.core.estimator import ESTIMATORS
from paramscale.io.hf.family import families
from paramscale.laws import laws
from paramscale.specs.block import blocks
from paramscale.specs.serving import ENGINES
from paramscale.transforms.chain import transforms
from tests.cli.conftest import Run


def records(run: Run, *words: str) -> Any:
    return json.loads(run("list", *words, "--json").out)


def test_the_kinds_are_the_tables() -> None:
    """The parser names the kinds before the tables are imported; they are the same."""
    assert tuple(TABLES) == _KINDS


@pytest.mark.parametrize("what", _KINDS)
def test_every_kind_is_listed(run: Run, what: str) -> None:
    """One line or more an item, all within 80 columns; one JSON record an item."""
    ran = run("list", what)
    assert ran.code == 0
    assert max(map(len, ran.out.splitlines())) <= 80
    found = records(run, what)
    assert len(ran.out.splitlines()) >= len(found) + 1
    assert all(isinstance(each, dict) for each in found)


def test_the_lists_are_complete(run: Run) -> None:
    """What the registries hold is what is listed."""
    ps.estimate(model="llama-3.1-8b")
    wanted = {
        "models": list(ps.models),
        "hardware": list(ps.hardware),
        "sites": list(ps.sites),
        "prices": [name for name in ps.prices if "@" in name],
        "formats": list(ps.formats),
        "laws": list(laws),
        "quantities": [quantity.name for quantity in ESTIMATORS.quantities()],
        "families": sorted(families),
        "blocks": sorted(blocks),
        "transforms": sorted(transforms),
        "engines": [name for name in ENGINES if name],
    }
    for what, names in wanted.items():
        assert [next(iter(each.values())) for each in records(run, what)] == names
    keys = {f"{each['quantity']}.{each['estimator']}" for each in records(run, "estimators")}
    shown = {key for key, each in ESTIMATORS.registry.items() if not each.quantity.internal}
    assert keys == shown


def test_the_overview_counts(run: Run) -> None:
    """Without a kind, how many there are of each."""
    found = {each["list"]: each["count"] for each in records(run)}
    assert tuple(found) == _KINDS
    assert found["hardware"] == len(ps.hardware)
    assert found["models"] == len(ps.models)


def test_search(run: Run) -> None:
    """Only what holds the text, whatever its case, also in fields that are not shown."""
    found = [each["hardware"] for each in records(run, "hardware", "--search", "nvidia h100")]
    assert "h100-sxm" in found
    assert "a10" not in found
    assert len(records(run, "estimators", "--search", "ROOFLINE")) >= 2


def test_search_in_vain(run: Run) -> None:
    """Nothing found is no error: an empty list, and a word on stderr for people."""
    ran = run("list", "laws", "--search", "astrology")
    assert (ran.code, ran.out) == (0, "")
    assert "'astrology'" in ran.err
    assert records(run, "laws", "--search", "astrology") == []


def test_unknown_figures_are_null(run: Run) -> None:
    """A figure that no source gives is null in JSON and a dash in the text."""
    t4 = next(each for each in records(run, "hardware") if each["hardware"] == "t4")
    assert t4["fp8_flops_per_s"] is None
    assert t4["fp16_flops_per_s"] == 65e12


def test_a_wrong_kind_is_answered_with_all(run: Run) -> None:
    """The kinds are named."""
    ran = run("list", "lawz")
    assert ran.code == 2
    assert "'laws'" in ran.err
