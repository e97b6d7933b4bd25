"""Run in a fresh process by the tests of the plugin: tells in JSON what the library sees."""

from __future__ import annotations

import contextlib
import io
import json
import warnings
from typing import Any

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")

    import numpy as np

    import paramscale as ps
    from paramscale.cli import main
    from paramscale.core.estimator import ESTIMATORS
    from paramscale.laws import laws
    from paramscale.specs.block import blocks
    from paramscale.testing import block_examples, check_block, check_estimator, check_law

    def printed(*words: str) -> str:
        """Return what the command prints."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            main(words)
        return out.getvalue()

    names = [*blocks, *laws]  # plugins are loaded at the first listing; here their warnings count
    training = ps.TrainingSpec(tokens=1e10)
    e = ps.estimate(model="llama-3.1-8b", training=training)
    told: dict[str, Any] = {
        "parameters": float(e["parameters"].value),
        "default": float(e["loss_nats"].value),
        "default_law": e["loss_nats"].estimator,
        "checked": [],
        "listed": {
            what: printed("list", what, "--json")
            for what in ("estimators", "quantities", "blocks", "laws")
        },
    }
    if "example_differential_attention" in blocks:
        DifferentialAttention = blocks["example_differential_attention"]
        model = ps.ModelSpec(width=64, layers=[ps.Layer(DifferentialAttention(4, 8), 3)])
        plain = model.to_dict()
        again = ps.ModelSpec.from_dict(json.loads(json.dumps(plain)))
        counted = ps.estimate(model=again)
        told["block_weights"] = float(counted["parameters"].value) / 3
        told["round_trip"] = again.to_dict() == plain
        for example in block_examples(DifferentialAttention):
            check_block(example)
        told["checked"].append("block")
    if "loading_s" in e:
        given = {"model": "llama-3.1-8b", "quantities": "loading_s"}
        slow = {"loading_s.storage_bytes_per_s": 1e9}
        told["loading_s"] = float(e["loading_s"].value)
        told["loading_alone_s"] = float(ps.estimate(**given)["loading_s"].value)
        told["loading_slowly_s"] = float(ps.estimate(**given, options=slow)["loading_s"].value)
        told["report"] = printed("report", "llama-3.1-8b")
        check_estimator(ESTIMATORS.named("loading_s", "from_storage"))
        told["checked"].append("estimator")
    if "example_kaplan2020" in laws:
        law = laws["example_kaplan2020"]
        use = {"loss_nats": "example_kaplan2020"}
        named = ps.estimate(model="llama-3.1-8b", training=training, use=use)
        told["used"] = float(named["loss_nats"].value)
        told["law"] = float(law(e["parameters"].value, np.float64(1e10)))
        check_law(law)
        check_estimator(ESTIMATORS.named("loss_nats", "example_kaplan2020"))
        told["checked"].append("law")

told["warnings"] = [str(each.message) for each in caught]
print(json.dumps(told))
