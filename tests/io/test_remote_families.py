"""Types whose code was published with their weights give the counts that others have published.

transformers does not build them, so each answer is a number that somebody else printed or counted;
its source stands beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

import numpy as np
import pytest

from paramscale.errors import ConfigError, UnsupportedArchitectureError
from paramscale.io.hf.family import model_from_config
from paramscale.specs.bill import total
from paramscale.specs.model import ModelSpec
from paramscale.specs.passes import Pass

ONE = Pass(1, 1)


def config(model_type: str, width: int, layers: int | None, heads: int, inner: int | None,
           vocabulary: int, **more: Any) -> dict[str, Any]:  # fmt: skip
    usual = {
        "model_type": model_type,
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": inner,
        "vocab_size": vocabulary,
    }
    return {name: value for name, value in (usual | more).items() if value is not None}


def parameters(model: ModelSpec) -> int:
    return int(total(model.operations(ONE), lambda op: op.weights))


def active(model: ModelSpec) -> float:
    """Return the parameters that one token meets, its row of the table aside."""
    rows = [(n, op) for n, op in model.operations(ONE) if op.kind != "lookup"]
    return float(total(rows, lambda op: op.active_weights))


def blocks(counts: list[tuple[int, int | None, float | None]]) -> list[dict[str, Any]]:
    """Return a description of layers from (how many, heads in a group, factor of inner width)."""
    return [
        {
            "attention": {"no_op": group is None, "n_heads_in_group": group},
            "ffn": {"no_op": factor is None, "ffn_mult": factor},
        }
        for count, group, factor in counts
        for _ in range(count)
    ]


GLM = {"add_qkv_bias": True, "multi_query_attention": True, "multi_query_group_num": 2}
INTERNLM2 = config("internlm2", 4096, 32, 32, 14336, 92544, bias=False, num_key_value_heads=8)
QWEN = config("qwen", 4096, 32, 32, 22016, 151936, kv_channels=128, no_bias=True)
MIMO = config("mimo", 4096, 36, 32, 11008, 151680, num_key_value_heads=8, attention_bias=True,
              num_nextn_predict_layers=1)  # fmt: skip
DEEPSEEK = config(
    "deepseek", 2048, 28, 16, 10944, 102400, first_k_dense_replace=1, moe_intermediate_size=1408,
    moe_layer_freq=1, n_routed_experts=64, n_shared_experts=2, num_experts_per_tok=6,
)  # fmt: skip
MINICPM = config("minicpm", 2304, 40, 36, 5760, 122753, tie_word_embeddings=True)
MINIMAX = config(
    "minimax_m1", 6144, 80, 64, 9216, 200064, head_dim=128, num_key_value_heads=8,
    num_local_experts=32, num_experts_per_tok=2, attn_type_list=([0] * 7 + [1]) * 10,
    shared_intermediate_size=0, layernorm_mlp_alpha=3.5, postnorm=True,
)  # fmt: skip
SUPER = config(
    "nemotron-nas", 8192, 80, 64, None, 128256,
    block_configs=blocks([(49, 8, 5.25), (10, None, 1.3125), (8, None, 1.0), (6, None, 0.5),
                          (6, None, 2.625), (1, None, 3.28125)]),
)  # fmt: skip


#: Whole models, the count that others give, and who does.
KNOWN: dict[str, tuple[dict[str, Any], int]] = {
    "InternLM2-7B (bytes of its checkpoint / 2)": (INTERNLM2, 7_737_708_544),
    "Qwen-7B (total_size of its index / 2)": (QWEN, 7_721_324_544),
    "Baichuan-7B (model card of Baichuan-13B)": (
        config("baichuan", 4096, 32, 32, 11008, 64000), 7_000_559_616),
    "Baichuan-13B (model card)": (config("baichuan", 5120, 40, 40, 13696, 64000), 13_264_901_120),
    "ChatGLM3-6B (torchinfo of the loaded model)": (
        {"model_type": "chatglm", "hidden_size": 4096, "num_layers": 28, "num_attention_heads": 32,
         "kv_channels": 128, "ffn_hidden_size": 13696, "padded_vocab_size": 65024, **GLM},
        6_243_584_000),
    "GLM-4-9B (safetensors metadata less 32 rotary frequencies)": (
        {"model_type": "chatglm", "hidden_size": 4096, "num_layers": 40, "num_attention_heads": 32,
         "kv_channels": 128, "ffn_hidden_size": 13696, "padded_vocab_size": 151552, **GLM},
        9_399_951_392 - 32),
    "ChatGLM-6B (calflops)": (
        {"model_type": "chatglm", "hidden_size": 4096, "num_layers": 28, "num_attention_heads": 32,
         "inner_hidden_size": 16384, "vocab_size": 130528, "position_encoding_2d": True},
        6_173_286_400),
    "MiniCPM-2.4B (count of the loaded model)": (MINICPM, 2_724_880_896),
    "Phi-1.5 (safetensors metadata)": (
        {"model_type": "phi-msft", "n_embd": 2048, "n_head": 32, "n_layer": 24,
         "vocab_size": 51200}, 1_418_270_720),
    "Phi-2 (safetensors metadata)": (
        {"model_type": "phi-msft", "n_embd": 2560, "n_head": 32, "n_layer": 32,
         "vocab_size": 51200}, 2_779_683_840),
    "EXAONE-3.5-7.8B (count of the loaded model)": (
        config("exaone", 4096, None, 32, 14336, 102400, num_layers=32,
               num_key_value_heads=8, tie_word_embeddings=False), 7_818_448_896),
    "DeepSeekMoE-16B (safetensors metadata)": (DEEPSEEK, 16_375_728_128),
    "Llama-3.3-Nemotron-Super-49B (safetensors metadata)": (SUPER, 49_867_145_216),
    "MiniMax-M1 (metadata of its repository)": (MINIMAX, 456_089_655_296),
    "the same sizes in arXiv:2410.08102, table 9": (
        {"model_type": "transformer", "hidden_size": 1024, "num_hidden_layers": 24, "num_heads": 16,
         "vocab_size": 32000}, 373_867_520),
    "Phi-3-mini-128k (safetensors metadata), the language model of Phi-3-vision": (
        config("phi3_v", 3072, 32, 32, 8192, 32064, num_key_value_heads=32,
               img_processor={"name": "clip_vision_model"}), 3_821_079_552),
    "DeepSeek-LLM-7B (count of the loaded model), the language model of Janus-Pro-7B": (
        {"model_type": "multi_modality", "language_config": config("llama", 4096, 30, 32, 11008,
         102400)}, 6_910_365_696),
    "LLaMA-7B (safetensors metadata), that of a MAIRA-2 without tokens of its own": (
        {"model_type": "maira2", "text_config": config("llama", 4096, 32, 32, 11008, 32000)},
        6_738_415_616),
}  # fmt: skip


@pytest.mark.parametrize("name", KNOWN)
def test_exact(name: str) -> None:
    """Where somebody counted a checkpoint, the count is met to the last parameter."""
    file, expected = KNOWN[name]
    assert parameters(model_from_config(file)) == expected


#: Rounded figures: the model, what is counted, and the published figure with its unit in the last
#: place.
ROUNDED: dict[str, tuple[Callable[[], float], float, float]] = {
    "MiniCPM-MoE-8x2B, file size (27.7 GB)": (
        lambda: 2 * parameters(model_from_config(
            MINICPM | {"num_experts": 8, "num_experts_per_tok": 2})), 27.7e9, 0.1e9),
    "MiMo-7B with its module (7.83B)": (
        lambda: parameters(model_from_config(MIMO)) + float(total(
            model_from_config(MIMO).draft_operations(ONE), lambda op: op.weights)), 7.83e9, 1e7),
    "InternLM-20B (20B)": (
        lambda: parameters(model_from_config(
            config("internlm", 5120, 60, 40, 13824, 103168, bias=False))), 20e9, 1e9),
    "Orion-14B (14 billion, arXiv:2401.12246)": (
        lambda: parameters(model_from_config(
            config("orion", 5120, 40, 40, 15360, 84608))), 14.5e9, 1e9),
    "Phi-3-small (7.392e9)": (
        lambda: parameters(model_from_config(PHI3_SMALL)), 7.392e9, 1e6),
    "MiniMax-M1, activated, the head aside too (45.9B)": (
        lambda: active(model_from_config(MINIMAX)) - 200064 * 6144, 45.9e9, 1e8),
    "Eagle 3B (3.06e9, arXiv:2404.05892)": (
        lambda: parameters(model_from_config(rwkv("rwkv5", 2560, 32))), 3.06e9, 1e7),
    "Eagle 7B (7.52e9, arXiv:2404.05892)": (
        lambda: parameters(model_from_config(rwkv("rwkv5", 4096, 32))), 7.52e9, 1e7),
    "Finch 1.6B (1.60e9, arXiv:2404.05892)": (
        lambda: parameters(model_from_config(rwkv("rwkv6", 2048, 24))), 1.60e9, 1e7),
    "Finch 3B (3.10e9, arXiv:2404.05892)": (
        lambda: parameters(model_from_config(rwkv("rwkv6", 2560, 32))), 3.10e9, 1e7),
    "Yuan2-2B (2.1 billion, arXiv:2311.15786)": (
        lambda: parameters(model_from_config(
            config("yuan", 2048, 24, 32, 8192, 135040, tie_word_embeddings=True))), 2.1e9, 1e8),
    "DeepSeek-3B-MoE-A570M, activated (arXiv:2510.18234)": (
        lambda: active(model_from_config(OCR)), 570e6, 1e7),
    "Kimi K3 (2.78T)": (lambda: parameters(model_from_config(K3)), 2.78e12, 1e10),
    "Kimi K3, activated (104.2B)": (lambda: active(model_from_config(K3)), 104.2e9, 1e8),
}  # fmt: skip


@pytest.mark.parametrize("name", ROUNDED)
def test_rounded(name: str) -> None:
    """Where a publisher rounds, the count is the same figure."""
    counted, expected, unit = ROUNDED[name]
    assert abs(counted() - expected) < unit


def rwkv(model_type: str, width: int, layers: int) -> dict[str, Any]:
    return {"model_type": model_type, "hidden_size": width, "num_hidden_layers": layers,
            "head_size": 64, "vocab_size": 65536}  # fmt: skip


PHI3_SMALL: dict[str, Any] = config(
    "phi3small", 4096, 32, 32, None, 100352,
    num_key_value_heads=8, ff_intermediate_size=14336, dense_attention_every_n_layers=2,
    blocksparse_block_size=64, blocksparse_num_local_blocks=16, blocksparse_vert_stride=8,
)  # fmt: skip
OCR: dict[str, Any] = {
    "model_type": "deepseek_vl_v2",
    "language_config": config(
        "deepseek_v2", 1280, 12, 10, 6848, 129280, first_k_dense_replace=1, kv_lora_rank=None,
        moe_intermediate_size=896, n_routed_experts=64, n_shared_experts=2, num_experts_per_tok=6,
        num_key_value_heads=10, topk_method="greedy", use_mla=False,
    ),
}  # fmt: skip
K3: dict[str, Any] = {
    "model_type": "kimi_k3",
    "text_config": config(
        "kimi_linear", 7168, 93, 96, 33792, 163840, attn_res_block_size=12,
        first_k_dense_replace=1, kv_lora_rank=512, latent_moe_use_norm=True,
        linear_attn_config={
            "full_attn_layers": [*range(4, 93, 4), 93],
            "kda_layers": [i for i in range(1, 93) if i % 4],
            "head_dim": 128, "num_heads": 96, "short_conv_kernel_size": 4,
            "use_full_rank_gate": True, "gate_lower_bound": -5.0,
        },
        mla_use_output_gate=True, moe_intermediate_size=3072, num_experts=896,
        num_experts_per_token=16, num_shared_experts=2, q_lora_rank=1536, qk_nope_head_dim=128,
        qk_rope_head_dim=64, routed_expert_hidden_size=3584, v_head_dim=128,
    ),
}  # fmt: skip


def test_eagle_formula() -> None:
    """Eagle has 13 D² L + 14 D L + 4 D + 2 D V parameters (arXiv:2404.05892, equation 23)."""
    width, layers, vocabulary = 2048, 24, 65536
    expected = 13 * width**2 * layers + 14 * width * layers + 4 * width + 2 * width * vocabulary
    assert parameters(model_from_config(rwkv("rwkv5", width, layers))) == expected == 1_577_754_624


def test_eagle_state() -> None:
    """Eagle 1.5B holds 3,244,032 numbers of state, whatever the context (the same table)."""
    model = model_from_config(rwkv("rwkv5", 2048, 24))
    assert total(model.operations(Pass(1, 100)), lambda op: op.state) == 3_244_032


def test_xverse_is_llama_with_more_tokens() -> None:
    """XVERSE-65B has the layers of LLaMA-65B (its model card), which has 65,285,660,672 parameters
    with 32,000 tokens (safetensors metadata).
    """
    model = model_from_config(config("xverse", 8192, 80, 64, 22016, 100534))
    assert parameters(model) == 65_285_660_672 + 2 * (100534 - 32000) * 8192


def test_minicpm_table_two() -> None:
    """MiniCPM-2.4B has 2,442,057,984 parameters beside its table (arXiv:2404.06395, table 2)."""
    table = 122753 * 2304
    assert parameters(model_from_config(MINICPM)) - table == 2_442_057_984


def test_reward_model_has_one_output() -> None:
    """An InternLM2 reward model has a vector in place of the head (its repository: 7.36B)."""
    model = model_from_config(INTERNLM2 | {"architectures": ["InternLM2ForRewardModel"]})
    assert parameters(model) == 7_737_708_544 - 92544 * 4096 + 4096


def test_layers_without_attention_hold_no_cache() -> None:
    """49 of 80 layers of Nemotron-Super have attention, with 8 key-value heads of 128 channels."""
    state = total(model_from_config(SUPER).operations(Pass(1, 10)), lambda op: op.state)
    assert state == 49 * 2 * 8 * 128 * 10


def test_block_sparse_attention_sees_fewer_pairs() -> None:
    """Beyond its window a block-sparse layer sees one key in `stride`; a counter sees them all."""
    model = model_from_config(PHI3_SMALL)
    sparse = next(b for _, b in model.walk() if b.kind == "block_sparse_attention")
    step, near = Pass(1, 8192), np.float64(1024.0)
    scores = next(op for op in sparse.operations(model.width, step) if op.kind == "attention")
    pairs = step.pairs(near) + (step.pairs() - step.pairs(near)) / 8.0
    assert scores.flops == pytest.approx(4.0 * pairs * 4096)
    full = Pass(1, 8192, causal=False)
    scores = next(op for op in sparse.operations(model.width, full) if op.kind == "attention")
    assert scores.flops == 4.0 * 8192**2 * 4096


def test_same_layer_as_llama() -> None:
    """An InternLM2 without biases costs what the Llama of its sizes costs."""
    llama = model_from_config({k: v for k, v in INTERNLM2.items() if k != "bias"} | {
        "model_type": "llama"})  # fmt: skip
    step = Pass(2, 16, cached_tokens=5)
    other = model_from_config(INTERNLM2)
    for of in map(attrgetter, ("flops", "state", "kept", "weights_read")):
        assert total(llama.operations(step), of) == total(other.operations(step), of)


REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "windows of layers": (SUPER, {"block_configs": [
        {"attention": {"n_heads_in_group": 8, "window_length": 64}, "ffn": {"no_op": True}}] * 80}),
    "linear layers": (SUPER, {"block_configs": [
        {"attention": {"replace_with_linear": True}, "ffn": {"no_op": True}}] * 80}),
    "learned prefix": (KNOWN["ChatGLM3-6B (torchinfo of the loaded model)"][0], {"pre_seq_len": 8}),
    "sparse MiniCPM4": (MINICPM, {"sparse_config": {"kernel_size": 32}}),
    "window of MiMo": (MIMO, {"use_sliding_window": True}),
    "shared experts of MiniMax": (MINIMAX, {"shared_intermediate_size": 128}),
    "classifier": (INTERNLM2, {"architectures": ["InternLM2ForSequenceClassification"]}),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name: str) -> None:
    """What the published models do not have is refused by name."""
    file, change = REFUSED[name]
    with pytest.raises(UnsupportedArchitectureError, match=str(next(iter(change)))):
        model_from_config(file | change)


REMOTE = (
    "baichuan", "chatglm", "deepseek", "deepseek_ref", "deepseek_vl_v2", "exaone", "internlm",
    "internlm2", "kimi_k3", "maira2", "mimo", "minicpm", "minimax_m1", "multi_modality",
    "nemotron-nas", "orion", "phi-msft", "phi3_v", "phi3small", "qwen", "rwkv5", "rwkv6",
    "transformer", "xverse", "yuan",
)  # fmt: skip


@pytest.mark.parametrize("model_type", REMOTE)
def test_sizes_must_be_stated(model_type: str) -> None:
    """No class is at hand whose defaults could be taken: a file without sizes is an error."""
    with pytest.raises(ConfigError):
        model_from_config({"model_type": model_type})


@pytest.mark.parametrize("name", [name for name, (file, _) in KNOWN.items()])
def test_unknown_sizes_are_reported(name: str) -> None:
    """A field that looks like architecture and that nothing reads is an error, also inside."""
    file = dict(KNOWN[name][0])
    inner = next((key for key in ("language_config", "text_config") if key in file), None)
    if inner is None:
        file["num_side_channels"] = 7
    else:
        file[inner] = file[inner] | {"num_side_channels": 7}
    with pytest.raises(ConfigError, match="num_side_channels"):
        model_from_config(file)
