"""Mixtures: several number formats in one model, as files hold them.

Quantized models keep some tensors in more bits: head and embedding, values, the first layers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import attrs
import numpy as np

from paramscale.catalogue.formats import Format, as_format
from paramscale.errors import SpecError
from paramscale.specs.block import Operation
from paramscale.specs.names import FINDERS
from paramscale.typing import Floats

__all__ = ["AnyFormat", "Mixture", "as_one_format", "mixture_from_plain", "plain_format"]


def _bits(overrides: Mapping[str, Any]) -> dict[str, Floats]:
    return {key: _bits_of(key, value) for key, value in dict(overrides).items()}


def _bits_of(key: str, value: Any) -> Floats:
    if isinstance(value, (str, Format)):
        return np.float64(as_format(value).bits_per_weight)
    if np.any(~(np.asarray(value, dtype=np.float64) > 0.0)):
        raise SpecError(
            f"Mixture.overrides[{key!r}] must be the name of a number format, a Format or bits a"
            f" weight, not {value!r}"
        )
    return value  # type: ignore[no-any-return]


@attrs.frozen(eq=False, kw_only=True)
class Mixture:
    """A number format for most matrices, and others for some tensors.

    Parameters
    ----------
    name : str
        What it is called in texts.
    default : Format or str
        Format of every tensor that no override names; it decides in which type is multiplied.
    overrides : mapping of str to Format, str or FloatsLike
        Format, or mean bits a weight, of a component (``"head"``, ``"experts"``,
        ``"token_embedding"``, ``"norm"``) or of one of its operations (``"attention.output"``).
    mean_bits : FloatsLike, optional
        Bits a weight over a whole model, where the mixture is that of one model.

    Examples
    --------
    Experts in 4 bits and everything else in 16, as gpt-oss is stored:

    >>> from paramscale.specs.block import Operation
    >>> stored = Mixture(name="mxfp4 experts", default="bf16", overrides={"experts": "mxfp4"})
    >>> stored.bits_of(Operation("up", "experts", "matmul")), stored.least_bits
    (np.float64(4.25), np.float64(4.25))
    """

    name: str = "mixture"
    default: Format = attrs.field(converter=as_format)
    overrides: Mapping[str, Floats] = attrs.field(factory=dict, converter=_bits)
    mean_bits: Floats | None = None

    @property
    def bits_per_weight(self) -> Any:
        """Bits a weight over the model where it is known, else those of the default."""
        return self.default.bits_per_weight if self.mean_bits is None else self.mean_bits

    @property
    def compute_type(self) -> str:
        """Type in which kernels multiply most matrices."""
        return self.default.compute_type

    @property
    def family(self) -> str:
        """Kind of layout of most matrices."""
        return self.default.family

    @property
    def least_bits(self) -> Floats:
        """Bits of the tensors that have the fewest."""
        every = [np.min(each) for each in self.overrides.values()]
        return np.float64(min([self.default.bits_per_weight, *every]))

    def to_plain(self) -> dict[str, Any]:
        """Return it as plain numbers and text, for JSON; :func:`mixture_from_plain` reads it."""
        overrides = {key: np.asarray(value).tolist() for key, value in self.overrides.items()}
        plain = {"name": self.name, "default": self.default.to_plain(), "overrides": overrides}
        if self.mean_bits is not None:
            plain["mean_bits"] = np.asarray(self.mean_bits).tolist()
        return plain

    def bits_of(self, op: Operation) -> Floats | None:
        """Return the bits a weight of an operation that an override names, else None."""
        found = self.overrides.get(f"{op.part}.{op.name}")
        return self.overrides.get(op.part) if found is None else found


def mixture_from_plain(plain: Mapping[str, Any]) -> Mixture:
    """Return the mixture that :meth:`Mixture.to_plain` wrote.

    Examples
    --------
    >>> again = mixture_from_plain(Mixture(default="fp8", overrides={"head": "bf16"}).to_plain())
    >>> again.default.name, again.overrides
    ('fp8', {'head': 16.0})
    """
    return Mixture(**plain)


FINDERS["mixture"] = mixture_from_plain

AnyFormat: TypeAlias = Format | Mixture


def plain_format(stored: AnyFormat) -> Format:
    """Return the format of most matrices."""
    return stored.default if isinstance(stored, Mixture) else stored


def as_one_format(given: Any) -> AnyFormat:
    """Return the format, or the mixture, that a field of a spec holds.

    None means that nothing was stated: 16 bits. A file type is one only with a model; without it
    this is the format of most of its matrices.
    """
    return given if isinstance(given, Mixture) else as_format(given)
