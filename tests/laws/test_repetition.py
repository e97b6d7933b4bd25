"""The law of repetition, memorisation and knowledge: physics, and answers that others printed."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paramscale.core import packaged
from paramscale.errors import FileFormatError
from paramscale.laws import memorisation
from paramscale.laws.repetition import UNIFORM, decay_factor, repetition_law
from paramscale.laws.repetition_optimum import BestSize, best_epochs, best_size

LAW = repetition_law()
RUNS = Path(__file__).parents[3] / "shared/data/capability/datablations_losses.csv"

sizes = st.floats(1e6, 1e12)
data = st.floats(1e7, 1e13)
epochs = st.floats(1.0, 1e4)
decays = st.sampled_from([0.0, 0.1, 1.0, 3.0])

#: Parameters, tokens, unique tokens and loss of Muennighoff et al. 2023, huggingface/datablations
#: utils/parametric_fit.ipynb, cell 1: the mild regime and the blow-up that their fit left out.
FACTS = [
    (1.0963e9, 1.5e9, 1e8, 3.819, 0.15),
    (1.465e8, 5.9e9, 1e8, 3.718, 0.15),
    (2.205e8, 1.74e11, 4e8, 3.261, 0.15),
    (2.81e9, 5.5e10, 4e9, 2.693, 0.1),
    (2.81e9, 5.5e10, 5.5e10, 2.570, 0.1),
    (1.0963e9, 1.2e10, 1e8, 8.136, 0.4),
    (2.81e9, 3.6e10, 1e8, 10.696, 0.4),
]


@pytest.mark.parametrize(("size", "tokens", "unique", "loss", "within"), FACTS)
def test_measured_runs(
    size: float, tokens: float, unique: float, loss: float, within: float
) -> None:
    """Runs of the study, from four epochs to the blow-up, within a stated number of nats."""
    assert LAW(size, tokens, unique) == pytest.approx(loss, abs=within)


@given(size=sizes, tokens=data, first=data, second=data, decay=decays)
def test_more_unique_tokens_never_raise_the_loss(
    size: float, tokens: float, first: float, second: float, decay: float
) -> None:
    """At the same number of tokens seen."""
    few, many = LAW(size, tokens, sorted([first, second]), decay)
    assert many <= few + 1e-12


@given(size=sizes, first=data, second=data, often=epochs, decay=decays)
def test_nor_at_the_same_number_of_epochs(
    size: float, first: float, second: float, often: float, decay: float
) -> None:
    """More data seen as often."""
    unique = np.sort([first, second])
    few, many = LAW(size, often * unique, unique, decay)
    assert many <= few + 1e-9


@given(size=sizes, unique=data, first=epochs, second=epochs, decay=decays)
def test_the_excess_grows_with_epochs_and_shrinks_with_decay(
    size: float, unique: float, first: float, second: float, decay: float
) -> None:
    """What memory takes never falls with epochs; it never rises with weight decay."""
    often = np.sort([first, second])
    few, many = LAW.parts(size, often * unique, unique, decay).memorised
    more_decay = LAW.parts(size, often[1] * unique, unique, decay + 1.0).memorised
    assert more_decay <= many + 1e-9
    learnt = LAW.without_memory(size, often * unique, unique)
    assert few / (UNIFORM - learnt[0]) <= many / (UNIFORM - learnt[1]) + 1e-9


@given(size=sizes, tokens=data, unique=data, decay=decays)
def test_bounds(size: float, tokens: float, unique: float, decay: float) -> None:
    """Between the floor and a uniform guess; never better than fresh data; parts add up."""
    loss = LAW(size, tokens, unique, decay)
    assert LAW.floor < loss <= UNIFORM + 1e-9
    assert LAW.excess(size, tokens, unique, decay) >= 0.0
    parts = LAW.parts(size, tokens, unique, decay)
    assert min(parts) >= -1e-9
    assert sum(parts) == pytest.approx(loss)


@given(size=sizes, tokens=data, factor=st.floats(1.0, 1e6))
def test_one_epoch_has_no_excess(size: float, tokens: float, factor: float) -> None:
    """As many unique tokens as are seen, more, or without end: the law of fresh data."""
    fresh = LAW.fresh(size, tokens)
    assert LAW(size, tokens, [tokens, tokens * factor, np.inf]) == pytest.approx(fresh)
    np.testing.assert_array_equal(LAW.excess(size, tokens, [tokens, tokens * factor]), 0.0)


@given(size=sizes, tokens=data)
def test_fresh_data_never_hurt(size: float, tokens: float) -> None:
    """Without repeats the loss falls with tokens."""
    assert LAW.fresh(size, 2.0 * tokens) < LAW.fresh(size, tokens)


def test_arrays_and_nan() -> None:
    """A grid is its points, axes broadcast, NaN and what is not positive give NaN."""
    size, unique = np.array([1e8, 1e9])[:, None], np.array([1e8, 1e9, 1e10])
    grid = LAW(size, 1e10, unique)
    points = [[LAW(float(n), 1e10, float(u)) for u in unique] for n in size[:, 0]]
    np.testing.assert_array_equal(grid, points)
    assert isinstance(LAW(1e9, 1e10, 1e9), np.float64)
    for bad in (np.nan, 0.0, -1.0):
        assert np.isnan(LAW(bad, 1e10, 1e9))
        assert np.isnan(LAW(1e9, bad, 1e9))
        assert np.isnan(LAW(1e9, 1e10, bad))
    assert np.isnan(LAW(1e9, 1e10, 1e9, [np.nan, -0.1])).all()
    many = np.array([7 * 10**10]), np.array([15 * 10**12])
    np.testing.assert_array_equal(LAW(*many, 1e12), LAW(7e10, 1.5e13, 1e12))


def test_weight_decay() -> None:
    """Lovelace 2026: at 1.0 the overfitting coefficient is 70 % lower; 0.1 changes nothing."""
    assert decay_factor(1.0) == pytest.approx(0.3)
    assert decay_factor(0.1) == pytest.approx(1.0)
    mild = (6.187e8, 2.2e10, 4e8)
    usual, strong = (LAW.parts(*mild, decay).memorised for decay in (0.1, 1.0))
    assert strong / usual == pytest.approx(0.3, abs=0.02)


def test_decay_is_worth_data() -> None:
    """Kim et al. 2025: at 2e8 unique tokens their best recipe, with ensembles, is worth 5.17 times
    the data of the usual one: decay alone is worth more than 1 and less than that.
    """
    for decay in (1.0, 3.0):
        better = best_size(LAW, 2e8, decay).loss
        assert best_size(LAW, 5.17 * 2e8).loss < better < best_size(LAW, 2e8).loss


@pytest.mark.parametrize(
    ("unique", "size", "loss"),
    [(1e8, 1.465e8, 3.718), (4e8, 2.205e8, 3.257), (1.5e9, 5.7e8, 2.864)],
)
def test_best_size(unique: float, size: float, loss: float) -> None:
    """The measured best size lies in the band, and its loss is met within 0.1 nats."""
    found = best_size(LAW, unique)
    assert found.low <= size <= found.high
    assert found.low <= found.parameters <= found.high
    assert found.loss == pytest.approx(loss, abs=0.1)


def test_best_epochs() -> None:
    """1.1B on 1e8 tokens is best near 15 epochs, at 3.82; larger models earlier."""
    found = best_epochs(LAW, 1.0963e9, 1e8)
    assert found.low <= 15.0 <= found.high
    assert found.loss == pytest.approx(3.82, abs=0.15)
    several = best_epochs(LAW, np.array([3e8, 1e9, 3e9]), 1e8)
    assert np.all(np.diff(several.epochs) < 0)
    assert np.all(several.low <= several.epochs)
    assert np.all(several.epochs <= several.high)


def test_optima_on_arrays() -> None:
    """Shapes broadcast; NaN gives NaN."""
    found = best_size(LAW, np.array([1e8, np.nan, 1e9])[:, None], np.array([0.1, 1.0]))
    assert np.shape(found.parameters) == (3, 2)
    assert np.isnan(found.parameters[1]).all()
    for place, field in enumerate(BestSize._fields):
        assert getattr(found, field)[2, 0] == best_size(LAW, 1e9)[place]
    assert np.isnan(best_epochs(LAW, np.nan, 1e9).epochs)


def test_risk() -> None:
    """Nothing at no excess, one half at the threshold, falling with the threshold."""
    assert LAW.risk(0.0, 0.05) == 0.0
    assert LAW.risk(0.05, 0.05) == pytest.approx(0.5)
    assert LAW.risk(0.1, 0.05) > 0.9 > LAW.risk(0.05, 0.1)
    low, high = LAW.excess_interval(0.05)
    assert LAW.risk(low, 0.05) == pytest.approx(0.05)
    assert LAW.risk(high, 0.05) == pytest.approx(0.95)
    assert np.isnan(LAW.risk(np.nan, 0.05))


def test_intervals_widen_outside() -> None:
    """Far from the runs that were fitted the interval is wider; it holds the loss."""
    size = np.array([1e9, 4e9, 1e11, 1e13])
    low, high = LAW.interval(size, 2e10, 2e10)
    assert np.all((low < LAW(size, 2e10, 2e10)) & (LAW(size, 2e10, 2e10) < high))
    assert np.all(np.diff(high - low)[1:] > 0)


def test_a_broken_table_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A value that is no number is told with file and line."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/repetition.csv").write_text("coefficient,value\nfloor,one\n")
    monkeypatch.setattr(packaged.resources, "files", lambda package: tmp_path)
    with pytest.raises(FileFormatError, match=r"repetition.csv line 2: .*'one'"):
        repetition_law.__wrapped__()


@pytest.mark.skipif(not RUNS.exists(), reason="the runs of the study are not beside the repo")
def test_all_runs() -> None:
    """Distinct runs of the study: mean 0.06 and median 0.035 nats; 90 % intervals hold them."""
    seeds: dict[tuple[float, ...], list[float]] = defaultdict(list)
    with RUNS.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            if row["run"] != "4b284b12bc4opt2":  # its row contradicts its name
                key = ("params", "training_tokens", "unique_tokens")
                seeds[tuple(float(row[column]) for column in key)].append(
                    float(row["val_loss_nats_per_token"])
                )
    inputs: Any = np.array(list(seeds)).T
    loss = np.array([np.median(each) for each in seeds.values()])
    error = np.abs(LAW(*inputs) - loss)
    assert np.mean(error) < 0.06
    assert np.median(error) < 0.035
    low, high = LAW.interval(*inputs)
    assert 0.85 <= np.mean((loss >= low) & (loss <= high)) <= 0.98


def test_capacities_differ() -> None:
    """Morris: 3.6 bits of noise a parameter; Allen-Zhu: 2 bits of facts, half after 100 visits."""
    assert memorisation.memory_bits(1e9) == 3.6e9
    assert memorisation.knowledge_bits(7e9) == 14e9  # "a 7B model can store 14B bits", abstract
    assert memorisation.knowledge_bits(1e9, 100.0) == pytest.approx(1e9)
    seen = np.geomspace(1.0, 1e5, 30)
    assert np.all(np.diff(memorisation.knowledge_bits(1e9, seen)) >= 0)
    assert memorisation.knowledge_bits(1e9, 5.0) == 0.0


def test_memory_ratio() -> None:
    """Where capacity and information meet it is 1; more data lower it, more parameters raise it."""
    meet = 3.6 * 1e8 / 4.0
    assert memorisation.memory_ratio(1e8, meet, 4.0) == pytest.approx(1.0)
    assert memorisation.memory_ratio(1e8, 2 * meet, 4.0) == pytest.approx(0.5)
    assert np.isnan(memorisation.memory_ratio(np.nan, meet, 4.0))


def test_extraction() -> None:
    """Carlini: GPT-J 33 % and 65 %; ten times smaller, 19 points less; GPT-Neo 1.3B about 40 %.

    The last is a mean over contexts, for which the geometric mean of 50 and 450 stands here.
    """
    assert memorisation.extractable_share(6e9, 450.0) == pytest.approx(0.65)
    drop = memorisation.extractable_share(6e9) - memorisation.extractable_share(6e8)
    assert drop == pytest.approx(0.19)
    assert memorisation.extractable_share(1.3e9, 150.0) == pytest.approx(0.40, abs=0.06)
    assert memorisation.extractable_share(1e6) == 0.0
    assert memorisation.extractable_share(1e15, 450.0) == 1.0


def test_a_law_is_adjusted_by_evolving() -> None:
    """Without room nothing is memorised: only the fading of repeats is left."""
    law = attrs.evolve(LAW, room=1e-12)
    assert law.parts(1e9, 1e11, 1e8).memorised == pytest.approx(0.0, abs=1e-6)
    assert law.parts(1e9, 1e11, 1e8).faded > 0.0
