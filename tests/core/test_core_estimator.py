from __future__ import annotations

import numpy as np
import pytest
from core_toys import Garden, Rain

from paramscale.core.domain import Domain
from paramscale.core.estimator import estimator
from paramscale.core.quantity import Quantity, define
from paramscale.core.source import Source, cite_text
from paramscale.core.spec import SPEC_TYPES, coerces, spec_type
from paramscale.errors import RegistrationError, UnknownNameError


def good(area_ratio, garden: Garden, *, option=1.0):
    """A value."""
    return area_ratio * option


def unknown_input(aera_ratio):
    """A value."""


def spec_without_annotation(garden):
    """A value."""


def default_input(area_ratio=1.0):
    """A value."""


def option_without_default(*, option):
    """A value."""


def variadic(*area_ratio):
    """A value."""


def unresolved(garden: Missing):  # noqa: F821
    """A value."""


def undocumented(area_ratio):
    return area_ratio


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (unknown_input, "'aera_ratio' is not a quantity; did you mean 'area_ratio'?"),
        (spec_without_annotation, "'garden' is a spec; annotate it with Garden, not with nothing"),
        (default_input, "the input 'area_ratio' has a default"),
        (option_without_default, "the option 'option' has no default"),
        (variadic, r"it takes \*area_ratio"),
        (unresolved, "an annotation cannot be resolved: name 'Missing'"),
        (undocumented, "has no docstring"),
    ],
)
def test_what_nobody_can_provide_is_refused_at_registration(world, function, text):
    with pytest.raises(RegistrationError, match=text):
        estimator(gives="never_s", source="s", into=world)(function)
    assert world.of("never_s") == ()


@pytest.mark.parametrize(
    ("claims", "text"),
    [
        ({"gives": "nevr_s"}, "gives 'nevr_s', which is not a quantity; did you mean 'never_s'?"),
        ({"source": None}, "estimator 'good' has no source"),
        ({"source": " "}, "estimator 'good' has no source"),
        ({"kind": "guess"}, "kind='guess'; allowed are"),
        ({"domain": Domain({"areas_ratio": (0, 1)})}, "'areas_ratio' is not a quantity; did"),
        ({"domain": Domain({"gardn.width": (0, 1)})}, "'gardn.width' names no spec; did you mean"),
        ({"needs": ["garden.prise"]}, "Garden has no field 'prise'; did you mean 'price'?"),
        ({"parts": lambda rain: {}}, "'rain' is a spec; annotate it"),
        ({"parts": lambda water_l: {}}, "they take water_l, which the estimator does not take"),
    ],
)
def test_wrong_claims_are_refused(world, claims, text):
    with pytest.raises(RegistrationError, match=text):
        estimator(**{"gives": "never_s", "source": "s", "into": world, **claims})(good)


def test_the_function_stays_itself(world):
    assert estimator(gives="never_s", source="s", into=world)(good) is good
    record = world.named("never_s", "good")
    assert record.signature.inputs == ("area_ratio", "garden")
    assert record.signature.options == {"option": 1.0}
    assert record(2.0, None, option=3.0) == 6.0
    assert record.summary == "A value."


def test_names_are_unique_for_a_quantity(world):
    estimator(gives="never_s", source="s", into=world)(good)
    with pytest.raises(RegistrationError, match=r"already called 'never_s\.good'"):
        estimator(gives="never_s", source="s", into=world)(good)
    estimator(gives="filling_s", source="s", into=world)(good)


def test_a_cell_of_a_notebook_may_run_again(world):
    versions = []
    for _ in range(2):
        scope = {"__name__": "__main__"}
        exec("def cell(area_ratio):\n    'A value.'\n    return area_ratio", scope)
        estimator(gives="never_s", source="s", into=world)(scope["cell"])
        versions.append(scope["cell"])
    assert [each.function for each in world.of("never_s")] == [versions[-1]]


def test_rank_then_registration_orders_estimators(world):
    for name, rank in [("c", 1), ("a", 0), ("b", 0), ("first", -1)]:
        estimator(gives="never_s", source="s", name=name, rank=rank, into=world)(good)
    assert [each.name for each in world.of("never_s")] == ["first", "a", "b", "c"]
    with pytest.raises(UnknownNameError, match="no estimator of never_s is called 'firs'; did"):
        world.named("never_s", "firs")


def test_an_object_needs_a_name(world):
    class Law:
        """A law."""

        source = "s"

        def __call__(self, area_ratio):
            return area_ratio

    with pytest.raises(RegistrationError, match="has no name"):
        estimator(gives="never_s", into=world)(Law())
    estimator(gives="never_s", name="law", into=world)(Law())


def test_a_quantity_has_one_meaning(world):
    same = Quantity("never_s", "Something that nothing gives")
    estimator(gives=same, source="s", into=world)(good)
    with pytest.raises(RegistrationError, match="the quantity 'never_s' exists and means"):
        define("never_s", "Another", vocabulary=world.vocabulary)
    with pytest.raises(RegistrationError, match="not a Python identifier"):
        Quantity("a b_s", "x")
    with pytest.raises(RegistrationError, match="has no meaning"):
        Quantity("b_s", "")


def test_nothing_leaks_into_the_shared_registries(world):
    from paramscale.core.estimator import ESTIMATORS

    assert "garden" not in SPEC_TYPES.names_so_far()
    assert not any("garden" in each.signature.specs
                   for each in ESTIMATORS.registry.names_so_far().values())  # fmt: skip


def test_a_coercer_is_set_once(world):
    coerces("rain", into=world.kinds)(lambda value: Rain(value))
    assert world.kinds["rain"].accept(2.0).rate == 2.0
    with pytest.raises(RegistrationError, match="'rain' has a coercer already"):
        coerces("rain", into=world.kinds)(float)
    with pytest.raises(RegistrationError, match="a spec is already called 'rain'"):
        spec_type("rain", into=world.kinds)(Rain)


def test_domain_is_elementwise_and_tells_by_how_much():
    domain = Domain({"parameters": (1e7, 1e10), "training.tokens": (1e9, None)}, note="English")
    values = {"parameters": np.array([1e6, 1e8, 1e12, np.nan]), "training.tokens": 1e10}
    assert domain.inside(values).tolist() == [False, True, False, False]
    assert domain.describe(values) == (
        "parameters = 1 M (1 of 4 points) is below 10 M by a factor of 10; "
        "parameters = 1 T (1 of 4 points) is above 10 B by a factor of 100; "
        "parameters is not known at 1 of 4 points"
    )
    assert domain.describe({"parameters": 1e7, "training.tokens": None}) == ""
    assert domain.text() == (
        "parameters 10 M to 10 B; training.tokens 1 B tokens to inf tokens; English"
    )
    assert Domain({"balance_usd": (0, 1)}).describe({"balance_usd": -2.0}).endswith("by 2")
    with pytest.raises(RegistrationError, match="the domain of 'parameters' is empty"):
        Domain({"parameters": (2, 1)})


def test_citing():
    sources = [Source("A", "@a{}"), Source("B"), Source("A", "@a{}")]
    assert cite_text(sources) == "A\nB"
    assert cite_text(sources, "bibtex") == "@a{}\n% B"
    with pytest.raises(ValueError, match="allowed are"):
        cite_text(sources, "apa")
