"""Times of a served model: a prompt, a decode step, and what requests see of both.

Three regimes have coefficients of their own: ``continuous``, engines of 2025 and later, in which
prompts of new requests are read between the decode steps of the running ones (or, where the
schedule is not said to be continuous, before all of them); ``static`` batches of the engines of
2024, which start and end together; and a ``single_stream``, as llama.cpp and its kin serve.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from paramscale.catalogue.formats import as_format
from paramscale.specs.block import NOTHING
from paramscale.specs.hardware import HardwareSpec
from paramscale.specs.parallel import ParallelSpec
from paramscale.specs.serving import ServingSpec
from paramscale.systems.coefficients import Coefficients, coefficients
from paramscale.systems.load import Load, expert_ranks, load_of, working_stages
from paramscale.systems.machine import Machine, machine_of
from paramscale.systems.products import scaled
from paramscale.systems.regime import regime_of
from paramscale.systems.sequences import running_sequences, tokens_a_step
from paramscale.systems.step import (
    StepParts,
    device_seconds,
    prompt_seconds,
    step_parts,
    step_seconds,
)
from paramscale.systems.totals import Totals
from paramscale.typing import Floats

__all__ = ["Times", "serving_times", "times_of"]


_ONE = np.float64(1.0)


class Times(NamedTuple):
    """What comes back; seconds, except for the number of running sequences.

    Attributes
    ----------
    prompt_s : Floats
        One prompt, as others wait for it.
    step_s : Floats
        One decode step of the sequences that run.
    tpot_s, ttft_s : Floats
        Between two tokens of a request, prompts of others included; to its first token.
    running : Floats
        Sequences that run at the same time on one replica: what its memory holds, at most all.
    parts : StepParts
        The step by cause.
    others_s : Floats
        By how much prompts of other requests delay a step.
    stall_s : Floats
        What steps that also read prompts take longer, for each token; in the mean, not the median.
    device_s : Floats
        Part of a step in which the device works; the rest of it waits for the host.
    step, prompts : Load, optional
        What one device does in a step, and for prompts of its replica; amounts that grow with the
        sequences are of `step_of` and `prompts_of` sequences of the replica.
    step_of, prompts_of : Floats
        So many: all of the replica, or a single one.
    least_tpot_s, least_ttft_s : Floats
        What nothing can beat: peaks and bandwidth of all devices together.
    """

    prompt_s: Floats
    step_s: Floats
    tpot_s: Floats
    ttft_s: Floats
    running: Floats
    parts: StepParts
    others_s: Floats = NOTHING
    stall_s: Floats = NOTHING
    device_s: Floats = NOTHING
    step: Load | None = None
    prompts: Load | None = None
    step_of: Floats = _ONE
    prompts_of: Floats = _ONE
    least_tpot_s: Floats = NOTHING
    least_ttft_s: Floats = NOTHING


def serving_times(
    decode: Totals,
    prefill: Totals,
    hardware: HardwareSpec,
    serving: ServingSpec,
    parallel: ParallelSpec,
    drawn: Coefficients | None = None,
) -> Times:
    """Return the times of a served model on a machine in a layout.

    Parameters
    ----------
    decode, prefill : Totals
        One decode step, and the prefill of all prompts, of the whole model.
    drawn : Coefficients, optional
        In place of those of the calibration.
    """
    regime = regime_of(serving)
    c = drawn or coefficients(regime, hardware.memory_type, serving.engine)
    machine = machine_of(hardware, serving, accumulates16=regime == "single_stream")
    times = times_of(decode, prefill, machine, c, serving, parallel, regime)
    share = scaled(times.running, parallel.data / decode.counted(serving.batch))
    sequences = prefill.counted(serving.batch)
    first = (1.0 if serving.schedule == "continuous" else serving.batch) / sequences
    least = _least(decode, machine, parallel, share, serving.batch)
    return times._replace(
        least_tpot_s=scaled(least, 1.0 / tokens_a_step(serving)),
        least_ttft_s=_least(prefill, machine, parallel, first, serving.batch, serving.chunks()),
    )


def _least(
    work: Totals, machine: Machine, parallel: ParallelSpec, share: Floats, batch: Floats,
    reads: Floats = _ONE,
) -> Floats:  # fmt: skip
    """Return the roofline of a pass, for a share of its sequences (of a prompt, its FLOPs only).

    Weights are read `reads` times, once for each chunk of a prompt.
    """
    flops = work.whole_flops + work.split_flops + work.expert_flops + work.attention_flops
    apart = parallel.tensor * parallel.data / expert_ranks(parallel)
    read = work.whole_weights + work.split_weights + work.expert_weights * apart
    read = read + scaled(work.looked_up, batch / work.counted(batch))
    ranks = parallel.data * parallel.pipeline * parallel.context
    assert parallel.devices is not None  # filled in by the spec
    weights = reads * read * machine.least / (parallel.devices * machine.bandwidth)
    # grouped so that of the arrays only the last products have all dimensions of a grid
    computing = (flops / (machine.fastest * parallel.devices)) * share
    return np.maximum(computing, weights + (work.state_bytes / (ranks * machine.bandwidth)) * share)


def times_of(
    decode: Totals,
    prefill: Totals,
    machine: Machine,
    c: Coefficients,
    serving: ServingSpec,
    parallel: ParallelSpec,
    regime: str,
) -> Times:
    """Return the times with given coefficients; fits call this with arrays of them."""
    element = as_format(serving.activation_format).bits_per_weight / 8.0
    each = serving.batch / parallel.data
    running = running_sequences(decode, machine.memory, serving, parallel)
    step_of, prompts_of = (x.counted(serving.batch) / parallel.data for x in (decode, prefill))
    share = scaled(running, 1.0 / step_of)
    stages = working_stages(each, parallel)
    ranks = np.maximum(parallel.tensor, expert_ranks(parallel))
    one = load_of(prefill, parallel, stages, element)
    step = _drafted(load_of(decode, parallel, stages, element), serving)
    if machine.expert_width == "8":
        step = _with_idle_experts(step, decode, parallel, c)
    parts = step_parts(step, machine, c, running, ranks, share)
    device = device_seconds(parts, c)
    step_s = step_seconds(parts, c, device)
    if isinstance(parallel.pipeline, np.ndarray) or parallel.pipeline > 1.0:
        step_s = step_s + c.stage_s * (parallel.pipeline - 1.0)
    prompt_s = prompt_seconds(one, machine, c, ranks) / prompts_of
    if serving.chunk_tokens is not None:
        prompt_s = prompt_s + _read_again(decode, parallel, machine, c, serving)
    if serving.schedule == "continuous" and regime == "continuous":
        times = _continuous(prompt_s, step_s, parts, c, serving, each, running)
        stall = _stall(running, step, c, serving)
        return times._replace(
            stall_s=stall, device_s=device, step=step, prompts=one, step_of=step_of,
            prompts_of=prompts_of,
        )  # fmt: skip
    if regime == "single_stream":
        ttft = _in_chunks(each * prompt_s, step, parts.weights, c, serving, parallel)
    else:  # all prompts are read, then all sequences step together
        fixed = parts.messages + parts.host if regime == "continuous" else c.prefill_step_s
        fixed = c.prefill_read * parts.weights + fixed
        ttft = running * prompt_s + serving.chunks() * fixed
    tpot = step_s / tokens_a_step(serving)
    return Times(
        prompt_s, step_s, tpot, ttft, running, parts, device_s=device, step=step, prompts=one,
        step_of=step_of, prompts_of=prompts_of,
    )  # fmt: skip


def _stall(running: Floats, step: Load, c: Coefficients, serving: ServingSpec) -> Floats:
    """Return what steps that also read prompts take longer, for each token in the mean.

    Prompts come at random, so that 1 - exp(-running / tokens written) of the steps have one.
    """
    each = c.stall_layer_s * step.layers + c.stall_expert_s * step.experts
    unmixed = np.expm1(running * (-1.0 / np.maximum(serving.output_tokens, 1.0)))
    return -each / tokens_a_step(serving) * unmixed


def _read_again(
    decode: Totals, parallel: ParallelSpec, machine: Machine, c: Coefficients, serving: ServingSpec
) -> Floats:
    """Return the seconds in which the chunks of one prompt read the cache of those before them.

    Chunk i of k reads what i - 1 chunks have left, so that together they read (k - 1) / 2 caches
    of the prompt; what a decode step reads of a sequence tells how large that is.
    """
    sequences = decode.counted(serving.batch)
    held = decode.state_bytes / (sequences * parallel.pipeline * parallel.context)
    length = serving.prompt_tokens / serving.decode().context
    return 0.5 * (serving.chunks() - 1.0) * held * length / (c.state * machine.bandwidth)


def _drafted(step: Load, serving: ServingSpec) -> Load:
    """Return the load of a step with drafts, which make several tokens of each sequence."""
    tokens = 1.0 + serving.draft_tokens
    if isinstance(tokens, float) and tokens == 1.0:
        return step
    return step._replace(
        dense_flops=step.dense_flops * tokens,
        expert_flops=scaled(step.expert_flops, tokens),
        attention_flops=scaled(step.attention_flops, tokens),
        reduced_bytes=scaled(step.reduced_bytes, tokens),
    )


def _with_idle_experts(step: Load, decode: Totals, parallel: ParallelSpec, c: Coefficients) -> Load:
    """Return the load in which ranks of experts in 8 bits work also on some that no token chose.

    Their kernels pad every expert of a rank to a tile of tokens, and read its weights for it.
    """
    held = decode.stored_bytes[2] / expert_ranks(parallel)
    idle = np.minimum(c.idle_expert8, 1.0) * np.maximum(held - step.expert_bytes, 0.0)
    idle = np.where(parallel.expert > 1.0, idle, 0.0)[()]
    return step._replace(expert_bytes=step.expert_bytes + idle)


def _continuous(
    prompt_s: Floats, step_s: Floats, parts: StepParts, c: Coefficients, serving: ServingSpec,
    each: Floats, running: Floats,
) -> Times:  # fmt: skip
    """Return the times under continuous batching in its steady state.

    A running sequence writes n tokens and then makes room for the prompt of the next one, so a step
    meets running / n prompts, of whose time a share delays it. A new request waits for the step in
    hand, for the prompts before it (rho / (1 - rho), rho the share of time spent on prompts), and,
    where memory does not hold all, for a place. Of a prompt in chunks every further one comes with
    a step of the sequences that run: the prompt is there later, and no step waits for all of it.
    """
    written = np.maximum(serving.output_tokens, 1.0)
    others = (c.prefill_share * prompt_s / written) * running  # one product of all dimensions
    tpot = scaled(step_s + others, 1.0 / tokens_a_step(serving))
    lone = prompt_s + parts.weights + parts.messages + parts.host
    if serving.chunk_tokens is not None:
        lone = lone + (serving.chunks() - 1.0) * step_s
    cycle = lone + written * tpot
    if serving.request_rate_per_s is None:
        busy = np.minimum(running * prompt_s / cycle, 0.95)
    else:
        busy = np.minimum(serving.request_rate_per_s * prompt_s, 0.99)
    burst = c.burst * prompt_s
    ttft = (
        (c.first_s + lone - burst)
        + c.first_steps * tpot
        + burst * running
        + (c.queue * prompt_s) * (busy / (1.0 - busy))
        + ((c.waiting * each) / running - c.waiting) * cycle
    )
    return Times(prompt_s, step_s, tpot, ttft, running, parts, others)


def _in_chunks(
    seconds: Floats, step: Load, weights_s: Floats, c: Coefficients, serving: ServingSpec,
    parallel: ParallelSpec,
) -> Floats:  # fmt: skip
    """Return the time of a prompt that is read in chunks, which stages of a pipeline pass on.

    Engines of this regime have chunks of their own; of smaller ones each reads all weights.
    """
    usual = np.ceil(serving.prompt_tokens / c.chunk_tokens)
    chunks = usual if serving.chunk_tokens is None else serving.chunks()
    seconds = np.maximum(seconds, (chunks - usual) * weights_s)
    stages = parallel.pipeline
    faster = (stages * chunks / (chunks + stages - 1.0)) ** c.pipelined
    fixed = chunks * step.layers * c.prefill_layer_s + c.prefill_step_s
    return (seconds + fixed) / faster
