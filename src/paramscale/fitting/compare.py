"""Published laws on one grid: how far they disagree, and what trusting the wrong one costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs
import numpy as np

from paramscale.errors import FitError, ParamscaleError
from paramscale.fitting.fitted import FittedLaw
from paramscale.fitting.objective import Array
from paramscale.laws import Law, anchor, best_split, compute_optimum, laws
from paramscale.typing import FloatsLike

__all__ = ["Comparison", "compare_laws"]


@attrs.frozen(eq=False)
class Comparison:
    """Laws side by side at compute budgets; made by `compare_laws`.

    Attributes
    ----------
    names : tuple of str
        The laws, in the order of the first axis of every array.
    flops : array, (budgets,)
        Training compute, 6·N·D.
    parameters, tokens : array, (laws, budgets)
        What each law would train.
    losses : array, (laws, budgets)
        What each law expects of the *median* allocation of all laws: one point for all.
    inside : array of bool, (laws, budgets)
        Whether that point lies in the law's domain.
    regret : array, (laws, laws, budgets)
        ``regret[x, y]``: by how much loss [nats] is above its least if law y is true and the
        money was spent as law x says. 0 where x is y.
    refused : mapping of str to str
        Laws that could not be asked, and why.
    """

    names: tuple[str, ...]
    flops: Array
    parameters: Array
    tokens: Array
    losses: Array
    inside: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
    regret: Array
    refused: Mapping[str, str]

    @property
    def band(self) -> tuple[Array, Array]:
        """Least and greatest loss that any law expects of the same runs, (budgets,) each."""
        return self.losses.min(axis=0), self.losses.max(axis=0)

    @property
    def worst_regret(self) -> dict[str, float]:
        """For each law: what trusting it costs at most [nats], over all others and all budgets."""
        worst = self.regret.max(axis=(1, 2))
        return {name: float(each) for name, each in zip(self.names, worst, strict=True)}

    @property
    def safest(self) -> str:
        """The law whose allocation costs least if any of the others is true."""
        return min(self.worst_regret, key=self.worst_regret.__getitem__)

    def __repr__(self) -> str:
        low, high = self.band
        lines = [f"{len(self.names)} laws at {len(self.flops)} budgets; safest: {self.safest}"]
        for flops, least, most in zip(self.flops, low, high, strict=True):
            lines.append(f"  {flops:8.2e} FLOPs: {least:.3f} to {most:.3f} nats")
        lines += [f"  worst regret of {n}: {r:.4f} nats" for n, r in self.worst_regret.items()]
        return "\n".join(lines)


def compare_laws(
    parameters: FloatsLike,
    tokens: FloatsLike,
    loss: FloatsLike,
    flops: FloatsLike,
    *,
    names: Iterable[str] | None = None,
    own: FittedLaw | None = None,
) -> Comparison:
    """Return registered laws of loss after anchoring them to your runs, and their disagreement.

    Levels of loss do not carry over between data sets, so each law's irreducible term is first
    set to what your runs ask for; the terms of size and data stay.

    Parameters
    ----------
    parameters, tokens, loss : float or array
        Your runs [nats per token].
    flops : float or array
        Compute budgets to compare at, 6·N·D.
    names : iterable of str, optional
        Which laws; all those of loss that take size and tokens alone unless given. Each law gets
        the sizes as you give them, whatever parameters it counts.
    own : FittedLaw, optional
        A law of your own to set beside them; it is not anchored.

    Raises
    ------
    FitError
        If fewer than two laws can be asked; with the reasons.

    Examples
    --------
    >>> found = compare_laws(1e9, 2e10, 2.53, [1e21, 1e23],
    ...                      names=["besiroglu2024", "hoffmann2022_a3"])
    >>> found.names
    ('besiroglu2024', 'hoffmann2022_a3')
    >>> bool(0 < found.regret[0, 1].max() < 0.05)
    True
    """
    budgets = np.atleast_1d(np.asarray(flops, dtype=np.float64))
    if not (np.isfinite(budgets) & (budgets > 0.0)).all():
        raise FitError(f"flops is {flops}; each must be a positive, finite number")
    held: list[Law] = [] if own is None else [own.as_law()]
    refused = {}
    for name in names if names is not None else _comparable():
        try:
            held.append(attrs.evolve(anchor(laws[name], parameters, tokens, loss), law_id=name))
        except ParamscaleError as problem:
            if names is not None and name not in laws:
                raise
            refused[name] = str(problem)
    if len(held) < 2:
        why = "; ".join(refused.values()) or "name two or more"
        raise FitError(f"{len(held)} laws can be compared, two or more are needed: {why}")
    return _side_by_side(held, budgets, refused)


def _comparable() -> list[str]:
    """Return the laws of loss that take size and tokens and nothing else."""
    return [
        name
        for name, law in laws.items()
        if law.gives == "loss_nats"
        and set(law.form.required) == {"parameters", "tokens"}
        and "E" in law.coefficients
    ]


def _side_by_side(held: list[Law], budgets: Array, refused: Mapping[str, str]) -> Comparison:
    """Return losses at a common point of each budget, allocations, and regrets."""
    split = [
        (compute_optimum if law.form.terms is not None else best_split)(law, budgets)
        for law in held
    ]
    size = np.stack([np.asarray(each.parameters) for each in split])
    data = budgets / (6.0 * size)
    middle = np.exp(np.median(np.log(size), axis=0))
    other = budgets / (6.0 * middle)
    least = np.stack([np.asarray(each.loss) for each in split])
    trusted = np.stack([np.asarray(law(size, data)) for law in held], axis=1)
    return Comparison(
        names=tuple(law.law_id for law in held),
        flops=budgets,
        parameters=size,
        tokens=data,
        losses=np.stack([np.asarray(law(middle, other)) for law in held]),
        inside=np.stack([np.asarray(law.in_domain(middle, other)) for law in held]),
        regret=np.maximum(trusted - least[None], 0.0),
        refused=refused,
    )
