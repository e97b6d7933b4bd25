"""Readers of model files, and the one function that finds out which is needed."""

from paramscale.io.read import read_model

__all__ = ["read_model"]
