from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from core_toys import toy_world

from paramscale.analysis.estimate import estimate_with
from paramscale.core.estimates import Estimates
from paramscale.core.estimator import Estimators


@pytest.fixture
def world() -> Estimators:
    return toy_world()


@pytest.fixture
def ask(world: Estimators) -> Callable[..., Estimates]:
    """``estimate`` over the toy world."""
    said = ("quantities", "use", "options", "draws", "seed")

    def asked(scenario: object = None, **given: Any) -> Estimates:
        settings = {name: given.pop(name) for name in said if name in given}
        return estimate_with(world, scenario, given, **settings)

    return asked
