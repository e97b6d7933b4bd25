"""``impact``: what the number of parameters does, over a range of sizes, in one call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs

from paramscale.analysis.impact.balance import add_excess, add_total, costs_of, frontier
from paramscale.analysis.impact.choose import Choice, choose
from paramscale.analysis.impact.opinions import with_opinions
from paramscale.analysis.impact.question import TRAINING_DEVICES, Question, ask, positive
from paramscale.analysis.impact.result import Impact
from paramscale.analysis.impact.row import Row
from paramscale.analysis.impact.rows import Gathered, gather

__all__ = ["Choice", "Impact", "Row", "impact"]

#: Share of the loss that a doubling of the total cost shall save, unless the user says another.
WORTH = 0.01


def impact(
    *,
    hardware: Any = None,
    training: Any = None,
    serving: Any = None,
    site: Any = None,
    account: Any = None,
    parallel: Any = None,
    sizes: Iterable[Any] | None = None,
    like: Any = "llama-3.1-8b",
    tokens: float | str | None = None,
    training_flops: float | None = None,
    training_devices: float = TRAINING_DEVICES,
    lifetime_tokens: float | None = None,
    objective: str = "balance",
    budget: Mapping[str, Any] | None = None,
    worth: float = WORTH,
    use: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Impact:
    """Return what the number of parameters does to learning, memory, time and cost.

    Every size is a member of the family `like` (or a published model), trained on the same data and
    used under the same load on the fewest devices that hold it. All sizes are estimated at once.

    Parameters
    ----------
    hardware : HardwareSpec or str, optional
        The accelerator; without it only counts, FLOPs and what is learned are told.
    training : TrainingSpec, optional
        The run; 15e12 fresh tokens unless given. State ``unique_tokens`` to see overfitting.
    serving : ServingSpec, optional
        The load in use; 32 sequences at once unless given.
    site : SiteSpec or str, optional
        The place, for energy, carbon, water and money; the average of the world unless given.
    account : AccountSpec, optional
        What counts: boundary, basis of carbon, tenure of devices.
    parallel : ParallelSpec, optional
        Layout in use of all sizes, instead of the fewest devices.
    sizes : iterable of float, str or ModelSpec, optional
        Numbers of parameters, or published models; unless given, half decades from 1e8 to 1e12.
    like : str or ModelSpec
        The family.
    tokens : float or str, optional
        Training tokens of every size, or ``"20x"`` for 20 tokens a parameter.
    training_flops : float, optional
        Compute of every size instead: tokens are ``compute / (6 · parameters)``.
    training_devices : float
        Devices of the training run: fully sharded, tensor ranks where it takes them to fit.
    lifetime_tokens : float, optional
        Tokens written in use over the life of the model; unless given, those of the demand that
        `serving` states by ``requests_per_day`` and ``deployment_days``, else as many as it is
        trained on.
    objective : str
        ``"balance"`` (see `worth`), ``"efficient"``, ``"loss"``, ``"cost"``, ``"latency"``, or the
        name of a quantity, which is then the least, or of accuracies and speeds the greatest.
    budget : mapping, optional
        Limits that the balanced size must meet: ``{"tpot_s": "<= 30 ms", "mmlu_fraction": 0.7}``.
    worth : float
        Share of the loss that a doubling of the total cost shall save: the exchange rate of
        ``"balance"``. Loss falls with size as a power law, which has no knee of its own.
    use, options : mapping, optional
        As for :func:`paramscale.estimate`.
    progress : callable, optional
        Told how many of the models are done, and of how many.

    Returns
    -------
    Impact
        Rows by quantity over the sizes, each with its interval, and the balanced size.

    Raises
    ------
    SpecError
        If a size or `worth` is not positive, or a spec holds an array: size is the only axis here.
    UnknownNameError
        If there is no machine, model, objective or quantity of a name.

    Examples
    --------
    >>> found = impact(hardware="h100-sxm", sizes=[1e9, 8e9, 64e9], budget={"tpot_s": 0.01})
    >>> found["serving_devices"].value
    array([1., 1., 4.])
    >>> found.balanced.label
    '1 B'
    """
    worth = positive(worth, "worth")
    question = ask(
        hardware=hardware, training=training, serving=serving, site=site, account=account,
        parallel=parallel,
        sizes=sizes, like=like, tokens=tokens, training_flops=training_flops,
        training_devices=training_devices, lifetime_tokens=lifetime_tokens, use=use,
        options=options,
    )  # fmt: skip
    curve = gather(question, (question.reference,))
    question = question.with_law_of(curve)
    same = question.groups == (question.reference,)
    found = curve if same else gather(question, question.groups, progress)
    _add_costs(question, found, curve)
    labels = tuple(label for group in question.groups for label in group.labels)
    choice = choose(found.rows, labels, objective, budget, worth)
    choice = with_opinions(choice, found.rows, labels, worth)
    return Impact(question, labels, found, curve, choice)


def _add_costs(question: Question, found: Gathered, curve: Gathered) -> None:
    """Add total cost and excess to the rows of the sizes, and of the family around them."""
    family = attrs.evolve(question, groups=(question.reference,), of_family="family")
    around = costs_of(question, curve.rows)
    rivals = None if around is None else frontier(question, curve.rows, around)
    pairs = [(question, found)] if found is curve else [(question, found), (family, curve)]
    for each, gathered in pairs:
        costs = costs_of(each, gathered.rows)
        if costs is None:
            continue
        add_total(each, gathered.rows, costs)
        if rivals is not None and around is not None and costs.name == around.name:
            add_excess(each, gathered.rows, costs, rivals)
