"""The answer as one HTML page that needs nothing else: no script, no link, no font from outside."""

from __future__ import annotations

from html import escape
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from paramscale.analysis.impact.charts import Figure, figures
from paramscale.analysis.impact.words import asked, cell, headline, notes, title, why_nan
from paramscale.core.svg import SVG_STYLE
from paramscale.units import format_value

if TYPE_CHECKING:
    from paramscale.analysis.impact.lines import Line
    from paramscale.analysis.impact.result import Impact

__all__ = ["impact_html", "notebook_html", "whole_page"]

_COLOURS = """\
.impact{--ink:#1c2733;--soft:#56636f;--line:#dde3e9;--paper:#fff;--card:#f5f7f9;--mark:#b3123f;
--c0:#0a63c2;--c1:#b8450b;--c2:#177a3d;--c3:#7437d8;--c4:#8a6100;--c5:#0f7683}
@media (prefers-color-scheme:dark){.impact{--ink:#e8edf2;--soft:#a2afbb;--line:#333e49;
--paper:#12181f;--card:#1b232c;--mark:#ff7d9c;
--c0:#6db3ff;--c1:#ff9b62;--c2:#62d08d;--c3:#bb9bff;--c4:#e2bb4e;--c5:#5fd0de}}
"""

_LOOK = """\
.impact{color:var(--ink);background:var(--paper);line-height:1.45;
font-family:system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;font-size:15px}
.impact h1{font-size:1.5em;margin:.2em 0 .6em}
.impact h2{font-size:1.15em;margin:1.8em 0 .6em;border-bottom:1px solid var(--line)}
.impact dl{display:grid;grid-template-columns:max-content 1fr;gap:.15em 1em;margin:0}
.impact dt{color:var(--soft)}
.impact dd{margin:0}
.impact .answer{background:var(--card);border-left:4px solid var(--mark);padding:.8em 1.1em;
margin:1.2em 0;border-radius:4px}
.impact .answer strong{font-size:1.3em}
.impact .answer p{margin:.3em 0 0}
.impact .figures{display:grid;gap:1.2em;
grid-template-columns:repeat(auto-fill,minmax(min(100%,300px),1fr))}
.impact figure{margin:0;break-inside:avoid}
.impact figcaption{font-size:.9em;min-height:4.2em;display:flex;flex-direction:column;
justify-content:flex-end}
.impact figcaption b{color:var(--soft);font-weight:normal;font-size:.9em}
.impact .legend{display:flex;flex-wrap:wrap;gap:.1em 1em;font-size:.85em;color:var(--soft)}
.impact .legend span::before{content:"";display:inline-block;width:.8em;height:.8em;
margin-right:.35em;border-radius:2px;background:var(--c)}
.impact .scroll{overflow-x:auto}
.impact table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.88em}
.impact th,.impact td{padding:.25em .7em;text-align:right;white-space:nowrap}
.impact th:first-child{text-align:left;position:sticky;left:0;background:var(--paper);
font-weight:normal}
.impact thead th{border-bottom:2px solid var(--line);font-weight:bold}
.impact tbody tr{border-top:1px solid var(--line)}
.impact tr.topic th{font-weight:bold;padding-top:1em}
.impact .best{background:var(--card);color:var(--mark);font-weight:bold}
.impact td small{display:block;color:var(--soft);font-weight:normal}
.impact .notes{color:var(--soft);font-size:.9em;padding-left:1.2em}
.impact details{margin-top:1em;font-size:.9em}
@media print{.impact{font-size:10pt;--paper:#fff;--ink:#000;--soft:#444;--line:#ccc;--card:#f4f4f4;
--mark:#b3123f;--c0:#0a63c2;--c1:#b8450b;--c2:#177a3d;--c3:#7437d8;--c4:#8a6100;--c5:#0f7683}
.impact .figures{grid-template-columns:repeat(4,1fr);gap:.6em}.impact .scroll{overflow:visible}
.impact table{font-size:7pt}.impact th,.impact td{padding:.2em .4em}
.impact h2{break-after:avoid}.impact tr{break-inside:avoid}}
"""

_BODY = """\
@page{size:A4 landscape;margin:11mm}
@media print{.impact{padding:0}}
html{background:#fff}
@media (prefers-color-scheme:dark){html{background:#12181f}}
body{margin:0}
.impact{max-width:1500px;margin:0 auto;padding:1.2em clamp(.8em,3vw,2.5em) 3em}
"""


def impact_html(impact: Impact) -> str:
    """Return the whole page."""
    body = _head(impact, "h1") + _figures(impact) + _table(impact) + _foot(impact)
    return whole_page(title(impact), body)


