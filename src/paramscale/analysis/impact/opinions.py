"""What other published laws of loss say of the balanced size."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import numpy as np

from paramscale.analysis.impact.choose import Choice, score_of
from paramscale.analysis.impact.row import Row
from paramscale.laws import laws
from paramscale.laws.names import COUNTS

__all__ = ["with_opinions"]

_INPUTS = ("parameters", "tokens")


def with_opinions(
    choice: Choice, rows: Mapping[str, Row], labels: tuple[str, ...], worth: float
) -> Choice:
    """Return the choice with the size that each other law would choose, budget and costs as here.

    Asked are the laws of size and tokens whose coefficients were read in their papers. Where the
    loss came from something else, such as a law of repeated data, none is asked.
    """
    if choice.index is None or choice.objective != "balance":
        return choice
    if rows["loss_nats"].estimator not in laws:
        return choice
    found: dict[str, int] = {}
    for name, law in laws.items():
        if law.gives != "loss_nats" or law.inputs != _INPUTS or law.evidence != "primary":
            continue
        counted = rows.get(COUNTS[law.counted])
        if counted is not None:
            loss = law(counted.value, rows["training_tokens"].value)
            row = attrs.evolve(rows["loss_nats"], value=np.asarray(loss))
            score, _ = score_of({**rows, "loss_nats": row}, choice.objective, worth)
            found[name] = int(np.nanargmin(np.where(choice.meets, score, np.nan)))
    parameters = rows["parameters"].value
    by_law = {name: float(parameters[index]) for name, index in found.items()}
    ends = sorted(set(found.values()), key=lambda index: parameters[index])
    if len(ends) < 2:
        return attrs.evolve(choice, by_law=by_law)
    least, most = labels[ends[0]], labels[ends[-1]]
    told = f"{choice.reason} By {len(found)} published laws of loss it is {least} to {most}."
    return attrs.evolve(choice, by_law=by_law, reason=told)
