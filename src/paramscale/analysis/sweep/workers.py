"""Who computes the regions: this thread, several threads, or the workers of a Dask cluster."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import cache
from itertools import islice
from typing import Any

import numpy as np

from paramscale.analysis.sweep.job import Runner
from paramscale.analysis.sweep.region import Done, Work

__all__ = ["available_threads", "done_by_threads"]

_SPARE = 2  # regions for each thread that wait to be taken, so that none is ever idle


def available_threads() -> int:
    """Return the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@cache
def keep_freed_memory() -> None:
    """Have the C library keep freed arrays for the next ones, instead of giving them back.

    Else each temporary array of a tile is a new mapping, whose pages are cleared at first touch,
    and that takes ten times as long as the arithmetic on it. glibc raises its threshold for
    mappings to the size of the largest one that was freed, up to 32 MiB; others do nothing here.
    """
    del_me = np.empty(31 << 20, np.uint8)
    del del_me


def done_by_threads(work: Work, numbers: Iterable[int], threads: int) -> Iterator[Done]:
    """Yield what comes of regions as they are done, in any order.

    NumPy lets other threads run while it works on arrays. Each thread has a memory of its own.
    """
    keep_freed_memory()
    if threads <= 1:
        runner = work.runner()
        for number in numbers:
            yield work.do(runner, number)
        return
    local = threading.local()

    def one(number: int) -> Done:
        if not hasattr(local, "runner"):
            local.runner = work.runner()
        runner: Runner = local.runner
        return work.do(runner, number)

    waiting = iter(numbers)
    with ThreadPoolExecutor(threads, thread_name_prefix="sweep") as pool:
        try:
            yield from _as_done(pool, one, waiting, threads * _SPARE)
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _as_done(
    pool: ThreadPoolExecutor, one: Any, numbers: Iterator[int], most: int
) -> Iterator[Done]:
    """Yield results with only a few regions under way, so that few wait to be taken."""
    under_way: set[Future[Done]] = {pool.submit(one, number) for number in islice(numbers, most)}
    while under_way:
        done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
        for future in done:
            yield future.result()
            under_way |= {pool.submit(one, number) for number in islice(numbers, 1)}
