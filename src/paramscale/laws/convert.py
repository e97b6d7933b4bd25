"""Between the conventions of laws: how parameters are counted, in which unit loss is told."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from paramscale.errors import MissingInputError, UnknownNameError
from paramscale.laws.forms._numbers import positive
from paramscale.specs.bill import total
from paramscale.specs.block import NOTHING, Operation
from paramscale.specs.model import ModelSpec
from paramscale.specs.passes import Pass
from paramscale.typing import Floats, FloatsLike

__all__ = [
    "LOSS_UNITS",
    "PEARCE_GAMMA",
    "Counts",
    "convert_loss",
    "count_parameters",
    "with_embeddings",
    "without_embeddings",
]

#: Embedding parameters by the cube root of the others, Chinchilla models with a vocabulary of
#: 32,000: Pearce and Song 2024, arXiv:2406.12907; TeaPearce/Reconciling_Kaplan_Chinchilla_Scaling_
#: Laws@c708e5bf, ``script_analysis_kaplan_chinchilla.py``.
PEARCE_GAMMA = 47491.0

#: Units of loss that `convert_loss` knows.
LOSS_UNITS = (
    "nats_per_token", "bits_per_token", "nats_per_byte", "bits_per_byte", "perplexity",
)  # fmt: skip


class Counts(NamedTuple):
    """Parameters of a model by the conventions of laws.

    ``total``: all, tied ones once (Hoffmann and most others); ``non_embedding``: without tables
    and without the matrix of the head (Kaplan); ``with_head``: without tables, with that matrix
    once, tied or not (Porian's standard count); ``active``: those that one token touches.
    """

    total: Floats
    non_embedding: Floats
    with_head: Floats
    active: Floats


def is_vocabulary(op: Operation) -> bool:
    """Tell whether an operation belongs to the tables or to the projection to logits."""
    return op.kind == "lookup" or op.part == "head"


def count_parameters(model: ModelSpec) -> Counts:
    """Return the parameters of a model by the conventions of laws, exactly.

    Examples
    --------
    >>> from paramscale import models
    >>> counts = count_parameters(models["llama-3.1-8b"])
    >>> int(counts.total), int(counts.non_embedding)
    (8030261248, 6979588096)
    """
    bill = model.operations(Pass(1.0, 1.0))
    inner = total(bill, lambda op: NOTHING if is_vocabulary(op) else op.weights)
    head = total(bill, lambda op: op.weights + op.borrowed if op.part == "head" else NOTHING)
    return Counts(
        total=total(bill, lambda op: op.weights),
        non_embedding=inner,
        with_head=inner + head,
        active=total(bill, lambda op: op.active_weights),
    )


def with_embeddings(non_embedding: FloatsLike, gamma: FloatsLike = PEARCE_GAMMA) -> Floats:
    """Return all parameters of a Chinchilla-shaped model: ``N + gamma N^(1/3)``.

    Parameters
    ----------
    non_embedding : float or array
        N as Kaplan counts it; broadcasts.
    gamma : float or array
        In proportion to the vocabulary; that of 32,000 unless given.

    Returns
    -------
    float or array
        N as Chinchilla counts it; NaN where an input is not positive.

    Examples
    --------
    >>> round(float(with_embeddings(1e9)) / 1e9, 4)
    1.0475
    """
    size = positive(non_embedding)
    counted: Floats = size + positive(gamma) * np.cbrt(size)
    return counted


def without_embeddings(parameters: FloatsLike, gamma: FloatsLike = PEARCE_GAMMA) -> Floats:
    """Return the parameters without embeddings, the inverse of :func:`with_embeddings`.

    It is the only real root of ``x^3 + gamma x = N`` in closed form, found from a hyperbolic
    sine, and one Newton step against cancellation where embeddings are nearly everything.

    Examples
    --------
    >>> round(float(without_embeddings(1.047491e9)) / 1e9, 6)
    1.0
    """
    whole, slope = positive(parameters), positive(gamma)
    with np.errstate(over="ignore", invalid="ignore"):
        scale = 2.0 * np.sqrt(slope / 3.0)
        root = scale * np.sinh(np.arcsinh(3.0 * whole / (slope * scale)) / 3.0)
        root = root - (root**3 + slope * root - whole) / (3.0 * root**2 + slope)
        counted: Floats = root**3
    return counted


def convert_loss(
    loss: FloatsLike, given: str, wanted: str, *, bytes_per_token: FloatsLike | None = None
) -> Floats:
    """Return a loss in another unit.

    Parameters
    ----------
    loss : float or array
        In the unit `given`; broadcasts.
    given, wanted : str
        ``"nats_per_token"``, ``"bits_per_token"``, ``"nats_per_byte"``, ``"bits_per_byte"`` or
        ``"perplexity"`` (of tokens).
    bytes_per_token : float or array, optional
        UTF-8 bytes of the text over its tokens; needed between tokens and bytes.

    Returns
    -------
    float or array
        In the unit `wanted`. NaN where a perplexity or `bytes_per_token` is not positive;
        infinite where a perplexity exceeds float64.

    Examples
    --------
    >>> round(float(convert_loss(2.0, "nats_per_token", "bits_per_byte", bytes_per_token=4.4)), 4)
    0.6558
    >>> round(float(convert_loss(2.0, "nats_per_token", "perplexity")), 3)
    7.389
    """
    for unit in (given, wanted):
        if unit not in LOSS_UNITS:
            raise UnknownNameError("unit of loss", unit, LOSS_UNITS)
    if given.endswith("_byte") != wanted.endswith("_byte") and bytes_per_token is None:
        raise MissingInputError(
            f"from {given} to {wanted} needs bytes_per_token=..., the bytes of the text over its "
            "tokens, which is measured on the data"
        )
    length = 1.0 if bytes_per_token is None else positive(bytes_per_token)
    nats = np.asarray(loss, dtype=np.float64)[()]
    nats = np.log(positive(nats)) if given == "perplexity" else nats * _nats(given, length)
    if wanted == "perplexity":
        with np.errstate(over="ignore"):
            perplexity: Floats = np.exp(nats)
        return perplexity
    told: Floats = nats / _nats(wanted, length)
    return told


def _nats(unit: str, bytes_per_token: Floats) -> Floats:
    """Return the nats per token of one `unit`."""
    one = np.log(2.0) if unit.startswith("bits") else 1.0
    return one * bytes_per_token if unit.endswith("_byte") else np.float64(one)
