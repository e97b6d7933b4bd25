"""Published laws against numbers that others printed, and against what a law must do."""

from __future__ import annotations

import csv
import inspect
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

from paramscale.core import packaged
from paramscale.errors import (
    FileFormatError,
    MissingInputError,
    RegistrationError,
    UnknownNameError,
)
from paramscale.laws import GIVES, INPUTS, Form, Law, form_named, form_names, laws
from paramscale.laws import published as library
from paramscale.units import unit_of

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


#: Laws of loss in size and tokens alone (or with an optional input), of any form.
OF_BOTH = [name for name, law in laws.items() if law.form.required == ("parameters", "tokens")]
LOSSES = [name for name in OF_BOTH if laws[name].gives == "loss_nats"]

#: A point for each input of a law, inside or near the domains.
POINT: dict[str, Any] = {
    "parameters": 1e9, "active_parameters": 1e9, "non_vocabulary_parameters": 1e9,
    "vocabulary_parameters": 3e7, "tokens": 2e10, "unique_tokens": 1e10, "finetuning_tokens": 1e8,
    "characters": 1e11, "flops": 1e20, "steps": 1e5, "loss": 2.5, "teacher_loss": 2.0,
    "student_loss": 2.4, "experts": 8.0, "granularity": 4.0, "sparsity": 0.5, "weight_bits": 4.0,
    "kv_bits": 8.0, "streams": 2.0, "years": 1.0, "warmup_sum": 0.3, "learning_rate_sum": 10.0,
    "annealing_area": 0.5, "amount": 1e9, "flops_ratio": 10.0, "parameters_ratio": 10.0,
    "tokens_ratio": 10.0, "learning_rates": np.linspace(3e-4, 3e-5, 50),
}  # fmt: skip

#: Inputs of which more never raises the loss.
HELPS = frozenset(
    {"parameters", "active_parameters", "non_vocabulary_parameters", "vocabulary_parameters"}
    | {"tokens", "unique_tokens", "characters", "flops", "steps", "granularity", "streams"}
)


@pytest.mark.parametrize("name", list(laws))
class TestEveryLaw:
    """What holds of each published law, whatever it takes and gives."""

    def test_documented(self, name: str) -> None:
        """Source, paper, conventions and what is known of the range; names are of the glossary."""
        law = laws[name]
        assert law.law_id == name
        assert name.isidentifier()
        for field in ("source", "paper", "parameters_convention", "data", "evidence", "loss_unit"):
            assert getattr(law, field), field
        assert set(law.inputs) <= set(INPUTS)
        assert law.gives in GIVES
        assert unit_of(law.gives) is not None
        for low, high in law.domain.bounds.values():
            assert low is not None
            assert high is not None
            assert 0.0 <= low < high

    def test_no_bounds_without_a_reason(self, name: str) -> None:
        """A law of loss states its range, in numbers or in words."""
        law = laws[name]
        if law.gives == "loss_nats":
            assert law.domain.bounds or law.domain.note

    def test_positive_and_finite(self, name: str) -> None:
        """At an ordinary point every law gives one finite float64 number, by order or by name."""
        law = laws[name]
        point = {key: POINT[key] for key in law.inputs}
        value = law(**point)
        assert isinstance(value, np.float64)
        assert np.isfinite(value)
        assert value > 0.0 or law.gives == "unigram_normalised_loss_nats"
        assert law(*point.values()) == value

    def test_array_equals_points(self, name: str) -> None:
        """A grid is its points, singleton axes are kept, integers do not overflow."""
        law = laws[name]
        keys = [key for key in law.inputs if key != "learning_rates"]
        if not keys or "learning_rates" in law.inputs:
            keys = ["warmup_sum"]
        point = {key: POINT[key] for key in law.inputs}
        first, last = keys[0], keys[-1]
        along, across = np.array([0.5, 1.0, 1.5]), np.array([[0.75], [1.25]])
        grid = law(**{**point, last: POINT[last] * across, first: POINT[first] * along})
        for column, factor in enumerate(along):
            one = law(**{**point, last: POINT[last] * across, first: POINT[first] * factor})
            same = np.broadcast_to(grid, (2, 3))[:, [column]] if first != last else grid[[column]]
            np.testing.assert_allclose(np.broadcast_to(one, same.shape), same, rtol=1e-14)
        assert np.shape(law(**{**point, first: [[POINT[first]]]})) == (1, 1)

    def test_nan(self, name: str) -> None:
        """NaN in any input gives NaN; so do zero and negative counts, without a warning."""
        law = laws[name]
        for key in law.inputs:
            for bad in (np.nan, 0.0, -1.0):
                if bad == 0.0 and key in ("sparsity", "years", "warmup_sum"):
                    continue
                if bad == -1.0 and key in ("years", "warmup_sum"):
                    continue
                point = {**{each: POINT[each] for each in law.inputs}, key: POINT[key] * 0.0 + bad}
                assert np.isnan(law(**point)), (key, bad)


