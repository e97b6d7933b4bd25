"""Loss that the changes of a model add: each record's noise, through the law of its method."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from paramscale.core.interval import Z90
from paramscale.laws.compression import (
    Added,
    CompressionLaw,
    Fixed,
    compression_law,
    format_kinds,
    most,
)
from paramscale.laws.compression_methods import Method, method_named
from paramscale.laws.noise import coded_noise, floating_noise, pattern_noise, rounding_noise
from paramscale.specs.changes import Distillation, Pruning, Quantization
from paramscale.typing import Floats

__all__ = ["NOTHING", "ROW", "Compressed", "losses_added", "noise_of_weights", "some"]

#: Weights of a row, where a scale is kept a row: what models of a few billions have.
ROW = 4096.0
#: Bits from which a format is taken to lose nothing.
WHOLE = 16.0
#: What no measured loss is known for, by kind of change, and why.
UNKNOWN = {
    "low_rank": "what a low rank loses depends on the singular values, which nobody states",
    "shared_kv": "no loss was measured after merging key-value heads",
    "windowed": "no loss was measured after limiting attention to a window",
    "upcycling": "no loss was measured after copying feed-forward blocks to experts",
}

#: Bits that scales add to the codes of a block format that nobody knows: those of Q4_0, Q8_0.
_OVERHEAD = 0.5


class Compressed(NamedTuple):
    """Loss added by all that was done to a model.

    Attributes
    ----------
    value, low, high : float or array
        Loss added [nats], and its 90 % interval.
    parts : mapping of str to float or array
        By what was done.
    beyond : float or array
        How far, in logarithms of noise or size, the least measured part lies outside of what was
        measured; 0 inside.
    remarks : tuple of str
        What widened the interval, in words.
    """

    value: Floats
    low: Floats
    high: Floats
    parts: dict[str, Floats]
    beyond: Floats
    remarks: tuple[str, ...]


class _Part(NamedTuple):
    name: str
    added: Added
    share: Floats
    spread: Floats


_ZERO, _ONE = np.float64(0.0), np.float64(1.0)
NOTHING = Compressed(_ZERO, _ZERO, _ZERO, {"weights": _ZERO}, _ZERO, ())


def losses_added(
    changes: Iterable[Any],
    parameters: Floats,
    tokens: Floats | None,
    *,
    text: str = "wikitext",
) -> Compressed:
    """Return the loss that changes add to a model together: the sum of their losses.

    Parameters
    ----------
    changes : iterable of Change
        What was done. Distillation after pruning is recovery; adapters add nothing.
    parameters : float or array
        Of the model; a record of pruning that states those before is taken at its word.
    tokens : float or array, optional
        Of its training; None where not known, and then the interval is wider.
    text : str
        What the loss is measured on: ``"wikitext"`` or ``"ordinary"`` web text.

    Examples
    --------
    >>> four = Quantization(method="awq", weight_bits=4, group=128)
    >>> found = losses_added([four], np.float64(6.74e9), np.float64(2e12))
    >>> bool(found.low < 0.0235 < found.high)  # Llama-2-7B, qserve README
    True
    """
    law = compression_law()
    recovered: Floats = _ZERO
    changes = tuple(changes)
    for change in changes:
        if isinstance(change, Distillation):
            recovered = recovered + change.tokens
    parts: list[_Part] = []
    remarks: list[str] = []
    for change in changes:
        if change.kind in UNKNOWN:
            remarks.append(UNKNOWN[change.kind])
            nothing = Added(np.float64(np.nan), _ZERO, _ZERO)
            parts.append(_Part(change.kind, nothing, np.float64(1.0), _ZERO))
        elif isinstance(change, (Quantization, Pruning)):
            size = parameters
            if isinstance(change, Pruning) and not some(np.isnan(change.parameters_before)):
                size = change.parameters_before
            share, spread = _left(law, change.recovery_tokens + recovered, size)
            remarks += _done(change)[1]
            for name, added in _added(law, change, size, tokens, text):
                parts.append(_Part(name, added, share, spread))
    return _summed(law, parts, remarks, tokens is None) if parts else NOTHING


def some(mask: Any) -> bool:
    """Return whether a condition holds anywhere; np.any costs ten times as much for one truth."""
    return bool(mask) if isinstance(mask, np.bool_) else bool(np.any(mask))


def _summed(
    law: CompressionLaw, parts: list[_Part], remarks: list[str], unknown: bool
) -> Compressed:
    total: Floats = _ZERO
    square: Floats = _ZERO
    floor = max(part.added.floor for part in parts)
    beyond: Floats = _ZERO
    shown: dict[str, Floats] = {}
    for part in parts:
        loss = np.exp(part.added.log) * part.share
        total = total + loss
        square = square + loss * loss * (part.added.scatter**2 + part.spread**2)
        beyond = most(beyond, part.added.beyond)
        shown[part.name] = shown[part.name] + loss if part.name in shown else loss
    if unknown:
        remarks = [*remarks, "training tokens are not stated, taken as 2 T"]
    if some(beyond > 0.1):
        remarks = [*remarks, "outside the sizes, bits or sparsities that were measured"]
    if isinstance(total, float):
        relative = np.sqrt(square) / total if total > 0.0 else _ZERO
    else:
        with np.errstate(invalid="ignore"):
            relative = np.where(total > 0.0, np.sqrt(square) / total, 0.0)
    factor, least = np.exp(Z90 * relative), Z90 * floor * (total > 0.0)
    low, high = total / factor - least, total * factor + least
    return Compressed(total, low, high, shown, beyond, tuple(dict.fromkeys(remarks)))


def _left(law: CompressionLaw, recovery: Floats, parameters: Floats) -> tuple[Floats, Floats]:
    """Return the share of the loss that training after the change leaves, and its log scatter."""
    if not some(recovery > 0.0):
        return _ONE, _ZERO
    per = recovery / parameters / law.recovery_tokens
    share = 1.0 / (1.0 + per**law.recovery_exponent)
    return share, np.where(recovery > 0.0, law.recovery_scatter, 0.0)[()]


class _Done(NamedTuple):
    """One thing that a record did, the same for every model; None: trained under rounding."""

    name: str
    lossy: Any
    fixed: Fixed | None


def _added(
    law: CompressionLaw, change: Any, parameters: Floats, tokens: Floats | None, text: str
) -> Iterator[tuple[str, Added]]:
    """Yield what was done, and what it adds."""
    for name, lossy, fixed in _done(change)[0]:
        if fixed is None:
            inner = change.weight_bits, change.activation_bits
            yield name, _where(lossy, law.trained(*inner, parameters, tokens))
        else:
            yield name, _where(lossy, law.of_model(fixed, parameters, tokens, text))


@lru_cache(maxsize=256)
def _done(change: Quantization | Pruning) -> tuple[tuple[_Done, ...], tuple[str, ...]]:
    """Return what a record did, and remarks: records are frozen, and one serves many sizes."""
    law, remarks = compression_law(), list[str]()
    with np.errstate(divide="ignore"):
        if isinstance(change, Pruning):
            return (_cut(law, change, remarks),), tuple(remarks)
        return tuple(_rounded(law, change, remarks)), tuple(remarks)


def _rounded(law: CompressionLaw, change: Quantization, remarks: list[str]) -> Iterator[_Done]:
    trained = False
    if some(change.weight_bits < WHOLE):
        method = method_named(change.method)
        _remark(method, change.method, remarks)
        fixed, trained = None, method.name == "trained"
        if not trained:
            noise = noise_of_weights(change, method)
            fixed = law.fixed(method, noise, _offset(law, change, method))
        name = "trained" if trained else f"weights, {method.name}"
        yield _Done(name, change.weight_bits < WHOLE, fixed)
    for name, lossy, noise in _other_noise(change):
        if not (trained and name != "cache"):  # what was learnt with activations holds them
            yield _Done(name, lossy, law.fixed_part(name, noise))


def _cut(law: CompressionLaw, change: Pruning, remarks: list[str]) -> _Done:
    family = "cut" if change.structure in ("unstructured", "2:4", "4:8") else "structured"
    method = method_named(change.method, family)
    _remark(method, change.method, remarks)
    if change.structure in ("depth", "heads", "experts"):
        remarks.append(f"no loss was measured of {change.structure} taken out: as for channels")
        method = method._replace(known=False)
    noise = pattern_noise(change.structure, change.sparsity)
    if family == "structured":  # of a width, the share of weights that goes is larger
        left = change.parameters_after / change.parameters_before
        noise = np.where(np.isfinite(left), 1.0 - left, noise)[()]
    return _Done("pruning", np.True_, law.fixed(method, noise))


def _remark(method: Method, words: str, remarks: list[str]) -> None:
    if not method.known:
        remarks.append(f"the method {words!r} was not met: taken for the mean {method.family} one")
    elif method.alike:
        remarks.append(f"the method {words!r} was not measured: taken for {method.name}")


_MANTISSAS = (
    (2.0, ("e5m2",)), (3.0, ("fp8", "float8", "e4m3", "e2m3", "fp6")), (1.0, ("fp4",)),
)  # fmt: skip


@lru_cache(maxsize=256)
def _floating(words: str) -> float:
    """Return bits of the mantissa of a floating format named in some words; 0 if there is none."""
    for bits, names in _MANTISSAS:
        if any(name in words for name in names):
            return bits
    return 0.0


def _name(given: Any) -> str:
    """Return the name of a format, or of one that is named."""
    return given if isinstance(given, str) else str(getattr(given, "name", ""))


def _file_type(change: Quantization) -> str:
    """Return the file type of llama.cpp of a record, as its format or its method names it."""
    return type_named(f"{_name(change.weight_format)} {change.method}")


@lru_cache(maxsize=256)
def type_named(words: str) -> str:
    """Return the file type of llama.cpp in some words, the nearest known for a new one.

    Examples
    --------
    >>> type_named("GGUF+imatrix IQ3_XXS"), type_named("UD-Q4_K_XL"), type_named("Q3_K")
    ('iq3_xxs', 'q4_k_m', 'q3_k_m')
    """
    found = _TYPE.search(words.lower())
    if not found:
        return ""
    name, offsets = found[0], compression_law().methods["gguf"].offsets
    shorter = re.sub(r"_(x*l|x+s|m|s)$", "", name)
    tried = (name, *(f"{shorter}{end}" for end in ("_m", "_s", "_xs", ""))) if "_" in name else ()
    return next((each for each in tried if f"bits:{each}" in offsets), name)


_TYPE = re.compile(r"\b(i?q\d\w*|tq\d_\d|mxfp4_moe)")


@lru_cache(maxsize=256)
def _file_bits(file_type: str) -> tuple[float, float]:
    """Return the bits a weight of a plain block, and of whole files that share its name.

    Files keep some tensors in more bits, and only files were measured. 0 where there is none.
    """
    offsets = compression_law().methods["gguf"].offsets
    return offsets.get(f"block:{file_type}", 0.0), offsets.get(f"bits:{file_type}", 0.0)


def _bits_held(change: Quantization, method: Method) -> Floats:
    """Return the bits a weight takes, those of whole files where a record states none."""
    bits = change.bits_per_weight
    block, other = 0.0, change.weight_bits
    if method.family == "gguf":
        block, whole = _file_bits(_file_type(change))
        other = np.float64(whole) if whole else change.weight_bits + _OVERHEAD
    if isinstance(bits, float) and isinstance(other, float):
        return bits if bits > block else other  # NaN, or the bits of the block alone
    return np.where(bits > block, bits, other)


def noise_of_weights(change: Quantization, method: Method) -> Floats:
    """Return nu of the weights under a record of quantization."""
    if method.family in ("gguf", "codebook"):
        return coded_noise(_bits_held(change, method))
    mantissa = _floating(f"{_name(change.weight_format)} {change.method}".lower())
    if mantissa:
        return floating_noise(mantissa)
    return rounding_noise(change.weight_bits, ROW if change.group is None else change.group)


@lru_cache(maxsize=1024)
def _offset_of(method: str, format_name: str, grouped: bool, imatrix: bool) -> tuple[float, float]:
    """Return what a format adds to ln(loss), and what the importance matrix adds a unit of x."""
    fit = compression_law().methods.get(method)
    if fit is None:
        return 0.0, 0.0
    names = [] if grouped else ["no_group"]
    if method == "gguf":
        names = [*format_kinds(format_name), *(["importance"] if imatrix else [])]
    level = sum(fit.offsets.get(name, 0.0) for name in names)
    return level, fit.offsets.get("importance_slope", 0.0) if imatrix else 0.0


def _offset(law: CompressionLaw, change: Quantization, method: Method) -> Floats:
    level, slope = _offset_of(
        method.name, _file_type(change), change.group is not None, change.importance_matrix
    )
    if not slope:
        return np.float64(level)
    return level + slope * law.x_of(noise_of_weights(change, method))


def _where(lossy: Any, added: Added) -> Added:
    """Return what is added, nothing at the points of a grid that stay in 16 bits."""
    if isinstance(lossy, np.bool_):
        return added
    log = np.where(lossy, added.log, -np.inf)
    return added._replace(log=log, beyond=np.where(lossy, added.beyond, 0.0))


def _other_noise(change: Quantization) -> Iterator[tuple[str, Any, Floats]]:
    """Yield activations and caches in few bits, and their noise."""
    if some(change.activation_bits < WHOLE):
        words = _name(change.activation_format).lower()
        mantissa = _floating(words) or (3.0 if "fp8" in change.method.lower() else 0.0)
        noise = (
            floating_noise(mantissa) if mantissa else rounding_noise(change.activation_bits, ROW)
        )
        method = method_named(change.method).name
        eight = bool(np.all(change.activation_bits >= 8.0))
        smooth = method == "smoothquant" and eight
        kind = "rotated" if method == "rotated" or mantissa else "smooth" if smooth else "plain"
        yield f"activation_{kind}", change.activation_bits < WHOLE, noise
    if some(change.kv_bits < WHOLE):
        mantissa = _floating(_name(change.kv_format).lower())
        noise = floating_noise(mantissa) if mantissa else rounding_noise(change.kv_bits, 32.0)
        yield "cache", change.kv_bits < WHOLE, noise
