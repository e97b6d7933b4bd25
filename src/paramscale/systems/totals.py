"""Sums of a pass over the whole model, by how a layout divides them among devices."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from paramscale.specs.bill import Bill, SequenceBill
from paramscale.specs.block import NOTHING, Operation
from paramscale.systems.storage import Storage
from paramscale.typing import Floats

__all__ = ["Totals", "totals_of"]

_ONE = np.float64(1.0)


class Totals(NamedTuple):
    """Amounts of one pass of the whole model, by how a layout divides them.

    ``whole`` is on every rank, ``split`` is divided over the tensor ranks, ``expert`` over all that
    share the experts: bytes read, elements read, FLOPs. ``held_bytes`` are caches after the pass,
    ``looked_up`` elements of rows of tables, ``stored_bytes`` all weights in the three classes.
    ``sequences`` tells of how many sequences the amounts are that grow with them (FLOPs, caches,
    messages, rows looked up); None: of all that are served together.
    """

    whole_bytes: Floats
    split_bytes: Floats
    expert_bytes: Floats
    whole_weights: Floats
    split_weights: Floats
    expert_weights: Floats
    whole_flops: Floats
    split_flops: Floats
    expert_flops: Floats
    attention_flops: Floats
    state_bytes: Floats
    layers: Floats
    experts: Floats
    scans: Floats
    messages: Floats
    reduced_elements: Floats
    held_bytes: Floats
    looked_up: Floats
    stored_bytes: tuple[Floats, Floats, Floats]
    sequences: Floats | None = None

    def counted(self, batch: Floats) -> Floats:
        """Return of how many sequences these are the amounts."""
        return batch if self.sequences is None else self.sequences


def totals_of(work: Bill, stored: Storage, tensor: Floats, tokens: Floats | None = None) -> Totals:
    """Return the amounts of a pass, summed over operations.

    Parameters
    ----------
    work : Bill
        Operations of the pass.
    stored : Storage
        Bytes of each kind of element.
    tensor : Floats
        Tensor-parallel ranks, over which a cache is divided as far as it can be.
    tokens : Floats, optional
        Tokens that choose experts together, where they are not all tokens of the pass.
    """
    sums = _Sums()
    if isinstance(work, SequenceBill):
        work, sums.sequences = work.one, _ONE
    for count, op in work:
        sums.add(count, op, stored, tokens)
        if op.state is not NOTHING or op.state_read is not NOTHING:
            each = count * stored.state[op.state_format] / np.minimum(tensor, op.state_ranks)
            sums.state = sums.state + (op.state_read + op.state_written) * each
            sums.held = sums.held + op.state * each
        if op.collective:
            sums.messages = sums.messages + count
            sums.reduced = sums.reduced + count * op.moved_out
            if op.collective == "all_to_all":
                sums.experts = sums.experts + count
    return sums.totals()


#: Place of a split among the sums: whole, over tensor ranks, over all that share experts.
_PLACES = {"none": 0, "experts": 2}


class _Sums:
    """Running sums; a plain class, since they are changed for every operation."""

    attention: Floats
    state: Floats
    layers: Floats
    experts: Floats
    scans: Floats
    messages: Floats
    reduced: Floats
    held: Floats
    looked_up: Floats

    def __init__(self) -> None:
        self.bytes: list[Floats] = [NOTHING, NOTHING, NOTHING]
        self.weights: list[Floats] = [NOTHING, NOTHING, NOTHING]
        self.flops: list[Floats] = [NOTHING, NOTHING, NOTHING]
        self.stored: list[Floats] = [NOTHING, NOTHING, NOTHING]
        self.attention = self.state = self.layers = self.experts = self.scans = NOTHING
        self.messages = self.reduced = self.held = self.looked_up = NOTHING
        self.sequences: Floats | None = None

    def add(self, count: Floats, op: Operation, stored: Storage, tokens: Floats | None) -> None:
        """Add weights and FLOPs of an operation, and count layers."""
        kind, place = op.kind, _PLACES.get(op.split, 1)
        if op.weights is not NOTHING or op.borrowed is not NOTHING:
            each, held = stored.read(op), count * op.weights
            self.stored[place] = self.stored[place] + held * stored.of(op)
            if kind == "lookup":
                self.looked_up = self.looked_up + count * op.weights_read
            else:
                hits = place == 2 and tokens is not None
                read = (
                    held if op.read is None and op.borrowed is NOTHING else count * op.weights_read
                )
                read = count * _hit(op, tokens) if hits and tokens is not None else read
                kept = read if op.sparse is None else read * stored.kept(op)
                self.weights[place] = self.weights[place] + kept
                self.bytes[place] = self.bytes[place] + read * each
        if op.flops is not NOTHING:
            if kind == "matmul":
                self.flops[place] = self.flops[place] + count * stored.computed(op)
            else:
                self.attention = self.attention + count * op.flops
        if kind == "attention" or kind == "scan":
            self.layers = self.layers + count
            self.scans = self.scans + count if kind == "scan" else self.scans

    def totals(self) -> Totals:
        """Return the sums."""
        (b0, b1, b2), (w0, w1, w2), (f0, f1, f2) = self.bytes, self.weights, self.flops
        whole, split, expert = self.stored
        return Totals(
            b0, b1, b2, w0, w1, w2, f0, f1, f2, self.attention, self.state, self.layers,
            self.experts, self.scans, self.messages, self.reduced, self.held, self.looked_up,
            (whole, split, expert), self.sequences,
        )  # fmt: skip


def _hit(op: Operation, tokens: Floats) -> Floats:
    """Return the elements of experts that so many tokens touch, uniform and independent."""
    missed = np.log1p(-np.minimum(op.active_weights / op.weights, 1.0 - 1e-16))
    return -op.weights * np.expm1(tokens * missed)
