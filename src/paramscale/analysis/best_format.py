"""Which size in which number format is best within a budget, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from paramscale.analysis.estimate import estimate
from paramscale.core.estimates import Estimates
from paramscale.core.interval import Z90
from paramscale.errors import SpecError
from paramscale.specs.model import ModelSpec
from paramscale.specs.names import FINDERS
from paramscale.specs.serving import ServingSpec
from paramscale.specs.training import TrainingSpec
from paramscale.typing import FloatsLike

__all__ = ["BestFormat", "SizeFormats", "best_format"]

Array: TypeAlias = npt.NDArray[np.float64]

#: Share of the variance of log losses added that formats of one model have in common: one measured
#: format tells that much of the next (`paramscale.analysis.posterior.SPLITS`).
COMMON = 0.5


class BestFormat(NamedTuple):
    """The best size and format within one budget.

    Attributes
    ----------
    size, format : int
        Places in the grid; -1 where nothing fits.
    label : str
        In words.
    loss, low, high : float
        Loss with what compression adds, and the 90 % interval of the latter.
    probability : float
        That nothing else that fits is better, given how unsure the losses added are.
    """

    size: int
    format: int
    label: str
    loss: float
    low: float
    high: float
    probability: float


@attrs.frozen(eq=False, repr=False)
class SizeFormats:
    """Sizes in formats: their losses, what they take, and the best of those that fit.

    Parameters
    ----------
    sizes, formats : tuple of str
        What rows and columns are called.
    loss, low, high : array of sizes x formats
        Loss [nats] with what compression adds.
    added : array of sizes x formats
        Loss that compression adds.
    taken : mapping of str to array of sizes x formats
        Of each quantity of the budget.
    budget : mapping of str to array of budgets
        Most of each that may be taken.
    chances : array of budgets x sizes x formats
        Probability of being best among those that fit.
    """

    sizes: tuple[str, ...]
    formats: tuple[str, ...]
    loss: Array
    low: Array
    high: Array
    added: Array
    taken: Mapping[str, Array]
    budget: Mapping[str, Array]
    chances: Array

    @property
    def fits(self) -> npt.NDArray[np.bool_]:
        """What fits, budgets x sizes x formats."""
        return _fits(self.taken, self.budget) & np.isfinite(self.loss)

    def best(self, budget: int = 0) -> BestFormat:
        """Return the best within one budget: of least loss, not of greatest probability."""
        loss = np.where(self.fits[budget], self.loss, np.inf)
        i, j = np.unravel_index(int(np.argmin(loss)), loss.shape)
        if not np.isfinite(loss[i, j]):
            return BestFormat(-1, -1, "nothing fits", np.nan, np.nan, np.nan, 0.0)
        return BestFormat(
            int(i), int(j), f"{self.sizes[i]} in {self.formats[j]}", float(self.loss[i, j]),
            float(self.low[i, j]), float(self.high[i, j]), float(self.chances[budget, i, j]),
        )  # fmt: skip

    def front(self, budget: int = 0, *, at_least: float = 0.05) -> list[BestFormat]:
        """Return all that are best with some probability, the likeliest first."""
        chance = self.chances[budget]
        order = np.argsort(-chance, axis=None)
        places = [np.unravel_index(int(k), chance.shape) for k in order]
        return [
            BestFormat(
                int(i), int(j), f"{self.sizes[i]} in {self.formats[j]}", float(self.loss[i, j]),
                float(self.low[i, j]), float(self.high[i, j]), float(chance[i, j]),
            )
            for i, j in places if chance[i, j] >= at_least
        ]  # fmt: skip

    def __repr__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        count = len(next(iter(self.budget.values())))
        for k in range(count):
            within = ", ".join(f"{name} <= {most[k]:.4g}" for name, most in self.budget.items())
            best = self.best(k)
            yield f"{within}: {best.label}, {best.loss:.3f} nats, best with {best.probability:.0%}"


def best_format(
    models: FloatsLike | Sequence[str | ModelSpec],
    formats: Sequence[str],
    within: Mapping[str, FloatsLike],
    *,
    training: TrainingSpec | Sequence[TrainingSpec],
    like: str | ModelSpec = "llama-3.1-8b",
    serving: ServingSpec | None = None,
    draws: int = 2000,
    seed: int = 0,
    **others: Any,
) -> SizeFormats:
    """Return losses of sizes in formats, and which is best within budgets.

    Parameters
    ----------
    models : array of float, or sequence of str or ModelSpec
        Sizes [parameters] of one family, or models.
    formats : sequence of str
        Number formats and file types of weights: ``["bf16", "gptq-int4-g128", "q3_k_m"]``.
    within : mapping of str to float or array
        Quantities and the most of them: ``{"serving_memory_bytes": [12e9, 24e9, 80e9]}``,
        ``{"tpot_s": 0.02}``, ``{"energy_per_token_j": 1.0}``. All must hold; arrays are several
        budgets, one answer each.
    training : TrainingSpec, or one a model
        Tokens decide how well a size has learnt, and how much rounding it bears.
    like : str or ModelSpec
        The family, where sizes are given.
    serving : ServingSpec, optional
        What is served; its weight format is replaced.
    draws, seed : int
        Draws of the losses added, for probabilities.
    **others
        Further specs (``hardware=``, ``parallel=``), and options of ``estimate``. Losses added
        are those on ordinary text unless ``options={"compressed.text": "wikitext"}`` says else.

    Raises
    ------
    SpecError
        If there is no format, no model or no budget, or trainings are not one a model.

    Examples
    --------
    A 70B model in 4 bits and an 8B one in 16 on a card of 48 GB, after 15 T tokens each:

    >>> found = best_format(["llama-3.1-8b", "llama-3.1-70b"], ["bf16", "gptq-int4-g128"],
    ...                     {"serving_memory_bytes": 48e9}, training=TrainingSpec(tokens=15e12))
    >>> found.best().label
    'llama-3.1-70b in gptq-int4-g128'
    """
    if not len(formats) or not within:
        raise SpecError("best_format needs formats, as ['bf16', 'q4_k'], and a budget in `within`")
    budget = _budgets(within)
    scenarios = _scenarios(models, like, training)
    wanted = ("parameters", "loss_nats", "compression_loss_nats", *budget)
    asked = serving or ServingSpec()
    others["options"] = {"compressed.text": "ordinary"} | dict(others.get("options") or {})
    columns = []
    for name in formats:
        how = attrs.evolve(asked, weight_format=name)
        rows = [
            estimate(model=model, training=run, serving=how, quantities=wanted, **others)
            for model, run in scenarios
        ]
        columns.append(rows)
    names = _labels(scenarios, columns[0])
    return _gathered(names, tuple(formats), columns, budget, draws, seed)


def _budgets(within: Mapping[str, FloatsLike]) -> dict[str, Array]:
    given = [np.atleast_1d(np.asarray(most, dtype=np.float64)) for most in within.values()]
    if any(most.ndim > 1 for most in given):
        raise SpecError("budgets in `within` must be numbers or arrays of one axis")
    try:
        most = np.broadcast_arrays(*given)
    except ValueError:
        raise SpecError(
            f"budgets in `within` must be of one length, not {[each.size for each in given]}"
        ) from None
    return dict(zip(within, most, strict=True))


def _scenarios(
    models: Any, like: str | ModelSpec, training: TrainingSpec | Sequence[TrainingSpec]
) -> list[tuple[ModelSpec, TrainingSpec]]:
    """Return models with their trainings: a grid of sizes is one."""
    numbers = not isinstance(models, (str, ModelSpec)) and not any(
        isinstance(each, (str, ModelSpec)) for each in np.ravel(np.asarray(models, dtype=object))
    )
    found: list[ModelSpec]
    if numbers:
        found = [ModelSpec.of_size(np.atleast_1d(np.asarray(models, dtype=np.float64)), like=like)]
    else:
        given = [models] if isinstance(models, (str, ModelSpec)) else list(models)
        found = [FINDERS["model"](each) if isinstance(each, str) else each for each in given]
    if not found:
        raise SpecError("best_format needs models or sizes")
    runs = [training] * len(found) if isinstance(training, TrainingSpec) else list(training)
    if len(runs) != len(found):
        raise SpecError(f"{len(runs)} trainings for {len(found)} models; give one, or one a model")
    return list(zip(found, runs, strict=True))


def _labels(
    scenarios: list[tuple[ModelSpec, TrainingSpec]], rows: list[Estimates]
) -> tuple[str, ...]:
    if len(scenarios) == 1 and np.ndim(rows[0]["parameters"].value):
        return tuple(f"{each / 1e9:.3g} G" for each in np.ravel(rows[0]["parameters"].value))
    return tuple(model.name for model, _ in scenarios)


def _gathered(
    sizes: tuple[str, ...],
    formats: tuple[str, ...],
    columns: list[list[Estimates]],
    budget: dict[str, Array],
    draws: int,
    seed: int,
) -> SizeFormats:
    def grid(name: str, end: str = "value") -> Array:
        """Return a quantity, sizes x formats."""
        made = [[np.ravel(getattr(row[name], end)) for row in rows] for rows in columns]
        return np.stack(
            [np.broadcast_to(np.concatenate(each), len(sizes)) for each in made], axis=-1
        )

    added = grid("compression_loss_nats")
    law = grid("loss_nats")
    low, high = (law + grid("compression_loss_nats", end) for end in ("low", "high"))
    taken = {name: grid(name) for name in budget}
    fits = _fits(taken, budget) & np.isfinite(law + added)
    chances = _chances(law, added, high - law, fits, draws, seed)
    return SizeFormats(sizes, formats, law + added, low, high, added, taken, budget, chances)


def _fits(taken: Mapping[str, Array], budget: Mapping[str, Array]) -> npt.NDArray[np.bool_]:
    """Return what fits, budgets x sizes x formats."""
    fits = [taken[name] <= most[:, None, None] for name, most in budget.items()]
    found: npt.NDArray[np.bool_] = np.logical_and.reduce(fits)
    return found


def _chances(
    law: Array, added: Array, most: Array, fits: npt.NDArray[np.bool_], draws: int, seed: int
) -> Array:
    """Return the probability of each to have the least loss of those that fit, by budget."""
    rng = np.random.default_rng(seed)
    with np.errstate(divide="ignore", invalid="ignore"):
        deviation = np.where(added > 0.0, np.log(np.maximum(most, added) / added) / Z90, 0.0)
    shared = rng.standard_normal((draws, law.shape[0], 1))  # of one model in all formats
    own = rng.standard_normal((draws, *law.shape))
    error = np.sqrt(COMMON) * shared + np.sqrt(1.0 - COMMON) * own
    drawn = law + added * np.exp(deviation * error)
    won = np.zeros(fits.shape)
    for k, fit in enumerate(fits):
        if fit.any():
            winner = np.where(fit, drawn, np.inf).reshape(draws, -1).argmin(axis=1)
            won[k] = np.bincount(winner, minlength=law.size).reshape(law.shape) / draws
    return won
