"""A scenario: the specs that belong together."""

from __future__ import annotations

from typing import Any

import attrs

__all__ = ["Scenario"]


@attrs.frozen(eq=False, kw_only=True)
class Scenario:
    """What is to be estimated: each spec, a name from which it can be found, or None.

    Parameters
    ----------
    model : ModelSpec or str, optional
    hardware : HardwareSpec or str, optional
    training : TrainingSpec, optional
    serving : ServingSpec, optional
    parallel : ParallelSpec, optional
    site : SiteSpec or str, optional
    account : AccountSpec, optional

    Examples
    --------
    >>> Scenario(model="llama-3.1-8b", hardware="h100-sxm").hardware
    'h100-sxm'
    """

    model: Any = None
    hardware: Any = None
    training: Any = None
    serving: Any = None
    parallel: Any = None
    site: Any = None
    account: Any = None
