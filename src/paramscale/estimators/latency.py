"""The least time that a prefill and a decode step can take: the roofline.

Bounds come before estimates (Williams et al. 2009, "Roofline", doi:10.1145/1498765.1498785); what
is expected stands in ``serving_time``.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from paramscale import quantities as q
from paramscale.core.estimator import estimator
from paramscale.core.reasons import Reason
from paramscale.specs.bill import Bill
from paramscale.specs.hardware import HardwareSpec
from paramscale.specs.model import ModelSpec
from paramscale.specs.parallel import ParallelSpec
from paramscale.specs.serving import ServingSpec
from paramscale.systems.load import tokens_together
from paramscale.systems.roofline import roofline
from paramscale.systems.rules import context_rules, figure_rules, reasons_of, whole
from paramscale.systems.sequences import running_sequences, tokens_a_step
from paramscale.systems.storage import storage_of
from paramscale.systems.totals import totals_of
from paramscale.typing import Floats

__all__ = ["decode_roofline", "prefill_roofline"]

_ALL = np.float64(1.0)
_ROOFLINE = "Williams, Waterman & Patterson 2009 (roofline), doi:10.1145/1498765.1498785"


def _refusals(model: ModelSpec, hardware: HardwareSpec, serving: ServingSpec) -> Iterator[Reason]:
    formats = (serving.weight_format, serving.activation_format)
    return reasons_of([*context_rules(model, serving), *figure_rules(hardware, *formats)])


@estimator(gives=q.TTFT_S, source=_ROOFLINE, kind="bound", rank=1, refusals=_refusals)
def prefill_roofline(
    model: ModelSpec, prefill_work: Bill, hardware: HardwareSpec, serving: ServingSpec,
    parallel: ParallelSpec,
) -> Floats:  # fmt: skip
    """Least time in which all prompts can be read; no machine is faster, real ones are slower.

    Under continuous batching requests come one by one, and the bound is that of one prompt. Each
    chunk of a prompt reads the weights again.
    """
    share, hit = 1.0 / serving.batch, serving.schedule != "continuous"
    return whole(context_rules(model, serving)) * roofline(
        prefill_work, hardware, serving, parallel, _ALL if hit else share, hit=hit,
        reads=serving.chunks(),
    )  # fmt: skip


@estimator(gives=q.TPOT_S, source=_ROOFLINE, kind="bound", rank=1, refusals=_refusals)
def decode_roofline(
    model: ModelSpec, decode_work: Bill, hardware: HardwareSpec, serving: ServingSpec,
    parallel: ParallelSpec,
) -> Floats:  # fmt: skip
    """Least time of one decode step at the mean context; real machines are slower.

    Sequences beyond what the memory can hold wait, so that a step has fewer of them; with drafts a
    step yields several tokens.
    """
    tokens = tokens_together(serving, parallel)
    totals = totals_of(decode_work, storage_of(serving, hardware), parallel.tensor, tokens)
    running = running_sequences(totals, hardware.memory_bytes, serving, parallel)
    share = running * parallel.data / serving.batch
    step = roofline(decode_work, hardware, serving, parallel, share)
    return whole(context_rules(model, serving)) * step / tokens_a_step(serving)
