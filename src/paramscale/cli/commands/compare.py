"""``paramscale compare``: models side by side, what differs most first."""

from __future__ import annotations

import argparse

from paramscale.cli.scenario import add_scenario_arguments, scenario_of, with_options
from paramscale.cli.values import names, pair
from paramscale.errors import MissingInputError

NAME = "compare"
HELP = "models side by side, what differs most first, and whether it is a difference"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the parser of this command its arguments."""
    add_scenario_arguments(parser, several=True)
    output = parser.add_argument_group("output")
    output.add_argument(
        "--machines", type=names, metavar="H,H",
        help="compare each model on each of these machines, too",
    )  # fmt: skip
    output.add_argument(
        "--quantities", type=names, metavar="A,B",
        help="only these, or 'all' ('paramscale list quantities')",
    )  # fmt: skip
    output.add_argument(
        "--use", type=pair, action="append", default=[], metavar="QUANTITY=ESTIMATOR",
        help="which estimator or convention gives a quantity; may be repeated",
    )  # fmt: skip
    output.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Print the comparison."""
    from paramscale import compare
    from paramscale.cli.page import terminal_width, within_width
    from paramscale.cli.plain import dump

    wanted = "all" if arguments.quantities == ("all",) else arguments.quantities
    try:
        found = compare(_scenarios(arguments), quantities=wanted, use=dict(arguments.use))
    except MissingInputError as error:
        raise with_options(error) from error
    width = terminal_width()
    if arguments.json:
        print(dump(found.plain()))
    else:
        print("\n".join(within_width(found.text(width), width)))
    return 0


def _scenarios(arguments: argparse.Namespace) -> dict[str, object]:
    """Return a scenario of each model, on each machine where several are named."""
    machines = arguments.machines or (arguments.hardware,)
    found: dict[str, object] = {}
    for model in arguments.models:
        for machine in machines:
            words = {**vars(arguments), "model": model, "hardware": machine}
            name = f"{model} on {machine}" if len(machines) > 1 else model
            found[_new(name, found)] = scenario_of(argparse.Namespace(**words))
    return found


def _new(name: str, taken: dict[str, object]) -> str:
    count, text = 1, name
    while text in taken:
        count += 1
        text = f"{name} ({count})"
    return text
