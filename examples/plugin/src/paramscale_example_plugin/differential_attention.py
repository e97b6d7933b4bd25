"""A new kind of block: attention as the difference of two softmax maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs

from paramscale import Operation, Pass, block
from paramscale.architecture.grouped_attention import softmax_attention
from paramscale.architecture.parts import matmul, norm
from paramscale.specs.fields import number
from paramscale.typing import Floats


@block("example_differential_attention")
@attrs.frozen(eq=False)
class DifferentialAttention:
    """Differential attention (arXiv:2410.05258, section 2.1, equations 1 to 3).

    A head has two queries and two keys of `head_width` channels and one value of twice as many;
    the second map, times a learned lambda, is subtracted from the first. Lambda comes from four
    vectors of `head_width` that all heads share, and one norm of each head's output has a scale.

    Parameters
    ----------
    heads : Floats
        Heads, each of two maps.
    head_width : Floats
        Channels of one query or key.
    """

    kind: ClassVar[str]
    heads: Floats = number(integer=True, scales="exactly")
    head_width: Floats = number(integer=True)

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return projections, the two maps, the norm of their difference and the output."""
        values = 2.0 * self.head_width
        channels = self.heads * values
        tokens = step.tokens
        return (
            matmul("query_key_value", "attention", tokens, width, 3.0 * channels, split="column"),
            softmax_attention(
                step, 2.0 * self.heads, self.head_width, values, 2.0 * channels,
                weights=4.0 * self.head_width, ranks=self.heads,
            ),
            norm("norm", "attention", tokens * self.heads, values, "rms"),
            matmul(
                "output", "attention", tokens, channels, width,
                split="row", collective="all_reduce",
            ),
        )  # fmt: skip
