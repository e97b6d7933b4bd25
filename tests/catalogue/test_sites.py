"""Places and prices: every figure sourced, years chosen by name, what is missing told."""

from __future__ import annotations

import attrs
import numpy as np
import pytest

import paramscale as ps
from paramscale.catalogue.accounting import account_facts, making_of
from paramscale.catalogue.tables import read_table
from paramscale.errors import SpecError, UnknownNameError

FIGURES = [
    each.name for each in attrs.fields(ps.SiteSpec) if isinstance(each.default, float)
]  # fmt: skip


def test_every_site_has_sourced_figures() -> None:
    """PUE at least 1, intensities plausible, and each figure with the source it was read in."""
    for key, site in ps.sites.items():
        assert site.name == key
        assert site.pue >= 1.0
        assert site.source
        for name in FIGURES:
            value = getattr(site, name)
            assert np.isnan(value) or value >= 0.0
            assert np.isnan(value) == (name not in site.facts)
        for name, fact in site.facts.items():
            assert fact.source, (key, name)
            assert np.isnan(fact.low) or fact.low <= getattr(site, name) <= fact.high
        assert np.isnan(site.grid_kgco2e_per_kwh) or site.grid_kgco2e_per_kwh < 1.5


def test_no_marginal_intensity_passes_for_an_average() -> None:
    """The one table that prints 0.78 kg/kWh for Stockholm is not taken."""
    assert ps.sites["aws:eu-north-1"].grid_kgco2e_per_kwh == 0.008
    assert ps.sites["SE1"].grid_kgco2e_per_kwh < 0.05


@pytest.mark.parametrize("name", ["FR", "fra", "France", "gcp:us-central1", "US-OH", "SE3"])
def test_places_answer_to_their_names(name: str) -> None:
    """Codes of two and three letters, names, cloud regions, states and bidding zones."""
    assert ps.sites[name].grid_kgco2e_per_kwh > 0.0


def test_a_year_is_chosen_by_name() -> None:
    """``name@year``; a figure that has none for the year is the nearest, and says which."""
    old = ps.sites["gcp:us-central1@2021"]
    assert old.grid_kgco2e_per_kwh == 0.394
    assert old.facts["grid_kgco2e_per_kwh"].date == "2021"
    assert old.facts["pue"].date == "2022"
    assert ps.sites["gcp:us-central1"].grid_kgco2e_per_kwh == 0.41272
    assert "gcp:us-central1@2021" in ps.sites
    assert "gcp:us-central1@1999" not in ps.sites


def test_a_region_inherits_what_only_its_country_has() -> None:
    """Water and price of electricity are those of the place around, market contracts are not."""
    region, state = ps.sites["aws:us-east-2"], ps.sites["US-OH"]
    assert region.electricity_usd_per_kwh == state.electricity_usd_per_kwh == 0.0713
    assert region.grid_water_l_per_kwh == ps.sites["US"].grid_water_l_per_kwh
    assert "United States" in region.facts["grid_water_l_per_kwh"].basis
    assert np.isnan(ps.sites["FR"].market_kgco2e_per_kwh)
    assert region.market_kgco2e_per_kwh == 0.0


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Frence", "did you mean 'France'"),
        ("aws:eu-west-9", "did you mean .*'aws:eu-west-1'"),
        ("FR@1999", "no site is called 'FR@1999'; 'FR' is known as FR@2023"),
        ("world@1999", r"ps.SiteSpec\(grid_kgco2e_per_kwh="),
    ],
)
def test_an_unknown_place_is_named(name: str, told: str) -> None:
    """With near names, the years that are known, and how to pass one's own."""
    with pytest.raises(UnknownNameError, match=told):
        ps.sites[name]
    with pytest.raises(UnknownNameError, match=r"ps\.SiteSpec"):
        ps.estimate(site=name, training_chip_energy_j=1e12, quantities="training_energy_j")


