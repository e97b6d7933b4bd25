"""Write ``docs/validation.md``: how far the estimates are from published measurements.

    python tools/make_validation_page.py [FOLDER]

FOLDER holds further tables in the layout that ``paramscale validate --data`` reads.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from paramscale.validation.score import PACKAGED, Score, compare_folder, score

PAGE = Path(__file__).parents[1] / "docs/validation.md"

HEAD = """\
# Against measurements

`paramscale validate` scores the estimators on published measurements. Errors are those of
predicted / measured - 1: the median and the mean of their absolute value, and the bias, their mean.
The factor is the median of predicted over measured or measured over predicted, whichever is above
one. Coverage is the share of measured values inside the 90 % interval. Rows outside the scope of a
calibration, or with something unstated that matters, stand in groups of their own; refused rows
lack what an estimate needs. This page is written by `tools/make_validation_page.py`.

Times, energies and losses of compression are calibrated on a part of these tables: their errors
here are in sample. What is left when a model, a team or a class of machine is left out of the fit
stands on the pages of [serving](serving.md), [training](training_time.md), [its
memory](training_memory.md), [energy](energy.md) and [compression](compression.md).
"""

PACKAGED_HEAD = """
## Tables that come with the library

    paramscale validate
"""

MORE_HEAD = """
## Further tables

    paramscale validate --data FOLDER

Sources without a licence to copy are among them, and laws fitted to the smaller runs of a series
and asked for the larger.
"""

COLUMNS = (
    "quantity", "table", "group", "rows", "refused", "median", "mean", "bias", "factor", "coverage",
)  # fmt: skip


def _share(value: float) -> str:
    return f"{100 * value:.2f} %" if np.isfinite(value) else ""


def _factor(value: float) -> str:
    return f"{value:.3f}" if np.isfinite(value) else ""


def _lines(scores: list[Score]) -> list[str]:
    lines = ["", "| " + " | ".join(COLUMNS) + " |", "|---|---|---|" + "---:|" * 7]
    for each in scores:
        errors = map(_share, (each.median_ape, each.mean_ape, each.bias))
        cells = (
            each.quantity, each.table, each.group, str(each.rows), str(each.refused), *errors,
            _factor(each.median_factor), _share(each.coverage),
        )  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def main(more: Path | None) -> None:
    """Write the page."""
    packaged = score(compare_folder(PACKAGED))
    lines = [HEAD + PACKAGED_HEAD, *_lines(packaged)]
    if more is not None:
        known = {(each.quantity, each.table, each.group, each.rows) for each in packaged}
        further = [
            each
            for each in score(compare_folder(more))
            if (each.quantity, each.table, each.group, each.rows) not in known
        ]
        lines += [MORE_HEAD, *_lines(further)]
    PAGE.write_text("\n".join(lines).replace("\n\n\n", "\n\n") + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
