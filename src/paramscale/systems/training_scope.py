"""How sure the time of a step is: what was measured like it, and what is a guess."""

from __future__ import annotations

from functools import cache

import numpy as np

from paramscale.specs.hardware import HardwareSpec
from paramscale.specs.training import TrainingSpec
from paramscale.systems.training_coefficients import frameworks, known_machine, of_framework
from paramscale.systems.training_load import TrainingLoad
from paramscale.typing import Floats

__all__ = ["remarks", "width"]


@cache
def _new(framework: str, machine: str) -> dict[str, str]:
    """Return what nobody measured, by the row of its width, in words."""
    found = {}
    if not framework:
        found["width_framework"] = "the framework is not stated"
    elif framework not in frameworks():
        found["width_framework"] = f"the framework {framework} was not measured"
    if not known_machine(machine):
        found["width_machine"] = f"{machine} was not measured"
    return found


@cache
def _square(framework: str, machine: str) -> float:
    tiers = ("width_known", *_new(framework, machine))
    return sum(of_framework(name, "") ** 2 for name in tiers)


def remarks(
    load: TrainingLoad, hardware: HardwareSpec, training: TrainingSpec, guesses: Floats
) -> tuple[str, ...]:
    """Return why the interval is wider than that of dense models in a measured framework."""
    said = list(_new(training.framework, hardware.name).values())
    if np.any(np.asarray(load.exchanges) > 0.0):
        said.append("routed experts: the same layout ran up to twice as fast in a later release")
    if np.any(np.asarray(guesses) > 0.0):
        said.append("a micro-batch, schedule or shape is a guess")
    return tuple(said)


def width(
    load: TrainingLoad, hardware: HardwareSpec, training: TrainingSpec, guesses: Floats
) -> Floats:
    """Return the logarithm of the half width of the 90 % interval of a step's time.

    It grows with what is new: routed experts, a framework or a machine that was not measured, and
    each thing that had to be guessed. The logarithms add in squares.
    """
    square: Floats = np.float64(_square(training.framework, hardware.name))
    experts = of_framework("width_experts", "") ** 2
    square = square + guesses * of_framework("width_guess", "") ** 2
    return np.sqrt(square + np.where(np.asarray(load.exchanges) > 0.0, experts, 0.0))[()]
