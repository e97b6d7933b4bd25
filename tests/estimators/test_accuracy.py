"""Accuracies as estimators: in the graph, on grids, with siblings, with errors that tell."""

from __future__ import annotations

import numpy as np
import pytest

import paramscale as ps
from paramscale.core.estimator import ESTIMATORS
from paramscale.errors import SpecError, UnknownNameError
from paramscale.estimators.accuracy import BenchmarkAccuracy, calibrate_family, marginal_return
from paramscale.laws.accuracy import accuracy_law

NAMES = accuracy_law().names
RUN = ps.TrainingSpec(tokens=2e12, release_year=2023.54)
LLAMA_2_7B = (7e9, 7e9, 2e12, {"mmlu_fraction": 0.4379, "gsm8k_fraction": 0.144})


@pytest.mark.parametrize("name", NAMES)
def test_intervals_hold_the_value(name: str) -> None:
    """0 <= low <= value <= high <= 1 everywhere, and the value lies below its ceiling."""
    sizes = np.geomspace(1e6, 1e14, 33)[:, None]
    runs = ps.TrainingSpec(tokens=np.geomspace(1e6, 1e16, 21))
    value, low, high = BenchmarkAccuracy(name)(sizes, sizes, runs)
    assert ((low >= 0.0) & (low <= value) & (value <= high) & (high <= 1.0)).all()
    assert (value <= 0.95).all()


def test_a_grid_equals_its_points() -> None:
    """Arrays give what points give, with and without siblings."""
    family = calibrate_family([LLAMA_2_7B])["mmlu_fraction"]
    sizes, tokens = np.geomspace(1e8, 1e11, 4)[:, None], np.geomspace(1e11, 1e13, 3)
    for accuracy in (BenchmarkAccuracy("mmlu_fraction"), family):
        grid = accuracy(sizes, 0.5 * sizes, ps.TrainingSpec(tokens=tokens))
        for (row, column), value in np.ndenumerate(grid.value):
            size = np.float64(sizes[row, 0])
            point = accuracy(size, 0.5 * size, ps.TrainingSpec(tokens=tokens[column]))
            expected = [grid.low[row, column], value, grid.high[row, column]]
            np.testing.assert_allclose([point.low, point.value, point.high], expected, rtol=1e-12)


def test_missing_in_missing_out() -> None:
    """NaN in size gives NaN in value and interval, at its point alone."""
    sizes = np.array([1e9, np.nan])
    for accuracy in (BenchmarkAccuracy("gsm8k"), calibrate_family([LLAMA_2_7B])["gsm8k"]):
        for each in accuracy(sizes, sizes, RUN):
            assert np.isnan(each).tolist() == [False, True]


def test_more_knowledge_narrows() -> None:
    """Nothing known, year, year and code, one sibling: each interval is narrower."""
    code = ps.TrainingSpec(tokens=2e12, release_year=2023.54, code_fraction=0.0)
    unknown = BenchmarkAccuracy("hellaswag_fraction")
    told = calibrate_family([(7e9, 7e9, 2e12, {"hellaswag_fraction": 0.777})], release_year=2023.54)
    answers = [
        unknown(13e9, 13e9, ps.TrainingSpec(tokens=2e12)), unknown(13e9, 13e9, RUN),
        unknown(13e9, 13e9, code), told["hellaswag_fraction"](13e9, 13e9, RUN),
    ]  # fmt: skip
    widths = [answer.high - answer.low for answer in answers]
    assert widths == sorted(widths, reverse=True)


def test_in_the_graph() -> None:
    """Each benchmark is a quantity; outside the domain it says so."""
    found = ps.estimate(model="llama-3.1-8b", training=RUN, quantities=list(NAMES))
    assert set(found) == set(NAMES)
    assert all(found[name].inside for name in NAMES)
    old = ps.TrainingSpec(tokens=2e12, release_year=2018.0)
    assert not ps.estimate(model="llama-3.1-8b", training=old)["mmlu_fraction"].inside


