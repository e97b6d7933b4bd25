"""What is wrong with a configuration is said with field, value, what is allowed, what to write."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

import paramscale as ps
from paramscale.errors import ConfigError, FileFormatError, UnsupportedArchitectureError
from paramscale.io.hf.family import model_from_config

SMALL: dict[str, Any] = {
    "model_type": "llama",
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "vocab_size": 100,
}

QWEN: dict[str, Any] = {"model_type": "qwen3", "head_dim": 16, "num_key_value_heads": 4}


def changed(**fields: Any) -> dict[str, Any]:
    return {**SMALL, **fields}


@pytest.mark.parametrize(
    "value", [-64, 0, 64.5, float("nan"), float("inf"), "64", True, [64], 2**60]
)
def test_sizes_are_positive_whole_numbers(value: Any) -> None:
    """Negative, zero, broken, NaN, infinite, text and absurd sizes are named with their field."""
    with pytest.raises(
        ConfigError, match=r"llama: 'hidden_size' must be a whole number from 1"
    ) as e:
        model_from_config(changed(hidden_size=value))
    assert e.value.field == "hidden_size"
    assert repr(value) in str(e.value)


def test_heads_divide_the_width() -> None:
    """A width that the heads do not divide has no head width, unless it is stated."""
    with pytest.raises(ConfigError, match="the width 64 is not a multiple of the 5 heads"):
        model_from_config(changed(num_attention_heads=5))
    model_from_config(changed(num_attention_heads=5, head_dim=16))


def test_key_value_heads_divide_the_heads() -> None:
    """Query heads share key-value heads evenly."""
    with pytest.raises(ConfigError, match="'num_key_value_heads' is 3, but the 4 heads"):
        model_from_config(changed(num_key_value_heads=3))


@pytest.mark.parametrize("field", ["hidden_size", "num_hidden_layers", "num_attention_heads"])
def test_a_missing_core_field_is_named(field: str) -> None:
    """A file with other sizes must say these: the class's default would be a guess."""
    config = {key: value for key, value in SMALL.items() if key != field}
    with pytest.raises(ConfigError, match=f"llama: the field '{field}' is missing") as caught:
        model_from_config(config)
    assert caught.value.field == field


def test_a_file_that_says_only_its_type_is_the_class_default() -> None:
    """That is what the reference code builds for it."""
    assert model_from_config({"model_type": "llama"}).width == 4096


@pytest.mark.parametrize("config", [{}, {"hidden_size": 4}])
def test_the_type_is_needed(config: dict[str, Any]) -> None:
    """Without a type nothing is known."""
    with pytest.raises(ConfigError, match="'model_type' is missing; it names the architecture"):
        model_from_config(config)


def test_an_unknown_type_is_refused_with_a_proposal() -> None:
    """The error names the type, the field, and what may have been meant."""
    with pytest.raises(UnsupportedArchitectureError, match="did you mean 'llama'") as caught:
        model_from_config(changed(model_type="lama"))
    assert (caught.value.model_type, caught.value.field) == ("lama", "model_type")


def test_an_unknown_field_that_looks_like_architecture_is_refused() -> None:
    """A misspelled field would otherwise fall back to a default silently."""
    with pytest.raises(
        ConfigError, match=r"'num_key_value_head' = 2.*did you mean 'num_key_value_h"
    ):
        model_from_config(changed(num_key_value_head=2))
    with pytest.raises(ConfigError, match="nothing is known of the field 'num_experts' = 8"):
        model_from_config(changed(num_experts=8))
    assert model_from_config(changed(num_experts=8), unknown_fields="ignore").width == 64


def test_fields_without_influence_are_passed_over() -> None:
    """Numerics, tokens, software and absent things are no architecture."""
    found = model_from_config(
        changed(
            rms_norm_eps=1e-6, rope_theta=1e4, bos_token_id=1, torch_dtype="bfloat16",
            transformers_version="9", num_experts=None, quantization_config={"bits": 4},
        )
    )  # fmt: skip
    assert found.to_dict() == model_from_config(changed()).to_dict()


