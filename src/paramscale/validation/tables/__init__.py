"""One file a table of measurements: which estimate stands beside which column."""
