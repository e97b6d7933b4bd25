"""A configuration file as the families read it: typed, with defaults, and with a memory of what
was asked, so that a field which nobody read can be reported instead of being ignored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from paramscale.errors import ConfigError, UnsupportedArchitectureError, did_you_mean
from paramscale.io.hf.class_defaults import ClassDefaults
from paramscale.typing import Floats

__all__ = ["Config"]

_LARGEST = 2**48  # no size of a model is near it; a larger one is a mistake
MOST_LAYERS = 10_000

#: Sizes of which a file must give all that its class has, or none. The reference class would fill
#: in the default of a single one silently, which is a guess.
_CORE = frozenset(
    (
        "hidden_size", "d_model", "n_embd",
        "num_hidden_layers", "n_layer", "n_layers", "num_layers",
        "num_attention_heads", "n_head", "n_heads",
    )
)  # fmt: skip

#: Words in field names that hint at architecture …
_STRUCTURAL = re.compile(
    r"(hidden|intermediate|inner|layer|head|expert|rank|vocab|kernel|conv|state|window|chunk|group"
    r"|latent|dim|width|size|depth|embd|embed|num_|n_|moe|mlp|ffn|attn|attention|tie|bias|gate)"
)
#: … unless a word says that it is about training, numerics, positions, tokens or software.
_HARMLESS = re.compile(
    r"(^_|drop|eps|epsilon|init|theta|rope|rotary|scal|token|^bos|^eos|^pad|dtype|quant|cache"
    r"|hidden_act|activation|loss|coef|implementation|flash|fused|softcap|gradient|std|jitter"
    r"|position|version|^auto_map|architectures|vision|image|video|audio|speech|pretraining|penalty"
    r"|beam|return|output_|label|problem|finetun|summary|chunk_size_feed|torchscript|prun|tempera"
    r"|top_p|length|generat|sampl|decay|lora_alpha|normaliz|norm_topk|method|use_bfloat|backend"
    r"|kernels|seed|mup|multiplier|classifier|id2|2id|transformers|capacity|clip|softmax"
    r"|sentence|router_aux|z_loss|impl|checkpoint|parallel_?size|tensor_parallel|distributed)"
)

#: Settings of serving and conversion tools that stand beside the architecture in some files.
_DEPLOYMENT = frozenset(
    (
        "context_window_size", "prefill_chunk_size", "attention_sink_size",
        "max_batch_size", "conv_template", "tensor_parallel_shards",
    )
)  # fmt: skip


class Config:
    """One configuration, with the defaults and spellings of its class.

    Parameters
    ----------
    raw : mapping
        The fields of the file.
    model_type : str
        Its type, which decides the family.
    known : ClassDefaults
        What the class says when the file is silent.

    Attributes
    ----------
    unknown_fields : str
        ``"refuse"`` or ``"ignore"``, for what a family reads inside it.
    """

    def __init__(self, raw: Mapping[str, Any], model_type: str, known: ClassDefaults) -> None:
        self.model_type = model_type
        self.known = known
        self.given = self._canonical(raw)
        self.read: set[str] = set()
        self.unknown_fields = "refuse"
        #: A file that gives none of the core sizes means the default model of its class.
        self.bare = not any(self.given.get(name) is not None for name in _CORE)

    def _canonical(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        given: dict[str, Any] = {}
        for key, value in raw.items():
            name = self.known.aliases.get(key, key)
            if name in given and given[name] != value and None not in (given[name], value):
                raise ConfigError(
                    f"{self.model_type}: {key!r} and {name!r} are two names of one field, but they"
                    f" say {given[name]!r} and {value!r}; keep one of them",
                    field=key,
                    value=value,
                )
            if name not in given or value is not None:
                given[name] = value
        return given

    # ------------------------------------------------------------------ asking
    def has(self, name: str) -> bool:
        """Return whether the file gives `name`, and not as null."""
        self.read.add(name)
        return self.given.get(name) is not None

    def get(self, name: str, default: Any = None) -> Any:
        """Return the field as it stands in the file, else the class's default, else `default`."""
        self.read.add(name)
        if name in self.given:
            return self.given[name]
        if name in _CORE and not self.bare:
            usual = self.known.defaults.get(name)
            hint = f"; its class would take {usual!r}, which may not be meant" if usual else ""
            near = did_you_mean(name, [key for key in self.given if key not in self.read])
            raise ConfigError(
                f"{self.model_type}: the field {name!r} is missing{hint}. Add it to the file{near}",
                field=name,
            )
        value = self.known.defaults.get(name)
        return default if value is None else value

    def integer(self, name: str, default: Any = None, *, low: int = 1) -> Floats:
        """Return a whole number that must be there, as float64."""
        value = self.optional(name, default, low=low)
        if value is None:
            raise ConfigError(
                f"{self.model_type}: the field {name!r} is missing; it must be a whole number of"
                f" at least {low}",
                field=name,
            )
        return value

    def optional(self, name: str, default: Any = None, *, low: int = 1) -> Floats | None:
        """Return a whole number as float64, or None where file and class leave it open."""
        value = self.get(name, default)
        if value is None:
            value = default
        if value is None:
            return None
        whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        if isinstance(value, bool) or not whole or not low <= value <= _LARGEST:
            raise ConfigError(
                f"{self.model_type}: {name!r} must be a whole number from {low} to 2^48,"
                f" not {value!r}",
                field=name,
                value=value,
            )
        return np.float64(value)

    def count(self, name: str, default: Any = None) -> int:
        """Return a number of layers as int, bounded so that loops over layers stay short."""
        value = int(self.integer(name, default))
        if value > MOST_LAYERS:
            raise ConfigError(
                f"{self.model_type}: {name!r} must be at most {MOST_LAYERS}, not {value}",
                field=name,
                value=value,
            )
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """Return true or false; null means what the class says, as when nothing is stated."""
        value = self.get(name)
        if value is None:
            value = self.known.defaults.get(name)
        if value is None:
            value = default
        if not isinstance(value, bool):
            raise ConfigError(
                f"{self.model_type}: {name!r} must be true or false, not {value!r}",
                field=name,
                value=value,
            )
        return value

    def word(self, name: str, options: Sequence[str], default: str | None = None) -> str:
        """Return one of a few words; another one is an architecture that is not modelled."""
        value = self.get(name, default)
        if value not in options:
            self.refuse(name, f"modelled are {', '.join(map(repr, options))}")
        return str(value)

    def items(self, name: str, length: int | None = None) -> list[Any] | None:
        """Return a list, of `length` entries if that is given, or None."""
        value = self.get(name)
        if value is None:
            return None
        if not isinstance(value, (list, tuple)):
            raise ConfigError(
                f"{self.model_type}: {name!r} must be a list, not {value!r}",
                field=name,
                value=value,
            )
        if length is not None and len(value) != length:
            raise ConfigError(
                f"{self.model_type}: {name!r} has {len(value)} entries for {length} layers;"
                " give one entry a layer",
                field=name,
                value=value,
            )
        return list(value)

    def sub(self, name: str) -> Config:
        """Return a nested object as a configuration of its own, with its class's defaults."""
        value = self.get(name)
        if value is None:
            value = {}
        if not isinstance(value, Mapping):
            raise ConfigError(
                f"{self.model_type}: {name!r} must be an object, not {value!r}",
                field=name,
                value=value,
            )
        known = ClassDefaults(defaults=self.known.sub.get(name, {}).get("defaults", {}))
        nested = Config(value, f"{self.model_type}.{name}", known)
        nested.bare = True
        return nested

    # ------------------------------------------------------------------ refusing
    def refuse(self, name: str, why: str) -> NoReturn:
        """Raise the error for an architecture that is not modelled."""
        raise UnsupportedArchitectureError(
            f"{self.model_type}: {name!r} is {self._stated(name)}, which paramscale does not"
            f" model; {why}",
            model_type=self.model_type,
            field=name,
        )

    def missing(self, name: str, why: str) -> NoReturn:
        """Raise the error for a field that must be there."""
        raise ConfigError(f"{self.model_type}: the field {name!r} is missing, {why}", field=name)

    def contradiction(self, name: str, why: str) -> NoReturn:
        """Raise the error for fields that cannot all be true."""
        value = self.get(name)
        text = f"{self.model_type}: {name!r} is {self._stated(name)}, but {why}"
        raise ConfigError(text, field=name, value=value)

    def _stated(self, name: str) -> str:
        """Return a field's value, and whether the file or the class gave it."""
        value = f"{self.get(name)!r}"
        return value if name in self.given else f"{value} (the default of its class)"

    def head_width(self, width: Floats, heads: Floats, name: str = "head_dim") -> Floats:
        """Return the channels of a head: the field `name`, else width / heads."""
        stated = self.optional(name)
        if stated is not None:
            return stated
        if width % heads:
            raise ConfigError(
                f"{self.model_type}: the width {int(width)} is not a multiple of the"
                f" {int(heads)} heads; correct one of them, or state {name!r}",
                field=name,
            )
        return width // heads

    def ignore(self, *names: str) -> None:
        """Mark fields as read that have no influence on what is modelled."""
        self.read.update(names)

    def unread(self) -> list[str]:
        """Return the given fields that look like architecture and that nothing reads."""
        known = _DEPLOYMENT | self.read | self.known.defaults.keys() | self.known.text.keys()
        known = known.union(self.known.legacy)
        return [
            key
            for key, value in self.given.items()
            if key not in known
            and value not in (None, False, 0, "", [], {})  # says that something is absent
            and _STRUCTURAL.search(key)
            and not _HARMLESS.search(key)
        ]
