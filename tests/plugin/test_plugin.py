"""The example plugin: found by its entry points, and used like what is built in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

PLUGIN = Path(__file__).parents[2] / "examples" / "plugin"
NAME = "paramscale-example-plugin"
HERE = Path(__file__).parent


def installed() -> bool:
    """Tell whether the plugin is installed in this environment."""
    try:
        metadata.distribution(NAME)
    except metadata.PackageNotFoundError:
        return False
    return True


def told(*paths: Path) -> Any:
    """Run the probe in a fresh process with some paths in front, and return what it tells."""
    before = [str(path) for path in paths] + [p for p in sys.path if p]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(before)}
    done = subprocess.run(
        [sys.executable, "-W", "always", str(HERE / "probe.py")],
        env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def announced(folder: Path, groups: dict[str, dict[str, str]], name: str = NAME) -> Path:
    """Write the metadata of an installed package with these entry points; return their folder."""
    info = folder / f"{name.replace('-', '_')}-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1.0\n")
    lines = []
    for group, entries in groups.items():
        lines += [f"[{group}]", *(f"{key} = {value}" for key, value in entries.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="module", params=["announced", "installed"])
def probe(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What a process with the plugin tells: its entry points faked, and truly installed."""
    if request.param == "installed":
        if not installed():
            pytest.skip("the plugin is not installed; pip install ./examples/plugin")
        return told()
    project = tomllib.loads((PLUGIN / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    folder = announced(tmp_path_factory.mktemp("site"), project["entry-points"])
    return told(folder, PLUGIN / "src")


def test_nothing_is_warned_of(probe: Any) -> None:
    """A sound plugin loads without a word."""
    assert probe["warnings"] == []


def test_the_estimator_gives_its_new_quantity(probe: Any) -> None:
    """It is among all estimates, alone, with an option, and in the command's list."""
    assert probe["loading_s"] == pytest.approx(2 * 8_030_261_248 / 7.88e9)
    assert probe["loading_alone_s"] == probe["loading_s"]
    assert probe["loading_slowly_s"] == pytest.approx(2 * 8_030_261_248 / 1e9)
    assert "from_storage" in probe["listed"]["estimators"]
    assert "loading_s" in probe["listed"]["quantities"]
    assert "loading_s" in probe["report"]


def test_the_block_is_counted_and_saved(probe: Any) -> None:
    """A model made of it survives a round trip, and counts what the paper's layer holds."""
    width, heads, channels = 64, 4, 8
    held = 4 * width * heads * 2 * channels + 4 * channels + 2 * channels
    assert probe["block_weights"] == held
    assert probe["round_trip"] is True
    assert "example_differential_attention" in probe["listed"]["blocks"]


def test_the_law_can_be_asked_and_used(probe: Any) -> None:
    """It is in ``laws``, an estimator of the loss, and not chosen unless it is named."""
    assert probe["law"] == pytest.approx(probe["used"], rel=1e-12)
    assert probe["used"] != probe["default"]
    assert probe["default_law"] == "besiroglu2024"
    assert "example_kaplan2020" in probe["listed"]["laws"]


def test_it_keeps_the_promises(probe: Any) -> None:
    """The checks that the library runs on its own things pass on those of the plugin."""
    assert probe["checked"] == ["block", "estimator", "law"]


@pytest.mark.parametrize("group", ["estimators", "blocks", "laws"])
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("no_such_module", "No module named 'no_such_module'"),
        ("broken_plugin", "a plugin that fails"),
        ("broken_plugin_of_nothing:nothing", "No module named"),
        ("json:dumps", ""),
    ],
)
def test_a_broken_plugin_is_named_and_the_rest_works(
    tmp_path: Path, group: str, value: str, reason: str
) -> None:
    """It gives a warning with its name, value, group and reason; every estimate is there."""
    (tmp_path / "broken_plugin.py").write_text("raise RuntimeError('a plugin that fails')\n")
    announced(tmp_path, {f"paramscale.{group}": {"broken": value}}, "broken-example")
    found = told(tmp_path)
    problems = [text for text in found["warnings"] if "'broken'" in text]
    assert len(problems) == 1
    assert f"the plugin 'broken' ({value}) of 'paramscale.{group}' is left out" in problems[0]
    assert reason in problems[0]
    assert found["default_law"] == "besiroglu2024"
    assert found["parameters"] == 8_030_261_248


@pytest.mark.parametrize(
    "change",
    [
        'domain=Domain({"moon_phase": (0.0, 1.0)})',
        'law_id="besiroglu2024"',
    ],
)
def test_a_law_that_cannot_become_an_estimator_does_not_stop_the_rest(
    tmp_path: Path, change: str
) -> None:
    """A third party's law with an unknown name in its domain, or a taken name, is left out."""
    (tmp_path / "odd_law.py").write_text(
        "import attrs\nfrom paramscale import Domain\nfrom paramscale.laws import laws\n"
        f"law = attrs.evolve(next(iter(laws.names_so_far().values())), {change})\n"
    )
    announced(tmp_path, {"paramscale.laws": {"odd": "odd_law:law"}}, "odd-example")
    assert told(tmp_path)["parameters"] == 8_030_261_248
