"""paramscale: what does the number of parameters of a language model do?

A scenario of typed specs flows through a graph of estimators and comes out as labelled estimates.

>>> import paramscale as ps
>>> e = ps.estimate(model="llama-3.1-8b", hardware="h100-sxm")
>>> e["parameters"].value
np.float64(8030261248.0)
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from paramscale.analysis.best_format import SizeFormats as SizeFormats
    from paramscale.analysis.best_format import best_format as best_format
    from paramscale.analysis.calibrate import Measurement as Measurement
    from paramscale.analysis.calibrate import calibrate as calibrate
    from paramscale.analysis.compare import Compared as Compared
    from paramscale.analysis.compare import compare as compare
    from paramscale.analysis.estimate import estimate as estimate
    from paramscale.analysis.front import Front as Front
    from paramscale.analysis.impact import Impact as Impact
    from paramscale.analysis.impact import impact as impact
    from paramscale.analysis.optimize import optimize as optimize
    from paramscale.analysis.optimum import Optimum as Optimum
    from paramscale.analysis.plan_parallelism import PlannedLayout as PlannedLayout
    from paramscale.analysis.plan_parallelism import Plans as Plans
    from paramscale.analysis.plan_parallelism import plan_parallelism as plan_parallelism
    from paramscale.analysis.sensitivity import Sensitivity as Sensitivity
    from paramscale.analysis.sensitivity import sensitivity as sensitivity
    from paramscale.analysis.sweep import Sweep as Sweep
    from paramscale.analysis.sweep import sweep as sweep
    from paramscale.catalogue.file_types import file_type as file_type
    from paramscale.catalogue.formats import Format as Format
    from paramscale.catalogue.formats import formats as formats
    from paramscale.catalogue.hardware import hardware as hardware
    from paramscale.catalogue.mixtures import Mixture as Mixture
    from paramscale.catalogue.models import models as models
    from paramscale.catalogue.prices import prices as prices
    from paramscale.catalogue.sites import sites as sites
    from paramscale.core.domain import Domain as Domain
    from paramscale.core.estimates import Estimates as Estimates
    from paramscale.core.estimator import Interval as Interval
    from paramscale.core.estimator import estimator as estimator
    from paramscale.core.quantity import Quantity as Quantity
    from paramscale.estimators.accuracy import calibrate_family as calibrate_family
    from paramscale.estimators.accuracy import marginal_return as marginal_return
    from paramscale.fitting import audit as audit
    from paramscale.fitting import compare_laws as compare_laws
    from paramscale.fitting import fit_isoflop as fit_isoflop
    from paramscale.fitting import fit_law as fit_law
    from paramscale.io import read_model as read_model
    from paramscale.laws import Law as Law
    from paramscale.laws import laws as laws
    from paramscale.specs.account import AccountSpec as AccountSpec
    from paramscale.specs.block import Operation as Operation
    from paramscale.specs.block import block as block
    from paramscale.specs.facts import Fact as Fact
    from paramscale.specs.hardware import HardwareSpec as HardwareSpec
    from paramscale.specs.model import Layer as Layer
    from paramscale.specs.model import ModelSpec as ModelSpec
    from paramscale.specs.parallel import ParallelSpec as ParallelSpec
    from paramscale.specs.passes import Pass as Pass
    from paramscale.specs.scenario import Scenario as Scenario
    from paramscale.specs.serving import ServingSpec as ServingSpec
    from paramscale.specs.site import SiteSpec as SiteSpec
    from paramscale.specs.training import TrainingSpec as TrainingSpec
    from paramscale.transforms.adapt import adapt as adapt
    from paramscale.transforms.distil import distil as distil
    from paramscale.transforms.low_rank import low_rank as low_rank
    from paramscale.transforms.prune import prune as prune
    from paramscale.transforms.quantize import quantize as quantize
    from paramscale.transforms.share_kv import share_kv as share_kv
    from paramscale.transforms.upcycle import upcycle as upcycle
    from paramscale.transforms.window import window as window

__version__ = "0.1.0"

#: Public name, and the module that holds it. Nothing is imported before it is asked for.
_PLACES = {
    "AccountSpec": "specs.account",
    "Compared": "analysis.compare",
    "Domain": "core.domain",
    "Estimates": "core.estimates",
    "Fact": "specs.facts",
    "Format": "catalogue.formats",
    "Front": "analysis.front",
    "HardwareSpec": "specs.hardware",
    "Impact": "analysis.impact",
    "Interval": "core.estimator",
    "Law": "laws",
    "Layer": "specs.model",
    "Measurement": "analysis.calibrate",
    "Mixture": "catalogue.mixtures",
    "ModelSpec": "specs.model",
    "Operation": "specs.block",
    "Optimum": "analysis.optimum",
    "ParallelSpec": "specs.parallel",
    "Pass": "specs.passes",
    "PlannedLayout": "analysis.plan_parallelism",
    "Plans": "analysis.plan_parallelism",
    "Quantity": "core.quantity",
    "Scenario": "specs.scenario",
    "Sensitivity": "analysis.sensitivity",
    "ServingSpec": "specs.serving",
    "SiteSpec": "specs.site",
    "SizeFormats": "analysis.best_format",
    "Sweep": "analysis.sweep",
    "TrainingSpec": "specs.training",
    "adapt": "transforms.adapt",
    "audit": "fitting",
    "best_format": "analysis.best_format",
    "block": "specs.block",
    "calibrate": "analysis.calibrate",
    "calibrate_family": "estimators.accuracy",
    "compare": "analysis.compare",
    "compare_laws": "fitting",
    "distil": "transforms.distil",
    "errors": "errors",
    "estimate": "analysis.estimate",
    "estimator": "core.estimator",
    "file_type": "catalogue.file_types",
    "fit_isoflop": "fitting",
    "fit_law": "fitting",
    "formats": "catalogue.formats",
    "hardware": "catalogue.hardware",
    "impact": "analysis.impact",
    "laws": "laws",
    "low_rank": "transforms.low_rank",
    "marginal_return": "estimators.accuracy",
    "models": "catalogue.models",
    "optimize": "analysis.optimize",
    "plan_parallelism": "analysis.plan_parallelism",
    "prices": "catalogue.prices",
    "prune": "transforms.prune",
    "quantities": "quantities",
    "quantize": "transforms.quantize",
    "read_model": "io",
    "sensitivity": "analysis.sensitivity",
    "share_kv": "transforms.share_kv",
    "sites": "catalogue.sites",
    "sweep": "analysis.sweep",
    "upcycle": "transforms.upcycle",
    "window": "transforms.window",
}

__all__ = [*_PLACES, "__version__"]


def __getattr__(name: str) -> Any:
    """Import a public name at its first use."""
    from importlib import import_module

    place = _PLACES.get(name)
    if place is None:
        from paramscale.errors import did_you_mean

        hint = did_you_mean(name, _PLACES)
        raise AttributeError(f"module 'paramscale' has no attribute {name!r}{hint}")
    if name.endswith("Spec"):  # so that names in specs are checked where they are written
        import_module("paramscale.catalogue.served_formats")
        import_module("paramscale.catalogue.models")
    module = import_module(f"paramscale.{place}")
    value = getattr(module, name, module)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


class _Package(ModuleType):
    """The package itself, in which a room does not hide the mapping that bears its name.

    Importing ``paramscale.laws`` would otherwise bind that module where users expect the laws.
    """

    def __setattr__(self, name: str, value: object) -> None:
        if not (name == "laws" and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
