"""From the options of a command line to a scenario: model, machine, load, run and layout."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paramscale.cli.values import count
from paramscale.errors import (
    FileFormatError,
    MissingInputError,
    SpecError,
    UnknownNameError,
    did_you_mean,
)

if TYPE_CHECKING:
    from paramscale.specs.model import ModelSpec
    from paramscale.specs.scenario import Scenario

__all__ = [
    "ACCOUNT",
    "DEMAND",
    "FORMATS",
    "OPTIONS_OF",
    "PARALLEL",
    "SERVING",
    "TRAINING",
    "add_account_arguments",
    "add_scenario_arguments",
    "find_model",
    "option",
    "scenario_of",
    "with_options",
]

#: Options that give what an estimate may miss, as ``"spec"`` or ``"spec.field"``.
OPTIONS_OF = {
    "model": "MODEL",
    "hardware": "--hardware",
    "serving": "--batch",
    "training": "--tokens",
    "training.batch_tokens": "--batch-tokens",
    "training.unique_tokens": "--unique-tokens",
    "serving.requests_per_day": "--requests-per-day",
    "serving.deployment_days": "--deployment-days",
}

#: Fields of specs that are options, with their help.
SERVING = {
    "batch": "sequences served together",
    "prompt_tokens": "tokens of each prompt",
    "output_tokens": "tokens that each request writes",
}
FORMATS = {"weight_format": "weights", "kv_format": "keys and values"}
DEMAND = {
    "requests_per_day": "requests to the whole deployment in a day, such as 2M",
    "deployment_days": "days for which the model is served",
}
#: Switches of an account: the field of AccountSpec, what it may say, and its help.
ACCOUNT = {
    "boundary": ("chip", "server", "facility"),
    "carbon_basis": ("location", "market"),
    "tenure": ("on-demand", "spot", "1-year commit", "3-year commit"),
}
_ACCOUNT_HELP = {
    "boundary": "whose energy counts (facility unless given)",
    "carbon_basis": "whose intensity of electricity counts (location unless given)",
    "tenure": "which rent of devices counts (on-demand unless given)",
}
TRAINING = {
    "tokens": "training tokens, such as 15e12 or 15T",
    "unique_tokens": "tokens of the data set, if some are repeated",
    "batch_tokens": "tokens of one training step, such as 4M",
    "sequence_length": "tokens of one training sequence",
}
PARALLEL = {
    "tensor": "degree of tensor parallelism",
    "pipeline": "degree of pipeline parallelism",
    "data": "degree of data parallelism",
    "expert": "ranks over which experts are spread",
}
_FILE_ENDINGS = (".json", ".gguf", ".safetensors")


def add_scenario_arguments(parser: argparse.ArgumentParser, *, several: bool = False) -> None:
    """Give a parser the options that describe a scenario, of one model or of several."""
    parser.add_argument(
        "models" if several else "model",
        nargs="+" if several else None,
        metavar="MODEL|PATH",
        help="a config.json, GGUF or safetensors file, a folder with one, or a published model's"
        " name ('paramscale list models')",
    )
    parser.add_argument("--hardware", metavar="H", help="an accelerator, such as h100-sxm")
    for title, options in (
        ("serving", SERVING),
        ("training", TRAINING),
        ("devices", PARALLEL),
    ):
        group = parser.add_argument_group(title)
        for name, meaning in options.items():
            group.add_argument(option(name), type=count, metavar="N", help=meaning)
        for name, meaning in FORMATS.items() if title == "serving" else ():
            group.add_argument(option(name), metavar="FORMAT", help=f"number format of {meaning}")
    add_account_arguments(parser)
    parser.add_argument(
        "--unknown-fields",
        choices=("refuse", "ignore"),
        default="refuse",
        help="what to do with fields of a configuration that nothing reads",
    )


def add_account_arguments(parser: argparse.ArgumentParser) -> None:
    """Give a parser the options of place, boundary and demand."""
    group = parser.add_argument_group("energy, carbon, water and money")
    group.add_argument(
        "--site",
        metavar="PLACE",
        help="where the machines stand, such as FR, aws:eu-west-1 or gcp:us-central1@2021"
        " ('paramscale list sites'); the world's average unless given",
    )
    for name, choices in ACCOUNT.items():
        group.add_argument(option(name), choices=choices, help=_ACCOUNT_HELP[name])
    for name, meaning in DEMAND.items():
        group.add_argument(option(name), type=count, metavar="N", help=meaning)


def option(field: str) -> str:
    """Return the option that gives a field of a spec."""
    return "--" + field.replace("_", "-")


def scenario_of(arguments: argparse.Namespace) -> Scenario:
    """Return the scenario that the parsed options describe.

    Raises
    ------
    SpecError
        If options of a training run are given without its tokens, or a value has no meaning.
    UnknownNameError
        If there is no model, machine, format or place of a name.
    """
    from paramscale import (
        AccountSpec,
        ParallelSpec,
        Scenario,
        ServingSpec,
        TrainingSpec,
        hardware,
        sites,
    )

    def given(*fields: str) -> dict[str, Any]:
        values = {field: getattr(arguments, field) for field in fields}
        return {field: value for field, value in values.items() if value is not None}

    training = given(*TRAINING)
    if training and "tokens" not in training:
        asked = ", ".join(map(option, training))
        raise SpecError(f"{asked} describes a training run; give its tokens too: --tokens 15T")
    return Scenario(
        model=find_model(arguments.model, unknown_fields=arguments.unknown_fields),
        hardware=None if arguments.hardware is None else hardware[arguments.hardware],
        serving=ServingSpec(**given(*SERVING, *FORMATS, *DEMAND)),
        training=TrainingSpec(**training) if training else None,
        parallel=ParallelSpec(**given(*PARALLEL)),
        site=sites[arguments.site or "world"],
        account=AccountSpec(**given(*ACCOUNT)),
    )


def with_options(error: MissingInputError) -> MissingInputError:
    """Return an error about missing inputs with the options that give them."""
    text = str(error)
    options = [each for item, each in OPTIONS_OF.items() if f"\n  {item}:" in text]
    if not options:
        return error
    told = [line for line in text.splitlines() if not line.startswith("    Write ")]
    return MissingInputError("\n".join([*told, f"On the command line: {', '.join(options)}"]))


def find_model(text: str, *, unknown_fields: str = "refuse") -> ModelSpec:
    """Return the model of an existing path, else the published model of that name.

    Raises
    ------
    FileFormatError
        If it looks like a path and there is none.
    UnknownNameError
        If no published model is called so either.
    """
    from paramscale import models, read_model

    if os.path.lexists(text):
        return read_model(text, unknown_fields=unknown_fields)
    looks_like_path = os.sep in text or "\\" in text or text.lower().endswith(_FILE_ENDINGS)
    if not looks_like_path and text in models:
        return models[text]
    near = _near_paths(text)
    if looks_like_path:
        raise FileFormatError(f"there is no file or folder {text!r}{near}")
    error = UnknownNameError("model", text, models)
    error.text += f". Nor is there a file or folder {text!r}{near}"
    raise error


def _near_paths(text: str) -> str:
    """Return a proposal of paths beside one that does not exist."""
    path = Path(text)
    try:
        beside = sorted(str(each) for each in path.parent.iterdir())
    except OSError:
        return f"; nor a folder {str(path.parent)!r}"
    return did_you_mean(text, beside[:10_000])
