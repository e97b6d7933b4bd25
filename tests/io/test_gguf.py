"""A GGUF header is believed only where it fits the file, and then counted exactly."""

from __future__ import annotations

import math
import struct
import time
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paramscale.errors import ConfigError, FileFormatError, UnsupportedArchitectureError
from paramscale.io.files import MissingFileError
from paramscale.io.gguf import GGML_TYPES, GGUFFile, Omitted, read_gguf
from paramscale.io.hf.from_gguf import GGUF_ARCHITECTURES, to_config
from paramscale.io.tensors import TensorTable

NUMBERS = {kind.name: number for number, kind in GGML_TYPES.items()}
CODES = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}

Tensor = tuple[str, str, list[int]]  # name, type, shape with the slowest axis first


def text(value: str | bytes, order: str = "<") -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return struct.pack(order + "Q", len(data)) + data


def value(kind: int, item: Any, order: str = "<") -> bytes:
    """Return a value; that of an array is ``(element type, items)``."""
    if kind == 8:
        return text(item, order)
    if kind == 9:
        inner, items = item
        body = b"".join(value(inner, part, order) for part in items)
        return struct.pack(order + "IQ", inner, len(items)) + body
    return struct.pack(order + CODES[kind], item)


def pair(key: str, kind: int, item: Any, order: str = "<") -> bytes:
    return text(key, order) + struct.pack(order + "I", kind) + value(kind, item, order)


def info(name: str, dtype: int, sizes: list[int], offset: int, order: str = "<") -> bytes:
    body = struct.pack(f"{order}I{len(sizes)}QIQ", len(sizes), *sizes, dtype, offset)
    return text(name, order) + body


def head(tensors: int, pairs: int, version: int = 3, order: str = "<") -> bytes:
    return b"GGUF" + struct.pack(order + "IQQ", version, tensors, pairs)


