"""Pages that are made from the code say what the code says."""

from __future__ import annotations

import re
from pathlib import Path

from tools.make_quantities_page import PAGE, page

ROOT = Path(__file__).parents[2]


def test_the_page_of_quantities_is_up_to_date() -> None:
    """Run tools/make_quantities_page.py after adding a quantity or an estimator."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_links_between_pages_lead_somewhere() -> None:
    """Each relative link of README and docs names a file that exists."""
    for source in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for target in re.findall(r"\]\(([^)#:]+)\)", source.read_text(encoding="utf-8")):
            assert (source.parent / target).exists(), f"{source.name}: {target}"
