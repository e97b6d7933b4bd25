"""``paramscale list``: what the library knows by name."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from paramscale.cli.tables import Record

NAME = "list"
HELP = "list models, hardware, sites, prices, formats, laws, quantities, transforms and more"

_KINDS = (
    "models",
    "hardware",
    "sites",
    "prices",
    "formats",
    "laws",
    "quantities",
    "estimators",
    "families",
    "blocks",
    "transforms",
    "engines",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the parser of this command its arguments."""
    parser.add_argument(
        "what",
        nargs="?",
        choices=_KINDS,
        metavar="WHAT",
        help=f"{', '.join(_KINDS)}; how many there are of each, unless given",
    )
    parser.add_argument("--search", metavar="TEXT", help="only those that hold this text")
    parser.add_argument("--json", action="store_true", help="print a JSON list, with all fields")


def run(arguments: argparse.Namespace) -> int:
    """Print the list that was asked for."""
    from paramscale.cli.plain import dump
    from paramscale.cli.tables import TABLES

    if arguments.what is None:
        records = _overview(arguments.search)
        shown: tuple[str, ...] = ("list", "count", "meaning")
    else:
        table = TABLES[arguments.what]
        records = [each for each in table.records() if _holds(each, arguments.search)]
        shown = table.columns
    if arguments.json:
        print(dump(records))
    elif records:
        print("\n".join(_text(records, shown)))
    else:
        print(f"nothing holds {arguments.search!r}", file=sys.stderr)
    return 0


def _overview(search: str | None) -> list[Record]:
    """Return one record a kind of thing, with the number of those that hold a text."""
    from paramscale.cli.tables import TABLES

    records = []
    for name, table in TABLES.items():
        found = [each for each in table.records() if _holds(each, search)]
        if found or search is None:
            records.append({"list": name, "count": len(found), "meaning": table.meaning})
    return records


def _holds(record: Record, search: str | None) -> bool:
    """Tell whether any text of a record holds a text, whatever its case."""
    return search is None or search.casefold() in _searched(record).casefold()


def _searched(value: Any) -> str:
    if isinstance(value, dict):
        return "\n".join(map(_searched, value.values()))
    if isinstance(value, (list, tuple)):
        return "\n".join(map(_searched, value))
    return value if isinstance(value, str) else ""


def _text(records: list[Record], shown: tuple[str, ...]) -> list[str]:
    from paramscale.cli.page import columns, terminal_width

    titles = [_title(column) for column in shown]
    rows = [[_cell(column, record[column]) for column in shown] for record in records]
    return columns([titles, *rows], terminal_width(), indent="")


def _title(column: str) -> str:
    """Return the heading of a column: its name without the unit, which each cell shows."""
    if column == "grid_kgco2e_per_kwh":
        return "kgCO2e/kWh"  # which cells do not show
    for ending in ("_bytes_per_s", "_flops_per_s", "_bytes", "_w"):
        column = column.removesuffix(ending)
    return column.replace("_", " ")


def _cell(column: str, value: Any) -> str:
    from paramscale.units import format_value, unit_of

    if not isinstance(value, float):
        return "" if value is None else str(value)
    if value != value:
        return "-"  # no source gives it
    unit = unit_of(column)
    return format_value(value, unit.text) if unit else f"{value:g}"
