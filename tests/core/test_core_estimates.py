from __future__ import annotations

import builtins
import pickle
from types import SimpleNamespace

import numpy as np
import pytest
from core_toys import Garden, Hose, Rain

from paramscale.core.axes import name_axes
from paramscale.core.estimator import estimator
from paramscale.core.quantity import Quantity
from paramscale.errors import SpecError, UnknownNameError


def grid():
    return {"garden": Garden([[1.0], [2.0], [20.0]], 3), "rain": Rain([1.0, 2.0])}


def test_a_mapping_of_estimates(ask):
    e = ask(garden=Garden(2, 3), hose=Hose())
    assert e["area_ratio"].value == 6.0
    assert e.area_ratio.value == 6.0
    assert isinstance(e.area_ratio.value, np.float64)
    # the order of the vocabulary, not that of registration
    assert list(e) == ["area_ratio", "water_l", "growth_l", "waste_l", "filling_s"]
    assert len(e) == 5
    assert "ledger" not in e
    assert float(e.area_ratio) == 6.0
    assert (e.area_ratio.unit, e.area_ratio.estimator, e.area_ratio.source, e.area_ratio.kind) == (
        "ratio", "area", "Euclid, Elements I.35", "exact",
    )  # fmt: skip
    assert np.asarray(e.water_l) == 6.0


def test_unknown_names(ask):
    e = ask(garden=Garden(2, 3))
    with pytest.raises(UnknownNameError, match="called 'area_ratoi'; did you mean 'area_ratio'"):
        e["area_ratoi"]
    with pytest.raises(AttributeError, match="did you mean 'area_ratio'"):
        _ = e.area_ratoi
    with pytest.raises(AttributeError, match=r"Write estimate\(\.\.\., hose=Hose"):
        _ = e.filling_s
    with pytest.raises(KeyError, match="hose: the spec is not given; needed by filling_s"):
        e["filling_s"]
    with pytest.raises(UnknownNameError, match="water_l was not asked for"):
        ask(garden=Garden(2, 3), quantities="area_ratio")["water_l"]
    assert e.get("filling_s") is None
    assert not hasattr(e, "_repr_png_")


def test_arguments(ask):
    assert ask(garden="small").area_ratio.value == 6.0
    assert ask(SimpleNamespace(garden=Garden(1, 1), hose=None)).area_ratio.value == 1.0
    assert ask(SimpleNamespace(garden=Garden(1, 1)), garden="small").area_ratio.value == 6.0
    with pytest.raises(SpecError, match="garden=7 is a int; allowed is a Garden, or a name"):
        ask(garden=7)
    with pytest.raises(SpecError, match=r"hose='x' is a str; allowed is a Hose$"):
        ask(hose="x")
    with pytest.raises(SpecError, match=r"a Garden is not a scenario; write estimate\(garden="):
        ask(Garden(1, 1))
    with pytest.raises(SpecError, match="'small' is a str, not a scenario"):
        ask("small")
    with pytest.raises(UnknownNameError, match="no spec or quantity is called 'gardn'; did you"):
        ask(gardn="small")
    with pytest.raises(UnknownNameError, match="no quantity is called 'ledger'"):
        ask(garden="small", quantities=["ledger"])


def test_a_quantity_may_be_given(ask):
    e = ask(area_ratio=10)
    assert e.water_l.value == 10.0
    assert (e.area_ratio.value, e.area_ratio.estimator, e.area_ratio.source) == (
        10.0, "given", "given by the caller",
    )  # fmt: skip
    assert "given" in e.explain("water_l")


def test_intervals(ask):
    """Equal to the value where all is exact, as given by the estimator, NaN where not known."""
    e = ask(garden="small", hose=Hose())
    assert (e.water_l.low, e.water_l.high) == (6.0, 6.0)
    assert (e.filling_s.low, e.filling_s.value, e.filling_s.high) == (1.5, 3.0, 6.0)
    assert np.isnan(e.waste_l.low)
    assert not e.water_l.has_interval
    assert not e.waste_l.has_interval


