"""Best points, fronts and quantiles of sweeps: in memory, part by part, and on a cluster."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import paramscale as ps
from paramscale.analysis.sweep.reduce import Best, Front, Sketch, _bin, _middle, goals_of
from paramscale.errors import SpecError, UnknownNameError

SCENARIO = ps.Scenario(
    model="llama-3.1-8b", serving=ps.ServingSpec(schedule="continuous"),
    training=ps.TrainingSpec(tokens=1e12),
)  # fmt: skip
OVER: dict[str, Any] = {
    "model.parameters": np.geomspace(1e9, 1e11, 6),
    "hardware": ["h100-sxm", "b200"],
    "serving.batch": np.arange(1, 30),
    "training.tokens": [1e12, 2e12],
}
QUANTITIES = ("tpot_s", "ttft_s", "loss_nats", "throughput_tokens_per_s", "missing_memory_bytes")


@pytest.fixture(params=["in memory", "lazy", "lazy, on threads"])
def found(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ps.Sweep:
    """A sweep of many small regions, held or not."""
    monkeypatch.setattr("paramscale.analysis.sweep.TILE_POINTS", 20)
    monkeypatch.setattr("paramscale.analysis.sweep.REGION_POINTS", 60)
    threads = 2 if "threads" in request.param else 1
    return ps.sweep(
        SCENARIO, OVER, quantities=QUANTITIES, lazy="lazy" in request.param, threads=threads
    )


@pytest.fixture(scope="module")
def table() -> Any:
    """Every point of the same sweep, as a table."""
    return ps.sweep(SCENARIO, OVER, quantities=QUANTITIES).to_pandas()


def test_the_best_points_are_those_of_the_table(found: ps.Sweep, table: Any) -> None:
    """Of equal points the first; coordinates and all quantities are told."""
    best = found.best(minimize="tpot_s", subject_to={"missing_memory_bytes": "<= 0"}, count=4)
    fits = table[table["missing_memory_bytes"] <= 0]
    fits = fits[fits["training.tokens"] == 1e12]  # nothing asked for depends on them
    expected = fits.sort_values("tpot_s", kind="stable").head(4)
    for row, (_, wanted) in zip(best, expected.iterrows(), strict=True):
        for name in table.columns:
            assert row[name] == (
                wanted[name] if name == "hardware" else pytest.approx(wanted[name], rel=1e-12)
            )
    specs = found.specs(best.places[0])
    alone = ps.estimate(**specs, quantities=["tpot_s"])["tpot_s"].value
    assert best[0]["tpot_s"] == pytest.approx(alone, rel=1e-12)


def test_the_greatest_is_found(found: ps.Sweep, table: Any) -> None:
    """With a limit in the units of the display."""
    (best,) = found.best(maximize="throughput_tokens_per_s", subject_to=["tpot_s <= 30 ms"])
    allowed = table[table["tpot_s"] <= 0.030]
    most = allowed["throughput_tokens_per_s"].max()
    assert best["throughput_tokens_per_s"] == pytest.approx(most, rel=1e-12)


def test_nothing_may_meet_the_limits(found: ps.Sweep) -> None:
    """Then there is no point."""
    best = found.best(minimize="tpot_s", subject_to={"tpot_s": "<= 1 µs"})
    assert len(best) == 0
    assert repr(best) == "The point of least tpot_s with tpot_s <= 1 µs"


def beaten(costs: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Return which points another beats, by comparing all with all."""
    no_worse = (costs[:, None, :] >= costs[None, :, :]).all(axis=2)
    worse = (costs[:, None, :] > costs[None, :, :]).any(axis=2)
    return np.asarray((no_worse & worse).any(axis=1))


def test_the_front_is_what_nothing_beats(found: ps.Sweep, table: Any) -> None:
    """Three goals: small, small and large."""
    front = found.pareto(
        minimize=["loss_nats", "ttft_s"], maximize="throughput_tokens_per_s",
        subject_to={"missing_memory_bytes": "<= 0"},
    )  # fmt: skip
    fits = table[table["missing_memory_bytes"] <= 0]
    costs = np.stack([fits["loss_nats"], fits["ttft_s"], -fits["throughput_tokens_per_s"]], axis=1)
    expected = costs[~beaten(costs)]
    got = np.array([[r["loss_nats"], r["ttft_s"], -r["throughput_tokens_per_s"]] for r in front])
    assert len(got) == len(expected)
    for rows in (got, expected):
        rows[:] = rows[np.lexsort(rows.T[::-1])]
    np.testing.assert_allclose(got, expected, rtol=1e-9)
    assert [row["loss_nats"] for row in front] == sorted(row["loss_nats"] for row in front)


