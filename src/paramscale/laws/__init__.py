"""Laws of loss against size and data, and what else grows with them: forms in code, fits in rows.

>>> from paramscale.laws import laws
>>> laws["besiroglu2024"](1e9, 2e10)
np.float64(2.529...)
>>> laws["steplaw2025_batch"].gives
'optimal_batch_tokens'
"""

from paramscale.laws.anchoring import anchor
from paramscale.laws.convert import (
    convert_loss,
    count_parameters,
    with_embeddings,
    without_embeddings,
)
from paramscale.laws.form import Form, form_named, form_names
from paramscale.laws.forms._terms import Terms
from paramscale.laws.inference import lifetime_optimum
from paramscale.laws.law import Law
from paramscale.laws.names import GIVES, INPUTS
from paramscale.laws.optimal import (
    Allocation,
    compute_excess,
    compute_optimum,
    exponents,
    least_compute,
    overtraining,
    terms_of,
)
from paramscale.laws.published import laws
from paramscale.laws.search import best_split, optimal_bits
from paramscale.laws.tradeoff import (
    doubling_returns,
    elasticities,
    parameters_for_loss,
    tokens_for_loss,
    tokens_worth_of_growth,
)
from paramscale.laws.validity import Laws, Validity

__all__ = [
    "GIVES",
    "INPUTS",
    "Allocation",
    "Form",
    "Law",
    "Laws",
    "Terms",
    "Validity",
    "anchor",
    "best_split",
    "compute_excess",
    "compute_optimum",
    "convert_loss",
    "count_parameters",
    "doubling_returns",
    "elasticities",
    "exponents",
    "form_named",
    "form_names",
    "laws",
    "least_compute",
    "lifetime_optimum",
    "optimal_bits",
    "overtraining",
    "parameters_for_loss",
    "terms_of",
    "tokens_for_loss",
    "tokens_worth_of_growth",
    "with_embeddings",
    "without_embeddings",
]