def build(
    pairs: dict[str, tuple[int, Any]], tensors: list[Tensor], *, version: int = 3, order: str = "<"
) -> bytes:
    body, place, infos = b"", 0, b""
    for key, (kind, item) in pairs.items():
        body += pair(key, kind, item, order)
    for name, dtype, shape in tensors:
        block = GGML_TYPES[NUMBERS[dtype]]
        infos += info(name, NUMBERS[dtype], shape[::-1], place, order)
        size = math.prod(shape) // block.block_weights * block.block_bytes
        place += -(-size // 32) * 32
    start = head(len(tensors), len(pairs), version, order) + body + infos
    return start + b"\0" * (-len(start) % 32 + place)


PAIRS: dict[str, tuple[int, Any]] = {
    "general.architecture": (8, "llama"),
    "general.name": (8, "Toy"),
    "general.file_type": (4, 15),
}
TENSORS: list[Tensor] = [("a.weight", "Q4_K", [2, 256]), ("rope_freqs.weight", "F32", [16])]


@pytest.fixture
def save(tmp_path: Path) -> Any:
    def write(data: bytes, name: str = "m.gguf") -> Path:
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


def refuse(path: Path, message: str) -> None:
    with pytest.raises(FileFormatError, match=message):
        read_gguf(path)


@pytest.mark.parametrize(("version", "order"), [(2, "<"), (3, "<"), (3, ">")])
def test_a_header_is_read(save: Any, version: int, order: str) -> None:
    file = read_gguf(save(build(PAIRS, TENSORS, version=version, order=order)))
    assert (file.architecture, file.name, file.file_type) == ("llama", "Toy", "Q4_K_M")
    assert file.version == version
    assert file.tensors.names == ("a.weight", "rope_freqs.weight")
    assert file.tensors.shapes == ((2, 256), (16,))
    assert file.tensors.dtypes == ("Q4_K", "F32")
    assert (file.tensors.elements, file.tensors.bytes) == (528, 288 + 64)
    assert file.parameters == 512


def test_every_value_type_is_read(save: Any) -> None:
    values = {0: 255, 1: -128, 2: 65535, 3: -1, 4: 2**32 - 1, 5: -5, 6: 0.5, 7: True, 8: "é"}
    values |= {10: 2**64 - 1, 11: -(2**63), 12: 1e300}
    pairs: dict[str, tuple[int, Any]] = {f"k{kind}": (kind, v) for kind, v in values.items()}
    pairs["list"] = (9, (4, [1, 2]))
    pairs["nested"] = (9, (9, [(4, [1]), (8, ["x", "y"])]))
    metadata = read_gguf(save(build(pairs, []))).metadata
    assert metadata == {
        **{f"k{kind}": v for kind, v in values.items()},
        "list": [1, 2],
        "nested": [[1], ["x", "y"]],
    }


def test_a_vocabulary_is_measured_and_not_kept(save: Any) -> None:
    count = 150_000
    vocabulary = b"".join(text(f"token{i}") for i in range(count))
    tokens = text("tokens") + struct.pack("<IIQ", 9, 8, count) + vocabulary
    scores = text("scores") + struct.pack("<IIQ", 9, 6, count) + b"\0" * (4 * count)
    long = pair("template", 8, "x" * 2**17)
    after = pair("after", 8, "here")
    path = save(head(0, 4) + tokens + scores + long + after)
    tracemalloc.start()
    metadata = read_gguf(path).metadata
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert metadata["tokens"] == Omitted("texts", count)
    assert metadata["scores"] == Omitted("numbers", count)
    assert metadata["template"] == Omitted("text", 2**17)
    assert metadata["after"] == "here"
    assert peak < 6 * 2**20


def test_a_file_cut_at_any_byte_is_refused(save: Any) -> None:
    data = build({**PAIRS, "list": (9, (8, ["x", "yz"]))}, TENSORS)
    for end in range(len(data)):
        refuse(save(data[:end]), "m.gguf.*(file ends|truncated)")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (head(2**60, 0), "number of tensors is 1,152,921,504,606,846,976"),
        (head(0, 2**60), "number of metadata pairs is 1,152,921,504,606,846,976"),
        (
            head(0, 1) + struct.pack("<Q", 2**60) + b"\0" * 8,
            "length of a metadata key is 1,152,921,504",
        ),
        (
            head(0, 1) + text("general.name") + struct.pack("<IQ", 8, 2**60),
            "length of 'general.name' is 1,152,921,504",
        ),
        (
            head(0, 1) + text("list") + struct.pack("<IIQ", 9, 4, 2**62),
            "length of 'list' is 4,611,686,018",
        ),
        (
            head(0, 1) + text("list") + struct.pack("<IIQ", 9, 9, 2**60),
            "length of 'list' is 1,152,921,504",
        ),
        (
            head(0, 1) + text("list") + struct.pack("<IIQ", 9, 8, 100) + b"\xff" * 900,
            "length of 'list' is 18,446,744,073,709,551,615",
        ),
        (head(1, 0) + struct.pack("<Q", 2**60) + b"\0" * 40, "length of the name of a tensor"),
    ],
)
def test_a_hostile_count_costs_nothing(save: Any, data: bytes, message: str) -> None:
    path = save(data)
    tracemalloc.start()
    started = time.perf_counter()
    refuse(path, f"m.gguf', byte \\d+: the {message}.*left in the file")
    took, peak = time.perf_counter() - started, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert took < 0.1
    assert peak < 4 * 2**20


def test_counts_that_fit_a_large_file_are_bounded_too(save: Any) -> None:
    path = save(head(2**20, 0))
    with open(path, "r+b") as handle:
        handle.truncate(2**30)
    refuse(path, "number of tensors is 1,048,576; at most 262,144")
    path = save(head(0, 1) + text("list") + struct.pack("<IIQ", 9, 0, 2**29))
    with open(path, "r+b") as handle:
        handle.truncate(2**30)
    refuse(path, "header goes on past 134,217,728 bytes, within 'list'")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"PK\x03\x04" + b"\0" * 40, r"is not GGUF: it begins with b'PK"),
        (b"tjgg" + b"\0" * 40, "older 'ggjt' container"),
        (head(0, 0, version=1), "GGUF version 1.*convert it anew"),
        (head(0, 0, version=4), "GGUF version 4; 2 and 3 are read"),
        (head(0, 0, version=0), "GGUF version 0"),
        (
            head(0, 1) + pair("k", 4, 1)[:-8] + struct.pack("<II", 13, 0),
            "'k' has the value type 13",
        ),
        (head(0, 1) + text("k") + struct.pack("<IIQ", 9, 13, 0), "array of the value type 13"),
        (head(0, 2) + pair("k", 4, 1) * 2, "'k' stands twice"),
        (head(0, 1) + pair("x" * 70_000, 4, 1), "metadata key is 70,000 bytes long"),
        (head(0, 1) + text(b"\xff") + b"\0" * 8, "metadata key is not UTF-8"),
        (head(0, 1) + pair("general.alignment", 4, 33), "general.alignment is 33"),
        (head(0, 1) + pair("split.count", 2, 3), r"split.count .* is 3, but .* 1 part"),
    ],
)
def test_a_malformed_header_is_refused(save: Any, data: bytes, message: str) -> None:
    refuse(save(data), message)


