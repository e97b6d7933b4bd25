"""Published laws against numbers that others printed, and against what a law must do."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

from paramscale.errors import FileFormatError, RegistrationError, UnknownNameError
from paramscale.laws import Form, Law, form_named, form_names, laws
from paramscale.laws import published as library

RUNS = Path(__file__).parents[3] / "shared" / "data" / "laws" / "runs" / "chinchilla_epoch.csv"

#: Chinchilla and its budget: Hoffmann et al. 2022, Table 3.
CHINCHILLA = (70e9, 1.4e12)
BUDGET = 5.76e23


def best_size(law: Law, flops: float) -> float:
    """Return the size of least loss on 6·N·D = flops, to 1e-5."""
    sizes = np.geomspace(1e9, 1e12, 1_000_001)
    return float(sizes[np.argmin(law(sizes, flops / (6.0 * sizes)))])


@pytest.mark.parametrize(
    ("name", "size"), [("besiroglu2024", 72.25e9), ("hoffmann2022_a3", 40.36e9)]
)
def test_compute_optimal_size(name: str, size: float) -> None:
    """At Chinchilla's budget: 7.2e10 parameters (Besiroglu et al.), 4.0e10 (unrounded Hoffmann).

    The stated digits were computed by others with coefficients of four digits.
    """
    assert best_size(laws[name], BUDGET) == pytest.approx(size, rel=2e-3)


def test_exponent_of_the_optimal_size() -> None:
    """Epoch's notebook, cell 59: N grows as C^0.513."""
    given = laws["besiroglu2024"].coefficients
    assert given["beta"] / (given["alpha"] + given["beta"]) == pytest.approx(0.513, rel=2e-3)


def test_published_vector() -> None:
    """Epoch's notebook, cell 25: the LAD vector, with E = 1.81686 and not the paper's 1.8172."""
    assert dict(laws["besiroglu2024"].coefficients) == {
        "E": 1.81686,
        "A": 482.00572,
        "alpha": 0.34781,
        "B": 2085.4342,
        "beta": 0.36585,
    }


def test_loss_of_chinchilla() -> None:
    """Rounded Hoffmann gives 1.69 + 0.083 + 0.163; the unrounded and the refit are near it."""
    rounded = form_named("chinchilla").function(
        *CHINCHILLA, E=1.69, A=406.4, alpha=0.34, B=410.7, beta=0.28
    )
    assert rounded == pytest.approx(1.69 + 0.083 + 0.163, abs=2e-3)
    for name in ("besiroglu2024", "hoffmann2022_a3"):
        assert laws[name](*CHINCHILLA) == pytest.approx(float(rounded), rel=0.03)


def test_gadre_equals_its_own_form() -> None:
    """Gadre et al. 2024: E + (a M^eta + b M^-eta) C^-eta with M = D/N and C = 6ND, on C4."""
    a, b, eta, floor = (
        141.27725529680146,
        189.51552149611567,
        0.12123611963778233,
        1.5082605444147166,
    )
    size, data = np.geomspace(1e7, 7e9, 9), np.geomspace(1e9, 1e12, 9)
    ratio, flops = data / size, 6.0 * size * data
    expected = floor + (a * ratio**eta + b * ratio**-eta) * flops**-eta
    np.testing.assert_allclose(laws["gadre2024_c4"](size, data), expected, rtol=1e-12)


@pytest.mark.parametrize("name", list(laws))
class TestEveryLaw:
    """What holds of each published law."""

    def test_monotone(self, name: str) -> None:
        """More parameters and more data never raise the loss."""
        size, data = np.geomspace(1e6, 1e13, 50)[:, None], np.geomspace(1e7, 1e15, 40)
        loss = laws[name](size, data)
        assert np.all(np.diff(loss, axis=0) < 0)
        assert np.all(np.diff(loss, axis=1) < 0)

    def test_floor(self, name: str) -> None:
        """Size and data without end leave E."""
        law = laws[name]
        if "E" not in law.coefficients:
            pytest.skip("a form without a floor, of a plugin")
        assert law.floor == law.coefficients["E"]
        assert law(1e60, 1e60) == pytest.approx(law.coefficients["E"])

    def test_array_equals_points(self, name: str) -> None:
        """A grid is its points; scalars in, scalar out; broadcasting keeps singleton axes."""
        law, size, data = laws[name], np.array([1e8, 1e9, 7e10]), np.array([1e9, 1.4e12])
        grid = law(size[:, None], data)
        assert grid.shape == (3, 2)
        points = [[law(float(n), float(d)) for d in data] for n in size]
        np.testing.assert_allclose(grid, points, rtol=1e-15)
        assert isinstance(law(1e9, 2e10), np.float64)
        assert law([[1e9]], 2e10).shape == (1, 1)

    def test_integers_do_not_overflow(self, name: str) -> None:
        """Counts of the largest models as int64 give what floats give, in the domain test too."""
        law = laws[name]
        size, data = np.array([7 * 10**10, 10**13]), np.array([15 * 10**12, 10**15])
        np.testing.assert_array_equal(law(size, data), law(size.astype(float), data.astype(float)))
        np.testing.assert_array_equal(law.in_domain(size, data), [False, False])

    def test_outside_meaning(self, name: str) -> None:
        """NaN, zero and negative counts give NaN, without a warning."""
        loss = laws[name]([np.nan, 0.0, -1.0, 1e9], 2e10)
        np.testing.assert_array_equal(np.isnan(loss), [True, True, True, False])
        np.testing.assert_array_equal(laws[name].in_domain([np.nan, 0.0], 2e10), [False, False])

    def test_documented(self, name: str) -> None:
        """Source, paper, conventions and a domain are stated."""
        law = laws[name]
        assert law.law_id == name
        for field in ("source", "paper", "parameters_convention", "data", "evidence"):
            assert getattr(law, field), field
        assert law.domain.bounds
        assert law.loss_unit == "nats/token"


