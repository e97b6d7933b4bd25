"""``sweep``: quantities at all points of a space of scenarios."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from paramscale.analysis.space import Pairing, Space, space_of
from paramscale.analysis.sweep.files import file_of, stream
from paramscale.analysis.sweep.job import Job, absent_fields
from paramscale.analysis.sweep.result import Sweep, Swept
from paramscale.analysis.sweep.run import Engine, Means
from paramscale.analysis.sweep.tiles import REGION_POINTS, TILE_POINTS
from paramscale.analysis.sweep.workers import available_threads
from paramscale.core.collection import ESTIMATORS
from paramscale.core.graph import make_plan
from paramscale.core.record import Estimator
from paramscale.errors import SpecError, UnknownNameError

__all__ = ["Sweep", "Swept", "sweep"]


def sweep(
    scenario: object,
    over: Mapping[str, Any],
    *,
    quantities: str | Iterable[str] | None = None,
    paired: Pairing = False,
    use: Mapping[str, str | Estimator] | None = None,
    options: Mapping[str, Any] | None = None,
    intervals: bool = False,
    draws: int = 0,
    seed: int = 0,
    threads: int | None = None,
    out: str | Path | None = None,
    lazy: bool = False,
    progress: bool | None = None,
    client: Any = None,
) -> Sweep:
    """Return quantities at all points of a space of scenarios.

    Parameters
    ----------
    scenario : Scenario, mapping or None
        What stays the same: a `Scenario`, or what ``estimate`` takes by name.
    over : mapping of str to sequence
        Any field of any spec, by path, to its values. Numbers (``"serving.batch"``,
        ``"model.parameters"``, ``"site.pue"``, ``"model.layers[0].count"``) are dimensions of
        arrays; things that no array can hold (``"model"``, ``"hardware"``,
        ``"serving.weight_format"``, words, None) are labels. Axes are crossed.
    quantities : str or iterable of str, optional
        What to compute; what the scenario gives, without detail, unless said.
    paired : bool or iterable
        Axes that run together: True for all of them, or groups of paths.
    use, options : mapping, optional
        As ``estimate`` takes them.
    intervals : bool
        Whether to compute the ends of the intervals too. They cost about as much as the values;
        unless said, they are computed when somebody asks for ``.low`` or ``.high``.
    draws, seed : int
        As ``estimate`` takes them; draws are one more dimension, in front of the others.
    threads : int, optional
        Threads that compute; as many as this process has cores, unless given.
    out : str or Path, optional
        A file to which the results go region by region instead of staying in memory; its ending
        tells the kind: ``.zarr``, ``.parquet`` (a folder) or ``.csv``. The same call goes on
        with a file that is not complete, and does nothing twice.
    lazy : bool
        Whether nothing is computed before it is asked for. ``best``, ``pareto`` and ``quantiles``
        then hold one region at a time.
    progress : bool, optional
        Whether a bar on stderr tells how far it is; by default of long work at a terminal.
    client : dask.distributed.Client, optional
        A cluster whose workers compute the regions. With `out` they write to it, so that its path
        must be one for all of them.

    Returns
    -------
    Sweep
        A mapping of quantity to its values over named axes.

    Raises
    ------
    UnknownNameError
        If an axis names no field, or a quantity or estimator has another name.
    SpecError
        If a value has no meaning, paired axes are of unequal lengths, the results would not fit
        into memory, or `out` holds something else.
    SweepFileError
        If `out` cannot be written any further.
    MissingInputError
        If the scenario lacks what a quantity needs.

    Notes
    -----
    Each point has the value that ``estimate`` gives for it alone, to 1e-12: where several
    estimators may give a quantity, each point has that of the first whose domain covers it.
    A choice of labels that cannot be estimated is NaN, and ``refused`` says why.

    Examples
    --------
    >>> found = sweep(
    ...     {"model": "llama-3.1-8b"},
    ...     {"hardware": ["a100-sxm-80gb", "h100-sxm"], "serving.batch": [1, 8, 64]},
    ...     quantities=["tpot_s", "weight_bytes"],
    ... )
    >>> found["tpot_s"].value.shape, found["weight_bytes"].value.shape
    ((2, 3), (1, 1))
    """
    space = space_of(scenario, over, paired=paired)
    names = _quantities(space, quantities, use, options)
    job = Job(space, names, use or {}, options or {}, intervals or draws > 0, False, draws, seed)
    means = Means(_threads(threads), client, progress, TILE_POINTS, REGION_POINTS)
    engine = Engine.of(job, means)
    if out is not None:
        file = file_of(out, engine)
        return Sweep(engine, {}, stream(file, engine), file)
    if lazy:
        return Sweep(engine, {}, {})
    columns, refused = engine.collect()
    return Sweep(engine, columns, refused)


def _threads(given: int | None) -> int:
    if given is None:
        return available_threads()
    if given < 1 or given != int(given):
        raise SpecError(f"threads must be a whole number of at least 1, not {given!r}")
    return int(given)


def _quantities(
    space: Space,
    wanted: str | Iterable[str] | None,
    use: Mapping[str, str | Estimator] | None,
    options: Mapping[str, Any] | None,
) -> tuple[str, ...]:
    """Return the names of what to compute; what the first choice of labels gives unless said."""
    world = ESTIMATORS
    detail = isinstance(wanted, str) and wanted == "all"
    if wanted is not None and not detail:
        names = (wanted,) if isinstance(wanted, str) else tuple(dict.fromkeys(wanted))
        for name in names:
            if world.vocabulary[name].internal:
                known = [each.name for each in world.quantities()]
                raise UnknownNameError("quantity", name, known)
        return names
    specs = next(space.cases()).specs
    plan = make_plan(
        None, specs, estimators=world, use=use, options=options,
        absent=absent_fields(world.needs, specs), detail=detail,
    )  # fmt: skip
    given = {axis.name for axis in space.axes}
    failed = plan.run({**specs}).failed
    return tuple(name for name in plan.wanted if name not in failed and name not in given)
