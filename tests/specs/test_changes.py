"""Records of what was done to a model: they travel with it, and refuse what has no meaning."""

from __future__ import annotations

import json

import attrs
import numpy as np
import pytest

import paramscale as ps
from paramscale.errors import SpecError, UnknownNameError
from paramscale.specs.changes import (
    Adaptation,
    Distillation,
    LowRank,
    Pruning,
    Quantization,
    SharedKV,
    Upcycling,
    Windowed,
    changes,
)

RECORDS = (
    Quantization(method="gptq", weight_bits=4, group=128, weight_format="gptq-int4-g128"),
    Pruning(method="wanda", structure="2:4", sparsity=0.5, parameters_before=8e9),
    LowRank(rank=256),
    Distillation(teacher_parameters=7e10, tokens=1e11),
    Adaptation(rank=16, tokens=1e7),
    Upcycling(experts=8, chosen=2),
    SharedKV(kv_heads=1, share=0.125),
    Windowed(window=4096, share=0.5),
)


def changed(*records: object) -> ps.ModelSpec:
    return attrs.evolve(ps.models["llama-3.1-8b"], changes=records)


def test_every_record_is_among_these() -> None:
    """The round trip below covers all registered kinds."""
    ours = {kind for kind, cls in changes.items() if cls.__module__.startswith("paramscale.")}
    assert {record.kind for record in RECORDS} == ours


def test_records_survive_a_round_trip_through_json() -> None:
    """What a file holds makes the same records again, defaults and unknown figures included."""
    again = ps.ModelSpec.from_dict(json.loads(json.dumps(changed(*RECORDS).to_dict())))
    for before, after in zip(RECORDS, again.changes, strict=True):
        assert type(before) is type(after)
        np.testing.assert_equal(attrs.asdict(before), attrs.asdict(after))


def test_a_model_of_another_size_keeps_its_records() -> None:
    """What was done to the base was done to the member of its family."""
    assert ps.ModelSpec.of_size(2e9, like=changed(*RECORDS)).changes == RECORDS


def test_an_array_in_a_record_names_the_axis() -> None:
    """A grid of sparsities is an axis under the name of the record's field."""
    model = changed(Pruning(sparsity=[0.5, 0.6, 0.7]))
    assert list(model.arrays()) == ["changes[0].sparsity"]


def test_models_describe_their_changes() -> None:
    """One line a record stands under the layers."""
    assert "changed: Pruning(sparsity=0.5)" in changed(Pruning(sparsity=0.5)).describe()


@pytest.mark.parametrize("sparsity", [-0.1, 1.0, [0.5, 1.5]])
def test_sparsities_outside_their_range_are_refused(sparsity: object) -> None:
    """All of a model cannot be pruned; the first bad value is named."""
    with pytest.raises(SpecError, match=r"Pruning\.sparsity must be a number at least 0 and less"):
        Pruning(sparsity=sparsity)


def test_what_is_no_record_is_refused() -> None:
    """The message shows how a record is written."""
    with pytest.raises(SpecError, match=r"records such as Pruning\(sparsity=0.5\), not 'pruned'"):
        changed("pruned")


def test_unknown_records_and_fields_are_named() -> None:
    """A file with another kind or field says which, and what was meant."""
    plain = changed(Pruning(sparsity=0.5)).to_dict()
    plain["changes"] = [{"kind": "prunning"}]
    with pytest.raises(UnknownNameError, match="did you mean 'pruning'"):
        ps.ModelSpec.from_dict(plain)
    plain["changes"] = [{"kind": "pruning", "sparseness": 0.5}]
    with pytest.raises(SpecError, match="Pruning has no field 'sparseness'"):
        ps.ModelSpec.from_dict(plain)
