"""From the metadata of a GGUF file to the configuration that Hugging Face would publish.

Nothing is guessed. Each architecture declares the tensors that it accounts for; a tensor that
nobody declared, one missing in some layers, or one whose shape differs between layers is refused
by name, and so is a width in the metadata that the tensors contradict. The exact counts of
`GGUFFile.tensors` stay available in every case.

Keys and tensor names as written by llama.cpp's converters (conversion/*.py) and gguf-py 0.19.0
(constants.py); fields as in transformers' configuration classes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from paramscale.errors import ConfigError, UnsupportedArchitectureError, did_you_mean
from paramscale.io.files import shown
from paramscale.io.gguf import GGUFFacts, GGUFFile

__all__ = ["GGUF_ARCHITECTURES", "to_config"]

Fields: TypeAlias = dict[str, Any]

_ATTENTION = "attn_norm attn_q attn_k attn_v attn_output"
_GATED = "ffn_norm ffn_gate ffn_up ffn_down"
_EXPERTS = "ffn_gate_inp ffn_gate_exps ffn_up_exps ffn_down_exps"
_SHARED = "ffn_gate_shexp ffn_up_shexp ffn_down_shexp"


def to_config(gguf: GGUFFile) -> dict[str, Any]:
    """Return the ``config.json`` of the model in a GGUF file.

    Embeddings are tied if no ``output.weight`` is stored, so the configuration describes this file:
    old converters wrote a second copy for some tied models (GPT-2, Falcon), which then counts.
    Layers for multi-token prediction (``nextn_predict_layers``) are left out, as transformers does.

    Parameters
    ----------
    gguf : GGUFFile
        The header, from `paramscale.io.gguf.read_gguf`.

    Raises
    ------
    UnsupportedArchitectureError
        The architecture, a key or a tensor has no counterpart; `field` names it.
    ConfigError
        Metadata and tensors contradict each other.
    """
    architecture = gguf.architecture
    if architecture is None or architecture not in GGUF_ARCHITECTURES:
        raise UnsupportedArchitectureError(
            f"no configuration is known for the GGUF architecture {shown(architecture)}"
            f"{did_you_mean(architecture, GGUF_ARCHITECTURES)}; its exact counts are in "
            f"read_gguf(path).tensors. Known: {', '.join(GGUF_ARCHITECTURES)}",
            model_type=architecture,
            field="general.architecture",
        )
    facts = GGUFFacts(gguf, architecture)
    config = GGUF_ARCHITECTURES[architecture](facts)
    facts.check_declared()
    return config


# ---------------------------------------------------------------------- parts that many share


def _base(f: GGUFFacts, model_type: str) -> Fields:
    """Return the fields of every model."""
    vocabulary, width = f.shape("token_embd")
    if width != f.integer("embedding_length"):
        raise ConfigError(
            f"{f.architecture}.embedding_length is {f.integer('embedding_length'):,}, but "
            f"token_embd.weight is {width:,} wide",
            field=f"{f.architecture}.embedding_length",
            value=f.value("embedding_length"),
        )
    scaling = f.given(
        rope_type="rope.scaling.type",
        factor="rope.scaling.factor",
        original_max_position_embeddings="rope.scaling.original_context_length",
    )
    return {
        "model_type": model_type,
        "hidden_size": width,
        "num_hidden_layers": f.layers,
        "vocab_size": vocabulary,
        "tie_word_embeddings": "output" not in f.loose,
        **f.given(
            max_position_embeddings="context_length",
            rms_norm_eps="attention.layer_norm_rms_epsilon",
            layer_norm_eps="attention.layer_norm_epsilon",
            rope_theta="rope.freq_base",
        ),
        **({"rope_scaling": scaling} if scaling.get("rope_type") not in (None, "none") else {}),
    }


def _head_width(f: GGUFFacts) -> int:
    heads = f.integer("attention.head_count")
    width = f.integer("attention.key_length", f.integer("embedding_length") // max(heads, 1))
    if f.integer("attention.value_length", width) != width:
        f.refuse(f"{f.architecture}.attention.value_length", "it differs from the key length")
    return width


def _heads(f: GGUFFacts, *, own_width: bool = True, fused: bool = False) -> Fields:
    """Return the fields of grouped attention, checked against its matrices.

    `own_width` says whether the class has a field for the width of a head; `fused` whether queries,
    keys and values are one matrix.
    """
    heads = f.integer("attention.head_count")
    groups = f.integer("attention.head_count_kv", heads)
    width = _head_width(f)
    if fused:
        f.declare("attn_norm attn_qkv attn_output")
        f.agree("attn_qkv", (heads + 2 * groups) * width, "attention.head_count")
    else:
        f.declare(_ATTENTION)
        f.agree("attn_q", heads * width, "attention.head_count")
        f.agree("attn_k", groups * width, "attention.head_count_kv")
        f.agree("attn_v", groups * width, "attention.head_count_kv")
    if not own_width and heads * width != f.integer("embedding_length"):
        f.refuse(f"{f.architecture}.attention.key_length", "heads do not divide the width")
    fields = {"num_attention_heads": heads, "num_key_value_heads": groups}
    return {**fields, "head_dim": width} if own_width else fields


def _dense(
    f: GGUFFacts, *, gated: bool = True, fused: bool = False, norm: str = "ffn_norm"
) -> Fields:
    """Return the width of a feed-forward block; `fused` if gate and up are one matrix."""
    f.declare(f"{norm} ffn_up ffn_down" + (" ffn_gate" if gated and not fused else ""))
    inner = f.integer("feed_forward_length")
    f.agree("ffn_up", inner * (2 if fused else 1), "feed_forward_length")
    return {"intermediate_size": inner}


def _expert_width(f: GGUFFacts, name: str = "ffn_up_exps", kind: str = "expert_") -> int:
    """Return the inner width of one expert: from its key, else from its matrices."""
    width = f.integer(f"{kind}feed_forward_length", f.shape(name)[-2])
    f.agree(name, width, f"{kind}feed_forward_length")
    return width


def _rotary_share(f: GGUFFacts) -> float:
    width = _head_width(f)
    return f.integer("rope.dimension_count", width) / width


def _layer_types(f: GGUFFacts, period: int) -> Fields:
    """Return which layers see a window only: all but every `period`-th, unless the file says so."""
    window = f.integer("attention.sliding_window", 0)
    pattern = f.gguf.metadata.get(f"{f.architecture}.attention.sliding_window_pattern")
    if isinstance(pattern, list):
        slides = [bool(item) for item in pattern[: f.layers]]
    else:
        period = pattern if isinstance(pattern, int) and pattern > 0 else period
        slides = [(layer + 1) % period != 0 for layer in range(f.layers)]
    if len(slides) != f.layers:
        f.refuse(f"{f.architecture}.attention.sliding_window_pattern", "it does not fit the layers")
    if not window:
        return {"layer_types": ["full_attention"] * f.layers}
    kinds = ["sliding_attention" if slide else "full_attention" for slide in slides]
    return {"sliding_window": window, "layer_types": kinds}


# ---------------------------------------------------------------------- architectures


def _llama(f: GGUFFacts) -> Fields:
    experts = f.integer("expert_count", 0)
    if experts:
        f.declare(f"ffn_norm {_EXPERTS}")
        return {
            **_base(f, "mixtral"),
            **_heads(f),
            "intermediate_size": _expert_width(f, kind=""),
            "num_local_experts": experts,
            "num_experts_per_tok": f.integer("expert_used_count"),
        }
    if f.integer("attention.sliding_window", 0):
        window = {"sliding_window": f.integer("attention.sliding_window")}
        return {**_base(f, "mistral"), **_heads(f), **_dense(f), **window}
    return {**_base(f, "llama"), **_heads(f), **_dense(f), **_optional_biases(f)}


def _optional_biases(f: GGUFFacts) -> Fields:
    return {
        "attention_bias": f.biased("attn_q attn_k attn_v attn_output"),
        "mlp_bias": f.biased("ffn_gate ffn_up ffn_down"),
    }


def _granite(f: GGUFFacts) -> Fields:
    scales = f.given(
        attention_multiplier="attention.scale",
        embedding_multiplier="embedding_scale",
        residual_multiplier="residual_scale",
        logits_scaling="logit_scale",
    )
    base = {**_base(f, "granite"), **_heads(f, own_width=False), **scales}
    return {**base, **_dense(f), **_optional_biases(f)}


def _qwen2(f: GGUFFacts) -> Fields:
    f.need_bias("attn_q attn_k attn_v")
    return {**_base(f, "qwen2"), **_heads(f, own_width=False), **_dense(f)}


def _qwen3(f: GGUFFacts) -> Fields:
    f.declare("attn_q_norm attn_k_norm")
    bias = f.biased("attn_q attn_k attn_v attn_output")
    return {**_base(f, "qwen3"), **_heads(f), **_dense(f), "attention_bias": bias}


def _qwen_experts(f: GGUFFacts) -> Fields:
    """Return the fields that both Qwen expert models share; dense layers are listed."""
    dense = sorted(f.blocks.get("ffn_up", {}))
    inner = _dense(f) if dense else f.given(intermediate_size="feed_forward_length")
    f.declare(f"ffn_norm {_EXPERTS}")
    return {
        **inner,
        "num_experts": f.integer("expert_count"),
        "num_experts_per_tok": f.integer("expert_used_count"),
        "moe_intermediate_size": _expert_width(f),
        "decoder_sparse_step": 1,
        "mlp_only_layers": dense,
    }


def _qwen2moe(f: GGUFFacts) -> Fields:
    f.need_bias("attn_q attn_k attn_v")
    f.declare(f"{_SHARED} ffn_gate_inp_shexp")
    shared = _expert_width(f, "ffn_up_shexp", "expert_shared_")
    base = {**_base(f, "qwen2_moe"), **_heads(f, own_width=False), **_qwen_experts(f)}
    return {**base, "shared_expert_intermediate_size": shared}


def _qwen3moe(f: GGUFFacts) -> Fields:
    f.declare("attn_q_norm attn_k_norm")
    return {**_base(f, "qwen3_moe"), **_heads(f), **_qwen_experts(f)}


def _gemma(f: GGUFFacts) -> Fields:
    return {**_base(f, "gemma"), **_heads(f), **_dense(f)}


def _gemma2(f: GGUFFacts) -> Fields:
    f.declare("post_attention_norm post_ffw_norm")
    caps = f.given(
        attn_logit_softcapping="attn_logit_softcapping",
        final_logit_softcapping="final_logit_softcapping",
    )
    return {**_base(f, "gemma2"), **_heads(f), **_dense(f), **_layer_types(f, 2), **caps}


def _gemma3(f: GGUFFacts) -> Fields:
    f.declare("post_attention_norm post_ffw_norm attn_q_norm attn_k_norm")
    return {**_base(f, "gemma3_text"), **_heads(f), **_dense(f), **_layer_types(f, 6)}


def _phi3(f: GGUFFacts) -> Fields:
    config = {**_base(f, "phi3"), **_heads(f, own_width=False, fused=True)}
    window = f.integer("attention.sliding_window", 0)  # 0 marks Phi-4, which has none
    return {
        **config,
        **_dense(f, fused=True),
        "partial_rotary_factor": _rotary_share(f),
        "sliding_window": window or None,
    }


def _phi2(f: GGUFFacts) -> Fields:
    fused = "attn_qkv" in f.blocks
    f.need_bias("output output_norm attn_norm attn_output ffn_up ffn_down")
    f.need_bias("attn_qkv" if fused else "attn_q attn_k attn_v")
    config = {**_base(f, "phi"), **_heads(f, own_width=False, fused=fused)}
    inner = _dense(f, gated=False, norm="attn_norm")  # one norm feeds both
    return {**config, **inner, "partial_rotary_factor": _rotary_share(f)}


def _falcon(f: GGUFFacts) -> Fields:
    two_norms = f.has("attn_norm_2 attn_norm_2.bias")
    f.need_bias("attn_norm output_norm")
    config = {**_base(f, "falcon"), **_heads(f, own_width=False, fused=True)}
    groups = config.pop("num_key_value_heads")
    new = two_norms or groups > 1
    config.update(
        num_kv_heads=groups,
        new_decoder_architecture=new,
        multi_query=True,
        parallel_attn=True,
        alibi=False,
        bias=f.biased("attn_qkv attn_output ffn_up ffn_down"),
        ffn_hidden_size=_dense(f, gated=False, norm="attn_norm")["intermediate_size"],
    )
    return {**config, "num_ln_in_parallel_attn": 2 if two_norms else 1} if new else config


def _gpt2(f: GGUFFacts) -> Fields:
    f.need_bias("attn_norm attn_qkv attn_output ffn_norm ffn_up ffn_down output_norm")
    f.declare("position_embd")
    base = _base(f, "gpt2")
    return {
        "model_type": "gpt2",
        "n_embd": base["hidden_size"],
        "n_layer": base["num_hidden_layers"],
        "n_head": _heads(f, own_width=False, fused=True)["num_attention_heads"],
        "n_inner": _dense(f, gated=False)["intermediate_size"],
        "n_positions": f.shape("position_embd")[-2],
        "vocab_size": base["vocab_size"],
        "tie_word_embeddings": base["tie_word_embeddings"],
    }


def _gptneox(f: GGUFFacts) -> Fields:
    f.need_bias("attn_norm ffn_norm ffn_up ffn_down output_norm")
    config = {**_base(f, "gpt_neox"), **_heads(f, own_width=False, fused=True)}
    if config.pop("num_key_value_heads") != config["num_attention_heads"]:
        f.refuse("gptneox.attention.head_count_kv", "GPT-NeoX has a key for every head")
    return {
        **config,
        **_dense(f, gated=False),
        **f.given(use_parallel_residual="use_parallel_residual"),
        "attention_bias": f.biased("attn_qkv attn_output"),
        "rotary_pct": _rotary_share(f),
    }


def _starcoder2(f: GGUFFacts) -> Fields:
    f.need_bias("attn_norm ffn_norm output_norm")
    bias = f.biased("attn_q attn_k attn_v attn_output ffn_up ffn_down")
    config = {**_base(f, "starcoder2"), **_heads(f, own_width=False), **_dense(f, gated=False)}
    return {**config, "use_bias": bias, **f.given(sliding_window="attention.sliding_window")}


def _stablelm(f: GGUFFacts) -> Fields:
    f.need_bias("attn_norm output_norm")
    two_norms = f.has("ffn_norm ffn_norm.bias")
    return {
        **_base(f, "stablelm"),
        **_heads(f, own_width=False),
        **_dense(f),
        "use_qkv_bias": f.biased("attn_q attn_k attn_v"),
        "qk_layernorm": f.has("attn_q_norm attn_k_norm"),
        "use_parallel_residual": not two_norms,
        "partial_rotary_factor": _rotary_share(f),
    }


def _state_space(f: GGUFFacts, model_type: str) -> Fields:
    f.declare("attn_norm ssm_in ssm_conv1d ssm_dt.bias ssm_a ssm_d ssm_out")
    width, inner = f.integer("embedding_length"), f.integer("ssm.inner_size")
    if inner % width:
        f.refuse(f"{f.architecture}.ssm.inner_size", "it is no multiple of the width")
    base = _base(f, model_type)
    base.pop("max_position_embeddings", None)  # the converter writes 2^20 for want of a value
    return {
        **base,
        "expand": inner // width,
        "state_size": f.integer("ssm.state_size"),
        "conv_kernel": f.integer("ssm.conv_kernel"),
        "use_conv_bias": f.biased("ssm_conv1d"),
        "use_bias": f.biased("ssm_in ssm_out"),
    }


def _mamba(f: GGUFFacts) -> Fields:
    falcon = bool(f.value("ssm.dt_b_c_rms"))  # it norms B, C and the step, without weights
    f.declare("ssm_x ssm_dt")
    config = _state_space(f, "falcon_mamba" if falcon else "mamba")
    f.agree("ssm_in", 2 * f.integer("ssm.inner_size"), "ssm.inner_size")
    return {**config, "time_step_rank": f.integer("ssm.time_step_rank")}


def _mamba2(f: GGUFFacts) -> Fields:
    f.declare("ssm_norm")
    inner, heads = f.integer("ssm.inner_size"), f.integer("ssm.time_step_rank")
    groups, state = f.integer("ssm.group_count", 1), f.integer("ssm.state_size")
    f.agree("ssm_in", 2 * inner + 2 * groups * state + heads, "ssm.inner_size")
    shape = {"num_heads": heads, "head_dim": inner // max(heads, 1), "n_groups": groups}
    return {**_state_space(f, "mamba2"), **shape}


def _deepseek2(f: GGUFFacts) -> Fields:
    third = any(name.endswith("exp_probs_b.bias") for name in f.gguf.tensors.names)
    heads, rotary = f.integer("attention.head_count"), f.integer("rope.dimension_count")
    # The lengths of one head; files before MLA was run as multi-query have them without "_mla".
    key = f.integer("attention.key_length_mla", f.integer("attention.key_length", 0))
    value = f.integer("attention.value_length_mla", f.integer("attention.value_length", 0))
    compressed = f.has("attn_q_a attn_q_a_norm attn_q_b")
    f.declare("attn_norm attn_kv_a_mqa attn_kv_a_norm attn_output ffn_norm")
    f.has("attn_k_b attn_v_b" if "attn_k_b" in f.blocks else "attn_kv_b")
    if not compressed:
        f.declare("attn_q")
    f.agree("attn_q_b" if compressed else "attn_q", heads * key, "attention.head_count")
    rank = f.integer("attention.kv_lora_rank")
    f.agree("attn_kv_a_mqa", rank + rotary, "attention.kv_lora_rank")
    return {
        **_base(f, "deepseek_v3" if third else "deepseek_v2"),
        "num_attention_heads": heads,
        "num_key_value_heads": heads,
        "q_lora_rank": f.integer("attention.q_lora_rank") if compressed else None,
        "kv_lora_rank": rank,
        "qk_rope_head_dim": rotary,
        "qk_nope_head_dim": key - rotary,
        "v_head_dim": value,
        **_deepseek_experts(f),
    }


def _deepseek_experts(f: GGUFFacts) -> Fields:
    dense = f.integer("leading_dense_block_count", 0)
    f.declare(_EXPERTS)
    if sorted(f.blocks.get("ffn_up_exps", {})) != list(range(dense, f.layers)):
        f.refuse(f"{f.architecture}.leading_dense_block_count", "other layers hold the experts")
    shared = f.integer("expert_shared_count", 0)
    width = _expert_width(f)
    if f.has(_SHARED):
        f.agree("ffn_up_shexp", shared * width, "expert_shared_count")
    inner = _dense(f) if dense else f.given(intermediate_size="feed_forward_length")
    return {
        **inner,
        "first_k_dense_replace": dense,
        "n_routed_experts": f.integer("expert_count"),
        "num_experts_per_tok": f.integer("expert_used_count"),
        "n_shared_experts": shared,
        "moe_intermediate_size": width,
    }


def _command_r(f: GGUFFacts) -> Fields:
    return {
        **_base(f, "cohere"),
        **_heads(f, own_width=False),
        **_dense(f, norm="attn_norm"),  # one norm feeds both
        **f.given(logit_scale="logit_scale"),
        "use_qk_norm": f.has("attn_q_norm attn_k_norm"),
        "attention_bias": f.biased("attn_q attn_k attn_v attn_output"),
    }


def _olmo2(f: GGUFFacts) -> Fields:
    f.declare("attn_q_norm attn_k_norm post_attention_norm")
    windowed = f.integer("attention.sliding_window", 0) > 0  # OLMo 3 is written as olmo2 too
    config = {**_base(f, "olmo3" if windowed else "olmo2"), **_heads(f, own_width=False)}
    config.update(_dense(f, norm="post_ffw_norm"))
    return {**config, **_layer_types(f, 4)} if windowed else config


def _gpt_oss(f: GGUFFacts) -> Fields:
    f.need_bias(f"attn_q attn_k attn_v attn_output {_EXPERTS}")
    norm = "ffn_norm" if "ffn_norm" in f.blocks else "post_attention_norm"
    f.declare(f"attn_sinks {norm} {_EXPERTS}")
    return {
        **_base(f, "gpt_oss"),
        **_heads(f),
        **_layer_types(f, 2),
        "intermediate_size": _expert_width(f),
        "num_local_experts": f.integer("expert_count"),
        "num_experts_per_tok": f.integer("expert_used_count"),
        "attention_bias": True,
    }


def _glm4(f: GGUFFacts) -> Fields:
    f.declare("post_attention_norm post_ffw_norm")
    bias = f.biased("attn_q attn_k attn_v")
    config = {**_base(f, "glm4"), **_heads(f), **_dense(f, fused=True)}
    return {**config, "attention_bias": bias, "partial_rotary_factor": _rotary_share(f)}


#: What turns each value of ``general.architecture`` into a configuration.
GGUF_ARCHITECTURES: Mapping[str, Callable[[GGUFFacts], Fields]] = {
    "command-r": _command_r,
    "deepseek2": _deepseek2,
    "falcon": _falcon,
    "gemma": _gemma,
    "gemma2": _gemma2,
    "gemma3": _gemma3,
    "glm4": _glm4,
    "gpt-oss": _gpt_oss,
    "gpt2": _gpt2,
    "gptneox": _gptneox,
    "granite": _granite,
    "llama": _llama,
    "mamba": _mamba,
    "mamba2": _mamba2,
    "olmo2": _olmo2,
    "phi2": _phi2,
    "phi3": _phi3,
    "qwen2": _qwen2,
    "qwen2moe": _qwen2moe,
    "qwen3": _qwen3,
    "qwen3moe": _qwen3moe,
    "stablelm": _stablelm,
    "starcoder2": _starcoder2,
}
