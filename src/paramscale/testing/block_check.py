"""What every block promises, checked on one instance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from paramscale.specs.block import NOTHING, Block, Borrowed, Operation
from paramscale.specs.passes import Pass
from paramscale.testing.expect import agree, expect
from paramscale.typing import Floats

__all__ = ["check_block"]

_KINDS = ("matmul", "attention", "scan", "elementwise", "lookup")
_STATES = ("kv", "model", "fp32")
_SPLITS = ("none", "column", "row", "heads", "experts", "vocabulary")
_COLLECTIVES = ("", "all_reduce", "all_gather", "all_to_all")

#: What does not depend on the pass, what is proportional to the number of sequences, and all.
_COUNTS = ("weights", "borrowed", "active_weights", "buffers")
_KEPT = ("kept", "kept_fp32", "apart", "apart_fp32", "scores", "repeated")
_AMOUNTS = ("flops", "moved_in", "moved_out", *_KEPT, "state", "state_read", "state_written")
_NUMBERS = (*_COUNTS, "weights_read", *_AMOUNTS, "state_ranks")

_PASSES = (Pass(1, 1), Pass(3, 17), Pass(2, 1, 40), Pass(2, 5, 300), Pass(1, 1000))


def check_block(block: Block, *, width: float = 64.0, work_known: bool = True) -> None:
    """Check the promises of a block: see the functions of this module, one a promise.

    Parameters
    ----------
    block : Block
        An instance.
    width : float
        Channels of the hidden state that it is given.
    work_known : bool
        False for a block of which only the weights are known, so that its work is NaN.

    Raises
    ------
    AssertionError
        Names the promise that is broken, and the operation.

    Examples
    --------
    >>> from paramscale.architecture.mlp import MLP
    >>> check_block(MLP(128, gated=False))
    """
    channels = np.float64(width)
    expect((type(block).__doc__ or "").strip(), f"{type(block).__name__} has a docstring")
    for step in _PASSES:
        _words_are_known(block.operations(channels, step))
        _numbers_have_a_meaning(block.operations(channels, step), work_known)
    _counts_do_not_depend_on_the_pass(block, channels)
    if work_known:
        _amounts_grow_with_sequences(block, channels)
        _work_grows_with_tokens(block, channels)
        _causal_is_at_most_full(block, channels)
    _arrays_equal_scalars(block, channels)
    _borrowed_holds_nothing(block, channels)


def _name(op: Operation) -> str:
    return f"operation {op.name!r}"


def _words_are_known(ops: Sequence[Operation]) -> None:
    """Kind, state format, split and collective are among the words that estimators know."""
    for op in ops:
        expect(op.name and op.part, f"{_name(op)} has a name and a part")
        expect(op.kind in _KINDS, f"{_name(op)}: kind {op.kind!r} is one of {_KINDS}")
        expect(op.state_format in _STATES, f"{_name(op)}: state_format is one of {_STATES}")
        expect(op.split in _SPLITS, f"{_name(op)}: split {op.split!r} is one of {_SPLITS}")
        expect(op.collective in _COLLECTIVES, f"{_name(op)}: collective is of {_COLLECTIVES}")


def _numbers_have_a_meaning(ops: Sequence[Operation], work_known: bool) -> None:
    """Every number is finite and not negative; no more is active than is held."""
    for op in ops:
        for name in _NUMBERS if work_known else ("weights", "borrowed", "buffers"):
            value = getattr(op, name)
            expect(np.isfinite(value), f"{_name(op)}: {name} is finite, not {value}")
            expect(value >= 0.0, f"{_name(op)}: {name} is not negative, not {value}")
        if work_known:
            expect(op.active_weights <= op.weights, f"{_name(op)}: at most what is held is active")
            expect(op.state_ranks >= 1.0, f"{_name(op)}: state_ranks is at least 1")


def _counts_do_not_depend_on_the_pass(block: Block, width: Floats) -> None:
    """Weights held, borrowed and active, and buffers, are the same in every pass."""
    first = block.operations(width, _PASSES[0])
    for step in _PASSES[1:]:
        for name in _COUNTS:
            agree(
                _sum(block.operations(width, step), name), _sum(first, name),
                f"{name} does not depend on the pass",
            )  # fmt: skip


def _amounts_grow_with_sequences(block: Block, width: Floats) -> None:
    """Twice the sequences are twice the FLOPs, the activations, the state and rows looked up."""
    for causal in (True, False):
        for new, cached in ((7.0, 0.0), (1.0, 30.0)):
            once, thrice = (
                block.operations(width, Pass(n, new, cached, causal=causal)) for n in (1.0, 3.0)
            )
            for name in _AMOUNTS:
                rule = f"{name} is proportional to the number of sequences"
                agree(_sum(thrice, name), 3.0 * _sum(once, name), rule)
            rows = [[op for op in ops if op.kind == "lookup" and op.read is not None]
                    for ops in (once, thrice)]  # fmt: skip
            later = block.operations(width, Pass(3.0, new, cached + 50.0, causal=causal))
            rule = "weights read do not depend on the tokens that are cached"
            agree(_sum(later, "weights_read"), _sum(thrice, "weights_read"), rule)
            rule = "what a lookup reads is proportional to the number of sequences"
            agree(_sum(rows[1], "weights_read"), 3.0 * _sum(rows[0], "weights_read"), rule)


def _work_grows_with_tokens(block: Block, width: Floats) -> None:
    """More new tokens are never less work; more context is never less work or state.

    Contexts are compared at equal phases of chunks and pooling windows: a step is cheap just after
    a chunk of attention begins, and a pooled window frees the tokens that waited for it. The pass
    that begins a sequence may do more (tokens of the model itself, padding) and is compared apart.
    """
    new = np.array([1.0, 2.0, 3.0, 7.0, 8.0, 9.0, 64.0, 65.0, 300.0, 1000.0])
    for step in (Pass(2, new), Pass(2, new, 50)):
        for name in ("flops", "kept"):
            _never_falls(block, width, step, name, "new tokens")
    context = 64.0 * np.array([1.0, 2.0, 3.0, 16.0, 100.0])
    for step in (Pass(2, context), Pass(2, 1, context), Pass(2, 9, context)):
        for name in ("flops", "state", "state_read"):
            _never_falls(block, width, step, name, "context")


def _never_falls(block: Block, width: Floats, step: Pass, name: str, along: str) -> None:
    values = np.atleast_1d(_sum(block.operations(width, step), name))
    slack = 1e-12 * np.max(np.abs(values))
    expect(np.diff(values) >= -slack, f"{name} does not shrink with {along}: {values}")


def _causal_is_at_most_full(block: Block, width: Floats) -> None:
    """A causal mask leaves at most the full rectangle of every attention.

    Of scans an operator counter sees less than is done, so that they are left out.
    """
    for step in _PASSES:
        sides = [
            block.operations(
                width,
                Pass(step.sequences, step.new_tokens, step.cached_tokens, causal=causal,
                     absorbed=False),
            )
            for causal in (True, False)
        ]  # fmt: skip
        masked, full = (
            sum((op.flops for op in ops if op.kind == "attention"), start=NOTHING) for ops in sides
        )
        expect(
            masked <= full * (1.0 + 1e-12), f"causal FLOPs {masked} are at most full ones {full}"
        )


def _arrays_equal_scalars(block: Block, width: Floats) -> None:
    """A grid of passes and widths gives at each point what that point alone gives."""
    widths, new = np.array([[[width]], [[2.0 * width]]]), np.array([[1.0], [9.0], [130.0]])
    cached = np.array([0.0, 3.0, 20.0, 700.0])
    shape = (2, 3, 4)
    grid = block.operations(widths, Pass(2, new, cached))
    points = [
        block.operations(widths[i, 0, 0], Pass(2, new[j, 0], cached[k]))
        for i, j, k in np.ndindex(shape)
    ]
    names = [op.name for op in grid]
    for point in points:
        expect([op.name for op in point] == names, "a grid has the rows that its points have")
    for many, *ones in zip(grid, *points, strict=True):
        for name in _NUMBERS:
            alone = np.array([getattr(one, name) for one in ones], dtype=float).reshape(shape)
            whole = np.broadcast_to(getattr(many, name), shape)
            agree(whole, alone, f"{_name(many)}: {name}, grid equals points")


def _borrowed_holds_nothing(block: Block, width: Floats) -> None:
    """Shared, the block holds nothing, and its work is the same."""
    step = Pass(2, 5)
    own, shared = block.operations(width, step), Borrowed(block).operations(width, step)
    agree(_sum(shared, "weights"), 0.0, "a borrowed block holds nothing")
    agree(_sum(shared, "active_weights"), 0.0, "a borrowed block has nothing active of its own")
    names = _sum(own, "weights") + _sum(own, "borrowed")
    agree(_sum(shared, "borrowed"), names, "a borrowed block uses what the block itself uses")
    agree(_sum(shared, "flops"), _sum(own, "flops"), "a borrowed block does the same work")


def _sum(ops: Sequence[Operation], name: str) -> Any:
    return sum((getattr(op, name) for op in ops), start=NOTHING)