@pytest.mark.parametrize("name", [name for name, law in laws.items() if "loss_n" in law.gives])
def test_what_helps_lowers_the_loss(name: str) -> None:
    """More size, data, steps or streams never raise a loss; fewer sleeping experts neither."""
    law = laws[name]
    for key in HELPS.intersection(law.inputs):
        for factor in (0.25, 1.0, 4.0):
            point = {each: POINT[each] for each in law.inputs}
            point[key] = POINT[key] * factor * np.array([1.0, 1.5])
            less, more = law(**point)
            assert more <= less, key


@pytest.mark.parametrize("name", LOSSES)
class TestEveryLawOfSizeAndTokens:
    """What holds of each published law of loss that a scenario can feed."""

    def test_monotone(self, name: str) -> None:
        """More parameters and more data never raise the loss."""
        size, data = np.geomspace(1e6, 1e13, 50)[:, None], np.geomspace(1e7, 1e15, 40)
        loss = laws[name](size, data)
        # size beyond what few unique tokens warrant fades to nothing
        least = 1e-12 if name == "muennighoff2023" else -1e-16
        assert np.all(np.diff(loss, axis=0) <= least)
        assert np.all(np.diff(loss, axis=1) <= least)

    def test_floor(self, name: str) -> None:
        """Size and data without end leave E, or nothing where the form has no floor."""
        law = laws[name]
        assert law.floor == law.coefficients.get("E", 0.0)
        assert law(1e60, 1e60) == pytest.approx(law.floor, abs=0.02)

    def test_integers_do_not_overflow(self, name: str) -> None:
        """Counts of the largest models as int64 give what floats give, in the domain test too."""
        law = laws[name]
        size, data = np.array([7 * 10**10, 10**13]), np.array([15 * 10**12, 10**15])
        np.testing.assert_array_equal(law(size, data), law(size.astype(float), data.astype(float)))
        np.testing.assert_array_equal(law.in_domain(size, data), [False, False])

    def test_peers_agree(self, name: str) -> None:
        """At 1e9 parameters and 2e10 tokens laws of text agree within 25 %, over data sets."""
        reference = float(laws["besiroglu2024"](1e9, 2e10))
        tolerance = 0.25 if not name.startswith("gadre2024_c4") else 0.30
        assert laws[name](1e9, 2e10) == pytest.approx(reference, rel=tolerance)


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


def test_wrong_inputs_are_named() -> None:
    """A missing input, an unknown one, one given twice and one too many are told apart."""
    law = laws["ludziejewski2025"]
    with pytest.raises(MissingInputError, match="needs tokens, experts; it takes active_para"):
        law(1e9)
    with pytest.raises(UnknownNameError, match="did you mean 'experts'"):
        law(1e9, 2e10, expert=8)
    with pytest.raises(MissingInputError, match="gets tokens twice"):
        law(1e9, 2e10, 8, tokens=1e9)
    with pytest.raises(MissingInputError, match="gets 4 inputs; it takes"):
        law(1e9, 2e10, 8, 1.0)
    with pytest.raises(UnknownNameError, match="way to count parameters is called 'totl'"):
        attrs.evolve(law, counted="totl")
    with pytest.raises(RegistrationError, match=r"intervals of \['Z'\]"):
        attrs.evolve(law, intervals_95={"Z": (0.0, 1.0)})


