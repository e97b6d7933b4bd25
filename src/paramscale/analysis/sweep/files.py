"""Sweeps that go to a file, region by region: Zarr, Parquet or CSV, by the ending of its name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from paramscale.analysis.sweep.csv_file import CsvFile
from paramscale.analysis.sweep.ledger import Ledger, fingerprint
from paramscale.analysis.sweep.parquet_file import ParquetFolder
from paramscale.analysis.sweep.region import Part
from paramscale.analysis.sweep.run import Engine
from paramscale.analysis.sweep.zarr_file import ZarrFile
from paramscale.errors import SpecError, SweepFileError

__all__ = ["SweepFile", "file_of", "stream"]


class SweepFile(Protocol):
    """A kind of file that takes a sweep region by region."""

    @property
    def path(self) -> str: ...

    @property
    def ledger(self) -> Ledger: ...

    def prepare(self) -> None:
        """Write what stands around the regions."""

    def __call__(self, part: Part) -> Any:
        """Write one region, or return what `finish` writes; a worker of a cluster may do it."""

    def finish(self, number: int, result: Any) -> int:
        """Do what only one process may do for a region; return what the log notes of it."""


_KINDS: dict[str, Any] = {".zarr": ZarrFile, ".parquet": ParquetFolder, ".csv": CsvFile}


def file_of(out: str | Path, engine: Engine) -> SweepFile:
    """Return the file that a name asks for.

    Raises
    ------
    SpecError
        If its ending tells no kind.
    ImportError
        If the package that writes it is not installed.
    """
    kind = _KINDS.get(Path(out).suffix)
    if kind is None:
        raise SpecError(
            f"out={str(out)!r}: the ending tells no kind of file; end it with {', '.join(_KINDS)}"
        )
    found: SweepFile = kind.of(str(out), engine.layout, engine.division)
    return found


def stream(file: SweepFile, engine: Engine) -> dict[str, str]:
    """Write all regions that the file does not hold yet; return what was refused.

    Raises
    ------
    SweepFileError
        If a region cannot be written; those that are complete stay readable.
    """
    ledger, parts = file.ledger, fingerprint(engine.job, engine.division)
    if not ledger.begin(Path(file.path), parts):
        file.prepare()
        ledger.write_manifest(parts)
    complete, total = ledger.done(), engine.count()
    left = _left(total, set(complete))
    refused = {}
    try:
        for done in engine.run(file, left, len(complete)):
            ledger.add(done.number, file.finish(done.number, done.result))
            if done.refused:
                refused[engine.labels_of(done.number)] = done.refused
    except OSError as error:
        raise SweepFileError(
            f"{file.path} could not be written ({error}); {len(ledger.done()):,} of its {total:,}"
            " regions are complete and stay readable; run the same sweep again to go on"
        ) from error
    return refused


def _left(total: int, complete: set[int]) -> Iterator[int]:
    return (number for number in range(total) if number not in complete)
