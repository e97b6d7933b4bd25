"""What is expected of a served model: first token, tokens, requests and throughput.

Bound, expected value and interval belong together: no expected time, and no end of its interval,
is below the roofline. Coefficients are those of ``catalogue/data/calibration.csv``, fitted by
``tools/calibrate_serving.py``; machines without measurements of their own use those of their class
of memory and get a wider interval, as does everything that the scenario does not say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from paramscale import quantities as q
from paramscale.core.domain import Domain
from paramscale.core.estimator import Interval, estimator, sampler
from paramscale.core.interval import ends_wanted
from paramscale.core.reasons import Reason
from paramscale.specs.bill import Bill
from paramscale.specs.block import NOTHING
from paramscale.specs.hardware import HardwareSpec
from paramscale.specs.model import ModelSpec
from paramscale.specs.parallel import ParallelSpec
from paramscale.specs.serving import ServingSpec
from paramscale.systems.coefficients import drawn_coefficients
from paramscale.systems.drawn import at_width, levels, with_axis
from paramscale.systems.format_remarks import format_remarks, sparse_remarks
from paramscale.systems.load import tokens_together
from paramscale.systems.products import scaled
from paramscale.systems.regime import regime_of
from paramscale.systems.rules import (
    Rule,
    context_rules,
    figure_rules,
    head_rules,
    reasons_of,
    whole,
)
from paramscale.systems.scope import log_width, unmeasured
from paramscale.systems.serving import Times, serving_times
from paramscale.systems.step import StepParts, shares_by_cause
from paramscale.systems.storage import storage_of
from paramscale.systems.totals import Totals, totals_of
from paramscale.typing import Floats

__all__ = [
    "ServingTimes",
    "expected_first_token",
    "expected_token",
    "longest_gap",
    "requests",
    "throughput",
]

_FIT = (
    "paramscale: systems/step.py, fitted by tools/calibrate_serving.py on published measurements"
    " (catalogue/data/calibration.csv)"
)

_DOMAIN = Domain(
    {
        "serving.batch": (1, 8192),
        "serving.prompt_tokens": (1, 262144),
        "parallel.devices": (1, 128),
    },
    note="decoder-only models; machines whose class is not calibrated get a wide interval",
)


class ServingTimes(NamedTuple):
    """Expected times with their intervals, sequences that run at once, and the step by cause.

    `others` is by how much prompts of other requests delay a step of `step` seconds, `gap` the
    longest time between two tokens of a request in draws; None: as `times` have it. `times` are
    the expected times with what they were computed from. `remarks` tell why the intervals are
    wider than those of what was measured.
    `boundary_in_words` says how formats and zeros are counted for which the machine has no units.
    `level` is 0; in draws it is a standard normal number for the errors of what follows.
    """

    ttft: Interval
    tpot: Interval
    running: Floats
    parts: StepParts
    step: Floats
    others: Floats
    gap: Interval | None
    times: Times
    remarks: tuple[str, ...]
    level: Floats = NOTHING
    boundary_in_words: tuple[str, ...] = ()


def _rules(model: ModelSpec, serving: ServingSpec, parallel: ParallelSpec) -> list[Rule]:
    return [*head_rules(model, parallel), *context_rules(model, serving)]


def _refusals(
    model: ModelSpec, hardware: HardwareSpec, serving: ServingSpec, parallel: ParallelSpec
) -> Iterator[Reason]:
    formats = (serving.weight_format, serving.activation_format)
    return reasons_of([*_rules(model, serving, parallel), *figure_rules(hardware, *formats)])


@estimator(
    gives=q.SERVING_TIMES, source=_FIT, kind="calibrated", domain=_DOMAIN, refusals=_refusals
)
def expected_times(
    model: ModelSpec,
    decode_work: Bill,
    prefill_work: Bill,
    hardware: HardwareSpec,
    serving: ServingSpec,
    parallel: ParallelSpec,
) -> ServingTimes:
    """Expected times of prompts and steps, computed once for all quantities below.

    Tensor ranks that do not divide the heads are refused, and a context beyond the model's; in a
    grid they are NaN.
    """
    meant = whole(_rules(model, serving, parallel))
    decode, prefill = _sums(decode_work, prefill_work, hardware, serving, parallel)
    times = serving_times(decode, prefill, hardware, serving, parallel)
    times = times._replace(
        prompt_s=scaled(times.prompt_s, meant),
        step_s=scaled(times.step_s, meant),
        tpot_s=scaled(times.tpot_s, meant),
        ttft_s=scaled(times.ttft_s, meant),
        others_s=scaled(times.others_s, meant),
    )
    first = log_width("ttft_s", hardware, serving)
    return ServingTimes(
        _banded(times.ttft_s, times.least_ttft_s, first),
        _banded(times.tpot_s, times.least_tpot_s, log_width("tpot_s", hardware, serving)),
        times.running,
        times.parts,
        times.step_s,
        times.others_s,
        None,
        times,
        unmeasured(hardware, serving),
        boundary_in_words=_fallen_back(model, decode_work, hardware, serving),
    )


def _fallen_back(
    model: ModelSpec, work: Bill, hardware: HardwareSpec, serving: ServingSpec
) -> tuple[str, ...]:
    """Return what the machine has no units for, and so multiplies otherwise."""
    said = format_remarks(hardware, serving)
    return said + sparse_remarks(work, hardware, serving) if model.changes else said


def _sums(
    decode_work: Bill, prefill_work: Bill, hardware: HardwareSpec, serving: ServingSpec,
    parallel: ParallelSpec,
) -> tuple[Totals, Totals]:  # fmt: skip
    stored = storage_of(serving, hardware)
    decode = totals_of(decode_work, stored, parallel.tensor, tokens_together(serving, parallel))
    return decode, totals_of(prefill_work, stored, parallel.tensor)


@sampler(expected_times)
def _sample(draws: int, rng: np.random.Generator) -> Callable[..., ServingTimes]:
    """Return the expected times with drawn coefficients, and levels of their own.

    The errors of first and further tokens on what was left out of the fit are not correlated.
    """
    drawn = np.stack([levels(draws, rng) for _ in range(3)])

    def sampled(
        model: ModelSpec, decode_work: Bill, prefill_work: Bill, hardware: HardwareSpec,
        serving: ServingSpec, parallel: ParallelSpec,
    ) -> ServingTimes:  # fmt: skip
        point = expected_times(model, decode_work, prefill_work, hardware, serving, parallel)
        ndim = max(np.ndim(each.value) for each in (point.ttft, point.tpot))
        c = drawn_coefficients(
            regime_of(serving), hardware.memory_type, serving.engine, draws, rng, ndim
        )
        decode, prefill = _sums(decode_work, prefill_work, hardware, serving, parallel)
        times = serving_times(decode, prefill, hardware, serving, parallel, c)
        first, further, other = drawn.reshape(3, draws, *(1,) * ndim)
        width = log_width("ttft_s", hardware, serving)
        token = log_width("tpot_s", hardware, serving)
        tpot = at_width(times.tpot_s, point.tpot.value, token, further)
        ttft = at_width(times.ttft_s, point.ttft.value, width, first)
        longest = np.maximum(_gap(point.times, serving), point.times.least_tpot_s)
        gap = at_width(_gap(times, serving), longest, width, first)
        made = ServingTimes(
            _exactly(np.maximum(ttft, times.least_ttft_s)),
            _exactly(np.maximum(tpot, times.least_tpot_s)),
            times.running, times.parts, times.step_s, times.others_s,
            _exactly(np.maximum(gap, times.least_tpot_s)), times, (), other,
        )  # fmt: skip
        found: ServingTimes = with_axis(made, draws, ndim)
        return found

    return sampled


def _exactly(value: Floats) -> Interval:
    return Interval(value, value, value)


def _gap(times: Times, serving: ServingSpec) -> Floats:
    """Return the longest time between tokens: where others run, a step with a prompt, or chunk."""
    if serving.schedule != "continuous":
        return times.step_s
    read = times.prompt_s / serving.chunks()
    return np.maximum(times.step_s + read * np.minimum(times.running - 1.0, 1.0), times.tpot_s)


def _banded(value: Floats, bound: Floats, width: float) -> Interval:
    """Return a value with its interval, none of them below the bound."""
    value = np.maximum(value, bound)
    if not ends_wanted():
        return Interval(value, value, value)
    factor = np.exp(width)
    return Interval(value, np.maximum(value / factor, bound), value * factor)


@estimator(gives=q.TTFT_S, source=_FIT, kind="calibrated", domain=_DOMAIN)
def expected_first_token(serving_times: ServingTimes) -> Interval:
    """Time to the first token: all prompts read; with continuous batching, of one among others.

    A request then waits for the step in hand, for its share of the prompts before it, and, where
    memory does not hold all sequences, for a place. With ``request_rate_per_s`` the queue is that
    of random arrivals.
    """
    return serving_times.ttft


def _causes(serving_times: ServingTimes) -> dict[str, Floats]:
    """Return the time of a token by cause."""
    found = serving_times
    shares = shares_by_cause(found.parts, found.step, found.others)
    return {cause: share * found.tpot.value for cause, share in shares.items()}


@estimator(gives=q.TPOT_S, source=_FIT, kind="calibrated", domain=_DOMAIN, parts=_causes)
def expected_token(serving_times: ServingTimes) -> Interval:
    """Time between two tokens of a request, with the delay by prompts of others.

    ((W/bw)^p + (C/F)^p)^(1/p) + K/bw + messages, joined with the host's time by a smooth maximum;
    see :mod:`paramscale.systems.step`. Sequences beyond what the memory holds wait.
    """
    return serving_times.tpot


@estimator(gives=q.LONGEST_GAP_S, source=_FIT, kind="calibrated", domain=_DOMAIN)
def longest_gap(
    serving_times: ServingTimes, hardware: HardwareSpec, serving: ServingSpec
) -> Interval:
    """Time between two tokens of a request while another's prompt, or a chunk of it, is read.

    A step, and the arithmetic of the prompt or of one of its chunks; as unsure as the first token.
    """
    if serving_times.gap is not None:
        return serving_times.gap
    width = log_width("ttft_s", hardware, serving)
    times = serving_times.times
    return _banded(_gap(times, serving), times.least_tpot_s, width)


@estimator(gives=q.REQUEST_LATENCY_S, source=_FIT, kind="calibrated", domain=_DOMAIN)
def requests(serving_times: ServingTimes, serving: ServingSpec) -> Interval:
    """Time from a request to its last token: the first, and n - 1 further ones."""
    return _latency(serving_times, serving)


def _latency(times: ServingTimes, serving: ServingSpec) -> Interval:
    further = np.maximum(serving.output_tokens - 1.0, 0.0)
    value = times.ttft.value + further * times.tpot.value
    if times.tpot.low is times.tpot.value:
        return Interval(value, value, value)
    low, high = (times.ttft[i] + further * times.tpot[i] for i in (1, 2))
    return Interval(value, low, high)


@estimator(gives=q.THROUGHPUT_TOKENS_PER_S, source=_FIT, kind="calibrated", domain=_DOMAIN)
def throughput(
    serving_times: ServingTimes, serving: ServingSpec, parallel: ParallelSpec
) -> Interval:
    """Output tokens of all devices together in a second.

    Little's law: as many requests as are served together, each n tokens in its latency, and what
    steps that also read prompts take longer, which the time per token, a median, has not. A static
    batch that does not fit runs in waves. With ``request_rate_per_s`` no more than asked for.
    """
    latency = _latency(serving_times, serving)
    stalled = np.maximum(serving.output_tokens - 1.0, 0.0) * serving_times.times.stall_s
    tokens = serving.batch * serving.output_tokens
    waves: Floats | None = None
    if serving.schedule != "continuous":  # ttft of the continuous schedule has the wait in it
        waves = np.maximum(serving.batch / (serving_times.running * parallel.data), 1.0)

    def rate(seconds: Floats) -> Floats:
        seconds = seconds + stalled
        found: Floats = tokens / (seconds if waves is None else seconds * waves)
        if serving.request_rate_per_s is None:
            return found
        return np.minimum(found, serving.request_rate_per_s * serving.output_tokens)

    value = rate(latency.value)
    if latency.low is latency.value:
        return Interval(value, value, value)
    return Interval(value, rate(latency.high), rate(latency.low))
