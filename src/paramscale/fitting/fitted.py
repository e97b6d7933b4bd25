"""A law fitted to runs: point, covariance, bootstrap draws, domain, prediction intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from paramscale.core.domain import Domain
from paramscale.core.record import Interval
from paramscale.errors import FitError
from paramscale.fitting.model_form import ModelForm, distance, model_form
from paramscale.fitting.objective import Array
from paramscale.fitting.runs import Runs
from paramscale.laws import Form, Law
from paramscale.typing import Booleans, Floats, FloatsLike

if TYPE_CHECKING:
    from paramscale.fitting.fitted_loss import FittedLoss

__all__ = ["FittedLaw", "domain_of"]

_WILD = 100.0  # log loss of a bootstrap gone wild; infinity would make a quantile NaN


def domain_of(runs: Runs) -> Domain:
    """Return the range of the runs: sizes, tokens, compute (6·N·D), tokens a parameter."""
    ranges = {
        "parameters": runs.parameters,
        "training.tokens": runs.tokens,
        "training_flops": runs.flops,
        "tokens_per_parameter": runs.tokens / runs.parameters,
    }
    bounds = {name: (float(each.min()), float(each.max())) for name, each in ranges.items()}
    return Domain(bounds, note=f"range of the {len(runs)} runs fitted")


@attrs.frozen(eq=False, kw_only=True)
class FittedLaw:
    """A law with coefficients of your own runs; made by `fit_law`, called like any `Law`.

    Attributes
    ----------
    form : Form
        The functional form.
    coefficients : mapping of str to float
        The best fit.
    draws : array, (draws, coefficients)
        Bootstrap refits, in the order of `coefficients`; no rows if none were asked for.
    objective : float
        Of the best fit, without prior: Σ huber(r), Σ |r| or Σ r².
    residual_scale : float
        Standard deviation of a run about the law [log loss], from the mean absolute residual and
        corrected for the coefficients that were fitted.
    domain : Domain
        Range of the runs; outside it `in_domain` is False and `predict` is wider.
    runs : Runs
        The runs that were fitted; fewer than given where `near` left some out.
    open_coefficients : tuple of str
        Those that the runs alone do not determine, or hardly.
    model_form : ModelForm
        How far such laws were found to go wrong beyond their runs.

    Examples
    --------
    >>> from paramscale.fitting import fit_law
    >>> from paramscale.laws import laws
    >>> sizes, tokens = np.meshgrid(np.geomspace(1e8, 1e10, 6), np.geomspace(1e9, 1e11, 6))
    >>> fit = fit_law(sizes, tokens, laws["besiroglu2024"](sizes, tokens))
    >>> fit
    FittedLaw('fitted', form='chinchilla', E=1.81686, A=482.006, alpha=0.34781, B=2085.43, beta=0.36585; 36 runs, scatter 0 %)
    """  # noqa: E501

    form: Form
    coefficients: Mapping[str, float]
    draws: Array
    objective: float
    residual_scale: float
    domain: Domain
    runs: Runs
    loss_function: str
    name: str = "fitted"
    open_coefficients: tuple[str, ...] = ()
    model_form: ModelForm = attrs.field(factory=model_form)

    def __call__(self, parameters: FloatsLike, tokens: FloatsLike) -> Floats:
        """Return the loss [nats per token], also outside the domain; ask :meth:`in_domain`."""
        return self.form.function(**self._inputs(parameters, tokens), **self.coefficients)

    def _inputs(self, parameters: Any, tokens: Any) -> dict[str, Any]:
        """Return what the form takes, by name; some take one of the two."""
        given = {"parameters": parameters, "tokens": tokens}
        return {name: given[name] for name in self.form.inputs}

    @property
    def source(self) -> str:
        """Where the coefficients come from, in words."""
        return f"fitted here to {len(self.runs)} runs ({self.loss_function})"

    def as_law(self) -> Law:
        """Return the point as a `Law`, for what takes one: `compute_optimum`, `anchor`, ...

        Examples
        --------
        >>> from paramscale.fitting import fit_law
        >>> from paramscale.laws import compute_optimum, laws
        >>> sizes, tokens = np.meshgrid(np.geomspace(1e8, 1e10, 6), np.geomspace(1e9, 1e11, 6))
        >>> fit = fit_law(sizes, tokens, laws["besiroglu2024"](sizes, tokens))
        >>> round(float(compute_optimum(fit.as_law(), 5.76e23).parameters) / 1e9, 1)
        72.4
        """
        return Law(
            law_id=self.name,
            form=self.form,
            coefficients=self.coefficients,
            standard_errors={} if len(self.draws) < 2 else self.standard_errors,
            source=self.source,
            domain=self.domain,
            mean_absolute_log_residual=self.residual_scale / np.sqrt(np.pi / 2.0),
        )

    def as_estimator(self) -> FittedLoss:
        """Return an estimator of ``loss_nats``, to register or to call.

        ``ps.estimator(gives="loss_nats")(fit.as_estimator())`` makes it one of those that
        ``use={"loss_nats": fit.name}`` chooses from.
        """
        from paramscale.fitting.fitted_loss import FittedLoss

        self._need_draws()
        return FittedLoss(self)

    @property
    def floor(self) -> Floats:
        """Loss at infinite size and data [nats per token]."""
        return self(np.inf, np.inf)

    @property
    def covariance(self) -> Array:
        """Covariance of the coefficients over the bootstrap draws; NaN without draws.

        It is not taken from the curvature at the optimum: such errors were found to differ from
        the bootstrap by up to a factor of 3.6.
        """
        size = len(self.coefficients)
        if len(self.draws) < 2:
            return np.full((size, size), np.nan)
        return np.atleast_2d(np.cov(self.draws, rowvar=False))

    @property
    def standard_errors(self) -> dict[str, float]:
        """Standard deviation of each coefficient over the draws; NaN without draws."""
        spread = np.sqrt(np.diag(self.covariance))
        return {name: float(each) for name, each in zip(self.coefficients, spread, strict=True)}

    def in_domain(self, parameters: FloatsLike, tokens: FloatsLike) -> Booleans:
        """Return for each point whether it lies in the range of the runs that were fitted."""
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

    def predict(self, parameters: FloatsLike, tokens: FloatsLike) -> Interval:
        """Return the loss of one more run, with the ends of its 90 % interval.

        Three spreads of log loss are added as squares: of the coefficients (bootstrap), of a run
        about the law, and of the form itself, which grows with the log distance from the runs
        (see `ModelForm`). NaN in, NaN out.

        Raises
        ------
        FitError
            Without draws.

        Examples
        --------
        >>> from paramscale.fitting import fit_law
        >>> from paramscale.laws import laws
        >>> sizes, tokens = np.meshgrid(np.geomspace(1e8, 1e10, 6), np.geomspace(1e9, 1e11, 6))
        >>> fit = fit_law(sizes, tokens, laws["besiroglu2024"](sizes, tokens), draws=20)
        >>> inside, beyond = fit.predict(1e9, 2e10), fit.predict(7e10, 1.4e12)
        >>> bool(beyond.high / beyond.low > inside.high / inside.low)
        True
        """
        value = self(parameters, tokens)
        half = self.model_form.quantile * self.spread(parameters, tokens)
        return Interval(value, value * np.exp(-half), value * np.exp(half))

    def interval(self, parameters: FloatsLike, tokens: FloatsLike) -> tuple[Floats, Floats]:
        """Return the ends of `predict`, as a `Law` does."""
        _, low, high = self.predict(parameters, tokens)
        return low, high

    def spread(self, parameters: FloatsLike, tokens: FloatsLike) -> Floats:
        """Return the standard deviation of log loss that `predict` uses."""
        inner, form = self.spreads(parameters, tokens)
        found: Floats = np.hypot(inner, form)[()]
        return found

    def spreads(self, parameters: FloatsLike, tokens: FloatsLike) -> tuple[Array, Array]:
        """Return the two parts of `spread`: of coefficients and scatter, and of the form."""
        drawn = np.log(self._drawn(self._need_draws(), parameters, tokens))
        drawn = np.minimum(drawn, _WILD)
        low, high = np.quantile(drawn, [0.05, 0.95], axis=0)
        scatter = self.residual_scale**2 + self.model_form.scatter**2
        inner = np.sqrt(((high - low) / 3.29) ** 2 + scatter)
        return inner, self.model_form.spread(distance(self.runs, parameters, tokens), inner)

    def sample(
        self, n: int, rng: np.random.Generator
    ) -> Callable[[FloatsLike, FloatsLike], Floats]:
        """Return a law whose results carry a leading axis of n draws.

        A draw is one possible world: coefficients of one bootstrap, and one error of the form for
        all points. The scatter of single runs is not in it.
        """
        rows = self._need_draws()[rng.integers(len(self.draws), size=n)]
        wrong = rng.standard_normal(n)

        def drawn(parameters: FloatsLike, tokens: FloatsLike) -> Floats:
            value = np.asarray(self._drawn(rows, parameters, tokens))
            _, form = self.spreads(parameters, tokens)
            found: Floats = value * np.exp(wrong.reshape(n, *(1,) * form.ndim) * form)
            return found

        return drawn

    def _drawn(self, rows: Array, parameters: FloatsLike, tokens: FloatsLike) -> Floats:
        """Return the loss by each row of coefficients, along a leading axis."""
        size, data = np.broadcast_arrays(
            np.asarray(parameters, dtype=np.float64), np.asarray(tokens, dtype=np.float64)
        )
        shape = (len(rows), *(1,) * size.ndim)
        columns: dict[str, Any] = {
            name: rows[:, at].reshape(shape) for at, name in enumerate(self.coefficients)
        }
        with np.errstate(over="ignore"):  # a wild bootstrap may: its loss is infinite there
            return self.form.function(**self._inputs(size, data), **columns)

    def _need_draws(self) -> Array:
        if len(self.draws) < 2:
            raise FitError(
                "this law was fitted without bootstrap draws, so the uncertainty of its "
                "coefficients is not known; write fit_law(..., draws=200)"
            )
        return self.draws

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value:.6g}" for name, value in self.coefficients.items())
        about = f"{len(self.runs)} runs, scatter {100 * round(self.residual_scale, 6):.3g} %"
        if len(self.draws):
            about += f", {len(self.draws)} draws"
        if self.open_coefficients:
            about += f"; not determined by the runs: {', '.join(self.open_coefficients)}"
        return f"FittedLaw({self.name!r}, form={self.form.name!r}, {given}; {about})"
