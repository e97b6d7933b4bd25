"""The account of one estimate, down to what the user gave."""

from __future__ import annotations

from typing import Any

import numpy as np

from paramscale.core.display import short, text_table
from paramscale.core.estimates import Estimate, Estimates
from paramscale.core.plan import domain_values
from paramscale.core.quantity import Quantity
from paramscale.core.reasons import reason_lines
from paramscale.units import format_value

__all__ = ["explain", "share_rows"]


def explain(estimates: Estimates, name: str, depth: int = 3) -> str:
    """Return how a quantity came about, as indented text; each ancestor is told once."""
    lines: list[str] = []
    _tell(estimates, name, depth, "", lines, set())
    return "\n".join(lines)


def _tell(
    estimates: Estimates, name: str, depth: int, indent: str, lines: list[str], told: set[str]
) -> None:
    quantity = estimates._world.vocabulary[name]
    shown = "" if quantity.internal else f" = {_value_text(estimates, quantity)}"
    lines.append(f"{indent}{name}{shown}    {quantity.meaning}")
    if name in told:
        lines.append(f"{indent}  (told above)")
        return
    told.add(name)
    facts = _facts(estimates, quantity)
    if facts:
        lines.append(text_table([], facts, indent + "  "))
    ancestors = [key for key in estimates.input_values(name) if key in estimates._world.vocabulary]
    if not ancestors:
        return
    if depth <= 0:
        lines.append(f"{indent}  it came from {', '.join(ancestors)}")
        return
    lines.append(f"{indent}  it came from")
    for ancestor in ancestors:
        _tell(estimates, ancestor, depth - 1, indent + "    ", lines, told)


def _value_text(estimates: Estimates, quantity: Quantity) -> str:
    value = estimates._results.values[quantity.name]
    return f"{quantity.format(value)}"


def _facts(estimates: Estimates, quantity: Quantity) -> list[tuple[str, str]]:
    """Return label and text of what is known about one quantity."""
    call = estimates._results.chosen.get(quantity.name)
    if call is None:
        return [("given", "by the caller")]
    record = call.record
    facts = [
        ("how", f"{record.name} ({record.kind}): {record.summary}"),
        *(("source", source.text) for source in record.sources),
    ]
    if call.options:
        facts.append(("options", ", ".join(f"{key}={val!r}" for key, val in call.options.items())))
    for key, value in estimates.input_values(quantity.name).items():
        if key in estimates._world.vocabulary:
            needed = estimates._world.vocabulary[key]
            facts.append(("input", key if needed.internal else f"{key} = {needed.format(value)}"))
        else:
            facts.append(("input", f"{key} = {short(repr(value), 90)}"))
    facts += [("counted", text) for text in estimates.counted(quantity.name)]
    if record.domain is not None:
        left = record.domain.describe(domain_values(record, estimates._results.values))
        facts.append(("domain", record.domain.text()))
        facts.append(("", f"outside: {left}" if left else "inside"))
    if quantity.internal:
        value = estimates._results.values[quantity.name]
        return facts + [("figure", text) for text in getattr(value, "figures_in_words", ())]
    estimate = estimates.computed(quantity.name)
    if estimate.has_interval:
        low, high = (format_value(end, quantity.unit) for end in (estimate.low, estimate.high))
        facts.append(("interval", f"{low} to {high} (90 %)"))
        facts += [("wider, as", text) for text in estimates.remarks(quantity.name)]
    facts += [("no value, as", text) for text in reason_lines(estimate.reasons)]
    facts += [("part", f"{part}: {size} {share}") for part, size, share in share_rows(estimate)]
    return facts


def share_rows(estimate: Estimate) -> list[tuple[str, str, str]]:
    """Return name, value and share of each part, greatest first; a failure is told as a row."""
    try:
        parts = estimate.parts
    except Exception as error:  # showing a result must not fail because its breakdown does
        return [("not available", f"{type(error).__name__}: {error}", "")]
    whole = np.mean(estimate.value)
    rows = sorted(parts.items(), key=lambda item: -_mean(item[1]))
    return [
        (part, format_value(value, estimate.unit), _share(_mean(value), float(whole)))
        for part, value in rows
    ]


def _mean(value: Any) -> float:
    return float(np.mean(value))


def _share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f} %" if whole and np.isfinite(part / whole) else ""
