"""The page of ``paramscale report``: sections of plain text, every number from the estimates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from paramscale.analysis.impact.words import site_words
from paramscale.cli.page import columns, heading, paragraph
from paramscale.cli.scenario import OPTIONS_OF
from paramscale.cli.words import model_rows, number_words
from paramscale.core.estimates import Estimate, Estimates
from paramscale.core.explain import share_rows
from paramscale.specs.scenario import Scenario
from paramscale.units import format_value

__all__ = ["by_topic", "few_lines", "head_rows", "how_words", "page_lines", "wanting"]

_COUNTS = ("parameters", "active_parameters", "matmul_parameters", "embedding_parameters")

#: What a reader of a section should know first.
_REMARKS = {"Work": "2 FLOPs a multiply-add", "Memory in use": "of one device"}
#: Topics of which one quantity must fit into the memory of a device.
_FITS = {"Memory in use": "serving_memory_bytes", "Memory of training": "training_memory_bytes"}
_BOUND = "≥ is a bound: no machine is faster; real machines are slower"


def page_lines(scenario: Scenario, estimates: Estimates, width: int) -> list[str]:
    """Return the whole page in lines of at most `width` columns."""
    lines = _head(scenario, width) + _counts(estimates, width)
    for topic, names in by_topic(estimates).items():
        if topic != "Parameters":
            lines += _table(topic, _remark(topic, names, estimates), names, estimates, width)
        if topic in _FITS:
            lines += _fits(scenario, estimates.get(_FITS[topic]), width)
        lines += _wider(names, estimates, width) + _counted(names, estimates, width)
    lines += _missing(estimates.missing, width)
    return lines + _sources(scenario, estimates, width)


def by_topic(estimates: Estimates) -> dict[str, list[str]]:
    """Return the quantities under each heading, in the order of the vocabulary."""
    topics: dict[str, list[str]] = {}
    for name, each in estimates.items():
        topics.setdefault(each.quantity.topic or "More", []).append(name)
    return topics


def _remark(topic: str, names: list[str], estimates: Estimates) -> str:
    bound = any(estimates[name].kind == "bound" for name in names)
    return _BOUND if bound else _REMARKS.get(topic, "")


def few_lines(scenario: Scenario, estimates: Estimates, width: int) -> list[str]:
    """Return the page of a few quantities that were asked for by name."""
    names = list(estimates)
    lines = _head(scenario, width) + _table("Estimates", "", names, estimates, width)
    lines += _counted(names, estimates, width)
    return lines + _sources(scenario, estimates, width)


def _head(scenario: Scenario, width: int) -> list[str]:
    return paragraph(str(scenario.model.name), width) + columns(head_rows(scenario), width)


def head_rows(scenario: Scenario) -> list[tuple[str, str]]:
    """Return what was asked, defaults included, as labels and texts."""
    machine = "none given; --hardware H adds memory and times"
    if scenario.hardware is not None:
        machine = f"{number_words(scenario.parallel.devices)} × {scenario.hardware.name}"
    rows = [*model_rows(scenario.model), ("load", _load(scenario)), ("hardware", machine)]
    if scenario.training is not None:
        rows.append(("training", _training(scenario)))
    if scenario.hardware is not None and scenario.site is not None:
        rows.append(("site", site_words(scenario.site, scenario.account)))
    return rows


def _training(scenario: Scenario) -> str:
    run, devices = scenario.training, scenario.parallel.devices
    text = format_value(run.tokens, "tokens")
    if run.unique_tokens is not None:
        text += f", {format_value(run.unique_tokens, 'tokens')} of them different"
    many = "one device (--data N adds more)" if devices == 1 else f"{number_words(devices)} devices"
    return f"{text}, on {many}" if scenario.hardware else text


def _load(scenario: Scenario) -> str:
    serving = scenario.serving
    batch = f"{number_words(serving.batch)} sequence{'' if serving.batch == 1 else 's'}"
    return (
        f"{batch} of {number_words(serving.prompt_tokens)} + {number_words(serving.output_tokens)}"
        f" tokens; weights {_format(serving.weight_format)}, cache {_format(serving.kv_format)}"
    )


def _format(given: Any) -> str:
    if given is None:  # nothing was stated
        return "bf16"
    return given if isinstance(given, str) else str(given.name)


def _counts(estimates: Estimates, width: int) -> list[str]:
    """Return the counts, exactly too, and the parameters by component."""
    rows = []
    for name in _COUNTS:
        if name in estimates:
            each = estimates[name]
            rows.append((name, _value(each), number_words(each.value), _how(each)))
    lines = heading("Parameters", width) + columns(rows, width)
    if "parameters" in estimates and (parts := share_rows(estimates["parameters"])):
        lines += ["  by component", *columns(parts, width, indent="    ")]
    return lines


def _fits(scenario: Scenario, needed: Estimate | None, width: int) -> list[str]:
    """Return whether what is served, or trained, fits into the device's memory."""
    if scenario.hardware is None or needed is None:
        return []
    memory = scenario.hardware.memory_bytes
    if np.isnan(memory):
        text = f"the memory of {scenario.hardware.name} is not on record"
    elif np.isnan(needed.value):
        text = "whether it fits is not known"
    else:
        fits = "fits" if needed.value <= memory else "does not fit"
        text = f"{_bytes(needed.value)} of {_bytes(memory)}: {fits}"
    return paragraph(text, width, "  ")


