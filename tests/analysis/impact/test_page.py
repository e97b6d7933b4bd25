"""The page: well-formed, self-contained, escaped, with every number; and the other ways out."""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from xml.etree import ElementTree

import attrs
import numpy as np
import pytest

import paramscale as ps
from paramscale.analysis.impact.charts import figures

_VOID = {"meta", "br", "hr", "img", "link", "input"}


class Reader(HTMLParser):
    """Check that tags close in order, and keep what a browser would fetch or run."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture(scope="module")
def found() -> ps.Impact:
    return ps.impact(hardware="h100-sxm")


def test_page_is_well_formed_and_self_contained(found: ps.Impact) -> None:
    """No script, no link, no picture or font from elsewhere, and not a single address."""
    html = found.to_html()
    reader = read(html)
    names = {tag for tag, _ in reader.tags}
    assert not names & {"script", "link", "img", "iframe", "object", "embed"}
    for _, attributes in reader.tags:
        assert not {"src", "href", "onclick", "onload"} & set(attributes)
    assert "url(" not in html
    assert "@import" not in html
    assert "prefers-color-scheme:dark" in html
    assert "@media print" in html
    assert len(html) < 300_000


def test_page_shows_every_line_and_size(found: ps.Impact) -> None:
    reader = read(found.to_html())
    rows = [attributes for tag, attributes in reader.tags
            if tag == "th" and attributes.get("scope") == "row"]  # fmt: skip
    assert len(rows) == len(found.lines)
    for label in found.labels:
        assert label in reader.text
    assert found.reason in reader.text
    assert sum(attributes.get("class") == "best" for _, attributes in reader.tags) == 1 + len(rows)


def test_pictures_are_drawings_within_their_frame(found: ps.Impact) -> None:
    """Each picture is well-formed; every point of its lines lies inside, every number is finite."""
    drawn = figures(found)
    assert len(drawn) >= 10
    for figure in drawn:
        root = ElementTree.fromstring(figure.svg)
        assert "nan" not in figure.svg
        for path in root.iter("path"):
            if "line" in path.get("class", "").split():
                pairs = re.findall(r"(-?[\d.]+) (-?[\d.]+)", path.get("d", ""))
                x, y = np.array(pairs, dtype=float).T
                assert ((x >= 59) & (x <= 381)).all(), figure.caption
                assert ((y >= 0) & (y <= 240)).all(), figure.caption


def test_outside_of_the_domain_lines_are_dotted(found: ps.Impact) -> None:
    svg = {figure.caption: figure.svg for figure in figures(found)}
    assert "line outside" in svg["Cross-entropy per token on the law's own data"]
    assert "line outside" not in svg["Calendar time of the training run"]


def test_texts_from_outside_are_escaped() -> None:
    """A name with tags in it stays a name."""
    bad = '<script>alert("x")</script>&"'
    model = attrs.evolve(ps.models["gpt2"], name=bad)
    machine = attrs.evolve(ps.hardware["h100-sxm"], name=bad)
    found = ps.impact(sizes=[model, "llama-3.1-8b"], hardware=machine)
    for html in (found.to_html(), found._repr_html_()):
        assert "<script" not in html
        reader = read(html)
        assert not {"script"} & {tag for tag, _ in reader.tags}
        assert bad in reader.text


def test_notebook_block_is_well_formed(found: ps.Impact) -> None:
    html = found._repr_html_()
    read(html)
    assert html.startswith('<div class="impact">')
    assert "<html" not in html


def test_page_without_hardware_and_without_a_balanced_size() -> None:
    read(ps.impact().to_html())
    none = ps.impact(sizes=[1e9], hardware="h100-sxm", budget={"tpot_s": 1e-9})
    assert "No balanced size" in read(none.to_html()).text


def test_to_pandas_has_a_row_a_size(found: ps.Impact) -> None:
    pytest.importorskip("pandas")
    frame = found.to_pandas()
    assert list(frame.index) == list(found.labels)
    np.testing.assert_array_equal(frame["tpot_s"], found["tpot_s"].value)
    assert (frame["tpot_s_low"] < frame["tpot_s"]).all()
    assert frame["balanced"].sum() == 1
    assert frame.index[frame["balanced"]][0] == found.balanced.label


def test_to_xarray_has_units_and_sources(found: ps.Impact) -> None:
    pytest.importorskip("xarray")
    data = found.to_xarray()
    assert data["tpot_s"].dims == ("size",)
    assert data["tpot_s"].attrs["units"] == "s"
    assert data["loss_nats"].attrs["source"]


def test_plot_has_a_panel_a_quantity(found: ps.Impact) -> None:
    pytest.importorskip("matplotlib")
    figure = found.plot("tpot_s", "loss_nats")
    titles = [panel.get_title() for panel in figure.axes[:2]]
    assert titles == ["In use: Each token (TPOT)", "What it learns: Loss, nats"]
    with pytest.raises(ps.errors.UnknownNameError, match="did you mean 'tpot_s'"):
        found.plot("tpot")


def test_plot_without_matplotlib_says_how_to_get_it(
    found: ps.Impact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r'pip install "paramscale\[plot\]"'):
        found.plot()
