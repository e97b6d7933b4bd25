"""How a model is laid out over devices."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from paramscale.core.reasons import Reason, raises
from paramscale.core.spec import spec_type
from paramscale.errors import SpecError, plain_number
from paramscale.specs.fields import flag, number, refused, short_repr
from paramscale.typing import Floats

__all__ = ["ParallelSpec"]


@attrs.frozen(eq=False, kw_only=True, repr=False)
class ParallelSpec:
    """A layout: ``devices = tensor x pipeline x data x context``; experts divide data ranks.

    Parameters
    ----------
    devices : FloatsLike, optional
        All devices together; None means the product of the others.
    tensor, pipeline, data, context : FloatsLike
        Degrees of tensor, pipeline, data and context parallelism.
    expert : FloatsLike
        Over how many ranks the routed experts are spread.
    zero_stage : FloatsLike
        What data-parallel ranks share: 0 nothing, 1 optimizer, 2 gradients, 3 weights (FSDP).
    virtual_stages : FloatsLike
        Chunks of layers on each pipeline rank (interleaved schedule); 1: one forward, one backward.
    exchange_overlap : FloatsLike, optional
        Share of the exchange of tokens between experts that the schedule of training hides behind
        computing: 1 with DualPipe (arXiv:2412.19437); None: as in frameworks that were measured.
    sequence_parallel : bool
        Whether tensor ranks divide also norms and residual branches along the sequence.
    refused : tuple of Reason
        Why points of a grid are NaN; kept by what makes the spec.

    Raises
    ------
    SpecError
        If `devices` is not the product of the degrees.

    Examples
    --------
    >>> ParallelSpec(tensor=8, data=4).devices
    np.float64(32.0)
    """

    devices: Floats | None = number(None, integer=True, optional=True)
    tensor: Floats = number(1.0, integer=True)
    pipeline: Floats = number(1.0, integer=True)
    data: Floats = number(1.0, integer=True)
    expert: Floats = number(1.0, integer=True)
    context: Floats = number(1.0, integer=True)
    zero_stage: Floats = number(0.0, integer=True, low_allowed=True, high=3.0)
    virtual_stages: Floats = number(1.0, integer=True)
    exchange_overlap: Floats | None = number(None, low_allowed=True, high=1.0, optional=True)
    sequence_parallel: bool = flag(True)
    refused: tuple[Reason, ...] = refused()

    def __attrs_post_init__(self) -> None:
        product = self.tensor * self.pipeline * self.data * self.context
        if self.devices is None:
            object.__setattr__(self, "devices", product)
        elif np.any((self.devices != product) & ~np.isnan(self.devices + product)):
            self._refuse(self.devices, product)

    def _refuse(self, devices: Floats, product: Floats) -> None:
        """Raise, or where bad points may be NaN, make the layout so and note why."""
        text = (
            f"ParallelSpec.devices is {_shown(devices)}, but tensor x pipeline x data x context is"
            f" {_shown(product)}; give degrees whose product it is, or leave devices out"
        )
        if raises():
            raise SpecError(text)
        good = np.equal(devices, product)
        for name in ("devices", "tensor"):
            kept = np.where(good, getattr(self, name), np.nan)[()]
            object.__setattr__(self, name, kept)
        object.__setattr__(self, "refused", (*self.refused, Reason(np.logical_not(good), text)))

    def evolved(self, **changes: Any) -> ParallelSpec:
        """Return the layout with other degrees; unless given, `devices` follows from them.

        Examples
        --------
        >>> ParallelSpec(tensor=8, devices=8).evolved(data=2).devices
        np.float64(16.0)
        """
        return attrs.evolve(self, **{"devices": None, **changes})

    def __repr__(self) -> str:
        return short_repr(self)


spec_type("parallel", default=ParallelSpec)(ParallelSpec)


def _shown(value: Floats) -> str:
    return plain_number(value) if np.ndim(value) == 0 else f"{value}"
