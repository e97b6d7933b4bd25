"""``paramscale impact``: what the number of parameters does, over a range of sizes."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from paramscale.cli.scenario import (
    ACCOUNT,
    DEMAND,
    FORMATS,
    SERVING,
    TRAINING,
    add_account_arguments,
    find_model,
    option,
)
from paramscale.cli.values import count, limit, pair, tokens

if TYPE_CHECKING:
    from paramscale.analysis.impact import Impact

NAME = "impact"
HELP = "what size does to loss, accuracy, memory, time, energy and cost; and the balanced size"

_RUN = {
    "training_devices": "devices of the training run; 1,024 unless given",
    "training_flops": "compute of every size instead of tokens, such as 1e24",
    "lifetime_tokens": "tokens written in use; those of the demand, or as many as trained on, else",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the parser of this command its arguments."""
    parser.add_argument(
        "sizes", nargs="*", metavar="SIZE|MODEL",
        help="sizes such as 8B, or models by name or path; half decades from 100M to 1T unless"
        " given",
    )  # fmt: skip
    parser.add_argument("--hardware", metavar="H", help="an accelerator, such as h100-sxm")
    parser.add_argument("--like", metavar="MODEL|PATH", help="family of the sizes; llama-3.1-8b")
    _add_run(parser.add_argument_group("training"))
    _add_use(parser.add_argument_group("use"))
    add_account_arguments(parser)
    _add_choice(parser.add_argument_group("balanced size"))
    _add_output(parser.add_argument_group("output"))


def _add_run(group: Any) -> None:
    group.add_argument(
        "--tokens", type=tokens, metavar="N|Nx",
        help="training tokens, such as 15T, or 20x for 20 a parameter; 15T unless given",
    )  # fmt: skip
    for name, meaning in {**TRAINING, **_RUN}.items():
        if name != "tokens":
            group.add_argument(option(name), type=count, metavar="N", help=meaning)


def _add_use(group: Any) -> None:
    for name, meaning in SERVING.items():
        group.add_argument(option(name), type=count, metavar="N", help=meaning)
    for name, meaning in FORMATS.items():
        group.add_argument(option(name), metavar="FORMAT", help=f"number format of {meaning}")
    for name in ("tensor", "pipeline"):
        text = f"degree of {name} parallelism; the fewest devices that hold it unless given"
        group.add_argument(option(name), type=count, metavar="N", help=text)


def _add_choice(group: Any) -> None:
    group.add_argument(
        "--objective", default="balance", metavar="WORD",
        help="balance, efficient, loss, cost, latency, or a quantity; balance unless given",
    )  # fmt: skip
    group.add_argument(
        "--worth", type=float, metavar="SHARE",
        help="share of the loss that a doubling of the total cost shall save; 0.01 unless given",
    )  # fmt: skip
    group.add_argument(
        "--budget", type=limit, action="append", default=[], metavar="QUANTITY=LIMIT",
        help="what the balanced size must meet, such as tpot_s=0.03, 'mmlu_fraction>=0.7' or"
        " cost=1M; may be repeated",
    )  # fmt: skip


def _add_output(group: Any) -> None:
    group.add_argument(
        "--use", type=pair, action="append", default=[], metavar="QUANTITY=ESTIMATOR",
        help="which estimator or convention gives a quantity; may be repeated",
    )  # fmt: skip
    group.add_argument("--bands", action="store_true", help="show the 90 %% intervals too")
    group.add_argument("--html", metavar="FILE", help="write one self-contained page with plots")
    group.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Print the answer, or write it as a page."""
    found = _impact(arguments)
    if arguments.html:
        from paramscale.cli.page import write_text

        write_text(arguments.html, found.to_html())
    if arguments.json:
        from paramscale.cli.plain import dump

        print(dump(found.plain()))
    elif not arguments.html:
        from paramscale.cli.page import terminal_width

        print(found.text(terminal_width(), bands=arguments.bands))
    return 0


def _impact(arguments: argparse.Namespace) -> Impact:
    from paramscale import AccountSpec, ParallelSpec, ServingSpec, TrainingSpec, impact
    from paramscale.analysis.impact.question import BATCH, TOKENS
    from paramscale.cli.progress import progress

    def given(*fields: str) -> dict[str, Any]:
        values = {field: getattr(arguments, field) for field in fields}
        return {field: value for field, value in values.items() if value is not None}

    load = given(*SERVING, *FORMATS, *DEMAND)
    layout = given("tensor", "pipeline")
    run = {"tokens": TOKENS, **given(*(name for name in TRAINING if name != "tokens"))}
    with progress("sizes") as tell:
        return impact(
            hardware=arguments.hardware, site=arguments.site, sizes=_sizes(arguments.sizes),
            training=TrainingSpec(**run),
            serving=ServingSpec(**{"batch": BATCH, "schedule": "continuous", **load}),
            parallel=ParallelSpec(**layout) if layout else None,
            account=AccountSpec(**given(*ACCOUNT)),
            objective=arguments.objective, budget=dict(arguments.budget), use=dict(arguments.use),
            progress=tell, **_like(arguments.like), **given("tokens", "worth", *_RUN),
        )  # fmt: skip


def _like(text: str | None) -> dict[str, Any]:
    return {} if text is None else {"like": find_model(text)}


def _sizes(texts: list[str]) -> list[Any] | None:
    """Return numbers of parameters, or models."""
    return [_size(text) for text in texts] or None


def _size(text: str) -> Any:
    try:
        return count(text)
    except argparse.ArgumentTypeError:
        return find_model(text)
