"""Loss of models trained with rounded weights: they learn like smaller ones.

``L = (A / (N e))^alpha + (B / D)^beta`` with one factor e a quantizer and number of bits
(Frantar et al. 2025, arXiv:2502.16440; Panferov et al. 2025, QuEST, arXiv:2502.05003). The
irreducible term is not told apart by runs of a decade of sizes: fits drive it to 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from paramscale.core.packaged import packaged_rows
from paramscale.errors import FitError
from paramscale.typing import Floats

__all__ = ["QuantizedTraining", "bits_factor", "fit_quantized_training", "quantized_training"]

#: Noise of ln(loss) of one run.
_NOISE = 0.002
_SIZE, _TOKENS = np.log(1e8), np.log(1e10)


class QuantizedTraining(NamedTuple):
    """A fitted law.

    Attributes
    ----------
    size, alpha, data, beta : float
        ``L = exp(size - alpha ln(N e / 1e8)) + exp(data - beta ln(D / 1e10))``.
    factors : mapping of str to float
        e by the name of the quantizer; 1 in 16 bits.
    scatter, one_bit_scatter : float
        Standard deviation of ln L of larger runs, and of those of one bit.
    """

    size: float
    alpha: float
    data: float
    beta: float
    factors: Mapping[str, float]
    scatter: float
    one_bit_scatter: float = 0.0

    def __call__(self, parameters: Floats, tokens: Floats, factor: Floats) -> Floats:
        """Return the loss [nats] of N parameters (tables aside) after D tokens."""
        learnt = np.exp(self.size - self.alpha * (np.log(parameters * factor) - _SIZE))
        loss: Floats = learnt + np.exp(self.data - self.beta * (np.log(tokens) - _TOKENS))
        return loss


def fit_quantized_training(
    parameters: npt.ArrayLike,
    tokens: npt.ArrayLike,
    loss: npt.ArrayLike,
    quantizers: list[str],
    *,
    plain: str,
) -> QuantizedTraining:
    """Return the law of some runs.

    Parameters
    ----------
    parameters, tokens, loss : array
        N without tables, D, and loss [nats] of each run.
    quantizers : list of str
        What each run was trained with.
    plain : str
        The quantizer that rounds nothing: its factor is 1.

    Raises
    ------
    FitError
        If no run is plain, or there are fewer runs than coefficients.
    """
    from scipy.optimize import least_squares  # type: ignore[import-untyped]

    names = [plain, *sorted({each for each in quantizers if each != plain})]
    size, data, target = (np.log(np.asarray(each, dtype=np.float64)) for each in (parameters, tokens, loss))  # fmt: skip  # noqa: E501
    if plain not in quantizers or len(target) < len(names) + 4:
        raise FitError(
            f"{len(target)} runs of {len(names)} quantizers, {quantizers.count(plain)} of them"
            f" {plain!r}, fix no law; give more runs, some without rounding"
        )
    which = np.array([names.index(each) for each in quantizers])

    def miss(p: Any) -> Any:
        smaller = np.append(0.0, p[4:])[which]
        learnt = np.exp(p[0] - np.exp(p[1]) * (size - _SIZE + smaller))
        predicted = learnt + np.exp(p[2] - np.exp(p[3]) * (data - _TOKENS))
        return np.append((np.log(predicted) - target) / _NOISE, p[4:] / 5.0)

    start = [0.9, np.log(0.07), -1.0, np.log(0.25), *np.zeros(len(names) - 1)]
    p = least_squares(miss, start, loss="soft_l1").x
    factors = dict(zip(names, np.exp(np.append(0.0, p[4:])), strict=True))
    return QuantizedTraining(p[0], float(np.exp(p[1])), p[2], float(np.exp(p[3])), factors, _NOISE)


@cache
def quantized_training() -> QuantizedTraining:
    """Return the law fitted by ``tools/fit_quantized_training.py`` on the runs of QuEST."""
    rows = packaged_rows("paramscale.laws", "quantized_training.csv")
    values = {row["coefficient"]: float(row["value"]) for row in rows if not row["quantizer"]}
    factors = {row["quantizer"]: float(row["value"]) for row in rows if row["quantizer"]}
    return QuantizedTraining(
        values["size"],
        values["alpha"],
        values["data"],
        values["beta"],
        factors,
        values["scatter"],
        values["one_bit_scatter"],
    )


#: The best quantizer of QuEST at each number of bits: of weights with activations, and alone.
_BOTH = {
    bits: f"HadamardTrustQuantizer/HadamardTrustQuantizer/{bits}/{bits}" for bits in (2, 3, 4)
} | {1: "HadamardClipQuantizer/HadamardClipQuantizer/1/1"}
_ALONE = {bits: f"HalfHadamardTrustQuantizer/NoQuantizer/{bits}/16" for bits in (2, 3, 4)} | {
    1: "HalfHadamardClipQuantizer/NoQuantizer/1/16"
}
_EIGHT = "HalfHadamardTrustQuantizer/HalfHadamardTrustQuantizer/8/8"


def bits_factor(weight_bits: Floats, activation_bits: Floats) -> Floats:
    """Return e of weights trained in some bits; 1 from 16 bits on.

    Examples
    --------
    >>> bits_factor(np.array([2.0, 4.0, 16.0]), np.float64(16.0)).round(2)
    array([0.39, 0.81, 1.  ])
    """
    both, alone = (_line(table) for table in (_BOTH, _ALONE))
    # Activations in some bits cost what they add to weights in as many.
    of_activations = np.interp(activation_bits, *both) - np.interp(activation_bits, *alone)
    return np.exp(np.interp(weight_bits, *alone) + of_activations)[()]


def _line(table: Mapping[int, str]) -> tuple[list[float], list[float]]:
    """Return bits and ln(e), those of 8 and 16 bits included."""
    factors = quantized_training().factors
    known = {float(bits): float(np.log(factors[name])) for bits, name in sorted(table.items())}
    known |= {8.0: float(np.log(factors[_EIGHT])), 16.0: 0.0}
    return list(known), list(known.values())
