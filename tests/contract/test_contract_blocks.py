"""The promises of every registered kind of block, and that the checks see a broken one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paramscale.architecture.mlp import MLP
from paramscale.architecture.parts import matmul
from paramscale.errors import RegistrationError
from paramscale.specs.block import Block, Operation, block, blocks
from paramscale.specs.passes import Pass
from paramscale.testing import block_examples, block_strategy, check_block
from paramscale.typing import Floats

#: Kinds of which only the weights are known, by their own word; their work is NaN.
WORK_UNKNOWN = ("stored",)

EXAMPLES = [
    pytest.param(example, id=f"{kind}-{number}")
    for kind in blocks
    for number, example in enumerate(block_examples(blocks[kind]))
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_block_keeps_its_promises(example: Block) -> None:
    """Every field of every kind in turn: see ``paramscale.testing.check_block``."""
    check_block(example, work_known=example.kind not in WORK_UNKNOWN)


@pytest.mark.parametrize("kind", blocks)
@settings(max_examples=6, deadline=None, derandomize=True)
@given(data=st.data())
def test_fields_together(kind: str, data: st.DataObject) -> None:
    """The same with all fields drawn together."""
    example = data.draw(block_strategy(blocks[kind]))
    check_block(example, work_known=kind not in WORK_UNKNOWN)


@pytest.mark.parametrize("kind", blocks)
def test_every_block_is_documented(kind: str) -> None:
    """A kind is a lower-case name; its class says what it is, and describes each of its fields."""
    cls = blocks[kind]
    doc = cls.__doc__ or ""
    assert kind == kind.lower() == cls.kind
    assert len(doc.strip().partition("\n")[0]) > 20
    missing = [field.name for field in attrs.fields(cls) if field.name not in doc]
    assert missing == []


@pytest.mark.parametrize("kind", WORK_UNKNOWN)
def test_unknown_work_is_nan(kind: str) -> None:
    """What is not known is NaN, never zero."""
    ops = blocks[kind](8).operations(np.float64(4), Pass(1, 3))
    assert np.isnan(sum(op.flops for op in ops))


@attrs.frozen(eq=False)
class Faulty:
    """A block made of one operation with a fault."""

    kind: ClassVar[str] = "faulty"
    fault: str

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return an operation with the fault."""
        good = matmul("up", "mlp", step.tokens, width, np.float64(8))
        changes: dict[str, Any] = {
            "negative": {"weights": np.float64(-1)},
            "infinite": {"flops": np.float64(np.inf)},
            "counts": {"weights": width + step.new_tokens},
            "active": {"active": good.weights + 1.0},
            "sequences": {"flops": step.sequences**2 * step.new_tokens},
            "shrinks": {"flops": 1e6 * step.sequences / step.context},
            "state": {"state": step.sequences / step.context},
            "kind": {"kind": "magic"},
            "split": {"split": "rows"},
            "scalar": {"flops": step.sequences * np.max(step.context)},
        }
        return [good._replace(**changes[self.fault])]


@pytest.mark.parametrize(
    ("fault", "rule"),
    [
        ("negative", "weights is not negative"),
        ("infinite", "flops is finite"),
        ("counts", "weights does not depend on the pass"),
        ("active", "at most what is held is active"),
        ("sequences", "flops is proportional to the number of sequences"),
        ("shrinks", "flops does not shrink"),
        ("state", "state does not shrink"),
        ("kind", "kind 'magic' is one of"),
        ("split", "split 'rows' is one of"),
        ("scalar", "grid equals points"),
    ],
)
def test_a_fault_is_seen(fault: str, rule: str) -> None:
    """The checks name the promise that a faulty block breaks."""
    with pytest.raises(AssertionError, match=rule):
        check_block(Faulty(fault))


def test_registration_refuses_what_is_no_block() -> None:
    """A block has operations, is an attrs class, and its kind is free."""
    with pytest.raises(RegistrationError, match="has no method operations"):
        block("contract_empty")(attrs.frozen(type("Empty", (), {})))
    with pytest.raises(RegistrationError, match="must be an attrs class"):
        block("contract_plain")(type("Plain", (), {"operations": MLP.operations}))
    with pytest.raises(RegistrationError, match="a kind of block is already called 'mlp'"):
        block("mlp")(attrs.frozen(type("Again", (), {"operations": MLP.operations})))
