"""A toy world for the tests of core: gardens, not language models, in registries of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import numpy as np

from paramscale.core.domain import Domain
from paramscale.core.estimator import Estimators, Interval, estimator
from paramscale.core.quantity import define
from paramscale.core.registry import Registry
from paramscale.core.source import Source
from paramscale.core.spec import SpecKind, spec_type
from paramscale.typing import Floats


def as_floats(value: Any) -> Floats:
    array = np.asarray(value, dtype=np.float64)
    return np.float64(array) if array.ndim == 0 else array


@attrs.frozen(eq=False)
class Garden:
    width: Floats = attrs.field(converter=as_floats)
    length: Floats = attrs.field(converter=as_floats)
    price: float | None = None


@attrs.frozen(eq=False)
class Rain:
    rate: Floats = attrs.field(default=1.0, converter=as_floats)


@attrs.frozen(eq=False)
class Hose:
    flow: float = 2.0


@attrs.frozen
class Guess:
    """Growth with a coefficient that is known only roughly."""

    mean: float = 3.0
    spread: float = 0.5

    def __call__(self, area_ratio: Floats) -> Floats:
        return self.mean * area_ratio

    def sample(self, n: int, rng: np.random.Generator) -> Callable[..., Floats]:
        means = rng.normal(self.mean, self.spread, n)
        return lambda area: means.reshape(n, *(1,) * np.ndim(area)) * area


def toy_world() -> Estimators:
    """Return a world with two given specs, one with a default, and a few estimators."""
    world = Estimators(kinds=Registry("spec", holds=SpecKind))
    spec_type("garden", coerce=lambda name: Garden(2, 3) if name == "small" else name,
              into=world.kinds)(Garden)  # fmt: skip
    spec_type("rain", default=Rain, into=world.kinds)(Rain)
    spec_type("hose", into=world.kinds)(Hose)
    for name, meaning in {
        "area_ratio": "Area over that of a unit square",
        "water_l": "Water that falls",
        "growth_l": "Volume of leaves",
        "waste_l": "Volume thrown away",
        "filling_s": "Time to fill the pond",
        "price_usd": "Price of the garden",
        "never_s": "Something that nothing gives",
    }.items():
        define(name, meaning, vocabulary=world.vocabulary)
    define("ledger", "All that is known", internal=True, vocabulary=world.vocabulary)
    _register(world)
    return world


def area(ledger: dict[str, Floats]) -> Floats:
    """Area of the garden."""
    return ledger["width"] * ledger["length"]


def _register(world: Estimators) -> None:
    calls: list[str] = []
    world.calls = calls  # type: ignore[attr-defined]

    @estimator(gives="ledger", source="an inventory", into=world)
    def inventory(garden: Garden) -> dict[str, Floats]:
        """All about a garden."""
        calls.append("ledger")
        return {"width": garden.width, "length": garden.length}

    def water_parts(area_ratio: Floats) -> dict[str, Floats]:
        return {"<b>beds</b>": 0.75 * area_ratio, "paths": 0.25 * area_ratio}

    estimator(gives="area_ratio", source="Euclid, Elements I.35", into=world)(area)

    @estimator(gives="water_l", source=Source("Pluvius 1990", "@book{pluvius}"),
               parts=water_parts, into=world)  # fmt: skip
    def rainfall(area_ratio: Floats, rain: Rain, *, loss: float = 0.0) -> Floats:
        """Water that falls on the garden."""
        return area_ratio * rain.rate * (1 - loss)

    @estimator(gives="filling_s", source="Torricelli 1643", kind="bound", into=world)
    def filling(water_l: Floats, hose: Hose) -> Interval:
        """Time to fill the pond."""
        return Interval(water_l / hose.flow, 0.5 * water_l / hose.flow, 2 * water_l / hose.flow)

    estimator(gives="growth_l", source="Flora 2001", name="flora2001", kind="law", rank=1,
              domain=Domain({"area_ratio": (1, 100)}), into=world)(Guess())  # fmt: skip

    later = Domain({"area_ratio": (1, 10_000), "rain.rate": (0, 5)})

    @estimator(gives="growth_l", source="Flora 2005", kind="law", rank=2, domain=later, into=world)
    def flora2005(area_ratio: Floats) -> Floats:
        """Volume of leaves, by a later law."""
        return 4.0 * area_ratio

    @estimator(gives="waste_l", source="Compost 2010", kind="calibrated", into=world)
    def compost(growth_l: Floats, rain: Rain) -> Floats:
        """Volume thrown away."""
        return 0.1 * growth_l * rain.rate

    @estimator(gives="price_usd", source="the land register", needs=["garden.price"], into=world)
    def price(garden: Garden) -> Floats:
        """Price of the garden."""
        return as_floats(garden.price)
