"""The search itself, against enumeration and against answers found by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.analysis.toy_world import WORLD

from paramscale.analysis.front import Front
from paramscale.analysis.optimum import Optimum
from paramscale.analysis.search.axes import varied
from paramscale.analysis.search.best import best_point
from paramscale.analysis.search.front import front_points, nondominated
from paramscale.analysis.search.grid import Grid, cases_of, grid_of
from paramscale.analysis.search.limits import limits_of
from paramscale.analysis.search.score import Goal, Wanted
from paramscale.analysis.search.study import study_of
from paramscale.core.collection import Estimators
from paramscale.errors import InfeasibleError, SpecError

Over = Mapping[str, Any]


def grids(
    measures: Sequence[str], over: Over, options: Any = None, coarse: int = 40_000
) -> list[Grid]:
    """Return the coarse grids of the toy world."""
    return grids_of(WORLD, {}, measures, over, options, coarse)


def grids_of(
    world: Estimators, specs: Over, measures: Sequence[str], over: Over, options: Any = None,
    coarse: int = 40_000,
) -> list[Grid]:  # fmt: skip
    """Return the coarse grids of a world."""
    study = study_of(None, specs, measures, options=options, world=world)
    cases = cases_of(study, varied(study, over))
    return [grid_of(case, len(cases), coarse=coarse, most=5_000_000) for case in cases]


def best_of(
    world: Estimators, specs: Over, goal: str, over: Over, limits: Any = None, *,
    maximize: bool = False, options: Any = None, refine: bool = True, coarse: int = 40_000,
    **more: Any,
) -> Optimum:  # fmt: skip
    """Return what the search finds in a world."""
    found = limits_of(limits)
    names = [goal, *(each.measure for each in found)]
    wanted = Wanted(Goal(goal, maximize), found, more.pop("cautious", False))
    asked = grids_of(world, specs, names, over, options, coarse)
    return best_point(asked, wanted, within=more.pop("within", 0.01), refine=refine)


def optimum(goal: str, over: Over, limits: Any = None, **more: Any) -> Optimum:
    """Return what the search finds in the toy world."""
    return best_of(WORLD, {}, goal, over, limits, **more)


def measured(names: Sequence[str], over: Over, options: Any = None) -> list[dict[str, float]]:
    """Return the measures of every point of lists of values, each point by itself."""
    study = study_of(None, {}, names, options=options, world=WORLD)
    rows = []
    for values in product(*over.values()):
        found = study.measure(dict(zip(over, values, strict=True)))
        rows.append({name: float(each.value) for name, each in found.items()})
    return rows


coefficient = st.floats(-2.0, 2.0)
sides = st.lists(st.floats(0.1, 10.0), min_size=1, max_size=4, unique=True)
counts = st.lists(st.integers(1, 30), min_size=1, max_size=4, unique=True)
kinds = st.lists(st.sampled_from(["plain", "fancy", "broken"]), min_size=1, unique=True)


@settings(max_examples=60, deadline=None)
@given(
    x=sides, y=sides, n=counts, kind=kinds, centre=st.tuples(coefficient, coefficient, coefficient),
    tilt=coefficient, bound=st.floats(0.05, 500.0), refine=st.booleans(), maximize=st.booleans(),
)  # fmt: skip
def test_lists_are_enumerated(
    x: Any, y: Any, n: Any, kind: Any, centre: Any, tilt: float, bound: float, refine: bool,
    maximize: bool,
) -> None:  # fmt: skip
    """Over lists the best of all points comes back, or the error where none holds the limit."""
    over = {"box.x": x, "box.y": y, "box.n": n, "box.kind": kind}
    options = {"bowl_ratio.centre": centre, "bowl_ratio.tilt": tilt}
    rows = measured(["bowl_ratio", "volume_ratio"], over, options)
    held = [
        row["bowl_ratio"] for row in rows
        if row["volume_ratio"] <= bound and not np.isnan(row["bowl_ratio"])
    ]  # fmt: skip
    ask = {"volume_ratio": ("<=", bound)}
    if not held:
        with pytest.raises(InfeasibleError):
            optimum("bowl_ratio", over, ask, options=options, refine=refine, maximize=maximize)
        return
    found = optimum("bowl_ratio", over, ask, options=options, refine=refine, maximize=maximize)
    assert found.value == (max(held) if maximize else min(held))
    assert found.holding == len(held)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), n=st.integers(2, 40), m=st.integers(2, 40))
def test_ranges_of_whole_numbers_without_any_order_are_enumerated(
    seed: int, n: int, m: int
) -> None:
    """Where a range of whole numbers is short all of them are tried, whatever the goal does."""
    options = {"rough_ratio.seed": seed}
    every = measured(["rough_ratio"], {"box.n": range(1, n + 1), "box.m": range(1, m + 1)}, options)
    truth = np.nanmin([row["rough_ratio"] for row in every])
    found = optimum("rough_ratio", {"box.n": (1, n), "box.m": (1, m)}, options=options, coarse=2000)
    assert found.value == truth


@settings(max_examples=40, deadline=None)
@given(
    centre=st.tuples(coefficient, coefficient, st.floats(0.0, 5.0)), tilt=st.floats(-1.5, 1.5),
    bound=st.floats(0.5, 50.0),
)  # fmt: skip
def test_no_point_is_better_and_limits_hold(centre: Any, tilt: float, bound: float) -> None:
    """Over ranges what comes back holds the limit and beats a dense sample of points."""
    over = {"box.x": (0.1, 20.0), "box.y": (0.1, 20.0), "box.n": (1, 300)}
    options = {"bowl_ratio.centre": centre, "bowl_ratio.tilt": tilt}
    found = optimum("bowl_ratio", over, {"volume_ratio": f"<= {bound}"}, options=options)
    rng = np.random.default_rng(1)
    sample = {
        "box.x": np.exp(rng.uniform(np.log(0.1), np.log(20.0), 20_000)),
        "box.y": np.exp(rng.uniform(np.log(0.1), np.log(20.0), 20_000)),
        "box.n": np.rint(np.exp(rng.uniform(0.0, np.log(300.0), 20_000))),
    }
    study = study_of(None, {}, ["bowl_ratio", "volume_ratio"], options=options, world=WORLD)
    dense = study.measure(sample)
    held = dense["volume_ratio"].value <= bound
    at = study.measure(found.at)
    assert at["volume_ratio"].value <= bound
    assert at["bowl_ratio"].value == found.value
    assert found.value <= np.asarray(dense["bowl_ratio"].value)[held].min(initial=np.inf)
    assert found["box.n"] == round(found["box.n"])


@settings(max_examples=30, deadline=None)
@given(a=st.floats(0.2, 5.0), b=st.floats(0.2, 5.0), bound=st.floats(0.5, 20.0))
def test_a_trade_off_along_a_limit(a: float, b: float, bound: float) -> None:
    """a/x + b/y under x y <= c is least at x = sqrt(a c / b): the limit binds."""
    over = {"box.x": (0.01, 1000.0), "box.y": (0.01, 1000.0)}
    options = {"loss_ratio.a": a, "loss_ratio.b": b}
    found = optimum("loss_ratio", over, {"area_ratio": ("<=", bound)}, options=options)
    assert found["box.x"] == pytest.approx(np.sqrt(a * bound / b), rel=1e-4)
    assert found["box.y"] == pytest.approx(np.sqrt(b * bound / a), rel=1e-4)
    assert found.value == pytest.approx(2.0 * np.sqrt(a * b / bound) + 1.0, rel=1e-9)
    assert found.limits[0].binds


def test_three_sides_under_two_limits() -> None:
    """Three real fields and two limits that both bind: the gradient is that of Lagrange."""
    over = {f"box.{side}": (0.05, 500.0) for side in "xyz"}
    found = optimum("loss_ratio", over, ["sum_ratio <= 12", "area_ratio <= 6"])
    assert all(held.binds for held in found.limits)
    x, y, z = (found[f"box.{side}"] for side in "xyz")
    assert x * y == pytest.approx(6.0, rel=1e-6)
    assert x + y + z == pytest.approx(12.0, rel=1e-6)
    # with x y and x + y + z fixed, what is left free is x: d/dx of 3/x + 2 x/6 + 1/z vanishes
    assert -3.0 / x**2 + 2.0 / 6.0 + (1.0 - 6.0 / x**2) / z**2 == pytest.approx(0.0, abs=1e-4)


def test_a_long_range_of_whole_numbers_ends_on_the_very_one() -> None:
    """A range too long to list is narrowed down to neighbours."""
    target = 123_457
    options = {"bowl_ratio.centre": (0.0, 0.0, np.log(target)), "bowl_ratio.tilt": 0.0}
    found = optimum("volume_ratio", {"box.n": (1, 10_000_000)}, {"volume_ratio": f">= {target}"})
    assert found["box.n"] == target
    near = optimum("bowl_ratio", {"box.n": (1, 10_000_000)}, options=options)
    study = study_of(None, {}, ["bowl_ratio"], options=options, world=WORLD)
    around = near["box.n"] + np.arange(-2.0, 3.0)
    assert near.value == np.min(study.measure({"box.n": around})["bowl_ratio"].value)


def test_the_band_of_a_long_range_is_not_that_of_the_last_rungs() -> None:
    """Narrowing down to neighbours narrows neither the band nor what counts as an end."""
    options = {"bowl_ratio.centre": (0.0, 0.0, np.log(3e4)), "bowl_ratio.tilt": 0.0}
    found = optimum("bowl_ratio", {"box.n": (1, 10_000_000)}, options=options, within=0.5)
    low, high = found.bands["box.n"]
    assert low < 0.7 * found["box.n"]
    assert high > 1.4 * found["box.n"]
    assert found.at_end == {}


def test_limits_of_several_axes_that_cannot_be_held() -> None:
    """Measures that depend on different axes are counted together; no limit is to blame alone."""
    over = {"box.x": (0.1, 20.0), "box.y": (0.1, 20.0), "box.z": (0.1, 20.0), "box.n": (1, 100)}
    limits = ["volume_ratio <= 2", "loss_ratio <= 0.35", "sum_ratio <= 41"]
    with pytest.raises(InfeasibleError, match="no point holds") as caught:
        optimum("bowl_ratio", over, limits)
    assert set(caught.value.limits) == {"volume_ratio <= 2", "loss_ratio <= 0.35"}


def test_profiles_are_the_best_goal_along_each_field() -> None:
    """Least of a/x + b/y under x y <= c at each x: y = c/x."""
    over = {"box.x": (0.5, 50.0), "box.y": (0.01, 1000.0)}
    found = optimum("loss_ratio", over, {"area_ratio": "<= 6"})
    values, goal = found.profiles["box.x"]
    assert values[0] == 0.5
    assert values[-1] == 50.0
    assert np.allclose(goal, 3.0 / values + 2.0 * values / 6.0 + 1.0, rtol=1e-3)


def test_bands_of_a_flat_optimum() -> None:
    """The band of a parabola in log x is where it stays within the share; the ends are met."""
    over = {"box.x": (1e-3, 1e3), "box.kind": ["plain", "fancy"]}
    found = optimum("bowl_ratio", over, within=0.04)
    least = found.value
    half = np.sqrt(0.04 * least)
    low, high = found.bands["box.x"]
    assert np.log(low) == pytest.approx(-half, rel=0.05)
    assert np.log(high) == pytest.approx(half, rel=0.05)
    assert [each.tied for each in found.choices] == [True, False]
    assert "box.kind  plain" in repr(found)


def test_the_band_of_the_interval() -> None:
    """``within="interval"`` is as wide as the interval of the best value."""
    found = optimum("measured_ratio", {"box.x": (1.0, 10.0)}, within=np.inf)
    assert (found.value, found.low, found.high) == pytest.approx((3.0, 2.7, 3.3))
    assert found.bands["box.x"] == pytest.approx((1.0, 1.3), rel=0.02)
    assert found.at_end == {"box.x": "lower"}


def test_cautious_limits_hold_at_the_far_end() -> None:
    """A cautious limit holds at the unfavourable end of the interval."""
    over, limit = {"box.x": (1.0, 10.0)}, {"measured_ratio": "<= 5"}
    plain = optimum("area_ratio", over, limit, maximize=True)
    careful = optimum("area_ratio", over, limit, maximize=True, cautious=True)
    assert plain["box.x"] == pytest.approx(3.0)
    assert careful["box.x"] == pytest.approx(5.0 / 1.1 - 2.0)


def test_a_field_may_be_goal_and_limit() -> None:
    """Paths of numeric fields are measures like quantities."""
    over = {"box.x": (1.0, 10.0), "box.n": (1, 9)}
    found = optimum("box.n", over, {"box.x": "<= 4", "volume_ratio": ">= 17"})
    assert found["box.n"] == 5.0


@pytest.mark.parametrize("refine", [False, True])
@settings(max_examples=25, deadline=None)
@given(x=sides, n=counts, kind=kinds, bound=st.floats(1.0, 100.0), seed=st.integers(0, 99))
def test_a_front_holds_exactly_what_nothing_dominates(
    refine: bool, x: Any, n: Any, kind: Any, bound: float, seed: int
) -> None:
    """The front over lists is that of comparing every point with every other."""
    over = {"box.x": x, "box.n": n, "box.m": [1, 2, 3], "box.kind": kind}
    names, options = ["rough_ratio", "bowl_ratio", "volume_ratio"], {"rough_ratio.seed": seed}
    rows = measured(names, over, options)
    points = np.array([[row["rough_ratio"], row["bowl_ratio"]] for row in rows])
    held = [row["volume_ratio"] <= bound for row in rows] & np.isfinite(points).all(axis=1)
    points = points[held]
    goals = [Goal("rough_ratio"), Goal("bowl_ratio", True)]
    limits = limits_of({"volume_ratio": ("<=", bound)})
    asked = grids(names, over, options)
    if not len(points):
        with pytest.raises(InfeasibleError):
            front_points(asked, goals, limits, cautious=False, refine=refine)
        return
    front = front_points(asked, goals, limits, cautious=False, refine=refine)
    costs = points * [1.0, -1.0]
    better = (costs[:, None] <= costs).all(axis=2) & (costs[:, None] < costs).any(axis=2)
    truth = np.unique(points[~better.any(axis=0)], axis=0)
    assert np.array_equal(np.stack(list(front.values.values()), axis=1), truth)


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 4), st.integers(1, 60), st.integers(0, 10_000), st.sampled_from([2, 5, 1000]))
def test_nondominated_is_what_comparing_all_pairs_finds(
    goals: int, size: int, seed: int, steps: int
) -> None:
    """Ties and equal points included, in two goals and more."""
    costs = np.random.default_rng(seed).integers(0, steps, (size, goals)).astype(float)
    better = (costs[:, None] <= costs).all(axis=2) & (costs[:, None] < costs).any(axis=2)
    assert nondominated(costs).tolist() == np.flatnonzero(~better.any(axis=0)).tolist()


def test_a_front_over_ranges_reaches_the_curve() -> None:
    """3/x + 2/y + 1 against x y: the front is 2 sqrt(6 / area) + 1, whatever the coarse grid."""
    over = {"box.x": (0.1, 100.0), "box.y": (0.1, 100.0)}
    asked = grids(["loss_ratio", "area_ratio"], over, coarse=400)
    goals = [Goal("area_ratio"), Goal("loss_ratio")]
    front: Front = front_points(asked, goals, (), cautious=False, refine=True)
    size, loss = front.values["area_ratio"], front.values["loss_ratio"]
    inner = (size > 0.1) & (size < 1000.0)
    curve = 2.0 * np.sqrt(6.0 / size[inner]) + 1.0
    assert inner.sum() >= 20
    assert (loss[inner] >= curve - 1e-9).all()
    assert np.median(loss[inner] / curve) < 1.002
    assert np.all(np.diff(size) > 0)
    assert np.all(np.diff(loss) < 0)


def test_too_many_points_are_refused_with_their_number() -> None:
    """The error says how many, and what to write instead."""
    with pytest.raises(SpecError, match=r"make 9,000,000 points, more than 5,000,000; give numb"):
        optimum("area_ratio", {"box.n": range(1, 3001), "box.m": range(1, 3001)})


def test_many_ranges_stay_affordable() -> None:
    """Five ranges are searched from coarse to fine, with few points."""
    over = {**{f"box.{side}": (0.05, 500.0) for side in "xyz"}, "box.n": (1, 99), "box.m": (1, 99)}
    found = optimum("loss_ratio", over, ["sum_ratio <= 12", "volume_ratio >= 30"])
    assert found.points < 200_000
    # the sum is best divided in proportion to the roots of the coefficients
    roots = np.sqrt([3.0, 2.0, 1.0])
    sides = [found[f"box.{side}"] for side in "xyz"]
    assert np.allclose(sides, 12.0 * roots / roots.sum(), rtol=1e-3)
