"""Write ``docs/validation.md``: how far the estimates are from published measurements.

    python tools/make_validation_page.py [FOLDER]

FOLDER holds further tables in the layout that ``paramscale validate --data`` reads.
"""

from __future__ import annotations

import sys
from pathlib import Path

from paramscale.validation.score import PACKAGED, Score, compare_folder, score

PAGE = Path(__file__).parents[1] / "docs/validation.md"

HEAD = """\
# Against measurements

`paramscale validate` scores the estimators on published measurements. Errors are those of
predicted / measured - 1: the median and the mean of their absolute value, and the bias, their mean.
Coverage is the share of measured values inside the 90 % interval. Rows outside the scope of a
calibration, or with something unstated that matters, stand in groups of their own; refused rows
lack what an estimate needs. This page is written by `tools/make_validation_page.py`.

Times are calibrated on a part of these tables: their errors here are in sample. What is left when a
model, a team or a class of machine is left out of the fit stands on the pages of
[serving](serving.md) and [training](training_time.md).
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

COLUMNS = ("quantity", "table", "group", "rows", "refused", "median", "mean", "bias", "coverage")


def _share(value: float) -> str:
    return "" if value != value else f"{100 * value:.2f} %"


def _lines(scores: list[Score]) -> list[str]:
    lines = ["", "| " + " | ".join(COLUMNS) + " |", "|---|---|---|" + "---:|" * 6]
    for each in scores:
        numbers = map(_share, (each.median_ape, each.mean_ape, each.bias, each.coverage))
        cells = (each.quantity, each.table, each.group, str(each.rows), str(each.refused), *numbers)
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
