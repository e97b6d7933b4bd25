"""What a sweep computes: columns of numbers for one part of the space after the other."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from paramscale.analysis.space import Space
from paramscale.analysis.sweep.cutting import cut, varying
from paramscale.core.draws import draw, quantiles
from paramscale.core.graph import make_plan
from paramscale.core.plan import Plan, Results
from paramscale.core.record import Estimator
from paramscale.core.rerun import Rerun
from paramscale.errors import ParamscaleError

__all__ = ["Case", "Columns", "Job", "Runner", "absent_fields"]

Array = npt.NDArray[Any]

#: Arrays by name of the column: ``"ttft_s"``, ``"ttft_s_low"``, ``"ttft_s_inside"``, ...
Columns = dict[str, Array]

_KEPT = 64


@attrs.frozen(eq=False)
class Job:
    """Everything that decides the numbers; it can be sent to another process.

    Attributes
    ----------
    space : Space
        Axes and base.
    quantities : tuple of str
        What to compute.
    use, options : mapping
        As ``estimate`` takes them.
    intervals, inside : bool
        Whether the ends of intervals, and whether points lie in the domains, are wanted too.
    draws, seed : int
        As ``estimate`` takes them.
    """

    space: Space
    quantities: tuple[str, ...]
    use: Mapping[str, str | Estimator] = attrs.field(factory=dict)
    options: Mapping[str, Any] = attrs.field(factory=dict)
    intervals: bool = False
    inside: bool = False
    draws: int = 0
    seed: int = 0

    def plan(self, specs: Mapping[str, Any]) -> Plan:
        """Return the plan for some specs."""
        world = self.space.world
        return make_plan(
            self.quantities, specs, estimators=world, use=self.use, options=self.options,
            absent=absent_fields(world.needs, specs),
        )  # fmt: skip


def absent_fields(needs: Sequence[str], specs: Mapping[str, Any]) -> list[str]:
    """Return the fields, ``"spec.field"``, of given specs that hold None."""
    paths = [path.partition(".") for path in needs]
    return [
        f"{spec}.{field}"
        for spec, _, field in paths
        if spec in specs and getattr(specs[spec], field, None) is None
    ]


@attrs.frozen(eq=False)
class Case:
    """The specs of one choice of labels on whole axes, and the plan for them.

    `varies` says for each spec along which dimensions any of its arrays varies.
    """

    specs: dict[str, Any]
    varies: dict[str, tuple[bool, ...]]
    rerun: Rerun


class Runner:
    """Computes the columns of one part after the other, and remembers what stays the same.

    Parameters
    ----------
    job : Job
        What to compute.
    order : sequence of int
        Numeric axes in the order of the dimensions of arrays.
    """

    def __init__(self, job: Job, order: Sequence[int]) -> None:
        job.space.world.registry.load()  # in another process nothing may be known yet
        self.job, self.order = job, tuple(order)
        self.refused: dict[tuple[int, ...], str] = {}
        self._cases: OrderedDict[tuple[int, ...], Case] = OrderedDict()
        self._cuts: dict[str, tuple[Any, tuple[slice, ...], Any]] = {}
        self._back = tuple(int(i) for i in np.argsort(self.order))

    def columns(self, index: tuple[int, ...], slices: Sequence[slice]) -> Columns | None:
        """Return the columns of a part, one dimension a numeric axis in the order of the space.

        None where this choice of labels is refused; `refused` then says why.
        """
        if index in self.refused:
            return None
        try:
            case = self.case(index)
            results = self.results(case, slices)
        except ParamscaleError as error:
            self.refused[index] = " ".join(str(error).split())
            self._cases.pop(index, None)
            return None
        return self.turned(case, results)

    def turned(self, case: Case, results: Results) -> Columns:
        """Return the columns of some results, dimensions in the order of the space."""
        return {name: self._turned(each) for name, each in self._found(case, results).items()}

    def results(self, case: Case, slices: Sequence[slice]) -> Results:
        """Return what the plan leaves for a part, dimensions in the order of this runner."""
        parts = tuple(slices[i] for i in self.order)
        inputs = {name: self._cut(name, spec, case, parts) for name, spec in case.specs.items()}
        return case.rerun.run(inputs)

    def case(self, index: tuple[int, ...]) -> Case:
        """Return the specs of a choice of labels, made once, with the plan for them."""
        case = self._cases.get(index)
        if case is None:
            specs = self.job.space.specs(index, order=self.order)
            ndim = len(self.order)
            varies = {name: varying(spec, ndim) for name, spec in specs.items()}
            rerun = Rerun(self.job.plan(specs), ends=self.job.intervals)
            case = self._cases[index] = Case(specs, varies, rerun)
            if len(self._cases) > _KEPT:
                self._cases.popitem(last=False)
        return case

    def _cut(self, name: str, spec: Any, case: Case, parts: tuple[slice, ...]) -> Any:
        """Return the part of a spec; the same object where the same part is asked for again."""
        along = zip(parts, case.varies[name], strict=True)
        parts = tuple(part if varies else slice(None) for part, varies in along)
        last = self._cuts.get(name)
        if last is None or last[0] is not spec or last[1] != parts:
            last = self._cuts[name] = (spec, parts, cut(spec, parts))
        return last[2]

    def _found(self, case: Case, results: Results) -> Columns:
        """Return the columns with dimensions in the order of this runner."""
        job, found, drawn = self.job, {}, self._drawn(case.rerun.plan, results)
        for name in job.quantities:
            found[name] = results.values[name]
            if name in drawn:
                found[f"{name}_draws"] = drawn[name]
            if job.intervals and name in drawn:
                found[f"{name}_low"], found[f"{name}_high"] = quantiles(drawn[name])
            elif job.intervals and name in results.intervals:
                found[f"{name}_low"] = results.intervals[name].low
                found[f"{name}_high"] = results.intervals[name].high
            if job.inside:
                found[f"{name}_inside"] = case.rerun.inside(name)
        return found

    def _drawn(self, plan: Plan, results: Results) -> dict[str, Any]:
        job = self.job
        if job.draws <= 0:
            return {}
        rng = np.random.default_rng(job.seed)
        return draw(plan, results, job.draws, rng, len(self.order))

    def _turned(self, value: Any) -> Array:
        """Return an array with one dimension a numeric axis, in the order of the space."""
        array = np.asarray(value)
        ndim = len(self.order)
        extra = array.ndim - ndim  # the dimension of draws, if there is one
        if extra < 0:
            array = array.reshape((1,) * -extra + array.shape)
            extra = 0
        back = (*range(extra), *(extra + i for i in self._back))
        return array.transpose(back)
