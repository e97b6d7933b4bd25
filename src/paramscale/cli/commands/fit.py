"""``paramscale fit``: a law of loss fitted to a table of runs, with intervals."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from paramscale.cli.values import count
from paramscale.errors import FileFormatError, did_you_mean

if TYPE_CHECKING:
    from paramscale.fitting import FittedLaw

NAME = "fit"
HELP = "fit a law of loss to a table of runs: coefficients and predictions with intervals"

_COLUMNS = ("parameters", "tokens", "loss")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the parser of this command its arguments."""
    parser.add_argument(
        "file", metavar="RUNS.csv",
        help="a CSV file with a header and the columns parameters, tokens and loss [nats per"
        " token], one run a line; further columns are left alone",
    )  # fmt: skip
    parser.add_argument(
        "--form", default="chinchilla", metavar="FORM",
        help="functional form, such as chinchilla or kaplan_joint; chinchilla unless given",
    )  # fmt: skip
    parser.add_argument(
        "--purpose", choices=("describe", "extrapolate"), default="describe",
        help="extrapolate: with a prior, and the best and largest runs counting most",
    )  # fmt: skip
    parser.add_argument(
        "--loss-function", choices=("huber", "lad", "ls"), default="huber",
        help="what of the residuals is summed; huber unless given",
    )  # fmt: skip
    parser.add_argument(
        "--draws", type=int, default=400, metavar="N",
        help="bootstrap refits for the intervals; 400 unless given",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the bootstrap")
    parser.add_argument(
        "--at", type=_point, action="append", default=[], metavar="PARAMETERS,TOKENS",
        help="also tell the loss of such a run, such as 70B,1.4T; may be repeated",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def _point(text: str) -> tuple[float, float]:
    """Return parameters and tokens."""
    parts = text.split(",")
    if len(parts) != 2:
        raise argparse.ArgumentTypeError(f"{text!r} is not PARAMETERS,TOKENS; write 70B,1.4T")
    return count(parts[0]), count(parts[1])


def run(arguments: argparse.Namespace) -> int:
    """Print the fitted law."""
    from paramscale import fit_law
    from paramscale.cli.plain import dump

    runs = _read(arguments.file)
    fitted = fit_law(
        **runs, form=arguments.form, purpose=arguments.purpose, draws=arguments.draws,
        loss_function=arguments.loss_function, seed=arguments.seed,
    )  # fmt: skip
    record = _record(fitted, arguments.at)
    print(dump(record) if arguments.json else "\n".join(_lines(record)))
    return 0


def _read(path: str) -> dict[str, Any]:
    """Return the columns of a table of runs.

    Raises
    ------
    FileFormatError
        If the file cannot be read, a column is missing or a cell is no number.
    """
    import csv

    try:
        with open(path, encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
            header = list(rows[0]) if rows else []
    except OSError as error:
        raise FileFormatError(f"cannot read {path!r}: {error.strerror or error}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise FileFormatError(f"{path!r} cannot be read as a CSV file: {error}") from error
    missing = [name for name in _COLUMNS if name not in header]
    if missing:
        found = [str(each) for each in header]
        hint = did_you_mean(missing[0], found)
        raise FileFormatError(
            f"{path!r} has no column {missing[0]!r}{hint or '.'} Wanted are the columns"
            f" {', '.join(_COLUMNS)} and a run a line; found: {', '.join(found) or 'none'}"
        )
    return {name: [_number(path, line, name, row[name]) for line, row in enumerate(rows, 2)]
            for name in _COLUMNS}  # fmt: skip


def _number(path: str, line: int, name: str, cell: str | None) -> float:
    try:
        return count(cell or "")
    except argparse.ArgumentTypeError as error:
        raise FileFormatError(f"{path!r}, line {line}, {name}: {error}") from None


def _record(law: FittedLaw, points: list[tuple[float, float]]) -> dict[str, Any]:
    """Return the law as plain data: every coefficient with its interval, and predictions."""
    import numpy as np

    coefficients = {}
    for at, (name, value) in enumerate(law.coefficients.items()):
        drawn = law.draws[:, at] if len(law.draws) > 1 else np.array([np.nan])
        low, high = np.quantile(drawn, [0.05, 0.95])
        error = law.standard_errors[name]
        coefficients[name] = {"value": value, "low": low, "high": high, "standard_error": error}
    predictions = []
    for parameters, tokens in points:
        predicted, *ends = law.predict(parameters, tokens)
        predictions.append({
            "parameters": parameters, "tokens": tokens, "loss_nats": predicted,
            "low": ends[0], "high": ends[1], "inside": bool(law.in_domain(parameters, tokens)),
        })  # fmt: skip
    return {
        "form": law.form.name,
        "equation": _equation(law.form.function),
        "runs": len(law.runs),
        "draws": len(law.draws),
        "loss_function": law.loss_function,
        "objective": law.objective,
        "scatter": law.residual_scale,
        "coefficients": coefficients,
        "open_coefficients": law.open_coefficients,
        "domain": law.domain.text(),
        "predictions": predictions,
    }


def _equation(function: Any) -> str:
    """Return the first line of the description of a form, which is its equation, as plain text."""
    line = (function.__doc__ or "").strip().partition("\n")[0]
    return line.removeprefix("Return ").replace("``", "").rstrip(".")


def _lines(record: dict[str, Any]) -> list[str]:
    """Return the record as text that fits the terminal."""
    from paramscale.cli.page import columns, heading, paragraph, terminal_width
    from paramscale.units import format_value

    width = terminal_width()
    about = f"{record['form']}, fitted to {record['runs']} runs ({record['loss_function']}):"
    lines = paragraph(f"{about} {record['equation']}", width)
    rows = [("coefficient", "value", "90 % interval", "standard error")]
    for name, each in record["coefficients"].items():
        ends = f"{each['low']:.5g} to {each['high']:.5g}" if each["low"] == each["low"] else ""
        error = f"{each['standard_error']:.2g}" if ends else ""
        rows.append((name, f"{each['value']:.6g}", ends, error))
    lines += ["", *columns(rows, width, indent="")]
    lines += ["", *paragraph(f"scatter of a run about the law: {record['scatter']:.2%}", width)]
    if record["open_coefficients"]:
        listed = ", ".join(record["open_coefficients"])
        lines += paragraph(f"hardly determined by the runs: {listed}", width)
    lines += paragraph(f"domain: {record['domain']}", width, "", "  ")
    if record["predictions"]:
        lines += heading("Loss of one more run", width)
        shown = []
        for each in record["predictions"]:
            where = "inside of the domain" if each["inside"] else "outside of the domain"
            ends = f"90 % interval {each['low']:.4g} to {each['high']:.4g}, {where}"
            size = format_value(each["parameters"], "parameters")
            tokens = format_value(each["tokens"], "tokens")
            shown.append((size, tokens, f"{each['loss_nats']:.4g} nats", ends))
        lines += columns(shown, width)
    return lines
