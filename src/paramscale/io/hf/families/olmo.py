"""OLMo 1 to 3, and models with norms after their blocks or with q/k norms over all heads."""

from __future__ import annotations

import attrs

from paramscale.architecture.norm import Norm
from paramscale.io.hf.common import (
    attention,
    biased,
    decoder,
    gated_mlp,
    plain_mlp,
    pre_norm,
    same_layers,
    windowed,
)
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec


@family("olmo")
def olmo(c: Config) -> ModelSpec:
    """Return an OLMo model: norms that learn nothing."""
    layer = pre_norm(attention(c, **biased(c.flag("attention_bias"))), gated_mlp(c), "none")
    return decoder(c, same_layers(c, layer), norm="none")


def _post_norm(attend: Block, mlp: Block) -> list[Block]:
    return [attend, Norm(), mlp, Norm()]


@family("olmo2")
def olmo2(c: Config) -> ModelSpec:
    """Return an OLMo 2 model: norms after the blocks, q/k norms over all heads together."""
    attend = attention(c, qk_norm="heads", **biased(c.flag("attention_bias")))
    layer = _post_norm(attend, gated_mlp(c))
    return decoder(c, same_layers(c, layer))


@family("olmo3")
def olmo3(c: Config) -> ModelSpec:
    """Return an OLMo 3 model: OLMo 2 with windows in three of four layers."""
    mlp = gated_mlp(c)
    bias = biased(c.flag("attention_bias"))
    return decoder(
        c,
        windowed(
            c,
            lambda window: _post_norm(attention(c, window=window, qk_norm="heads", **bias), mlp),
            lambda i: (i + 1) % 4 != 0,
        ),
    )


@family("exaone4")
def exaone4(c: Config) -> ModelSpec:
    """Return an EXAONE 4 model: norms after the blocks, q/k norms in each head."""
    mlp = gated_mlp(c)
    every = c.get("sliding_window_pattern")
    if not c.has("sliding_window") and not c.bare:
        every = 0
    if every is not None and not isinstance(every, int):
        c.refuse("sliding_window_pattern", "modelled is a whole number")

    def slides(i: int) -> bool:
        if not every:
            c.refuse("sliding_window", "without a window the file must state layer_types")
        return (i + 1) % int(every) != 0

    return decoder(
        c,
        windowed(
            c,
            lambda window: _post_norm(attention(c, window=window, qk_norm="head"), mlp),
            slides,
        ),
    )


@family("apertus")
def apertus(c: Config) -> ModelSpec:
    """Return an Apertus model: no gate, q/k norms; its activation xIELU learns two numbers."""
    learned = 2.0 if c.get("hidden_act") == "xielu" else 0.0
    mlp = attrs.evolve(plain_mlp(c), learned_activation=learned)
    layer = pre_norm(attention(c, qk_norm="head", **biased(c.flag("attention_bias"))), mlp)
    return decoder(c, same_layers(c, layer))