def _wider(names: list[str], estimates: Estimates, width: int) -> list[str]:
    """Return why intervals of a section are wide: what nobody measured, what was not said."""
    texts = dict.fromkeys(text for name in names for text in estimates.remarks(name))
    return paragraph(f"wider intervals, as {'; '.join(texts)}", width, "  ") if texts else []


def _counted(names: list[str], estimates: Estimates, width: int) -> list[str]:
    """Return what is inside the boundaries of a section's accounts, a paragraph each."""
    texts = dict.fromkeys(text for name in names for text in estimates.counted(name))
    return [line for text in texts for line in paragraph(f"counted: {text}", width, "  ", "    ")]


def _bytes(value: Any) -> str:
    return format_value(value, "bytes")


def _table(
    title: str, remark: str, names: Iterable[str], estimates: Estimates, width: int
) -> list[str]:
    """Return a section with a row a quantity; nothing where none of them was estimated."""
    found = [estimates[name] for name in names if name in estimates]
    if not found:
        return []
    rows = []
    for each in found:
        sign = "≥ " if each.kind == "bound" else ""
        text = "; ".join(filter(None, (_interval(each), how_words(each, estimates))))
        rows.append((each.name, sign + _value(each), text))
    return heading(f"{title} ({remark})" if remark else title, width) + columns(rows, width)


def _value(each: Estimate) -> str:
    return format_value(each.value, each.unit)


def _interval(each: Estimate) -> str:
    if not each.has_interval:
        return ""
    low, high = (format_value(end, each.unit) for end in (each.low, each.high))
    return f"90 % interval {low} to {high}"


def how_words(each: Estimate, estimates: Estimates) -> str:
    """Return what a quantity is, and which estimator gave it."""
    return "; ".join(filter(None, (_how(each), _domain(each, estimates))))


def _how(each: Estimate) -> str:
    return "given" if each.record is None else each.meaning


def _domain(each: Estimate, estimates: Estimates) -> str:
    """Return which estimator gave it, and for a fitted one whether the point is in its domain."""
    if each.record is None or each.record.domain is None:
        return f"by {each.estimator}"
    values = {path: _at(path, each.name, estimates) for path in each.record.domain.bounds}
    left = each.record.domain.describe(values)
    where = f"outside of its domain: {left}" if left else "inside of its domain"
    return f"by {each.estimator}, {where}"


def _at(path: str, name: str, estimates: Estimates) -> Any:
    """Return the value that a domain bounds, a quantity or ``"spec.field"``."""
    head, _, field = path.partition(".")
    if field:
        return getattr(estimates.input_values(name).get(head), field, None)
    return estimates.computed(head).value


def _missing(missing: Mapping[str, str], width: int) -> list[str]:
    if not missing:
        return []
    lines = heading("Not estimated", width)
    for why, names in wanting(missing).items():
        lines += paragraph(f"{why}: {', '.join(names)}", width, "  ", "    ")
    return lines


def wanting(missing: Mapping[str, str]) -> dict[str, list[str]]:
    """Return what could not be estimated, by what it needs."""
    found: dict[str, list[str]] = {}
    for name, text in missing.items():
        found.setdefault(_wants(text), []).append(name)
    return found


def _wants(text: str) -> str:
    """Return the options that give what a report of missing inputs names."""
    options = [option for item, option in OPTIONS_OF.items() if f"\n  {item}:" in text]
    return f"needs {', '.join(options)}" if options else " ".join(text.split())


def _sources(scenario: Scenario, estimates: Estimates, width: int) -> list[str]:
    machine = getattr(scenario.hardware, "source", "")
    texts = [*estimates.cite().splitlines(), *([f"hardware: {machine}"] if machine else [])]
    lines = heading("Sources", width)
    for text in texts:
        lines += paragraph(text, width, "  ", "    ")
    return lines