def test_own_figures_replace_those_of_a_place() -> None:
    """What was known of the old figure, its range and source, goes with it."""
    mine = attrs.evolve(ps.sites["FR"], pue=1.05)
    assert "pue" not in mine.facts
    assert mine.facts["grid_kgco2e_per_kwh"].source
    told = ps.estimate(site=mine, training_chip_energy_j=1e12, quantities="training_energy_j")
    assert "given by the caller" in told.explain("training_energy_j")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"pue": 0.9}, "SiteSpec.pue must be a number at least 1, not 0.9"),
        ({"pue": [1.1, 0.9]}, "not 0.9 at index 1"),
        ({"grid_kgco2e_per_kwh": -0.1}, "grid_kgco2e_per_kwh must be a .* at least 0, not -0.1"),
        ({"pue": 1.2, "facts": {"pue": (1.3, 1.4)}}, "lies outside its range 1.3 to 1.4"),
        ({"facts": {"peu": (1.3, 1.4)}}, "SiteSpec has no figure 'peu'; did you mean 'pue'"),
        ({"facts": {"pue": 1.3}}, r"facts\['pue'\] must be \(low, high\) or a Fact, not 1.3"),
        ({"facts": 3}, "facts must be a mapping"),
    ],
)  # fmt: skip
def test_a_wrong_figure_is_named(wrong: dict[str, object], told: str) -> None:
    """PUE below 1, a negative intensity, a range that does not hold its figure."""
    with pytest.raises(SpecError, match=told):
        ps.SiteSpec(**wrong)  # type: ignore[arg-type]


def test_hours_of_running_weigh_the_profile() -> None:
    """The mean of the hours in which the machines run; several plans make an axis."""
    day = np.arange(24.0) / 10.0
    site = attrs.evolve(ps.sites["FR"], name="here")
    assert site.during([0, 1], day).grid_kgco2e_per_kwh == pytest.approx(0.05)
    assert site.during([23, 24], day).grid_kgco2e_per_kwh == pytest.approx((2.3 + 0.0) / 2)
    plans = site.during([[0, 1], [2, 3]], day)
    found = ps.estimate(
        site=plans, training_chip_energy_j=3.6e9, quantities="training_carbon_kgco2e"
    )
    assert found["training_carbon_kgco2e"].value.shape == (2,)
    assert "2 of 24 hours" in plans.facts["grid_kgco2e_per_kwh"].basis
    with pytest.raises(SpecError, match="none negative"):
        site.during([0], -day)
    with pytest.raises(SpecError, match="whole numbers"):
        site.during([0.5], day)


def test_prices_are_dated_and_ordered() -> None:
    """Each has a source, a year and least, median and greatest in order; devices are known."""
    assert len(ps.prices) > 150
    for name, price in ps.prices.items():
        assert price.device in ps.hardware
        assert 0.0 < price.low <= price.usd <= price.high, name
        assert price.source
        assert 2015 <= int(price.year) <= 2026
    latest, old = ps.prices["h100-sxm on-demand"], ps.prices["h100-sxm on-demand@2023"]
    assert (latest.year, old.year) == ("2026", "2023")
    assert latest.usd < old.usd
    with pytest.raises(UnknownNameError, match="did you mean 'h100-sxm on-demand'"):
        ps.prices["h100-sxm on-deman"]


def test_facts_of_accounts_are_ordered_and_sourced() -> None:
    """Every row has a source; its value lies in its range."""
    for key, fact in account_facts().items():
        assert fact.source, key
        low, high = fact.interval.low, fact.interval.high
        assert 0.0 < low <= fact.value <= high
    measured = [account_facts()[f"server_overhead_ratio:{each}"].value
                for each in ("google-2025", "h100-node")]  # fmt: skip
    assert account_facts()["server_overhead_ratio"].value == pytest.approx(
        np.sqrt(np.prod(measured)), abs=0.01
    )
    assert making_of("no such device").key == "embodied:accelerator"


def test_tables_ship_only_what_is_used() -> None:
    """Each source is used, each place has a row, each figure is a field of SiteSpec."""
    rows = list(read_table("site_figures.csv"))
    places = {row.text("key") for row in read_table("sites.csv")}
    assert {row.text("key") for row in rows} <= places
    assert {row.text("figure") for row in rows} <= set(FIGURES)
    assert {row.text("source") for row in rows} == {
        row.text("key") for row in read_table("site_sources.csv")
    }
