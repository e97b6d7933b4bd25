"""RWKV of the fifth and sixth generation (Eagle, Finch)."""

from __future__ import annotations

import numpy as np

from paramscale.architecture.norm import Norm
from paramscale.architecture.rwkv import ChannelMixing
from paramscale.architecture.rwkv_matrix import MatrixTimeMixing
from paramscale.io.hf.common import decoder, stack
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.io.hf.mixture import agrees
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec
from paramscale.typing import Floats


def _model(c: Config, mix_rank: Floats | None, decay_rank: Floats | None) -> ModelSpec:
    width, head = c.integer("hidden_size"), c.integer("head_size")
    agrees(c, "attention_hidden_size", int(width), "the state is as wide as the model")
    if width % head:
        c.contradiction("head_size", f"it does not divide the width {int(width)}")
    inner = np.floor(width * 3.5 / 32.0) * 32.0
    agrees(c, "intermediate_size", int(inner), "the class makes it of hidden_size in any case")
    c.ignore("num_attention_heads", "context_length", "max_context_length", "head_size_divisor")
    layer: list[Block] = [
        Norm("layer"),
        MatrixTimeMixing(head, mix_rank, decay_rank),
        Norm("layer"),
        ChannelMixing(inner),
    ]
    kinds = [i == 0 for i in range(c.count("num_hidden_layers"))]
    layers = stack(kinds, lambda first: [Norm("layer"), *layer] if first else layer)
    return decoder(c, layers, norm="layer")


@family("rwkv5")
def rwkv5(c: Config) -> ModelSpec:
    """Return an RWKV-5.2 (Eagle); its first layer also normalises the embedding.

    Checked: 13 D² L + 14 D L + 4 D + 2 D V parameters (arXiv:2404.05892, equation 23), of which
    Eagle 1.5B has 1.58e9, 3B 3.06e9 and 7B 7.52e9 (its table of released models).
    """
    c.word("model_version", ("5_2",), "5_2")
    return _model(c, None, None)


@family("rwkv6")
def rwkv6(c: Config) -> ModelSpec:
    """Return an RWKV-6 (Finch); the class doubles both ranks at a width of 4096.

    Checked: Finch 1.6B has 1.60e9 and 3B 3.10e9 parameters (arXiv:2404.05892, table of released
    models).
    """
    scale = 2.0 if c.integer("hidden_size") == 4096.0 else 1.0
    return _model(c, np.float64(32.0 * scale), np.float64(64.0 * scale))
