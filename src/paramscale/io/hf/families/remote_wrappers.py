"""Types that hold a known language model under another name or inside of a multimodal one."""

from __future__ import annotations

from paramscale.io.hf.class_defaults import ClassDefaults, class_defaults
from paramscale.io.hf.common import biased, decoder, even_attention, gated_mlp, pre_norm, stack
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import families, family
from paramscale.io.hf.latent import latent_attention, leading_dense, routed_experts
from paramscale.io.hf.remote import as_type, nested, text_model
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec


@family("phi3_v")
def phi3_v(c: Config) -> ModelSpec:
    """Return the language model of a Phi-3-vision or Phi-3.5-vision, which is a Phi-3-mini.

    Checked: it has 3,821,079,552 parameters (those of Phi-3-mini-128k's checkpoint).
    """
    c.ignore("img_processor", "embd_layer")
    return as_type(c, "phi3")


@family("deepseek_ref")
def deepseek_ref(c: Config) -> ModelSpec:
    """Return a DeepSeek-V4 under the name of its own inference code.

    Checked: V4-Flash has 284.3e9 parameters (its model card: 284B), V4-Pro 1.573e12 (1.6T).
    """
    return as_type(c, "deepseek_v4")


@family("minimax_m1", "minimax_text_01")
def minimax_m1(c: Config) -> ModelSpec:
    """Return a MiniMax-M1 or MiniMax-Text-01 as published: a list of 0 (lightning) and 1 (full).

    Checked: MiniMax-M1 has 456,089,655,296 parameters (its repository's metadata) of which a token
    meets 45.9e9 beside table and head (its model card: 45.9 billion).
    """
    if c.optional("shared_intermediate_size", 0, low=0):
        c.refuse("shared_intermediate_size", "the published models have no shared experts")
    c.ignore("shared_moe_mode", "postnorm", "attn_type_list", "rotary_dim")
    c.ignore(*(name for name in c.given if name.startswith("layernorm_")))
    kinds = c.items("attn_type_list", c.count("num_hidden_layers"))
    if kinds is None or not set(kinds) <= {0, 1}:
        c.contradiction("attn_type_list", "it must say 0 or 1 of each layer")
    names = ["full_attention" if kind else "linear_attention" for kind in kinds]
    given = {k: v for k, v in c.given.items() if k not in c.read}
    given |= {"num_hidden_layers": len(kinds), "layer_types": names}
    same = Config(given, c.model_type, class_defaults("minimax") or ClassDefaults())
    model = families["minimax"](same)
    c.ignore(*(given.keys() - set(same.unread())))
    return model


@family("multi_modality")
def multi_modality(c: Config) -> ModelSpec:
    """Return the language model of a Janus, which its file holds as ``language_config``.

    Checked: that of Janus-Pro-7B has 6,910,365,696 parameters, those of DeepSeek-LLM-7B.
    """
    c.ignore("aligner_config", "gen_aligner_config", "gen_head_config", "gen_vision_config")
    inner = nested(c, "language_config", "llama")
    model = families[inner.model_type](inner)
    text_model(c, "language_config", inner)
    return model


@family("maira2")
def maira2(c: Config) -> ModelSpec:
    """Return the language model of a MAIRA-2, a LLaVA with a longer projector.

    Checked: with a Vicuna-7B it is a LLaMA-7B of 6,738,415,616 parameters, whose vocabulary the
    model's own tokens lengthen.
    """
    c.ignore("hidden_size", "projector_n_layers")  # of the images' side
    inner = nested(c, "text_config", "llama")
    model = families[inner.model_type](inner)
    text_model(c, "text_config", inner)
    return model


@family("deepseek_vl_v2")
def deepseek_vl_v2(c: Config) -> ModelSpec:
    """Return the language model of a DeepSeek-VL2 or DeepSeek-OCR: DeepSeek-V2's experts.

    The smallest one has ordinary attention in place of latent attention. Checked: that one, with
    2.93e9 parameters, meets 574e6 a token beside its token table (arXiv:2510.18234 calls it
    DeepSeek-3B-MoE-A570M).
    """
    inner = nested(c, "language_config", "deepseek_v2")
    if inner.model_type != "deepseek_v2":
        c.refuse("language_config", "modelled is a language model of type 'deepseek_v2'")
    c.ignore("projector_config", "tile_tag", "global_view_pos")
    model = _vl2(inner)
    text_model(c, "language_config", inner)
    return model


def _vl2(c: Config) -> ModelSpec:
    """Return what DeepSeek's own code makes of the fields; corrections are parameters in it."""
    if not c.flag("lm_head", True) or c.flag("rm_head"):
        c.refuse("lm_head", "modelled is a language model with its head")
    attend: Block
    if c.flag("use_mla", True):
        attend = latent_attention(c)
    else:
        c.ignore("kv_lora_rank", "q_lora_rank", "v_head_dim")
        c.ignore("qk_nope_head_dim", "qk_rope_head_dim")
        attend = even_attention(
            c,
            c.integer("hidden_size"),
            c.integer("num_attention_heads"),
            c.optional("num_key_value_heads"),
            **biased(c.flag("attention_bias")),
        )
    learned = c.word("topk_method", ("greedy", "group_limited_greedy", "noaux_tc")) == "noaux_tc"
    feeds: dict[str, Block] = {
        "dense": gated_mlp(c),
        "sparse": routed_experts(c, correction="parameter" if learned else "none"),
    }
    return decoder(c, stack(leading_dense(c), lambda kind: pre_norm(attend, feeds[kind])))
