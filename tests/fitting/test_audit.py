"""The audit of extrapolation, and the comparison of published laws."""

from __future__ import annotations

import numpy as np
import pytest

from paramscale.errors import FitError, UnknownNameError
from paramscale.fitting import audit, compare_laws, fit_law
from paramscale.laws import laws
from tests.fitting import measured
from tests.fitting.synthetic import runs

#: Median error, in %, at 8 to 25 times the compute; what docs/fitting.md prints, rounded up.
LEVELS = {
    "chinchilla_epoch": 1.3,
    "porian, RefinedWeb, base": 1.6,
    "porian, RefinedWeb, tuned": 1.0,
    "porian, OpenWebText2, base": 2.3,
    "porian, OpenWebText2, tuned": 1.6,
    "steplaw_dense": 2.0,
    "steplaw_moe": 0.5,
    "colpret, OPT": 2.3,
}


def test_rolling_origin() -> None:
    """Only larger compute is held out; factor, cut and error agree."""
    found = audit(*runs(0, count=80), cuts=4, draws=50, near=None)
    assert (found.factor > 1.0).all()
    assert len(np.unique(found.cut)) == 4
    np.testing.assert_allclose(found.factor * found.cut, 6 * found.parameters * found.tokens)
    np.testing.assert_allclose(found.error, found.predicted / found.loss - 1)
    rows = found.summary((1, 4, 1e9))
    assert sum(row["runs"] for row in rows) == len(found.loss)
    assert "median |error|" in repr(found)


def test_leave_one_size_out() -> None:
    """Every size is held out once."""
    sizes, tokens = np.meshgrid(np.geomspace(1e8, 1e10, 6), np.geomspace(1e9, 1e11, 6))
    loss = laws["besiroglu2024"](sizes, tokens)
    found = audit(sizes, tokens, loss, by="size", draws=20, near=None, purpose="describe")
    assert len(found.loss) == 36
    np.testing.assert_array_equal(found.cut, found.parameters)
    np.testing.assert_allclose(found.error, 0.0, atol=1e-4)


def test_what_cannot_be_fitted_is_skipped_with_its_reason() -> None:
    """And if nothing can, all reasons are given."""
    sizes = np.geomspace(1e8, 1e10, 20)
    loss = laws["besiroglu2024"](sizes, 20 * sizes)
    with pytest.raises(FitError, match="nothing could be held out and predicted: compute"):
        audit(sizes, 20 * sizes, loss, purpose="describe")
    with pytest.raises(FitError, match="allowed are 'compute' and 'size'"):
        audit(*runs(0), by="loss")


@pytest.mark.skipif(not measured.RUNS.is_dir(), reason=measured.ABSENT)
@pytest.mark.parametrize("name", LEVELS)
def test_ten_to_twenty_times_the_compute(name: str) -> None:
    """Fitted to small runs, asked about 8 to 25 times the compute: at most the stated error."""
    far = audit(*measured.comparable()[name], cuts=10).between(8, 25)
    assert 100 * far.score()["median_ape"] <= LEVELS[name]


@pytest.mark.skipif(not measured.RUNS.is_dir(), reason=measured.ABSENT)
@pytest.mark.filterwarnings("ignore::paramscale.errors.IdentifiabilityWarning")
def test_the_textbook_fit_is_worse() -> None:
    """All runs with equal weight and no prior: several times the error on runs of many ratios."""
    runs = measured.comparable()["porian, RefinedWeb, tuned"]
    ours, textbook = (
        audit(*runs, cuts=10, purpose=purpose).between(8, 25).score()
        for purpose in ("extrapolate", "describe")
    )
    assert textbook["median_ape"] > 4 * ours["median_ape"]


def test_regret_of_the_wrong_law() -> None:
    """No regret where the law is true; the rounded trap of Hoffmann costs more than nothing."""
    found = compare_laws(1e9, 2e10, 2.53, [1e21, 1e23], own=fit_law(*runs(1)))
    assert found.names[0] == "fitted"
    np.testing.assert_allclose(np.einsum("xxc->xc", found.regret), 0.0, atol=1e-9)
    assert found.regret.min() >= 0.0
    low, high = found.band
    assert (low < high).all()
    assert high[1] - low[1] > high[0] - low[0]  # laws part with distance from the anchor
    assert found.safest in found.names
    assert f"safest: {found.safest}" in repr(found)


def test_anchored_laws_agree_where_they_are_anchored() -> None:
    """All pass through the one known run."""
    found = compare_laws(1e9, 2e10, 2.53, 1.2e20, names=["besiroglu2024", "hoffmann2022_a3"])
    assert found.losses == pytest.approx(2.53, rel=0.01)


def test_comparison_refusals() -> None:
    """An impossible anchor is refused with its reason, an unknown law by name."""
    with pytest.raises(FitError, match="0 laws can be compared, two or more are needed"):
        compare_laws(1e9, 2e10, 0.3, 1e21, names=["besiroglu2024", "hoffmann2022_a3"])
    with pytest.raises(UnknownNameError, match="did you mean"):
        compare_laws(1e9, 2e10, 2.5, 1e21, names=["besirogl2024", "hoffmann2022_a3"])
    with pytest.raises(FitError, match="each must be a positive, finite number"):
        compare_laws(1e9, 2e10, 2.5, -1.0)
