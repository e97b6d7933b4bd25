"""Fit laws to runs, with honest intervals; audit how far they carry; compare published ones."""

from paramscale.fitting.audit import Audit, audit
from paramscale.fitting.compare import Comparison, compare_laws
from paramscale.fitting.example import ExampleRuns, example_runs
from paramscale.fitting.fit import fit_law
from paramscale.fitting.fitted import FittedLaw
from paramscale.fitting.fitted_loss import FittedLoss
from paramscale.fitting.isoflop import IsoFlopFit, fit_isoflop
from paramscale.fitting.select import best_of_each

__all__ = [
    "Audit",
    "Comparison",
    "ExampleRuns",
    "FittedLaw",
    "FittedLoss",
    "IsoFlopFit",
    "audit",
    "best_of_each",
    "compare_laws",
    "example_runs",
    "fit_isoflop",
    "fit_law",
]
