"""``paramscale sweep``: quantities over axes along any fields."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from paramscale.cli.axes import axis
from paramscale.cli.scenario import add_scenario_arguments, scenario_of, with_options
from paramscale.cli.values import names, pair
from paramscale.errors import MissingInputError, SpecError

if TYPE_CHECKING:
    from paramscale.analysis.sweep import Sweep

NAME = "sweep"
HELP = "quantities at all points of a space: any fields as axes"

#: What is shown unless it is said, as far as the scenario gives it.
_USUAL = (
    "loss_nats", "serving_memory_bytes", "missing_memory_bytes", "ttft_s", "tpot_s",
    "throughput_tokens_per_s",
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the parser of this command its arguments."""
    add_scenario_arguments(parser)
    parser.add_argument(
        "axes",
        nargs="+",
        type=axis,
        metavar="PATH=VALUES",
        help="an axis: serving.batch=1,8,64, model.parameters=1e9:1e12:40log,"
        " hardware=h100-sxm,b200; axes are crossed",
    )
    parser.add_argument(
        "--paired",
        type=names,
        action="append",
        default=[],
        metavar="PATH,PATH",
        help="axes that run together; may be repeated",
    )
    group = parser.add_argument_group("output")
    group.add_argument("--quantities", type=names, metavar="A,B", help="what to compute")
    group.add_argument(
        "--use", type=pair, action="append", default=[], metavar="QUANTITY=ESTIMATOR",
        help="which estimator gives a quantity; may be repeated",
    )  # fmt: skip
    group.add_argument("--minimize", metavar="QUANTITY", help="show the points of the least")
    group.add_argument("--maximize", metavar="QUANTITY", help="show the points of the greatest")
    group.add_argument(
        "--subject-to", action="append", default=[], metavar="LIMIT",
        help="what must hold there, such as 'tpot_s <= 30 ms'; may be repeated",
    )  # fmt: skip
    group.add_argument(
        "--rows", type=int, default=40, metavar="N",
        help="most points to show (40 unless given); of more only the ranges are shown",
    )  # fmt: skip
    group.add_argument(
        "--out",
        metavar="FILE",
        help="write all points to a .zarr, .parquet or .csv file, or go on with it",
    )
    group.add_argument("--threads", type=int, metavar="N", help="threads; all cores unless given")
    group.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Print the sweep, or the points that were asked for."""
    try:
        found = _swept(arguments)
    except MissingInputError as error:
        raise with_options(error) from error
    best = arguments.minimize or arguments.maximize
    if arguments.json:
        from paramscale.cli.plain import dump

        print(dump(_best_record(found, arguments) if best else _record(found)))
        return 0
    print("\n".join(_lines(found, arguments)))
    return 0


def _swept(arguments: argparse.Namespace) -> Sweep:
    from paramscale import sweep
    from paramscale.analysis.search.limits import limits_of

    over: dict[str, Any] = {}
    for path, values in arguments.axes:
        if path in over:
            raise SpecError(f"the axis {path} is given twice; give all its values at once")
        over[path] = values
    named = [each for each in (arguments.minimize, arguments.maximize) if each]
    if len(named) == 2:
        raise SpecError("give --minimize or --maximize, not both")
    if arguments.subject_to and not named:
        raise SpecError("--subject-to needs --minimize QUANTITY or --maximize QUANTITY")
    scenario, use = scenario_of(arguments), dict(arguments.use)
    wanted = arguments.quantities
    if wanted is None:
        everything = sweep(scenario, over, paired=arguments.paired, use=use, lazy=True)
        wanted = [name for name in _USUAL if name in everything] or list(everything)
    limited = [each.measure for each in limits_of(arguments.subject_to)]
    names = list(dict.fromkeys([*wanted, *named, *limited]))
    return sweep(
        scenario, over, paired=arguments.paired, use=use, quantities=names, out=arguments.out,
        threads=arguments.threads,
    )  # fmt: skip


def _points(found: Sweep, arguments: argparse.Namespace) -> Any:
    return found.best(
        minimize=arguments.minimize, maximize=arguments.maximize,
        subject_to=arguments.subject_to, count=max(arguments.rows, 1),
    )  # fmt: skip


def _record(found: Sweep) -> dict[str, Any]:
    where = found.coordinates.items()
    return {
        "axes": {path: {"along": along, "values": values} for path, (along, values) in where},
        "quantities": {
            name: {"unit": each.unit, "along": each.dims, "estimator": each.estimator,
                   "values": _squeezed(each.value, found.layout.columns[name].varies)}
            for name, each in found.items()
        },
        "refused": found.refused,
    }  # fmt: skip


def _squeezed(values: Any, varies: tuple[bool, ...]) -> Any:
    return values[tuple(slice(None) if along else 0 for along in varies)]


def _best_record(found: Sweep, arguments: argparse.Namespace) -> dict[str, Any]:
    return {"points": list(_points(found, arguments)), "refused": found.refused}


def _lines(found: Sweep, arguments: argparse.Namespace) -> list[str]:
    from paramscale.analysis.sweep.points import Points
    from paramscale.cli.axes import grid_rows
    from paramscale.cli.page import paragraph, terminal_width

    width, lines = terminal_width(), []
    if arguments.minimize or arguments.maximize:
        points = _points(found, arguments)
        title = f"the best of {found.size:,} points" if points else "no point meets the limits"
    elif found.size > arguments.rows:
        return [*_ranges(found, width), *_told(found, width)]
    else:
        points = Points("", *_all(found))
        title = f"{found.size:,} point{'' if found.size == 1 else 's'}"
    lines += [title, ""]
    header, rows = points.table()
    if rows:
        lines += grid_rows(header, rows, width, len(found.coordinates))
    lines += _told(found, width)
    if arguments.out:
        lines += ["", *paragraph(f"all points are in {arguments.out}", width)]
    return lines


def _all(found: Sweep) -> tuple[list[tuple[int, ...]], list[dict[str, Any]]]:
    import numpy as np

    places = [tuple(int(i) for i in place) for place in np.ndindex(found.shape)]
    return places, [found.row(place) for place in places]


def _ranges(found: Sweep, width: int) -> list[str]:
    """Return axes and quantities with their ranges, in lines that fit."""
    from paramscale.analysis.sweep.show import axis_rows, quantity_rows
    from paramscale.cli.page import columns, paragraph

    told = f"{found.size:,} points; --rows N shows up to N of them, --out FILE writes all"
    lines = [*paragraph(told, width), ""]
    lines += columns([("axis", "places", "from", "to"), *axis_rows(found)], width, indent="")
    rows = [(name, values, f"along {along}") for name, values, along, _ in quantity_rows(found)]
    return [*lines, "", *columns(rows, width, indent="")]


def _told(found: Sweep, width: int) -> list[str]:
    from paramscale.cli.page import paragraph

    lines: list[str] = [""] if found.refused else []
    for labels, why in found.refused.items():
        lines += paragraph(f"refused: {labels}: {why}", width, "", "  ")
    return lines
