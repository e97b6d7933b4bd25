"""The vocabulary: one line a quantity, its name ending in its unit, and what it means."""

from __future__ import annotations

from paramscale.core.quantity import define

__all__ = [
    "ACTIVATION_BYTES",
    "ACTIVE_FRACTION",
    "ACTIVE_PARAMETERS",
    "ARC_CHALLENGE_FRACTION",
    "ARC_EASY_FRACTION",
    "BBH_FRACTION",
    "BENCHMARK_ACCURACIES",
    "BEST_EPOCHS_COUNT",
    "COMPUTE_EXCESS_RATIO",
    "COMPUTE_OPTIMAL_LOSS_NATS",
    "COMPUTE_OPTIMAL_PARAMETERS",
    "COMPUTE_OPTIMAL_TOKENS",
    "DATA_ELASTICITY_RATIO",
    "DATA_OPTIMAL_PARAMETERS",
    "DATA_OPTIMAL_TOKENS",
    "DATA_OPTIMUM",
    "DECODE_FLOPS",
    "DECODE_WORK",
    "DOUBLING_RETURN_NATS",
    "EMBEDDING_PARAMETERS",
    "EXTRACTABLE_FRACTION",
    "FEWEST_DEVICES",
    "GOODPUT_FRACTION",
    "GRADIENT_BYTES",
    "GSM8K_FRACTION",
    "HELLASWAG_FRACTION",
    "HFU_FRACTION",
    "HUMANEVAL_FRACTION",
    "IRREDUCIBLE_LOSS_NATS",
    "KNOWLEDGE_CAPACITY_BITS",
    "KV_CACHE_BYTES",
    "LAMBADA_FRACTION",
    "LARGEST_BATCH_COUNT",
    "LIFETIME_OPTIMAL_PARAMETERS",
    "LIFETIME_OPTIMAL_TOKENS",
    "LONGEST_CONTEXT_TOKENS",
    "LOSS_LAW",
    "LOSS_NATS",
    "MATH_HARD_FRACTION",
    "MATMUL_PARAMETERS",
    "MEMORIZATION_CAPACITY_BITS",
    "MEMORIZATION_RATIO",
    "MFU_FRACTION",
    "MISSING_MEMORY_BYTES",
    "MMLU_FRACTION",
    "MMLU_PRO_FRACTION",
    "NON_EMBEDDING_PARAMETERS",
    "OPTIMAL_BATCH_TOKENS",
    "OPTIMAL_LEARNING_RATE_RATIO",
    "OPTIMIZER_BYTES",
    "OVERFITTING_NATS",
    "OVERFITTING_RISK_FRACTION",
    "OVERTRAINING_RATIO",
    "PARAMETERS",
    "PIQA_FRACTION",
    "PREFILL_FLOPS",
    "PREFILL_WORK",
    "REDUCIBLE_LOSS_NATS",
    "REPETITION_PARTS",
    "REQUEST_LATENCY_S",
    "SERVING_MEMORY_BYTES",
    "SERVING_TIMES",
    "SIZE_ELASTICITY_RATIO",
    "STEP_FLOPS",
    "STEP_TIME_S",
    "THROUGHPUT_TOKENS_PER_S",
    "TOKENS_PER_PARAMETER",
    "TOKENS_WORTH_OF_DOUBLING_RATIO",
    "TOKEN_DOUBLING_RETURN_NATS",
    "TOKEN_WORK",
    "TPOT_S",
    "TRAINING_DEVICE_S",
    "TRAINING_FLOPS",
    "TRAINING_MEMORY_BYTES",
    "TRAINING_STATE",
    "TRAINING_STEP",
    "TRAINING_TIME_S",
    "TRAINING_TOKENS_PER_S",
    "TRAINING_WORK",
    "TTFT_S",
    "UNDERTRAINING_NATS",
    "WEIGHT_BYTES",
    "WINOGRANDE_FRACTION",
]

# What a model does in one pass, computed once and shared by the estimators below.
TOKEN_WORK = define("token_work", "Operations of one token, for counts", internal=True)
PREFILL_WORK = define("prefill_work", "Operations of the prefill of all prompts", internal=True)
DECODE_WORK = define("decode_work", "Operations of one decode step", internal=True)
BENCHMARK_ACCURACIES = define(
    "benchmark_accuracies", "Accuracies of all benchmarks at once", internal=True
)
REPETITION_PARTS = define("repetition_parts", "Loss on repeated data by cause", internal=True)
TRAINING_WORK = define("training_work", "Operations of one training sequence", internal=True)
# The published law that the quantities of allocation and returns share.
LOSS_LAW = define(
    "loss_law", "Law of loss in parameters and tokens, of Chinchilla's form", internal=True
)

