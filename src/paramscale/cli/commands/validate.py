"""``paramscale validate``: estimates against measurements."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paramscale.validation.row import Comparison
    from paramscale.validation.score import Score

NAME = "validate"
HELP = "score the estimators on a folder of published measurements"

_COLUMNS = ("quantity", "table", "group", "rows", "refused", "median", "mean", "bias", "coverage")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the parser of this command its arguments."""
    parser.add_argument(
        "--data",
        metavar="FOLDER",
        help="folder of measurements in the library's layout, absent tables are skipped; "
        "by default those that come with the library",
    )
    parser.add_argument("--json", action="store_true", help="print a JSON list, an object a line")
    parser.add_argument(
        "--rows",
        metavar="FILE",
        help="also write every row: prediction, interval and truth, as CSV",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the scores."""
    from pathlib import Path

    from paramscale.cli.plain import dump
    from paramscale.validation.score import PACKAGED, compare_folder, score

    comparisons = compare_folder(Path(arguments.data) if arguments.data else PACKAGED)
    if arguments.rows:
        _write(comparisons, Path(arguments.rows))
    scores = score(comparisons)
    if arguments.json:
        print(dump([line.plain() for line in scores]))
    else:
        print("\n".join(_text(scores)))
    return 0


def _write(comparisons: list[Comparison], path: object) -> None:
    import csv
    from pathlib import Path

    with Path(str(path)).open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(comparisons[0]._fields if comparisons else ())
        writer.writerows(comparisons)


def _text(scores: list[Score]) -> list[str]:
    """Return the scores as an aligned table."""
    from paramscale.core.display import text_table

    rows = [
        (
            line.quantity,
            line.table,
            line.group,
            str(line.rows),
            str(line.refused),
            *(_share(value) for value in (line.median_ape, line.mean_ape, line.bias)),
            _share(line.coverage),
        )
        for line in scores
    ]
    return text_table(list(_COLUMNS), rows).splitlines()


def _share(value: float) -> str:
    return "" if value != value else f"{100 * value:.2f} %"
