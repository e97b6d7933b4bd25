"""A new quantity and its estimator: how long the weights take from storage to the device."""

from __future__ import annotations

from paramscale import Quantity, estimator
from paramscale.typing import Floats

LOADING_S = Quantity("loading_s", "Time to read the weights of one device from storage")


@estimator(
    gives=LOADING_S,
    source="weight_bytes / bandwidth; default: 4 lanes of PCI Express 4.0, PCI-SIG 2017",
    kind="bound",
)
def from_storage(weight_bytes: Floats, *, storage_bytes_per_s: float = 7.88e9) -> Floats:
    """Least time to read the weights; no device shares the storage and nothing is converted."""
    return weight_bytes / storage_bytes_per_s
