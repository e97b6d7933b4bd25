"""The promises of every registered estimator and quantity."""

from __future__ import annotations

import keyword

import numpy as np
import pytest

import paramscale as ps
from paramscale import quantities
from paramscale.core.collection import Estimators
from paramscale.core.estimator import ESTIMATORS, Estimator, estimator
from paramscale.core.quantity import VOCABULARY
from paramscale.core.spec import SPEC_TYPES
from paramscale.errors import UnknownNameError
from paramscale.testing import check_estimator, full_scenario
from paramscale.typing import Floats
from paramscale.units import unit_of

ps.estimate(model="llama-3.1-8b")  # so that everything is registered
RECORDS = dict(ESTIMATORS.registry)
GIVEN = ESTIMATORS.quantities()


@pytest.mark.parametrize("key", RECORDS)
def test_every_estimator_keeps_its_promises(key: str) -> None:
    """Told, sourced, scalar in scalar out, grid equal to points, no needless dimension."""
    with np.errstate(all="raise", under="ignore"):
        check_estimator(RECORDS[key])


@pytest.mark.parametrize("quantity", GIVEN, ids=lambda quantity: quantity.name)
def test_every_quantity_is_told(quantity: ps.Quantity) -> None:
    """Its name is an identifier that ends in its unit, and one sentence says what it means."""
    assert quantity.name.isidentifier()
    assert not keyword.iskeyword(quantity.name)
    unit = unit_of(quantity.name)
    assert unit is not None
    assert quantity.unit == unit.text
    assert quantity.meaning[0].isupper()
    assert len(quantity.meaning) > 15


@pytest.mark.parametrize("quantity", GIVEN, ids=lambda quantity: quantity.name)
def test_names_are_unique_and_ranked(quantity: ps.Quantity) -> None:
    """Estimators of one quantity have different names, and ranks that decide between them."""
    records = ESTIMATORS.of(quantity.name)
    names = [record.name for record in records]
    assert len(set(names)) == len(names)
    assert [record.rank for record in records] == sorted(record.rank for record in records)


def test_the_vocabulary_is_given() -> None:
    """Every quantity of ``quantities.py`` has an estimator, and is in its ``__all__``."""
    named = {name for name in dir(quantities) if name.isupper()}
    assert named == set(quantities.__all__)
    defined = {getattr(quantities, name).name for name in named}
    assert {name for name in defined if not ESTIMATORS.of(name)} == set()
    assert defined <= set(VOCABULARY)


@pytest.mark.parametrize("kind", SPEC_TYPES)
def test_the_full_scenario_is_full(kind: str) -> None:
    """The scenario that the checks use gives every kind of spec."""
    assert isinstance(getattr(full_scenario(), kind), SPEC_TYPES[kind].cls)


def test_nothing_is_missing_from_a_full_scenario() -> None:
    """With every spec given, every quantity can be estimated, alone and with all others."""
    estimates = ps.estimate(full_scenario(), quantities="all")
    assert dict(estimates.missing) == {}
    assert set(estimates) == {quantity.name for quantity in GIVEN}


@pytest.mark.parametrize("key", [key for key, each in RECORDS.items() if each.parts])
def test_parts_add_up(key: str) -> None:
    """A breakdown adds up to its value, at a point and on a grid."""
    record = RECORDS[key]
    name = record.quantity.name
    for batch in (3, np.array([[1.0], [5.0]])):
        found = ps.estimate(
            full_scenario(serving_batch=batch), use={name: record.name}, quantities=name
        )[name]
        assert found.parts
        total = sum(found.parts.values())
        np.testing.assert_allclose(total, np.broadcast_to(found.value, np.shape(total)), rtol=1e-12)


@pytest.mark.parametrize("quantity", GIVEN, ids=lambda quantity: quantity.name)
def test_a_wrong_estimator_name_is_refused(quantity: ps.Quantity) -> None:
    """``use`` with a name that is not there proposes the one that is."""
    name = ESTIMATORS.of(quantity.name)[0].name
    with pytest.raises(UnknownNameError, match=f"did you mean '{name}'"):
        ps.estimate(full_scenario(), use={quantity.name: name + "x"})


def _faulty(fault: str) -> Estimator:
    """Return the record of an estimator with a fault; the shared collection is left alone."""
    own = Estimators(vocabulary=VOCABULARY, kinds=SPEC_TYPES)

    def weigh(parameters: Floats) -> Floats:
        return parameters

    weigh.__doc__ = "no sentence" if fault == "unsaid" else "Bytes of something."
    estimator(
        gives="weight_bytes", source="a test", into=own,
        kind="law" if fault == "no domain" else "exact",
    )(weigh)  # fmt: skip
    return own.named("weight_bytes", "weigh")


@pytest.mark.parametrize(
    ("fault", "rule"),
    [("unsaid", "begins with a sentence"), ("no domain", "is fitted and states its domain")],
)
def test_a_fault_is_seen(fault: str, rule: str) -> None:
    """The checks name the promise that a faulty estimator breaks."""
    with pytest.raises(AssertionError, match=rule):
        check_estimator(_faulty(fault))
