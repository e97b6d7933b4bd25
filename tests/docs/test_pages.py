"""Pages that are made from the code say what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tools.make_quantities_page import PAGE, page

from paramscale.cli import main

ROOT = Path(__file__).parents[2]


def test_the_page_of_quantities_is_up_to_date() -> None:
    """Run tools/make_quantities_page.py after adding a quantity or an estimator."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_links_between_pages_lead_somewhere() -> None:
    """Each relative link of README and docs names a file that exists."""
    for source in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for target in re.findall(r"\]\(([^)#:]+)\)", source.read_text(encoding="utf-8")):
            assert (source.parent / target).exists(), f"{source.name}: {target}"


def test_every_page_is_linked_from_the_readme() -> None:
    """A page that nobody finds is not written."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for page_file in (ROOT / "docs").glob("*.md"):
        assert f"docs/{page_file.name}" in text


def test_the_answer_in_the_readme_is_the_one_of_the_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Labels as they are; numbers that a new calibration moves by more than a fifth are stale."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"```text\n\$ paramscale ([^\n]*)\n(.*?)```", text, flags=re.DOTALL)
    assert block is not None
    monkeypatch.setenv("COLUMNS", "80")
    assert main(block[1].split()) == 0
    left = iter(capsys.readouterr().out.splitlines())
    for told in block[2].splitlines():
        label = re.split(r"  +", told.strip())[0]
        line = next(line for line in left if re.split(r"  +", line.strip())[0] == label)
        assert _numbers(line) == pytest.approx(_numbers(told), rel=0.2)


def _numbers(line: str) -> list[float]:
    cells = re.split(r"  +", line.strip())[1:]
    return [float(re.sub(r"[^0-9.]", "", each)) for each in cells]
