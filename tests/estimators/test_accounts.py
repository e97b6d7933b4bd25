"""Accounts: published footprints to their printed digits, boundaries that are seen, PUE once."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import paramscale as ps
from paramscale.core.estimates import Estimate
from paramscale.errors import MissingInputError, SpecError

MWH, WH, HOUR = 3.6e9, 3.6e3, 3600.0
CHIPS = ps.AccountSpec(boundary="chip")
#: The accelerators' energy times PUE, with nothing for servers: how model cards count.
CARDS = ps.AccountSpec(server_overhead_ratio=1.0)


def of_card(hours: float, watts: float, site: ps.SiteSpec, **more: Any) -> ps.Estimates:
    """Return energy and carbon of a run whose device-hours and watts somebody printed."""
    machine = ps.HardwareSpec(name="as printed", power_limit_w=watts)
    return ps.estimate(
        hardware=machine, site=site, training_device_s=HOUR * hours,
        use={"training_chip_energy_j": "rated"} | more.pop("use", {}),
        quantities=["training_energy_j", "training_carbon_kgco2e", *more.pop("quantities", ())],
        **({"account": CARDS} | more),
    )  # fmt: skip


#: Device-hours, watts, PUE, kg CO2e per kWh; MWh and tCO2e as printed.
PRINTED = {
    # The paper prints 1,082,880 hours, which make 476.5 MWh; its 475 follow from 1.08 million.
    "BLOOM-176B in the LLaMA paper": (1.08e6, 400, 1.1, 0.385, 475, 183),
    "OPT-175B in the LLaMA paper": (809472, 400, 1.1, 0.385, 356, 137),
    "LLaMA-7B": (82432, 400, 1.1, 0.385, 36, 14),
    "LLaMA-13B": (135168, 400, 1.1, 0.385, 59, 23),
    "LLaMA-65B": (1022362, 400, 1.1, 0.385, 449, 173),
    "OpenBA-15B": (38214, 400, 1.1, 0.385, 17, 6.5),
}


@pytest.mark.parametrize("name", PRINTED)
def test_printed_footprints(name: str) -> None:
    """Hours x constant x PUE x intensity, to the printed digit (arXiv:2302.13971, Table 15)."""
    hours, watts, pue, grid, mwh, tonnes = PRINTED[name]
    found = of_card(hours, watts, ps.SiteSpec(pue=pue, grid_kgco2e_per_kwh=grid))
    energy, carbon = found["training_energy_j"], found["training_carbon_kgco2e"]
    digits = 1 if tonnes != int(tonnes) else 0
    cut = np.floor(energy.value / MWH)  # the paper cuts 449.8 to 449; the others it rounds
    assert mwh in (cut, round(energy.value / MWH))
    assert round(carbon.value / 1e3, digits) == pytest.approx(tonnes, abs=0.51 * 10.0**-digits)
    assert energy.low == energy.value == energy.high  # nothing in it was uncertain


#: Llama cards: hours, watts, tCO2e location-based; grid and PUE are not printed, but one for all.
LLAMA = {"Llama 2 7B": (184320, 400, 31.22), "Llama 2 13B": (368640, 400, 62.44)}


@pytest.mark.parametrize("name", LLAMA)
def test_llama_cards_share_one_intensity(name: str) -> None:
    """Both cards follow from hours x cap x 0.42345 kg/kWh, PUE included, to the printed digit."""
    hours, watts, tonnes = LLAMA[name]
    site = ps.SiteSpec(grid_kgco2e_per_kwh=0.42345, market_kgco2e_per_kwh=0.0)
    found = of_card(hours, watts, site, account=CHIPS)
    assert round(found["training_carbon_kgco2e"].value / 1e3, 2) == tonnes
    market = of_card(hours, watts, site, account=attrs.evolve(CHIPS, carbon_basis="market"))
    assert market["training_carbon_kgco2e"].value == 0.0


def test_bloom_with_idle_and_embodied() -> None:
    """24.7 t of work, 39.3 t with idle machines, 50.5 t with making (Luccioni et al. 2022)."""
    site = ps.SiteSpec(grid_kgco2e_per_kwh=0.057)
    work = of_card(1082990, 400, site, account=CHIPS)
    assert round(work["training_energy_j"].value / MWH, 1) == 433.2
    assert round(work["training_carbon_kgco2e"].value / 1e3, 1) == 24.7
    account = ps.AccountSpec(
        boundary="server", server_overhead_ratio=1.0, idle_ratio=256646 / 433196,
        device_kgco2e=150 / (1 + 256646 / 433196), server_kgco2e=312.5 / (1 + 256646 / 433196),
        device_life_years=6, device_use_fraction=0.85,
    )  # fmt: skip
    idle = of_card(1082990, 400, site, account=account)
    assert round(idle["training_carbon_kgco2e"].value / 1e3, 1) == 39.3
    whole = of_card(
        1082990, 400, site, account=account, quantities=["embodied_carbon_kgco2e"],
        use={"training_carbon_kgco2e": "with_embodied"},
    )  # fmt: skip
    assert round(whole["embodied_carbon_kgco2e"].value / 1e3, 1) == 11.2
    assert round(whole["training_carbon_kgco2e"].value / 1e3, 1) == 50.5
    parts = whole["training_carbon_kgco2e"].parts
    assert sum(parts.values()) == pytest.approx(whole["training_carbon_kgco2e"].value)


def test_olmo_energy_carbon_and_water() -> None:
    """131 MWh of GPUs, PUE 1.2, 0.332 kg/kWh: 52 t and 202 kL (arXiv:2501.00656, Table 19)."""
    site = ps.SiteSpec(
        pue=1.2, grid_kgco2e_per_kwh=0.332, water_l_per_kwh=0.0, grid_water_l_per_kwh=1.29
    )
    found = ps.estimate(
        site=site, account=CARDS, training_chip_energy_j=131 * MWH,
        quantities=["training_carbon_kgco2e", "water_l"],
    )  # fmt: skip
    assert round(found["training_carbon_kgco2e"].value / 1e3) == 52
    assert found["water_l"].value / 1e3 == pytest.approx(202, abs=1.0)


def test_water_of_gpt3() -> None:
    """1,287 MWh: 0.7 million litres on site, 5.4 million in all (Li et al. 2023)."""
    site = ps.SiteSpec(pue=1.17, water_l_per_kwh=0.55, grid_water_l_per_kwh=3.142)
    here = attrs.evolve(site, grid_water_l_per_kwh=0.0)
    for place, printed, digits in ((here, 0.7, 1), (site, 5.4, 1)):
        found = ps.estimate(
            site=place, account=CARDS, training_chip_energy_j=1287 * MWH, quantities="water_l"
        )
        assert round(found["water_l"].value / 1e6, digits) == printed


def test_the_same_prompt_in_two_boundaries() -> None:
    """0.10 Wh of accelerators at work are 0.24 Wh of the whole stack at 71 % of their use."""
    site = ps.SiteSpec(pue=1.09, market_kgco2e_per_kwh=0.094)
    stack = ps.AccountSpec(
        server_overhead_ratio=(58 + 25) / 58, idle_ratio=10 / 83, carbon_basis="market"
    )
    accelerators = 0.58 * 0.24 * WH  # of active machines as they are used in production
    found = ps.estimate(
        site=site, account=stack, chip_energy_per_token_j=accelerators,
        serving=ps.ServingSpec(output_tokens=1), quantities=["energy_per_request_j"],
    )  # fmt: skip
    assert round(found["energy_per_request_j"].value / WH, 2) == 0.24


def test_pue_is_counted_once() -> None:
    """Energy and carbon go with PUE; water on site does not, the grid's water once."""
    q = ["energy_per_token_j", "carbon_per_token_kgco2e", "water_per_token_l"]

    def at(pue: float, **water: float) -> list[float]:
        site = ps.SiteSpec(pue=pue, grid_kgco2e_per_kwh=0.4, **water)
        found = ps.estimate(site=site, account=CARDS, chip_energy_per_token_j=1.0, quantities=q)
        return [float(found[name].value) for name in q]

    on_site = {"water_l_per_kwh": 1.0, "grid_water_l_per_kwh": 0.0}
    of_grid = {"water_l_per_kwh": 0.0, "grid_water_l_per_kwh": 1.0}
    assert np.divide(at(1.5, **on_site), at(1.0, **on_site)) == pytest.approx([1.5, 1.5, 1.0])
    assert np.divide(at(1.5, **of_grid), at(1.0, **of_grid)) == pytest.approx([1.5, 1.5, 1.5])


