"""Many points, one plan: estimate, sweep, impact, optimize, compare, sensitivity."""
