"""Tables as plain text and as HTML; every text in HTML is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["html_details", "html_page", "html_table", "short", "text_table"]

_STYLE = """\
.ps-estimates table{border-collapse:collapse}
.ps-estimates td,.ps-estimates th{padding:.15em .8em;text-align:left;vertical-align:top}
.ps-estimates details td{white-space:nowrap}
.ps-estimates tbody tr{border-top:1px solid #8884}
.ps-estimates .ps-outside{font-weight:bold}
pre.ps-fallback{display:none}"""


def short(text: object, width: int = 60) -> str:
    """Return a text on one line and cut to a width.

    Examples
    --------
    >>> short("a long text", 6)
    'a lon…'
    """
    line = " ".join(str(text).split())
    return line if len(line) <= width else line[: width - 1] + "…"


def text_table(header: Sequence[str], rows: Iterable[Sequence[str]], indent: str = "") -> str:
    """Return aligned columns, two spaces apart.

    Examples
    --------
    >>> print(text_table(["name", "value"], [["a", "1 s"], ["long", "20 s"]]))
    name  value
    a     1 s
    long  20 s
    """
    table = [list(row) for row in ([header] if header else [])] + [list(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]
    return "\n".join(indent + line for line in lines)


def html_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return an HTML table; cells are HTML already, the header is text."""
    from html import escape

    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def html_details(summary: str, body: str) -> str:
    """Return a collapsed section; the summary is text, the body HTML already."""
    from html import escape

    return f"<details><summary>{escape(summary)}</summary>{body}</details>"


def html_page(title: str, body: str, fallback: str) -> str:
    """Return a block with its style, and a plain text for viewers that strip styles.

    The text is hidden by the style and the block shown by it, so exactly one is seen.
    """
    from html import escape

    return (
        f"<div><style>{_STYLE}\n.ps-estimates{{display:block !important}}</style>"
        f'<pre class="ps-fallback">{escape(fallback)}</pre>'
        f'<div class="ps-estimates" style="display:none"><p>{escape(title)}</p>{body}</div></div>'
    )
