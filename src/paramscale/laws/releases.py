"""When families of models were released, and how much code they were trained on last."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from paramscale.core.packaged import packaged_rows

__all__ = ["Release", "release_of"]


class Release(NamedTuple):
    """Facts of a family, for the inputs of the accuracy law.

    Attributes
    ----------
    family : str
        Its name.
    release_year : float
        Of the weights, with decimals.
    code_fraction : float
        Share of code (and text about code) in the last stage of pre-training; 0 for a general
        mixture, whose share (up to a fifth) the law does not tell apart.
    source : str
        Paper or card that says so.
    """

    family: str
    release_year: float
    code_fraction: float
    source: str


@cache
def _table() -> tuple[tuple[re.Pattern[str], Release], ...]:
    rows = packaged_rows("paramscale.laws", "releases.csv")
    return tuple(
        (
            re.compile(row["pattern"]),
            Release(
                row["family"], float(row["release_year"]), float(row["code_fraction"] or 0.0),
                row["source"],
            ),
        )
        for row in rows
    )  # fmt: skip


def release_of(model: str) -> Release | None:
    """Return the facts of the family that a model's name belongs to; None if it is not known.

    Parameters
    ----------
    model : str
        Any spelling: ``"meta-llama/Llama-2-7b-hf"``, ``"LLaMA2-7B"``.

    Examples
    --------
    >>> release_of("bigcode/starcoder2-7b")[:3]
    ('starcoder2', 2024.16, 1.0)
    >>> release_of("meta-llama/Llama-2-7b-hf").release_year
    2023.54
    >>> release_of("nobody/secret-7b") is None
    True
    """
    name = model.lower().rpartition("/")[2].rpartition(":")[2].removeprefix("meta-")
    name = re.sub(r"-(hf|base)\b", "", name)
    return next((release for pattern, release in _table() if pattern.match(name)), None)
