"""Which regions of a sweep a file holds already, so that a stopped sweep goes on where it was.

A manifest, written once and in one step, says what the sweep is; a log gets a line for each region
after its data are written. A line that is cut off does not count, nor does the region it names.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from paramscale.analysis.sweep.job import Job
from paramscale.analysis.sweep.tiles import Division
from paramscale.core.record import Estimator
from paramscale.errors import SpecError

__all__ = ["Ledger", "fingerprint"]

_MANIFEST, _LOG = "sweep.json", "sweep.done"


def fingerprint(job: Job, division: Division) -> dict[str, str]:
    """Return what decides a sweep's numbers and their places in a file, part by part, as hashes.

    Examples
    --------
    >>> from paramscale.analysis.space import space_of
    >>> from paramscale.analysis.sweep.tiles import divide
    >>> space = space_of({"model": "llama-3.1-8b"}, {"serving.batch": [1, 2]})
    >>> sorted(fingerprint(Job(space, ("parameters",)), divide((2,), [(False,)])))
    ['axes', 'division', 'estimators', 'options', 'quantities', 'scenario', 'version']
    """
    parts = {
        "version": import_module("paramscale").__version__,  # stands above this room
        "scenario": dict(job.space.base),
        "axes": [(field.path, each) for axis in job.space.axes
                 for field, each in zip(axis.fields, axis.values, strict=True)]
                + [axis.name for axis in job.space.axes],
        "quantities": job.quantities,
        "estimators": dict(job.use),
        "options": (dict(job.options), job.intervals, job.inside, job.draws, job.seed),
        "division": (division.shape, division.region),
    }  # fmt: skip
    return {name: _hash(each) for name, each in parts.items()}


def _hash(thing: Any) -> str:
    text = json.dumps(_plain(thing), sort_keys=True)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]


def _plain(thing: Any) -> Any:
    """Return anything as lists, texts and mappings that are equal when it is."""
    if isinstance(thing, Mapping):
        return {str(key): _plain(value) for key, value in thing.items()}
    if isinstance(thing, (list, tuple, frozenset, set)):
        return [_plain(each) for each in thing]
    if isinstance(thing, np.ndarray):
        return [str(thing.dtype), thing.shape, hashlib.sha256(thing.tobytes()).hexdigest()]
    if isinstance(thing, Estimator):
        return thing.key
    if attrs.has(type(thing)):
        fields = [each.name for each in attrs.fields(type(thing)) if each.init]
        values = {name: _plain(getattr(thing, name.lstrip("_"), None)) for name in fields}
        return [type(thing).__qualname__, values]
    if isinstance(thing, (int, float, np.number)) and not isinstance(thing, bool):
        return float(thing).hex()
    return thing if thing is None or isinstance(thing, (bool, str)) else repr(thing)


@attrs.frozen(eq=False)
class Ledger:
    """The manifest and the log of one file.

    Parameters
    ----------
    folder : Path
        Where they stand.
    name : str
        What their names begin with; the empty text where the folder is the sweep's own.
    """

    folder: Path
    name: str = ""

    @property
    def manifest(self) -> Path:
        return self.folder / f"{self.name}{_MANIFEST}"

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}{_LOG}"

    def begin(self, target: Path, parts: Mapping[str, str]) -> bool:
        """Return whether this sweep was begun before; write the manifest if it was not.

        Raises
        ------
        SpecError
            If the target holds another sweep, or something else.
        """
        if self.manifest.exists():
            known = json.loads(self.manifest.read_text(encoding="utf-8"))
            differ = [name for name in parts if known.get(name) != parts[name]]
            if differ:
                raise SpecError(
                    f"{target} holds another sweep: the {', '.join(differ)} differ; give out="
                    " another name, or delete it"
                )
            return True
        if target.is_file() or (target.is_dir() and any(target.iterdir())):
            raise SpecError(f"{target} exists and is no sweep; give out= another name")
        self.folder.mkdir(parents=True, exist_ok=True)
        return False

    def write_manifest(self, parts: Mapping[str, str]) -> None:
        """Write the manifest in one step, once all else is prepared."""
        fresh = self.manifest.with_name(self.manifest.name + ".new")
        fresh.write_text(json.dumps(dict(parts), indent=1), encoding="utf-8")
        os.replace(fresh, self.manifest)

    def done(self) -> dict[int, int]:
        """Return the regions that are complete, and what was noted of each."""
        if not self.log.exists():
            return {}
        *lines, _ = self.log.read_text(encoding="ascii").split("\n")  # a cut-off line comes last
        return {int(number): int(note) for number, note in (line.split() for line in lines)}

    def add(self, number: int, note: int = 0) -> None:
        """Note that a region is complete, and be sure that the disk holds it."""
        if not self._ends_whole():
            with self.log.open("ab") as stream:  # what a kill cut off is closed by a new line
                stream.truncate(self.log.read_bytes().rfind(b"\n") + 1)
        with self.log.open("a", encoding="ascii") as stream:
            stream.write(f"{number} {note}\n")
            stream.flush()
            os.fsync(stream.fileno())

    def _ends_whole(self) -> bool:
        if not self.log.exists() or self.log.stat().st_size == 0:
            return True
        with self.log.open("rb") as stream:
            stream.seek(-1, os.SEEK_END)
            return stream.read(1) == b"\n"