def test_draws_follow_the_interval() -> None:
    """Samples have a leading axis, keep to 0 and 1, and spread as the interval says."""
    accuracy = BenchmarkAccuracy("mmlu_fraction")
    sizes = np.array([7e9, 70e9])
    drawn = accuracy.sample(4000, np.random.default_rng(1))(sizes, sizes, RUN)
    answer = accuracy(sizes, sizes, RUN)
    assert drawn.shape == (4000, 2)
    low, high = np.quantile(drawn, [0.05, 0.95], axis=0)
    np.testing.assert_allclose([low, high], [answer.low, answer.high], atol=0.02)


def test_a_registered_family_is_chosen_by_name() -> None:
    """``use`` takes a family that was registered; nobody else's answer changes."""
    family = calibrate_family([LLAMA_2_7B], release_year=2023.54)
    before = dict(ESTIMATORS.registry.names_so_far())
    family.register("llama_2_of_a_test")
    try:
        question = {"model": "llama-3.1-8b", "training": RUN, "quantities": "mmlu_fraction"}
        mine = ps.estimate(**question, use={"mmlu_fraction": "llama_2_of_a_test"})
        assert mine["mmlu_fraction"].value < 0.52
        assert ps.estimate(**question)["mmlu_fraction"].estimator == "latent_sigmoid"
    finally:
        _forget(set(ESTIMATORS.registry.names_so_far()) - set(before))


def _forget(keys: set[str]) -> None:
    """Take estimators out of the shared collection again."""
    for key in keys:
        record = ESTIMATORS.registry._items.pop(key)
        name = record.quantity.name
        left = [each for each in ESTIMATORS._by_quantity[name] if each is not record]
        ESTIMATORS._by_quantity[name] = tuple(left)
    ESTIMATORS.version += 1


def test_family_efficiency() -> None:
    """A family that is 4 times as efficient does what a mean one does with twice of all."""
    mmlu = BenchmarkAccuracy("mmlu_fraction")
    better = mmlu(7e9, 7e9, ps.TrainingSpec(tokens=1e12, release_year=2023.5, family_efficiency=4))
    more = mmlu(14e9, 14e9, ps.TrainingSpec(tokens=2e12, release_year=2023.5))
    assert better.value == pytest.approx(more.value, rel=1e-12)


def test_returns_diminish() -> None:
    """Doublings gain; on the upper half of the curve each gains less than the one before."""
    sizes = 7e9 * 2.0 ** np.arange(8)
    gain = marginal_return(BenchmarkAccuracy("hellaswag_fraction"), sizes, sizes, RUN)
    assert (gain.parameters_doubling > 0.0).all()
    assert (np.diff(gain.parameters_doubling) < 0.0).all()
    assert (gain.tokens_doubling > 0.0).all()
    value = BenchmarkAccuracy("hellaswag_fraction")(sizes, sizes, RUN).value
    np.testing.assert_allclose(
        gain.parameters_elasticity[3],
        gain.parameters_doubling[3] / value[3] / np.log(2.0),
        rtol=0.3,
    )


@pytest.mark.parametrize(
    ("siblings", "message"),
    [
        ([], "needs a sibling"),
        ([(7e9, 7e9, {"mmlu_fraction": 0.4})], "a sibling is"),
        ([(7e9, 7e9, np.nan, {"mmlu_fraction": 0.4})], "tokens of a sibling must be greater"),
        ([(-1.0, 7e9, 1e12, {"mmlu_fraction": 0.4})], "parameters of a sibling"),
        ([(7e9, 7e9, 1e12, {"mmlu_fraction": 44.0})], "a fraction from 0 to 1, not 44.0"),
        ([(7e9, 7e9, 1e12, {})], "needs scores"),
    ],
)
def test_wrong_siblings_are_refused(siblings: list, message: str) -> None:
    """The message says what is wrong and with which number."""
    with pytest.raises(SpecError, match=message):
        calibrate_family(siblings)
    with pytest.raises(UnknownNameError, match="did you mean"):
        calibrate_family([(7e9, 7e9, 1e12, {"mmlu_fractoin": 0.4})])
