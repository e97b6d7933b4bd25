"""GPT and its descendants: layer norms, biases, a plain feed-forward block of four widths."""

from __future__ import annotations

from typing import Any

from paramscale.architecture.cross_attention import CrossAttention
from paramscale.architecture.grouped_attention import GroupedAttention
from paramscale.architecture.mlp import MLP
from paramscale.architecture.norm import Norm
from paramscale.io.hf.common import biased, decoder, even_attention, same_layers, stack, tables
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec


def _attention(c: Config, **changes: Any) -> GroupedAttention:
    return even_attention(c, c.integer("n_embd"), c.integer("n_head"), **changes)


def _mlp(c: Config, inner: str = "n_inner", width: str = "n_embd") -> MLP:
    """Return the feed-forward block, four times as wide as the model where its size is open."""
    return MLP(c.integer(inner, 4 * c.integer(width)), gated=False, bias_in=True, bias_out=True)


@family("gpt2", "gpt-sw3", "gpt_bigcode")
def gpt2(c: Config) -> ModelSpec:
    """Return a GPT-2; GPT-BigCode (StarCoder) shares one key-value head unless the file says no."""
    c.ignore("n_ctx")  # in older files: the same as n_positions, which the class reads
    one_head = c.model_type == "gpt_bigcode" and c.flag("multi_query")
    attend = _attention(c, kv_heads=1 if one_head else None, **biased(True))
    blocks: list[Block] = [Norm("layer"), attend]
    if c.flag("add_cross_attention"):
        if one_head:
            c.refuse("add_cross_attention", "not together with multi_query")
        blocks.append(CrossAttention())
    blocks += [Norm("layer"), _mlp(c)]
    layers = same_layers(c, blocks, "n_layer")
    embedding = tables(c, positions="n_positions")
    return decoder(c, layers, norm="layer", width=c.integer("n_embd"), embedding=embedding)


@family("openai-gpt")
def openai_gpt(c: Config) -> ModelSpec:
    """Return the first GPT: norms after attention and feed-forward block, none at the end."""
    width = c.integer("n_embd")
    mlp = MLP(4 * width, gated=False, bias_in=True, bias_out=True)
    blocks: list[Block] = [_attention(c, **biased(True)), Norm("layer"), mlp, Norm("layer")]
    layers = same_layers(c, blocks, "n_layer")
    return decoder(
        c, layers, norm="none", width=width, embedding=tables(c, positions="n_positions")
    )


@family("gptj", "codegen")
def gptj(c: Config) -> ModelSpec:
    """Return a GPT-J or CodeGen: attention and feed-forward block side by side after one norm."""
    c.ignore("n_ctx", "rotary_dim")  # rotary tables are computed, not learned
    blocks: list[Block] = [Norm("layer"), _attention(c), _mlp(c)]
    layers = same_layers(c, blocks, "n_layer")
    return decoder(c, layers, norm="layer", width=c.integer("n_embd"), head_bias=True)


@family("ctrl")
def ctrl(c: Config) -> ModelSpec:
    """Return a CTRL: sinusoidal positions, and a bias of the logits."""
    mlp = MLP(c.integer("dff"), gated=False, bias_in=True, bias_out=True)
    blocks: list[Block] = [Norm("layer"), _attention(c, **biased(True)), Norm("layer"), mlp]
    layers = same_layers(c, blocks, "n_layer")
    return decoder(c, layers, norm="layer", width=c.integer("n_embd"), head_bias=True)


@family("gpt_neo")
def gpt_neo(c: Config) -> ModelSpec:
    """Return a GPT-Neo: layers with a window and without; the cache keeps everything."""
    count, width, heads = c.count("num_layers"), c.integer("hidden_size"), c.integer("num_heads")
    window, mlp = c.integer("window_size"), _mlp(c, "intermediate_size", "hidden_size")

    def layer(kind: str) -> list[Block]:
        attend = even_attention(
            c, width, heads, window=window if kind == "local" else None, keeps_all=True,
            **biased(False, True),
        )  # fmt: skip
        return [Norm("layer"), attend, Norm("layer"), mlp]

    layers = stack(_attention_layers(c, count), layer)
    return decoder(c, layers, norm="layer", embedding=tables(c))


def _attention_layers(c: Config, count: int) -> list[str]:
    """Return the kind of each layer from ``attention_types``, a list of [kinds, repeats]."""
    types = c.items("attention_types") or [[["global", "local"], 12]]
    kinds: list[str] = []
    for entry in types:
        match entry:
            case [list(names), int(times)] if 0 <= times <= count and len(names) <= count:
                kinds += names * times
            case _:
                c.contradiction(
                    "attention_types", "its entries must be [[kind, ...], repeats], for example"
                    ' [[["global", "local"], 12]], and no longer than the stack',
                )  # fmt: skip
    if any(kind not in ("global", "local") for kind in kinds):
        c.refuse("attention_types", "modelled are 'global' and 'local'")
    if len(kinds) != count:
        c.contradiction("attention_types", f"it names {len(kinds)} layers of {count}")
    return kinds
