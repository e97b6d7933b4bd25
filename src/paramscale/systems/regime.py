"""Which coefficients a way of serving has."""

from __future__ import annotations

from paramscale.specs.serving import ServingSpec
from paramscale.systems.storage import weight_format

__all__ = ["regime_of"]

#: Engines for one user, which keep one sequence going.
_SINGLE = frozenset({"llama.cpp", "exllama", "mlc", "mlx"})


def regime_of(serving: ServingSpec) -> str:
    """Return the regime of a way of serving.

    Examples
    --------
    >>> regime_of(ServingSpec()), regime_of(ServingSpec(weight_format="q4_k"))
    ('continuous', 'single_stream')
    """
    if serving.engine in _SINGLE:
        return "single_stream"
    if not serving.engine and weight_format(serving).family.startswith("GGUF"):
        return "single_stream"
    if serving.schedule == "static" or serving.engine in ("gpt-fast", "transformers"):
        return "static"
    return "continuous"
