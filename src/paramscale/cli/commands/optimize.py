"""``paramscale optimize``: the best point over any fields, under any limits."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from paramscale.cli.scenario import add_scenario_arguments, scenario_of, with_options
from paramscale.cli.values import names, over, pair
from paramscale.errors import MissingInputError

if TYPE_CHECKING:
    from paramscale.analysis.front import Front
    from paramscale.analysis.optimum import Optimum

NAME = "optimize"
HELP = "the size, format, machine, batch or layout that is best under limits; or a front"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the parser of this command its arguments."""
    add_scenario_arguments(parser)
    wanted = parser.add_argument_group("what is wanted")
    wanted.add_argument(
        "--over", type=over, action="append", required=True, metavar="FIELD=VALUES",
        help="what may vary: a range such as model.parameters=1B:100B, or values such as"
        " serving.batch=1,8,64 or hardware=h100-sxm,b200; may be repeated",
    )  # fmt: skip
    goal = wanted.add_mutually_exclusive_group(required=True)
    goal.add_argument("--minimize", metavar="QUANTITY", help="what is to be small")
    goal.add_argument("--maximize", metavar="QUANTITY", help="what is to be large")
    goal.add_argument(
        "--pareto", type=names, metavar="A,B", help="several goals: the front of trade-offs"
    )
    wanted.add_argument(
        "--subject-to", action="append", default=[], metavar="LIMIT",
        help="a limit such as 'tpot_s <= 30 ms'; may be repeated",
    )  # fmt: skip
    wanted.add_argument(
        "--cautious", action="store_true",
        help="limits must hold at the unfavourable end of the 90 %% interval",
    )  # fmt: skip
    wanted.add_argument(
        "--within", type=float, default=0.01, metavar="SHARE",
        help="how much worse the points of a flat optimum's band may be; 0.01 unless given",
    )  # fmt: skip
    output = parser.add_argument_group("output")
    output.add_argument(
        "--use", type=pair, action="append", default=[], metavar="QUANTITY=ESTIMATOR",
        help="which estimator or convention gives a quantity; may be repeated",
    )  # fmt: skip
    output.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Print the best point, or the front."""
    found = _found(arguments)
    if arguments.json:
        from paramscale.cli.plain import dump

        print(dump(found.plain()))
        return 0
    from paramscale.cli.page import terminal_width, within_width

    print("\n".join(within_width(repr(found), terminal_width())))
    return 0


def _found(arguments: argparse.Namespace) -> Optimum | Front:
    from paramscale import optimize

    try:
        return optimize(
            scenario_of(arguments), over=dict(arguments.over), minimize=arguments.minimize,
            maximize=arguments.maximize, pareto=arguments.pareto,
            subject_to=arguments.subject_to, cautious=arguments.cautious,
            within=arguments.within, use=dict(arguments.use),
        )  # fmt: skip
    except MissingInputError as error:
        raise with_options(error) from error
