"""Measured runs to try things on: one variant of the IsoFLOP study of Porian et al. 2024."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from paramscale.core.packaged import packaged_rows
from paramscale.fitting.objective import Array

__all__ = ["ExampleRuns", "example_runs"]


class ExampleRuns(NamedTuple):
    """Columns of runs: size, tokens, loss [nats per token], compute [FLOPs]."""

    parameters: Array
    tokens: Array
    loss: Array
    flops: Array


@cache
def example_runs() -> ExampleRuns:
    """Return 121 measured runs: 5 million to 0.9 billion parameters, 12 budgets of compute.

    RefinedWeb, tuned learning rates and batches; parameters with the head. T. Porian et al. 2024,
    arXiv:2406.19146; repository formll/resolving-scaling-law-discrepancies, MIT licence.

    Examples
    --------
    >>> runs = example_runs()
    >>> len(runs.loss), float(runs.flops.max())
    (121, 2.56e+19)
    """
    rows = packaged_rows("paramscale.fitting", "example_runs.csv")
    names = ("parameters", "tokens", "loss_nats", "flops")
    columns = [np.array([float(row[name]) for row in rows]) for name in names]
    for each in columns:
        each.flags.writeable = False
    return ExampleRuns(*columns)