@given(
    st.floats(1.0, 2.0), st.floats(1.0, 2.0), st.floats(0.0, 1.0), st.floats(0.0, 1.0),
    st.floats(1.0, 5.0),
)  # fmt: skip
def test_wider_boundaries_hold_more(
    pue: float, server: float, idle: float, grid: float, runs: float
) -> None:
    """Chip <= server <= facility, idle machines and development add; carbon = energy x grid."""
    site = ps.SiteSpec(pue=pue, grid_kgco2e_per_kwh=grid)

    def at(boundary: str) -> ps.Estimates:
        account = ps.AccountSpec(
            boundary=boundary, server_overhead_ratio=server, idle_ratio=idle,
            development_ratio=runs,
        )  # fmt: skip
        return ps.estimate(
            site=site, account=account, training_chip_energy_j=MWH,
            quantities=["training_energy_j", "training_carbon_kgco2e"],
        )  # fmt: skip

    chip, whole, facility = (at(each) for each in ("chip", "server", "facility"))
    energies = [each["training_energy_j"].value for each in (chip, whole, facility)]
    assert MWH * (1 + idle) * runs == pytest.approx(energies[0])
    assert energies == sorted(energies)
    assert energies[2] == pytest.approx(energies[0] * server * pue)
    for each in (chip, whole, facility):
        kwh = each["training_energy_j"].value / 3.6e6
        assert each["training_carbon_kgco2e"].value == pytest.approx(kwh * grid)


