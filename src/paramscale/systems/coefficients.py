"""The coefficients of the serving formulas, read from ``catalogue/data/calibration.csv``.

A row says for one regime what one kind of operation costs. Rows with a class of memory replace the
general row there; rows with an engine multiply it. So a new machine class or engine is a row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from paramscale.catalogue.tables import Row, read_table
from paramscale.systems.drawn import factors
from paramscale.typing import Floats

__all__ = ["MOST", "REGIMES", "Coefficients", "coefficients", "drawn_coefficients", "measured"]

FILE = "calibration.csv"

#: No fraction may be above this: nothing that was measured reaches more of a data-sheet figure.
MOST = 0.97

#: Ways of serving with coefficients of their own.
REGIMES = ("continuous", "static", "single_stream")


class Coefficients(NamedTuple):
    """What the operations of one regime cost; fractions are of data-sheet figures.

    Attributes
    ----------
    dense, expert, state : Floats
        Fraction of the bandwidth reached by weights, routed experts, caches.
    expert8 : Floats
        The same for routed experts in 8 bits, over that of others.
    idle_expert8 : Floats
        Share of the experts that no token chose which ranks of experts in 8 bits read as well.
    multiply16, multiply8, multiply4 : Floats
        Fraction of the peak reached by matrices in decode, by width of the units.
    multiply_expert, attention : Floats
        The same for routed experts, over that of other matrices; for scores, of the 16-bit peak.
    overlap, host_overlap : Floats
        Exponents of the smooth maximum of memory and arithmetic, and of device and host; 1 adds.
    host : Floats
        Factor of all that the host does, one number an engine.
    step_s, layer_s, expert_s, scan_s, message_s : Floats
        Time of the host: a step, a layer, an expert layer, a recurrent layer, a collective.
    fp8_expert_s : Floats
        Further time an expert layer in 8 bits takes.
    sequence_s, kernel_s, stage_s : Floats
        Time that each sequence of a step, the small kernels of a layer, and each further stage of a
        pipeline take.
    latency_s, doubling_s, link : Floats
        Latency of a collective, what each doubling of ranks adds, fraction of the link reached.
    unpack, convert : Floats
        Operations of the fp32 lanes for each quantized, and each 16-bit, weight.
    prefill16, prefill8, prefill4, prefill_expert, prefill_attention : Floats
        As ``multiply``, for prompts; attention over 16-bit matrices.
    ridge, ridge_exponent, prefill_norm, prefill_unpacked : Floats
        FLOPs a byte of bandwidth at which prompts are limited by what lies around the matrix units,
        its dependence on fp32 lanes, the exponent of the smooth minimum, and its share for
        quantized weights. No ridge: 0.
    prefill_layer_s, prefill_step_s, prefill_read, chunk_tokens, pipelined : Floats
        Time a layer and a prompt take besides; whether weights are read once more; tokens of a
        chunk; exponent of the speed-up by pipelining chunks.
    prefill_share : Floats
        Share of a prompt's time by which the steps of others are delayed.
    stall_layer_s, stall_expert_s : Floats
        Time a layer, and a layer of routed experts, take besides in a step that reads prompts too;
        the median step has none, and throughput has all of it.
    first_s, first_steps, burst, queue, waiting : Floats
        Of the time to the first token: fixed, in steps, in prompts read for each sequence, in
        prompts of the queue, and share of the time for a free place.
    """

    dense: Floats = 0.8
    expert: Floats = 0.8
    expert8: Floats = 1.0
    idle_expert8: Floats = 0.0
    state: Floats = 0.7
    multiply16: Floats = 0.6
    multiply8: Floats = 0.5
    multiply4: Floats = 0.38
    multiply_expert: Floats = 0.6
    attention: Floats = 0.4
    overlap: Floats = 4.0
    host_overlap: Floats = 1.2
    host: Floats = 1.0
    step_s: Floats = 0.0
    layer_s: Floats = 0.0
    expert_s: Floats = 0.0
    scan_s: Floats = 0.0
    message_s: Floats = 0.0
    fp8_expert_s: Floats = 0.0
    sequence_s: Floats = 0.0
    kernel_s: Floats = 0.0
    stage_s: Floats = 0.0
    latency_s: Floats = 0.0
    doubling_s: Floats = 0.0
    link: Floats = 0.4
    unpack: Floats = 0.0
    convert: Floats = 0.0
    prefill16: Floats = 0.7
    prefill8: Floats = 0.45
    prefill4: Floats = 0.3
    prefill_expert: Floats = 0.5
    prefill_attention: Floats = 0.5
    ridge: Floats = 0.0
    ridge_exponent: Floats = 0.0
    prefill_norm: Floats = 2.0
    prefill_unpacked: Floats = 1.0
    prefill_layer_s: Floats = 0.0
    prefill_step_s: Floats = 0.0
    prefill_read: Floats = 1.0
    chunk_tokens: Floats = 1e9
    pipelined: Floats = 0.0
    prefill_share: Floats = 0.8
    stall_layer_s: Floats = 0.0
    stall_expert_s: Floats = 0.0
    first_s: Floats = 0.0
    first_steps: Floats = 0.0
    burst: Floats = 0.0
    queue: Floats = 0.0
    waiting: Floats = 0.0


class _Calibration(NamedTuple):
    """One row: where it holds, of what, how much in which unit, and how sure that is."""

    regime: str
    memory: str
    engine: str
    operation: str
    value: float
    deviation: float
    unit: str
    measured_on: tuple[str, ...]


def _read(row: Row) -> _Calibration:
    return _Calibration(
        row.text("regime"), row.text("memory"), row.text("engine"), row.text("operation"),
        row.number("value"), row.number("deviation"), row.text("unit"), row.names("measured_on"),
    )  # fmt: skip


@cache
def _rows() -> tuple[_Calibration, ...]:
    return tuple(_read(row) for row in read_table(FILE))


@cache
def coefficients(regime: str, memory: str = "", engine: str = "") -> Coefficients:
    """Return the coefficients of a regime on a class of memory with an engine.

    Where there is no row for the class or the engine, the general one holds.

    Examples
    --------
    >>> 0.5 < coefficients("continuous", "HBM", "vllm").dense < 1.0
    True
    """
    found: dict[str, Any] = {}
    for row in _of(regime):
        if row.operation in Coefficients._fields and not row.engine and row.memory in ("", memory):
            found[row.operation] = row.value  # rows of a class stand behind the general ones
    for row in _of(regime):
        if row.operation in found and row.engine and row.engine == engine:
            found[row.operation] *= row.value
    return Coefficients(**found)


def drawn_coefficients(
    regime: str, memory: str, engine: str, draws: int, rng: np.random.Generator, ndim: int
) -> Coefficients:
    """Return coefficients drawn by their deviations, a draw axis before `ndim` further ones."""
    found: dict[str, Any] = {}
    for row in sorted(_of(regime), key=lambda row: bool(row.engine)):
        named = row.operation in Coefficients._fields
        if named and row.memory in ("", memory) and row.engine in ("", engine):
            each: Floats = np.float64(row.value)
            if row.deviation > 0.0:
                each = each * factors(row.deviation, draws, rng, ndim)
            found[row.operation] = each * found[row.operation] if row.engine else each
            if row.unit == "fraction":
                found[row.operation] = np.minimum(found[row.operation], MOST)
    return Coefficients(**found)


def _of(regime: str) -> Iterator[_Calibration]:
    return (row for row in _rows() if row.regime == regime)


@cache
def measured(regime: str, what: str) -> frozenset[str]:
    """Return on which machines, engines, ... a regime was measured (rows ``measured_...``)."""
    names: Iterable[str] = (
        name for row in _of(regime) if row.operation == f"measured_{what}"
        for name in row.measured_on
    )  # fmt: skip
    return frozenset(names)


@cache
def deviation(regime: str, quantity: str, tier: str) -> float:
    """Return the log of the factor by which 90 % of measurements lie off, or are widened."""
    for row in _of(regime):
        if row.operation == f"{quantity}_{tier}":
            return row.value
    return _DEFAULT_WIDTH


_DEFAULT_WIDTH = 1.1
