"""The vocabulary: one line a quantity, its name ending in its unit, and what it means."""

from __future__ import annotations

from paramscale.core.quantity import define

__all__ = [
    "ACTIVE_FRACTION",
    "ACTIVE_PARAMETERS",
    "DECODE_FLOPS",
    "DECODE_WORK",
    "EMBEDDING_PARAMETERS",
    "KV_CACHE_BYTES",
    "LOSS_NATS",
    "MATMUL_PARAMETERS",
    "PARAMETERS",
    "PREFILL_FLOPS",
    "PREFILL_WORK",
    "STEP_FLOPS",
    "TOKENS_PER_PARAMETER",
    "TOKEN_WORK",
    "TPOT_S",
    "TRAINING_FLOPS",
    "TRAINING_WORK",
    "TTFT_S",
    "WEIGHT_BYTES",
]

# What a model does in one pass, computed once and shared by the estimators below.
TOKEN_WORK = define("token_work", "Operations of one token, for counts", internal=True)
PREFILL_WORK = define("prefill_work", "Operations of the prefill of all prompts", internal=True)
DECODE_WORK = define("decode_work", "Operations of one decode step", internal=True)
TRAINING_WORK = define("training_work", "Operations of one training sequence", internal=True)

PARAMETERS = define("parameters", "Learned numbers of the model, tied ones counted once")
ACTIVE_PARAMETERS = define("active_parameters", "Parameters that one token touches")
ACTIVE_FRACTION = define("active_fraction", "Share of the parameters that one token touches")
MATMUL_PARAMETERS = define(
    "matmul_parameters", "Active parameters without tables, with the head; FLOPs are 2 x this"
)
EMBEDDING_PARAMETERS = define(
    "embedding_parameters", "Parameters of the token, position and other tables"
)

PREFILL_FLOPS = define("prefill_flops", "FLOPs of the prefill of all prompts together")
DECODE_FLOPS = define("decode_flops", "FLOPs of one decode step, one new token a sequence")
STEP_FLOPS = define("step_flops", "FLOPs of one training step, forward and backward")
TOKENS_PER_PARAMETER = define("tokens_per_parameter", "Training tokens over parameters")
TRAINING_FLOPS = define("training_flops", "FLOPs of the whole training run")

WEIGHT_BYTES = define("weight_bytes", "Bytes of weights in their storage format, per device")
KV_CACHE_BYTES = define(
    "kv_cache_bytes", "Bytes of keys, values and recurrent state of all sequences, per device"
)

TTFT_S = define("ttft_s", "Time to the first token: the prefill of all prompts")
TPOT_S = define("tpot_s", "Time per output token: one decode step")

LOSS_NATS = define("loss_nats", "Cross-entropy per token on the law's own data")