def test_intervals_come_from_the_inputs() -> None:
    """Independent factors: squared logarithms add; an exact figure adds nothing."""
    site = ps.SiteSpec(pue=1.2, grid_kgco2e_per_kwh=0.4, facts={"pue": (1.1, 1.5)})
    chips = ps.Interval(1e12, 0.5e12, 2e12)
    found = ps.estimate(
        site=site, account=CARDS, training_chip_energy_j=chips,
        quantities=["training_energy_j", "training_carbon_kgco2e"],
    )  # fmt: skip
    energy, carbon = found["training_energy_j"], found["training_carbon_kgco2e"]
    up = np.sqrt(np.log(2.0) ** 2 + np.log(1.5 / 1.2) ** 2)
    assert energy.high / energy.value == pytest.approx(np.exp(up))
    assert carbon.high / carbon.value == pytest.approx(np.exp(up))
    down = np.sqrt(np.log(2.0) ** 2 + np.log(1.2 / 1.1) ** 2)
    assert energy.value / energy.low == pytest.approx(np.exp(down))


def test_what_is_counted_is_printed() -> None:
    """In the table, in HTML and in the account, with dates and sources of the figures."""
    found = ps.estimate(
        site="FR", training_chip_energy_j=MWH, quantities="training_carbon_kgco2e",
        account=ps.AccountSpec(development_ratio=1.5, idle_ratio=0.12),
    )  # fmt: skip
    told = found.explain("training_carbon_kgco2e")
    for text in (repr(found), found._repr_html_(), told):
        assert "facility: accelerators x 1.46 for their servers x PUE 1.298" in text
        assert "+ 12 % for idle machines" in text
        assert "of training x 1.5 for all runs of development" in text
        assert "location-based, 0.05604 kgCO2e/kWh" in text
        assert "operational: electricity in use" in text
    assert "pue 1.298 (1.08 to 1.56): 2024, " in told
    assert "github mlco2/codecarbon@b05965e4" in told


