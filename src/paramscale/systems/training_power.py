"""What accelerators draw while they train.

All their time counts as busy: a device that waits for others runs the kernels that wait.
"""

from __future__ import annotations

from paramscale.catalogue.formats import as_format
from paramscale.specs.hardware import HardwareSpec
from paramscale.specs.training import TrainingSpec
from paramscale.systems.machine import computed_in
from paramscale.systems.power import held, power_coefficients
from paramscale.systems.training_time import matrix_format
from paramscale.typing import Floats

__all__ = ["passing_share", "training_share"]


def training_share(
    flops: Floats, device_s: Floats, hardware: HardwareSpec, training: TrainingSpec, most: Floats
) -> Floats:
    """Return the mean power of a training run, as a share of the limit of its boards.

    Parameters
    ----------
    flops : Floats
        FLOPs of the run.
    device_s : Floats
        Time of all devices added up.
    most : Floats
        Share of the limit that a board may draw.
    """
    c = power_coefficients(hardware.memory_type, hardware.name)
    used = as_format(matrix_format(training))
    width = computed_in(used, hardware)
    multiply = c.prompt8 if width == "8" else c.prompt4 if width == "4" else c.prompt16
    reached = flops / (device_s * hardware.peak_flops_per_s(used))
    return held(c.static + c.busy + multiply * reached, most)


def passing_share(hardware: HardwareSpec) -> Floats:
    """Return what is drawn whatever is computed, as a share of the limit."""
    c = power_coefficients(hardware.memory_type, hardware.name)
    return c.static + c.busy
