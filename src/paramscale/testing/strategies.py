"""Hypothesis strategies: blocks, small models and passes. Hypothesis is imported when asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from paramscale.errors import SpecError
from paramscale.specs.block import Block
from paramscale.specs.model import Layer, ModelSpec
from paramscale.specs.passes import Pass
from paramscale.testing.examples import field_values

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

__all__ = ["block_strategy", "models", "passes"]

_SIZES = (1, 2, 4, 8, 16)


def block_strategy(cls: type[Any]) -> SearchStrategy[Block]:
    """Return a strategy for instances of a block, all of its fields drawn.

    Sizes are small powers of two; combinations that the block refuses are not drawn.

    Parameters
    ----------
    cls : type
        A class decorated with ``@block``.
    """
    from hypothesis import assume
    from hypothesis import strategies as st

    fields = [field for field in attrs.fields(cls) if field.init]

    @st.composite
    def instances(draw: DrawFn) -> Block:
        values = {field.name: draw(_value(cls, field)) for field in fields}
        try:
            made: Block = cls(**values)
        except SpecError:
            assume(False)
        return made

    return instances()


def _value(cls: type[Any], field: Any) -> SearchStrategy[Any]:
    from hypothesis import strategies as st

    tried = field_values(cls, field)
    if field.converter is None:
        return st.sampled_from(tried)
    high = field.metadata.get("high", np.inf)
    sizes = st.sampled_from(_SIZES) if high >= _SIZES[-1] else st.sampled_from(tried)
    return st.one_of(st.none(), sizes) if field.default is None else sizes


def passes(*, causal: bool | None = None, cached: bool = True) -> SearchStrategy[Pass]:
    """Return a strategy for small passes.

    Parameters
    ----------
    causal : bool, optional
        The convention; either unless given.
    cached : bool
        Whether there may be tokens in a cache.
    """
    from hypothesis import strategies as st

    return st.builds(
        Pass,
        st.integers(1, 5),
        st.integers(1, 70),
        st.integers(0, 200) if cached else st.just(0),
        causal=st.booleans() if causal is None else st.just(causal),
    )


def models(*, biases: bool = True, experts: bool = True) -> SearchStrategy[ModelSpec]:
    """Return a strategy for small attention models: grouped or latent, dense or with experts.

    Parameters
    ----------
    biases : bool
        Whether projections may have biases.
    experts : bool
        Whether layers may be mixtures of experts.
    """
    from hypothesis import strategies as st

    from paramscale.architecture.embedding import Table
    from paramscale.architecture.head import Head
    from paramscale.architecture.norm import Norm

    @st.composite
    def built(draw: DrawFn) -> ModelSpec:
        width, vocabulary = 8 * draw(st.integers(1, 6)), draw(st.integers(2, 300))
        layers = [
            Layer(
                [Norm(), draw(_mixer(biases)), Norm(), draw(_channels(biases, experts))],
                draw(st.integers(1, 4)),
            )
            for _ in range(draw(st.integers(1, 3)))
        ]
        head = Head(vocabulary, tied=draw(st.booleans()))
        return ModelSpec(
            width=width, embedding=Table(vocabulary), layers=layers, head=[Norm(), head]
        )

    return built()


def _mixer(biases: bool) -> SearchStrategy[Block]:
    from hypothesis import strategies as st

    from paramscale.architecture.grouped_attention import GroupedAttention
    from paramscale.architecture.latent_attention import LatentAttention

    flags = st.booleans() if biases else st.just(False)
    sizes = st.sampled_from(_SIZES)
    windows = st.one_of(st.none(), st.integers(2, 50))

    @st.composite
    def grouped(draw: DrawFn) -> Block:
        kv_heads = draw(sizes)
        bias: dict[str, Any] = {
            f"{name}_bias": draw(flags) for name in ("query", "key", "value", "output")
        }
        return GroupedAttention(
            kv_heads * draw(sizes), kv_heads, draw(sizes), window=draw(windows), **bias
        )

    latent = st.builds(
        LatentAttention, sizes, st.one_of(st.none(), sizes), sizes, sizes, sizes, sizes, bias=flags
    )
    return st.one_of(grouped(), latent)


def _channels(biases: bool, experts: bool) -> SearchStrategy[Block]:
    from hypothesis import strategies as st

    from paramscale.architecture.experts import MixtureOfExperts
    from paramscale.architecture.mlp import MLP

    flags = st.booleans() if biases else st.just(False)
    inner = st.integers(1, 40)
    dense = st.builds(MLP, inner, gated=st.booleans(), bias_in=flags, bias_out=flags)
    if not experts:
        return dense

    @st.composite
    def mixture(draw: DrawFn) -> Block:
        chosen = draw(st.integers(1, 4))
        shared = draw(st.one_of(st.none(), inner))
        return MixtureOfExperts(
            chosen + draw(st.integers(0, 6)), chosen, draw(inner), shared_inner=shared
        )

    return st.one_of(dense, mixture())