def test_nested_arrays_are_bounded(save: Any) -> None:
    deep: Any = (0, [1])
    for _ in range(5):
        deep = (9, [deep])
    refuse(save(build({"k": (9, deep)}, [])), "nests arrays deeper than 4")
    many = head(0, 1) + text("k") + struct.pack("<IIQ", 9, 9, 70_000)
    many += struct.pack("<IQ", 0, 0) * 70_000
    refuse(save(many), "more than 65,536 arrays")


@pytest.mark.parametrize(
    ("infos", "message"),
    [
        (
            info("a", 0, [8], 0) + info("b", 0, [8], 0),
            "'b' overlaps the tensor 'a'.* 0, expected 32",
        ),
        (info("a", 0, [8], 0) + info("b", 0, [8], 64), "'b' does not follow.* 64, expected 32"),
        (info("a", 0, [8], 0) + info("b", 0, [8], 2**63), "'b' does not follow"),
        (info("a", 0, [8], 0) + info("b", 0, [2**50], 32), "truncated"),
        (info("a", 0, [8], 0) + info("b", 0, [2**63, 2], 32), "'b'.*below 2.63"),
        (info("a", 0, [8], 0) + info("a", 0, [8], 32), "'a' is stored twice"),
        (
            info("a", 0, [8], 0) + info("b", 4, [8], 32),
            "'b' has the type 4: Q4_2, which was removed",
        ),
        (info("a", 0, [8], 0) + info("b", 99, [8], 32), "'b' has the type 99: unknown"),
        (
            info("a", 0, [8], 0) + info("b", 12, [100], 32),
            "'b'.*100 weights.*256 in a block of Q4_K",
        ),
        (info("a", 0, [8], 0) + info("b", 0, [1] * 5, 32), "'b' has 5 axes; ggml allows 4"),
    ],
)
def test_tensors_that_contradict_the_file_are_named(save: Any, infos: bytes, message: str) -> None:
    refuse(save(head(2, 0) + infos + b"\0" * 200), message)


tables = st.lists(
    st.tuples(st.sampled_from(sorted(NUMBERS)), st.integers(0, 3), st.lists(st.integers(0, 4))),
    max_size=8,
)


@given(tables, st.sampled_from("<>"))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read(save: Any, items: list[Any], order: str) -> None:
    tensors = [
        (f"t{i}", dtype, [*outer[:3], blocks * GGML_TYPES[NUMBERS[dtype]].block_weights])
        for i, (dtype, blocks, outer) in enumerate(items)
    ]
    table = read_gguf(save(build(PAIRS, tensors, order=order))).tensors
    found = list(zip(table.names, table.dtypes, map(list, table.shapes), strict=True))
    assert found == tensors
    assert table.elements == sum(math.prod(shape) for _, _, shape in tensors)


def test_parts_are_read_together(save: Any) -> None:
    for part in (1, 2):
        pairs = {**(PAIRS if part == 1 else {}), "split.count": (2, 2)}
        path = save(build(pairs, [(f"t{part}", "F16", [part])]), f"m-0000{part}-of-00002.gguf")
    file = read_gguf(path)
    assert (file.tensors.names, file.tensors.elements, file.name) == (("t1", "t2"), 3, "Toy")
    path.unlink()
    with pytest.raises(MissingFileError, match=r"1 of 2 parts .*m-00002-of-00002\.gguf"):
        read_gguf(path.with_name("m-00001-of-00002.gguf"))
    with pytest.raises(FileFormatError, match="says part 3 of 2"):
        read_gguf(path.with_name("m-00003-of-00002.gguf"))


def test_sizes_of_blocks_are_those_of_the_published_table() -> None:
    bits = {"Q4_0": 4.5, "Q6_K": 6.5625, "IQ1_S": 1.5625, "TQ1_0": 1.6875, "MXFP4": 4.25}
    bits |= {"NVFP4": 4.5, "Q8_0": 8.5, "IQ4_XS": 4.25, "Q2_K": 2.625, "BF16": 16, "Q1_0": 1.125}
    found = {kind.name: kind.bits_per_weight for kind in GGML_TYPES.values()}
    assert {name: found[name] for name in bits} == bits


