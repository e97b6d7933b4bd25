"""The vocabulary: one line a quantity, its name ending in its unit, and what it means.

Reports show quantities by topic. Those defined by a ``*_detail`` are computed only when they are
named, or when all are asked for.
"""

from __future__ import annotations

from functools import partial

from paramscale.core.quantity import define

# What estimators share: computed once an estimate and never shown.
_internal = partial(define, internal=True)
TOKEN_WORK = _internal("token_work", "Operations of one token, for counts")
PREFILL_WORK = _internal("prefill_work", "Operations of the prefill of all prompts")
DECODE_WORK = _internal("decode_work", "Operations of one decode step")
BENCHMARK_ACCURACIES = _internal("benchmark_accuracies", "Accuracies of all benchmarks at once")
REPETITION_PARTS = _internal("repetition_parts", "Loss on repeated data by cause")
TRAINING_WORK = _internal("training_work", "Operations of one training sequence")
TRAINING_LOAD = _internal("training_load", "Sums over the operations of one training sequence")
TOKEN_DEVICE_S = _internal("token_device_s", "Device time of a token where no layout is known")
LOSS_LAW = _internal("loss_law", "Law of loss in parameters and tokens, of Chinchilla's form")
TRAINING_STATE = _internal("training_state", "What one device holds in training")
TRAINING_STEP = _internal("training_step", "Seconds of one training step by cause")
SERVING_TIMES = _internal("serving_times", "Expected times of prompts and decode steps")
SERVING_POWER = _internal("serving_power", "Draw of the accelerators in use, by cause")
COMPRESSED = _internal("compressed", "Loss added by each thing that was done to the model")
EXPERTS_OUTSIDE_RATIO = _internal(
    "experts_outside_ratio", "Factor by which experts lie outside of the sizes that were measured"
)
OUTSIDE_MEASURED_RATIO = _internal(
    "outside_measured_ratio", "Factor by which compression lies outside of what was measured"
)
DATA_OPTIMUM = _internal("data_optimum", "Best size for the unique tokens")
ENERGY_BOUNDARY = _internal("energy_boundary", "Energy inside the boundary over the accelerators'")
CARBON_RATE = _internal("carbon_rate", "Greenhouse gas of a joule of electricity")
WATER_RATE = _internal("water_rate", "Water of a joule of the accelerators")
ELECTRICITY_RATE = _internal("electricity_rate", "Price of a joule of electricity")
MAKING_RATE = _internal("making_rate", "Making of devices for a second of their work")
RENT_RATE = _internal("rent_rate", "Rent of a device for a second")
PURCHASE_PRICE = _internal("purchase_price", "Price of a device with its part of a server")
WORKING_LIFE = _internal("working_life", "Seconds of work over which a device is written off")
CHEAPEST_LIFE = _internal("cheapest_life", "Size and tokens of least money over a model's life")

_parameters = partial(define, topic="Parameters")
_parameters_detail = partial(_parameters, by_name_only=True)
PARAMETERS = _parameters("parameters", "Learned numbers of the model, tied ones counted once")
ACTIVE_PARAMETERS = _parameters("active_parameters", "Parameters that one token touches")
ACTIVE_FRACTION = _parameters("active_fraction", "Share of the parameters that one token touches")
MATMUL_PARAMETERS = _parameters(
    "matmul_parameters", "Active parameters without tables, with the head; FLOPs are 2 x this"
)
EMBEDDING_PARAMETERS = _parameters(
    "embedding_parameters", "Parameters of the token, position and other tables"
)
NON_EMBEDDING_PARAMETERS = _parameters_detail(
    "non_embedding_parameters", "Parameters without tables and without the matrix of the head"
)
NONZERO_PARAMETERS = _parameters_detail(
    "nonzero_parameters", "Parameters that pruning did not set to zero"
)

_work = partial(define, topic="Work")
PREFILL_FLOPS = _work("prefill_flops", "FLOPs of the prefill of all prompts together")
DECODE_FLOPS = _work("decode_flops", "FLOPs of one decode step, one new token a sequence")
STEP_FLOPS = _work("step_flops", "FLOPs of one training step, forward and backward")
TRAINING_FLOPS = _work("training_flops", "FLOPs of the whole training run")
TEACHER_FLOPS = define(
    "teacher_flops", "FLOPs of a teacher's forward passes in distillation", topic="Work",
    by_name_only=True,
)  # fmt: skip