@pytest.mark.parametrize(
    ("quantity", "specs", "told"),
    [
        ("training_carbon_kgco2e", {"site": ps.SiteSpec(name="mine", pue=1.1)},
         r"the site 'mine' has no grid_kgco2e_per_kwh .* Write site=attrs.evolve\(site, grid"),
        ("training_carbon_kgco2e",
         {"site": "FR", "account": ps.AccountSpec(carbon_basis="market")},
         r"no market_kgco2e_per_kwh .*carbon_basis='location'"),
        ("training_energy_j", {"site": ps.SiteSpec(name="mine")}, r"no pue .*boundary='server'"),
        ("water_l", {"site": ps.SiteSpec(name="mine", pue=1.1)}, "no water_l_per_kwh"),
        ("training_cost_usd", {"hardware": "mi100"},
         r"no price is called 'mi100 on-demand'; did you mean 'mi300x on-demand'.*device_usd_per_"),
        ("training_chip_energy_j", {"hardware": ps.HardwareSpec(name="h100-sxn"),
         "training_device_s": 1.0}, "power limit of 'h100-sxn', .*did you mean 'h100-sxm'"),
        ("daily_energy_j", {"chip_energy_per_token_j": 1.0}, "serving.requests_per_day"),
    ],
)  # fmt: skip
def test_what_is_missing_is_named(quantity: str, specs: dict[str, Any], told: str) -> None:
    """What nobody knows, of which place or device, and how to give it."""
    given = {"training_device_s": 1e6, "training_chip_energy_j": 1e9} | specs
    use = {}
    if quantity == "training_chip_energy_j":
        del given["training_chip_energy_j"]
        use = {quantity: "rated"}
    with pytest.raises(MissingInputError, match=f"(?s){told}"):
        ps.estimate(**given, use=use, quantities=quantity)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"boundary": "rack"}, "must be one of 'chip', 'server', 'facility', not 'rack'"),
        ({"tenure": "lease"}, "must be one of 'on-demand'"),
        ({"server_overhead_ratio": 0.9}, "at least 1, not 0.9"),
        ({"development_ratio": 0.5}, "at least 1, not 0.5"),
        ({"device_use_fraction": 1.5}, "at most 1, not 1.5"),
        ({"idle_ratio": -0.1}, "at least 0, not -0.1"),
        ({"price_year": 2023}, "must be a year as text, such as '2024', or '', not 2023"),
    ],
)
def test_wrong_boundaries_are_refused(wrong: dict[str, Any], told: str) -> None:
    """Each figure of an account has limits."""
    with pytest.raises(SpecError, match=told):
        ps.AccountSpec(**wrong)


def test_a_missing_figure_of_a_grid_is_nan() -> None:
    """One place of several without an intensity is NaN; the others have values."""
    site = ps.SiteSpec(pue=1.1, grid_kgco2e_per_kwh=[0.4, np.nan])
    name = "training_carbon_kgco2e"
    found = ps.estimate(site=site, training_chip_energy_j=MWH, quantities=name)[name]
    assert np.isnan(found.value).tolist() == [False, True]
    (reason,) = found.reasons
    assert reason.where.tolist() == [False, True]
    assert "the site 'custom' has no grid_kgco2e_per_kwh" in reason.text


def test_money_by_hand() -> None:
    """Hours x rent; price / (life x use) plus electricity; both break even where they meet."""
    site = ps.SiteSpec(
        pue=1.2, device_usd_per_hour=3.0, device_usd=30_000.0, electricity_usd_per_kwh=0.1
    )
    account = ps.AccountSpec(
        server_overhead_ratio=1.5, purchase_overhead_ratio=2.0, device_life_years=4,
        device_use_fraction=0.5,
    )  # fmt: skip
    machine = ps.HardwareSpec(name="mine", power_limit_w=1000.0)

    def of(**use: str) -> ps.Estimates:
        return ps.estimate(
            hardware=machine, site=site, account=account, training_device_s=1000 * HOUR,
            training_chip_energy_j=1000 * HOUR * 1000.0,
            use={f"training_{key}": name for key, name in use.items()},
            quantities=["training_cost_usd", "break_even_device_s", "break_even_use_fraction"],
        )  # fmt: skip

    rented, bought = of(), of(cost_usd="purchase")
    assert rented["training_cost_usd"].value == pytest.approx(3000.0)
    life = 4 * 365.25 * 24
    electricity = 1000 * 1.5 * 1.2 * 0.1
    price = 60_000 / (0.5 * life) * 1000
    assert bought["training_cost_usd"].value == pytest.approx(price + electricity)
    hours = 60_000 / (3.0 - 0.18)
    assert rented["break_even_device_s"].value == pytest.approx(hours * HOUR)
    assert rented["break_even_use_fraction"].value == pytest.approx(hours / life)
    at_even = attrs.evolve(account, device_use_fraction=hours / life)
    cost = ps.estimate(
        hardware=machine, site=site, account=at_even, training_device_s=1000 * HOUR,
        training_chip_energy_j=1000 * HOUR * 1000.0, quantities="training_cost_usd",
        use={"training_cost_usd": "purchase"},
    )["training_cost_usd"]  # fmt: skip
    assert cost.value == pytest.approx(3000.0)


