"""A law: a functional form with the coefficients of one published fit."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import attrs
import numpy as np

from paramscale.core.domain import Domain
from paramscale.core.source import as_sources
from paramscale.errors import RegistrationError
from paramscale.laws.form import Form
from paramscale.typing import Booleans, Floats, FloatsLike

__all__ = ["Law"]

# A mean absolute residual m of log loss is the scale of a Laplace distribution, of whose mass
# 90 % lies within m · ln 10 of its centre: P(|r| > t) = exp(-t / m).
_LAPLACE_90 = float(np.log(10.0))


def _frozen(given: Mapping[str, float]) -> Mapping[str, float]:
    return MappingProxyType({name: float(value) for name, value in given.items()})


@attrs.frozen(eq=False, kw_only=True)
class Law:
    """One published fit; call it with inputs to get losses.

    Parameters
    ----------
    law_id : str
        Author and year, and which fit of the paper if there are several.
    form : Form
        Its functional form.
    coefficients : mapping of str to float
        All that the form needs, by name, unrounded where the authors give that.
    standard_errors : mapping of str to float
        Those that were published, by coefficient. They are marginal: without the covariance they
        must not be sampled independently (A and alpha move together), so no band is made of them.
    source : str
        Where the coefficients stand.
    paper, arxiv : str
        Where the law was published.
    parameters_convention, tokens_unit, loss_unit, data : str
        What N, D and L mean; on which data and tokenizer. Levels of loss do not carry over to
        other data (10 to 30 % between data sets).
    domain : Domain
        Where it was fitted, over ``parameters``, ``training.tokens``, ``training_flops`` (6·N·D)
        and ``tokens_per_parameter``.
    mean_absolute_log_residual : float
        Of the fit, if published, else NaN.
    evidence : str
        ``"primary"`` if the coefficients were read in the authors' own files.
    note : str
        What else to know.

    Examples
    --------
    >>> from paramscale.laws import laws
    >>> law = laws["besiroglu2024"]
    >>> round(float(law(70e9, 1.4e12)), 4)
    1.9734
    >>> law.coefficients["E"], law.standard_errors["E"]
    (1.81686, 0.02566)
    """

    law_id: str
    form: Form
    coefficients: Mapping[str, float] = attrs.field(converter=_frozen)
    standard_errors: Mapping[str, float] = attrs.field(factory=dict, converter=_frozen)
    source: str
    paper: str = ""
    arxiv: str = ""
    parameters_convention: str = ""
    tokens_unit: str = "tokens"
    loss_unit: str = "nats/token"
    data: str = ""
    domain: Domain = attrs.field(factory=lambda: Domain({}))
    mean_absolute_log_residual: float = np.nan
    evidence: str = ""
    note: str = ""

    def __attrs_post_init__(self) -> None:
        needed, given = set(self.form.coefficients), set(self.coefficients)
        if needed != given:
            raise RegistrationError(
                f"law {self.law_id!r} of form {self.form.name!r}: "
                f"missing are {sorted(needed - given)}, unknown are {sorted(given - needed)}"
            )
        stray = set(self.standard_errors) - given
        if stray:
            raise RegistrationError(
                f"law {self.law_id!r}: standard errors of {sorted(stray)}, "
                f"which are not among its coefficients {sorted(given)}"
            )
        as_sources(self.source, f"law {self.law_id!r}")

    def __call__(self, parameters: FloatsLike, tokens: FloatsLike, **others: Any) -> Floats:
        """Return the loss [`loss_unit`], also outside the domain; ask :meth:`in_domain`.

        Parameters
        ----------
        parameters : float or array
            N, counted as `parameters_convention` says; broadcasts.
        tokens : float or array
            D, as `tokens_unit` says; broadcasts.
        **others
            Further inputs of the form, if it has any.
        """
        return self.form.function(parameters, tokens, **others, **self.coefficients)

    @property
    def floor(self) -> Floats:
        """Loss at infinite size and data [`loss_unit`]."""
        return self(np.inf, np.inf)

    def in_domain(self, parameters: FloatsLike, tokens: FloatsLike) -> Booleans:
        """Return for each point whether it lies in the range of the runs that were fitted.

        Examples
        --------
        >>> from paramscale.laws import laws
        >>> laws["besiroglu2024"].in_domain([1e9, 70e9], [2e10, 1.4e12])
        array([ True, False])
        """
        size = np.asarray(parameters, dtype=np.float64)
        data = np.asarray(tokens, dtype=np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.domain.inside(
                {
                    "parameters": size,
                    "training.tokens": data,
                    "training_flops": 6.0 * size * data,
                    "tokens_per_parameter": data / size,
                }
            )

    def interval(self, parameters: FloatsLike, tokens: FloatsLike) -> tuple[Floats, Floats]:
        """Return the ends of a 90 % interval for one more run like those that were fitted.

        It is the published scatter of the runs about the law (Laplace: ± ln 10 times the mean
        absolute residual of log loss), inside the domain. The ends are NaN outside the domain,
        and where no scatter was published. Uncertainty of the coefficients is not in it: marginal
        standard errors without covariance do not give one. Nor is a change of data.

        Examples
        --------
        >>> from paramscale.laws import laws
        >>> low, high = laws["besiroglu2024"].interval(1e9, 2e10)
        >>> round(float(low), 3), round(float(high), 3)
        (2.502, 2.557)
        """
        loss = self(parameters, tokens)
        half = np.where(
            self.in_domain(parameters, tokens),
            _LAPLACE_90 * self.mean_absolute_log_residual,
            np.nan,
        )[()]
        low: Floats = loss * np.exp(-half)
        high: Floats = loss * np.exp(half)
        return low, high

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value:.6g}" for name, value in self.coefficients.items())
        return f"Law({self.law_id!r}, form={self.form.name!r}, {given})"
