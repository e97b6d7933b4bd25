"""How a best point is found: coordinates, limits, coarse grid, zoom, polish, bands, fronts."""
