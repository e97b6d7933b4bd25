"""``formats``: number formats of weights and caches, with their exact bits per weight."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from typing import Any

import attrs
import numpy as np

from paramscale.catalogue.tables import Catalogue, Row, read_table
from paramscale.errors import SpecError, UnknownNameError
from paramscale.specs.hardware import COMPUTE_TYPES
from paramscale.specs.names import FINDERS
from paramscale.typing import Floats, FloatsLike

__all__ = ["Format", "as_format", "formats"]


@attrs.frozen
class Format:
    """How numbers are stored: a block of codes, what the block carries besides, and so on up.

    Bits are counted, not typed in: ``(code_bits + overhead_bits) / block_weights +
    super_bits / super_weights``. What a format keeps once a tensor or layer (one fp32 scale, a
    codebook) is not counted; `note` says so. Formats say nothing of which tensors they are used
    for: quantized files usually keep embeddings, norms and head in 16 bits.

    Parameters
    ----------
    name : str
        Key in the catalogue.
    title, family : str
        Usual name; kind of layout.
    block_weights : int
        Weights of one block.
    code_bits : int
        Bits of the codes of one block (for 2:4 sparsity: of the weights kept).
    overhead_bits : int
        Bits of scales, minima, zero points or sparse indices of one block.
    super_bits, super_weights : int
        Second-level scale: its bits, and how many weights share it.
    compute_type : str
        Type in which kernels multiply it, such as ``"bf16"`` for weight-only formats.
    source, note : str
        Where the layout is defined.

    Examples
    --------
    >>> nf4 = Format(name="nf4-dq", block_weights=64, code_bits=256, overhead_bits=8,
    ...              super_bits=32, super_weights=64 * 256, compute_type="bf16")
    >>> nf4.bits_exact, nf4.bits_per_weight
    (Fraction(2113, 512), 4.126953125)
    """

    name: str
    title: str = ""
    family: str = ""
    block_weights: int = 1
    code_bits: int = attrs.field(kw_only=True)
    overhead_bits: int = 0
    super_bits: int = 0
    super_weights: int = 1
    compute_type: str = "bf16"
    source: str = ""
    note: str = ""
    #: Bits per weight; computed once, since every estimate asks for it.
    bits_per_weight: float = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        for field, low in (("block_weights", 1), ("super_weights", 1), ("code_bits", 1)):
            if getattr(self, field) < low:
                raise SpecError(
                    f"Format.{field} must be at least {low}, not {getattr(self, field)}"
                )
        for field in ("overhead_bits", "super_bits"):
            if getattr(self, field) < 0:
                raise SpecError(f"Format.{field} must not be negative, not {getattr(self, field)}")
        if self.compute_type not in COMPUTE_TYPES:
            raise UnknownNameError("compute type", self.compute_type, COMPUTE_TYPES)
        object.__setattr__(self, "bits_per_weight", float(self.bits_exact))

    @property
    def bits_exact(self) -> Fraction:
        """Bits per weight as an exact fraction."""
        block = Fraction(self.code_bits + self.overhead_bits, self.block_weights)
        return block + Fraction(self.super_bits, self.super_weights)

    @property
    def least_bits(self) -> float:
        """Bits of the tensors that have the fewest; a mixture of formats has several."""
        return self.bits_per_weight

    def to_plain(self) -> str:
        """Return what a file says of it: its name, by which the catalogue must know it.

        Raises
        ------
        SpecError
            If the catalogue has no such format.
        """
        if self.name in formats and formats[self.name] == self:
            return self.name
        raise SpecError(
            f"the format {self.name!r} is not in the catalogue, so that its name would not be found"
            f" again; write paramscale.formats.add({self.name!r}, ...) first"
        )

    def bytes_of(self, weights: FloatsLike) -> Floats:
        """Return the bytes that so many weights take; unfilled last blocks are not rounded up.

        Examples
        --------
        >>> formats["nvfp4"].bytes_of(8e9)
        np.float64(4500000000.0)
        """
        stored: Floats = np.multiply(
            np.asarray(weights, dtype=np.float64), self.bits_per_weight / 8
        )
        return stored


_TEXTS = ("title", "family", "compute_type", "source", "note")
_WHOLE = ("block_weights", "code_bits", "overhead_bits", "super_bits", "super_weights")


def _format(row: Row) -> Format:
    cells: dict[str, Any] = {column: row.text(column) for column in _TEXTS}
    cells |= {column: row.whole(column) for column in _WHOLE}
    return Format(row.text("key"), **cells)


def _rows() -> Iterator[tuple[str, tuple[str, ...], Format]]:
    for row in read_table("formats.csv"):
        yield row.text("key"), row.names("aliases"), _format(row)


#: Number formats by name, for example ``formats["nvfp4"]``; also by their aliases, in any case.
formats: Catalogue[Format] = Catalogue("format", Format, _rows)

FINDERS["format"] = formats.__getitem__

#: What is meant where a spec states nothing.
_UNSTATED = "bf16"


def as_format(given: str | Format | None) -> Format:
    """Return the format of a name, or the format itself; None, where nothing is stated, is bf16.

    Examples
    --------
    >>> as_format("Q4_K").bits_per_weight, as_format(None).name
    (4.5, 'bf16')
    """
    if isinstance(given, str):
        return _named(given)
    return _named(_UNSTATED) if given is None else given


@lru_cache(maxsize=256)
def _named(name: str) -> Format:
    return formats[name]
