"""Byte Latent Transformer: a large model over patches between two small ones over bytes."""

from __future__ import annotations

from paramscale.architecture.embedding import Projection, Table
from paramscale.architecture.mlp import MLP
from paramscale.architecture.nested import Nested
from paramscale.architecture.norm import Norm
from paramscale.architecture.patch_attention import PatchAttention
from paramscale.io.hf.common import decoder, even_attention, pre_norm
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.specs.block import Block
from paramscale.specs.model import Layer, ModelSpec
from paramscale.typing import Floats


@family("blt")
def blt(c: Config) -> ModelSpec:
    """Return a BLT; counts are exact, work takes ``patch_size`` bytes as the mean patch.

    Where the patches begin is decided by the entropies of the text, with a small model (patcher).
    """
    encode, think, decode = (c.sub(f"{name}_config") for name in ("encoder", "global", "decoder"))
    width, patch = _agreed_width(c, encode, think, decode), c.integer("patch_size")
    window, own = c.optional("local_attention_window_len"), think.integer("hidden_size")
    thought = [Nested(item, own, 1 / patch) for item in _blocks(think, None)]
    layers = [
        *_bytes_part(encode, window, patch, inward=True),
        Layer(thought, think.count("num_hidden_layers")),
        *_bytes_part(decode, window, patch, inward=False),
    ]
    embedding: list[Block] = [
        Table(encode.integer("vocab_size")),
        _hashes(c),
        *_projections(encode, width, own, patch),
        Nested(Projection(outputs=width * decode.integer("cross_attn_k")), own, 1 / patch),
    ]
    if c.flag("patch_in_forward"):
        ends, judge = _patcher(c.sub("patcher_config"))
        embedding += ends
        layers.append(judge)
    return decoder(c, layers, width=width, embedding=embedding)


def _agreed_width(c: Config, encode: Config, think: Config, decode: Config) -> Floats:
    """Return the width of both parts that work on bytes, after the parts were compared."""
    width = decode.integer("hidden_size")
    if encode.integer("hidden_size") != width:
        c.contradiction("encoder_config", "its width must be that of the decoder")
    if decode.integer("hidden_size_global") != think.integer("hidden_size"):
        c.contradiction("decoder_config", "'hidden_size_global' must be the large model's width")
    if any(part.integer("cross_attn_k") != c.integer("cross_attn_k") for part in (encode, decode)):
        c.contradiction("cross_attn_k", "a part says otherwise")
    return width


def _hashes(c: Config) -> Table:
    """Return the tables of hashed groups of bytes, which lie in one tensor."""
    groups = len(c.items("encoder_hash_byte_group_size") or range(6))  # of 3 to 8 bytes
    each = c.integer("encoder_hash_byte_group_vocab")
    rows = each * groups * c.integer("encoder_hash_byte_group_nb_functions")
    return Table(rows, of="other_embedding")


def _blocks(part: Config, window: Floats | None) -> list[Block]:
    """Return one layer of a part: the layer of Llama."""
    width, heads = part.integer("hidden_size"), part.integer("num_attention_heads")
    kv_heads = part.integer("num_key_value_heads", heads)
    inner = part.integer("intermediate_size", int(8 * width / 3))
    return pre_norm(even_attention(part, width, heads, kv_heads, window=window), MLP(inner))


def _crossings(part: Config) -> int:
    """Return how many layers of a part attend between bytes and patches."""
    return part.count("num_hidden_layers") if part.flag("cross_attn_all_layers") else 1


def _bytes_part(part: Config, window: Floats | None, patch: Floats, *, inward: bool) -> list[Layer]:
    """Return the layers of the encoder or decoder, of which one or all attend across."""
    blocks, heads = _blocks(part, window), part.integer("num_attention_heads")
    attend = PatchAttention(
        heads,
        part.integer("num_key_value_heads", heads),
        part.integer("hidden_size") // heads,
        patch,
        part.integer("cross_attn_k"),
        inward,
    )
    crossing = _crossings(part)
    layers = [Layer([*blocks, attend], crossing)]
    if plain := part.count("num_hidden_layers") - crossing:
        layers.append(Layer(blocks, plain))
    return layers


def _projections(encode: Config, width: Floats, own: Floats, patch: Floats) -> list[Block]:
    """Return the projection of a patch to its slots, and from them to the large model's width."""
    joined = width * encode.integer("cross_attn_k")
    # every layer that attends across runs it again, with the same matrix
    found: list[Block] = [Nested(Projection(outputs=joined), width, _crossings(encode) / patch)]
    if joined != own:
        found.append(Nested(Projection(outputs=own), joined, 1 / patch))
    return found


def _patcher(part: Config) -> tuple[list[Block], Layer]:
    """Return ends and layers of the small model whose entropies decide where patches begin."""
    width, tokens = part.integer("hidden_size"), part.integer("vocab_size")
    ends: list[Block] = [Table(tokens, of="other_embedding"), Norm(), Projection(outputs=tokens)]
    blocks = _blocks(part, part.optional("sliding_window"))
    judge = Layer([Nested(item, width) for item in blocks], part.count("num_hidden_layers"))
    return [Nested(item, width) for item in ends], judge
