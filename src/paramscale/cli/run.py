"""From the words of a command line to an exit code: parsing, and what happens to errors."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

from paramscale import __version__
from paramscale.cli.parser import Parser
from paramscale.errors import ParamscaleError

__all__ = ["USER_ERROR", "main"]

#: Exit code where what was asked cannot be done as asked; argparse uses the same one.
USER_ERROR = 2
_INTERRUPTED = 130
_PIPE_CLOSED = 141

_COMMANDS = "paramscale.cli.commands"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that some words ask for and return its exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        The words after ``paramscale``; those of this process unless given.

    Returns
    -------
    int
        0, or 2 after an error of ``paramscale.errors``, which is told in one line on stderr.
        Other errors are not expected and keep their traceback.

    Examples
    --------
    >>> main(["list", "quantities", "--search", "ttft"])
    quantity  unit  meaning
    ttft_s    s     Time to the first token: the prefill of all prompts
    0
    """
    _never_fail_to_print()
    parser = _parser()
    arguments = parser.parse_args(argv)
    if "run" not in arguments:  # no command: tell what there is
        parser.print_help()
        return 0
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        try:
            code = int(arguments.run(arguments))
            print(end="", flush=True)  # so that a closed pipe shows here
        except ParamscaleError as error:
            if getattr(arguments, "debug", False):
                raise
            return _refuse(error)
        except BrokenPipeError:  # the reader went away, as `head` does
            _close_stdout()
            return _PIPE_CLOSED
        except KeyboardInterrupt:
            return _INTERRUPTED
    return code


def _refuse(error: ParamscaleError) -> int:
    """Tell an error in one line."""
    print(f"paramscale: error: {' '.join(str(error).split())}", file=sys.stderr)
    return USER_ERROR


def _parser() -> Parser:
    parser = Parser(
        prog="paramscale",
        description="What does the number of parameters of a language model do?",
        epilog="First steps: paramscale impact --hardware h100-sxm; paramscale report llama-3.1-8b;"
        " paramscale list. 'paramscale COMMAND --help' tells more.",
    )
    parser.add_argument("--version", action="version", version=f"paramscale {__version__}")
    _add_debug(parser)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for module in _command_modules():
        command = commands.add_parser(module.NAME, help=module.HELP, description=module.HELP)
        module.add_arguments(command)
        _add_debug(command)
        command.set_defaults(run=module.run)
    return parser


def _add_debug(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--debug",
        action="store_true",
        default=argparse.SUPPRESS,
        help="show the traceback of every error",
    )


def _command_modules() -> list[ModuleType]:
    found = [
        import_module(f"{_COMMANDS}.{module.name}")
        for module in iter_modules(import_module(_COMMANDS).__path__)
        if not module.name.startswith("_")
    ]
    return sorted(found, key=lambda module: str(module.NAME))


def _never_fail_to_print() -> None:
    """Have a terminal without a letter show a question mark in its place."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    print(f"paramscale: warning: {' '.join(str(message).split())}", file=sys.stderr)


def _close_stdout() -> None:
    """Send what is still buffered nowhere, so that closing at exit does not complain."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):  # no file behind it, as in tests
        return
