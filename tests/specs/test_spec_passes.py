"""The (query, key) pairs of a pass against counting them one by one."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import paramscale as ps
from paramscale.specs.passes import Pass

RUN = settings(max_examples=200, deadline=None, derandomize=True)
NEW, CACHED, LIMIT = st.integers(1, 30), st.integers(0, 40), st.integers(1, 45)


def visible(query: int, key: int, window: int | None, chunk: int | None) -> bool:
    """Tell whether a query at a position sees a key at a position."""
    if key > query:
        return False
    if window is not None and query - key >= window:
        return False
    return chunk is None or query // chunk == key // chunk


def counted(new: int, cached: int, window: int | None = None, chunk: int | None = None) -> int:
    """Return the pairs of one sequence, counted."""
    return sum(
        visible(query, key, window, chunk)
        for query in range(cached, cached + new)
        for key in range(cached + new)
    )


@RUN
@given(NEW, CACHED, st.integers(1, 4))
def test_full_attention(new: int, cached: int, sequences: int) -> None:
    """Every key up to the query itself."""
    assert Pass(sequences, new, cached).pairs() == sequences * counted(new, cached)


@RUN
@given(NEW, CACHED, LIMIT)
def test_windows(new: int, cached: int, window: int) -> None:
    """The last `window` keys, the query's own included."""
    pairs = Pass(1, new, cached).pairs(window=np.float64(window))
    assert pairs == counted(new, cached, window=window)


@RUN
@given(NEW, CACHED, LIMIT)
def test_chunks(new: int, cached: int, chunk: int) -> None:
    """The keys of the query's own chunk of positions."""
    pairs = Pass(1, new, cached).pairs(chunk=np.float64(chunk))
    assert pairs == counted(new, cached, chunk=chunk)


@RUN
@given(NEW, CACHED, st.one_of(st.none(), LIMIT))
def test_the_full_convention_counts_rectangles(new: int, cached: int, window: int | None) -> None:
    """All new queries against all new keys and the cached ones that a window recalls."""
    limit = None if window is None else np.float64(window)
    step = Pass(1, new, cached, causal=False)
    recalled = cached if window is None else min(cached, window - 1)
    assert step.pairs(window=limit) == new * (recalled + new)


@RUN
@given(st.lists(NEW, min_size=1, max_size=6), LIMIT)
def test_pieces_make_the_whole(pieces: list[int], limit: int) -> None:
    """A prompt read in pieces has the pairs of the prompt read at once, window or chunk or none."""
    starts = np.concatenate([[0], np.cumsum(pieces)[:-1]])
    for kind in ({}, {"window": np.float64(limit)}, {"chunk": np.float64(limit)}):
        whole = Pass(1, sum(pieces)).pairs(**kind)
        assert np.sum(Pass(1, pieces, starts).pairs(**kind)) == whole


@RUN
@given(CACHED, NEW, LIMIT)
def test_what_a_cache_holds(cached: int, new: int, window: int) -> None:
    """All tokens; of a window the w - 1 that the next token may see."""
    step = Pass(1, new, cached)
    assert step.held() == cached + new
    assert step.held(np.float64(window)) == min(cached + new, window - 1)
    assert step.recalled(np.float64(window)) == min(cached, window - 1)


def test_serving_phases() -> None:
    """Prefill has logits of the last position; decode stands at the mean context of its steps."""
    serving = ps.ServingSpec(batch=3, prompt_tokens=10, output_tokens=6)
    prefill, decode = serving.prefill(), serving.decode()
    assert prefill.logit_positions == 3.0
    assert serving.prefill(causal=False).logit_positions == 30.0
    assert decode.cached_tokens == np.mean([10, 11, 12, 13, 14])
    assert serving.filled().context == 16.0


def test_a_request_without_output_still_decodes_from_its_prompt() -> None:
    """`output_tokens` of 0 or 1 has no decode step; the step asked about is the first one."""
    for written in (0, 1, 2):
        decode = ps.ServingSpec(prompt_tokens=10, output_tokens=written).decode()
        assert decode.cached_tokens == 10.0