PARAMETERS = define("parameters", "Learned numbers of the model, tied ones counted once")
ACTIVE_PARAMETERS = define("active_parameters", "Parameters that one token touches")
ACTIVE_FRACTION = define("active_fraction", "Share of the parameters that one token touches")
MATMUL_PARAMETERS = define(
    "matmul_parameters", "Active parameters without tables, with the head; FLOPs are 2 x this"
)
EMBEDDING_PARAMETERS = define(
    "embedding_parameters", "Parameters of the token, position and other tables"
)
NON_EMBEDDING_PARAMETERS = define(
    "non_embedding_parameters", "Parameters without tables and without the matrix of the head"
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

TRAINING_STATE = define("training_state", "What one device holds in training", internal=True)
ACTIVATION_BYTES = define(
    "activation_bytes", "Bytes of activations kept for the backward pass, per device"
)
GRADIENT_BYTES = define("gradient_bytes", "Bytes of gradients, per device")
OPTIMIZER_BYTES = define(
    "optimizer_bytes", "Bytes of the optimizer's states and master weights, per device"
)
TRAINING_MEMORY_BYTES = define("training_memory_bytes", "Peak memory of training, per device")

TRAINING_STEP = define("training_step", "Seconds of one training step by cause", internal=True)
STEP_TIME_S = define("step_time_s", "Time of one optimizer step")
MFU_FRACTION = define(
    "mfu_fraction", "FLOPs of the step, nothing counted twice, over what the devices' peak allows"
)
HFU_FRACTION = define(
    "hfu_fraction", "The same with the forward passes that are computed again, causal attention"
)
TRAINING_TOKENS_PER_S = define(
    "training_tokens_per_s", "Training tokens a second of all devices together"
)
GOODPUT_FRACTION = define(
    "goodput_fraction", "Share of the time of a run that is not lost to failures of devices"
)
TRAINING_TIME_S = define("training_time_s", "Calendar time of the training run")
TRAINING_DEVICE_S = define("training_device_s", "Time of the run, all devices added up")

SERVING_TIMES = define("serving_times", "Expected times of prompts and decode steps", internal=True)
SERVING_MEMORY_BYTES = define(
    "serving_memory_bytes", "Bytes that a served model takes on each device, all terms together"
)
MISSING_MEMORY_BYTES = define(
    "missing_memory_bytes", "Bytes that each device lacks; 0 where the served model fits"
)
LARGEST_BATCH_COUNT = define(
    "largest_batch_count", "Most sequences of this length that all devices hold together"
)
LONGEST_CONTEXT_TOKENS = define(
    "longest_context_tokens", "Longest context of all sequences of this batch that fits"
)
FEWEST_DEVICES = define(
    "fewest_devices", "Least devices, sharing all tensors, that hold the served model"
)

TTFT_S = define("ttft_s", "Time to the first token: the prefill of all prompts")
TPOT_S = define("tpot_s", "Time per output token: one decode step")
REQUEST_LATENCY_S = define("request_latency_s", "Time from a request to its last token")
THROUGHPUT_TOKENS_PER_S = define(
    "throughput_tokens_per_s", "Output tokens in a second, all requests and devices together"
)

LOSS_NATS = define("loss_nats", "Cross-entropy per token on the law's own data")
IRREDUCIBLE_LOSS_NATS = define(
    "irreducible_loss_nats", "Loss that no size and no data would remove, by the chosen law"
)
REDUCIBLE_LOSS_NATS = define(
    "reducible_loss_nats", "Loss above the irreducible part, by the chosen law"
)
DOUBLING_RETURN_NATS = define(
    "doubling_return_nats", "Loss saved by twice the parameters on the same tokens"
)
TOKEN_DOUBLING_RETURN_NATS = define(
    "token_doubling_return_nats", "Loss saved by twice the tokens on the same parameters"
)
SIZE_ELASTICITY_RATIO = define(
    "size_elasticity_ratio", "Per cent of loss saved for a per cent more parameters"
)
DATA_ELASTICITY_RATIO = define(
    "data_elasticity_ratio", "Per cent of loss saved for a per cent more tokens"
)
TOKENS_WORTH_OF_DOUBLING_RATIO = define(
    "tokens_worth_of_doubling_ratio",
    "Factor on the tokens that saves what twice the parameters would; infinite if none does",
)

COMPUTE_OPTIMAL_PARAMETERS = define(
    "compute_optimal_parameters", "Parameters of least loss for the compute of the run"
)
COMPUTE_OPTIMAL_TOKENS = define(
    "compute_optimal_tokens", "Tokens of least loss for the compute of the run"
)
COMPUTE_OPTIMAL_LOSS_NATS = define(
    "compute_optimal_loss_nats", "Least loss for the compute of the run"
)
OVERTRAINING_RATIO = define(
    "overtraining_ratio", "Tokens over those that are best for the same compute; below 1 too few"
)
COMPUTE_EXCESS_RATIO = define(
    "compute_excess_ratio", "Compute of the run over the least that reaches the same loss"
)
LIFETIME_OPTIMAL_PARAMETERS = define(
    "lifetime_optimal_parameters", "Parameters that reach the same loss at least cost with use"
)
LIFETIME_OPTIMAL_TOKENS = define(
    "lifetime_optimal_tokens", "Training tokens that reach the same loss at least cost with use"
)
OPTIMAL_BATCH_TOKENS = define("optimal_batch_tokens", "Tokens of the best batch of the run")
OPTIMAL_LEARNING_RATE_RATIO = define(
    "optimal_learning_rate_ratio", "Best peak learning rate of the run"
)

MMLU_FRACTION = define("mmlu_fraction", "Accuracy on MMLU, 5 examples shown")
ARC_CHALLENGE_FRACTION = define(
    "arc_challenge_fraction",
    "Accuracy on ARC-Challenge, 25 examples shown, by likelihood of the answer",
)
HELLASWAG_FRACTION = define("hellaswag_fraction", "Accuracy on HellaSwag, 10 examples shown")
WINOGRANDE_FRACTION = define("winogrande_fraction", "Accuracy on WinoGrande, 5 examples shown")
GSM8K_FRACTION = define("gsm8k_fraction", "Accuracy on GSM8K, 5 examples shown")
HUMANEVAL_FRACTION = define("humaneval_fraction", "Problems of HumanEval solved at the first try")
MMLU_PRO_FRACTION = define(
    "mmlu_pro_fraction", "Accuracy on MMLU-Pro, 5 examples shown, not normalised"
)
BBH_FRACTION = define(
    "bbh_fraction", "Accuracy on BIG-Bench Hard, 3 examples shown, not normalised"
)
MATH_HARD_FRACTION = define("math_hard_fraction", "Accuracy on MATH of level 5, 4 examples shown")
ARC_EASY_FRACTION = define("arc_easy_fraction", "Accuracy on ARC-Easy, no example shown")
PIQA_FRACTION = define("piqa_fraction", "Accuracy on PIQA, no example shown")
LAMBADA_FRACTION = define(
    "lambada_fraction", "Accuracy on LAMBADA (OpenAI's version), no example shown"
)

UNDERTRAINING_NATS = define(
    "undertraining_nats", "Loss that more fresh tokens would take away, at this size"
)
OVERFITTING_NATS = define(
    "overfitting_nats", "Loss that repeats cost over as many tokens that are all different"
)
OVERFITTING_RISK_FRACTION = define(
    "overfitting_risk_fraction",
    "Probability that repeats cost more than a threshold, 0.05 nats unless chosen",
)
BEST_EPOCHS_COUNT = define(
    "best_epochs_count", "Passes over the unique tokens of least loss, at this size"
)
DATA_OPTIMUM = define("data_optimum", "Best size for the unique tokens", internal=True)
DATA_OPTIMAL_PARAMETERS = define(
    "data_optimal_parameters", "Parameters that learn most from the unique tokens, compute aside"
)
DATA_OPTIMAL_TOKENS = define(
    "data_optimal_tokens", "Tokens, repeats included, that suit the best size for the data"
)
MEMORIZATION_CAPACITY_BITS = define(
    "memorization_capacity_bits", "Random data that the weights can store"
)
MEMORIZATION_RATIO = define(
    "memorization_ratio", "Capacity to memorise over information in the data; test loss peaks at 1"
)
KNOWLEDGE_CAPACITY_BITS = define(
    "knowledge_capacity_bits", "Facts that the weights hold, ready to be asked for"
)
EXTRACTABLE_FRACTION = define(
    "extractable_fraction", "Training sequences that their beginning, as a prompt, brings back"
)
