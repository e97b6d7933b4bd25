"""gpt-oss and MiMo-V2-Flash: attention sinks, windows, and experts in (almost) every layer."""

from __future__ import annotations

from collections.abc import Sequence

from paramscale.architecture.grouped_attention import GroupedAttention
from paramscale.io.hf.common import attention, biased, decoder, gated_mlp, pre_norm, stack
from paramscale.io.hf.config import Config
from paramscale.io.hf.family import family
from paramscale.io.hf.mixture import agrees, experts, fine_experts, listed_kinds, mixed, windows
from paramscale.specs.block import Block
from paramscale.specs.model import ModelSpec


@family("gpt_oss")
def gpt_oss(c: Config) -> ModelSpec:
    """Return a gpt-oss: biases in router and experts, a window in every second layer."""
    chosen = c.get("num_experts_per_tok")
    agrees(c, "experts_per_token", chosen, "it must agree with num_experts_per_tok")
    bias = biased(c.flag("attention_bias"))
    feed = experts(c, router_bias=True, bias_in=True, bias_out=True)
    layers = stack(
        windows(c, lambda i: i % 2 == 0),
        lambda window: pre_norm(attention(c, window=window, sinks=True, **bias), feed),
    )
    return decoder(c, layers)


@family("mimo_v2_flash")
def mimo_v2_flash(c: Config) -> ModelSpec:
    """Return a MiMo-V2-Flash: layers with a window have sinks and twice the key-value heads."""
    width = c.integer("v_head_dim")
    bias = biased(c.flag("attention_bias"), False)
    whole = attention(c, value_width=width, **bias)
    heads = whole.kv_heads
    if whole.heads % (2.0 * heads):
        c.contradiction(
            "num_key_value_heads",
            "layers with a window have twice as many, which must divide the heads",
        )

    def attend(window: float | None) -> Block:
        if window is None:
            return whole
        return attention(
            c, value_width=width, kv_heads=2.0 * heads, sinks=True, window=window, **bias
        )

    feeds = listed_kinds(c, lambda i: i > 0)
    blocks: dict[str, Block] = {"dense": gated_mlp(c), "sparse": fine_experts(c, shared=None)}
    seen = _mimo_windows(c)
    _check_mimo(c, whole, seen, feeds)
    return decoder(
        c, mixed(seen, feeds, blocks, lambda window, feed: pre_norm(attend(window), feed))
    )


def _mimo_windows(c: Config) -> list[float | None]:
    """Return the window of each layer; the older field counts one token less."""
    seen = windows(c, lambda i: i > 0 and (i + 1) % 6 != 0)
    older = c.optional("sliding_window_size")
    if older is None:
        return seen
    return [None if window is None else float(older + 1.0) for window in seen]


def _check_mimo(
    c: Config, whole: GroupedAttention, seen: Sequence[float | None], feeds: Sequence[str]
) -> None:
    """Refuse fields of the published code that say something else than the class builds."""
    same = "the class builds what the other fields say"
    agrees(c, "hybrid_layer_pattern", [int(window is not None) for window in seen], same)
    agrees(c, "moe_layer_freq", [int(feed == "sparse") for feed in feeds], same)
    agrees(c, "swa_num_attention_heads", whole.heads, same)
    agrees(c, "swa_num_key_value_heads", 2.0 * whole.kv_heads, same)
    agrees(c, "swa_head_dim", whole.head_width, same)
    agrees(c, "swa_v_head_dim", whole.value_width, same)
    agrees(c, "add_swa_attention_sink_bias", True, same)
    agrees(c, "add_full_attention_sink_bias", False, same)
    agrees(c, "n_shared_experts", 0, "the class has no shared experts")
    c.ignore("attention_chunk_size")  # another word for the window, of which layer_types decides
