"""How a model is trained: on how many tokens, in which batches."""

from __future__ import annotations

from typing import Any

import attrs

from paramscale.core.reasons import Reason
from paramscale.core.spec import spec_type
from paramscale.specs.fields import choice, flag, number, refused, short_repr
from paramscale.specs.names import format_name
from paramscale.specs.passes import Pass
from paramscale.typing import Floats

__all__ = ["FRAMEWORKS", "OPTIMIZERS", "TrainingSpec"]

#: Training software; the empty text means "not stated".
FRAMEWORKS = (
    "", "megatron-bridge", "nemo", "megatron-lm", "megatron-2021", "llm-foundry", "torchtitan",
    "maxtext", "levanter", "torchtune", "litgpt", "gpt-neox", "deepspeed", "other",
)  # fmt: skip

#: Optimizers whose state is known: Adam(W) with states in full, 8 or 4 bits; Adafactor; Muon (Adam
#: for tables, head and vectors); plain gradient descent, and with momentum.
OPTIMIZERS = ("adam", "adam8bit", "adam4bit", "adafactor", "muon", "sgd", "momentum")

#: What is computed again in the backward pass.
RECOMPUTATIONS = ("none", "selective", "operators", "full")

#: Matrices that adapters stand beside; ``"all"`` is every matrix of the layers.
ADAPTED = ("query_value", "attention", "all")


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
    micro_batch : FloatsLike
        Sequences that one device (or group of tensor and context ranks) passes at once.
    precision : str
        In what activations are held: ``"bf16"``, ``"fp16"``, ``"fp32"``, or ``"fp8"``, in which
        only the inputs of matrices are held in 8 bits.
    attention_kernel : str
        ``"flash"`` keeps queries, keys, values and a statistic; ``"eager"`` writes down the
        attention matrix and keeps it; ``"math"`` is PyTorch's fallback of its fused kernel, taken
        where there is attention dropout and no better one: the same in fp32.
    fused : bool
        Whether element-wise work (norms, gates, loss) runs in fused kernels; False: as in the
        reference code, step by step.
    loss_kernel : str
        How the loss of the logits is computed: ``"eager"`` step by step, in fp32; ``"fused"`` in
        one kernel, which keeps the logits alone; ``"chunked"`` with logits of few tokens at once
        (fused linear cross-entropy); ``""``: fused or eager as `fused` says.
    recomputation : str
        ``"none"``, ``"selective"`` (attention matrices, Korthikanti et al. 2022), ``"operators"``
        (all but attention and every second matrix, torchtitan's selective option) or ``"full"``
        (layers, of which only the inputs are kept).
    dropout, attention_dropout : FloatsLike
        Probabilities, on residual branches and embeddings, and on attention matrices.
    optimizer : str
        One of ``OPTIMIZERS``.
    weight_format, gradient_format, optimizer_format : str or Format
        Number formats of trained weights, their gradients and the optimizer's states.
    optimizer_in_backward : bool
        Whether each weight is updated as soon as its gradient is there, so that gradients are
        never held together (torchtune, LOMO).
    master_weights : bool
        Whether the optimizer holds the weights a second time, in fp32.
    lora_rank : FloatsLike, optional
        Rank of trained adapters (LoRA); None: all weights are trained.
    lora_on : str
        What adapters stand beside: ``"query_value"``, ``"attention"`` or ``"all"`` matrices.
    trainable_parameters : FloatsLike, optional
        Trained parameters where they are known, for example those of other kinds of adapters; then
        the model's own weights are frozen.
    frozen_format : str or Format
        Number format of frozen matrices; ``"nf4"`` is QLoRA. Tables and norms stay in 16 bits.
    release_year : FloatsLike, optional
        When the model is released, with decimals (2024.5 is July 2024); recipes improve with time.
    code_fraction : FloatsLike, optional
        Share of code in the last stage of pre-training; 0 for a general mixture, None: not known.
    family_efficiency : FloatsLike, optional
        Training FLOPs that a mean family needs for the same accuracies, over those of this one.
    matmul_format : str or Format, optional
        Number format in which the matrices of the layers are multiplied (``"mxfp8"``,
        ``"nvfp4"``); None: that of `precision`. Head, router and attention stay in 16 bits.
    framework : str
        Training software, one of ``FRAMEWORKS``; empty where it is not stated.
    weight_decay : FloatsLike
        Of AdamW, not scaled by the learning rate; 0.1 is the usual one.
    refused : tuple of Reason
        Why points of a grid are NaN; kept by what makes the spec.

    Examples
    --------
    >>> TrainingSpec(tokens=15e12, unique_tokens=5e12).epochs
    np.float64(3.0)
    """

    tokens: Floats = number(doc="tokens seen, repetitions included")
    unique_tokens: Floats | None = number(None, optional=True, doc="tokens of the data set")
    batch_tokens: Floats | None = number(None, optional=True, doc="tokens of one optimizer step")
    sequence_length: Floats = number(4096.0, integer=True, doc="tokens of one sequence")
    micro_batch: Floats = number(1.0, integer=True, doc="sequences passed at once")
    precision: str = choice("bf16", ("bf16", "fp16", "fp32", "fp8"), doc="of activations")
    attention_kernel: str = choice("flash", ("flash", "eager", "math"), doc="attention")
    fused: bool = flag(True, doc="whether element-wise work is fused")
    loss_kernel: str = choice("", ("", "eager", "fused", "chunked"), doc="loss of the logits")
    optimizer_in_backward: bool = flag(False, doc="whether a gradient is used up at once")
    recomputation: str = choice("none", RECOMPUTATIONS, doc="computed twice")
    dropout: Floats = number(0.0, low_allowed=True, high=1.0, doc="of residual branches")
    attention_dropout: Floats = number(0.0, low_allowed=True, high=1.0, doc="of attention")
    optimizer: str = choice("adam", OPTIMIZERS, doc="optimizer")
    weight_format: Any = format_name("bf16", doc="trained weights")
    gradient_format: Any = format_name("bf16", doc="gradients")
    optimizer_format: Any = format_name("fp32", doc="states of the optimizer")
    master_weights: bool = flag(True, doc="whether the optimizer holds weights in fp32")
    lora_rank: Floats | None = number(None, integer=True, optional=True, doc="rank of adapters")
    lora_on: str = choice("query_value", ADAPTED, doc="what adapters stand beside")
    trainable_parameters: Floats | None = number(
        None, low_allowed=True, optional=True, doc="trained parameters where weights are frozen"
    )
    frozen_format: Any = format_name("bf16", doc="frozen matrices")
    release_year: Floats | None = number(None, optional=True, doc="year of release, with decimals")
    code_fraction: Floats | None = number(
        None, low_allowed=True, high=1.0, optional=True, doc="share of code at the end of training"
    )
    family_efficiency: Floats | None = number(None, optional=True, doc="efficiency of the recipe")
    matmul_format: Any = format_name(None, doc="matrices of the layers; None: as precision")
    framework: str = choice("", FRAMEWORKS, doc="training software; empty: not stated")
    weight_decay: Floats = number(0.1, low_allowed=True, doc="of AdamW")
    refused: tuple[Reason, ...] = refused()

    @property
    def epochs(self) -> Floats:
        """How often the data are seen."""
        return self.tokens / (self.tokens if self.unique_tokens is None else self.unique_tokens)

    @property
    def loss(self) -> str:
        """How the loss is computed: ``"eager"``, ``"fused"`` or ``"chunked"``."""
        return self.loss_kernel or ("fused" if self.fused else "eager")

    @property
    def adapts(self) -> bool:
        """Whether the model's own weights are frozen and adapters are trained."""
        return self.lora_rank is not None or self.trainable_parameters is not None

    def step(self) -> Pass:
        """Return the forward pass of one micro-batch, with logits of every position."""
        return Pass(self.micro_batch, self.sequence_length, absorbed=False)

    def sequence(self, *, causal: bool = True) -> Pass:
        """Return the forward pass of one training sequence, with logits of every position."""
        return Pass(1.0, self.sequence_length, causal=causal, absorbed=False)

    def __repr__(self) -> str:
        return short_repr(self)
