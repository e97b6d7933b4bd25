"""Forms that were tried for loss under repetition; ``fit_repetition.py`` compares them.

Each takes a vector of constants, N, D and U (arrays), and comes with a start and a spread of
starts. Sizes are in 1e9, tokens in 1e10 and unique tokens in 1e9 inside, scales as logarithms.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from paramscale.laws.repetition import UNIFORM, RepetitionLaw

Vector = Any
exp, log = np.exp, np.log


class Trial(NamedTuple):
    """A form under trial."""

    loss: Callable[[Vector, Vector, Vector, Vector], Vector]
    start: list[float]
    spread: list[float]


def logs(N: Vector, D: Vector, U: Vector) -> tuple[Vector, Vector, Vector, Vector]:
    return log(N / 1e9), log(D / 1e10), log(U / 1e9), np.maximum(D / U - 1.0, 1e-12)


def chinchilla(t: Vector, n: Vector, d: Vector) -> Vector:
    E, a, alpha, b, beta = t
    return E + exp(a - alpha * n) + exp(b - beta * d)


def muennighoff2023(t: Vector, N: Vector, D: Vector, U: Vector) -> Vector:
    """Repeats, and size beyond the optimum for U, fade exponentially (equation 5 there)."""
    E, a, alpha, b, beta, kept_data, kept_size = t
    ratio = alpha * exp(a) / (beta * exp(b))
    best = 1e9 * (ratio * (np.minimum(U, D) / 1e10) ** beta) ** (1.0 / alpha)
    base = np.minimum(N, best)
    more, repeats = np.maximum(N / base - 1.0, 0.0), D / U - 1.0
    data = U * (1.0 + exp(kept_data) * -np.expm1(-repeats / exp(kept_data)))
    size = base * (1.0 + exp(kept_size) * -np.expm1(-more / exp(kept_size)))
    return E + exp(a) * (size / 1e9) ** -alpha + exp(b) * (data / 1e10) ** -beta


def lovelace2026(t: Vector, N: Vector, D: Vector, U: Vector) -> Vector:
    """An additive penalty P R^delta (N/U)^kappa."""
    n, d, u, repeats = logs(N, D, U)
    return chinchilla(t[:5], n, d) + exp(t[5] + t[6] * log(repeats) + t[7] * (n - u))


def bounded(t: Vector, N: Vector, D: Vector, U: Vector) -> Vector:
    """The same terms, bounded by a uniform guess: E + (ln V - E) h / (1 + h)."""
    n, d, u, repeats = logs(N, D, U)
    h = chinchilla([0.0, *t[1:5]], n, d) + exp(t[5] + t[6] * log(repeats) + t[7] * (n - u))
    return t[0] + (UNIFORM - t[0]) * h / (1.0 + h)


def practical2026(t: Vector, N: Vector, D: Vector, U: Vector) -> Vector:
    """Bounded, with a term of N and unique tokens that knows no epochs."""
    n, d, u, _ = logs(N, D, U)
    h = chinchilla([0.0, *t[1:5]], n, d) + exp(t[5] + t[6] * n - t[7] * u)
    return t[0] + (UNIFORM - t[0]) * h / (1.0 + h)


def mixture(t: Vector, N: Vector, D: Vector, U: Vector) -> Vector:
    """Chinchilla, a start-up term N/D, and a mixture with a uniform guess."""
    n, d, u, repeats = logs(N, D, U)
    few = exp(t[5] + n - d)
    learnt = chinchilla(t[:5], n, d)
    learnt = learnt + (UNIFORM - learnt) * few / (1.0 + few)
    x = exp(t[6] + n - u)
    room = x / (1.0 + x**8) ** 0.125
    half = exp(t[7] - t[8] * u + t[9] * n)
    return learnt + (UNIFORM - learnt) * room * repeats**2 / (repeats**2 + half**2)


def two_starts(t: Vector, N: Vector, D: Vector, U: Vector) -> Vector:
    """The mixture with a start-up that is slow for small models too, as odds."""
    n, d, u, repeats = logs(N, D, U)
    few = exp(t[12] * (t[5] - d)) * (exp(t[10] * n) + exp(t[11] - t[13] * n))
    learnt = chinchilla(t[:5], n, d)
    learnt = learnt + (UNIFORM - learnt) * few / (1.0 + few)
    x = exp(t[6] + n - u)
    room = x / (1.0 + x**8) ** 0.125
    half = exp(t[7] - t[8] * u + t[9] * n)
    return learnt + (UNIFORM - learnt) * room * repeats**2 / (repeats**2 + half**2)


def stretched(t: Vector, N: Vector, D: Vector, U: Vector) -> Vector:
    """Size and data as a norm, start-up as a stretched exponential, room by N and U apart."""
    n, _, u, repeats = logs(N, D, U)
    law = RepetitionLaw(
        floor=t[0], A=exp(t[1]), alpha=t[2], B=exp(t[3]), beta=t[4], fade=0.0, steps=exp(t[5]),
        start_tokens=exp(t[6]), start_alpha=t[7], room=1.0, kappa=1.0, half_repeats=1.0,
        half_tokens=1.0,
    )  # fmt: skip
    learnt = np.asarray(law.fresh(N, D))
    x = exp(t[8] + t[9] * n - t[10] * u)
    room = x / (1.0 + x**8) ** 0.125
    half = exp(t[11] - t[12] * u)
    return learnt + (UNIFORM - learnt) * room * repeats**2 / (repeats**2 + half**2)


def law_of(t: Vector) -> RepetitionLaw:
    """Return the final law from a vector: scales as logarithms, exponents as they are."""
    return RepetitionLaw(
        floor=t[0], A=exp(t[1]), alpha=t[2], B=exp(t[3]), beta=t[4], fade=t[5], steps=exp(t[6]),
        start_tokens=exp(t[7]), start_alpha=t[8], room=exp(t[9]), kappa=t[10],
        half_repeats=exp(t[11]), half_tokens=exp(t[12]),
    )  # fmt: skip


def final(t: Vector, N: Vector, D: Vector, U: Vector) -> Vector:
    """The form of ``paramscale.laws.repetition``."""
    return np.asarray(law_of(t)(N, D, U))


def without_fade(t: Vector, N: Vector, D: Vector, U: Vector) -> Vector:
    """The final form with repeated tokens worth as much as fresh ones."""
    return final(np.concatenate([t[:5], [0.0], t[5:]]), N, D, U)


_ORDINARY = ([2.0, -0.8, 0.35, -0.8, 0.35], [0.3, 0.5, 0.1, 0.5, 0.1])
_BOUNDED = ([2.0, -3.0, 0.35, -3.0, 0.5], _ORDINARY[1])
_MIXED = ([0.0, -2.7, 4.0, 0.1, -0.3], [1.0, 0.5, 0.5, 0.3, 0.3])
_FINAL = (
    [1.3, 0.04, 0.24, 0.4, 0.17, 0.1, -6.0, 16.5, 0.54, -2.35, 1.13, 4.16, 21.4],
    [0.3, 0.3, 0.05, 0.3, 0.05, 0.1, 0.7, 0.5, 0.2, 0.3, 0.2, 0.3, 0.5],
)
_STRETCHED = (
    [*_FINAL[0][:5], *_FINAL[0][6:9], -2.6, 1.1, 1.0, 3.9, 0.2],
    [*_FINAL[1][:5], *_FINAL[1][6:9], 0.3, 0.2, 0.2, 0.3, 0.2],
)


def _trial(loss: Any, *parts: tuple[list[float], list[float]]) -> Trial:
    start, spread = ([x for part in parts for x in part[place]] for place in (0, 1))
    return Trial(loss, start, spread)


TRIALS = {
    "Muennighoff 2023, refitted": _trial(muennighoff2023, _ORDINARY, ([2.7, 1.6], [0.5, 0.5])),
    "Practical scaling laws 2026": _trial(
        practical2026, _BOUNDED, ([-4.0, 1.0, 1.0], [1.0, 0.3, 0.3])
    ),
    "Lovelace 2026, additive": _trial(lovelace2026, _ORDINARY, ([-6.0, 1.0, 1.0], [1.0, 0.3, 0.3])),
    "bounded odds": _trial(bounded, _BOUNDED, ([-7.0, 1.0, 1.0], [1.0, 0.3, 0.3])),
    "mixture with a uniform guess": _trial(mixture, _ORDINARY, _MIXED),
    "+ slow small models, as odds": _trial(
        two_starts, _ORDINARY, _MIXED, ([1.0, -2.0, 1.0, 0.5], [0.3, 0.5, 0.3, 0.3])
    ),
    "norm base, stretched start-up": _trial(stretched, _STRETCHED),
    "+ room = capacity / information": _trial(
        without_fade, (_FINAL[0][:5] + _FINAL[0][6:], _FINAL[1][:5] + _FINAL[1][6:])
    ),
    "+ repeats fade (final)": _trial(final, _FINAL),
}
