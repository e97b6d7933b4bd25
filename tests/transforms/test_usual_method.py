"""A format costs the same whether the model carries it or the scenario names it."""

from __future__ import annotations

import numpy as np
import pytest

import paramscale as ps

NAMES = ("awq-int4-g128", "gptq-int4-g128", "int4-g128-sym", "q4_k_m", "q4_0", "nf4", "fp8",
         "nvfp4", "mxfp8", "int8", "i2_s", "aqlm-2x8-g8", "quip-e8p")  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_two_ways_to_say_a_format(name: str) -> None:
    """The loss added by ``quantize`` is that of a ``ServingSpec`` with the same name."""
    training = ps.TrainingSpec(tokens=15e12)
    carried, named = (
        ps.estimate(model=model, serving=serving, training=training,
                    quantities="compression_loss_nats")["compression_loss_nats"]
        for model, serving in (
            (ps.quantize("llama-3.1-8b", name), None),
            ("llama-3.1-8b", ps.ServingSpec(weight_format=name)),
        )
    )  # fmt: skip
    assert carried.value == named.value
    assert np.isfinite(carried.value)
