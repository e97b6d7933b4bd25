"""Options of `fit_law` that have no meaning, refused with what is allowed."""

from __future__ import annotations

from typing import get_args

from paramscale.errors import FitError, did_you_mean
from paramscale.fitting.prior import PriorLike
from paramscale.fitting.solve import LossFunction

__all__ = ["refuse", "refuse_numbers"]


def refuse(loss_function: str, residual: str | None, form: str, prior: PriorLike) -> None:
    """Refuse words that have no meaning, with what is allowed."""
    if form != "chinchilla" and prior is not None:
        raise FitError(f"a prior goes with form='chinchilla', not with {form!r}")
    functions = get_args(LossFunction)
    if loss_function not in functions:
        hint = did_you_mean(loss_function, functions)
        raise FitError(f"loss_function is {loss_function!r}; allowed are {functions}{hint}")
    if residual not in (None, "log", "loss"):
        raise FitError(f"residual is {residual!r}; allowed are 'log' and 'loss'")


def refuse_numbers(*, draws: int, **positive: float | None) -> None:
    """Refuse numbers that must be positive and are not, and a number of draws that is none."""
    for word, value in positive.items():
        if value is not None and not value > 0.0:
            raise FitError(f"{word} is {value}; it must be a positive number")
    if draws < 0 or draws != int(draws):
        raise FitError(f"draws is {draws}; it must be a whole number, 0 or more")
