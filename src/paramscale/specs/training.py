"""How a model is trained: on how many tokens, in which batches."""

from __future__ import annotations

import attrs

from paramscale.core.spec import spec_type
from paramscale.specs.fields import number, short_repr
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["TrainingSpec"]


@spec_type("training")
@attrs.frozen(eq=False, kw_only=True, repr=False)
class TrainingSpec:
    """A training run.

    Parameters
    ----------
    tokens : FloatsLike
        Tokens seen, repetitions included.
    unique_tokens : FloatsLike, optional
        Tokens of the data set; None means that none is repeated.
    batch_tokens : FloatsLike, optional
        Tokens of one optimizer step; what needs it says so.
    sequence_length : FloatsLike
        Tokens of one training sequence.

    Examples
    --------
    >>> TrainingSpec(tokens=15e12, unique_tokens=5e12).epochs
    np.float64(3.0)
    """

    tokens: Floats = number(doc="tokens seen, repetitions included")
    unique_tokens: Floats | None = number(None, optional=True, doc="tokens of the data set")
    batch_tokens: Floats | None = number(None, optional=True, doc="tokens of one optimizer step")
    sequence_length: Floats = number(4096.0, integer=True, doc="tokens of one sequence")

    @property
    def epochs(self) -> Floats:
        """How often the data are seen."""
        return self.tokens / (self.tokens if self.unique_tokens is None else self.unique_tokens)

    def sequence(self, *, causal: bool = True) -> Pass:
        """Return the forward pass of one training sequence, with logits of every position."""
        return Pass(1.0, self.sequence_length, causal=causal, absorbed=False)

    def __repr__(self) -> str:
        return short_repr(self)
