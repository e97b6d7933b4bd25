"""How the tensors of a served model are stored: bytes an element, by what an operation is."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from paramscale.catalogue.formats import Format, as_format
from paramscale.catalogue.mixtures import AnyFormat, Mixture, as_one_format, plain_format
from paramscale.specs.block import Operation
from paramscale.specs.hardware import HardwareSpec
from paramscale.specs.serving import ServingSpec
from paramscale.typing import Floats

__all__ = ["UNQUANTIZED", "Storage", "expert_format", "storage_of", "weight_format"]

#: Parts whose matrices stay as they are when the others are quantized: published fp8, nvfp4, AWQ
#: and GPTQ checkpoints keep head and router in 16 bits. Files in GGUF block formats do not.
#: Adapters stand beside the quantized matrices.
UNQUANTIZED = frozenset({"head", "router", "embedding", "adapter"})

_ONE = np.float64(1.0)
_NONE: Mapping[str, Floats] = MappingProxyType({})


class Storage(NamedTuple):
    """Bytes an element: of plain tensors, matrices, routed experts, and states by their kind.

    `mixture` names what is stored otherwise; `sparse` has the patterns of zeros that the machine
    passes over, with the share of the FLOPs that is left.
    """

    plain: float
    dense: float
    expert: float
    state: dict[str, float]
    mixture: Mixture | None = None
    sparse: Mapping[str, Floats] = _NONE

    def of(self, op: Operation) -> Floats:
        """Return the bytes an element of the weights of an operation takes where it is held."""
        each = self._dense(op)
        if op.sparse is None or not op.sparse.packed:
            return each
        return op.sparse.density * each + op.sparse.index_bits / 8.0

    def read(self, op: Operation) -> Floats:
        """Return the bytes an element that are read: all, unless the machine passes over zeros."""
        if op.sparse is None or op.sparse.pattern not in self.sparse:
            return self._dense(op)
        return self.of(op)

    def computed(self, op: Operation) -> Floats:
        """Return the FLOPs of an operation that the machine cannot pass over."""
        if op.sparse is None:
            return op.flops
        return op.flops * self.sparse.get(op.sparse.pattern, 1.0)

    def kept(self, op: Operation) -> Floats:
        """Return the share of the weights of an operation that is read as numbers."""
        if op.sparse is None or op.sparse.pattern not in self.sparse:
            return _ONE
        return op.sparse.density

    def _dense(self, op: Operation) -> Floats:
        if self.mixture is not None and (bits := self.mixture.bits_of(op)) is not None:
            return bits / 8.0
        if op.kind != "matmul" or op.part in UNQUANTIZED:
            return self.plain
        return self.expert if op.split == "experts" else self.dense


def weight_format(serving: ServingSpec) -> AnyFormat:
    """Return the number format, or the mixture of formats, of the weights."""
    return as_one_format(serving.weight_format)


def expert_format(serving: ServingSpec) -> AnyFormat:
    """Return the number format of the routed experts."""
    given = serving.expert_format
    return as_one_format(serving.weight_format if given is None else given)


def storage_of(serving: ServingSpec, hardware: HardwareSpec | None = None) -> Storage:
    """Return how a served model is stored.

    Parameters
    ----------
    hardware : HardwareSpec, optional
        The machine that reads it, where times depend on what it passes over.

    Examples
    --------
    >>> stored = storage_of(ServingSpec(weight_format="nvfp4"))
    >>> stored.plain, stored.dense
    (2.0, 0.5625)
    """
    return _storage(
        weight_format(serving), expert_format(serving), as_format(serving.activation_format),
        as_format(serving.kv_format),
        None if hardware is None or not hardware.sparse_types else hardware,
    )  # fmt: skip


@lru_cache(maxsize=256)  # specs do not change, and are told apart by identity
def _storage(
    stored: AnyFormat, experts: AnyFormat, computed: Format, cache: Format,
    hardware: HardwareSpec | None,
) -> Storage:  # fmt: skip
    most = plain_format(stored)
    left = 1.0 if hardware is None else hardware.left_of("2:4", most)
    dense, plain = most.bits_per_weight / 8.0, computed.bits_per_weight / 8.0
    return Storage(
        dense if stored.family.startswith("GGUF") else max(plain, dense),
        dense,
        plain_format(experts).bits_per_weight / 8.0,
        {"kv": cache.bits_per_weight / 8.0, "model": plain, "fp32": 4.0},
        stored if isinstance(stored, Mixture) else None,
        {"2:4": left} if left < 1.0 else _NONE,
    )