@pytest.mark.parametrize(
    ("name", "counted"),
    [
        ("blk.0.attn_q.weight", True),
        ("blk.0.attn_q.bias", True),
        ("blk.0.ssm_a", True),
        ("rope_freqs.weight", False),
        ("rope_factors_long.weight", False),
        ("blk.0.exp_probs_b.bias", False),
        ("blk.0.ffn_up.scale", False),
        ("blk.0.ffn_up.input_scale", False),
        ("blk.0.attn_k_b.weight", True),
    ],
)
def test_what_counts_as_a_parameter(name: str, counted: bool) -> None:
    table = TensorTable((name,), ((4,),), ("F32",), (16,))
    assert GGUFFile({}, table, None, None, None).parameters == (4 if counted else 0)


def test_copies_of_a_latent_projection_count_once() -> None:
    names = ("blk.0.attn_kv_b.weight", "blk.0.attn_k_b.weight", "blk.0.attn_v_b.weight")
    table = TensorTable(names, ((4,),) * 3, ("F32",) * 3, (16,) * 3)
    assert GGUFFile({}, table, None, None, None).parameters == 4


def model(architecture: str, keys: dict[str, Any], tensors: dict[str, tuple[int, ...]]) -> GGUFFile:
    """Return a file with these facts, as `read_gguf` would; ``*`` stands for two layers."""
    expanded = {
        name.replace("*", str(layer)): shape for name, shape in tensors.items() for layer in (0, 1)
    }
    sizes = tuple(2 * math.prod(shape) for shape in expanded.values())
    table = TensorTable(tuple(expanded), tuple(expanded.values()), ("F16",) * len(expanded), sizes)
    metadata = {f"{architecture}.{key}": item for key, item in keys.items()}
    return GGUFFile(metadata, table, architecture, None, None)


KEYS = {
    "block_count": 2,
    "context_length": 512,
    "embedding_length": 64,
    "feed_forward_length": 96,
    "attention.head_count": 4,
    "attention.head_count_kv": [2, 2],
    "attention.layer_norm_rms_epsilon": 1e-5,
    "rope.freq_base": 5e5,
}
LLAMA = {
    "token_embd.weight": (100, 64),
    "output_norm.weight": (64,),
    "rope_freqs.weight": (8,),
    "blk.*.attn_norm.weight": (64,),
    "blk.*.attn_q.weight": (64, 64),
    "blk.*.attn_k.weight": (32, 64),
    "blk.*.attn_v.weight": (32, 64),
    "blk.*.attn_output.weight": (64, 64),
    "blk.*.ffn_norm.weight": (64,),
    "blk.*.ffn_gate.weight": (96, 64),
    "blk.*.ffn_up.weight": (96, 64),
    "blk.*.ffn_down.weight": (64, 96),
}


def test_a_llama_becomes_its_configuration() -> None:
    assert to_config(model("llama", KEYS, LLAMA)) == {
        "model_type": "llama",
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "vocab_size": 100,
        "max_position_embeddings": 512,
        "rms_norm_eps": 1e-5,
        "rope_theta": 5e5,
        "tie_word_embeddings": True,
        "attention_bias": False,
        "mlp_bias": False,
    }


def test_a_head_of_its_own_unties_and_biases_are_seen() -> None:
    tensors = {**LLAMA, "output.weight": (100, 64)}
    tensors |= {f"blk.*.attn_{name}.bias": (64,) for name in ("q", "k", "v", "output")}
    config = to_config(model("llama", KEYS, tensors))
    assert (config["tie_word_embeddings"], config["attention_bias"]) == (False, True)


@pytest.mark.parametrize("old", [False, True])
def test_experts_make_a_mixtral(old: bool) -> None:
    tensors = {name: shape for name, shape in LLAMA.items() if "ffn_" not in name}
    tensors |= {"blk.*.ffn_norm.weight": (64,), "blk.*.ffn_gate_inp.weight": (3, 64)}
    for name, shape in (("gate", (96, 64)), ("up", (96, 64)), ("down", (64, 96))):
        if old:  # one tensor an expert
            tensors |= {f"blk.*.ffn_{name}.{expert}.weight": shape for expert in range(3)}
        else:
            tensors[f"blk.*.ffn_{name}_exps.weight"] = (3, *shape)
    config = to_config(model("llama", {**KEYS, "expert_count": 3, "expert_used_count": 2}, tensors))
    found = {key: config[key] for key in ("model_type", "num_local_experts", "intermediate_size")}
    assert found == {"model_type": "mixtral", "num_local_experts": 3, "intermediate_size": 96}