def test_two_spellings_must_agree() -> None:
    """An alias and the field itself are one field."""
    config = {"model_type": "gpt2", "n_embd": 64, "n_layer": 2, "n_head": 4, "vocab_size": 100}
    assert model_from_config({**config, "hidden_size": 64}).width == 64
    with pytest.raises(ConfigError, match="two names of one field, but they say 64 and 128"):
        model_from_config({**config, "hidden_size": 128})


def test_a_default_that_contradicts_is_called_a_default() -> None:
    """Nobody should look in the file for a value that it does not hold."""
    with pytest.raises(
        ConfigError, match=r"'num_key_value_heads' is 32 \(the default of its class\)"
    ):
        model_from_config(changed(model_type="qwen3", head_dim=16))


def test_layer_lists_have_one_entry_a_layer() -> None:
    """A list of kinds that is too short or too long contradicts the number of layers."""
    config = changed(**QWEN, layer_types=["full_attention"] * 3)
    with pytest.raises(ConfigError, match="'layer_types' has 3 entries for 2 layers"):
        model_from_config(config)


def test_an_unknown_kind_of_layer_is_refused() -> None:
    """No kind of layer is guessed."""
    config = changed(**QWEN, layer_types=["full_attention", "fft"])
    with pytest.raises(UnsupportedArchitectureError, match="'layer_types'") as caught:
        model_from_config(config)
    assert caught.value.field == "layer_types"


def test_absurd_depth_is_refused_at_once() -> None:
    """Loops over layers stay short whatever the file says."""
    with pytest.raises(
        ConfigError, match="'num_hidden_layers' must be at most 10000, not 1000000000"
    ):
        model_from_config(changed(num_hidden_layers=10**9))


def test_flags_are_true_or_false() -> None:
    """A number is no flag."""
    with pytest.raises(ConfigError, match="'attention_bias' must be true or false, not 1"):
        model_from_config(changed(attention_bias=1))


def test_a_null_flag_is_the_default_of_the_class() -> None:
    """The reference drops it; gemma ties its head unless told otherwise."""
    config = {**SMALL, "model_type": "gemma", "head_dim": 16, "num_key_value_heads": 4}
    tied = [
        model_from_config({**config, "tie_word_embeddings": flag}).head[-1].tied
        for flag in (None, True, False)
    ]
    assert tied == [True, True, False]


def test_a_wrapper_needs_its_text_part() -> None:
    """Sizes beside an absent text_config are not put somewhere by guess."""
    with pytest.raises(ConfigError, match="'text_config' is missing, which holds the text model"):
        model_from_config({"model_type": "qwen3_vl", "hidden_size": 64})
    with pytest.raises(ConfigError, match="'text_config' must be an object"):
        model_from_config({"model_type": "qwen3_vl", "text_config": 3})


def test_truncated_json(tmp_path: Path) -> None:
    """Where the file breaks off is said."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps(SMALL)[:-20], encoding="utf-8")
    with pytest.raises(FileFormatError, match="line 1"):
        ps.read_model(path)


def test_a_huge_json_is_refused_before_it_is_read(tmp_path: Path) -> None:
    """A sparse file of 1 GB takes neither time nor memory."""
    path = tmp_path / "config.json"
    with path.open("wb") as stream:
        stream.truncate(1 << 30)
    with pytest.raises(FileFormatError, match="1,073,741,824"):
        ps.read_model(tmp_path)


def test_a_loop_of_links(tmp_path: Path) -> None:
    """A link that leads to itself is named."""
    os.symlink(tmp_path / "b.json", tmp_path / "a.json")
    os.symlink(tmp_path / "a.json", tmp_path / "b.json")
    with pytest.raises(FileFormatError, match=r"a\.json"):
        ps.read_model(tmp_path / "a.json")


def test_the_source_is_kept(tmp_path: Path) -> None:
    """A model says where it was read, and is called like its folder."""
    folder = tmp_path / "my-model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(SMALL), encoding="utf-8")
    model = ps.read_model(folder)
    assert (model.name, model.source) == ("my-model", str(folder))
