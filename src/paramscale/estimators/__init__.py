"""One file a question; each estimator is a plain function on specs and on other quantities."""
