"""``compare``: side by side, what differs most first, and whether it is a difference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import paramscale as ps
from paramscale.errors import ParamscaleError, SpecError, UnknownNameError

SOME = ["parameters", "kv_cache_bytes", "tpot_s", "active_fraction"]


def test_rows_are_what_single_estimates_say_sorted_by_ratio() -> None:
    """Values, ratios and their order; equal ones come last."""
    names = ["llama-3.1-8b", "llama-3.1-70b", "llama-3.1-405b"]
    found = ps.compare(names, hardware="h100-sxm", quantities=SOME)
    assert found.names == tuple(names)
    for each in found.differences:
        alone = [
            float(ps.estimate(model=name, hardware="h100-sxm", quantities=each.name)[each.name])
            for name in names
        ]
        assert np.array_equal(each.value, alone)
        assert np.allclose(each.ratio, np.array(alone) / alone[0])
    sizes = [each.size for each in found.differences]
    assert sizes == sorted(sizes, reverse=True)
    assert found.differences[-1].name == "active_fraction"
    assert found["active_fraction"].verdicts == ("equal",) * 3


def test_a_difference_within_the_intervals_is_told() -> None:
    """Exact counts differ clearly; times of like machines lie within their intervals."""
    found = ps.compare(
        [{"hardware": "h100-sxm"}, {"hardware": "h200"}, {"hardware": "t4"}], model="llama-3.1-8b",
        quantities=["tpot_s", "parameters"],
    )  # fmt: skip
    assert found.names == ("h100-sxm", "h200", "t4")
    assert found["tpot_s"].verdicts == ("equal", "within", "clear")
    text = repr(found)
    assert "h200" in text
    assert ") ~" in text
    assert "the difference is smaller than they are" in text
    assert "equal in all: parameters" in text


def test_what_one_of_them_lacks_is_not_compared() -> None:
    """A quantity that one scenario cannot give is shown for the others."""
    found = ps.compare(
        {"trained": {"training": ps.TrainingSpec(tokens=1e12)}, "not": {}}, model="llama-3.1-8b"
    )
    assert np.isnan(found["loss_nats"].value[1])
    assert found["loss_nats"].verdicts[1] == "?"
    assert np.isnan(found["loss_nats"].size)
    frame = found.to_pandas()
    assert frame.loc["parameters", "not ratio"] == 1.0
    assert "<table>" in found._repr_html_()


def test_scenarios_specs_and_names_may_stand_side_by_side() -> None:
    """Any of them; the shared specs fill what they do not say, the reference may be named."""
    small = ps.ModelSpec.of_size(1e9)
    items: dict[str, Any] = {
        "small": small,
        "named": "llama-3.1-8b",
        "whole": ps.Scenario(model="llama-3.1-8b", serving=ps.ServingSpec(batch=8)),
        "served": ps.ServingSpec(batch=8),
    }
    found = ps.compare(items, model="llama-3.1-8b", quantities="kv_cache_bytes", reference="named")
    row = found["kv_cache_bytes"]
    assert row.ratio[1] == 1.0
    assert row.ratio[2] == row.ratio[3] == 8.0
    assert ps.compare(["llama-3.1-8b"] * 2).names == ("llama-3.1-8b", "llama-3.1-8b (2)")


@pytest.mark.parametrize(
    ("items", "more", "error", "text"),
    [
        (["llama-3.1-8b"], {}, SpecError, "two scenarios or more, not 1"),
        (["llama-3.1-8b", "lama-3.1-8b"], {}, UnknownNameError, "did you mean 'llama-3.1-8b'"),
        (["llama-3.1-8b", 3], {}, SpecError, "is a int, not a scenario"),
        (["llama-3.1-8b", "llama-3.1-70b"], {"reference": "x"}, UnknownNameError, "no scenario"),
        (["llama-3.1-8b", "llama-3.1-70b"], {"reference": 5}, SpecError, "there are 2 scenarios"),
        (["llama-3.1-8b", "llama-3.1-70b"], {"serving": ps.ServingSpec(batch=[1, 2])}, SpecError,
         "llama-3.1-8b is a grid; compare takes single scenarios"),
        (["llama-3.1-8b", "llama-3.1-70b"], {"quantities": "parametres"}, UnknownNameError,
         "did you mean 'parameters'"),
    ],
)  # fmt: skip
def test_refused(items: Any, more: Any, error: type[ParamscaleError], text: str) -> None:
    """What cannot be compared is refused."""
    with pytest.raises(error, match=text):
        ps.compare(items, **more)


def test_a_narrow_text_repeats_the_reference() -> None:
    """Scenarios that do not fit stand in a further table beside the reference."""
    names = ["llama-3.1-8b", "llama-3.1-70b", "llama-3.1-405b"]
    found = ps.compare(names, quantities=["parameters", "kv_cache_bytes"])
    text = found.text(60)
    assert max(map(len, text.splitlines())) <= 60
    assert text.count("llama-3.1-8b ") == 2
    assert found.text() == repr(found)


def test_an_unknown_row_is_refused() -> None:
    """With what is near."""
    with pytest.raises(UnknownNameError, match="did you mean 'parameters'"):
        ps.compare(["llama-3.1-8b", "llama-3.1-70b"], quantities="parameters")["parameter"]
