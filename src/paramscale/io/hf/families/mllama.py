"""Llama 3.2 Vision: a Llama with layers between that look at an image, when there is one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from paramscale.architecture.embedding import Table
from paramscale.architecture.head import Head
from paramscale.architecture.held import Held
from paramscale.architecture.norm import Norm
from paramscale.io.hf.common import attention, decoder, gated_mlp, pre_norm, stack
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.specs.bill import total
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

_USUAL = (3, 8, 13, 18, 23, 28, 33, 38)
_EXTRA_ROWS = 8  # of the token table, for images
_GATES = 2.0  # of a crossing layer: one scalar on each of its two branches


@family("mllama_text_model")
def mllama(c: Config) -> ModelSpec:
    """Return the text model; without an image its cross-attention layers are held, not run."""
    layers = c.count("num_hidden_layers")
    given = c.items("cross_attention_layers")
    crossing = set(_USUAL if given is None else given)
    mlp = gated_mlp(c)
    crossed = pre_norm(attention(c, qk_norm="head"), mlp)
    held = _weights(crossed, c.integer("hidden_size")) + _GATES

    def layer(crosses: bool) -> list[Block]:
        if crosses:
            return [Held(held, part="cross_attention")]
        return pre_norm(attention(c), mlp)

    rows = c.integer("vocab_size")
    c.ignore("tie_word_embeddings")  # table and head have different numbers of rows
    return decoder(
        c,
        stack([i in crossing for i in range(layers)], layer),
        embedding=[Table(rows + _EXTRA_ROWS)],
        head=[Norm(), Head(rows)],
    )


def _weights(blocks: Sequence[Block], width: Floats) -> Floats:
    """Return the weights that blocks hold together."""
    one = Pass(1.0, 1.0)
    rows = [(np.float64(1.0), op) for item in blocks for op in item.operations(width, one)]
    return total(rows, lambda op: op.weights)