def test_no_interval_without_published_scatter() -> None:
    """Marginal standard errors alone give no band, and none is given outside the domain."""
    low, high = laws["besiroglu2024_all_runs"].interval(1e9, 2e10)
    assert np.isnan(low)
    assert np.isnan(high)
    low, high = laws["besiroglu2024"].interval(np.array([1e9, 70e9]), np.array([2e10, 1.4e12]))
    np.testing.assert_array_equal(np.isnan(low), [False, True])
    assert low[0] < laws["besiroglu2024"](1e9, 2e10) < high[0]


@pytest.mark.skipif(
    not RUNS.exists(), reason="the runs read off Hoffmann's figure are not beside the repo"
)
def test_interval_covers_the_runs() -> None:
    """The 90 % interval holds about 90 % of the 240 runs, whose mean |log residual| is stated."""
    with RUNS.open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["used_in_published_fit"] == "1"]
    size, data, loss = (
        np.array([float(row[column]) for row in rows])
        for column in ("params", "tokens", "loss_nats_per_token")
    )
    law = laws["besiroglu2024"]
    assert np.mean(np.abs(np.log(loss / law(size, data)))) == pytest.approx(
        law.mean_absolute_log_residual, rel=1e-3
    )
    assert np.all(law.in_domain(size, data))
    low, high = law.interval(size, data)
    assert np.mean((loss >= low) & (loss <= high)) == pytest.approx(0.9, abs=0.05)


def test_unknown_names() -> None:
    """Laws and forms propose what was probably meant."""
    with pytest.raises(UnknownNameError, match="did you mean 'besiroglu2024'"):
        laws["besiroglu2023"]
    with pytest.raises(UnknownNameError, match="did you mean 'chinchilla'"):
        form_named("chinchila")
    assert "chinchilla" in form_names()


def test_incomplete_laws_are_refused() -> None:
    """Missing and unknown coefficients, stray errors and an absent source are named."""
    law: Any = laws["besiroglu2024"]
    with pytest.raises(RegistrationError, match=r"missing are \['A', .*unknown are \['G'\]"):
        attrs.evolve(law, coefficients={"E": 1.7, "G": 2.0}, standard_errors={})
    with pytest.raises(RegistrationError, match=r"standard errors of \['G'\]"):
        attrs.evolve(law, standard_errors={"G": 1.0})
    with pytest.raises(RegistrationError, match="no source"):
        attrs.evolve(law, source=" ")


def test_a_form_is_any_function() -> None:
    """Inputs and coefficients are read from the signature, further inputs are passed on."""

    def saturating(parameters: Any, tokens: Any, unique_tokens: Any, *, E: float) -> Any:
        return E + tokens / unique_tokens + 0.0 * parameters

    form = Form("saturating", saturating)
    assert form.inputs == ("parameters", "tokens", "unique_tokens")
    law = Law(law_id="mine2026", form=form, coefficients={"E": 2.0}, source="here")
    assert law(1e9, 4.0, unique_tokens=2.0) == 4.0
    assert "mine2026" in repr(law)


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ("x,E,1,,,,s\n", "laws.csv has no row for x"),
        ("x,E,,,,,s\n", r"line 2: coefficient 'E' of 'x' has no value"),
        ("x,E,1,,,,s\nx,E,2,,,,s\n", "line 3: coefficient 'E' of 'x' stands twice"),
        ("x,E,one,,,,s\n", r"line 2, column 'value': 'one' is not a number"),
        ("x,E,1\n", "line 2 has not as many cells"),
    ],
)
def test_bad_tables(rows: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Errors in the tables name file, line and column."""
    (tmp_path / "data").mkdir()
    header = "law_id,coefficient,value,standard_error,interval_95_low,interval_95_high,source\n"
    (tmp_path / "data" / "coefficients.csv").write_text(header + rows, encoding="utf-8")
    (tmp_path / "data" / "laws.csv").write_text("law_id,form\n", encoding="utf-8")
    monkeypatch.setattr(library.resources, "files", lambda package: tmp_path)
    with pytest.raises(FileFormatError, match=text):
        library._read()