@pytest.mark.parametrize(
    ("keys", "tensors", "field"),
    [
        ({"attention.head_count_kv": [2, 4]}, {}, "llama.attention.head_count_kv"),
        ({"attention.head_count": None}, {}, "llama.attention.head_count"),
        ({"attention.value_length": 8}, {}, "llama.attention.value_length"),
        ({}, {"blk.*.attn_q_norm.weight": (16,)}, "attn_q_norm"),
        ({}, {"mm.0.weight": (16,)}, "mm.0"),
        ({}, {"blk.*.attn_q.bias": (64,)}, "attn_k.bias"),
        ({}, {"blk.1.attn_output.weight": (64, 32)}, "attn_output"),
        ({"block_count": 3}, {}, "attn_norm"),
    ],
)
def test_what_has_no_counterpart_is_refused_by_name(
    keys: dict[str, Any], tensors: dict[str, tuple[int, ...]], field: str
) -> None:
    file = model("llama", {**KEYS, **keys}, {**LLAMA, **tensors})
    with pytest.raises(UnsupportedArchitectureError, match="exact counts") as caught:
        to_config(file)
    assert (caught.value.model_type, caught.value.field) == ("llama", field)


@pytest.mark.parametrize(
    ("keys", "field"),
    [
        ({"embedding_length": 32}, "llama.embedding_length"),
        ({"attention.head_count_kv": 4}, "llama.attention.head_count_kv"),
        ({"feed_forward_length": 90}, "llama.feed_forward_length"),
        ({"block_count": -1}, "llama.block_count"),
        ({"block_count": "2"}, "llama.block_count"),
    ],
)
def test_metadata_that_contradict_the_tensors_are_named(keys: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigError, match=field) as caught:
        to_config(model("llama", {**KEYS, **keys}, LLAMA))
    assert caught.value.field == field


def test_an_unknown_architecture_is_refused_with_what_is_known() -> None:
    with pytest.raises(UnsupportedArchitectureError, match=r"'lama'; did you mean 'llama'"):
        to_config(model("lama", KEYS, LLAMA))
    with pytest.raises(UnsupportedArchitectureError, match=r"architecture None"):
        to_config(GGUFFile({}, TensorTable((), (), (), ()), None, None, None))
    with pytest.raises(UnsupportedArchitectureError, match="no embedding"):
        to_config(model("llama", KEYS, {}))
    assert len(GGUF_ARCHITECTURES) == 23


def test_gemma_layers_alternate_as_the_file_says() -> None:
    names = ("attn_q_norm", "attn_k_norm", "post_attention_norm", "post_ffw_norm")
    tensors = {**LLAMA, **{f"blk.*.{name}.weight": (64,) for name in names}}
    keys = {
        **KEYS,
        "attention.sliding_window": 128,
        "attention.sliding_window_pattern": [True, False],
    }
    config = to_config(model("gemma3", keys, tensors))
    assert config["layer_types"] == ["sliding_attention", "full_attention"]
    del keys["attention.sliding_window"]
    assert to_config(model("gemma3", keys, tensors))["layer_types"] == ["full_attention"] * 2


def test_layers_for_several_tokens_are_left_out() -> None:
    keys = {**KEYS, "block_count": 3, "nextn_predict_layers": 1}
    tensors = {**LLAMA, "blk.2.nextn.eh_proj.weight": (64, 128)}
    assert to_config(model("llama", keys, tensors))["num_hidden_layers"] == 2


def test_the_reference_writer_is_read_alike(tmp_path: Path) -> None:
    gguf = pytest.importorskip("gguf")
    numpy = pytest.importorskip("numpy")
    path = tmp_path / "m.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("Toy")
    writer.add_token_list([b"a"] * 100)
    writer.add_tensor("token_embd.weight", numpy.zeros((100, 64), "float16"))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    file = read_gguf(path)
    assert (file.name, file.tensors.shapes, file.tensors.bytes) == ("Toy", ((100, 64),), 12_800)
    tokens = file.metadata["tokenizer.ggml.tokens"]
    assert isinstance(tokens, Omitted)
    assert len(tokens) == 100
