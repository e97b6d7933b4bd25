"""Loss when data are seen more than once: size, tokens, unique tokens and weight decay.

With N parameters, D tokens of which U are unique, E = max(D/U, 1) epochs and R = E - 1 repeats:

1. a floor, and terms of size and data of which the larger rules:
   ``base = E0 + ((A / N^alpha)^3 + (B / D'^beta)^3)^(1/3)``, where repeated tokens fade,
   ``D' = D / E^fade``;
2. start-up: too few steps leave the loss near that of a uniform guess, ln V. Large models need
   steps, ``h = steps · N / D``; small ones learn slowly, ``exp(-(D · N^c / T)^(1/3))``;
3. memorisation: a mixture with that guess again, whose share is *room* times *time*. The room is
   capacity over information, ``x = (room · N / U · (3 / loss)^(3/2))^kappa``, at most 1; the time
   is ``1 / (1 + (half_repeats / R)^(7/4)) / (1 + (half_tokens / M)^(3/2))``, where M is D, or, once
   the room is larger than the data, tokens in proportion to that room.

U without end leaves the law of fresh data; one epoch gives no overfitting; more unique tokens
never raise the loss; no loss passes ln V. How this form was found is told in
``docs/overfitting.md``; ``tools/fit_repetition.py`` makes ``data/repetition.csv``.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from paramscale.core.packaged import packaged_values
from paramscale.errors import FileFormatError
from paramscale.laws.forms._numbers import positive
from paramscale.typing import Floats, FloatsLike

__all__ = [
    "FITTED",
    "USUAL_WEIGHT_DECAY",
    "LossParts",
    "RepetitionLaw",
    "decay_factor",
    "repetition_law",
]

Array: TypeAlias = npt.NDArray[np.float64]

#: Loss of a uniform guess over GPT-2's tokenizer [nats per token].
UNIFORM = float(np.log(50257.0))
#: Weight decay of the runs that were fitted (AdamW).
USUAL_WEIGHT_DECAY = 0.1
#: Sharpness with which the room saturates, and with which size and data change places.
_SHARP, _NORM = 16.0, 3.0
#: Ends of the runs that were fitted; U from 1e8 to 1.7e11, 1 to 9000 epochs.
FITTED = {"parameters": (7.1e6, 4.25e9), "tokens": (1e8, 9e11)}
#: Odds of a 90 % interval of a logistic distribution: ln 19.
_LOGISTIC_90 = float(np.log(19.0))
#: Beyond this room nothing changes; its powers stay finite.
_MUCH = 1e18


class LossParts(NamedTuple):
    """Loss in parts that add up [nats per token].

    Attributes
    ----------
    irreducible, size, data, start_up : float or array
        Floor; what more parameters, more fresh tokens, more steps would take away.
    faded, memorised : float or array
        What repeats cost: tokens that are worth less, and memory in the place of learning.
    """

    irreducible: Floats
    size: Floats
    data: Floats
    start_up: Floats
    faded: Floats
    memorised: Floats


def decay_factor(weight_decay: FloatsLike, halving: float = 0.2 / 0.7) -> Floats:
    """Return by how much weight decay shrinks the room, against the usual 0.1.

    ``(1 + 0.1 / w) / (1 + decay / w)``: weights decay towards zero in proportion, so that the
    capacity left falls as one over. w = 0.2 / 0.7 gives 0.30 at a decay of 1.0, the reduction of
    the overfitting coefficient by 70 % of Lovelace 2026, arXiv:2605.01640, abstract; at 3.0, the
    optimum of Kim et al. 2025, arXiv:2509.14786 (30 times the usual), 0.12 are left.

    Parameters
    ----------
    weight_decay : float or array
        Of AdamW, not scaled by the learning rate; NaN where it is negative.
    halving : float
        w, the decay that halves the capacity of none.

    Examples
    --------
    >>> [round(float(decay_factor(decay)), 3) for decay in (0.0, 0.1, 1.0, 3.0)]
    [1.35, 1.0, 0.3, 0.117]
    """
    decay = np.asarray(weight_decay, dtype=np.float64)
    decay = np.where(decay >= 0.0, decay, np.nan)[()]
    factor: Floats = (1.0 + USUAL_WEIGHT_DECAY / halving) / (1.0 + decay / halving)
    return factor


@attrs.frozen(kw_only=True)
class RepetitionLaw:
    """The law with its constants; call it to get losses.

    Parameters
    ----------
    floor, A, alpha, B, beta : float
        Of the base, with N in 1e9 and D in 1e10.
    fade : float
        Exponent with which repeated tokens lose their worth.
    steps, start_tokens, start_alpha : float
        Of the start-up: of large models, and T and c of small ones (N in 1e9).
    room, kappa : float
        Tokens of 3 nats that one parameter can replace by noise, and its exponent.
    half_repeats, half_tokens : float
        Repeats and tokens after which half of the room is filled.
    scatter, scatter_start_up, scatter_excess : float
        Half a 90 % interval, per nat of start-up and of excess [nats]: calibrated on groups left
        out of the fit.
    excess_scale : float
        Scale of the logistic scatter of the log of the excess, on groups left out.

    Examples
    --------
    Measured: 0.03, 0.12 and 0.85 nats over fresh tokens.

    >>> law = repetition_law()
    >>> law.excess(2.8e9, 5.5e10, [1.1e10, 4e9, 1.25e9]).round(1)
    array([0. , 0.1, 0.6])
    """

    floor: float
    A: float
    alpha: float
    B: float
    beta: float
    fade: float
    steps: float
    start_tokens: float
    start_alpha: float
    room: float
    kappa: float
    half_repeats: float
    half_tokens: float
    scatter: float = np.nan
    scatter_start_up: float = np.nan
    scatter_excess: float = np.nan
    excess_scale: float = np.nan

    def __call__(
        self,
        parameters: FloatsLike,
        tokens: FloatsLike,
        unique_tokens: FloatsLike,
        weight_decay: FloatsLike = USUAL_WEIGHT_DECAY,
    ) -> Floats:
        """Return the loss [nats per token of C4 under GPT-2's tokenizer].

        Parameters
        ----------
        parameters : float or array
            N, all of them; NaN gives NaN, as does what is not positive. All inputs broadcast.
        tokens : float or array
            D, repeats included.
        unique_tokens : float or array
            U; more than `tokens` means that none is repeated.
        weight_decay : float or array
            Of AdamW; 0.1 is the usual one.
        """
        learnt = self.without_memory(parameters, tokens, unique_tokens)
        share = self._share(parameters, tokens, unique_tokens, weight_decay, learnt)
        loss: Floats = learnt + (UNIFORM - learnt) * share
        return loss

    def fresh(self, parameters: FloatsLike, tokens: FloatsLike) -> Floats:
        """Return the loss on as many tokens that are all different.

        Examples
        --------
        >>> law = repetition_law()
        >>> float(law.fresh(1e9, 2e10) - law(1e9, 2e10, 2e10))
        0.0
        """
        return self.without_memory(parameters, tokens, np.inf)

    def without_memory(
        self, parameters: FloatsLike, tokens: FloatsLike, unique_tokens: FloatsLike
    ) -> Floats:
        """Return the loss with all but what memorisation adds: parts 1 and 2."""
        size, seen, unique = map(positive, (parameters, tokens, unique_tokens))
        worth = seen * np.maximum(seen / unique, 1.0) ** -self.fade
        return self._started(size, seen, self._base(size, worth))

    def excess(
        self,
        parameters: FloatsLike,
        tokens: FloatsLike,
        unique_tokens: FloatsLike,
        weight_decay: FloatsLike = USUAL_WEIGHT_DECAY,
    ) -> Floats:
        """Return what repetition costs over as many fresh tokens [nats per token].

        Examples
        --------
        >>> law = repetition_law()
        >>> bool(law.excess(1e9, 1e10, 1e8) > 3 > law.excess(1e9, 1e10, 1e8, weight_decay=1.0))
        True
        """
        loss = self(parameters, tokens, unique_tokens, weight_decay)
        excess: Floats = np.maximum(loss - self.fresh(parameters, tokens), 0.0)
        return excess

    def parts(
        self,
        parameters: FloatsLike,
        tokens: FloatsLike,
        unique_tokens: FloatsLike,
        weight_decay: FloatsLike = USUAL_WEIGHT_DECAY,
    ) -> LossParts:
        """Return the loss in parts: under-training apart from overfitting.

        Examples
        --------
        >>> parts = repetition_law().parts(1e9, 1.5e9, 1e8)
        >>> bool(np.isclose(sum(parts), repetition_law()(1e9, 1.5e9, 1e8)))
        True
        """
        size, seen = positive(parameters), positive(tokens)
        base = self._base(size, seen)
        fresh = self._started(size, seen, base)
        learnt = self.without_memory(size, seen, unique_tokens)
        share = self._share(size, seen, unique_tokens, weight_decay, learnt)
        loss = learnt + (UNIFORM - learnt) * share
        of_size = self.A * (size / 1e9) ** -self.alpha
        return LossParts(
            self.floor + 0.0 * size, of_size, base - self.floor - of_size, fresh - base,
            learnt - fresh, loss - learnt,
        )  # fmt: skip

    def interval(
        self,
        parameters: FloatsLike,
        tokens: FloatsLike,
        unique_tokens: FloatsLike,
        weight_decay: FloatsLike = USUAL_WEIGHT_DECAY,
    ) -> tuple[Floats, Floats]:
        """Return the ends of the 90 % interval of one more run [nats per token].

        Half of it is ``scatter + scatter_start_up · start-up + scatter_excess · excess``, and as
        much again for each factor of e by which a size or a number of tokens leaves the runs that
        were fitted.

        Examples
        --------
        >>> low, high = repetition_law().interval([1e9, 1e12], 2e10, 2e10)
        >>> bool((high - low)[1] > 5 * (high - low)[0])
        True
        """
        parts = self.parts(parameters, tokens, unique_tokens, weight_decay)
        return self.interval_of(parts, parameters, tokens)

    def interval_of(
        self, parts: LossParts, parameters: FloatsLike, tokens: FloatsLike
    ) -> tuple[Floats, Floats]:
        """Return the same interval from the parts of a loss."""
        half = (
            self.scatter
            + self.scatter_start_up * parts.start_up
            + self.scatter_excess * (parts.faded + parts.memorised)
        )
        far = sum(
            np.abs(np.log(positive(value) / np.clip(value, *FITTED[name])))
            for name, value in (("parameters", parameters), ("tokens", tokens))
        )
        loss, half = sum(parts), half * (1.0 + far)
        return np.maximum(loss - half, 0.0), loss + half

    def risk(self, excess: FloatsLike, threshold: FloatsLike) -> Floats:
        """Return the probability that the true excess passes a threshold, given the expected.

        The log of the ratio of true and expected excess scatters as a logistic distribution:
        ``1 / (1 + (threshold / excess)^(1 / scale))``; 0 without excess.

        Examples
        --------
        >>> repetition_law().risk([0.0, 0.05], 0.05)
        array([0. , 0.5])
        """
        more = np.asarray(excess, dtype=np.float64)
        power = 1.0 / self.excess_scale
        ratio = np.minimum(more / threshold, 1e9) ** power
        chance: Floats = (ratio / (1.0 + ratio))[()]
        return chance

    def excess_interval(self, excess: FloatsLike) -> tuple[Floats, Floats]:
        """Return the ends of the 90 % interval of an expected excess."""
        factor = np.exp(_LOGISTIC_90 * self.excess_scale)
        more = np.asarray(excess, dtype=np.float64)[()]
        return more / factor, more * factor

    def _base(self, size: Array, worth: Array) -> Array:
        of_size = self.A * (size / 1e9) ** -self.alpha
        of_data = self.B * (worth / 1e10) ** -self.beta
        return self.floor + np.cbrt(of_size**_NORM + of_data**_NORM)

    def _started(self, size: Array, seen: Array, base: Array) -> Array:
        few = self.steps * (size / 1e9) / (seen / 1e10)
        loss = base + (UNIFORM - base) * (few / (1.0 + few))
        slow = np.exp(-np.cbrt(seen / self.start_tokens * (size / 1e9) ** self.start_alpha))
        return loss + (UNIFORM - loss) * slow

    def _share(
        self,
        parameters: FloatsLike,
        tokens: FloatsLike,
        unique_tokens: FloatsLike,
        weight_decay: FloatsLike,
        learnt: Floats,
    ) -> Array:
        """Return the share of the uniform guess in the mixture: room times time, from 0 to 1."""
        size, seen, unique = map(positive, (parameters, tokens, unique_tokens))
        held = np.minimum((self.room * size / unique) ** self.kappa, _MUCH)
        held = held * decay_factor(weight_decay)
        x = held * (3.0 / learnt) ** (1.5 * self.kappa)
        room = x / (1.0 + np.minimum(x, _MUCH) ** _SHARP) ** (1.0 / _SHARP)
        spare = (1.0 + held**_SHARP) ** (1.0 / (_SHARP * self.kappa))
        repeats = np.maximum(seen / unique - 1.0, 0.0)
        with np.errstate(divide="ignore"):
            seen_again = 1.0 / (1.0 + (self.half_repeats / repeats) ** 1.75)
        learning = 1.0 / (1.0 + (self.half_tokens / (seen * spare)) ** 1.5)
        share: Array = room * seen_again * learning
        return share


@cache
def repetition_law() -> RepetitionLaw:
    """Return the law with the constants of ``data/repetition.csv``.

    Examples
    --------
    >>> bool(3.6 < repetition_law()(146e6, 5.9e9, 1e8) < 3.8)
    True
    """
    values = packaged_values("paramscale.laws", "repetition.csv")
    try:
        return RepetitionLaw(**values)
    except TypeError as error:
        raise FileFormatError(f"repetition.csv: {error}") from None