_memory_in_use = partial(define, topic="Memory in use")
_memory_in_use_detail = partial(_memory_in_use, by_name_only=True)
WEIGHT_BYTES = _memory_in_use(
    "weight_bytes", "Bytes of weights in their storage format, per device"
)
MEAN_WEIGHT_BITS = _memory_in_use_detail(
    "mean_weight_bits", "Bits that a weight takes on average, scales and all tensors counted"
)
KV_CACHE_BYTES = _memory_in_use(
    "kv_cache_bytes", "Bytes of keys, values and recurrent state of all sequences, per device"
)
SERVING_MEMORY_BYTES = _memory_in_use(
    "serving_memory_bytes", "Bytes that a served model takes on each device, all terms together"
)
MISSING_MEMORY_BYTES = _memory_in_use_detail(
    "missing_memory_bytes", "Bytes that each device lacks; 0 where the served model fits"
)
LARGEST_BATCH_COUNT = _memory_in_use_detail(
    "largest_batch_count",
    "Most sequences of this length that all devices hold together",
    more_is_better=True,
)
LONGEST_CONTEXT_TOKENS = _memory_in_use_detail(
    "longest_context_tokens",
    "Longest context of all sequences of this batch that fits",
    more_is_better=True,
)
FEWEST_DEVICES = _memory_in_use_detail(
    "fewest_devices", "Least devices, sharing all tensors, that hold the served model"
)

_time_in_use = partial(define, topic="Time in use")
TTFT_S = _time_in_use("ttft_s", "Time to the first token: the prefill of all prompts")
TPOT_S = _time_in_use("tpot_s", "Time per output token: one decode step")
REQUEST_LATENCY_S = _time_in_use("request_latency_s", "Time from a request to its last token")
THROUGHPUT_TOKENS_PER_S = _time_in_use(
    "throughput_tokens_per_s",
    "Output tokens in a second, all requests and devices together",
    more_is_better=True,
)

LONGEST_GAP_S = define(
    "longest_gap_s", "Longest time between two tokens of a request, while another's prompt is read",
    topic="Time in use", by_name_only=True,
)  # fmt: skip

_memory_of_training = partial(define, topic="Memory of training")
ACTIVATION_BYTES = _memory_of_training(
    "activation_bytes", "Bytes of activations kept for the backward pass, per device"
)
GRADIENT_BYTES = _memory_of_training("gradient_bytes", "Bytes of gradients, per device")
OPTIMIZER_BYTES = _memory_of_training(
    "optimizer_bytes", "Bytes of the optimizer's states and master weights, per device"
)
TRAINING_MEMORY_BYTES = _memory_of_training(
    "training_memory_bytes", "Peak memory of training, per device"
)

_time_of_training = partial(define, topic="Time of training")
_time_of_training_detail = partial(_time_of_training, by_name_only=True)
STEP_TIME_S = _time_of_training("step_time_s", "Time of one optimizer step")
MFU_FRACTION = _time_of_training(
    "mfu_fraction",
    "FLOPs of the step, nothing counted twice, over what the devices' peak allows",
    more_is_better=True,
)
HFU_FRACTION = _time_of_training_detail(
    "hfu_fraction",
    "The same with the forward passes that are computed again, causal attention",
    more_is_better=True,
)
TRAINING_TOKENS_PER_S = _time_of_training_detail(
    "training_tokens_per_s",
    "Training tokens a second of all devices together",
    more_is_better=True,
)
GOODPUT_FRACTION = _time_of_training_detail(
    "goodput_fraction",
    "Share of the time of a run that is not lost to failures of devices",
    more_is_better=True,
)
TRAINING_TIME_S = _time_of_training("training_time_s", "Calendar time of the training run")
TRAINING_DEVICE_S = _time_of_training("training_device_s", "Time of the run, all devices added up")

