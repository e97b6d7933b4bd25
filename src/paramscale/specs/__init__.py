"""What a user describes: model, hardware, training, serving, parallelism, site, scenario."""
