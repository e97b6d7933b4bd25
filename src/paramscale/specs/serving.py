"""What is asked of a model in use: how many sequences, how long, in which number formats."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs
import numpy as np

from paramscale.core.reasons import Reason
from paramscale.core.spec import spec_type
from paramscale.specs.fields import choice, number, refused, short_repr
from paramscale.specs.names import format_name
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["ENGINES", "SCHEDULES", "ServingSpec"]

#: Software that serves; the empty text means "not stated".
ENGINES = (
    "", "vllm", "vllm-2024", "sglang", "trtllm", "lmdeploy", "tgi", "transformers", "deepspeed",
    "llama.cpp", "exllama", "mlc", "mlx", "gpt-fast", "other",
)  # fmt: skip

#: How sequences come and go: ``"static"`` all start and end together; ``"continuous"`` a new one
#: takes the place of each that ends, so that prompts are read between the steps of the others.
SCHEDULES = ("", "static", "continuous")


_NONE, _ONE = np.float64(0.0), np.float64(1.0)


def _texts(given: Iterable[str]) -> tuple[str, ...]:
    return tuple(given)


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
    weight_format, kv_format, activation_format : str, Format or Mixture, optional
        Number formats of weights, of keys and values, and of everything else; weights also as a
        file type of llama.cpp (``"q4_k_m"``). None: as the model is stored, in 16 bits unless it
        was quantized.
    expert_format : str or Format, optional
        Number format of routed experts where it is not that of the other matrices (gpt-oss,
        Kimi K2.5).
    engine : str
        Software that serves, one of ``ENGINES``; empty where it is not stated.
    schedule : str
        ``"static"`` or ``"continuous"``, see ``SCHEDULES``; empty: a single sequence is static,
        several are continuous.
    output_variation : FloatsLike
        Standard deviation of the written tokens over their mean. Long answers stay in the batch
        for longer, so the mean context of running sequences grows with it.
    request_rate_per_s : FloatsLike, optional
        Requests that arrive in a second, at random times; None: each waits for the one before it.
    requests_per_day : FloatsLike, optional
        Demand on the whole deployment; what needs it says so.
    deployment_days : FloatsLike, optional
        How long the model is served; what needs it says so.
    draft_tokens, acceptance_fraction : FloatsLike
        Speculative decoding: tokens drafted for each step, and the chance that a draft is right.
    chunk_tokens : FloatsLike, optional
        Tokens of a prompt that one step reads beside the decoding of other sequences (chunked
        prefill); None: as the engine was measured, prompts whole.
    assumed : sequence of str
        What had to be assumed of the scenario, in words (``"replicas"``, ``"a prefix cache"``);
        each widens the intervals of times.
    refused : tuple of Reason
        Why points of a grid are NaN; kept by what makes the spec.

    Examples
    --------
    >>> ServingSpec(batch=[1, 8], prompt_tokens=2048).batch
    array([1., 8.])
    """

    batch: Floats = number(1.0, integer=True, doc="sequences served together")
    prompt_tokens: Floats = number(2048.0, integer=True, doc="tokens of each prompt")
    output_tokens: Floats = number(256.0, integer=True, low_allowed=True, doc="tokens written")
    weight_format: Any = format_name(None, doc="weights")
    kv_format: Any = format_name(None, doc="keys and values")
    activation_format: Any = format_name(None, doc="activations, and states kept as such")
    expert_format: Any = format_name(None, doc="routed experts, None: as weight_format")
    engine: str = choice("", ENGINES, doc="software that serves")
    schedule: str = choice("", SCHEDULES, doc="how sequences come and go")
    output_variation: Floats = number(0.0, low_allowed=True, doc="deviation of outputs over mean")
    request_rate_per_s: Floats | None = number(None, optional=True, doc="requests in a second")
    chunk_tokens: Floats | None = number(None, integer=True, optional=True, doc="read in a step")
    requests_per_day: Floats | None = number(None, optional=True, doc="demand in a day")
    deployment_days: Floats | None = number(None, optional=True, doc="days in service")
    draft_tokens: Floats = number(0.0, integer=True, low_allowed=True, doc="drafted a step")
    assumed: tuple[str, ...] = attrs.field(default=(), converter=_texts)
    acceptance_fraction: Floats = number(0.7, low_allowed=True, high=1.0, doc="drafts that hold")
    refused: tuple[Reason, ...] = refused()

    @property
    def stated_tokens(self) -> Floats:
        """Tokens of prompt and output as far as somebody stated them, not the usual ones."""
        prompt = 0.0 if self.prompt_tokens is _PROMPT else self.prompt_tokens
        return prompt + (_NONE if self.output_tokens is _OUTPUT else self.output_tokens)

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
        upwards, on average prompt + (n - 2) / 2 tokens. Where outputs differ, of two sequences that
        run the one that writes more is met more often: E[n^2] / E[n] = n (1 + variation^2).
        """
        written = np.maximum(self.output_tokens - 2.0, 0.0) * (1.0 + self.output_variation**2)
        return Pass(
            self.batch, 1.0, self.prompt_tokens + 0.5 * written, causal=causal, absorbed=causal
        )

    def chunks(self) -> Floats:
        """Return in how many pieces a prompt is read.

        Examples
        --------
        >>> ServingSpec(prompt_tokens=2048, chunk_tokens=[512, 1500, 4096]).chunks()
        array([4., 2., 1.])
        """
        if self.chunk_tokens is None:
            return _ONE
        pieces: Floats = np.ceil(self.prompt_tokens / self.chunk_tokens)
        return pieces

    def filled(self) -> Pass:
        """Return a pass after which the cache holds prompts and outputs: that of the last token.

        What is held after a pass depends on the context alone; of one token, little else is
        computed on the way to it.
        """
        return Pass(self.batch, 1.0, self.prompt_tokens + self.output_tokens - 1.0)

    def __repr__(self) -> str:
        return short_repr(self)


_PROMPT = attrs.fields(ServingSpec).prompt_tokens.default
_OUTPUT = attrs.fields(ServingSpec).output_tokens.default

spec_type("serving", default=ServingSpec)(ServingSpec)
