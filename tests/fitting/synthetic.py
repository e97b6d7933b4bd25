"""Made-up runs with known coefficients, for tests that need no measured data."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from paramscale.laws import laws

Array = npt.NDArray[np.float64]


def runs(seed: int, *, count: int = 60, noise: float = 0.004) -> tuple[Array, Array, Array]:
    """Return sizes, tokens and losses of runs scattered about Besiroglu's law."""
    rng = np.random.default_rng(seed)
    sizes = np.exp(rng.uniform(np.log(5e7), np.log(1e10), count))
    tokens = np.exp(rng.uniform(np.log(1e9), np.log(3e11), count))
    loss = laws["besiroglu2024"](sizes, tokens) * np.exp(noise * rng.standard_t(3, count))
    return sizes, tokens, np.asarray(loss)
