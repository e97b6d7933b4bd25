"""The JSON of ``paramscale report``: one object, every number with where it comes from."""

from __future__ import annotations

from typing import Any

import attrs

from paramscale.core.estimates import Estimate, Estimates
from paramscale.specs.scenario import Scenario

__all__ = ["report_record"]


def report_record(scenario: Scenario, estimates: Estimates) -> dict[str, Any]:
    """Return the scenario and its estimates; in JSON, NaN becomes null.

    ``low`` and ``high`` are the ends of the 90 % interval, equal to the value where it is exact,
    null where no interval is known. ``inside`` tells whether the point lies in every domain on
    the way to the value, ``remarks`` why an interval is wide, ``reasons`` why there is no value.
    """
    model = scenario.model
    return {
        "model": {
            "name": model.name,
            "family": model.family,
            "source": model.source,
            "layers": model.depth,
            "width": model.width,
            "max_context": model.max_context,
        },
        **{name: _spec(getattr(scenario, name)) for name in _SPECS},
        "counted": list(estimates.counted()),
        "quantities": {
            name: {**_quantity(each), "remarks": list(estimates.remarks(name))}
            for name, each in estimates.items()
        },
        "missing": {name: " ".join(text.split()) for name, text in estimates.missing.items()},
    }


_SPECS = ("hardware", "serving", "training", "parallel", "site", "account")


def _spec(spec: Any) -> dict[str, Any] | None:
    """Return the fields of a spec; a number format by its name."""
    if spec is None:
        return None
    fields = attrs.fields(type(spec))
    values = {field.name: getattr(spec, field.name) for field in fields}
    if "facts" in values:
        values["facts"] = {name: attrs.asdict(fact) for name, fact in spec.facts.items()}
    return {name: getattr(value, "name", value) for name, value in values.items()}


def _quantity(each: Estimate) -> dict[str, Any]:
    return {
        "value": each.value,
        "low": each.low,
        "high": each.high,
        "unit": each.unit,
        "meaning": each.meaning,
        "estimator": each.estimator,
        "kind": each.kind,
        "inside": each.inside,
        "source": each.source,
        "parts": each.parts,
        "reasons": [reason.text for reason in each.reasons],
    }
