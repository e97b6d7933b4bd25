from __future__ import annotations

import numpy as np
import pytest
from core_toys import Garden, Hose

from paramscale.core.estimator import estimator
from paramscale.core.graph import make_plan
from paramscale.errors import CycleError, MissingInputError, UnknownNameError


def plan(world, wanted, *given, **more):
    return make_plan(wanted, given, estimators=world, **more)


def order(made):
    return [step.quantity for step in made.steps]


def test_each_step_finds_its_inputs(world):
    made = plan(world, ["filling_s"], "garden", "rain", "hose")
    assert order(made) == ["ledger", "area_ratio", "water_l", "filling_s"]


def test_shared_steps_run_once(world):
    made = plan(world, None, "garden", "rain", "hose")
    rain = world.kinds["rain"].make_default()
    results = made.run({"garden": Garden(2, 3), "rain": rain, "hose": Hose()})
    assert world.calls == ["ledger"]
    assert results.values["filling_s"] == 3.0
    assert results.intervals["filling_s"].high == 6.0


def test_the_same_question_gets_the_same_plan(world):
    assert plan(world, ["area_ratio"], "garden") is plan(world, ["area_ratio"], "garden")


def test_a_new_estimator_makes_plans_stale(world):
    before = plan(world, ["area_ratio"], "garden")

    @estimator(gives="area_ratio", source="s", rank=-1, into=world)
    def one():
        """One."""
        return 1.0

    assert order(before) == ["ledger", "area_ratio"]
    assert order(plan(world, ["area_ratio"], "garden")) == ["area_ratio"]


def test_all_means_what_can_be_had_and_tells_the_rest(world):
    made = plan(world, None, "garden", "rain", absent=["garden.price"])
    assert set(made.wanted) == {"area_ratio", "water_l", "growth_l", "waste_l"}
    assert "hose: the spec is not given" in made.missing["filling_s"]
    assert "garden.price: the field is not set" in made.missing["price_usd"]


def test_everything_missing_is_told_at_once(world):
    with pytest.raises(MissingInputError) as met:
        plan(world, ["filling_s", "waste_l", "never_s", "price_usd"], "rain")
    assert str(met.value).splitlines() == [
        "cannot estimate filling_s, waste_l, never_s, price_usd: 3 inputs are missing:",
        "  garden: the spec is not given; needed by ledger (inventory), price_usd (price).",
        "    Write estimate(..., garden=Garden(...))",
        "  hose: the spec is not given; needed by filling_s (filling).",
        "    Write estimate(..., hose=Hose(...))",
        "  never_s: no estimator gives it.",
        "    Write estimate(..., never_s=value), or register an estimator of it",
    ]


def test_a_field_that_is_not_set_is_told(world):
    with pytest.raises(MissingInputError, match=r"garden=Garden\(price=value, ...\)"):
        plan(world, ["price_usd"], "garden", absent=["garden.price"])


def test_a_quantity_without_estimator_names_who_needs_it(world):
    @estimator(gives="filling_s", source="s", rank=-1, into=world)
    def slow(never_s):
        """Slowly."""

    with pytest.raises(MissingInputError, match=r"never_s: no estimator .* filling_s \(slow\)"):
        plan(world, ["filling_s"], "garden", "rain", use={"filling_s": "slow"})
    assert order(plan(world, ["filling_s"], "filling_s")) == []
    assert order(plan(world, ["filling_s"], "never_s")) == ["filling_s"]


def add_circle(world):
    @estimator(gives="area_ratio", source="s", name="from_water", rank=-1, into=world)
    def from_water(water_l):
        """Backwards."""
        return water_l


def test_a_circle_is_printed(world):
    add_circle(world)
    with pytest.raises(CycleError, match="area_ratio <- water_l <- area_ratio"):
        plan(world, ["area_ratio"], "rain", use={"area_ratio": "from_water"})
    with pytest.raises(CycleError, match="water_l <- area_ratio <- water_l"):
        plan(world, ["water_l"], "rain", use={"area_ratio": "from_water"})


def test_a_circle_is_avoided_where_there_is_another_way(world):
    add_circle(world)
    made = plan(world, ["water_l"], "garden", "rain")
    assert [call.record.name for step in made.steps for call in step.calls] == [
        "inventory", "area", "rainfall",
    ]  # fmt: skip
    assert order(plan(world, ["area_ratio"], "water_l")) == ["area_ratio"]


def test_use_chooses_by_name(world):
    made = plan(world, ["growth_l"], "garden", "rain", use={"growth_l": "flora2005"})
    assert [call.record.name for call in made.steps[-1].calls] == ["flora2005"]
    with pytest.raises(UnknownNameError, match="no estimator of growth_l is called 'flora2006'"):
        plan(world, ["growth_l"], "garden", use={"growth_l": "flora2006"})
    with pytest.raises(UnknownNameError, match="no quantity is called 'growht_l'; did you mean"):
        plan(world, ["growth_l"], "garden", use={"growht_l": "flora2006"})
    with pytest.raises(UnknownNameError, match="no quantity is called 'growht_l'"):
        plan(world, ["growht_l"], "garden")


def test_blind_alleys_are_not_run(world):
    """What only an estimator that lacks something else would have needed is left out."""

    @estimator(gives="never_s", source="s", name="long", into=world)
    def long(water_l, hose: Hose):
        """The long way."""

    @estimator(gives="never_s", source="s", name="short", into=world)
    def short():
        """The short way."""
        return 1.0

    assert order(plan(world, ["never_s"], "garden", "rain")) == ["never_s"]


def test_options_are_bound_by_quantity_estimator_or_both(world):
    for owner in ("water_l", "rainfall", "water_l.rainfall"):
        made = plan(world, ["water_l"], "area_ratio", "rain", options={f"{owner}.loss": 0.5})
        rain = world.kinds["rain"].make_default()
        assert made.run({"area_ratio": 4.0, "rain": rain}).values["water_l"] == 2.0
    with pytest.raises(UnknownNameError, match="no option of rainfall is called 'los'; did"):
        plan(world, ["water_l"], "garden", "rain", options={"rainfall.los": 1})
    with pytest.raises(UnknownNameError, match="no quantity or estimator is called 'rainfal'"):
        plan(world, ["water_l"], "garden", "rain", options={"rainfal.loss": 1})


def test_an_option_may_be_an_array(world):
    options = {"rainfall.loss": np.array([0.0, 0.5])}
    made = plan(world, ["water_l"], "area_ratio", "rain", options=options)
    rain = world.kinds["rain"].make_default()
    assert made.run({"area_ratio": 4.0, "rain": rain}).values["water_l"].tolist() == [4.0, 2.0]


def add_refusing(world):
    @estimator(gives="never_s", source="s", into=world)
    def refusing(area_ratio):
        """Refuses at run time."""
        raise MissingInputError("the catalogue has no figure for it")


def test_an_input_found_missing_while_running(world):
    """It is an error where the quantity was asked for by name, else the rest goes on."""
    add_refusing(world)

    @estimator(gives="filling_s", source="s", rank=-1, into=world)
    def after(never_s):
        """After that."""

    given = {"garden": Garden(1, 2), "rain": world.kinds["rain"].make_default()}
    with pytest.raises(MissingInputError, match="no figure"):
        plan(world, ["never_s"], *given).run(given)
    results = plan(world, None, *given).run(given)
    assert results.values["area_ratio"] == 2.0
    assert results.failed.keys() == {"never_s", "filling_s"}
