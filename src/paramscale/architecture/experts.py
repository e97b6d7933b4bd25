"""Mixture of experts: a router, routed experts, and experts that every token passes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs
import numpy as np

from paramscale.architecture.mlp import feed_forward
from paramscale.architecture.parts import ACTIVATED, matmul
from paramscale.errors import SpecError
from paramscale.specs.block import NOTHING, Operation, block
from paramscale.specs.fields import choice, flag, number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["MixtureOfExperts", "experts_hit"]

_ONE = np.float64(1.0)


def experts_hit(experts: Floats, chosen: Floats, tokens: Floats) -> Floats:
    """Return how many of `experts` are touched when `tokens` tokens choose `chosen` each.

    E · (1 - (1 - k/E)^T): the expectation under uniform, independent routing.

    Examples
    --------
    >>> round(float(experts_hit(np.float64(8.0), np.float64(2.0), np.float64(1.0))), 9)
    2.0
    """
    missed = np.log1p(-np.minimum(chosen / experts, 1.0 - 1e-16))
    return -experts * np.expm1(tokens * missed)


@block("mixture_of_experts")
@attrs.frozen(eq=False)
class MixtureOfExperts:
    """Feed-forward experts of which a router chooses a few for each token.

    Parameters
    ----------
    experts : Floats
        Routed experts of the layer.
    chosen : Floats
        Routed experts that one token passes.
    inner : Floats
        Intermediate channels of one routed expert.
    shared_inner : Floats, optional
        Intermediate channels of all shared experts together; None means that there are none.
    gated, shared_gated : bool
        Whether experts, and shared experts, have a gating matrix.
    bias_in, bias_out : bool
        Biases of the routed experts.
    shared_bias : bool
        Biases of the shared experts' matrices.
    router_bias : bool
        Whether the router is a projection with a learned bias.
    correction : str
        Per-expert correction of the router's choice: ``"none"``, ``"buffer"`` (stored, but no
        parameter, as in DeepSeek-V3) or ``"parameter"``.
    shared_switch : bool
        Whether a learned scalar gate multiplies the shared experts' output (Qwen2-MoE).
    own_router : bool
        Whether the router is part of this block (False: a block of its own stands before).
    router_outputs : Floats, optional
        Outputs of the router where it also scores others than it chooses from (shared experts).
    zero_experts : Floats, optional
        Further experts that the router may choose and that hand their input on at no cost
        (LongCat-Flash, arXiv:2509.01322, section 2.1); a token meets them in proportion to their
        number. The reference class holds an unused input matrix for each of them, counted here.
    token_table : Floats, optional
        Tokens of a stored table that fixes the experts of each token instead of a correction
        (hash routing of DeepSeek-V4); a buffer of `chosen` elements a token.
    expert_width : Floats, optional
        Width of the experts' input and output where it is not the model's (latent experts).
    """

    kind: ClassVar[str]
    experts: Floats = number(integer=True)
    chosen: Floats = number(integer=True)
    inner: Floats = number(integer=True, scales="about")
    shared_inner: Floats | None = number(None, integer=True, optional=True, scales="about")
    gated: bool = flag(True)
    shared_gated: bool = flag(True)
    bias_in: bool = flag(False)
    bias_out: bool = flag(False)
    shared_bias: bool = flag(False)
    router_bias: bool = flag(False)
    correction: str = choice("none", ("none", "buffer", "parameter"))
    shared_switch: bool = flag(False)
    own_router: bool = flag(True)
    router_outputs: Floats | None = number(None, integer=True, optional=True)
    expert_width: Floats | None = number(None, integer=True, optional=True)
    zero_experts: Floats | None = number(None, integer=True, optional=True)
    token_table: Floats | None = number(None, integer=True, optional=True)

    def __attrs_post_init__(self) -> None:
        if np.any(self.chosen > self.experts):
            raise SpecError(
                f"MixtureOfExperts.chosen must be at most experts, not {self.chosen} of"
                f" {self.experts}"
            )

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return router, routed experts and shared experts."""
        ops = [self._router(width, step)] if self.own_router else []
        channels = width if self.expert_width is None else self.expert_width
        ops.extend(self._routed(channels, step))
        if self.shared_inner is not None:
            ops.extend(
                feed_forward(
                    "shared_experts",
                    step.tokens,
                    width,
                    self.shared_inner,
                    gated=self.shared_gated,
                    bias_in=self.shared_bias,
                    bias_out=self.shared_bias,
                    keeps_input=not self.own_router,  # the router keeps the same one
                )
            )
            if self.shared_switch:
                switch = matmul(
                    "switch", "shared_experts", step.tokens, width, _ONE, keeps_input=False
                )
                # both factors of the product
                ops.append(switch._replace(kept=step.tokens * (width + 1.0)))
        return ops

    def _router(self, width: Floats, step: Pass) -> Operation:
        outputs = self._all if self.router_outputs is None else self.router_outputs
        op = matmul("router", "router", step.tokens, width, outputs, bias=self.router_bias)
        op = op._replace(kept_fp32=op.moved_out)  # probabilities of all experts
        if self.correction != "none":  # such routers multiply in fp32, and keep that input too
            op = op._replace(apart_fp32=op.moved_in)
        if self.correction == "parameter":
            return op._replace(weights=op.weights + self._all)
        if self.token_table is not None:
            return op._replace(buffers=self.token_table * self.chosen)
        return op._replace(buffers=self._all) if self.correction == "buffer" else op

    @property
    def _all(self) -> Floats:
        """Experts that the router may choose, zero experts included."""
        return self.experts if self.zero_experts is None else self.experts + self.zero_experts

    def _routed(self, width: Floats, step: Pass) -> Sequence[Operation]:
        real = self.experts / self._all
        routed = step.tokens * self.chosen * real
        hit = experts_hit(self._all, self.chosen, step.tokens) * real
        opened = ACTIVATED[self.gated] * self.inner
        gates = (("gate", self.inner), ("up", self.inner)) if self.gated else ()
        rows = (
            ("up", width, opened, self.bias_in, "", self._all),
            ("down", self.inner, width, self.bias_out, "all_to_all", self.experts),
        )
        ops = []
        for name, inputs, outputs, bias, collective, held in rows:
            matrix, up = inputs * outputs, name == "up"
            one = matrix + outputs if bias else matrix
            ops.append(
                Operation(
                    name,
                    "experts",
                    "matmul",
                    weights=held * one,
                    active=self.chosen * one,
                    read=hit * one,
                    flops=2.0 * routed * matrix,
                    moved_in=routed * inputs,
                    moved_out=routed * outputs,
                    kept=routed * (inputs + (outputs if up else NOTHING)),
                    # up: the result of the gate; down: what the router's weights multiply
                    apart=routed * ((self.inner if self.gated else NOTHING) if up else outputs),
                    split="experts",
                    collective=collective,
                    copies=self.chosen * real if collective else _ONE,
                    fused=gates if up else (),
                )
            )
        return ops
