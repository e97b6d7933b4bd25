"""Checks of everything that can be registered; authors of plugins run them on theirs.

Each check takes one thing and raises ``AssertionError`` with the rule that it breaks. The
strategies need Hypothesis, which is imported only when one is asked for.

>>> from paramscale.architecture.mlp import MLP
>>> from paramscale.testing import check_block
>>> check_block(MLP(256))
"""

from paramscale.testing.block_check import check_block
from paramscale.testing.catalogue_checks import check_format, check_hardware, check_law
from paramscale.testing.estimator_check import check_estimator, full_scenario
from paramscale.testing.examples import block_examples
from paramscale.testing.strategies import block_strategy, models, passes

__all__ = [
    "block_examples",
    "block_strategy",
    "check_block",
    "check_estimator",
    "check_format",
    "check_hardware",
    "check_law",
    "full_scenario",
    "models",
    "passes",
]
