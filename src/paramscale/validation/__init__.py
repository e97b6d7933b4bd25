"""Published measurements against estimates: one file a table, and one scorer for all of them."""
