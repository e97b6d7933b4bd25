"""A bar on stderr for long work: how much is done, and about how long the rest takes."""

from __future__ import annotations

import sys
import time
from typing import TextIO

__all__ = ["Progress"]

_WAIT_S = 1.0  # work that is done sooner shows nothing
_EVERY_S = 0.2
_CELLS = 30


class Progress:
    """Tells how far regions are.

    Parameters
    ----------
    shown : bool, optional
        Whether to tell it; by default where stderr is a terminal and the work takes long.
    """

    def __init__(self, shown: bool | None, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._asked = bool(shown)
        self._shown = self._stream.isatty() if shown is None else shown
        self._start = self._last = time.monotonic()
        self._first = self._width = 0

    def begin(self, done: int) -> None:
        """Remember what was done before, which takes no time now."""
        self._first = done

    def tell(self, done: int, total: int) -> None:
        """Show how much is done, if it is time to."""
        if not self._shown:
            return
        now, last = time.monotonic(), done >= total
        if not last and now - self._last < _EVERY_S:
            return
        if not self._asked and now - self._start < _WAIT_S:
            return
        self._last = now
        self._write(self.line(done, total, now - self._start), end="\n" if last else "")

    def line(self, done: int, total: int, passed_s: float) -> str:
        """Return the bar as text.

        Examples
        --------
        >>> Progress(False).line(15, 30, 60.0)
        '[###############...............]  50 %  15 of 30 regions, 1:00 left'
        """
        share = done / total if total else 1.0
        filled = int(_CELLS * share)
        fresh = done - self._first
        left = _clock(passed_s * (total - done) / fresh) if fresh else "?"
        bar = "#" * filled + "." * (_CELLS - filled)
        return f"[{bar}] {100 * share:3.0f} %  {done:,} of {total:,} regions, {left} left"

    def _write(self, text: str, end: str) -> None:
        self._stream.write("\r" + text.ljust(self._width) + end)
        self._stream.flush()
        self._width = len(text)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
