"""The best size and format within a budget: against counting by hand, in limits, and errors."""

from __future__ import annotations

import numpy as np
import pytest

import paramscale as ps

RUN = ps.TrainingSpec(tokens=15e12)
FORMATS = ["bf16", "q8_0", "q4_k_m", "q2_k"]


@pytest.fixture(scope="module")
def found() -> ps.SizeFormats:
    budget = {"serving_memory_bytes": [1e9, 8e9, 24e9, 1e13]}
    return ps.best_format(np.geomspace(1e9, 5e10, 12), FORMATS, budget, training=RUN)


def test_losses_are_those_of_single_estimates(found: ps.SizeFormats) -> None:
    """A point of the grid is what one estimate says."""
    size = ps.ModelSpec.of_size(np.geomspace(1e9, 5e10, 12)[7])
    serving = ps.ServingSpec(weight_format="q4_k_m")
    wanted = ["loss_nats", "compression_loss_nats", "serving_memory_bytes"]
    alone = ps.estimate(
        model=size,
        training=RUN,
        serving=serving,
        quantities=wanted,
        options={"compressed.text": "ordinary"},
    )
    both = alone["loss_nats"].value + alone["compression_loss_nats"].value
    assert found.loss[7, 2] == pytest.approx(both, rel=1e-9)
    taken = found.taken["serving_memory_bytes"][7, 2]
    assert taken == pytest.approx(alone["serving_memory_bytes"].value, rel=1e-9)


def test_the_best_is_the_least_loss_that_fits(found: ps.SizeFormats) -> None:
    """No other pair that fits has less loss; chances of those that fit add up to one."""
    for k in (1, 2, 3):
        best = found.best(k)
        assert best.loss == found.loss[found.fits[k]].min()
        assert found.chances[k].sum() == pytest.approx(1.0)
        assert found.chances[k][~found.fits[k]].sum() == 0.0
        assert best.low <= best.loss <= best.high


def test_more_memory_never_hurts(found: ps.SizeFormats) -> None:
    """A larger budget has a loss as low or lower; without a limit the largest in 16 bits wins."""
    losses = [found.best(k).loss for k in (1, 2, 3)]
    assert losses == sorted(losses, reverse=True)
    assert (found.best(3).size, found.best(3).format) == (11, 0)


def test_nothing_fits_is_said(found: ps.SizeFormats) -> None:
    """A gigabyte holds none of these, and the text says so."""
    assert found.best(0).label == "nothing fits"
    assert "nothing fits" in repr(found)


def test_a_large_model_in_four_bits_beats_a_small_one_in_sixteen() -> None:
    """At 48 GB: 70B at 4 bits against 8B at 16, on the same tokens."""
    pair = ps.best_format(
        ["llama-3.1-8b", "llama-3.1-70b"], ["bf16", "gptq-int4-g128"],
        {"serving_memory_bytes": 48e9}, training=RUN,
    )  # fmt: skip
    assert pair.best().label == "llama-3.1-70b in gptq-int4-g128"
    assert pair.best().probability > 0.9
    assert [each.label for each in pair.front()] == [pair.best().label]


def test_latency_is_a_budget_too() -> None:
    """Less time for a token means a smaller model or fewer bits."""
    fast = ps.best_format(
        np.geomspace(1e9, 1e11, 9), ["bf16", "fp8"], {"tpot_s": [0.004, 0.04]},
        training=RUN, hardware="h100-sxm",
    )  # fmt: skip
    assert fast.best(0).size < fast.best(1).size


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"formats": []}, "needs formats"),
        ({"within": {}}, "a budget in `within`"),
        ({"within": {"tpot_s": [1.0, 2.0], "weight_bytes": [1.0, 2.0, 3.0]}}, "of one length"),
        ({"training": [RUN, RUN]}, "2 trainings for 1 models"),
        ({"formats": ["q4_k_x"]}, "did you mean"),
        ({"within": {"weight_byte": 1.0}}, "did you mean 'weight_bytes'"),
    ],
)
def test_errors_say_what_is_wrong(changed: dict[str, object], text: str) -> None:
    """No format, no budget, budgets of two lengths, too many trainings, names that are not."""
    given: dict[str, object] = {
        "models": ["llama-3.1-8b"], "formats": ["bf16"], "within": {"weight_bytes": 1e11},
        "training": RUN,
    }  # fmt: skip
    with pytest.raises((ValueError, LookupError), match=text):
        ps.best_format(**(given | changed))