_energy = partial(define, topic="Energy")
_energy_detail = partial(_energy, by_name_only=True)
POWER_W = _energy("power_w", "Mean draw of all accelerators while they serve")
CHIP_ENERGY_PER_TOKEN_J = _energy(
    "chip_energy_per_token_j", "Energy of the accelerators for an output token, prompts included"
)
PREFILL_ENERGY_PER_TOKEN_J = _energy_detail(
    "prefill_energy_per_token_j", "Energy of the accelerators for a prompt token, prompts alone"
)
DECODE_ENERGY_PER_TOKEN_J = _energy_detail(
    "decode_energy_per_token_j", "Energy of the accelerators for an output token, steps alone"
)
IDLE_POWER_W = _energy_detail(
    "idle_power_w", "Draw of all accelerators that hold a model and have nothing to do"
)
TRAINING_POWER_W = _energy_detail(
    "training_power_w", "Mean draw of all accelerators while they train"
)
TRAINING_CHIP_ENERGY_J = _energy_detail(
    "training_chip_energy_j", "Energy of the accelerators for the whole training run"
)
ENERGY_PER_TOKEN_J = _energy(
    "energy_per_token_j", "Energy for an output token inside the boundary of the account"
)
TRAINING_ENERGY_J = _energy(
    "training_energy_j", "Energy of training inside the boundary of the account"
)
ENERGY_PER_REQUEST_J = _energy_detail(
    "energy_per_request_j", "Energy for a request and its answer inside the boundary"
)
DAILY_ENERGY_J = _energy_detail("daily_energy_j", "Energy for the requests of a day")
DEPLOYMENT_ENERGY_J = _energy_detail(
    "deployment_energy_j", "Energy for all requests of the model's days in service"
)
SERVED_TRAINING_ENERGY_PER_TOKEN_J = _energy_detail(
    "served_training_energy_per_token_j",
    "Energy of training for each token that is written in the model's days in service",
)

_footprint = partial(define, topic="Carbon and water")
_footprint_detail = partial(_footprint, by_name_only=True)
TRAINING_CARBON_KGCO2E = _footprint(
    "training_carbon_kgco2e", "Greenhouse gas of training inside the boundary of the account"
)
EMBODIED_CARBON_KGCO2E = _footprint(
    "embodied_carbon_kgco2e", "Part of the devices' making that falls to the training run"
)
CARBON_PER_TOKEN_KGCO2E = _footprint(
    "carbon_per_token_kgco2e", "Greenhouse gas for an output token inside the boundary"
)
WATER_L = _footprint("water_l", "Water for training, on site and for the electricity")
WATER_PER_TOKEN_L = _footprint(
    "water_per_token_l", "Water for an output token, on site and for the electricity"
)
EMBODIED_CARBON_PER_TOKEN_KGCO2E = _footprint_detail(
    "embodied_carbon_per_token_kgco2e", "Part of the devices' making for an output token"
)
DEPLOYMENT_CARBON_KGCO2E = _footprint_detail(
    "deployment_carbon_kgco2e", "Greenhouse gas of the model's days in service"
)
SERVED_TRAINING_CARBON_PER_TOKEN_KGCO2E = _footprint_detail(
    "served_training_carbon_per_token_kgco2e",
    "Greenhouse gas of training for each token that is written in the model's days in service",
)

_money = partial(define, topic="Money")
_money_detail = partial(_money, by_name_only=True)
TRAINING_COST_USD = _money("training_cost_usd", "Cost of the devices of the training run")
COST_PER_TOKEN_USD = _money("cost_per_token_usd", "Cost of the devices for an output token")
DEPLOYMENT_COST_USD = _money_detail(
    "deployment_cost_usd", "Cost of the output tokens of the model's days in service"
)
LIFETIME_COST_USD = _money_detail(
    "lifetime_cost_usd", "Cost of training and of the model's days in service"
)
BREAK_EVEN_DEVICE_S = _money_detail(
    "break_even_device_s", "Time of work of one device from which buying it is cheaper than renting"
)
BREAK_EVEN_USE_FRACTION = _money_detail(
    "break_even_use_fraction", "Share of a device's life from which buying is cheaper; above 1 none"
)
LIFETIME_CHEAPEST_PARAMETERS = _money_detail(
    "lifetime_cheapest_parameters", "Parameters that reach the same loss for least money with use"
)
LIFETIME_CHEAPEST_TOKENS = _money_detail(
    "lifetime_cheapest_tokens", "Training tokens that reach the same loss for least money with use"
)
BREAK_EVEN_SERVED_TOKENS = _money_detail(
    "break_even_served_tokens",
    "Output tokens from which a smaller model, trained longer to the same loss, is cheaper",
)

_loss = partial(define, topic="Loss")
_loss_detail = partial(_loss, by_name_only=True)
LOSS_NATS = _loss("loss_nats", "Cross-entropy per token on the law's own data")
IRREDUCIBLE_LOSS_NATS = _loss_detail(
    "irreducible_loss_nats", "Loss that no size and no data would remove, by the chosen law"
)
REDUCIBLE_LOSS_NATS = _loss(
    "reducible_loss_nats", "Loss above the irreducible part, by the chosen law"
)
TOKENS_PER_PARAMETER = _loss("tokens_per_parameter", "Training tokens over parameters")

