"""Number formats of a serving scenario as a record of quantization."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from paramscale.catalogue.formats import Format
from paramscale.catalogue.mixtures import AnyFormat, as_one_format, plain_format
from paramscale.catalogue.rounding import usual_method
from paramscale.specs.changes import Quantization

__all__ = ["record_of_formats"]


@lru_cache(maxsize=256)
def record_of_formats(weight_format: Any, kv_format: Any) -> Quantization | None:
    """Return what storing weights and caches in some formats does; None where nothing is lost.

    Weights are taken to be rounded as is usual for the format, by the name that was given for it.

    Parameters
    ----------
    weight_format, kv_format : str, Format or Mixture, optional
        None: in 16 bits.

    Examples
    --------
    >>> record_of_formats("awq-int4-g128", "bf16").method, record_of_formats(None, "bf16")
    ('awq', None)
    """
    weights, cache = as_one_format(weight_format), as_one_format(kv_format)
    held, kept = _is_lossy(weights), _is_lossy(cache)
    if not held and not kept:
        return None
    name = weight_format if isinstance(weight_format, str) else ""
    found: dict[str, Any] = {} if not held else _weights(weights, name)
    if kept:
        found |= {"kv_bits": cache.bits_per_weight, "kv_format": cache.name}
    return Quantization(**found)


def _is_lossy(stored: AnyFormat) -> bool:
    return bool(np.any(np.asarray(stored.bits_per_weight) < 16.0))


def _weights(stored: AnyFormat, name: str) -> dict[str, Any]:
    most = plain_format(stored)
    return {
        "method": usual_method(most, name),
        "weight_bits": most.code_bits / most.block_weights,
        "bits_per_weight": stored.bits_per_weight,
        "group": float(most.block_weights) if _is_scaled(most) else None,
        "weight_format": stored.name if isinstance(stored, Format) else stored.name.lower(),
        "importance_matrix": stored.name.lower().startswith("iq"),
    }


def _is_scaled(form: Format) -> bool:
    """Tell whether each block has a scale of its own."""
    return form.block_weights > 1 and form.overhead_bits > 0
