"""A pass: how many sequences go through the model, with how many new and how many cached tokens.

Prefill, one decode step and one training step are three passes of the same model.
"""

from __future__ import annotations

import attrs
import numpy as np

from paramscale.specs.fields import to_floats
from paramscale.typing import Floats

__all__ = ["Pass"]

_ZERO = np.float64(0.0)
_HALF = np.float64(0.5)


def _triangle(tokens: Floats) -> Floats:
    """Return 1 + 2 + … + tokens."""
    return tokens * (tokens + 1.0) * _HALF


@attrs.frozen(eq=False)
class Pass:
    """One forward pass, as much of it as an operation needs to know.

    Parameters
    ----------
    sequences : FloatsLike
        Sequences processed together (batch).
    new_tokens : FloatsLike
        Tokens of each sequence that pass through the model now.
    cached_tokens : FloatsLike
        Tokens of each sequence whose keys, values or state are held already.
    logit_tokens : FloatsLike, optional
        Positions of each sequence for which logits are computed; None means every new token.
    causal : bool
        True counts the (query, key) pairs that a causal mask leaves, as fused kernels compute them.
        False counts full rectangles, also in windowed layers, as an operator counter sees them.
    absorbed : bool
        Whether a decode step of latent attention works on the latent cache itself (as engines do)
        or expands it to keys and values first (as the reference code does).

    Examples
    --------
    Causal prefill of 4 tokens has 1 + 2 + 3 + 4 pairs; a window of 2 leaves 1 + 2 + 2 + 2:

    >>> step = Pass(sequences=1, new_tokens=4)
    >>> float(step.pairs()), float(step.pairs(window=2))
    (10.0, 7.0)
    """

    # Not validated: passes are made by specs, which are, and several times an estimate.
    sequences: Floats = attrs.field(converter=to_floats)
    new_tokens: Floats = attrs.field(converter=to_floats)
    cached_tokens: Floats = attrs.field(default=_ZERO, converter=to_floats)
    logit_tokens: Floats | None = attrs.field(
        default=None, converter=attrs.converters.optional(to_floats)
    )
    causal: bool = True
    absorbed: bool = True
    tokens: Floats = attrs.field(init=False)
    context: Floats = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "tokens", self.sequences * self.new_tokens)
        object.__setattr__(self, "context", self.cached_tokens + self.new_tokens)

    def key(self) -> tuple[object, ...] | None:
        """Return what tells this pass from others, or None if it is a grid of passes."""
        fields = (
            self.sequences, self.new_tokens, self.cached_tokens, self.logit_tokens,
            self.causal, self.absorbed,
        )  # fmt: skip
        return None if any(isinstance(each, np.ndarray) for each in fields) else fields

    @property
    def logit_positions(self) -> Floats:
        """Positions of all sequences together for which logits are computed."""
        if self.logit_tokens is None:
            return self.tokens
        return self.sequences * self.logit_tokens

    def held(self, window: Floats | None = None) -> Floats:
        """Return the tokens of one sequence that a cache holds after this pass.

        A sliding window of w tokens needs w - 1 earlier ones for the next token, and that is what
        the reference implementation keeps.
        """
        if window is None:
            return self.context
        return np.minimum(self.context, window - 1.0)

    def recalled(self, window: Floats | None = None) -> Floats:
        """Return the cached tokens of one sequence that this pass reads."""
        if window is None:
            return self.cached_tokens
        return np.minimum(self.cached_tokens, window - 1.0)

    def pairs(self, window: Floats | None = None, chunk: Floats | None = None) -> Floats:
        """Return the (query, key) pairs of all sequences together.

        Parameters
        ----------
        window : Floats, optional
            Each query sees at most this many keys, itself included.
        chunk : Floats, optional
            Each query sees the keys of its own chunk of this many positions.
        """
        new = self.new_tokens
        if not self.causal:
            limit = window if chunk is None else chunk
            return self.tokens * (self.recalled(limit) + new)
        if chunk is not None:
            return self.sequences * (
                _chunked(self.context, chunk) - _chunked(self.cached_tokens, chunk)
            )
        if window is None:
            return self.sequences * new * (self.cached_tokens + _HALF * (new + 1.0))
        growing = np.clip(
            window - self.cached_tokens, 0.0, new
        )  # queries that still see everything
        seen = growing * self.cached_tokens + _triangle(growing) + (new - growing) * window
        return self.sequences * seen


def _chunked(positions: Floats, chunk: Floats) -> Floats:
    """Return the pairs of the first `positions` tokens when attention stays inside chunks."""
    whole = np.floor(positions / chunk)
    return whole * _triangle(chunk) + _triangle(positions - whole * chunk)
