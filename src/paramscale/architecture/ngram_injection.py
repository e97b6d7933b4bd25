"""Hashed n-gram tables inside a layer, whose rows are injected into the residual streams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs

from paramscale.architecture.parts import causal_convolution, matmul, norm, table
from paramscale.specs.block import Operation, block
from paramscale.specs.fields import number
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["NgramInjection"]


@block("ngram_injection")
@attrs.frozen(eq=False)
class NgramInjection:
    """Per-layer n-gram embedding of Qwen4: each token takes rows that the last tokens hash to.

    The rows together are projected to one value and to one key a stream; normalised streams gate
    the value by those keys, and a dilated depthwise convolution adds what stood just before.

    Parameters
    ----------
    rows : Floats
        Rows of the layer's table, all hash functions together.
    hashes : Floats
        Rows that each token takes.
    channels : Floats
        Channels of all these rows together.
    streams : Floats
        Residual streams.
    kernel, dilation : Floats
        Taps of the convolution, and tokens between them.
    """

    kind: ClassVar[str]
    rows: Floats = number(integer=True)
    hashes: Floats = number(integer=True)
    channels: Floats = number(integer=True)
    streams: Floats = number(integer=True)
    kernel: Floats = number(4.0, integer=True)
    dilation: Floats = number(3.0, integer=True)

    def operations(self, width: Floats, step: Pass) -> Sequence[Operation]:
        """Return look-up, projections, norms and convolution."""
        tokens, streams, hashes = step.tokens, self.streams * width, self.hashes
        held = (self.kernel - 1.0) * self.dilation
        convolution = causal_convolution("mixer", step, streams, self.kernel, held=held)
        return (
            table(
                "ngrams", "other_embedding", tokens * hashes, self.rows, self.channels / hashes
            ),
            matmul("ngram_keys", "mixer", tokens, self.channels, streams),
            norm("key_norm", "mixer", tokens, streams, "rms"),
            matmul("ngram_value", "mixer", tokens, self.channels, width, keeps_input=False),
            norm("query_norm", "mixer", tokens, streams, "rms"),
            norm("value_norm", "mixer", tokens, streams, "rms"),
            # nothing is computed beyond the new tokens
            convolution._replace(flops=2.0 * tokens * streams * self.kernel),
        )  # fmt: skip