def test_the_first_estimator_whose_domain_covers_all_points(ask):
    assert ask(garden=Garden(2, 3)).growth_l.estimator == "flora2001"
    assert ask(garden=Garden(20, 30)).growth_l.estimator == "flora2005"
    beyond = ask(garden=Garden(200, 300))
    assert beyond.growth_l.estimator == "flora2001"
    assert not beyond.growth_l.inside
    assert not beyond.waste_l.inside, "what comes from an extrapolation is one"
    assert beyond.water_l.inside
    assert ask(garden=Garden(20, 30), rain=Rain(9)).growth_l.estimator == "flora2001"
    partly = ask(garden=Garden([1.0, 100.0], 300), use={"growth_l": "flora2005"}).growth_l
    assert partly.inside.tolist() == [True, False]


def test_draws_give_quantiles(ask):
    e = ask(garden=Garden(2, 3), draws=4000, seed=1)
    estimate = e.growth_l
    assert estimate.value == 18.0
    assert estimate.draws.shape == (4000,)
    spread = 1.645 * 0.5 * 6
    np.testing.assert_allclose([estimate.low, estimate.high], [18 - spread, 18 + spread], rtol=0.03)
    np.testing.assert_allclose(e.waste_l.low, 0.1 * estimate.low)
    assert e.water_l.draws is None
    assert e.water_l.low == 6.0
    again = ask(garden=Garden(2, 3), draws=4000, seed=1)
    assert again.growth_l.low == estimate.low
    assert ask(garden=Garden(2, 3), draws=4000, seed=2).growth_l.low != estimate.low


def test_draws_on_a_grid_equal_draws_at_points(ask):
    """The draw axis comes first and never meets an axis of the points, whatever their lengths."""
    e = ask(garden=Garden([[1.0], [2.0], [20.0]], 3), rain=Rain([1.0, 2.0, 3.0]), draws=3)
    assert e.waste_l.value.shape == (3, 3)
    assert e.waste_l.low.shape == (3, 3)
    assert e.growth_l.draws.shape == (3, 3, 1)
    for row, width in enumerate([1.0, 2.0, 20.0]):
        for column, rate in enumerate([1.0, 2.0, 3.0]):
            point = ask(garden=Garden(width, 3), rain=Rain(rate), draws=3)
            np.testing.assert_allclose(e.waste_l.low[row, column], point.waste_l.low)


def test_a_drawn_scalar_meets_an_array(ask):
    e = ask(area_ratio=6.0, rain=Rain([1.0, 2.0, 3.0]), draws=3)
    assert e.waste_l.low.shape == (3,)
    assert e.growth_l.low.shape == ()
    np.testing.assert_allclose(e.waste_l.high, 0.1 * e.growth_l.high * np.array([1.0, 2.0, 3.0]))


def test_a_sampled_estimator_after_a_sampled_one(ask, world):
    """Draws are paired, not crossed."""

    class Sale:
        """Proceeds, roughly."""

        source, name = "s", "sale"

        def __call__(self, waste_l):
            return waste_l

        def sample(self, n, rng):
            factors = rng.normal(1, 0.1, n)
            return lambda waste: factors.reshape(n, *(1,) * np.ndim(waste)) * waste

    estimator(gives=Quantity("sale_usd", "Proceeds"), into=world, kind="law")(Sale())
    e = ask(garden=Garden([1.0, 2.0], 3), draws=500)
    assert e.sale_usd.draws.shape == (500, 2)
    assert e.sale_usd.low.shape == (2,)
    correlation = np.corrcoef(e.sale_usd.draws[:, 0], e.waste_l.draws[:, 0])[0, 1]
    assert 0.5 < correlation < 0.99


