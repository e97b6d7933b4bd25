"""What a machine does not do with the formats and patterns of a model, in words."""

from __future__ import annotations

from functools import lru_cache

from paramscale.catalogue.formats import Format
from paramscale.catalogue.mixtures import plain_format
from paramscale.specs.bill import Bill
from paramscale.specs.hardware import HardwareSpec
from paramscale.specs.serving import ServingSpec
from paramscale.systems.storage import expert_format, weight_format

__all__ = ["format_remarks", "sparse_remarks"]


def format_remarks(hardware: HardwareSpec, serving: ServingSpec) -> tuple[str, ...]:
    """Return for each format without units of its own in which type it is multiplied instead.

    Engines fall back in this way: they keep the weights narrow and widen them on the chip.

    Examples
    --------
    >>> from paramscale.catalogue.hardware import hardware
    >>> format_remarks(hardware["a100-sxm-80gb"], ServingSpec(weight_format="fp8"))
    ('NVIDIA A100 80GB SXM has no fp8 units on record: fp8 weights are multiplied in bf16',)
    >>> format_remarks(hardware["h100-sxm"], ServingSpec(weight_format="fp8"))
    ()
    """
    return _formats(
        hardware, plain_format(weight_format(serving)), plain_format(expert_format(serving))
    )


@lru_cache(maxsize=256)
def _formats(hardware: HardwareSpec, *stored: Format) -> tuple[str, ...]:
    emulated = [form for form in stored if hardware.support(form) == "emulated"]
    return tuple(
        f"{hardware.name} has no {form.compute_type} units on record: {form.name} weights are"
        f" multiplied in {hardware.compute_type(form)}"
        for form in dict.fromkeys(emulated)
    )


def sparse_remarks(work: Bill, hardware: HardwareSpec, serving: ServingSpec) -> tuple[str, ...]:
    """Return for each pattern of zeros that the machine multiplies as if there were none.

    Parameters
    ----------
    work : Bill
        Operations of a pass.
    """
    form = plain_format(weight_format(serving))
    patterns = dict.fromkeys(op.sparse.pattern for _, op in work if op.sparse is not None)
    return tuple(
        f"{hardware.name} has no units that pass over {pattern} zeros in"
        f" {hardware.compute_type(form)}: they save"
        f" {'bytes' if _packed(work, pattern) else 'no bytes, since they are stored,'} and no time"
        for pattern in patterns
        if hardware.left_of(pattern, form) == 1.0
    )


def _packed(work: Bill, pattern: str) -> bool:
    found = (op.sparse for _, op in work if op.sparse is not None)
    return any(each.packed for each in found if each.pattern == pattern)
