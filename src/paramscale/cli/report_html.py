"""The report of one model as one HTML page that needs nothing else: no script, link or font."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from html import escape

from paramscale.analysis.impact.page import whole_page
from paramscale.cli.report_page import by_topic, head_rows, how_words, wanting
from paramscale.core.estimates import Estimate, Estimates
from paramscale.core.explain import share_rows
from paramscale.specs.scenario import Scenario
from paramscale.units import format_value

__all__ = ["report_html"]

#: Tables of this page hold text too, which may wrap and stands on the left.
_LOOK = """\
<style>.report td{text-align:left;white-space:normal;vertical-align:top}
.report th{vertical-align:top;white-space:nowrap;width:16em}
.report td:nth-child(2){white-space:nowrap;width:15em}
.report dd{overflow-wrap:anywhere}.report table{width:100%}
.report td:last-child{color:var(--soft)}
@media (max-width:700px){.report tr{display:grid;grid-template-columns:1fr auto;padding:.3em 0}
.report th,.report td:nth-child(2){width:auto}.report td:nth-child(2){text-align:right}
.report td:last-child{grid-column:1/-1}}</style>"""


def report_html(scenario: Scenario, estimates: Estimates) -> str:
    """Return the whole page: what was asked, a table a topic, and the sources."""
    name = str(scenario.model.name)
    rows = "".join(
        f"<dt>{escape(label)}</dt><dd>{escape(text)}</dd>" for label, text in head_rows(scenario)
    )
    topics = "".join(
        _topic(topic, names, estimates) for topic, names in by_topic(estimates).items()
    )
    body = f"<h1>{escape(name)}</h1><dl>{rows}</dl>{topics}{_foot(estimates)}"
    return whole_page(name, f'{_LOOK}<div class="report">{body}</div>')


def _topic(topic: str, names: list[str], estimates: Estimates) -> str:
    body = "".join(_row(estimates[name], estimates) for name in names)
    notes = [f"wider intervals, as {text}" for text in _told(names, estimates.remarks)]
    notes += [f"counted: {text}" for text in _told(names, estimates.counted)]
    listed = "".join(f"<li>{escape(text)}</li>" for text in notes)
    below = f'<ul class="notes">{listed}</ul>' if notes else ""
    return (
        f'<h2>{escape(topic)}</h2><div class="scroll"><table><tbody>{body}</tbody></table></div>'
        f"{below}"
    )


def _told(names: list[str], of: Callable[[str], Iterable[str]]) -> list[str]:
    """Return what is told of several quantities, each text once."""
    return list(dict.fromkeys(text for name in names for text in of(name)))


def _row(each: Estimate, estimates: Estimates) -> str:
    value = ("≥ " if each.kind == "bound" else "") + format_value(each.value, each.unit)
    ends = ""
    if each.has_interval:
        text = " – ".join(format_value(end, each.unit) for end in (each.low, each.high))
        ends = f"<small>{escape(text)}</small>"
    how = escape(how_words(each, estimates))
    if each.name == "parameters" and (parts := share_rows(each)):
        how += "<br>" + escape(", ".join(f"{part} {share}" for part, _, share in parts))
    return (
        f'<tr><th scope="row">{escape(each.name)}</th><td>{escape(value)}{ends}</td>'
        f"<td>{how}</td></tr>"
    )


def _foot(estimates: Estimates) -> str:
    lacking = "".join(
        f"<dt>{escape(why)}</dt><dd>{escape(', '.join(names))}</dd>"
        for why, names in wanting(estimates.missing).items()
    )
    missing = f"<h2>Not estimated</h2><dl>{lacking}</dl>" if lacking else ""
    sources = "".join(f"<li>{escape(text)}</li>" for text in estimates.cite().splitlines())
    return (
        '<ul class="notes"><li>ranges are 90 % intervals</li></ul>'
        f"{missing}<h2>Sources</h2><ul class='notes'>{sources}</ul>"
    )
