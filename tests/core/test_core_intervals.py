"""Intervals travel with values to the estimators that ask for them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from paramscale.analysis.estimate import estimate_with
from paramscale.core.collection import Estimators
from paramscale.core.estimator import Interval, estimator
from paramscale.core.quantity import Quantity

LENGTH = Quantity("length_count", "A length that somebody measured")
TWICE = Quantity("twice_count", "Twice the length")
PLAIN = Quantity("plain_count", "Twice the length, by an estimator that asks for the value only")


def world(*, measured: bool) -> Estimators:
    """Return estimators of a length, measured or exact, and of twice the length."""
    own = Estimators()

    if measured:

        @estimator(gives=LENGTH, source="a test", into=own)
        def length() -> Interval:
            """A length with its interval."""
            return Interval(np.float64(2.0), np.float64(1.0), np.float64(4.0))

    else:

        @estimator(gives=LENGTH, source="a test", into=own)
        def exact_length() -> Any:
            """A length that is known."""
            return np.float64(2.0)

    @estimator(gives=TWICE, source="a test", into=own)
    def twice(length_count: Interval) -> Interval:
        """Twice a length with its interval."""
        return Interval(*[2.0 * end for end in length_count])

    @estimator(gives=PLAIN, source="a test", into=own)
    def plain(length_count: Any) -> Any:
        """Twice a length."""
        return 2.0 * length_count

    return own


@pytest.mark.parametrize(("measured", "ends"), [(True, (2.0, 8.0)), (False, (4.0, 4.0))])
def test_an_interval_is_carried_on(measured: bool, ends: tuple[float, float]) -> None:
    """What asks for an interval gets it; an exact value has itself as both ends."""
    found = estimate_with(world(measured=measured), None, {})["twice_count"]
    assert (found.value, found.low, found.high) == (4.0, *ends)


def test_an_interval_that_is_not_asked_for_is_unknown_behind() -> None:
    """Exact arithmetic on a value that has an interval is not exact."""
    found = estimate_with(world(measured=True), None, {})["plain_count"]
    assert found.value == 4.0
    assert np.isnan(found.low)


def test_a_given_interval_is_carried_on() -> None:
    """A quantity that the caller knows may come with its interval."""
    given = Interval(3.0, 2.0, 5.0)
    found = estimate_with(world(measured=True), None, {"length_count": given})
    assert (found["length_count"].low, found["length_count"].value) == (2.0, 3.0)
    assert (found["twice_count"].low, found["twice_count"].high) == (4.0, 10.0)
    assert np.isnan(found["plain_count"].high)


def test_a_given_array_of_intervals_makes_an_axis() -> None:
    """The axes are those of the values."""
    value = np.array([1.0, 2.0])
    found = estimate_with(
        world(measured=True), None, {"length_count": Interval(value, 0.5 * value, 2.0 * value)}
    )
    assert found["twice_count"].high.tolist() == [4.0, 8.0]
    assert found.axes.shape == (2,)


class _Sampled:
    """A length whose coefficient is drawn, log-normal."""

    name = "sampled"
    source = "a test"

    def __call__(self) -> Any:
        """A length that may be drawn."""
        return np.float64(2.0)

    def sample(self, n: int, rng: np.random.Generator) -> Any:
        lengths = 2.0 * np.exp(rng.standard_normal(n) * np.log(2.0) / 1.645)
        return lambda: lengths


def test_draws_hold_what_an_estimator_adds_to_its_inputs() -> None:
    """A factor known to within 2 on a drawn length known to within 2: to within 2^sqrt(2)."""
    own = Estimators()
    _Sampled.__doc__ = "A length that may be drawn."
    estimator(gives=LENGTH, into=own)(_Sampled())

    @estimator(gives=TWICE, source="a test", into=own)
    def twice(length_count: Interval) -> Interval:
        """Twice a length, where twice is known to within 2."""
        value, low, high = length_count
        up = np.exp(np.sqrt(np.log(high / value) ** 2 + np.log(2.0) ** 2))
        down = np.exp(np.sqrt(np.log(value / low) ** 2 + np.log(2.0) ** 2))
        return Interval(2.0 * value, 2.0 * value / down, 2.0 * value * up)

    found = estimate_with(own, None, {}, draws=20_000)
    assert found["length_count"].high == pytest.approx(4.0, rel=0.05)
    assert found["twice_count"].value == 4.0
    assert found["twice_count"].high == pytest.approx(4.0 * 2.0 ** np.sqrt(2.0), rel=0.05)
    assert found["twice_count"].low == pytest.approx(4.0 / 2.0 ** np.sqrt(2.0), rel=0.05)
