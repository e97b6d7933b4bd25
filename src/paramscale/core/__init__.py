"""Machinery that knows nothing of language models: quantities, estimators, plans, estimates."""
