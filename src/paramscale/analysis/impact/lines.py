"""The lines of the answer: one a quantity, with its heading and label.

A quantity is a line here and nothing else: it is shown if the vocabulary knows it and what it
needs is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import attrs

from paramscale.core.quantity import VOCABULARY, Quantity

__all__ = ["LINES", "OWN", "VARIANTS", "Line", "Variant", "line_of", "more_is_better"]

Side: TypeAlias = Literal["use", "training", "compressed", "total"]


@attrs.frozen
class Line:
    """One line.

    Parameters
    ----------
    name : str
        The quantity.
    topic : str
        Heading.
    label : str
        Short name, with the unit where cells do not show it.
    drop : str
        What is left out of each cell, since the label says it.
    side : str
        The layout it belongs to: that in use, or that of training.
    plotted : bool
        Whether the page draws it.
    """

    name: str
    topic: str
    label: str
    drop: str = ""
    side: Side = "use"
    plotted: bool = False


_LEARNS, _TRAINS, _USES = "What it learns", "Training", "In use"
_COMPRESSED, _TOTAL = "Compressed after training", "Training and use together"


@attrs.frozen
class Variant:
    """One way to make a trained model cheaper in use.

    Parameters
    ----------
    key : str
        What the names of its rows begin with.
    words : str
        What is done.
    label : str
        What their labels begin with.
    formats : mapping of str to str
        Number formats in use, as fields of the load.
    pattern : str
        Which weights are cut; empty for none.
    """

    key: str
    words: str
    label: str
    formats: Mapping[str, str] = attrs.field(factory=dict)
    pattern: str = ""


VARIANTS = (
    Variant("fp8", "weights in fp8", "8 bit", {"weight_format": "fp8"}),
    Variant("int4", "weights in 4 bits, AWQ", "4 bit", {"weight_format": "awq-int4-g128"}),
    Variant("half", "two of each four weights cut by SparseGPT", "2:4", pattern="2:4"),
)

#: What is told of each variant: end of the name, label, what cells leave out, what it means.
_TOLD = (
    ("serving_devices", "devices", " devices", "Fewest devices that hold the model"),
    ("tpot_s", "TPOT", "", "Time per output token"),
    ("compression_loss_nats", "nats added", " nats", "Loss that the compression adds"),
    ("mmlu_fraction", "MMLU", "", "Accuracy on MMLU after compression"),
)


def _learns(name: str, label: str, drop: str = "", *, plotted: bool = False) -> Line:
    return Line(name, _LEARNS, label, drop, "training", plotted)


def _trains(name: str, label: str, drop: str = "", *, plotted: bool = False) -> Line:
    return Line(name, _TRAINS, label, drop, "training", plotted)


def _uses(name: str, label: str, drop: str = "", *, plotted: bool = False) -> Line:
    return Line(name, _USES, label, drop, "use", plotted)


LINES: tuple[Line, ...] = (
    _learns("parameters", "Parameters"),
    _learns("active_parameters", "Active parameters"),
    _learns("training_tokens", "Training tokens", " tokens"),
    _learns("tokens_per_parameter", "Tokens a parameter", " tokens/parameter"),
    _learns("loss_nats", "Loss, nats", " nats", plotted=True),
    _learns("doubling_return_nats", "Doubling saves, nats", " nats", plotted=True),
    _learns("mmlu_fraction", "MMLU", plotted=True),
    _learns("arc_challenge_fraction", "ARC-Challenge", plotted=True),
    _learns("hellaswag_fraction", "HellaSwag", plotted=True),
    _learns("gsm8k_fraction", "GSM8K", plotted=True),
    _learns("humaneval_fraction", "HumanEval", plotted=True),
    _learns("overfitting_nats", "Overfitting, nats", " nats"),
    _learns("overfitting_risk_fraction", "Risk of overfitting"),
    _learns("memorization_ratio", "Capacity over data"),
    _trains("training_flops", "Work, FLOP", "FLOP"),
    _trains("training_least_devices", "Least devices", " devices"),
    _trains("training_memory_bytes", "Memory a device", plotted=True),
    _trains("training_device_s", "Device-hours", " device-hours"),
    _trains("training_time_s", "Time", plotted=True),
    _trains("training_energy_j", "Energy", plotted=True),
    _trains("training_carbon_kgco2e", "CO2e", "CO2e", plotted=True),
    _trains("water_l", "Water"),
    _trains("training_cost_usd", "Cost, USD", " USD", plotted=True),
    _uses("serving_devices", "Devices", " devices", plotted=True),
    _uses("tensor_devices", "  of them tensor", " devices"),
    _uses("weight_bytes", "Weights a device"),
    _uses("kv_cache_bytes", "KV cache a device"),
    _uses("serving_memory_bytes", "Memory a device", plotted=True),
    _uses("ttft_s", "First token (TTFT)", plotted=True),
    _uses("tpot_s", "Each token (TPOT)", plotted=True),
    _uses("throughput_tokens_per_s", "Tokens/s, all devices", " tokens/s", plotted=True),
    _uses("power_w", "Power, all devices"),
    _uses("energy_per_token_j", "Energy a token", plotted=True),
    _uses("carbon_per_token_kgco2e", "CO2e a token", "CO2e"),
    _uses("cost_per_token_usd", "USD/M tokens", " USD/M tokens", plotted=True),
    *(
        Line(
            f"{each.key}_{name}",
            _COMPRESSED,
            f"{each.label}, {label}",
            drop,
            "compressed",
            plotted=name.endswith("loss_nats"),
        )
        for each in VARIANTS
        for name, label, drop, _ in _TOLD
    ),
    Line("total_cost_usd", _TOTAL, "Cost, USD", " USD", "total", plotted=True),
    Line("total_device_s", _TOTAL, "Device-hours", " device-hours", "total", plotted=True),
    Line("total_flops", _TOTAL, "Work, FLOP", "FLOP", "total", plotted=True),
    Line("cost_excess_ratio", _TOTAL, "Cost over the least", "", "total", plotted=True),
)

#: What the analysis itself finds; no estimator gives it.
OWN: dict[str, Quantity] = {
    each.name: each
    for each in (
        Quantity("training_tokens", "Tokens that each size is trained on"),
        Quantity(
            "training_least_devices",
            "Least power of two of devices on which training fits: ZeRO stage 3, recomputed",
        ),
        Quantity("serving_devices", "Fewest devices that hold the model and its cache"),
        Quantity("tensor_devices", "Devices that share each tensor; the rest are stages"),
        Quantity("total_cost_usd", "Money for training and for all tokens in use"),
        Quantity("total_device_s", "Device time of training and of all tokens in use"),
        Quantity("total_flops", "FLOPs of training and of all tokens in use"),
        Quantity(
            "cost_excess_ratio",
            "Total cost over the least, with another size and other tokens, for the same loss",
        ),
    )
}  # fmt: skip

OWN |= {
    f"{each.key}_{name}": Quantity(
        f"{each.key}_{name}", f"{meaning}: {each.words}",
        more_is_better=name.endswith("_fraction"),
    )
    for each in VARIANTS
    for name, _, _, meaning in _TOLD
}  # fmt: skip


def more_is_better(name: str) -> bool:
    """Return whether one wants much of a quantity, as its definition says."""
    quantity = OWN.get(name) or VOCABULARY.get(name)
    return quantity is not None and quantity.more_is_better


_BY_NAME = {line.name: line for line in LINES}


def line_of(name: str) -> Line | None:
    """Return the line of a quantity, or None where it has none."""
    return _BY_NAME.get(name)
