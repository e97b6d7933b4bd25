"""What was done to a model after it was trained: records that transforms leave in it.

What a transform changes in shapes and formats stands in the blocks; what estimators of loss and
accuracy must know besides (how weights were rounded, how many were cut, on how many tokens the
model recovered) stands here, in the order in which it was done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Protocol, TypeVar, runtime_checkable

import attrs
import numpy as np

from paramscale.core.registry import Registry
from paramscale.errors import RegistrationError, SpecError, did_you_mean
from paramscale.specs.fields import choice, flag, number
from paramscale.specs.names import FINDERS
from paramscale.typing import Floats

__all__ = [
    "PRUNED_STRUCTURES",
    "Adaptation",
    "Change",
    "Distillation",
    "LowRank",
    "Pruning",
    "Quantization",
    "SharedKV",
    "Upcycling",
    "Windowed",
    "change",
    "change_from_plain",
    "change_to_plain",
    "changes",
    "changes_of",
]

#: What pruning may take away: single weights, two or four of each four or eight, whole parts.
PRUNED_STRUCTURES = ("unstructured", "2:4", "4:8", "heads", "width", "depth", "experts")


#: Stages in which changes have a meaning: shapes first, then products of thinner matrices, zeros,
#: rounded weights, and adapters beside them. A change does not come after one of a later stage.
SHAPES, FACTORS, ZEROS, ROUNDED, ADAPTED = range(5)


@runtime_checkable
class Change(Protocol):
    """What every record offers: a kind, under which it is registered, and a stage."""

    kind: ClassVar[str]

    @property
    def stage(self) -> int:
        """Stage after which it may not come."""
        ...


#: Every registered kind of change, by its kind; those of third parties come with their transforms.
changes: Registry[type[Any]] = Registry(
    "kind of change", group="paramscale.transforms", adopt=lambda name, thing: None
)

C = TypeVar("C", bound=type[Any])


def change(kind: str, *, stage: int = SHAPES) -> Callable[[C], C]:
    """Return a class decorator that registers a record under `kind`, by which files refer to it.

    Parameters
    ----------
    stage : int
        ``SHAPES``, ``FACTORS``, ``ZEROS``, ``ROUNDED`` or ``ADAPTED``.

    Raises
    ------
    RegistrationError
        If the class is no attrs class, or the kind is taken.
    """

    def register(cls: C) -> C:
        if not hasattr(cls, "__attrs_attrs__"):
            raise RegistrationError(
                f"change {kind!r}: {cls.__name__} must be an attrs class;"
                " write @attrs.frozen(eq=False) below @change"
            )
        cls.kind = kind
        if not isinstance(getattr(cls, "stage", None), property):
            cls.stage = stage
        changes.add(kind, cls)
        return cls

    return register


def _tokens(doc: str = "tokens of training after the change; 0: none") -> Any:
    return number(0.0, low_allowed=True, doc=doc)


def _before() -> Any:
    return number(np.nan, missing=True, doc="parameters of the model before the change")


@change("quantization", stage=ROUNDED)
@attrs.frozen(eq=False, kw_only=True)
class Quantization:
    """Weights, activations or caches are held in fewer bits.

    Parameters
    ----------
    method : str
        How they were rounded: ``"rtn"``, ``"gptq"``, ``"awq"``, ``"gguf"``, ``"codebook"``,
        ``"fp8"``, ``"int8"``, ``"nf4"``, ``"qat"``, ... Laws of loss know methods by this word.
    weight_bits : FloatsLike
        Bits of a code, scales and the like not counted.
    bits_per_weight : FloatsLike
        Bits a quantized weight takes with its share of scales; NaN: as `weight_bits`.
    group : FloatsLike, optional
        Weights that share a scale; None: a whole row or tensor.
    activation_bits, kv_bits : FloatsLike
        Bits of the inputs of matrices, and of cached keys and values.
    importance_matrix : bool
        Whether errors were weighted by activations of a calibration text (GGUF).
    recovery_tokens : FloatsLike
        Tokens of training with rounded weights; 0: none.
    weight_format, kv_format, activation_format : str, Format or Mixture
        Number formats or their names; empty where they are not stated.
    """

    kind: ClassVar[str]
    stage: ClassVar[int]
    method: str = attrs.field(default="rtn", validator=attrs.validators.instance_of(str))
    weight_bits: Floats = number(16.0, doc="bits of a code")
    bits_per_weight: Floats = number(np.nan, missing=True, doc="bits with scales")
    group: Floats | None = number(None, integer=True, optional=True, doc="weights a scale")
    activation_bits: Floats = number(16.0, doc="bits of the inputs of matrices")
    kv_bits: Floats = number(16.0, doc="bits of keys and values")
    importance_matrix: bool = flag(False, doc="whether errors were weighted by activations")
    recovery_tokens: Floats = _tokens("tokens of training with rounded weights; 0: none")
    weight_format: Any = ""
    kv_format: Any = ""
    activation_format: Any = ""


@change("pruning")
@attrs.frozen(eq=False, kw_only=True)
class Pruning:
    """Weights, heads, channels, layers or experts were taken away.

    Parameters
    ----------
    method : str
        How they were chosen: ``"magnitude"``, ``"wanda"``, ``"sparsegpt"``, ``"minitron"``, ...
    structure : str
        One of ``PRUNED_STRUCTURES``.
    sparsity : FloatsLike
        Share of what `structure` names that was taken away, from 0 to below 1.
    parameters_before, parameters_after : FloatsLike
        Parameters of the model, zeros not counted; NaN where not known.
    recovery_tokens : FloatsLike
        Tokens of training after pruning; 0: none.
    storage : str
        How zeros are stored, see :class:`~paramscale.architecture.sparse.Sparse`.
    """

    kind: ClassVar[str]
    method: str = attrs.field(default="magnitude", validator=attrs.validators.instance_of(str))
    structure: str = choice("unstructured", PRUNED_STRUCTURES)
    sparsity: Floats = number(
        0.0, low_allowed=True, high=1.0, high_allowed=False, doc="share taken away"
    )
    parameters_before: Floats = _before()
    parameters_after: Floats = number(np.nan, missing=True, doc="parameters that are left")
    recovery_tokens: Floats = _tokens()
    storage: str = choice("dense", ("dense", "indexed", "bitmask", "csr"))

    @property
    def stage(self) -> int:
        """Zeros come after all that changes shapes."""
        return ZEROS if self.structure in ("unstructured", "2:4", "4:8") else SHAPES


@change("low_rank", stage=FACTORS)
@attrs.frozen(eq=False, kw_only=True)
class LowRank:
    """Matrices were replaced by products of two thinner ones."""

    kind: ClassVar[str]
    stage: ClassVar[int]
    method: str = attrs.field(default="svd", validator=attrs.validators.instance_of(str))
    rank: Floats = number(np.nan, missing=True, doc="channels between the two; NaN: they differ")
    share: Floats = number(1.0, high=1.0, doc="parameters of the matrices left of those before")
    parameters_before: Floats = _before()
    recovery_tokens: Floats = _tokens()


@change("distillation")
@attrs.frozen(eq=False, kw_only=True)
class Distillation:
    """The model learned from the outputs of a larger one."""

    kind: ClassVar[str]
    stage: ClassVar[int]
    method: str = attrs.field(default="logits", validator=attrs.validators.instance_of(str))
    teacher: str = ""
    teacher_parameters: Floats = number(doc="parameters of the teacher")
    teacher_tokens: Floats = number(np.nan, missing=True, doc="tokens the teacher was trained on")
    tokens: Floats = number(doc="tokens on which the student learns from it")
    teacher_flops_per_token: Floats = number(np.nan, missing=True, doc="of its forward pass")


@change("adaptation", stage=ADAPTED)
@attrs.frozen(eq=False, kw_only=True)
class Adaptation:
    """Low-rank adapters were trained beside frozen weights (LoRA, QLoRA)."""

    kind: ClassVar[str]
    stage: ClassVar[int]
    method: str = attrs.field(default="lora", validator=attrs.validators.instance_of(str))
    rank: Floats = number(integer=True, doc="channels between the two matrices of an adapter")
    beside: str = attrs.field(default="all", validator=attrs.validators.instance_of(str))
    parameters: Floats = number(np.nan, missing=True, doc="parameters of all adapters")
    merged: bool = flag(False, doc="whether they were added to the weights")
    frozen_format: str = ""
    tokens: Floats = _tokens("tokens on which the adapters are trained")


@change("upcycling")
@attrs.frozen(eq=False, kw_only=True)
class Upcycling:
    """Feed-forward blocks were copied to experts, of which a router chooses some."""

    kind: ClassVar[str]
    stage: ClassVar[int]
    experts: Floats = number(integer=True, doc="routed experts of a layer")
    chosen: Floats = number(integer=True, doc="routed experts of a token")
    parameters_before: Floats = _before()
    recovery_tokens: Floats = _tokens()


@change("shared_kv")
@attrs.frozen(eq=False, kw_only=True)
class SharedKV:
    """Keys and values came to be shared by more query heads, or rebuilt from a latent."""

    kind: ClassVar[str]
    stage: ClassVar[int]
    kv_heads: Floats = number(np.nan, missing=True, doc="key-value heads; NaN: a latent")
    kv_rank: Floats = number(np.nan, missing=True, doc="channels of the latent; NaN: heads")
    share: Floats = number(1.0, doc="cache elements of a token over those before")
    recovery_tokens: Floats = _tokens()


@change("windowed")
@attrs.frozen(eq=False, kw_only=True)
class Windowed:
    """Attention was limited to the last tokens, in some layers or in all."""

    kind: ClassVar[str]
    stage: ClassVar[int]
    window: Floats = number(integer=True, doc="tokens that a token sees, itself included")
    share: Floats = number(1.0, high=1.0, doc="share of the layers that were limited")
    recovery_tokens: Floats = _tokens()


def changes_of(given: Any) -> tuple[Change, ...]:
    """Return records as a tuple, each checked to be one.

    Raises
    ------
    SpecError
        If one is no registered record.
    """
    found = tuple(given) if isinstance(given, Iterable) else (given,)
    for item in found:
        if not (isinstance(item, Change) and attrs.has(type(item))):
            raise SpecError(
                f"ModelSpec.changes must hold records such as Pruning(sparsity=0.5), not {item!r}"
            )
    return found


def change_to_plain(record: Any, plain_value: Callable[[Any], Any]) -> dict[str, Any]:
    """Return kind and the fields that differ from their defaults."""
    plain: dict[str, Any] = {"kind": record.kind}
    for field in attrs.fields(type(record)):
        value = plain_value(getattr(record, field.name))
        unset = value == field.default or (value != value and field.default != field.default)
        if field.default is attrs.NOTHING or not unset:
            plain[field.name] = value
    return plain


def change_from_plain(plain: Any) -> Any:
    """Return the record that :func:`change_to_plain` wrote.

    Examples
    --------
    >>> change_from_plain({"kind": "windowed", "window": 4096}).window
    np.float64(4096.0)
    """
    if not isinstance(plain, Mapping) or "kind" not in plain:
        raise SpecError(f"a change is an object with a 'kind', not {plain!r}")
    cls = changes[plain["kind"]]
    names = [field.name for field in attrs.fields(cls)]
    for key in plain:
        if key != "kind" and key not in names:
            raise SpecError(f"{cls.__name__} has no field {key!r}{did_you_mean(key, names)}")
    return cls(**{key: _value(value) for key, value in plain.items() if key != "kind"})


def _value(plain: Any) -> Any:
    """Return a field's value; a mixture of formats is written as an object."""
    return FINDERS["mixture"](plain) if isinstance(plain, Mapping) else plain
