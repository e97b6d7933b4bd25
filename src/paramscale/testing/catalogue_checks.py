"""What every machine, number format and law promises."""

from __future__ import annotations

import numpy as np

from paramscale.catalogue.formats import Format
from paramscale.laws import Law
from paramscale.specs.hardware import COMPUTE_TYPES, FIGURES, HardwareSpec
from paramscale.testing.expect import agree, expect

__all__ = ["check_format", "check_hardware", "check_law"]


def check_hardware(machine: HardwareSpec) -> None:
    """Check a machine: named, sourced, its figures positive or not known, its peaks in order.

    Examples
    --------
    >>> from paramscale import hardware
    >>> check_hardware(hardware["h100-sxm"])
    """
    expect(machine.name and machine.vendor, f"{machine!r} has a name and a vendor")
    expect(machine.source, f"{machine.name} has a source")
    for figure in FIGURES:
        value = getattr(machine, figure)
        expect(np.isnan(value) | (value > 0.0), f"{machine.name}: {figure} is positive or NaN")
        expect(np.isnan(value) | np.isfinite(value), f"{machine.name}: {figure} is finite or NaN")
    for figure in machine.unverified:
        expect(figure in FIGURES, f"{machine.name}: unverified {figure!r} is a figure")
    for kind in COMPUTE_TYPES:
        known = bool(machine.compute_type(kind))
        peak = machine.peak_flops_per_s(kind)
        expect(known != bool(np.isnan(peak)), f"{machine.name}: {kind} has a peak if it has a type")


def check_format(form: Format) -> None:
    """Check a number format: titled, sourced, at least its codes stored, bytes in proportion.

    Examples
    --------
    >>> from paramscale import formats
    >>> check_format(formats["nvfp4"])
    """
    expect(form.title and form.source, f"{form.name} has a title and a source")
    least = form.code_bits / form.block_weights
    expect(least <= form.bits_per_weight <= 64.0, f"{form.name}: {form.bits_per_weight} bits")
    agree(
        form.bytes_of([1.0, 8.0]), np.array([1.0, 8.0]) * form.bits_per_weight / 8.0,
        f"{form.name}: bytes are weights x bits / 8",
    )  # fmt: skip


def check_law(law: Law) -> None:
    """Check a law: sourced, and laws of loss fall with size and data.

    A law of loss in size and tokens states its domain, falls with both, and gives NaN for what
    is not a positive size. What another law takes is left to its own tests.

    Examples
    --------
    >>> from paramscale.laws import laws
    >>> check_law(laws["besiroglu2024"])
    """
    expect(law.source and law.paper, f"{law.law_id} has a source and a paper")
    for name, (low, high) in law.domain.bounds.items():
        sensible = low is not None and high is not None and 0.0 <= low < high
        expect(sensible, f"{law.law_id}: the domain of {name} is a range of positive numbers")
    if law.gives == "loss_nats" and law.form.required == ("parameters", "tokens"):
        expect(law.domain.bounds, f"{law.law_id} states where it was fitted")
        _falls_with_size_and_data(law)


def _falls_with_size_and_data(law: Law) -> None:
    sizes, tokens = np.geomspace(1e7, 1e11, 9)[:, None], np.geomspace(1e9, 1e13, 9)
    losses = np.asarray(law(sizes, tokens))
    expect(np.isfinite(losses), f"{law.law_id} is finite")
    expect(losses > 0.0, f"{law.law_id} is positive")
    for axis in (0, 1):
        expect(np.diff(losses, axis=axis) <= 0.0, f"{law.law_id} falls with size and with data")
    one = law(float(sizes[4, 0]), float(tokens[4]))
    expect(np.ndim(one) == 0, f"{law.law_id}: scalar in, scalar out")
    agree(losses[4, 4], one, f"{law.law_id}: arrays equal scalars")
    lost = law(np.array([np.nan, 0.0, -1.0]), 2e10)
    expect(np.isnan(lost), f"{law.law_id}: NaN where a size is not a positive number")
