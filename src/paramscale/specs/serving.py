"""What is asked of a model in use: how many sequences, how long, in which number formats."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from paramscale.core.spec import spec_type
from paramscale.specs.fields import number, short_repr
from paramscale.specs.names import format_name
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["ServingSpec"]


@attrs.frozen(eq=False, kw_only=True, repr=False)
class ServingSpec:
    """A batch of equal requests: each reads a prompt and writes some tokens.

    Parameters
    ----------
    batch : FloatsLike
        Sequences served together, over all devices.
    prompt_tokens : FloatsLike
        Tokens of each prompt.
    output_tokens : FloatsLike
        Tokens that each request writes; 0 asks for the prefill alone.
    weight_format, kv_format, activation_format : str or Format
        Number formats of weights, of keys and values, and of everything else.

    Examples
    --------
    >>> ServingSpec(batch=[1, 8], prompt_tokens=2048).batch
    array([1., 8.])
    """

    batch: Floats = number(1.0, integer=True, doc="sequences served together")
    prompt_tokens: Floats = number(2048.0, integer=True, doc="tokens of each prompt")
    output_tokens: Floats = number(256.0, integer=True, low_allowed=True, doc="tokens written")
    weight_format: Any = format_name("bf16", doc="weights")
    kv_format: Any = format_name("bf16", doc="keys and values")
    activation_format: Any = format_name("bf16", doc="activations, and states kept as such")

    def prefill(self, *, causal: bool = True) -> Pass:
        """Return the pass over all prompts; logits of the last position, as engines compute them.

        The full convention (``causal=False``) is that of an operator counter on the reference
        code: whole squares of attention, and logits of every position.
        """
        return Pass(
            self.batch,
            self.prompt_tokens,
            logit_tokens=1.0 if causal else None,
            causal=causal,
            absorbed=causal,
        )

    def decode(self, *, causal: bool = True) -> Pass:
        """Return one decode step at the mean context of the steps.

        The first token comes from the prefill; the n - 1 further ones see contexts from the prompt
        upwards, on average prompt + (n - 2) / 2 tokens.
        """
        written = np.maximum(self.output_tokens - 2.0, 0.0)
        return Pass(
            self.batch, 1.0, self.prompt_tokens + 0.5 * written, causal=causal, absorbed=causal
        )

    def filled(self) -> Pass:
        """Return a pass after which the cache holds prompts and outputs."""
        return Pass(self.batch, self.prompt_tokens + self.output_tokens)

    def __repr__(self) -> str:
        return short_repr(self)


spec_type("serving", default=ServingSpec)(ServingSpec)
