"""The promises of every row: machines, number formats, models and laws."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np
import pytest

import paramscale as ps
from paramscale.errors import UnknownNameError
from paramscale.laws import laws
from paramscale.specs.block import blocks
from paramscale.specs.hardware import FIGURES
from paramscale.testing import check_format, check_hardware, check_law

VIEWS: dict[str, Mapping[str, Any]] = {
    "hardware": ps.hardware,
    "format": ps.formats,
    "model": ps.models,
    "site": ps.sites,
    "price": ps.prices,
    "law": laws,
    "kind of block": blocks,
}


@pytest.mark.parametrize("key", ps.hardware)
def test_every_machine(key: str) -> None:
    """Named, sourced, positive figures, NaN only where one is missing."""
    check_hardware(ps.hardware[key])


@pytest.mark.parametrize("figure", FIGURES)
def test_every_figure_is_known_of_some_machine(figure: str) -> None:
    """A field that no row fills would be a field that nobody reads."""
    assert any(not np.isnan(getattr(machine, figure)) for machine in ps.hardware.values())


@pytest.mark.parametrize("key", ps.formats)
def test_every_format(key: str) -> None:
    """Titled, sourced, bits counted."""
    check_format(ps.formats[key])


@pytest.mark.parametrize("key", laws)
def test_every_law(key: str) -> None:
    """Sourced, with a domain, falling in size and data; named as it is registered."""
    check_law(laws[key])
    assert laws[key].law_id == key


@pytest.mark.parametrize("key", ps.models)
def test_every_model(key: str) -> None:
    """Named, sourced, its counts finite and whole, and the same after a round trip."""
    model = ps.models[key]
    assert model.name == key
    assert model.family
    assert model.source
    counts = ("parameters", "active_parameters", "matmul_parameters", "embedding_parameters")
    told = ps.estimate(model=model, quantities=counts)
    again = ps.estimate(model=ps.ModelSpec.from_dict(model.to_dict()), quantities=counts)
    for name in counts:
        value = told[name].value
        assert value == np.rint(value) > 0
        assert again[name].value == value
    assert told["active_parameters"].value <= told["parameters"].value


@pytest.mark.parametrize("kind", VIEWS)
def test_a_wrong_name_is_answered_with_the_right_one(kind: str) -> None:
    """One letter too many is a KeyError that names the kind of thing and proposes the name."""
    view = VIEWS[kind]
    name = max(view, key=len)
    with pytest.raises(UnknownNameError, match="did you mean") as caught:
        view[name + "x"]
    assert isinstance(caught.value, KeyError)
    assert f"no {kind} is called" in str(caught.value)
    assert repr(name) in str(caught.value)


@pytest.mark.parametrize("kind", VIEWS)
def test_views_are_read_only(kind: str) -> None:
    """A catalogue is a mapping without assignment."""
    with pytest.raises(TypeError):
        VIEWS[kind]["mine"] = 1  # type: ignore[index]


def test_laws_are_public_after_everything_was_imported() -> None:
    """``ps.laws`` is the mapping, also when the package of that name was imported before it."""
    ps.estimate(model="llama-3.1-8b")
    assert ps.laws["besiroglu2024"].law_id == "besiroglu2024"


def test_a_missing_figure_is_nan_and_says_so() -> None:
    """A machine without a bandwidth gives NaN times, never a filled-in number."""
    machine = attrs.evolve(ps.hardware["h100-sxm"], memory_bandwidth_bytes_per_s=np.nan)
    assert np.isnan(ps.estimate(model="llama-3.1-8b", hardware=machine)["tpot_s"].value)