_allocation_and_returns = partial(define, topic="Allocation and returns")
_allocation_and_returns_detail = partial(_allocation_and_returns, by_name_only=True)
DOUBLING_RETURN_NATS = _allocation_and_returns_detail(
    "doubling_return_nats", "Loss saved by twice the parameters on the same tokens"
)
TOKEN_DOUBLING_RETURN_NATS = _allocation_and_returns_detail(
    "token_doubling_return_nats", "Loss saved by twice the tokens on the same parameters"
)
SIZE_ELASTICITY_RATIO = _allocation_and_returns_detail(
    "size_elasticity_ratio", "Per cent of loss saved for a per cent more parameters"
)
DATA_ELASTICITY_RATIO = _allocation_and_returns_detail(
    "data_elasticity_ratio", "Per cent of loss saved for a per cent more tokens"
)
TOKENS_WORTH_OF_DOUBLING_RATIO = _allocation_and_returns_detail(
    "tokens_worth_of_doubling_ratio",
    "Factor on the tokens that saves what twice the parameters would; infinite if none does",
)
COMPUTE_OPTIMAL_PARAMETERS = _allocation_and_returns(
    "compute_optimal_parameters", "Parameters of least loss for the compute of the run"
)
COMPUTE_OPTIMAL_TOKENS = _allocation_and_returns(
    "compute_optimal_tokens", "Tokens of least loss for the compute of the run"
)
COMPUTE_OPTIMAL_LOSS_NATS = _allocation_and_returns_detail(
    "compute_optimal_loss_nats", "Least loss for the compute of the run"
)
OVERTRAINING_RATIO = _allocation_and_returns_detail(
    "overtraining_ratio", "Tokens over those that are best for the same compute; below 1 too few"
)
COMPUTE_EXCESS_RATIO = _allocation_and_returns_detail(
    "compute_excess_ratio", "Compute of the run over the least that reaches the same loss"
)
LIFETIME_OPTIMAL_PARAMETERS = _allocation_and_returns_detail(
    "lifetime_optimal_parameters", "Parameters that reach the same loss at least cost with use"
)
LIFETIME_OPTIMAL_TOKENS = _allocation_and_returns_detail(
    "lifetime_optimal_tokens", "Training tokens that reach the same loss at least cost with use"
)
OPTIMAL_BATCH_TOKENS = _allocation_and_returns_detail(
    "optimal_batch_tokens", "Tokens of the best batch of the run"
)
OPTIMAL_LEARNING_RATE_RATIO = _allocation_and_returns_detail(
    "optimal_learning_rate_ratio", "Best peak learning rate of the run"
)

_accuracy = partial(define, topic="Accuracy", more_is_better=True)
_accuracy_detail = partial(_accuracy, by_name_only=True)
MMLU_FRACTION = _accuracy("mmlu_fraction", "Accuracy on MMLU, 5 examples shown")
ARC_CHALLENGE_FRACTION = _accuracy(
    "arc_challenge_fraction",
    "Accuracy on ARC-Challenge, 25 examples shown, by likelihood of the answer",
)
HELLASWAG_FRACTION = _accuracy("hellaswag_fraction", "Accuracy on HellaSwag, 10 examples shown")
WINOGRANDE_FRACTION = _accuracy("winogrande_fraction", "Accuracy on WinoGrande, 5 examples shown")
GSM8K_FRACTION = _accuracy("gsm8k_fraction", "Accuracy on GSM8K, 5 examples shown")
HUMANEVAL_FRACTION = _accuracy(
    "humaneval_fraction", "Problems of HumanEval solved at the first try"
)
MMLU_PRO_FRACTION = _accuracy_detail(
    "mmlu_pro_fraction", "Accuracy on MMLU-Pro, 5 examples shown, not normalised"
)
BBH_FRACTION = _accuracy_detail(
    "bbh_fraction", "Accuracy on BIG-Bench Hard, 3 examples shown, not normalised"
)
MATH_HARD_FRACTION = _accuracy_detail(
    "math_hard_fraction", "Accuracy on MATH of level 5, 4 examples shown"
)
ARC_EASY_FRACTION = _accuracy_detail("arc_easy_fraction", "Accuracy on ARC-Easy, no example shown")
PIQA_FRACTION = _accuracy_detail("piqa_fraction", "Accuracy on PIQA, no example shown")
LAMBADA_FRACTION = _accuracy_detail(
    "lambada_fraction", "Accuracy on LAMBADA (OpenAI's version), no example shown"
)