def test_quantiles_are_those_of_all_points(found: ps.Sweep, table: Any) -> None:
    """To one part in a thousand, whatever the division; a value that occurs counts as such."""
    shares = [0.0, 0.05, 0.5, 0.9, 1.0]
    for name in ("tpot_s", "loss_nats", "missing_memory_bytes"):
        exact = np.quantile(table[name], shares, method="inverted_cdf")
        assert found.quantiles(name, shares) == pytest.approx(exact, rel=1.1e-3)


def test_questions_with_mistakes_are_refused(found: ps.Sweep) -> None:
    """Each says what to write."""
    with pytest.raises(SpecError, match=r"best\(\) needs one quantity: write minimize"):
        found.best()
    with pytest.raises(SpecError, match=r"best\(\) needs one quantity"):
        found.best(minimize="tpot_s", maximize="ttft_s")
    with pytest.raises(SpecError, match="count must be a whole number of at least 1, not 0"):
        found.best(minimize="tpot_s", count=0)
    with pytest.raises(SpecError, match=r"pareto\(\) needs two quantities or more"):
        found.pareto(minimize="tpot_s")
    with pytest.raises(UnknownNameError, match="no quantity of this sweep is called 'tpto_s'"):
        found.best(minimize="tpto_s")
    with pytest.raises(UnknownNameError, match="no quantity of this sweep is called 'power_w'"):
        found.best(minimize="tpot_s", subject_to={"power_w": "<= 700"})
    with pytest.raises(SpecError, match="shares must lie between 0 and 1, not"):
        found.quantiles("tpot_s", [50.0])


def test_points_are_shown_as_tables(found: ps.Sweep) -> None:
    """As text, as HTML and as a data frame."""
    best = found.best(minimize="tpot_s", count=3)
    assert repr(best).startswith("The 3 points of least tpot_s\nmodel.parameters  hardware  serv")
    assert "<td>b200</td>" in best._repr_html_()
    assert best.to_pandas().shape == (3, len(OVER) + len(QUANTITIES))
    assert len(best[1:]) == 2


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(*[st.floats(-3, 3).map(lambda x: round(x, 1))] * 3), min_size=1, max_size=60
    ),
    st.integers(1, 9),
)  # fmt: skip
def test_states_merge_to_the_same_answer(points: list[Any], parts: int) -> None:
    """Best points and fronts do not depend on how points come in parts."""
    costs = np.array(points)
    goals = goals_of(["a", "b", "c"], [])
    front, best = Front(None, goals, ()), Best(None, goals, (), 3)  # type: ignore[arg-type]
    places = np.arange(len(costs))
    for search in (front, best):
        whole = places[search.kept(costs)]
        kept = [each[search.kept(costs[each])] for each in np.array_split(places, parts)]
        joined = np.sort(np.concatenate(kept))
        assert sorted(joined[search.kept(costs[joined])]) == sorted(whole)


@settings(deadline=None)
@given(st.lists(st.floats(-1e300, 1e300, allow_subnormal=False), min_size=1, max_size=40))
def test_bins_keep_the_order_and_the_values(values: list[float]) -> None:
    """The number of a bin rises with the value, and its middle is near it."""
    array = np.sort(np.array(values))
    numbers = _bin(array)
    assert (np.diff(numbers) >= 0).all()
    np.testing.assert_allclose(_middle(numbers), array, rtol=1.1e-3)
    assert Sketch(None, "").quantiles is not None  # type: ignore[arg-type]


def test_lazy_arrays_compute_what_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """``to_xarray(chunks=...)`` equals the sweep in memory, chunk by chunk."""
    pytest.importorskip("dask")
    here = ps.sweep(SCENARIO, OVER, quantities=QUANTITIES).to_xarray()
    lazy = ps.sweep(SCENARIO, OVER, quantities=QUANTITIES, lazy=True)
    there = lazy.to_xarray(chunks={"serving.batch": 7, "model.parameters": -1})
    assert there["tpot_s"].chunks is not None
    assert there["tpot_s"].chunks[2] == (7, 7, 7, 7, 1)
    assert not lazy.holds("tpot_s")
    for name in QUANTITIES:
        assert there[name].dims == here[name].dims
        np.testing.assert_allclose(there[name].values, here[name].values, rtol=1e-12)
    assert lazy.to_xarray(chunks="auto")["loss_nats"].sum() == pytest.approx(
        float(here["loss_nats"].sum())
    )
    with pytest.raises(SpecError, match="a chunk has 0 places"):
        lazy.to_xarray(chunks={"serving.batch": 0})
    with pytest.raises(UnknownNameError, match="no axis is called 'batch'"):
        lazy.to_xarray(chunks={"batch": 3})
