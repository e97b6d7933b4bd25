"""A plan computes again only what depends on something that changed."""

from __future__ import annotations

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from tests.core.core_toys import Garden, Rain, toy_world

from paramscale.analysis.estimate import estimate_with
from paramscale.core.estimator import Estimators, Interval, estimator


@pytest.fixture
def counted() -> tuple[Estimators, list[str]]:
    """A world in which two estimators, one after the other, note that they were called."""
    world, calls = toy_world(), []

    @estimator(gives="filling_s", source="a count", into=world, rank=-1)
    def counted_filling(garden: Garden) -> Interval:
        """Time to fill the pond."""
        calls.append("filling")
        return Interval(garden.width, garden.width - 1.0, garden.width + 1.0)

    @estimator(gives="price_usd", source="a count", into=world, rank=-1)
    def counted_price(filling_s: Any, rain: Rain) -> Any:
        """Price of the garden."""
        calls.append("price")
        return filling_s * rain.rate

    return world, calls


def ask(world: Estimators, **specs: Any) -> Any:
    return estimate_with(world, None, specs, quantities=["price_usd", "filling_s"])


def test_what_did_not_change_is_not_computed_again(counted: Any) -> None:
    """A new rain changes the price alone; the interval of the rest is still there."""
    world, calls = counted
    garden = Garden(2, 3)
    first = ask(world, garden=garden, rain=Rain(1.0))
    second = ask(world, garden=garden, rain=Rain(5.0))
    assert calls == ["filling", "price", "price"]
    assert (first["price_usd"].value, second["price_usd"].value) == (2.0, 10.0)
    assert (second["filling_s"].low, second["filling_s"].high) == (1.0, 3.0)


def test_an_equal_spec_that_is_another_object_is_computed(counted: Any) -> None:
    """Identity is what counts: nothing compares fields."""
    world, calls = counted
    ask(world, garden=Garden(2, 3), rain=Rain(1.0))
    ask(world, garden=Garden(2, 3), rain=Rain(1.0))
    assert calls == ["filling", "price"] * 2


def test_grids_are_not_kept(counted: Any) -> None:
    """The arrays of a grid are free as soon as its estimates are."""
    world, _ = counted
    widths = np.arange(1.0, 5.0)
    held = weakref.ref(widths)
    found = ask(world, garden=Garden(widths, 3), rain=Rain(1.0))
    assert found["price_usd"].value.tolist() == [1.0, 2.0, 3.0, 4.0]
    del found, widths
    gc.collect()
    assert held() is None


def test_a_grid_between_points_changes_nothing(counted: Any) -> None:
    """A point, a grid, and the point again: all are right."""
    world, _ = counted
    garden, rain = Garden(2, 3), Rain(1.0)
    before = ask(world, garden=garden, rain=rain)["price_usd"].value
    grid = ask(world, garden=garden, rain=Rain(np.array([1.0, 2.0])))["price_usd"].value
    after = ask(world, garden=garden, rain=rain)["price_usd"].value
    assert (before, grid.tolist(), after) == (2.0, [2.0, 4.0], 2.0)


def test_threads_do_not_mix_results(counted: Any) -> None:
    """Many threads share one plan; each gets the answer to its own question."""
    world, _ = counted
    garden = Garden(2, 3)

    def one(rate: float) -> bool:
        return bool(ask(world, garden=garden, rain=Rain(rate))["price_usd"].value == 2.0 * rate)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(one, np.tile(np.arange(1.0, 9.0), 100)))
