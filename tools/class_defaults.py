#!/usr/bin/env python3
"""Record what the configuration classes of `transformers` declare, one JSON line a model type.

    python tools/class_defaults.py --configs FOLDER [--out FILE]

Run in an environment that has `transformers`; the library itself never imports it and only reads
the file written here. Covered are the model types of the causal-LM mapping, those that the configs
in FOLDER name (at the top, in `text_config` or in `llm_config`), every wrapper whose text config is
of such a type, and the text types of all of these.

Keys of a line:

``defaults``
    the fields as declared, before `__post_init__` fills any in; base-class fields only where the
    class overrides them, and `tie_word_embeddings` always, with its effective value
``aliases``
    the `attribute_map`: {alias: canonical name}
``text``
    of a wrapper: {key of the sub config: its default model type}; else null
``legacy``
    other spellings read from the keyword arguments while the config is built, and properties
    that can be set
``text_init``, ``sub`` (where there are any)
    values that the wrapper gives its text config by default; raw defaults of further sub configs
    that hold sizes of the decoder
"""

from __future__ import annotations

import argparse
import ast
import dataclasses
import inspect
import json
import math
import os
import re
import textwrap
from pathlib import Path
from typing import Any

os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import transformers
from transformers import CONFIG_MAPPING, PreTrainedConfig
from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

OUT = Path(__file__).resolve().parents[1] / "src/paramscale/io/hf/data/class_defaults.jsonl"
BASE_FIELDS = {f.name: f for f in dataclasses.fields(PreTrainedConfig)}
# base fields that say nothing about the architecture, overridden or not
DROPPED_BASE_FIELDS = set(BASE_FIELDS) - {"is_encoder_decoder"}
MODALITY = re.compile(r"vision|visual|image|audio|speech|sound|video|qformer|backbone|codec|vq_")
TEXT_KEYS = ("decoder", "generator", "text_config")  # where `get_text_config(decoder=True)` looks
NOT_LEGACY = {
    "attn_implementation",
    "dtype",
    "id2label",
    "label2id",
    "model_type",
    "name_or_path",
    "num_labels",
    "rope_scaling",
    "rope_theta",
    "torch_dtype",
}


def jsonable(value: Any) -> Any:
    if isinstance(value, PreTrainedConfig):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return {"__float__": "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, dict):
        return {str(k): jsonable(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set):
        return [jsonable(v) for v in value]
    raise TypeError(f"cannot write {value!r} as JSON")


def raw_defaults(cls: type[PreTrainedConfig]) -> dict[str, Any]:
    found = {}
    for field in dataclasses.fields(cls):
        if field.name in DROPPED_BASE_FIELDS:
            continue
        if field.default is not dataclasses.MISSING:
            value = field.default
        elif field.default_factory is not dataclasses.MISSING:
            value = field.default_factory()
        else:
            value = None
        base = BASE_FIELDS.get(field.name)
        if base is not None and base.default == value:
            continue
        found[field.name] = jsonable(value)
    return found


def own_bases(cls: type) -> list[type]:
    """The class and its bases below `PreTrainedConfig`."""
    return [c for c in cls.__mro__ if issubclass(c, PreTrainedConfig) and c is not PreTrainedConfig]


def literals(node: ast.AST, owner: type) -> list[str]:
    """Names a loop runs over: a literal collection, `.items()` of one, or a class attribute."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        node = node.func.value
    if isinstance(node, ast.Attribute):
        value = getattr(owner, node.attr, None)
        if not isinstance(value, dict | list | tuple):
            return []
        return [v for v in value if isinstance(v, str)]
    if isinstance(node, ast.Dict):
        items: list[Any] = list(node.keys)
    elif isinstance(node, ast.Tuple | ast.List | ast.Set):
        items = list(node.elts)
    else:
        return []
    return [i.value for i in items if isinstance(i, ast.Constant) and isinstance(i.value, str)]


def spelled(node: ast.AST, loops: dict[str, list[str]]) -> list[str]:
    """The strings an argument can stand for."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.Name):
        return loops.get(node.id, [])
    if isinstance(node, ast.JoinedStr):
        texts = [""]
        for part in node.values:
            inner = part.value if isinstance(part, ast.FormattedValue) else part
            texts = [t + s for t in texts for s in spelled(inner, loops)]
        return texts
    return []


def legacy_names(cls: type[PreTrainedConfig]) -> list[str]:
    names: set[str] = set()
    for owner in own_bases(cls):
        names.update(k for k, v in vars(owner).items() if isinstance(v, property) and v.fset)
        for member in vars(owner).values():
            if not inspect.isfunction(member):
                continue
            try:
                tree = ast.parse(textwrap.dedent(inspect.getsource(member)))
            except (OSError, SyntaxError):
                continue
            loops: dict[str, list[str]] = {}
            for node in ast.walk(tree):
                if isinstance(node, ast.For | ast.comprehension):
                    target = node.target
                    if isinstance(target, ast.Tuple):
                        target = target.elts[0]
                    if isinstance(target, ast.Name):
                        loops.setdefault(target.id, []).extend(literals(node.iter, owner))
            for node in ast.walk(tree):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Attribute)
                    and node.func.attr in ("pop", "get", "setdefault")
                    and isinstance(node.func.value, ast.Name)
                    and node.func.value.id == "kwargs"
                    and node.args
                ):
                    names.update(spelled(node.args[0], loops))
                elif (
                    isinstance(node, ast.Compare)
                    and isinstance(node.comparators[0], ast.Name)
                    and node.comparators[0].id == "kwargs"
                ):
                    names.update(spelled(node.left, loops))
                elif (
                    isinstance(node, ast.Subscript)
                    and isinstance(node.value, ast.Name)
                    and node.value.id == "kwargs"
                ):
                    names.update(spelled(node.slice, loops))
    fields = {f.name for f in dataclasses.fields(cls)}
    return sorted(n for n in names - fields - NOT_LEGACY if not n.startswith("_"))


