"""An estimator, a block and a law for paramscale; each file stands for itself."""
