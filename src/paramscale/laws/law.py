"""A law: a functional form with the coefficients of one published fit."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import attrs
import numpy as np

from paramscale.core.domain import Domain
from paramscale.core.source import as_sources
from paramscale.errors import RegistrationError, UnknownNameError
from paramscale.laws.form import Form
from paramscale.laws.names import COUNTS, ENDLESS, domain_values
from paramscale.typing import Booleans, Floats

__all__ = ["Law"]

# A mean absolute residual m of log loss is the scale of a Laplace distribution, of whose mass
# 90 % lies within m · ln 10 of its centre: P(|r| > t) = exp(-t / m).
_LAPLACE_90 = float(np.log(10.0))


def _frozen(given: Mapping[str, float]) -> Mapping[str, float]:
    return MappingProxyType({name: float(value) for name, value in given.items()})


def _ends(given: Mapping[str, tuple[float, float]]) -> Mapping[str, tuple[float, float]]:
    return MappingProxyType(
        {name: (float(low), float(high)) for name, (low, high) in given.items()}
    )


@attrs.frozen(eq=False, kw_only=True)
class Law:
    """One published fit; call it with its inputs, in their order or by name.

    Parameters
    ----------
    law_id : str
        Author and year, and which fit of the paper if there are several.
    form : Form
        Its functional form, whose signature tells the inputs; see ``paramscale.laws.names``.
    coefficients : mapping of str to float
        All that the form needs, by name, unrounded where the authors give that.
    gives : str
        What it gives: ``"loss_nats"``, or another name of ``paramscale.laws.names.GIVES``.
    counted : {"total", "non_embedding", "active"}
        Which parameters its N counts.
    standard_errors : mapping of str to float
        Those that were published, by coefficient. They are marginal: without the covariance they
        must not be sampled independently (A and alpha move together), so no band is made of them.
    intervals_95 : mapping of str to (float, float)
        Published 95 % intervals of coefficients, where there are any.
    source : str
        Where the coefficients stand.
    paper, arxiv : str
        Where the law was published.
    parameters_convention, tokens_unit, loss_unit, data : str
        What N, D and the result mean; on which data and tokenizer. Levels of loss do not carry
        over to other data (10 to 30 % between data sets).
    domain : Domain
        Where it was fitted, over ``parameters``, ``training.tokens``, ``training_flops`` (6·N·D),
        ``tokens_per_parameter``, ``training.epochs``, or further inputs by their names.
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
    >>> laws["steplaw2025_batch"].gives, round(float(laws["steplaw2025_batch"](tokens=1.4e12)))
    ('optimal_batch_tokens', 4998815)
    """

    law_id: str
    form: Form
    coefficients: Mapping[str, float] = attrs.field(converter=_frozen)
    gives: str = "loss_nats"
    counted: str = "total"
    standard_errors: Mapping[str, float] = attrs.field(factory=dict, converter=_frozen)
    intervals_95: Mapping[str, tuple[float, float]] = attrs.field(factory=dict, converter=_ends)
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
        for what, names in (
            ("standard errors", self.standard_errors),
            ("intervals", self.intervals_95),
        ):
            if stray := set(names) - given:
                raise RegistrationError(
                    f"law {self.law_id!r}: {what} of {sorted(stray)}, "
                    f"which are not among its coefficients {sorted(given)}"
                )
        if self.counted not in COUNTS:
            raise UnknownNameError("way to count parameters", self.counted, COUNTS)
        as_sources(self.source, f"law {self.law_id!r}")

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of what it takes, in order."""
        return self.form.inputs

    @property
    def citation(self) -> str:
        """Paper and place of the coefficients."""
        return f"{self.paper}, arXiv:{self.arxiv}; {self.source}" if self.arxiv else self.source

    def __call__(self, *inputs: Any, **named: Any) -> Floats:
        """Return what the law `gives`, also outside the domain; ask :meth:`in_domain`.

        Parameters
        ----------
        *inputs, **named : float or array
            The inputs of the form, in order or by name; they broadcast.
        """
        try:
            return self.form.function(*inputs, **named, **self.coefficients)
        except TypeError:
            self.bind(*inputs, **named)  # raises where the inputs are to blame
            raise

    def bind(self, *inputs: Any, **named: Any) -> dict[str, Any]:
        """Return the inputs by name, after looking for missing and unknown ones.

        Raises
        ------
        MissingInputError
            Names what is missing and all that the law takes.
        UnknownNameError
            Proposes the right name of an input.
        """
        return self.form.bind(f"law {self.law_id!r}", *inputs, **named)

    def irreducible(self, **others: Any) -> Floats:
        """Return the loss at infinite size, data and compute [`loss_unit`].

        Parameters
        ----------
        **others : float or array
            Inputs that do not grow without end, such as ``sparsity``, where the law has such.
        """
        endless = {name: np.inf for name in self.form.required if name in ENDLESS}
        return self(**{**endless, **others})

    @property
    def floor(self) -> Floats:
        """Loss at infinite size and data [`loss_unit`], of a law that takes nothing else."""
        return self.irreducible()

    def in_domain(self, *inputs: Any, **named: Any) -> Booleans:
        """Return for each point whether it lies in the range of the runs that were fitted.

        Examples
        --------
        >>> from paramscale.laws import laws
        >>> laws["besiroglu2024"].in_domain([1e9, 70e9], [2e10, 1.4e12])
        array([ True, False])
        """
        return self.domain.inside(domain_values(self.bind(*inputs, **named)))

    def interval(self, *inputs: Any, **named: Any) -> tuple[Floats, Floats]:
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
        value = self(*inputs, **named)
        if np.isnan(self.mean_absolute_log_residual):
            return value * np.nan, value * np.nan
        scatter = _LAPLACE_90 * self.mean_absolute_log_residual
        half = np.where(self.in_domain(*inputs, **named), scatter, np.nan)[()]
        low: Floats = value * np.exp(-half)
        high: Floats = value * np.exp(half)
        return low, high

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value:.6g}" for name, value in self.coefficients.items())
        return f"Law({self.law_id!r}, form={self.form.name!r}, {given})"
