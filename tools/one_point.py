"""What one measured point is worth: left-out errors of ``paramscale.calibrate`` as it ships.

The base is a fit without the rows' family, team, engine or machine. In each configuration (model,
machine, engine or framework, precision, devices, team) every row in turn is the point that a user
measured, and the others are predicted from it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from paramscale.analysis.posterior import Shares, posterior
from paramscale.core.interval import Z90

__all__ = ["one_point_line"]


def one_point_line(
    label: str, off: Any, width: Any, configurations: Sequence[Hashable], shares: Sequence[Shares]
) -> str | None:
    """Return the errors with one point given, in a line; None where no configuration has two rows.

    Parameters
    ----------
    off : array
        Log of measured over predicted, by the base that left the row's group out.
    width : array
        Log of the factor of the base's 90 % interval.
    configurations : sequence
        To which configuration each row belongs.
    shares : sequence of mapping
        Share of each part of each row's value; empty where it has none.
    """
    places: dict[Hashable, list[int]] = defaultdict(list)
    for place, key in enumerate(configurations):
        if np.isfinite(off[place]):
            places[key].append(place)
    errors, medians, inside, before = [], [], [], []
    for rows in places.values():
        if len(rows) < 2:
            continue
        left = _left(off[rows], float(np.mean(width[rows])), [shares[row] for row in rows])
        others = ~np.eye(len(rows), dtype=bool)
        share = np.abs(np.expm1(-left[0]))
        errors += [float(np.mean(share[:, j][others[:, j]])) for j in range(len(rows))]
        medians.append(float(np.median(share[others])))
        inside.append(float(np.mean((np.abs(left[0]) <= left[1])[others])))
        before += list(np.abs(np.expm1(-off[rows])))
    if not medians:
        return None
    return (
        f"{label:34s} {len(medians):3d} configurations, {len(errors):4d} rows: median"
        f" {np.median(before):6.1%} without, with one point {np.median(errors):6.1%} of rows,"
        f" {np.median(medians):6.1%} of configurations; interval covers {np.mean(inside):.0%}"
    )


def _left(off: Any, width: float, shares: Sequence[Shares]) -> tuple[Any, Any]:
    """Return what is left of the log errors, given point by row, and the half widths stated."""
    left, wide = np.empty((len(off), len(off))), np.empty((len(off), len(off)))
    for given, ratio in enumerate(off):
        after = posterior(np.array([ratio]), (width / Z90) ** 2, (shares[given],))
        for asked, each in enumerate(shares):
            mean, deviation = after.log_error(each)
            left[given, asked] = off[asked] - mean
            wide[given, asked] = Z90 * deviation
    return left, wide
