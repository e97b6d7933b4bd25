"""A small world of boxes, whose quantities are plain enough to optimise by hand."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from paramscale.core.collection import Estimators
from paramscale.core.estimator import Interval, estimator
from paramscale.core.quantity import define
from paramscale.core.registry import Registry
from paramscale.core.spec import SpecKind, spec_type
from paramscale.specs.fields import choice, number
from paramscale.typing import Floats

KINDS: Registry[SpecKind] = Registry("spec", holds=SpecKind)
WORLD = Estimators(kinds=KINDS)


@attrs.frozen(eq=False, kw_only=True)
class Box:
    """Two real sides, two counts, and a kind."""

    x: Floats = number(1.0)
    y: Floats = number(1.0)
    z: Floats = number(1.0)
    n: Floats = number(1.0, integer=True)
    m: Floats = number(1.0, integer=True)
    kind: str = choice("plain", ("plain", "fancy", "broken"))


spec_type("box", default=Box, into=KINDS)(Box)

_OFFSET = {"plain": 0.0, "fancy": 0.3, "broken": np.nan}


def _quantity(name: str, meaning: str) -> Any:
    return define(name, meaning, vocabulary=WORLD.vocabulary)


@estimator(gives=_quantity("bowl_ratio", "A bowl, with a bump"), source="made up", into=WORLD)
def bowl(box: Box, *, centre: Any = (0.0, 0.0, 0.0), tilt: float = 0.0) -> Floats:
    """A bowl in the logarithms of the sides and the count, tilted, NaN for broken boxes."""
    u, v, w = np.log(box.x) - centre[0], np.log(box.y) - centre[1], np.log(box.n) - centre[2]
    return 1.0 + u * u + v * v + w * w + tilt * u * v + 0.2 * np.sin(3.0 * w) + _OFFSET[box.kind]


@estimator(gives=_quantity("area_ratio", "Product of the sides"), source="made up", into=WORLD)
def area(box: Box) -> Floats:
    """Product of the sides."""
    return box.x * box.y


@estimator(gives=_quantity("volume_ratio", "Sides and count"), source="made up", into=WORLD)
def volume(box: Box) -> Floats:
    """Product of the sides and the counts."""
    return box.x * box.y * box.n * box.m


@estimator(gives=_quantity("loss_ratio", "Falls with the sides"), source="made up", into=WORLD)
def loss(box: Box, *, a: float = 3.0, b: float = 2.0, c: float = 1.0) -> Floats:
    """a / x + b / y + c / z, which no size brings to 0."""
    return a / box.x + b / box.y + c / box.z


@estimator(gives=_quantity("sum_ratio", "Sum of the sides"), source="made up", into=WORLD)
def total(box: Box) -> Floats:
    """Sum of the sides."""
    return box.x + box.y + box.z


@estimator(
    gives=_quantity("rough_ratio", "Table of the counts"), source="made up", into=WORLD
)  # fmt: skip
def rough(box: Box, *, seed: int = 0) -> Floats:
    """A number for each pair of counts, without any order; some are NaN."""
    hashed = np.sin(box.n * 12.9898 + box.m * 78.233 + seed * 37.719) * 43758.5453
    value = hashed - np.floor(hashed)
    return np.where(value > 0.9, np.nan, value)


@estimator(
    gives=_quantity("measured_ratio", "The sum, uncertain"), source="made up", into=WORLD
)  # fmt: skip
def measured(sum_ratio: Floats, *, spread: float = 0.1) -> Interval:
    """The sum of the sides with an interval."""
    return Interval(sum_ratio, sum_ratio * (1.0 - spread), sum_ratio * (1.0 + spread))