def test_a_sample_without_a_draw_axis_is_refused(ask, world):
    def wrong(area_ratio):
        """Wrong."""
        return area_ratio

    wrong.sample = lambda n, rng: lambda area: area
    estimator(gives="never_s", source="s", into=world)(wrong)
    with pytest.raises(TypeError, match=r"shape \(\); a leading axis of n=5 draws is wanted"):
        ask(garden="small", quantities=["never_s"], draws=5)


def test_axes_are_named_by_what_varies_along_them(ask):
    axes = ask(**grid()).axes
    assert axes.dims == ("garden.width", "rain.rate")
    assert axes.shape == (3, 2)
    assert axes.coords["garden.width"][1].tolist() == [1.0, 2.0, 20.0]


@pytest.mark.parametrize(
    ("shapes", "dims"),
    [
        ({}, ()),
        ({"a": (3,), "b": (3,)}, ("a",)),
        ({"a": (3, 1)}, ("a", "")),
        ({"a": (3, 1), "b": (1, 1)}, ("a", "b")),
        ({"a": (1,)}, ("a",)),
        ({"a": (3, 4)}, ("a_0", "a_1")),
        ({"a": (3, 4), "b": (4,)}, ("a_0", "b")),
        ({"b": (4,), "a": (3, 1)}, ("a", "b")),
    ],
)
def test_names_of_axes(shapes, dims):
    axes = name_axes((path, np.ones(shape)) for path, shape in shapes.items())
    assert dims == axes.dims
    assert set(axes.coords) == set(shapes)


def test_fields_that_do_not_broadcast_are_named():
    with pytest.raises(SpecError, match=r"do not broadcast .* a \(2,\), b \(3,\)"):
        name_axes([("a", np.ones(2)), ("b", np.ones(3))])


def test_to_pandas(ask):
    frame = ask(**grid(), hose=Hose()).to_pandas()
    assert len(frame) == 6
    assert list(frame.columns[:2]) == ["garden.width", "rain.rate"]
    assert frame["water_l"].tolist() == [3.0, 6.0, 6.0, 12.0, 60.0, 120.0]
    assert frame["filling_s_high"].tolist() == [3.0, 6.0, 6.0, 12.0, 60.0, 120.0]
    assert "area_ratio_low" not in frame
    scalar = ask(garden="small", quantities=["area_ratio"]).to_pandas()
    assert scalar.to_dict("records") == [{"area_ratio": 6.0}]


def test_to_xarray(ask):
    data = ask(**grid(), hose=Hose()).to_xarray()
    assert data["area_ratio"].dims == ("garden.width",)
    assert data["water_l"].dims == ("garden.width", "rain.rate")
    assert float(data["water_l"].sel({"garden.width": 20, "rain.rate": 2})) == 120.0
    assert data["filling_s"].attrs["units"] == "s"
    assert "filling_s_low" in data
    assert ask(garden="small").to_xarray()["area_ratio"].dims == ()
    plane = ask(garden=Garden(np.ones((2, 3)), 1.0)).to_xarray()
    assert dict(plane.sizes) == {"garden.width_0": 2, "garden.width_1": 3}
    assert plane["garden.width"].shape == (2, 3)


def test_a_given_quantity_is_an_axis(ask):
    e = ask(area_ratio=[1.0, 2.0], quantities=["area_ratio", "water_l"])
    assert e.to_pandas().to_dict("list") == {"area_ratio": [1.0, 2.0], "water_l": [1.0, 2.0]}
    assert e.to_xarray()["water_l"].dims == ("area_ratio",)


@pytest.mark.parametrize(("method", "package"), [("to_pandas", "pandas"), ("to_xarray", "xarray")])
def test_a_package_that_is_not_installed(ask, monkeypatch, method, package):
    real = builtins.__import__

    def blocked(name, *args, **kwargs):
        if name == package:
            raise ImportError(name)
        return real(name, *args, **kwargs)

    e = ask(garden="small")
    monkeypatch.setattr(builtins, "__import__", blocked)
    with pytest.raises(ImportError, match=rf'{package}, .*pip install "paramscale\[tables\]"'):
        getattr(e, method)()


