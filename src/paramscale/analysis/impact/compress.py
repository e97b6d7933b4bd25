"""What fewer bits, or weights cut away, change in use: devices, time of a token, and loss."""

from __future__ import annotations

from typing import Any

import attrs

from paramscale.analysis.impact.layouts import NOT_HELD, use_layout
from paramscale.analysis.impact.lines import OWN, VARIANTS, Variant
from paramscale.analysis.impact.question import Group, Question
from paramscale.analysis.impact.row import Row, estimated, own_row, without
from paramscale.catalogue.mixtures import as_one_format
from paramscale.core.quantity import VOCABULARY
from paramscale.errors import SpecError
from paramscale.transforms.prune import prune

__all__ = ["compressed"]

#: Quantity, and what its row is called after the key of the variant.
_TOLD = {
    "tpot_s": "tpot_s",
    "compression_loss_nats": "compression_loss_nats",
    "compressed_mmlu_fraction": "mmlu_fraction",
}
#: Rows that are told of sizes that no layout holds, too.
_LEARNED = ("compression_loss_nats", "compressed_mmlu_fraction")


def compressed(question: Question, group: Group) -> dict[str, Row]:
    """Return the rows of all ways to compress that make the model smaller than it is in use."""
    rows: dict[str, Row] = {}
    for variant in VARIANTS:
        changed = _changed(question, group, variant)
        if changed is not None:
            rows |= _rows(*changed, variant)
    return rows


def _changed(question: Question, group: Group, variant: Variant) -> tuple[Question, Group] | None:
    """Return the question and the sizes with a variant; None where it saves nothing."""
    if variant.pattern:
        try:
            pruned = prune(group.model, variant.pattern, method="sparsegpt")
        except SpecError:  # it was compressed before
            return None
        return question, attrs.evolve(group, model=pruned)
    formats: dict[str, Any] = dict(variant.formats)
    load = attrs.evolve(question.serving, **formats)
    if _bits(load) >= _bits(question.serving):
        return None
    return attrs.evolve(question, inputs={**question.inputs, "serving": load}), group


def _bits(load: Any) -> float:
    return float(as_one_format(load.weight_format).bits_per_weight)


def _rows(question: Question, group: Group, variant: Variant) -> dict[str, Row]:
    held = use_layout(question, group)
    names = [name for name in _TOLD if name in VOCABULARY]
    found, _ = estimated(question, group, held.parallel, names)
    absent = ~held.held
    key = f"{variant.key}_serving_devices"
    rows = {key: without(own_row(key, held.devices), absent, NOT_HELD)}
    for name, row in found.items():
        key = f"{variant.key}_{_TOLD[name]}"
        row = attrs.evolve(row, quantity=OWN[key])
        rows[key] = row if name in _LEARNED else without(row, absent, NOT_HELD)
    return rows