def test_every_form_is_documented() -> None:
    """Every form has a function of its name, known inputs, and a docstring with its formula."""
    for name in form_names():
        form = form_named(name)
        assert form.function.__name__ == name
        assert set(form.inputs) <= set(INPUTS), name
        text = inspect.getdoc(form.function) or ""
        assert "Parameters\n----------" in text, name
        assert "References" in text, name
        assert form.coefficients, name


def test_forms_without_coefficients_are_usable() -> None:
    """Forms that are shipped for fitting only give finite numbers, arrays too."""
    shipped = {law.form.name for law in laws.values()}
    fits: dict[str, dict[str, float]] = {
        "annealing": {"L0": 2.6, "A": 0.6, "alpha": 0.45, "C": 0.1},
        "broken_power": {"a": 1.8, "b": 30.0, "c0": 0.2, "c1": 0.1, "d1": 1e8, "f1": 0.5},
        "distillation": {"A": 2e3, "alpha": 0.3, "B": 2e4, "beta": 0.6, "gamma": 0.8, "c0": 2.5,
                         "c1": 500.0, "d1": 1.3, "f1": 0.1},
        "farseer": {"a1": -0.01, "b1": -0.9, "alpha": 0.1, "a2": 0.01, "b2": 5.0, "beta": 0.1,
                    "a3": -0.05, "b3": 1.2, "gamma": 0.1},
        "sparse_weights": {"E": 0.6, "a_S": 10.0, "b_S": 0.7, "c_S": 40.0, "b_N": 0.25,
                           "a_D": 1e9, "b_D": 0.2},
    }  # fmt: skip
    assert set(form_names()) - shipped == set(fits)
    for name, fit in fits.items():
        form = form_named(name)
        value = form.function(*(POINT[key] * np.array([1.0, 1.1]) for key in form.inputs), **fit)
        assert value.shape == (2,)
        assert np.all(np.isfinite(value))


def test_multi_power_meets_a_published_run() -> None:
    """Luo et al. 2025, 100M, 24,000 steps of cosine from 3e-4 to 3e-5: the run ends at 2.979.

    thu-yao-01-luo/MultiPowerLaw, loss_curve_repo, last step; 2,160 steps of warm-up.
    """
    steps = np.arange(24000 - 2160)
    rates = 3e-5 + 0.5 * 2.7e-4 * (1.0 + np.cos(np.pi * steps / steps[-1]))
    assert laws["luo2025_100m"](rates, 0.5 * 2160 * 3e-4) == pytest.approx(2.979, rel=5e-3)


def test_repetition_fades() -> None:
    """Muennighoff et al. 2023: 4 epochs cost little against fresh data, 400 gain nothing more."""
    law = laws["muennighoff2023"]
    fresh, once = law(1e9, 2e10), law(1e9, 2e10, unique_tokens=2e10)
    assert fresh == once
    four = law(1e9, 2e10, unique_tokens=5e9)
    assert fresh < four < fresh + 0.05
    assert law(1e9, 4e12, unique_tokens=1e10) == pytest.approx(
        float(law(1e9, 8e12, unique_tokens=1e10)), rel=1e-6
    )


def test_precision_leaves_parameters() -> None:
    """Exact weights leave all, fewer bits fewer."""
    law = laws["kumar2024_training"]
    assert law(1e9, np.inf, np.inf) == 1e9
    assert np.all(np.diff(law(1e9, [2, 3, 4, 8, 16], 16)) > 0)


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
    monkeypatch.setattr(packaged.resources, "files", lambda package: tmp_path)
    with pytest.raises(FileFormatError, match=text):
        library.read_laws()
