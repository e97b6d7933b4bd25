"""What is asked of a deployment over its life."""

from __future__ import annotations

from paramscale.specs.serving import ServingSpec
from paramscale.typing import Floats

__all__ = ["served_tokens"]


def served_tokens(serving: ServingSpec) -> Floats:
    """Return the output tokens of the model's days in service.

    Examples
    --------
    >>> served_tokens(ServingSpec(output_tokens=200, requests_per_day=1e6, deployment_days=365))
    np.float64(73000000000.0)
    """
    assert serving.requests_per_day is not None  # estimators state both as a need
    assert serving.deployment_days is not None
    return serving.requests_per_day * serving.deployment_days * serving.output_tokens
