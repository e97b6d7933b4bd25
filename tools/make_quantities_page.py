"""Write ``docs/quantities.md`` from what is registered, so that the page cannot drift.

python tools/make_quantities_page.py
"""

from __future__ import annotations

from pathlib import Path

from paramscale.analysis.estimate import ESTIMATORS
from paramscale.core.record import Estimator
from paramscale.laws import laws
from paramscale.laws.published import read_laws

PUBLISHED_LAWS = read_laws()
PAGE = Path(__file__).parents[1] / "docs/quantities.md"

HEAD = """\
# Quantities and conventions

Every quantity that the library can estimate, and who estimates it, best rank first. The first
whose domain covers the point is used; `use={"quantity": "estimator"}` chooses. *exact* is
arithmetic, a *bound* is a limit that no machine beats, a *law* was fitted to published runs, and
*calibrated* numbers to measurements. This page is written by `tools/make_quantities_page.py`.
"""


def line(record: Estimator) -> str:
    """Return one line about an estimator."""
    source = "; ".join(source.text for source in record.sources)
    short = source if len(source) <= 160 else source[:157] + "…"
    return f"- `{record.name}` ({record.kind}): {record.summary} *{short}*"


def _comes_along(record: Estimator) -> bool:
    """Tell whether an estimator is of the library, not of a plugin that happens to be there."""
    module = getattr(record.function, "__module__", "paramscale")
    own_law = record.name not in laws or record.name in PUBLISHED_LAWS
    return module.startswith("paramscale.") and own_law


def page() -> str:
    """Return the page."""
    parts = [HEAD]
    for quantity in ESTIMATORS.quantities():
        built_in = [record for record in ESTIMATORS.of(quantity.name) if _comes_along(record)]
        if built_in:
            parts.append(f"## {quantity.name}\n\n{quantity.meaning} [{quantity.unit}].\n")
            parts.append("\n".join(map(line, built_in)) + "\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