def test_prices_of_a_year() -> None:
    """The year that is asked for, or the nearest that was seen; it is printed."""
    name = "training_cost_usd"

    def cost(year: str) -> ps.Estimates:
        return ps.estimate(
            hardware="h100-sxm", training_device_s=HOUR, quantities=name,
            account=ps.AccountSpec(price_year=year),
        )  # fmt: skip

    assert cost("2023")[name].value == pytest.approx(4.76)
    assert cost("2020")[name].value == pytest.approx(4.76)
    assert cost("")[name].value == pytest.approx(2.95)
    assert "4.76 USD/h, prices of 2023" in repr(cost("2023"))


def test_cost_per_million_tokens_is_shown() -> None:
    """8 devices at 3 USD/h and 1,000 tokens/s: 6.67 USD a million tokens."""
    found = ps.estimate(
        site=ps.SiteSpec(device_usd_per_hour=3.0), hardware="h100-sxm",
        parallel=ps.ParallelSpec(tensor=8), throughput_tokens_per_s=1000.0,
        quantities="cost_per_token_usd",
    )["cost_per_token_usd"]  # fmt: skip
    assert found.value == pytest.approx(8 * 3.0 / 3600 / 1000)
    assert "6.67 USD/M tokens" in repr(found)


def test_cheap_electricity_never_makes_rent_pay_back() -> None:
    """Where the electricity alone costs more than the rent, buying never pays: infinite."""
    site = ps.SiteSpec(
        pue=1.0, device_usd_per_hour=0.1, device_usd=1.0, electricity_usd_per_kwh=1.0
    )
    found = ps.estimate(
        site=site, hardware=ps.HardwareSpec(name="mine", power_limit_w=1000.0),
        quantities="break_even_device_s",
    )["break_even_device_s"]  # fmt: skip
    assert found.value == np.inf


LIFE = {"requests_per_day": 1e6, "deployment_days": 365.0, "output_tokens": 500}


def test_a_day_and_a_life_of_demand() -> None:
    """Tokens x requests x days; training is spread over the tokens that are served."""
    found = ps.estimate(
        site=ps.SiteSpec(pue=1.0), account=CARDS, chip_energy_per_token_j=0.2,
        training_chip_energy_j=1e12, serving=ps.ServingSpec(**LIFE),
        quantities=["daily_energy_j", "deployment_energy_j", "served_training_energy_per_token_j"],
    )  # fmt: skip
    assert found["daily_energy_j"].value == pytest.approx(0.2 * 500 * 1e6)
    assert found["deployment_energy_j"].value == pytest.approx(0.2 * 500 * 1e6 * 365)
    per_token = found["served_training_energy_per_token_j"].value
    assert per_token == pytest.approx(1e12 / (500 * 1e6 * 365))


