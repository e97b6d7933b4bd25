"""Models with Llama's layer whose code was published with their weights."""

from __future__ import annotations

import numpy as np

from paramscale.architecture.embedding import Projection
from paramscale.architecture.mlp import MLP
from paramscale.architecture.norm import Norm
from paramscale.io.hf.common import (
    attention,
    biased,
    decoder,
    even_attention,
    gated_mlp,
    pre_norm,
    same_layers,
    stack,
)
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.io.hf.latent import draft_layers, leading_dense, routed_experts
from paramscale.io.hf.mixture import agrees, experts
from paramscale.io.hf.remote import even_heads, spelled, stated_tie
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec


@family("internlm2")
def internlm2(c: Config) -> ModelSpec:
    """Return an InternLM2 or 2.5; a reward model has one output in place of the vocabulary.

    Checked: InternLM2-7B has 7,737,708,544 parameters (its checkpoint holds 15,475,417,088 bytes
    of bfloat16).
    """
    layers = same_layers(c, pre_norm(even_heads(c, **biased(c.flag("bias", True))), gated_mlp(c)))
    kind = (c.get("architectures") or ["InternLM2ForCausalLM"])[0]
    if kind == "InternLM2ForRewardModel":
        return decoder(c, layers, head=[Norm(), Projection(outputs=1, part="head")])
    if kind not in ("InternLM2ForCausalLM", "InternLM2Model"):
        c.refuse("architectures", "modelled are InternLM2ForCausalLM and InternLM2ForRewardModel")
    return decoder(c, layers)


@family("internlm")
def internlm(c: Config) -> ModelSpec:
    """Return an InternLM of the first generation: one flag for all four biases of attention.

    Checked: InternLM-20B has 20.09e9 parameters (its model card: 20B and 60 layers).
    """
    layers = same_layers(c, pre_norm(even_heads(c, **biased(c.flag("bias", True))), gated_mlp(c)))
    return decoder(c, layers)


@family("baichuan")
def baichuan(c: Config) -> ModelSpec:
    """Return a Baichuan 1 or 2: no biases; the second's head normalises its rows as it runs.

    Checked: Baichuan-7B has 7,000,559,616 and Baichuan-13B 13,264,901,120 parameters (table
    "model details" of the Baichuan-13B model card).
    """
    c.ignore("model_max_length")
    return decoder(c, same_layers(c, pre_norm(even_heads(c), gated_mlp(c))))


@family("orion")
def orion(c: Config) -> ModelSpec:
    """Return an Orion: layer norms with biases around Llama's projections.

    Checked: Orion-14B has 14.5e9 parameters (arXiv:2401.12246: 14 billion).
    """
    if c.flag("attention_bias"):
        c.refuse("attention_bias", "the published models have none")
    layers = same_layers(c, pre_norm(even_heads(c), gated_mlp(c), "layer"))
    return decoder(c, layers, norm="layer")


@family("xverse")
def xverse(c: Config) -> ModelSpec:
    """Return an XVERSE, dense: Llama's layer without biases and without grouped heads.

    Checked: XVERSE-65B has 66.4e9 parameters, those of LLaMA-65B with a larger vocabulary (its
    model card: 65B with 80 layers of width 8192 and inner width 22016).
    """
    agrees(c, "bias", False, "the published models have no biases")
    return decoder(c, same_layers(c, pre_norm(even_heads(c), gated_mlp(c))))


@family("exaone")
def exaone(c: Config) -> ModelSpec:
    """Return an EXAONE 3 or 3.5: Llama's layer without biases.

    Checked: EXAONE-3.5-7.8B has 7,818,448,896 parameters (count of its loaded checkpoint).
    """
    width = c.integer("hidden_size")
    mlp = MLP(c.integer("intermediate_size", 4.0 * width))
    layer = pre_norm(even_heads(c), mlp)
    kinds = ["layer"] * c.count(spelled(c, "num_layers", "num_hidden_layers"))
    return decoder(c, stack(kinds, lambda _: layer), tied=stated_tie(c))


@family("mimo")
def mimo(c: Config) -> ModelSpec:
    """Return a MiMo: Qwen2's layer with biases of queries, keys, values; modules for drafting.

    Checked: MiMo-7B has 7,833,409,536 parameters with its one module (its repository: 7.83B).
    """
    if c.flag("use_sliding_window"):
        c.refuse("use_sliding_window", "the published models see the whole context")
    c.ignore("sliding_window", "max_window_layers")
    agrees(c, "attention_bias", True, "the class always has biases of queries, keys and values")
    layer = pre_norm(attention(c, **biased(True, False)), gated_mlp(c))
    return decoder(c, same_layers(c, layer), draft=draft_layers(c, layer))


@family("minicpm")
def minicpm(c: Config) -> ModelSpec:
    """Return a MiniCPM 1, 2 or 4, dense or with experts; its scalings learn nothing.

    Checked: MiniCPM-2.4B has 2,442,057,984 parameters beside its table (arXiv:2404.06395, table
    2); MiniCPM-MoE-8x2B 13.59e9 (its model card: 13.6B, files of 27.7 GB).
    """
    agrees(c, "attention_bias", False, "the published models have no biases")
    if c.get("sparse_config") is not None:
        c.refuse("sparse_config", "modelled is attention to the whole context")
    c.ignore("dim_model_base")
    feed: Block = gated_mlp(c)
    if c.integer("num_experts", 0, low=0):
        feed = experts(c, "num_experts")
    return decoder(c, same_layers(c, pre_norm(even_heads(c), feed)), tied=stated_tie(c))


@family("deepseek")
def deepseek(c: Config) -> ModelSpec:
    """Return a DeepSeekMoE: fine experts and shared ones beside ordinary attention.

    Checked: DeepSeekMoE-16B has 16,375,728,128 parameters (its checkpoint's metadata), of which a
    token meets 2.83e9.
    """
    attend = even_heads(c, **biased(c.flag("attention_bias")))
    feeds: dict[str, Block] = {
        "dense": gated_mlp(c),
        "sparse": routed_experts(c, correction="none"),
    }
    kinds = leading_dense(c, 0, frequency=True)
    return decoder(c, stack(kinds, lambda kind: pre_norm(attend, feeds[kind])))


@family("transformer")
def transformer(c: Config) -> ModelSpec:
    """Return the Transformer of flash-linear-attention; an open inner width is 8/3 of the model's.

    Checked: its 340M configuration has 373,867,520 parameters with 32,000 tokens (arXiv:2410.08102,
    table 9: the same sizes, "370M").
    """
    if c.optional("window_size") is not None:
        c.refuse("window_size", "modelled is attention to the whole context")
    c.word("hidden_act", ("swish",), "swish")
    width = c.integer("hidden_size")
    bias = c.flag("qkv_bias")
    attend = even_attention(
        c,
        width,
        c.integer("num_heads"),
        c.optional("num_kv_heads"),
        qk_norm="head" if c.flag("qk_norm") else "none",
        **biased(bias, False),
    )
    inner = c.optional("intermediate_size")
    if inner is None:
        # two thirds of ratio times width, cut to a whole number and rounded up to blocks of 256
        inner = np.ceil(np.floor(width * c.integer("hidden_ratio", 4) * 2 / 3) / 256.0) * 256.0
    return decoder(c, same_layers(c, pre_norm(attend, MLP(inner))))
