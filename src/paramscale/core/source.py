"""Where a number comes from: a paper and equation, or a row of a table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeAlias

import attrs

from paramscale.errors import RegistrationError

__all__ = ["Source", "SourceLike", "as_sources", "cite_text"]


@attrs.frozen
class Source:
    """Where a number comes from.

    Parameters
    ----------
    text : str
        Author, year, title or table, exact enough to find the place again.
    bibtex : str, optional
        A BibTeX entry.

    Examples
    --------
    >>> str(Source("Hoffmann et al. 2022, arXiv:2203.15556, equation 2"))
    'Hoffmann et al. 2022, arXiv:2203.15556, equation 2'
    """

    text: str
    bibtex: str | None = None

    def __str__(self) -> str:
        return self.text


SourceLike: TypeAlias = "str | Source | Iterable[str | Source]"


def as_sources(given: SourceLike, owner: str) -> tuple[Source, ...]:
    """Return the sources as records; none, or an empty text, is refused in the name of `owner`.

    Examples
    --------
    >>> as_sources("Table 2", "estimator 'x'")
    (Source(text='Table 2', bibtex=None),)
    """
    items = [given] if isinstance(given, str | Source) else list(given)
    found = tuple(Source(item.strip()) if isinstance(item, str) else item for item in items)
    if not found or not all(isinstance(item, Source) and item.text for item in found):
        raise RegistrationError(
            f"{owner} has no source; write source='author, year, equation or table'"
        )
    return found


def cite_text(sources: Iterable[Source], style: Literal["text", "bibtex"] = "text") -> str:
    """Return the distinct sources, one a line, in the order given.

    With ``style="bibtex"`` an entry is printed where the source has one; the others follow as
    BibTeX comments, so that nothing is lost.

    Examples
    --------
    >>> print(cite_text([Source("A 2020"), Source("B 2021"), Source("A 2020")]))
    A 2020
    B 2021
    """
    distinct = list(dict.fromkeys(sources))
    if style == "text":
        return "\n".join(source.text for source in distinct)
    if style != "bibtex":
        raise ValueError(f"style is {style!r}; allowed are 'text' and 'bibtex'")
    entries = list(dict.fromkeys(source.bibtex for source in distinct if source.bibtex))
    others = [f"% {source.text}" for source in distinct if not source.bibtex]
    return "\n".join(entries + others)
