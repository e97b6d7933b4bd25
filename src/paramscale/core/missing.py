"""The text that reports everything missing at once: what, who needs it, what to write."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from paramscale.core.collection import Estimators

__all__ = ["Need", "missing_text"]


class Need(NamedTuple):
    """Something missing (spec, ``"spec.field"`` or quantity), and the estimator that needs it."""

    item: str
    quantity: str
    estimator: str


def missing_text(wanted: tuple[str, ...], needs: Iterable[Need], estimators: Estimators) -> str:
    """Return the report of all missing inputs.

    Examples
    --------
    >>> needs = [Need("price_usd", "cost_usd", "by_price")]
    >>> print(missing_text(("cost_usd",), needs, Estimators()))
    cannot estimate cost_usd: 1 input is missing:
      price_usd: no estimator gives it; needed by cost_usd (by_price).
        Write estimate(..., price_usd=value), or register an estimator of it
    """
    by_item: dict[str, dict[str, list[str]]] = {}
    for need in needs:
        users = by_item.setdefault(need.item, {})
        if need.quantity:
            users.setdefault(need.quantity, []).append(need.estimator)
    count = len(by_item)
    names = ", ".join(wanted[:6]) + (f", … ({len(wanted)} in all)" if len(wanted) > 6 else "")
    lines = [f"cannot estimate {names}: {count} input{'s are' if count > 1 else ' is'} missing:"]
    for item, users in by_item.items():
        what, write = _advice(item, estimators)
        needers = ", ".join(_needer(name, by) for name, by in users.items())
        lines.append(f"  {item}{what}{'; needed by ' + needers if needers else ''}.")
        lines.append(f"    Write {write}")
    return "\n".join(lines)


def _needer(quantity: str, by: list[str]) -> str:
    names = ", ".join(name for name in dict.fromkeys(by) if name)
    return f"{quantity} ({names})" if names else quantity


def _advice(item: str, estimators: Estimators) -> tuple[str, str]:
    """Return what is the matter with a missing item, and what to write."""
    spec, _, field = item.rpartition(".")
    if spec:
        example = estimators.kinds[spec].example.removesuffix("(...)")
        return ": the field is not set", f"estimate(..., {example}({field}=value, ...))"
    if item in estimators.kinds:
        return ": the spec is not given", f"estimate(..., {estimators.kinds[item].example})"
    return (
        ": no estimator gives it",
        f"estimate(..., {item}=value), or register an estimator of it",
    )
