"""What a served model draws: the resources of steps and prompts, and the power of all devices."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from paramscale.specs.hardware import HardwareSpec
from paramscale.specs.parallel import ParallelSpec
from paramscale.specs.serving import ServingSpec
from paramscale.systems.load import Load, expert_ranks, working_stages
from paramscale.systems.machine import Machine, machine_of
from paramscale.systems.power import PowerCoefficients, held
from paramscale.systems.products import scaled
from paramscale.systems.regime import regime_of
from paramscale.systems.rules import some
from paramscale.systems.sequences import tokens_a_step
from paramscale.systems.serving import Times
from paramscale.typing import Floats

__all__ = [
    "IDLE_EXPERTS",
    "Draw",
    "Shares",
    "Use",
    "idle_experts",
    "prompt_draw",
    "served_use",
    "share_of",
    "shares_of",
    "step_draw",
    "use_of",
]


class Use(NamedTuple):
    """Seconds in which the resources of one device would do some work at data-sheet figures.

    What grows with the sequences is of as many as the load counts: ``Times.step_of`` of a step.

    Attributes
    ----------
    read, expert, state : Floats
        Reading weights, routed experts, and caches.
    multiply, multiply_expert, attention : Floats
        Multiplying with matrices and with routed experts; scores and scans.
    busy : Floats
        In which kernels run; expected, not at data-sheet figures.
    """

    read: Floats
    expert: Floats
    state: Floats
    multiply: Floats
    multiply_expert: Floats
    attention: Floats
    busy: Floats


class Draw(NamedTuple):
    """Energy of some work by cause, in shares of the power limit times seconds of one device.

    `caches` and `arithmetic` are of as many sequences as the load counts, the others of all.
    """

    busy: Floats
    weights: Floats
    experts: Floats
    caches: Floats
    arithmetic: Floats

    def total(self, share: Floats) -> Floats:
        """Return all causes together, of `share` times the sequences that are counted."""
        grows = (self.caches + self.arithmetic) * share
        return self.busy + self.weights + self.experts + grows


def use_of(load: Load, machine: Machine, busy: Floats) -> Use:
    """Return the use of the resources of one device by a step, or by prompts."""
    return Use(
        load.dense_bytes / machine.bandwidth,
        load.expert_bytes / machine.bandwidth,
        load.state_bytes / machine.bandwidth,
        load.dense_flops / machine.dense_peak,
        load.expert_flops / machine.expert_peak,
        load.attention_flops / machine.peak16,
        busy,
    )


def _of_width(width: str, in16: Floats, in8: Floats, in4: Floats) -> Floats:
    return in8 if width == "8" else in4 if width == "4" else in16


def step_draw(use: Use, machine: Machine, c: PowerCoefficients) -> Draw:
    """Return the energy of a decode step.

    Every routed expert that is read multiplies a tile at least, mostly rows of zeros.
    """
    dense, experts = (
        _of_width(width, c.multiply16, c.multiply8, c.multiply4)
        for width in (machine.dense_width, machine.expert_width)
    )
    read = c.read_expert8 if machine.expert_width == "8" else c.read_expert
    read = read + c.padding * (experts * c.multiply_expert * machine.tile)
    arithmetic = dense * use.multiply + c.attention * use.attention
    return Draw(
        c.busy * use.busy,
        c.read * use.read,
        read * use.expert,
        c.state * use.state,
        arithmetic + experts * c.multiply_expert * use.multiply_expert,
    )


def prompt_draw(use: Use, machine: Machine, c: PowerCoefficients) -> Draw:
    """Return the energy of prompts; reading the weights counts little and stands in arithmetic."""
    dense, experts = (
        _of_width(width, c.prompt16, c.prompt8, c.prompt4)
        for width in (machine.dense_width, machine.expert_width)
    )
    zero = np.float64(0.0)
    arithmetic = dense * use.multiply + experts * use.multiply_expert
    return Draw(c.busy * use.busy, zero, zero, zero, arithmetic + c.attention * use.attention)


def served_use(
    times: Times, hardware: HardwareSpec, serving: ServingSpec, parallel: ParallelSpec
) -> tuple[Use, Use, Machine]:
    """Return the use of a device by one step, and by one prompt, and the machine as it serves.

    Devices of a pipeline that wait for others do not count as busy.
    """
    assert times.step is not None  # filled in by `times_of`
    assert times.prompts is not None
    regime = regime_of(serving)
    machine = machine_of(hardware, serving, accumulates16=regime == "single_stream")
    step = use_of(times.step, machine, times.device_s)
    prompts = use_of(times.prompts, machine, times.prompt_s * times.prompts_of)
    working = working_stages(serving.batch / parallel.data, parallel) / parallel.pipeline
    step, prompts = (
        Use(*[scaled(x, by) for x in use])
        for use, by in ((step, working), (prompts, working / times.prompts_of))
    )
    return step, prompts, machine


def share_of(static: Floats, draw: Floats, seconds: Floats, most: Floats) -> Floats:
    """Return the mean power over some time, as a share of the limit."""
    return held(static + draw / seconds, most)


#: What is said of replicas that hold experts of their own in 8 bits.
IDLE_EXPERTS = (
    "data-parallel attention with routed experts in 8 bits: ranks whose experts get no tokens wait"
    " for the others; no such run was measured"
)


def idle_experts(times: Times, machine: Machine, parallel: ParallelSpec) -> bool:
    """Tell whether ranks with experts of their own in 8 bits may be idle while others work."""
    assert times.step is not None
    if machine.expert_width != "8":
        return False
    spread = some((expert_ranks(parallel) > 1.0) & (parallel.data > 1.0))
    return spread and some(times.step.experts > 0.0)


class Shares(NamedTuple):
    """Mean power of a device by cause, in shares of its limit, before the limit holds it back.

    Attributes
    ----------
    static, busy : Floats
        What would be drawn without a limit, by cause.
    weights, experts : Floats
        The same for one step a second.
    caches, arithmetic : Floats
        The same for one token a second.
    prompts : Floats
        The same for one of `read` a second.
    total : Floats
        What is drawn.
    steps, tokens, read : Floats
        Steps and tokens a second; and tokens again, or prompts where nothing is written.
    """

    static: Floats
    busy: Floats
    weights: Floats
    experts: Floats
    caches: Floats
    arithmetic: Floats
    prompts: Floats
    total: Floats
    steps: Floats
    tokens: Floats
    read: Floats

    def named(self) -> dict[str, Floats]:
        """Return the part of each cause in all that is drawn; they add up to 1."""
        causes = {
            "static": self.static,
            "busy": self.busy,
            "weights": self.weights * self.steps,
            "experts": self.experts * self.steps,
            "caches": self.caches * self.tokens,
            "arithmetic": self.arithmetic * self.tokens,
            "prompts": self.prompts * self.read,
        }
        asked = sum(causes.values())
        return {name: share / asked for name, share in causes.items()}


def shares_of(
    step: Draw, prompt: Draw, most: Floats, c: PowerCoefficients, throughput: Floats, times: Times,
    serving: ServingSpec, parallel: ParallelSpec,
) -> Shares:  # fmt: skip
    """Return the power of a device that serves so many output tokens a second, by cause.

    Parameters
    ----------
    step, prompt : Draw
        Energy of a decode step, and of one prompt.
    most : Floats
        Share of its limit that a board may draw.
    throughput : Floats
        Output tokens a second of all devices together.
    """
    each = scaled(throughput, 1.0 / parallel.data)
    yielded = tokens_a_step(serving)
    steps = each / scaled(times.running, yielded)
    # for each token, so that few products have all dimensions of a grid
    written = np.maximum(serving.output_tokens, 1.0)
    caches, arithmetic = (x / (yielded * times.step_of) for x in (step.caches, step.arithmetic))
    read, prompts, reading = each, prompt.arithmetic / written, prompt.busy / written
    if none := some(serving.output_tokens == 0.0):  # then prompts come as they are read
        alone = serving.batch / parallel.data / times.ttft_s
        read = np.where(serving.output_tokens == 0.0, alone, each / written)
        prompts, reading = prompt.arithmetic, prompt.busy
    busy = np.minimum(step.busy * steps + reading * read, c.busy)
    drawn = (c.static + busy) + (step.weights + step.experts) * steps
    if none:
        drawn = drawn + (caches + arithmetic) * each + prompts * read
    else:
        drawn = drawn + (caches + arithmetic + prompts) * each
    return Shares(
        c.static, busy, step.weights, step.experts, caches, arithmetic, prompts, held(drawn, most),
        steps, each, read,
    )  # fmt: skip
