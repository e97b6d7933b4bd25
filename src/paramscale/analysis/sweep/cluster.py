"""Regions computed by the workers of a Dask cluster; Dask is used through the client alone."""

from __future__ import annotations

import hashlib
import pickle
import threading
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from paramscale.analysis.sweep.job import Runner
from paramscale.analysis.sweep.region import Done, Work
from paramscale.analysis.sweep.workers import keep_freed_memory
from paramscale.errors import ParamscaleError, SpecError

__all__ = ["done_by_client"]

#: Tasks for each thread of the cluster that wait to be taken.
_SPARE = 3
_MOST_RETRIES = 5

_local = threading.local()


def _do(payload: bytes, number: int) -> Done:
    """Compute a region on a worker, which keeps the last work that it unpacked."""
    key = hashlib.sha256(payload).digest()
    if getattr(_local, "key", None) != key:
        keep_freed_memory()
        work: Work = pickle.loads(payload)
        _local.key, _local.work, _local.runner = key, work, work.runner()
    runner: Runner = _local.runner
    done: Done = _local.work.do(runner, number)
    return done


def done_by_client(work: Work, numbers: Iterable[int], client: Any) -> Iterator[Done]:
    """Yield what comes of regions as they are done, in any order.

    Only a few regions for each thread of the cluster are under way. Regions of a worker that is
    lost are computed again by others.

    Raises
    ------
    SpecError
        If the client has no workers, or the scenario cannot be sent to them.
    """
    waiting = iter(numbers)
    payload = _pickled(work)
    most = _SPARE * max(sum(client.nthreads().values()), 1)
    if not client.nthreads():
        raise SpecError("the client has no workers; add some to the cluster, or leave client out")
    retries: dict[int, int] = {}
    under_way = {client.submit(_do, payload, n, pure=False): n for n in islice(waiting, most)}
    try:
        while under_way:
            for future in _finished(under_way):
                number = under_way.pop(future)
                again = _result(future, number, retries)
                if isinstance(again, Done):
                    future.release()
                    yield again
                    fresh = list(islice(waiting, 1))
                else:
                    fresh = [number]
                under_way |= {client.submit(_do, payload, n, pure=False): n for n in fresh}
    finally:
        client.cancel(list(under_way))


def _pickled(work: Work) -> bytes:
    try:
        from cloudpickle import dumps  # type: ignore[import-untyped,unused-ignore] # comes with distributed; takes functions of notebooks too
    except ImportError as error:  # pragma: no cover
        raise SpecError("client= needs distributed; pip install 'paramscale[dask]'") from error
    try:
        payload: bytes = dumps(work)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        raise SpecError(f"the sweep cannot be sent to workers: {error}") from error
    return payload


def _finished(under_way: Iterable[Any]) -> list[Any]:
    """Wait for any of some futures; return those that are finished."""
    from distributed import wait

    found: Any = wait
    return list(found(list(under_way), return_when="FIRST_COMPLETED").done)


def _result(future: Any, number: int, retries: dict[int, int]) -> Done | None:
    """Return what came of a region; None where its worker was lost and it must be tried again."""
    if future.status == "finished":
        done: Done = future.result()
        return done
    error = future.exception() if future.status == "error" else None
    if isinstance(error, (ParamscaleError, OSError)) and not _was_lost(error):
        raise error
    retries[number] = retries.get(number, 0) + 1
    if retries[number] > _MOST_RETRIES or (error is not None and not _was_lost(error)):
        raise error or SpecError(f"region {number} was lost {_MOST_RETRIES} times; give up")
    return None


def _was_lost(error: BaseException) -> bool:
    from distributed import KilledWorker
    from distributed.comm.core import CommClosedError

    return isinstance(error, (KilledWorker, CommClosedError))
