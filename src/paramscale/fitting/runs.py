"""Runs to fit a law to: checked once, with every bad number named."""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt

from paramscale.errors import FitError
from paramscale.fitting.objective import Array
from paramscale.typing import Booleans, FloatsLike

__all__ = ["Runs", "as_runs"]

_UNITS = {"parameters": "", "tokens": "", "loss": " nats per token"}


@attrs.frozen(eq=False)
class Runs:
    """Finished training runs, one an element.

    Attributes
    ----------
    parameters, tokens : array
        Size and training tokens.
    loss : array
        Loss at the end of the run [nats per token].
    weights : array
        How much each counts; 1 unless given.
    """

    parameters: Array
    tokens: Array
    loss: Array
    weights: Array

    def __len__(self) -> int:
        return len(self.loss)

    @property
    def flops(self) -> Array:
        """Training compute as 6·N·D [FLOPs]."""
        return 6.0 * self.parameters * self.tokens

    def of(self, chosen: Booleans | npt.NDArray[np.intp]) -> Runs:
        """Return the chosen runs, by a mask or by indices."""
        return Runs(*(each[chosen] for each in attrs.astuple(self, recurse=False)))


def as_runs(
    parameters: FloatsLike, tokens: FloatsLike, loss: FloatsLike, weights: FloatsLike | None = None
) -> Runs:
    """Return checked runs; what broadcasts is broadcast, and made flat.

    Raises
    ------
    FitError
        With the first value that is not positive and finite, and its index.

    Examples
    --------
    >>> runs = as_runs([1e8, 2e8], 2e9, [3.4, 3.3])
    >>> len(runs), runs.tokens.tolist()
    (2, [2000000000.0, 2000000000.0])
    >>> as_runs([1e8, 2e8], [2e9, 0.0], [3.4, 3.3])
    Traceback (most recent call last):
    paramscale.errors.FitError: tokens[1] is 0.0; each must be a positive, finite number
    """
    given = {"parameters": parameters, "tokens": tokens, "loss": loss}
    arrays = {name: np.asarray(value, dtype=np.float64) for name, value in given.items()}
    extra = np.ones(()) if weights is None else np.asarray(weights, dtype=np.float64)
    try:
        flat = [each.ravel() for each in np.broadcast_arrays(*arrays.values(), extra)]
    except ValueError:
        shapes = ", ".join(f"{name} {each.shape}" for name, each in arrays.items())
        raise FitError(
            f"the runs do not fit together: {shapes}, weights {extra.shape}; "
            "give one number a run, or a single number for all"
        ) from None
    if not flat[0].size:
        raise FitError("there are no runs; give parameters, tokens and loss of each")
    for name, values in zip(arrays, flat[:3], strict=True):
        _positive(name, values)
    _weights(flat[3])
    return Runs(*(np.ascontiguousarray(each) for each in flat))


def _positive(name: str, values: Array) -> None:
    bad = np.flatnonzero(~(np.isfinite(values) & (values > 0.0)))
    if bad.size:
        more = f" (and {bad.size - 1} more)" if bad.size > 1 else ""
        raise FitError(
            f"{name}[{bad[0]}] is {values[bad[0]]}{more}; each must be a positive, finite "
            f"number{_UNITS[name]}"
        )


def _weights(values: Array) -> None:
    bad = np.flatnonzero(~(np.isfinite(values) & (values >= 0.0)))
    if bad.size:
        raise FitError(
            f"weights[{bad[0]}] is {values[bad[0]]}; each must be a finite number, 0 or more"
        )
    if not values.any():
        raise FitError("all weights are 0; give at least one run a positive weight")