def instance(cls: type[PreTrainedConfig]) -> PreTrainedConfig | None:
    try:
        return cls()
    except Exception:
        return None


def text_of(config: PreTrainedConfig | None) -> tuple[str, PreTrainedConfig] | None:
    """(key, config) of the sub config that leads to the decoder's own config."""
    if config is None:
        return None
    try:
        text = config.get_text_config(decoder=True)
    except Exception:
        return None
    if text is config or type(text) is type(config):
        return None
    for key, value in vars(config).items():
        if not isinstance(value, PreTrainedConfig):
            continue
        if value is text or value.get_text_config(decoder=True) is text:
            return key, value
    return None


def sub_config_classes(cls: type[PreTrainedConfig]) -> dict[str, Any]:
    """Sub configs of a class: {key: class, or the specification that names it}."""
    older = vars(cls).get("sub_configs")
    return {**(older if isinstance(older, dict) else {}), **cls.sub_configs_defaults}


def record(model_type: str, cls: type[PreTrainedConfig]) -> dict[str, Any]:
    config = instance(cls)
    subs = sub_config_classes(cls)
    defaults = raw_defaults(cls)
    tied = getattr(config or cls, "tie_word_embeddings", defaults.get("tie_word_embeddings"))
    defaults["tie_word_embeddings"] = bool(tied)
    found = text_of(config)
    text = (found[0], found[1].model_type) if found else None
    if config is None:  # the class default does not validate: as declared
        text = next(((k, subs[k].model_type) for k in TEXT_KEYS if k in subs), None)
    line: dict[str, Any] = {
        "model_type": model_type,
        "defaults": defaults,
        "aliases": dict(cls.attribute_map),
        "text": {text[0]: text[1]} if text else None,
        "legacy": legacy_names(cls),
    }
    if text and text[0] in subs and getattr(subs[text[0]], "init_kwargs", None):
        line["text_init"] = jsonable(subs[text[0]].init_kwargs)
    if model_type in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        further = {}
        for key, sub in subs.items():
            if (text and key == text[0]) or MODALITY.search(key):
                continue
            sub_cls = sub if isinstance(sub, type) else sub.config_class
            if not issubclass(sub_cls, PreTrainedConfig):
                sub_cls = CONFIG_MAPPING[sub.model_type]
            init = getattr(sub, "init_kwargs", {})
            further[key] = {
                "model_type": sub_cls.model_type,
                "defaults": jsonable({**raw_defaults(sub_cls), **init}),
                "legacy": legacy_names(sub_cls),
            }
        if further:
            line["sub"] = further
    return line


def named_in(folder: Path) -> set[str]:
    types = set()
    for path in sorted(folder.glob("*.json")):
        config = json.loads(path.read_text(encoding="utf-8"))
        for part in (config, config.get("text_config"), config.get("llm_config")):
            if isinstance(part, dict) and isinstance(part.get("model_type"), str):
                types.add(part["model_type"])
    return types


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--configs", type=Path, help="folder of config.json files")
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()

    wanted = set(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)
    if args.configs:
        wanted |= named_in(args.configs) & set(CONFIG_MAPPING_NAMES)
    classes: dict[str, type[PreTrainedConfig]] = {}
    for name in CONFIG_MAPPING_NAMES:
        cls = CONFIG_MAPPING[name]
        chain, step = [], text_of(instance(cls))
        while step:
            chain.append(step[1])
            step = text_of(step[1])
        if name in wanted or (chain and chain[-1].model_type in wanted):
            classes[name] = cls
            for config in chain:
                known = config.model_type in CONFIG_MAPPING_NAMES
                classes.setdefault(
                    config.model_type,
                    CONFIG_MAPPING[config.model_type] if known else type(config),
                )

    args.out.parent.mkdir(parents=True, exist_ok=True)
    source = f"transformers {transformers.__version__} (Apache-2.0), configuration classes"
    lines = [{"source": source}, *(record(name, classes[name]) for name in sorted(classes))]
    text = "".join(
        json.dumps(line, separators=(",", ":"), allow_nan=False) + "\n" for line in lines
    )
    args.out.write_text(text, encoding="utf-8")
    print(f"{len(classes)} model types")


if __name__ == "__main__":
    main()