def test_repr_is_a_table(ask):
    text = repr(ask(garden="small", hose=Hose(), quantities=["water_l", "filling_s"]))
    assert text.splitlines() == [
        "Estimates: 2 quantities at 1 point",
        "quantity   value  90 % interval  kind   estimator  source",
        "water_l    6 L                   exact  rainfall   Pluvius 1990",
        "filling_s  3 s    1.5 s to 6 s   bound  filling    Torricelli 1643",
    ]
    arrays = repr(ask(**grid(), quantities=["water_l"]))
    assert "at 6 points over garden.width (3), rain.rate (2)" in arrays
    assert "(3, 2): 3 L … 120 L" in arrays
    everything = ask(garden=Garden(200, 300))
    assert "outside" in repr(everything)
    assert "not estimated: filling_s, price_usd" in repr(everything)
    assert repr(everything.growth_l) == "<growth_l = 180 m³, flora2001>"
    assert "[1.5 s, 6 s]" in repr(ask(garden="small", hose=Hose()).filling_s)


def test_html_escapes_everything(ask, world):
    @estimator(gives=Quantity("evil_s", "<script>alert(1)</script>"), into=world,
               name="<script>x</script>", source="<img onerror=x>")  # fmt: skip
    def evil():
        """<script>"""
        return 1.0

    page = ask(garden="small")._repr_html_()
    assert "<script" not in page
    assert "<img" not in page
    assert "<b>" not in page
    assert "&lt;script&gt;x&lt;/script&gt;" in page
    assert page.count("<style>") == 1
    assert '<pre class="ps-fallback">' in page
    assert "<details><summary>6 L</summary>" in page
    assert page.index("paths") > page.index("beds"), "greatest part first"


def test_a_breakdown_that_fails_does_not_spoil_the_page(ask, world):
    def broken_parts():
        raise ZeroDivisionError("oh")

    @estimator(gives="never_s", source="s", parts=broken_parts, into=world)
    def fine():
        """Fine."""
        return 1.0

    assert "ZeroDivisionError: oh" in ask(garden="small")._repr_html_()


def test_parts_are_computed_when_asked(ask):
    e = ask(garden=Garden([1.0, 2.0], 4))
    assert e.water_l.parts["paths"].tolist() == [1.0, 2.0]
    assert e.area_ratio.parts == {}


def test_explain(ask):
    text = ask(garden=Garden(200, 300)).explain("waste_l")
    lines = [line.strip() for line in text.splitlines()]
    assert lines[0] == "waste_l = 18 m³    Volume thrown away"
    assert "how     compost (calibrated): Volume thrown away." in lines
    assert "source  Compost 2010" in lines
    assert "input   rain = Rain(rate=np.float64(1.0))" in lines
    assert any(line.startswith("growth_l = 180 m³") for line in lines)
    assert "outside: area_ratio = 60,000 is above 100 by a factor of 600" in lines
    assert any(line.startswith("ledger    ") for line in lines)  # an internal one has no value
    parts = ask(garden="small", options={"rainfall.loss": 0.0}).explain("water_l", depth=0)
    assert "part     <b>beds</b>: 4.5 L 75.0 %" in parts
    assert "options  loss=0.0" in parts
    assert parts.endswith("it came from area_ratio")
    assert "1.5 s to 6 s (90 %)" in ask(garden="small", hose=Hose()).explain("filling_s")


def test_cite(ask):
    e = ask(garden="small", quantities=["water_l"])
    assert e.cite() == "an inventory\nEuclid, Elements I.35\nPluvius 1990"
    assert "@book{pluvius}" in e.cite("bibtex")


def test_a_private_world_is_not_pickled(world):
    from paramscale.core.estimator import ESTIMATORS

    assert pickle.loads(pickle.dumps(ESTIMATORS)) is ESTIMATORS
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(world)
