"""Loss that compression adds, from how much of the weights it throws away and who is compressed.

``delta = exp(level + slope x + bend x^2) S`` nats with ``x = ln(nu / 0.01)``, nu the energy of
the error over that of the weights (`paramscale.laws.noise`). Near 1 % and below, delta is close to
proportional to nu, as a quadratic minimum of the loss wants it; above, it grows faster. The
sensitivity S is that of the model, whatever is done to it:

``ln S = (size + size_slope x) ln(N / 7e9) + data ln((D + 1e12) / 3e12) + text`` and, on WikiText,
``memorised ln(N / 13e9)`` above 13e9.

More tokens in the same weights leave less slack (Ouyang et al. 2024, arXiv:2411.17691), which shows
from about a trillion on: Llama-2 bears little less than Llama-1 of half the tokens, Llama-3 much
less. Large models know WikiText by heart, in fine detail that goes first.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

import attrs
import numpy as np

from paramscale.core.packaged import packaged_rows
from paramscale.errors import FileFormatError
from paramscale.laws.compression_methods import Method
from paramscale.laws.quantized_training import bits_factor, quantized_training
from paramscale.typing import Floats

__all__ = ["TEXTS", "Added", "CompressionLaw", "MethodFit", "compression_law", "format_kinds"]

#: What the loss is that is added to: WikiText-2, as nearly all measurements, or ordinary web text.
TEXTS = ("wikitext", "ordinary")

NOISE, PARAMETERS, TOKENS, LARGE = 0.01, 7e9, 2e12, 13e9
#: Tokens up to which a model has slack. Of 0, 0.5, 1 and 2 T, 1 T predicts models left out best.
SLACK = 1e12
#: A model that guesses: no change adds much more than the logarithm of a vocabulary.
_LN_GUESS = -np.log(np.log(2.6e5))
_ZERO, _ONE = np.float64(0.0), np.float64(1.0)
_LN_NOISE, _LN_PARAMETERS, _LN_TOKENS, _LN_LARGE = map(
    np.log, (NOISE, PARAMETERS, TOKENS + SLACK, LARGE)
)


@attrs.frozen(eq=False)
class MethodFit:
    """Coefficients of one method.

    Parameters
    ----------
    name : str
        Of the method.
    level, slope, bend : float
        Of ``ln delta`` in ``x``.
    size, size_slope, data, memorised, ordinary : float
        Of the sensitivity; `ordinary` is added for text other than WikiText.
    scatter : float
        Standard deviation of ``ln delta`` of models that were left out.
    low, high : float
        Range of ``x`` that was measured.
    offsets : mapping
        What else is added to ``ln delta``: by format, by kind of format, for missing facts.
    """

    name: str
    level: float
    slope: float
    bend: float
    size: float
    size_slope: float
    data: float
    memorised: float
    ordinary: float
    scatter: float
    low: float
    high: float
    offsets: Mapping[str, float]


class Added(NamedTuple):
    """ln of the loss added, its deviation, how far outside the measured it lies, and in nats.

    `floor` is the deviation [nats] of what has nothing to do with the change itself.
    """

    log: Floats
    scatter: Floats
    beyond: Floats
    floor: float = 0.0


class Fixed(NamedTuple):
    """What of a loss added does not depend on the model: ln of it, x, scatter, how far outside."""

    fit: MethodFit
    log: Floats
    x: Floats
    variance: Floats
    outside: Floats


@attrs.frozen(eq=False)
class CompressionLaw:
    """The coefficients of all methods, and how far to trust them outside what was measured.

    Parameters
    ----------
    methods : mapping of str to MethodFit
        By name; the families are there too, for methods without coefficients of their own.
    parts : mapping of str to (float, float)
        Activations and caches: ln of the loss added at nu = 0.01 and S = 1, and its deviation.
    recovery_tokens, recovery_exponent, recovery_scatter : float
        t tokens a parameter of training after a change leave 1 / (1 + (t / tokens)^exponent) of
        its loss, and the scatter of the logarithm of that.
    sizes : tuple of float
        Range of ln N of the models that were measured.
    accuracy : mapping of str to (float, float)
        Rate at which accuracy above chance shrinks with the loss added, of benchmarks that compare
        likelihoods and of those that want answers, and the scatter of its logarithm.
    floor : float
        Standard deviation [nats] of differences that have nothing to do with the method: what a
        measured loss scatters by between equal models.
    unknown_data, unknown_method, alike_method, per_noise, per_size : float
        What widens the scatter: tokens not known; a method that was not fitted, or that is taken
        for another of its kind; a unit of ``x`` outside the measured range; a unit of ln N outside
        that of the models.
    trained_scatter, trained_floor : float
        Of models trained under rounding: deviation of ln of the loss added, and in nats.
    source : str
        How it was fitted.
    """

    methods: Mapping[str, MethodFit]
    parts: Mapping[str, tuple[float, float]]
    accuracy: Mapping[str, tuple[float, float]]
    floor: float
    unknown_data: float
    unknown_method: float
    alike_method: float
    trained_scatter: float
    trained_floor: float
    per_noise: float
    per_size: float
    sizes: tuple[float, float]
    recovery_tokens: float
    recovery_exponent: float
    recovery_scatter: float
    source: str

    def fit_of(self, method: Method) -> MethodFit:
        """Return the coefficients of a method, or of its family."""
        found = self.methods.get(method.name)
        return self.methods[method.family] if found is None else found

    def sensitivity(
        self,
        fit: MethodFit,
        parameters: Floats,
        tokens: Floats | None,
        text: str,
        x: Floats = _ZERO,
    ) -> Floats:
        """Return ln S of a model; tokens of None are taken as 2e12."""
        return self._sensitivity(fit, np.log(parameters), tokens, text, x)

    def _sensitivity(
        self, fit: MethodFit, size: Floats, tokens: Floats | None, text: str, x: Floats
    ) -> Floats:
        log: Floats = (fit.size + fit.size_slope * x) * (size - _LN_PARAMETERS)
        if tokens is not None:
            log = log + fit.data * (np.log(tokens + SLACK) - _LN_TOKENS)
        if text == "wikitext":
            by_heart = fit.memorised * _outside(size, 0.0, _LN_LARGE)
            log = log + (by_heart if tokens is None else by_heart * learnt(tokens))
        else:
            log = log + fit.ordinary
        return log

    def added(
        self,
        method: Method,
        noise: Floats,
        parameters: Floats,
        tokens: Floats | None,
        *,
        offset: Floats = _ZERO,
        text: str = "wikitext",
    ) -> Added:
        """Return ln of the loss added [nats] by a method at some noise, and its deviation.

        Parameters
        ----------
        method : Method
            Of rounding or cutting.
        noise : float or array
            nu; broadcasts.
        parameters, tokens : float or array
            Of the model; broadcast. None: tokens are not known.
        offset : float
            Added to the logarithm: that of a format.
        text : str
            One of `TEXTS`.
        """
        return self.of_model(self.fixed(method, noise, offset), parameters, tokens, text)

    def fixed(self, method: Method, noise: Floats, offset: Floats = _ZERO) -> Fixed:
        """Return what of a loss does not depend on the model: see `added`."""
        fit = self.fit_of(method)
        x = self.x_of(noise)
        log = fit.level + offset + x * (fit.slope + fit.bend * x)
        outside = _outside(x, fit.low, fit.high)
        variance = fit.scatter**2 + (self.per_noise * outside) ** 2
        if method.alike:
            variance = variance + self.alike_method**2
        elif method.name == method.family != "gguf" or method.name not in self.methods:
            variance = variance + self.unknown_method**2
        return Fixed(fit, log, x, variance, outside)

    def fixed_part(self, name: str, noise: Floats) -> Fixed:
        """Return the same of activations or caches: loss in proportion to their noise."""
        level, scatter = self.parts[name]
        log = level + self.x_of(noise)
        return Fixed(self.methods["scalar"], log, _ZERO, np.float64(scatter**2), _ZERO)

    def of_model(self, fixed: Fixed, parameters: Floats, tokens: Floats | None, text: str) -> Added:
        """Return a loss of a model; an unusual size and unknown tokens widen its scatter."""
        size = np.log(parameters)
        log = fixed.log + self._sensitivity(fixed.fit, size, tokens, text, fixed.x)
        beyond = _outside(size, *self.sizes)
        variance = fixed.variance + (self.per_size * beyond) ** 2
        if tokens is None:
            variance = variance + self.unknown_data**2
        return Added(
            -most(-log, _LN_GUESS), np.sqrt(variance), most(fixed.outside, beyond), self.floor
        )

    def trained(self, bits: Floats, activations: Floats, size: Floats, tokens: Any) -> Added:
        """Return what training under rounding costs, beside the same training in 16 bits.

        The law of `paramscale.laws.quantized_training`, with activations: they were learnt too.
        """
        law, data = quantized_training(), TOKENS if tokens is None else tokens
        loss = law(size, data, bits_factor(bits, activations)) - law(size, data, _ONE)
        return Added(np.log(loss), np.float64(self.trained_scatter), _ZERO, self.trained_floor)

    def x_of(self, noise: Floats) -> Floats:
        """Return ln(nu / 0.01)."""
        x: Floats = np.log(noise) - _LN_NOISE
        return x


def learnt(tokens: Floats) -> Floats:
    """Return what share of the text that a model can hold it was taught: all from 1e12 tokens on.

    An assumption: no large model of less training was measured, and none knows by heart what it
    hardly saw.
    """
    if isinstance(tokens, float):  # np.minimum costs ten times as much for a number
        return min(tokens / SLACK, _ONE)
    return np.minimum(tokens / SLACK, 1.0)


def format_kinds(name: str) -> tuple[str, ...]:
    """Return what a file type of llama.cpp is counted among, itself last.

    Formats before the k-quants spend their bits worse (``legacy``), those with a minimum beside
    the scale no better for it (``legacy_minimum``).

    Examples
    --------
    >>> format_kinds("q4_1"), format_kinds("Q4_K_M")
    (('kind:legacy', 'kind:legacy_minimum', 'format:q4_1'), ('format:q4_k_m',))
    """
    lower = name.lower()
    legacy = lower[:1] == "q" and lower[2:] in ("_0", "_1")
    kinds = {
        "kind:legacy": legacy,
        "kind:legacy_minimum": legacy and lower.endswith("1"),
        "kind:iq": lower.startswith("iq"),
        "kind:small": lower.endswith("k_s"),
        "kind:large": lower.endswith("k_l"),
    }
    return (*(kind for kind, holds in kinds.items() if holds), f"format:{lower}")


def most(one: Floats, other: Floats) -> Floats:
    """Return the greater of two; np.maximum costs ten times as much for numbers."""
    if isinstance(one, float) and isinstance(other, float):
        return max(one, other)
    return np.maximum(one, other)


def _outside(value: Floats, low: float, high: float) -> Floats:
    """Return how far a value lies outside a range."""
    if isinstance(value, float):  # np.maximum costs ten times as much for a number
        return max(low - value, value - high, _ZERO)
    return np.maximum(np.maximum(low - value, value - high), 0.0)


@cache
def compression_law() -> CompressionLaw:
    """Return the law fitted by ``tools/fit_compression.py``, from ``laws/data/compression.csv``."""
    rows = packaged_rows("paramscale.laws", "compression.csv")
    try:
        return law_of_rows(rows)
    except (KeyError, ValueError) as error:
        raise FileFormatError(f"laws/data/compression.csv: {error!r} missing or wrong") from error


_FIELDS = tuple(field.name for field in attrs.fields(MethodFit))[1:-1]
_WIDER = (
    "floor", "unknown_data", "unknown_method", "alike_method", "trained_scatter", "trained_floor",
    "per_noise", "per_size", "recovery_tokens", "recovery_exponent", "recovery_scatter",
)  # fmt: skip


def law_of_rows(rows: list[dict[str, str]]) -> CompressionLaw:
    """Return the law of rows ``method, coefficient, value, standard_error, fitted_on``."""
    values: dict[str, dict[str, float]] = {}
    for row in rows:
        values.setdefault(row["method"], {})[row["coefficient"]] = float(row["value"])
    pairs: dict[str, dict[str, tuple[float, float]]] = {}
    for row in rows:
        pair = float(row["value"]), float(row["standard_error"])
        pairs.setdefault(row["method"], {})[row["coefficient"]] = pair
    parts, accuracy = pairs["part"], pairs["accuracy"]
    del values["part"], values["accuracy"]
    common: dict[str, Any] = values.pop("")
    return CompressionLaw(
        methods={name: _fit(name, given) for name, given in values.items()},
        parts=parts,
        accuracy=accuracy,
        sizes=(common["sizes_low"], common["sizes_high"]),
        source=rows[0]["fitted_on"],
        **{name: common[name] for name in _WIDER},
    )


def _fit(name: str, given: dict[str, float]) -> MethodFit:
    offsets = {key: value for key, value in given.items() if key not in _FIELDS}
    return MethodFit(name, **{key: given[key] for key in _FIELDS}, offsets=offsets)
