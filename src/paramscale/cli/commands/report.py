"""``paramscale report``: all that can be said of one model on one machine."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from paramscale.cli.scenario import add_scenario_arguments, scenario_of, with_options
from paramscale.cli.values import names, pair
from paramscale.errors import MissingInputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from paramscale.core.estimates import Estimates
    from paramscale.specs.scenario import Scenario

NAME = "report"
HELP = "one model in full: counts, memory, FLOPs, time, energy, carbon, money, loss, accuracy"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the parser of this command its arguments."""
    add_scenario_arguments(parser)
    output = parser.add_argument_group("output")
    output.add_argument(
        "--quantities",
        type=names,
        metavar="A,B",
        help="only these, or 'all' ('paramscale list quantities')",
    )
    output.add_argument(
        "--use",
        type=pair,
        action="append",
        default=[],
        metavar="QUANTITY=ESTIMATOR",
        help="which estimator or convention gives a quantity; may be repeated",
    )
    output.add_argument(
        "--explain",
        action="append",
        default=[],
        metavar="QUANTITY",
        help="tell how a quantity came about instead; may be repeated",
    )
    output.add_argument("--html", metavar="FILE", help="write one self-contained page")
    output.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Print the report that was asked for."""
    scenario = scenario_of(arguments)
    estimates = _estimates(scenario, arguments)
    if arguments.html:
        from paramscale.cli.page import write_text
        from paramscale.cli.report_html import report_html

        write_text(arguments.html, report_html(scenario, estimates))
    if arguments.json:
        from paramscale.cli.plain import dump
        from paramscale.cli.report_json import report_record

        record = report_record(scenario, estimates)
        if arguments.explain:
            record["explained"] = {name: estimates.explain(name) for name in arguments.explain}
        print(dump(record))
        return 0
    if not arguments.html:
        print("\n".join(_lines(scenario, estimates, arguments)))
    return 0


def _estimates(scenario: Scenario, arguments: argparse.Namespace) -> Estimates:
    from paramscale import estimate

    wanted = _wanted(arguments)
    try:
        estimates = estimate(scenario, quantities=wanted, use=dict(arguments.use))
    except MissingInputError as error:
        raise with_options(error) from error
    for name in arguments.explain:
        if name in estimates.missing:
            raise with_options(MissingInputError(estimates.missing[name]))
    return estimates


def _wanted(arguments: argparse.Namespace) -> Iterable[str] | None:
    """Return what to estimate: the usual quantities, all of them, or some with the explained."""
    if arguments.quantities == ("all",):
        return "all"
    if arguments.quantities is None and not arguments.explain:
        return None
    return dict.fromkeys((*(arguments.quantities or ()), *arguments.explain))


def _lines(scenario: Scenario, estimates: Estimates, arguments: argparse.Namespace) -> list[str]:
    from paramscale.cli.page import terminal_width, within_width
    from paramscale.cli.report_page import few_lines, page_lines

    width = terminal_width()
    if arguments.explain:
        text = "\n\n".join(map(estimates.explain, arguments.explain))
        return within_width(text, width)
    if arguments.quantities not in {None, ("all",)}:
        return few_lines(scenario, estimates, width)
    return page_lines(scenario, estimates, width)
