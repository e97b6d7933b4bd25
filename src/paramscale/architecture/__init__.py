"""One file a kind of block; each is asked for the bill of its work and for nothing else."""
