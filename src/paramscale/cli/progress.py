"""A progress bar on stderr, for work that takes long, and only where somebody watches."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["bar", "progress"]

#: Seconds after which work counts as long, and between two pictures of the bar.
_PATIENCE, _EACH = 1.0, 0.1
_CELLS = 30


def bar(done: int, of: int, what: str) -> str:
    """Return a bar as text.

    Examples
    --------
    >>> bar(1, 2, "sizes")
    '[###############...............] 1 of 2 sizes'
    """
    filled = _CELLS * done // max(of, 1)
    return f"[{'#' * filled}{'.' * (_CELLS - filled)}] {done:,} of {of:,} {what}"


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None] | None]:
    """Yield a function that is told how much is done of how much; None where nobody watches."""
    if not sys.stderr.isatty():
        yield None
        return
    started, last, drawn = time.monotonic(), 0.0, 0

    def tell(done: int, of: int) -> None:
        nonlocal last, drawn
        now = time.monotonic()
        if now - started < _PATIENCE or now - last < _EACH:
            return
        last, text = now, bar(done, of, what)
        print("\r" + text.ljust(drawn), end="", file=sys.stderr, flush=True)
        drawn = len(text)

    try:
        yield tell
    finally:
        if drawn:
            print("\r" + " " * drawn + "\r", end="", file=sys.stderr, flush=True)