_compression = partial(define, topic="Compression")
_compression_detail = partial(_compression, by_name_only=True)
_compressed_accuracy = partial(_compression_detail, more_is_better=True)
COMPRESSION_LOSS_NATS = _compression(
    "compression_loss_nats", "Loss that quantization and pruning add to that of the whole model"
)
COMPRESSED_LOSS_NATS = _compression_detail(
    "compressed_loss_nats", "Cross-entropy per token of the compressed model, by the chosen law"
)
EFFECTIVE_PARAMETERS = _compression_detail(
    "effective_parameters",
    "Parameters of the dense 16-bit model that is as good",
    more_is_better=True,
)
COMPRESSED_MMLU_FRACTION = _compressed_accuracy(
    "compressed_mmlu_fraction", "Accuracy on MMLU after compression"
)
COMPRESSED_ARC_CHALLENGE_FRACTION = _compressed_accuracy(
    "compressed_arc_challenge_fraction", "Accuracy on ARC-Challenge after compression"
)
COMPRESSED_HELLASWAG_FRACTION = _compressed_accuracy(
    "compressed_hellaswag_fraction", "Accuracy on HellaSwag after compression"
)
COMPRESSED_WINOGRANDE_FRACTION = _compressed_accuracy(
    "compressed_winogrande_fraction", "Accuracy on WinoGrande after compression"
)
COMPRESSED_GSM8K_FRACTION = _compressed_accuracy(
    "compressed_gsm8k_fraction", "Accuracy on GSM8K after compression"
)
COMPRESSED_HUMANEVAL_FRACTION = _compressed_accuracy(
    "compressed_humaneval_fraction", "Accuracy on HumanEval after compression"
)
COMPRESSED_MMLU_PRO_FRACTION = _compressed_accuracy(
    "compressed_mmlu_pro_fraction", "Accuracy on MMLU-Pro after compression"
)
COMPRESSED_BBH_FRACTION = _compressed_accuracy(
    "compressed_bbh_fraction", "Accuracy on BIG-Bench Hard after compression"
)
COMPRESSED_MATH_HARD_FRACTION = _compressed_accuracy(
    "compressed_math_hard_fraction", "Accuracy on MATH of level 5 after compression"
)
COMPRESSED_ARC_EASY_FRACTION = _compressed_accuracy(
    "compressed_arc_easy_fraction", "Accuracy on ARC-Easy after compression"
)
COMPRESSED_PIQA_FRACTION = _compressed_accuracy(
    "compressed_piqa_fraction", "Accuracy on PIQA after compression"
)
COMPRESSED_LAMBADA_FRACTION = _compressed_accuracy(
    "compressed_lambada_fraction", "Accuracy on LAMBADA after compression"
)

_repeated_data = partial(define, topic="Repeated data")
_repeated_data_detail = partial(_repeated_data, by_name_only=True)
OVERFITTING_NATS = _repeated_data(
    "overfitting_nats", "Loss that repeats cost over as many tokens that are all different"
)
OVERFITTING_RISK_FRACTION = _repeated_data(
    "overfitting_risk_fraction",
    "Probability that repeats cost more than a threshold, 0.05 nats unless chosen",
)
UNDERTRAINING_NATS = _repeated_data_detail(
    "undertraining_nats", "Loss that more fresh tokens would take away, at this size"
)
BEST_EPOCHS_COUNT = _repeated_data_detail(
    "best_epochs_count", "Passes over the unique tokens of least loss, at this size"
)
DATA_OPTIMAL_PARAMETERS = _repeated_data_detail(
    "data_optimal_parameters", "Parameters that learn most from the unique tokens, compute aside"
)
DATA_OPTIMAL_TOKENS = _repeated_data_detail(
    "data_optimal_tokens", "Tokens, repeats included, that suit the best size for the data"
)

_memorisation = partial(define, topic="Memorisation")
_memorisation_detail = partial(_memorisation, by_name_only=True)
MEMORIZATION_RATIO = _memorisation(
    "memorization_ratio", "Capacity to memorise over information in the data; test loss peaks at 1"
)
MEMORIZATION_CAPACITY_BITS = _memorisation_detail(
    "memorization_capacity_bits",
    "Random data that the weights can store",
    more_is_better=True,
)
KNOWLEDGE_CAPACITY_BITS = _memorisation(
    "knowledge_capacity_bits",
    "Facts that the weights hold, ready to be asked for",
    more_is_better=True,
)
EXTRACTABLE_FRACTION = _memorisation_detail(
    "extractable_fraction", "Training sequences that their beginning, as a prompt, brings back"
)

__all__ = [name for name in dir() if name.isupper()]
