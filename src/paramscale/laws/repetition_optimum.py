"""Best epochs and best size for a given set of unique tokens, with the band of what is as good."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from paramscale.laws.repetition import USUAL_WEIGHT_DECAY, RepetitionLaw
from paramscale.typing import Floats, FloatsLike

__all__ = ["BAND_NATS", "BestEpochs", "BestSize", "best_epochs", "best_size"]

#: Losses this near the least one are as good: what two wells of measured runs differ by.
BAND_NATS = 0.05
#: The fewest epochs count that are this near the least loss: it is flat for small models.
_NEAR_NATS = 0.02
_EPOCHS = np.geomspace(1.0, 1000.0, 181)
_SIZES = np.geomspace(1e6, 1e12, 241)


class BestEpochs(NamedTuple):
    """Epochs of least loss, the least and most that are as good, and the loss there [nats]."""

    epochs: Floats
    low: Floats
    high: Floats
    loss: Floats


class BestSize(NamedTuple):
    """Size of least loss, the ends of the band, and epochs and loss [nats] at that size."""

    parameters: Floats
    low: Floats
    high: Floats
    epochs: Floats
    loss: Floats


def best_epochs(
    law: RepetitionLaw,
    parameters: FloatsLike,
    unique_tokens: FloatsLike,
    weight_decay: FloatsLike = USUAL_WEIGHT_DECAY,
) -> BestEpochs:
    """Return how often to repeat some data, between 1 and 1,000 times.

    They are the fewest epochs within 0.02 nats of the least loss; the band holds all within 0.05.
    Where the loss keeps falling (small models), the band ends at 1,000. To 4 %.

    Parameters
    ----------
    law : RepetitionLaw
        The law.
    parameters, unique_tokens, weight_decay : float or array
        N, U, and that of AdamW; they broadcast. NaN gives NaN.

    Examples
    --------
    >>> from paramscale.laws.repetition import repetition_law
    >>> found = best_epochs(repetition_law(), 1.1e9, 1e8)
    >>> bool(8 < found.epochs < 20), bool(found.high < 30)
    (True, True)
    """
    size, unique, decay = (
        np.asarray(value, dtype=np.float64)[..., None]
        for value in (parameters, unique_tokens, weight_decay)
    )
    loss = np.asarray(law(size, unique * _EPOCHS, unique, decay))
    least = loss.min(axis=-1)
    low, high = _ends(loss, _EPOCHS, BAND_NATS)
    return BestEpochs(_ends(loss, _EPOCHS, _NEAR_NATS)[0], low, high, least[()])


def best_size(
    law: RepetitionLaw,
    unique_tokens: FloatsLike,
    weight_decay: FloatsLike = USUAL_WEIGHT_DECAY,
) -> BestSize:
    """Return which size learns most from some data, repeated as often as is best for it.

    Sizes from 1e6 to 1e12 are tried, to 6 %. The optimum is flat, often with two wells: the band
    holds every size whose best loss lies within 0.05 nats of the least.

    Examples
    --------
    >>> from paramscale.laws.repetition import repetition_law
    >>> found = best_size(repetition_law(), 1.5e9)
    >>> bool(found.low < 5.7e8 < found.high)
    True
    """
    unique, decay = np.broadcast_arrays(
        np.asarray(unique_tokens, dtype=np.float64), np.asarray(weight_decay, dtype=np.float64)
    )
    rows = [_one(law, u, w) for u, w in zip(unique.ravel(), decay.ravel(), strict=True)]
    columns = np.array(rows, dtype=np.float64).reshape((*unique.shape, len(BestSize._fields)))
    return BestSize(*(columns[..., place] for place in range(len(BestSize._fields))))


def _one(law: RepetitionLaw, unique: float, decay: float) -> BestSize:
    """Return the best size for one set of data."""
    best = best_epochs(law, _SIZES, unique, decay)
    loss = np.asarray(best.loss)
    if np.isnan(loss).any():
        return BestSize(*[np.nan] * 5)
    place = int(np.argmin(loss))
    low, high = _ends(loss, _SIZES, BAND_NATS)
    return BestSize(_SIZES[place], low, high, np.asarray(best.epochs)[place], loss[place])


def _ends(loss: Floats, along: Floats, near: float) -> tuple[Floats, Floats]:
    """Return the first and last place, along the last axis, whose loss is near the least."""
    good = loss <= np.min(loss, axis=-1, keepdims=True) + near
    points = np.asarray(along)
    first, last = np.argmax(good, axis=-1), np.argmax(good[..., ::-1], axis=-1)
    known = good.any(axis=-1)
    low: Floats = np.where(known, points[first], np.nan)[()]
    high: Floats = np.where(known, points[::-1][last], np.nan)[()]
    return low, high
