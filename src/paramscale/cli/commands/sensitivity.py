"""``paramscale sensitivity``: which inputs a quantity depends on."""

from __future__ import annotations

import argparse

from paramscale.cli.scenario import add_scenario_arguments, scenario_of, with_options
from paramscale.cli.values import names, over, pair
from paramscale.errors import MissingInputError

NAME = "sensitivity"
HELP = "which inputs, and which uncertain coefficients, a quantity depends on"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the parser of this command its arguments."""
    add_scenario_arguments(parser)
    wanted = parser.add_argument_group("what is wanted")
    wanted.add_argument(
        "--quantities", type=names, required=True, metavar="A,B", help="what is asked about"
    )
    wanted.add_argument(
        "--over", type=over, action="append", required=True, metavar="FIELD=VALUES",
        help="what is uncertain: a range such as serving.batch=1:64, a factor such as"
        " training.tokens=x2, or values; may be repeated",
    )  # fmt: skip
    wanted.add_argument(
        "--samples", type=int, default=1024, metavar="N",
        help="sample for shares of the variance; 1,024 unless given, 0 for none",
    )  # fmt: skip
    wanted.add_argument(
        "--draws", type=int, default=0, metavar="N", help="draws of uncertain coefficients"
    )
    output = parser.add_argument_group("output")
    output.add_argument(
        "--use", type=pair, action="append", default=[], metavar="QUANTITY=ESTIMATOR",
        help="which estimator or convention gives a quantity; may be repeated",
    )  # fmt: skip
    output.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Print what each quantity depends on."""
    from paramscale import sensitivity
    from paramscale.cli.axes import grid_rows
    from paramscale.cli.page import paragraph, terminal_width
    from paramscale.cli.plain import dump

    try:
        found = sensitivity(
            scenario_of(arguments), quantities=arguments.quantities, over=dict(arguments.over),
            samples=arguments.samples, draws=arguments.draws, use=dict(arguments.use),
        )  # fmt: skip
    except MissingInputError as error:
        raise with_options(error) from error
    if arguments.json:
        print(dump(found.plain()))
    else:
        width = terminal_width()
        for title, header, rows in found.tables():
            print("\n".join(paragraph(title, width)))
            print("\n".join(f"  {line}".rstrip() for line in grid_rows(header, rows, width - 2, 1)))
    return 0