def whole_page(name: str, body: str) -> str:
    """Return a page of this look; the name is text, the body HTML already."""
    head = (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(name)}</title>"
    )
    style = f"<style>{_COLOURS}{_LOOK}{_BODY}{SVG_STYLE}</style></head>"
    return f'{head}{style}<body><main class="impact">{body}</main></body></html>\n'


def notebook_html(impact: Impact) -> str:
    """Return the answer as a block for notebooks: the balanced size, plots, and the table."""
    style = f"<style>{_COLOURS}{_LOOK}{SVG_STYLE}</style>"
    plots = f"<details open><summary>Plots</summary>{_figures(impact, level='h4')}</details>"
    body = _head(impact, "h3") + plots + _table(impact, level="h4")
    return f'<div class="impact">{style}{body}</div>'


def _head(impact: Impact, level: str) -> str:
    choice = impact.balanced
    rows = "".join(
        f"<dt>{escape(label)}</dt><dd>{escape(text)}</dd>" for label, text in asked(impact.question)
    )
    name = headline(impact)
    return (
        f"<{level}>{escape(title(impact))}</{level}><dl>{rows}</dl>"
        f'<section class="answer"><strong>{escape(name)}</strong>'
        f"<p>{escape(choice.reason)}</p></section>"
    )


def _figures(impact: Impact, level: str = "h2") -> str:
    drawn = "".join(map(_figure, figures(impact)))
    return f'<{level}>Over the parameters</{level}><div class="figures">{drawn}</div>'


def _figure(figure: Figure) -> str:
    legend = "".join(
        f'<span style="--c:var(--c{n})">{escape(name)}</span>'
        for n, name in enumerate(figure.legend)
    )
    legend = f'<div class="legend">{legend}</div>' if legend else ""
    caption = f"<b>{escape(figure.topic)}</b> {escape(figure.caption)}"
    return f"<figure><figcaption>{caption}</figcaption>{figure.svg}{legend}</figure>"


def _table(impact: Impact, level: str = "h2") -> str:
    heads = "".join(
        f'<th scope="col"{_best(impact, place)}>{escape(label)}</th>'
        for place, label in enumerate(impact.labels)
    )
    body = []
    for topic, lines in groupby(impact.lines, key=lambda line: line.topic):
        span = len(impact.labels)
        body.append(f'<tr class="topic"><th>{escape(topic)}</th><td colspan="{span}"></td></tr>')
        body += [_row(impact, line) for line in lines]
    return (
        f'<{level}>All numbers, with their 90 % intervals</{level}><div class="scroll"><table>'
        f'<thead><tr><th scope="col">size</th>{heads}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def _row(impact: Impact, line: Line) -> str:
    row = impact[line.name]
    cells = []
    for place in range(len(impact.labels)):
        why = why_nan(impact, line.name, place)
        hint = f' title="{escape(why)}"' if why else ""
        text = escape(cell(row, line, place)) + _band(impact, line, place)
        cells.append(f"<td{_best(impact, place)}{hint}>{text}</td>")
    label = f'<th scope="row" title="{escape(row.meaning)}">{escape(line.label)}</th>'
    return f"<tr>{label}{''.join(cells)}</tr>"


def _band(impact: Impact, line: Line, place: int) -> str:
    row = impact[line.name]
    ends = row.low[place], row.high[place]
    if np.isnan(ends).any() or not ends[0] < ends[1]:
        return ""
    if row.unit == "nats":  # differences are small, and their ends are not known to four digits
        low, high = (f"{end:.3g}" for end in ends)
    else:
        low, high = (format_value(end, row.unit).removesuffix(line.drop) for end in ends)
    if low.rpartition(" ")[2] == high.rpartition(" ")[2] and " " in low:  # the unit once
        low = low.rpartition(" ")[0]
    return f"<small>{escape(low)} – {escape(high)}</small>"


def _best(impact: Impact, place: int) -> str:
    return ' class="best"' if place == impact.star else ""


def _foot(impact: Impact) -> str:
    told = "".join(f"<li>{escape(note)}</li>" for note in notes(impact))
    told += "<li>dotted lines: outside of what the law was fitted on; shades: 90 % intervals</li>"
    rows = [impact[line.name] for line in impact.lines]
    sources = "".join(
        f"<dt>{escape(row.name)}</dt><dd>{escape(row.meaning)}. {escape(row.kind)}, by"
        f" {escape(row.estimator)}: {escape(row.source)}</dd>"
        for row in rows
    )
    missing = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(' '.join(why.split()))}</dd>"
        for name, why in impact.missing.items()
    )
    lacking = f"<details><summary>Not estimated</summary><dl>{missing}</dl></details>"
    return (
        f'<ul class="notes">{told}</ul><details><summary>Meanings and sources</summary>'
        f"<dl>{sources}</dl></details>{lacking if missing else ''}"
    )
