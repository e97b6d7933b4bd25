"""The parser of the command line: its refusals are one line, with what is near to a wrong word."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from paramscale.errors import did_you_mean

__all__ = ["Parser"]

_NEGATIVE = re.compile(r"-[\d.][\d.,_eE+-]*[kKmMbBgGtT]?")


class Parser(argparse.ArgumentParser):
    """A parser that tells what is wrong, proposes what is near, and says where help is."""

    def __init__(self, *words: Any, **options: Any) -> None:
        super().__init__(*words, **options)
        self._negative_number_matcher = _NEGATIVE  # so that -5B is a wrong number, no option

    def error(self, message: str) -> NoReturn:
        """Leave with one line on stderr."""
        where = f"'{self.prog} --help'"
        stop = "" if message.endswith("?") else "."
        self.exit(2, f"{self.prog}: error: {message.rstrip('.')}{stop} See {where}\n")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Return what was parsed; an unknown word is refused by the command that met it."""
        found, left = super().parse_known_args(args, namespace)
        if left:
            known = [text for action in self._actions for text in action.option_strings]
            near = did_you_mean(left[0].partition("=")[0], known)
            self.error(f"unrecognized arguments: {' '.join(left)}{near}")
        return found, left

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Refuse a word that is none of the choices, with those that are near."""
        choices: Sequence[str] = list(action.choices or ())
        if choices and value not in choices:
            near = did_you_mean(value, choices) or "."
            raise argparse.ArgumentError(
                action, f"invalid choice: {value!r}{near} Allowed: {', '.join(map(str, choices))}"
            )
