"""What one training sequence asks of the machines, summed once from the bill of work.

Everything that a step of training does grows with the sequences, so that the sums of one sequence
are enough for every micro-batch, layout and machine.
"""

from __future__ import annotations

from typing import NamedTuple

from paramscale.specs.bill import Bill
from paramscale.specs.block import NOTHING, Operation
from paramscale.typing import Floats

__all__ = ["TrainingLoad", "training_load"]


#: Operations whose element-wise steps may be kernels apart: norms, and activations after matrices.
_APART = ("elementwise", "matmul")
#: fp32 tensors between the kernels of an RMS norm of Meta's reference code (llama/model.py: the
#: cast, its square, the normalised rows and the cast back): x.float(), pow, mul, type_as.
_NORM_TENSORS = 4.0


class TrainingLoad(NamedTuple):
    """Amounts of the forward pass of one sequence, whole model; all broadcast.

    Attributes
    ----------
    dense_flops, expert_flops, head_flops : Floats
        Multiplications with the matrices of the layers, of the routed experts, and of the head.
    attention_flops, scan_flops : Floats
        Scores and weighted sums of attention, of the (query, key) pairs that the masks leave;
        recurrences.
    elements : Floats
        Activation elements that the operations read and write.
    logits : Floats
        Activation elements of the head, which the loss passes over again.
    kernels : Floats
        Operations launched.
    reductions, reduced : Floats
        Outputs that tensor parallelism must sum, and the elements of all of them.
    exchanges, exchanged, dispatched : Floats
        Layers of routed experts; the elements sent to them in one direction, a copy for each expert
        of a token; and the same, each token once.
    dense_weights, expert_weights : Floats
        Learned elements outside of the routed experts, and in them.
    apart_bytes : Floats
        Bytes that pass the memory besides where element-wise steps run as kernels apart: see
        :func:`training_load`.
    """

    dense_flops: Floats = NOTHING
    expert_flops: Floats = NOTHING
    head_flops: Floats = NOTHING
    attention_flops: Floats = NOTHING
    scan_flops: Floats = NOTHING
    elements: Floats = NOTHING
    logits: Floats = NOTHING
    kernels: Floats = NOTHING
    reductions: Floats = NOTHING
    reduced: Floats = NOTHING
    exchanges: Floats = NOTHING
    exchanged: Floats = NOTHING
    dispatched: Floats = NOTHING
    dense_weights: Floats = NOTHING
    expert_weights: Floats = NOTHING
    apart_bytes: Floats = NOTHING

    @property
    def flops(self) -> Floats:
        """Floating-point operations of the forward pass of one sequence."""
        layers = self.dense_flops + self.expert_flops + self.head_flops
        return layers + self.attention_flops + self.scan_flops


def _flops_of(op: Operation) -> str:
    """Return the sum to which the FLOPs of an operation belong."""
    if op.kind == "attention":
        return "attention_flops"
    if op.kind != "matmul":
        return "scan_flops"
    if op.split == "experts":
        return "expert_flops"
    return "head_flops" if op.part == "head" else "dense_flops"


def _apart(op: Operation) -> Floats:
    """Return the bytes that an operation moves besides where its steps are kernels apart.

    Each tensor between two kernels is written by one and read by the other: 4 bytes an element in
    16 bits, 8 in fp32. A norm of the reference code writes four in fp32 (the input, its square,
    the normalised rows, and these beside the input again where they are scaled), others one.
    """
    tensors = _NORM_TENSORS if op.kind == "elementwise" else 1.0
    return 4.0 * op.apart + 8.0 * tensors * op.apart_fp32


def training_load(work: Bill) -> TrainingLoad:
    """Return the sums of a bill of work of one training sequence.

    Parameters
    ----------
    work : Bill
        Operations of the forward pass of one sequence.
    """
    sums: dict[str, Floats] = {}

    def add(name: str, amount: Floats) -> None:
        sums[name] = sums[name] + amount if name in sums else amount

    for count, op in work:
        experts = op.split == "experts"
        if op.flops is not NOTHING:
            add(_flops_of(op), count * op.flops)
        add("expert_weights" if experts else "dense_weights", count * op.weights)
        if op.kind == "lookup":
            continue
        add("kernels", count)
        if op.kind in _APART and not (op.apart is NOTHING and op.apart_fp32 is NOTHING):
            add("apart_bytes", count * _apart(op))
        add("logits" if op.part == "head" else "elements", count * (op.moved_in + op.moved_out))
        if op.collective == "all_reduce":
            add("reductions", count)
            add("reduced", count * op.moved_out)
        elif op.collective == "all_to_all":
            add("exchanges", count)
            add("exchanged", count * op.moved_out)
            add("dispatched", count * op.moved_out / op.copies)
    return TrainingLoad(**sums)
