"""What fewer bits, or weights cut away, change in use: devices, time of a token, and loss."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from paramscale.analysis.impact.layouts import NOT_HELD, use_layout
from paramscale.analysis.impact.lines import OWN, VARIANTS, Variant
from paramscale.analysis.impact.question import Group, Question
from paramscale.analysis.impact.row import Row, estimated, own_row, without
from paramscale.catalogue.mixtures import as_one_format
from paramscale.core.quantity import VOCABULARY

__all__ = ["compressed"]

_TOLD = ("tpot_s", "compression_loss_nats")


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
        return None
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
    rows = {f"{variant.key}_serving_devices": own_row(
        f"{variant.key}_serving_devices", held.devices)}  # fmt: skip
    for name, row in found.items():
        key = f"{variant.key}_{name}"
        rows[key] = attrs.evolve(row, quantity=OWN[key])
    lost = f"{variant.key}_compression_loss_nats"
    return {
        name: row if name == lost else without(row, np.isnan(held.devices), NOT_HELD)
        for name, row in rows.items()
    }
