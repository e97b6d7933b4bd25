"""How the tensors of a served model are stored: bytes an element, by what an operation is."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from paramscale.catalogue.formats import Format, as_format
from paramscale.specs.block import Operation
from paramscale.specs.serving import ServingSpec

__all__ = ["UNQUANTIZED", "Storage", "expert_format", "storage_of"]

#: Parts whose matrices stay as they are when the others are quantized: published fp8, nvfp4, AWQ
#: and GPTQ checkpoints keep head and router in 16 bits. Files in GGUF block formats do not.
UNQUANTIZED = frozenset({"head", "router", "embedding"})


class Storage(NamedTuple):
    """Bytes an element: of plain tensors, matrices, routed experts, and states by their kind."""

    plain: float
    dense: float
    expert: float
    state: dict[str, float]

    def of(self, op: Operation) -> float:
        """Return the bytes an element of the weights of an operation."""
        if op.kind != "matmul" or op.part in UNQUANTIZED:
            return self.plain
        return self.expert if op.split == "experts" else self.dense


def expert_format(serving: ServingSpec) -> Format:
    """Return the number format of the routed experts."""
    given = serving.expert_format
    return as_format(serving.weight_format if given is None else given)


def storage_of(serving: ServingSpec) -> Storage:
    """Return how a served model is stored.

    Examples
    --------
    >>> stored = storage_of(ServingSpec(weight_format="nvfp4"))
    >>> stored.plain, stored.dense
    (2.0, 0.5625)
    """
    return _storage(
        as_format(serving.weight_format), expert_format(serving),
        as_format(serving.activation_format), as_format(serving.kv_format),
    )  # fmt: skip


@lru_cache(maxsize=256)
def _storage(stored: Format, experts: Format, computed: Format, cache: Format) -> Storage:
    dense, plain = stored.bits_per_weight / 8.0, computed.bits_per_weight / 8.0
    return Storage(
        dense if stored.family.startswith("GGUF") else max(plain, dense),
        dense,
        experts.bits_per_weight / 8.0,
        {"kv": cache.bits_per_weight / 8.0, "model": plain, "fp32": 4.0},
    )
