"""What machines and engines do with a bill of work: formulas on arrays that estimators share."""
