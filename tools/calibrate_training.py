"""Fit the coefficients of training time, and write ``catalogue/data/training_calibration.csv``.

Usage::

    python tools/calibrate_training.py --data ../shared/data [--write]

The form is that of ``paramscale.systems.training_step``; the prior of each coefficient is what
physics or a micro-benchmark says, with its width. Rows of one model on one machine by one team
count together at most as six, the loss is Cauchy's on log ratios, and each framework has two random
effects: its slowness and its attention. What is printed is the error on groups that were left out.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import least_squares

from paramscale.catalogue.formats import formats
from paramscale.errors import ParamscaleError
from paramscale.specs.passes import Pass
from paramscale.systems.training_coefficients import TrainingCoefficients, of_framework
from paramscale.systems.training_load import TrainingLoad, training_load
from paramscale.systems.training_machine import Figures, figures_of, matrix_fraction, speeds_of
from paramscale.systems.training_step import Layout, StepParts, step_parts
from paramscale.validation.row import read_rows
from paramscale.validation.training_scenarios import Run, run_of, tokens_per_s

sys.path.insert(0, str(Path(__file__).parent))

from one_point import one_point_line

Array = np.ndarray[Any, Any]

FILE = Path(__file__).parents[1] / "src/paramscale/catalogue/data/training_calibration.csv"
SCALE = 0.08  # width of the Cauchy loss: log ratios beyond it count ever less
FRAMEWORK, ATTENTION = 0.12, 0.25  # widths of the random effects of a framework

#: Name, prior value, width of its logarithm, why. The last three replace a general value on
#: machines of one class.
PRIORS = (
    ("matrix16", 0.72, 0.12, "best of cuBLAS 0.7-0.87 of peak (microbench.csv), layers below"),
    ("matrix8", 0.60, 0.15, "best 0.71-0.78 of peak (microbench.csv), casts besides"),
    ("matrix_mx8", 0.62, 0.15, "as matrix8"),
    ("matrix4", 0.45, 0.20, "no micro-benchmark; casts and scales weigh more"),
    ("expert", 0.60, 0.35, "grouped matrices are smaller; permutation of tokens besides"),
    ("attention", 0.35, 0.10, "FlashAttention-2, cuDNN on Hopper: 0.3-0.6 of peak"),
    ("scan", 0.05, 0.70, "bound by bandwidth"),
    ("bytes", 0.70, 0.40, "element-wise work at bandwidth, each tensor read and written once"),
    ("launch_s", 8e-6, 0.70, "host time of a kernel, mostly hidden"),
    ("expert_launch_s", 8e-4, 0.70, "notes of an earlier fit: 0.8 ms an expert layer"),
    ("tensor_exposed", 0.50, 0.50, "half hidden (earlier fit)"),
    ("expert_exposed", 0.30, 0.40, "mostly hidden inside a node"),
    ("network_exposed", 0.80, 0.30, "mostly exposed across nodes"),
    ("data_exposed", 0.50, 0.70, "behind the last backward pass only"),
    ("network", 0.60, 0.40, "bus bandwidth of collectives 0.75-0.9 of a link (microbench.csv)"),
    ("hop_s", 2e-6, 0.70, "latency 2.8-5.6 us across a leaf (arXiv:2505.09343, table 5)"),
    ("overlap", 2.0, 0.20, "between adding (1) and hiding (infinite)"),
    ("unstated_stages", 1.8, 0.30, "between 1 and the usual 2 to 5"),
    ("attention@A100", 0.45, 0.30, "FlashAttention-2 on Ampere, 0.5-0.7 of peak"),
    ("expert_launch_s@Rack", 8e-4, 0.70, "as above, in racks of 72 with Grace hosts"),
    ("sustained@Hopper", 1.0, 0.10, "clocks fall under the power limit"),
)  # fmt: skip
NAMES = [name for name, *_ in PRIORS]
MEAN = np.log([value for _, value, *_ in PRIORS])
WIDTH = np.array([width for _, _, width, _ in PRIORS])

_HERE = "fitted on systems/training.csv by tools/calibrate_training.py"
_BENCH = "systems/microbench.csv: best bf16 matmul over peak, divided by 0.8"
#: What is not fitted: coefficient, machine, value, source.
FIXED = (
    ("sustained", "", 1.0, "machines without a micro-benchmark: as the H100"),
    ("sustained", "A100", 1.0865, _BENCH), ("sustained", "A800", 1.0865, _BENCH + "; as A100"),
    ("sustained", "B200", 0.969, _BENCH),
    ("sustained", "B300", 0.983, _BENCH), ("sustained", "GB200", 0.911, _BENCH),
    ("sustained", "GB300", 0.911, _BENCH + "; as GB200"), ("sustained", "MI300", 0.643, _BENCH),
    ("sustained", "MI325", 0.755, _BENCH), ("sustained", "MI355", 0.851, _BENCH),
    ("sustained", "Gaudi3", 0.927, _BENCH),
    ("sustained", "Gaudi2", 1.09, _BENCH + "; at most as A100"),
    ("plain_bytes", "", 0.834,
     "systems/microbench.csv: empirical peak bandwidth of the A100, 1.7 of 2.039 TB/s"),
    ("node_devices", "", 8.0, "servers of eight (DGX A100, DGX H100, MI300X platforms)"),
    ("node_devices", "GB200", 72.0, "NVL72 rack, NVIDIA GB200 NVL72 data sheet"),
    ("node_devices", "GB300", 72.0, "NVL72 rack, NVIDIA GB300 NVL72 data sheet"),
    ("node_devices", "TPU", 4096.0, "links of a whole pod (Jouppi et al. 2023, arXiv:2304.01433)"),
    ("network_bytes_per_s", "", 50e9,
     "400 Gb/s for each device (one ConnectX-7 each, DGX H100 user guide, table 6)"),
    ("network_bytes_per_s", "A100", 25e9, "200 Gb/s for each device (DGX A100, training.csv)"),
    ("network_bytes_per_s", "A800", 25e9, "as A100"),
    ("network_bytes_per_s", "V100", 6.25e9,
     "eight 100 Gb/s adapters for sixteen devices (DGX-2; "
     "pcper.com/2018/03/nvidia-announces-dgx-2-with-16-gv100s-8-100gb-nics)"),
    ("network_bytes_per_s", "B300", 100e9, "800 Gb/s for each device (ConnectX-8)"),
    ("network_bytes_per_s", "GB300", 100e9, "800 Gb/s for each device (ConnectX-8)"),
)  # fmt: skip


class Table(NamedTuple):
    """Rows as arrays, and the groups that they belong to."""

    load: TrainingLoad
    layout: Layout
    figures: Figures
    kind: Array
    virtual_known: Array
    ampere: Array
    hopper: Array
    seconds: Array
    framework: Array
    model: Array
    team: Array
    release: Array
    machine: Array
    moe: Array


def _usable(row: dict[str, str]) -> Run | None:
    try:
        run = run_of(row)
    except ParamscaleError:
        return None
    known = np.isfinite(
        [run.sequences, run.micro_batch, run.sequence_length, tokens_per_s(row, run)]
    )
    good = row["phase"] == "pretrain" and row["source_group"] != "litgpt-resource-tables"
    return run if good and known.all() else None


def read(folder: Path) -> Table:
    """Return the rows of a folder that state what a prediction needs, each run once."""
    runs = []
    seen = set()
    for row in read_rows(folder / "systems/training.csv"):
        run = _usable(row)
        if run is None or (key := (run[1:], row["model"], tokens_per_s(row, run))) in seen:
            continue
        seen.add(key)
        runs.append((row, run))
    return _table(runs)


def _table(runs: list[tuple[dict[str, str], Run]]) -> Table:
    loads = [
        training_load(run.model.operations(Pass(1.0, run.sequence_length, absorbed=False)))
        for _, run in runs
    ]
    load = TrainingLoad(*np.array(loads, dtype=float).T)
    said = {
        name: np.array([row[name] for row, _ in runs])
        for name in ("source_group", "software", "hardware")
    }
    names = np.array([run.machine.name for _, run in runs])
    return Table(
        load=load,
        layout=Layout(*np.array([run.layout()[:-1] for _, run in runs], dtype=float).T),
        figures=Figures(*np.array([_figures(run) for _, run in runs], dtype=float).T),
        kind=np.array([_kind(run) for _, run in runs]),
        virtual_known=np.array([run.virtual_stated or run.pipeline == 1.0 for _, run in runs]),
        ampere=np.char.find(names, "A100") >= 0,
        hopper=np.char.find(names, "H100") >= 0,
        seconds=np.array([_seconds(row, run) for row, run in runs]),
        framework=np.array([run.framework for _, run in runs]),
        model=np.array([run.model.name for _, run in runs]),
        team=said["source_group"],
        release=said["software"],
        machine=said["hardware"],
        moe=np.asarray(load.exchanges) > 0.0,
    )


def _seconds(row: dict[str, str], run: Run) -> float:
    return run.sequences * run.sequence_length / (tokens_per_s(row, run) * run.devices)


def _figures(run: Run) -> Figures:
    """Return the figures of a machine without anything that was fitted before."""
    bench = {word: value for name, word, value, _ in FIXED if name == "sustained"}
    word = max((word for word in bench if word in run.machine.name), key=len)
    found = figures_of(run.machine, formats[run.precision or "bf16"])
    return found._replace(sustained=bench[word], attention=np.nan, expert_launch_s=np.nan)


_KINDS = ("matrix16", "matrix8", "matrix_mx8", "matrix4")


def _kind(run: Run) -> int:
    """Return which of the four coefficients the matrices of a run use."""
    marks = TrainingCoefficients(*range(len(TrainingCoefficients._fields)))
    form = formats[run.precision or "bf16"]
    mark = matrix_fraction(run.machine.compute_type(form), form, marks)
    return _KINDS.index(TrainingCoefficients._fields[int(mark)])


def part(table: Table, mask: Array) -> Table:
    """Return some of the rows."""
    groups = [type(x)(*[y if y is None else y[mask] for y in x]) for x in table[:3]]
    return Table(*groups, *[x[mask] for x in table[3:]])


def predicted(
    theta: Array, table: Table, slowness: Array | float, attention: Array | float
) -> Array:
    """Return the logarithm of the seconds of a step."""
    return np.log(parts_of(theta, table, attention).total) + slowness


def parts_of(theta: Array, table: Table, attention: Array | float) -> StepParts:
    """Return the seconds of a step by cause, before the slowness of the framework."""
    values = dict(zip(NAMES, np.exp(theta), strict=True))
    c = TrainingCoefficients(*[values[name] for name in TrainingCoefficients._fields])
    eta = np.array([c.matrix16, c.matrix8, c.matrix_mx8, c.matrix4])[table.kind]
    figures = table.figures._replace(
        sustained=table.figures.sustained * np.where(table.hopper, values["sustained@Hopper"], 1.0),
        attention=np.where(table.ampere, values["attention@A100"], c.attention),
        expert_launch_s=np.where(
            table.figures.node > 8.0, values["expert_launch_s@Rack"], c.expert_launch_s
        ),
    )
    layout = table.layout._replace(
        virtual=np.where(table.virtual_known, table.layout.virtual, c.unstated_stages)
    )
    speeds = speeds_of(figures, eta, np.exp(attention), c)
    return step_parts(table.load, layout, speeds, c)


def unknown(effect: dict[str, float]) -> float:
    """Return the effect of a framework that was not measured: the median of those that were."""
    return float(np.median(list(effect.values())))


class Fit(NamedTuple):
    """Logarithms of the coefficients with their deviations, and the effects of each framework."""

    theta: Array
    deviation: Array
    slowness: dict[str, float]
    attention: dict[str, float]

    def ask(self, table: Table, known: bool = True) -> Array:
        """Return the logarithm of predicted over measured."""
        slow, kernel = (
            np.array([effect[name] if known else unknown(effect) for name in table.framework])
            for effect in (self.slowness, self.attention)
        )
        return predicted(self.theta, table, slow, kernel) - np.log(table.seconds)


def fit(table: Table) -> Fit:
    """Return the coefficients of least robust loss."""
    names = sorted(set(table.framework))
    which = np.array([names.index(name) for name in table.framework])
    groups = ["|".join(key) for key in zip(table.model, table.machine, table.team, strict=True)]
    counts = Counter(groups)
    weight = np.array([min(1.0, (6.0 / counts[group]) ** 0.5) for group in groups])
    k, f = len(NAMES), len(names)

    def residuals(z: Array) -> Array:
        slow, kernel = z[k : k + f], z[k + f :]
        off = (predicted(z[:k], table, slow[which], kernel[which]) - np.log(table.seconds)) / SCALE
        robust = weight * np.sign(off) * np.sqrt(np.log1p(off**2))
        return np.concatenate(
            [robust, (z[:k] - MEAN) / WIDTH, slow / FRAMEWORK, kernel / ATTENTION]
        )

    found = least_squares(residuals, np.concatenate([MEAN, np.zeros(2 * f)]), max_nfev=80)
    covariance = np.linalg.inv(found.jac.T @ found.jac)
    slow, kernel = found.x[k : k + f], found.x[k + f :]
    return Fit(
        found.x[:k], np.sqrt(np.diag(covariance))[:k],
        dict(zip(names, slow, strict=True)), dict(zip(names, kernel, strict=True)),
    )  # fmt: skip


def left_out(table: Table, groups: Array, known: bool) -> Array:
    """Return the log ratio of each row by a fit without its group."""
    ratio = np.zeros(len(groups))
    for group in sorted(set(groups)):
        mask = groups == group
        ratio[mask] = fit(part(table, ~mask)).ask(part(table, mask), known)
    return ratio


def half_width(moe: Array, known: bool) -> Array:
    """Return half widths of the 90 % intervals that the library states."""
    square = of_framework("width_known", "") ** 2 + moe * of_framework("width_experts", "") ** 2
    return np.sqrt(square + (not known) * of_framework("width_framework", "") ** 2)


def line(label: str, ratio: Array, width: Array | None = None) -> str:
    """Return the errors of some rows, and how far off 90 % of them are at most."""
    off = np.abs(np.expm1(ratio))
    inside = "" if width is None else f"  interval covers {np.mean(np.abs(ratio) <= width):.0%}"
    farthest = np.expm1(np.quantile(np.abs(ratio), 0.9))
    return (
        f"{label:44s} {len(ratio):4d} rows  median {np.median(off):6.1%}  mean {off.mean():6.1%}"
        f"  bias {np.expm1(np.median(ratio)):+6.1%}  90 % within {farthest:6.1%}{inside}"
    )


def shares(found: Fit, table: Table) -> list[dict[str, float]]:
    """Return the share of each cause in the step of every row."""
    kernel = np.array([found.attention[name] for name in table.framework])
    parts = parts_of(found.theta, table, kernel)
    whole = np.asarray(parts.total)
    columns = {
        name: np.broadcast_to(each / whole, whole.shape) for name, each in parts._asdict().items()
    }
    return [{name: float(x[row]) for name, x in columns.items()} for row in range(len(whole))]


def report(table: Table, found: Fit) -> None:
    """Print the errors on what was left out."""
    for label, groups, known in (
        ("one model left out", table.model, True), ("one team left out", table.team, False),
    ):  # fmt: skip
        ratio, wide = left_out(table, groups, known), half_width(table.moe, known)
        parts = [
            (label, np.ones(len(ratio), bool)),
            ("  dense", ~table.moe),
            ("  experts", table.moe),
        ]
        parts += [(f"  {team}", table.team == team) for team in sorted(set(table.team))]
        for name, mask in parts:
            print(line(name, ratio[mask], wide[mask]))
        keys = list(zip(table.model, table.machine, table.team, table.kind, strict=True))
        print(one_point_line(label, -ratio, wide, keys, shares(found, table)))
    order = ("25.09", "25.11", "26.02 ", "26.02.01")
    for i, release in enumerate(order[1:], start=1):
        now = np.array([f"Bridge {release}" in text for text in table.release])
        later = np.array([any(f"Bridge {x}" in text for x in order[i:]) for text in table.release])
        ratio = fit(part(table, ~later)).ask(part(table, now))
        print(
            line(f"release {release} from those before it", ratio, half_width(table.moe[now], True))
        )
        print(line("  dense", ratio[~table.moe[now]]))


#: Words in the names of machines of a class.
_CLASSES = {
    "Hopper": ("H100", "H200", "H800", "GH200"),
    "Rack": ("GB200", "GB300"),
    "A100": ("A100", "A800"),
}


def rows_of(found: Fit, table: Table) -> list[tuple[str, ...]]:
    """Return the rows of the file."""
    rows: list[tuple[str, ...]] = []
    for (name, _, _, why), value, wide in zip(PRIORS, found.theta, found.deviation, strict=True):
        plain, _, machine = name.partition("@")
        cells = (_digits(np.exp(value)), _digits(wide), "fitted", f"{_HERE}; prior: {why}")
        rows += [(plain, word, "", *cells) for word in _CLASSES.get(machine, (machine,))]
    rows += _framework_rows("slowness", found.slowness, FRAMEWORK)
    rows += _framework_rows("attention_framework", found.attention, ATTENTION)
    rows += [(name, machine, "", _digits(x), "", "fixed", why) for name, machine, x, why in FIXED]
    words = sorted({name.split()[1] for name in set(table.machine)} | {"A800", "H200", "H800"})
    why = "rows of systems/training.csv, or the same chip"
    return rows + [("measured", word, "", "1", "", "fixed", why) for word in words]


def _framework_rows(name: str, effect: dict[str, float], wide: float) -> list[tuple[str, ...]]:
    """Return the effects of frameworks, of their median, and of Megatron-LM after 2021."""
    core = float(np.mean([effect["nemo"], effect["megatron-bridge"]]))
    built_on = "later releases: as NeMo and Megatron-Bridge, which are built on it"
    found = [(framework, x, "fitted", _HERE) for framework, x in sorted(effect.items())]
    found.append(("", unknown(effect), "derived", "median of the frameworks"))
    found.append(("megatron-lm", core, "derived", built_on))
    return [
        (name, "", framework, _digits(np.exp(x)), _digits(wide), kind, why)
        for framework, x, kind, why in found
    ]


def _digits(value: float) -> str:
    return f"{value:.4g}"


def main() -> int:
    """Fit, report, and write the file if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of measurements")
    parser.add_argument("--write", action="store_true", help="replace the packaged file")
    asked = parser.parse_args()
    table = read(asked.data)
    found = fit(table)
    for name, mean, value, wide in zip(NAMES, MEAN, found.theta, found.deviation, strict=True):
        print(f"{name:18s} {np.exp(value):10.4g} +- {wide:5.1%}   prior {np.exp(mean):.3g}")
    print({name: round(float(np.exp(x)), 3) for name, x in found.slowness.items()})
    print({name: round(float(np.exp(x)), 3) for name, x in found.attention.items()})
    print(line("in sample", found.ask(table)))
    report(table, found)
    if asked.write:
        kept = _tiers()
        with FILE.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(
                ("coefficient", "machine", "framework", "value", "deviation", "class", "source")
            )
            writer.writerows([*rows_of(found, table), *kept])
    return 0


def _tiers() -> list[list[str]]:
    """Return the rows of the file that this fit does not make: widths, published figures."""
    if not FILE.exists():
        return []
    with FILE.open(encoding="utf-8", newline="") as stream:
        return [row for row in csv.reader(stream) if row and row[5] in ("width", "published")]


if __name__ == "__main__":
    sys.exit(main())
