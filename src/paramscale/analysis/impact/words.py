"""The answer in words: what was asked, why a number is missing, and all of it as plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from paramscale.analysis.impact.lines import VARIANTS, more_is_better
from paramscale.specs.fields import short_repr
from paramscale.units import format_value

if TYPE_CHECKING:
    from paramscale.analysis.impact.lines import Line
    from paramscale.analysis.impact.question import Question
    from paramscale.analysis.impact.result import Impact
    from paramscale.analysis.impact.row import Row
    from paramscale.specs.account import AccountSpec
    from paramscale.specs.site import SiteSpec

__all__ = ["asked", "cell", "headline", "notes", "plain", "site_words", "title", "why_nan"]


def title(impact: Impact) -> str:
    """Return the first line: whose sizes, and from where to where."""
    question, sizes = impact.question, impact.sizes
    ends = " to ".join(dict.fromkeys(format_value(x, "parameters") for x in (sizes[0], sizes[-1])))
    what = f"models like {question.of_family}" if question.of_family else "published models"
    return f"Impact of the number of parameters: {what}, {ends}"


def asked(question: Question) -> list[tuple[str, str]]:
    """Return what was asked, defaults included, as labels and texts."""
    run = question.training
    changed = any(group.model.changes for group in question.groups)
    load = _load(question.serving, changed)
    trained = question.rule_in_words()
    if run.unique_tokens is not None:
        trained += f", {format_value(run.unique_tokens, 'tokens')} of them different"
    rows = [("trained on", trained)]
    if question.hardware is not None:
        name = question.hardware.name
        count = f"{question.training_devices:,.0f}"
        rows.append(("training", f"{count} × {name}, fully sharded, tensor ranks where needed"))
        layout = "the fewest devices that hold it"
        if question.parallel is not None:
            layout = f"{question.parallel.devices:g} devices"
        rows.append(("use", f"{load}, on {layout}"))
    else:
        rows.append(("use", f"{load}; without hardware no time, energy or money"))
    rows.append(("written in all", _life(question)))
    if "site" in question.inputs and question.hardware is not None:
        site, account = question.inputs["site"], question.inputs.get("account")
        rows.append(("site", site_words(site, account)))
    return rows


def _load(load: Any, changed: bool) -> str:
    own = "the model's format" if changed else "16 bits"
    formats = [
        own if each is None else str(getattr(each, "name", each))
        for each in (load.weight_format, load.kv_format)
    ]
    batch = f"{load.batch:,.0f} sequence{'' if load.batch == 1 else 's'}"
    return (
        f"{batch} at once, {load.prompt_tokens:,.0f} tokens read and {load.output_tokens:,.0f}"
        f" written, weights in {formats[0]}, cache in {formats[1]}"
    )


def site_words(site: SiteSpec, account: AccountSpec | None) -> str:
    """Return place and boundary of an account."""
    text = str(site.name)
    text = "average of the world" if text == "world" else text
    if account is None:
        return text
    basis = f"{account.carbon_basis}-based carbon"
    return f"{text}; energy of the {account.boundary}, {basis}, devices {account.tenure}"


def _life(question: Question) -> str:
    if question.lifetime_tokens is not None:
        return format_value(question.lifetime_tokens, "tokens")
    if question.demand_tokens is None:
        return "as many tokens as it is trained on"
    load = question.serving
    return (
        f"{format_value(question.demand_tokens, 'tokens')}: {load.requests_per_day:,.0f} requests a"
        f" day for {load.deployment_days:,.0f} days"
    )


def cell(row: Row, line: Line, place: int) -> str:
    """Return one value as short as its label allows; ``~`` where it leaves the domain."""
    value = row.value[place]
    if np.isnan(value):
        return "–"
    text = "<0.001" if row.unit == "ratio" and 0.0 < value < 1e-3 else format_value(value, row.unit)
    text = text.removesuffix(line.drop).rstrip() if line.drop else text
    text = f"≥{text}" if row.kind == "bound" and not more_is_better(line.name) else text
    return text if row.inside[place] else f"~{text}"


def headline(impact: Impact) -> str:
    """Return whether there is a balanced size, and which."""
    choice = impact.balanced
    if choice.index is None:
        return "No balanced size"
    return f"{'Balanced size' if len(impact.labels) > 1 else 'One size'}: {choice.label}"


def notes(impact: Impact) -> list[str]:
    """Return what a reader must know beside the numbers."""
    found = []
    rows = [impact[line.name] for line in impact.lines]
    if any((~row.inside & ~np.isnan(row.value)).any() for row in rows):
        found.append(
            "~ lies outside of what its law was fitted on: read differences rather than levels"
        )
    if any(row.kind == "bound" for row in rows):
        found.append("≥ is a bound: no machine is faster; real machines are slower")
    reasons = dict.fromkeys(
        why for row in rows for place in np.flatnonzero(np.isnan(row.value))
        if (why := why_nan(impact, row.name, int(place)))
    )  # fmt: skip
    found += [f"– {why}" for why in reasons]
    shown = {line.name for line in impact.lines}
    told = [f"{each.label}: {each.words}" for each in VARIANTS if f"{each.key}_tpot_s" in shown]
    found += ["; ".join(told)] if told else []
    layouts = impact.layouts
    if impact.question.hardware is not None:
        found += _training_notes(impact, layouts)
    return found


def _training_notes(impact: Impact, layouts: Any) -> list[str]:
    def named(mask: Any) -> str:
        return ", ".join(np.asarray(impact.labels)[mask])

    found = []
    again = layouts.recomputed & layouts.training_fits
    if again.any():
        found.append(f"trained with full recomputation: {named(again)}")
    if not layouts.training_fits.all():
        count = f"{impact.question.training_devices:,.0f}"
        found.append(f"training does not fit on {count} devices: {named(~layouts.training_fits)}")
    if np.isnan(impact.question.hardware.memory_bytes):
        name = impact.question.hardware.name
        found.append(f"the memory of {name} is not on record: one device is taken to hold any size")
    return found


def why_nan(impact: Impact, name: str, place: int) -> str:
    """Return why a row has no number at one of the shown sizes; empty where it has one."""
    row = impact[name]
    if not np.isnan(row.value[place]):
        return ""
    machine = impact.question.hardware
    if name == "training_least_devices":
        if np.isnan(machine.memory_bytes):
            return f"the memory of {machine.name} is not on record"
        return "training fits on no power of two of devices up to 131,072"
    for where, text in row.reasons:
        if np.asarray(where)[place]:
            return text
    if name == "cost_excess_ratio":
        return "no size of the family reaches that loss with any number of tokens"
    return "one of its inputs is not known"


def plain(impact: Impact) -> dict[str, Any]:
    """Return the answer as plain lists, numbers and text; NaN stays NaN."""
    choice, question = impact.balanced, impact.question
    return {
        "question": {
            "family": question.of_family,
            **{name: _spec(spec) for name, spec in question.inputs.items()},
            "training": _spec(question.training),
            "tokens": question.rule_in_words(),
            "training_devices": question.training_devices,
            "lifetime_tokens": question.lifetime_tokens,
            "parallel": _spec(question.parallel),
        },
        "sizes": [
            {"label": label, "parameters": float(size)}
            for label, size in zip(impact.labels, impact.sizes, strict=True)
        ],
        "rows": {line.name: _row(impact, line) for line in impact.lines},
        "balanced": {
            "label": choice.label or None,
            "parameters": choice.parameters,
            "low": choice.low,
            "high": choice.high,
            "objective": choice.objective,
            "reason": choice.reason,
            "by_law": dict(choice.by_law),
        },
        "notes": notes(impact),
        "missing": {name: " ".join(why.split()) for name, why in impact.missing.items()},
    }


def _spec(spec: Any) -> str | None:
    return None if spec is None else short_repr(spec) if attrs.has(type(spec)) else str(spec)


def _row(impact: Impact, line: Line) -> dict[str, Any]:
    row = impact[line.name]
    return {
        "topic": line.topic,
        "meaning": row.meaning,
        "unit": row.unit,
        "values": row.value.tolist(),
        "low": row.low.tolist(),
        "high": row.high.tolist(),
        "inside": row.inside.tolist(),
        "estimator": row.estimator,
        "kind": row.kind,
        "source": row.source,
    }