def test_prompt_and_answer_apart() -> None:
    """Prompt and answer add up; a long prompt costs more, an answer of nothing only the prompt."""

    def of(prompt: int, output: int) -> Estimate:
        return ps.estimate(
            model="llama-3.1-8b", hardware="h100-sxm", use={"energy_per_request_j": "by_phase"},
            serving=ps.ServingSpec(batch=16, prompt_tokens=prompt, output_tokens=output),
            quantities="energy_per_request_j",
        )["energy_per_request_j"]  # fmt: skip

    parts = of(2000, 300).parts
    assert sum(parts.values()) == pytest.approx(of(2000, 300).value)
    assert of(8000, 300).parts["prompt"] > 3.0 * parts["prompt"]
    assert of(2000, 600).parts["answer"] > 1.9 * parts["answer"]


def test_demand_makes_smaller_models_pay() -> None:
    """More tokens served, a smaller cheapest model; without demand the compute-optimal one."""
    model = ps.models["llama-3.1-70b"]
    sizes = []
    for days in (1e-6, 100.0, 10_000.0):
        found = ps.estimate(
            model=model, training=ps.TrainingSpec(tokens=1.4e12), training_cost_usd=2e6,
            cost_per_token_usd=1e-6, serving=ps.ServingSpec(**(LIFE | {"deployment_days": days})),
            quantities=["lifetime_cheapest_parameters", "lifetime_cheapest_tokens",
                        "compute_optimal_parameters"],
        )  # fmt: skip
        sizes.append(float(found["lifetime_cheapest_parameters"].value))
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[2] < 0.9 * sizes[0]


def test_break_even_of_a_smaller_model() -> None:
    """At the break-even both models have cost the same, training and use together."""
    law = ps.laws["besiroglu2024"]
    size, tokens, k, j = 70e9, 1.4e12, 6.0, 2.0
    from paramscale.laws.inference import break_even_demand

    served = float(break_even_demand(law, size, tokens, 0.5, training=k, inference=j))
    fit = law.coefficients
    left = fit["A"] / size ** fit["alpha"] + fit["B"] / tokens ** fit["beta"]
    more = (fit["B"] / (left - fit["A"] / (0.5 * size) ** fit["alpha"])) ** (1 / fit["beta"])
    small = k * 0.5 * size * more + j * 0.5 * size * served
    assert small == pytest.approx(k * size * tokens + j * size * served, rel=1e-9)
    assert break_even_demand(law, size, tokens, 0.01) == np.inf
    assert np.isnan(break_even_demand(law, size, tokens, 1.5))


def test_without_a_place_the_world_is_counted() -> None:
    """The default site is the stated average of the world, and the result says so."""
    found = ps.estimate(training_chip_energy_j=MWH, quantities="training_carbon_kgco2e")
    assert "0.473 kgCO2e/kWh of 'world'" in repr(found)
    assert found["training_carbon_kgco2e"].value == pytest.approx(
        1000 * 1.46 * 1.298 * 0.47301, rel=1e-3
    )


def test_draws_hold_prices_and_ratios() -> None:
    """Quantiles of draws agree with the interval from squared logarithms, PUE and rent included."""
    quantities = ("training_energy_j", "training_cost_usd", "water_l")

    def of(draws: int) -> ps.Estimates:
        return ps.estimate(
            model="llama-3.1-8b", hardware="h100-sxm", site="US", draws=draws,
            training=ps.TrainingSpec(tokens=1e12, batch_tokens=4e6),
            parallel=ps.ParallelSpec(data=64, zero_stage=3), quantities=quantities,
        )  # fmt: skip

    drawn, known = of(2000), of(0)
    for name in quantities:
        assert drawn[name].value == known[name].value
        assert drawn[name].high / drawn[name].value == pytest.approx(
            known[name].high / known[name].value, rel=0.25
        ), name


def test_sites_and_accounts_travel_between_processes() -> None:
    """They pickle with their facts, and mean the same."""
    import pickle

    site, account = pickle.loads(
        pickle.dumps((ps.sites["FR"], ps.AccountSpec(facts={"idle_ratio": (0.0, 0.1)})))
    )
    assert site.facts["pue"].high == 1.56
    assert account.facts["idle_ratio"].high == 0.1
    name = "training_carbon_kgco2e"
    found, wanted = (
        ps.estimate(site=each, training_chip_energy_j=MWH, quantities=name)[name]
        for each in (site, "FR")
    )
    assert (found.value, found.high) == (wanted.value, wanted.high)
