"""xLSTM of the 7B design: mLSTM layers with gated feed-forward blocks."""

from __future__ import annotations

import numpy as np

from paramscale.architecture.embedding import Table
from paramscale.architecture.head import Head
from paramscale.architecture.mlp import MLP
from paramscale.architecture.norm import Norm
from paramscale.architecture.xlstm import MLSTM
from paramscale.io.hf.common import decoder, stack
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.io.hf.recurrent import agree, always
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec
from paramscale.typing import Floats


def _factor(c: Config, name: str) -> float:
    value = c.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1e6:
        c.contradiction(name, "it must be a positive number")
    return float(value)


def _channels(c: Config, width: Floats, heads: Floats, name: str) -> Floats:
    """Return the channels of keys or values, which the state's layout wants in steps of 64."""
    channels = np.floor(width * _factor(c, name))
    if channels % 64.0 or channels % heads:
        c.refuse(name, f"{int(channels)} channels are no multiple of 64 and of {int(heads)} heads")
    return channels


@family("xlstm")
def xlstm(c: Config) -> ModelSpec:
    """Return an xLSTM model; ``embedding_dim`` and ``num_blocks`` repeat width and depth."""
    stated = c.optional("hidden_size")
    width = c.integer("embedding_dim") if stated is None else stated
    depth = c.optional("num_hidden_layers")
    depth = c.integer("num_blocks") if depth is None else depth
    agree(c, embedding_dim=width, num_blocks=depth)
    heads, bias = c.integer("num_heads"), c.flag("use_bias")
    c.word("weight_mode", ("single", "fused"))  # the same weights in more or fewer tensors
    multiple = c.integer("ffn_round_up_to_multiple_of")
    inner = multiple * np.ceil(np.floor(width * _factor(c, "ffn_proj_factor")) / multiple)
    values = _channels(c, width, heads, "v_dim_factor")
    agree(c, head_dim=values / heads)
    form = "layer" if bias else "rms"  # an RMS norm with bias has as many weights as a layer norm
    layer: list[Block] = [
        Norm(form),
        MLSTM(
            heads=heads,
            key_channels=_channels(c, width, heads, "qk_dim_factor"),
            value_channels=values,
            bias=bias,
            chunk=c.integer("chunk_size"),
        ),
        Norm(form),
        MLP(inner, bias_in=bias, bias_out=bias),
    ]
    always(c, add_qk_norm=False, add_post_norm=False, add_post_blocks_norm=True, gate_linear=True)
    c.ignore("max_inference_chunksize", "add_out_norm", "inference_state_dtype")
    c.ignore("tie_word_embeddings")  # the reference code names no tensors to tie for this type
    kinds = ["layer"] * c.count("num_hidden_layers", depth)
    vocabulary = c.integer("vocab_size")
    return decoder(
        c,
        stack(kinds, lambda _: layer),
        width=width,
        embedding=[Table(vocabulary)],
        head=[Norm(), Head(vocabulary)],
    )
