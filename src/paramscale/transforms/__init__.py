"""Transforms: what can be done to a model, each a function from a model to a model."""
