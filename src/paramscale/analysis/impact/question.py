"""What is asked: sizes or models, the specs around them, and how tokens go with size."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from paramscale.analysis.estimate import collect_inputs, estimate
from paramscale.core.estimator import ESTIMATORS
from paramscale.errors import SpecError, plain_number
from paramscale.specs.model import ModelSpec
from paramscale.specs.names import FINDERS
from paramscale.specs.serving import ServingSpec
from paramscale.specs.training import TrainingSpec
from paramscale.typing import Floats
from paramscale.units import format_value

__all__ = ["Group", "Question", "ask", "positive"]

#: Sizes of the default answer: half decades are shown, the points between them draw the curves.
LEAST, MOST, A_DECADE = 1e8, 1e12, 20

#: As many tokens as Llama 3 was trained on (arXiv:2407.21783, section 1: about 15T).
TOKENS = 15e12
#: A load on which weights are read for many sequences at once, as servers do.
BATCH = 32.0
TRAINING_DEVICES = 1024.0
#: A member of a family may have so many times the parameters that were asked for, and no more.
_SMALLEST = 1.5


#: The specs that are the same for every size.
_INPUTS = ("hardware", "serving", "site", "account")
#: What is fitted on machines, up to so many devices.
_FITTED = ("ttft_s", "tpot_s", "power_w", "chip_energy_per_token_j")

Array = npt.NDArray[np.float64]


@attrs.frozen(eq=False)
class Group:
    """Sizes of one architecture: a family as an array of sizes, or one published model.

    Attributes
    ----------
    model : ModelSpec
        The model, a grid for a family.
    nominal : array
        The sizes that were asked for; of a published model its parameters.
    parameters : array
        Parameters, tied weights once.
    labels : sequence of str
        What each size is called.
    """

    model: ModelSpec
    nominal: Array
    parameters: Array
    labels: tuple[str, ...]


@attrs.frozen(eq=False, kw_only=True)
class Question:
    """Everything that the answer depends on, with defaults filled in.

    Attributes
    ----------
    groups : sequence of Group
        The sizes, ascending.
    reference : Group
        The family from its least to its largest size, closely spaced.
    shown : array of int
        Which of all points a table shows.
    of_family : str
        The family that sizes belong to; empty for published models.
    inputs : mapping
        Specs by name: hardware where it is given, serving, site and account.
    training : TrainingSpec
        The run; its tokens are those of every size unless `rule` says otherwise.
    rule : tuple of (str, float)
        ``("tokens", D)``: every size sees D tokens; ``("ratio", r)``: r tokens a parameter;
        ``("compute", C)``: 6 N D = C.
    parallel : ParallelSpec, optional
        Layout in use; None: the fewest devices that hold the model.
    training_devices : float
        Devices of the training run.
    lifetime_tokens : float, optional
        Tokens that are written in use over the life of the model; None: those of the demand that
        `serving` states, else as many as it learns from.
    use, options : mapping
        As for :func:`~paramscale.analysis.estimate.estimate`.
    """

    groups: tuple[Group, ...]
    reference: Group
    shown: Any
    of_family: str
    inputs: Mapping[str, Any]
    training: TrainingSpec
    rule: tuple[str, float]
    parallel: Any
    training_devices: float
    lifetime_tokens: float | None
    use: Mapping[str, Any] | None
    options: Mapping[str, Any] | None

    @property
    def hardware(self) -> Any:
        """The machine, or None."""
        return self.inputs.get("hardware")

    @property
    def serving(self) -> ServingSpec:
        """The load in use."""
        found: ServingSpec = self.inputs["serving"]
        return found

    def tokens_of(self, parameters: Floats) -> Floats:
        """Return the training tokens of models of some size."""
        kind, amount = self.rule
        if kind == "ratio":
            return np.rint(amount * parameters)
        if kind == "compute":
            return np.rint(amount / (6.0 * parameters))
        return np.float64(amount)

    def life_of(self, parameters: Floats) -> Floats:
        """Return the tokens that models of some size write over their life."""
        if self.lifetime_tokens is not None:
            return np.float64(self.lifetime_tokens)
        demand = self.demand_tokens
        return self.tokens_of(parameters) if demand is None else np.float64(demand)

    @property
    def demand_tokens(self) -> float | None:
        """Tokens written on all days of the demand that `serving` states, or None."""
        daily, days = self.serving.requests_per_day, self.serving.deployment_days
        if daily is None or days is None:
            return None
        return float(daily * days * self.serving.output_tokens)

    def training_of(self, group: Group) -> TrainingSpec:
        """Return the run of each size of a group."""
        return attrs.evolve(self.training, tokens=self.tokens_of(group.parameters))

    def with_law_of(self, curve: Any) -> Question:
        """Return the question with the law of loss of the whole family, for every size.

        Laws differ in level, so that sizes compare only under one of them.
        """
        chosen = {
            "loss_nats": curve.rows["loss_nats"].estimator if "loss_nats" in curve.rows else None
        }
        use = {name: law for name, law in chosen.items() if law is not None}
        return attrs.evolve(self, use={**use, **(self.use or {})})

    def rule_in_words(self) -> str:
        """Return how tokens go with size."""
        kind, amount = self.rule
        if kind == "ratio":
            return f"{amount:g} tokens for each parameter"
        if kind == "compute":
            compute = format_value(amount, "FLOP")
            return f"{compute} of compute at every size: tokens = compute / (6 x parameters)"
        return f"{format_value(amount, 'tokens')} at every size"


def ask(
    *, hardware: Any, training: Any, serving: Any, site: Any, account: Any, parallel: Any,
    sizes: Any, like: Any, tokens: Any, training_flops: Any, training_devices: Any,
    lifetime_tokens: Any, use: Any, options: Any,
) -> Question:  # fmt: skip
    """Return the question that arguments of ``impact`` ask; see there."""
    run = TrainingSpec(tokens=TOKENS) if training is None else training
    rule = _rule(run, tokens, training_flops)
    if rule[0] == "tokens":
        run = attrs.evolve(run, tokens=rule[1])
    load = ServingSpec(batch=BATCH, schedule="continuous") if serving is None else serving
    _one_point(training=run, serving=load, parallel=parallel)
    given = {"hardware": hardware, "serving": load, "site": site, "account": account,
             "parallel": parallel}  # fmt: skip
    ESTIMATORS.registry.load()  # specs learn to be made from names
    inputs = collect_inputs(ESTIMATORS, None, {**given, "training": run})
    groups, reference, shown = _sizes(sizes, like)
    life = lifetime_tokens
    kept = {name: spec for name, spec in inputs.items() if name in _INPUTS}
    return Question(
        groups=groups, reference=reference, shown=shown, of_family=_family_name(sizes, like),
        inputs=kept, training=run, rule=rule,
        parallel=None if parallel is None else inputs["parallel"],
        training_devices=positive(training_devices, "training_devices"),
        lifetime_tokens=None if life is None else positive(life, "lifetime_tokens", zero=True),
        use={**_same_for_all(inputs), **(use or {})}, options=options,
    )  # fmt: skip


def _same_for_all(inputs: Mapping[str, Any]) -> dict[str, str]:
    """Return the best estimator of what is fitted on machines, to be used at every size.

    Sizes compare only under one. Left to themselves, all would be told by a bound as soon as the
    largest leaves the domain of what is better; so the sizes beyond it are marked instead.
    """
    if "hardware" not in inputs:
        return {}
    return {name: ESTIMATORS.of(name)[0].name for name in _FITTED}


def _rule(run: TrainingSpec, tokens: Any, compute: Any) -> tuple[str, float]:
    """Return how tokens go with size."""
    if tokens is not None and compute is not None:
        raise SpecError("give tokens or training_flops, not both: one follows from the other")
    if compute is not None:
        return "compute", positive(compute, "training_flops")
    if isinstance(tokens, str):
        return "ratio", positive(_a_parameter(tokens), "tokens")
    given = run.tokens if tokens is None else tokens
    if np.ndim(given):
        raise SpecError("impact takes one number of tokens; vary it with sweep, or write '20x'")
    return "tokens", positive(given, "tokens")


def _a_parameter(text: str) -> float:
    """Return the 20 of ``"20x"``."""
    number, sign, rest = text.strip().lower().partition("x")
    try:
        if sign and not rest:
            return float(number)
    except ValueError:
        pass
    raise SpecError(f"tokens={text!r} is no number; write 15e12, or '20x' for 20 a parameter")


def positive(value: Any, name: str, *, zero: bool = False) -> float:
    """Return one positive and finite number, or refuse it by its name."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise SpecError(f"{name} must be one number, not {value!r}") from None
    if not (number > 0.0 or (zero and number == 0.0)) or number == float("inf"):
        raise SpecError(f"{name} must be positive and finite, not {plain_number(number)}")
    return number


def _one_point(**specs: Any) -> None:
    """Refuse specs that hold arrays: size is the only axis here."""
    for name, spec in specs.items():
        for field in attrs.fields(type(spec)) if attrs.has(type(spec)) else ():
            if isinstance(getattr(spec, field.name), np.ndarray):
                raise SpecError(
                    f"{name}.{field.name} holds an array, but impact varies size alone; "
                    "cross axes with sweep"
                )


def _sizes(sizes: Any, like: Any) -> tuple[tuple[Group, ...], Group, Any]:
    """Return the groups of sizes, the family around them, and which points are shown."""
    if sizes is None:
        family = _around(LEAST, MOST, like)
        halves = np.isin(family.nominal, _spaced(LEAST, MOST)[:: A_DECADE // 2])
        return (family,), family, np.flatnonzero(halves)
    many = isinstance(sizes, Iterable) and not isinstance(sizes, (str, ModelSpec))
    given: Sequence[Any] = list(sizes) if many else [sizes]
    if not given:
        raise SpecError("sizes is empty; give numbers of parameters, or names of models")
    named = [isinstance(each, (str, ModelSpec)) for each in given]
    if any(named) and not all(named):
        raise SpecError("sizes are numbers of parameters or models, not both in one list")
    if all(named):
        groups = sorted(map(_published, given), key=lambda group: float(group.parameters[0]))
    else:
        groups = [_family(np.unique([_size(each) for each in given]), like)]
        _refuse_small(groups[0], like)
    ends = [float(groups[0].parameters[0]), float(groups[-1].parameters[-1])]
    around = _around(min(LEAST, ends[0]), max(MOST, ends[1]), like)
    return tuple(groups), around, np.arange(sum(group.nominal.size for group in groups))


def _spaced(least: float, most: float) -> Any:
    return np.geomspace(least, most, int(np.ceil(np.log10(most / least) * A_DECADE)) + 1)


def _size(value: Any) -> float:
    return positive(value, "sizes")


def _family_name(sizes: Any, like: Any) -> str:
    many = isinstance(sizes, Iterable) and not isinstance(sizes, (str, ModelSpec))
    first = next(iter(sizes), None) if many else sizes
    if isinstance(first, (str, ModelSpec)):
        return ""
    return like if isinstance(like, str) else str(like.name)


def _family(grid: Any, like: Any) -> Group:
    """Return the sizes of a family."""
    model = ModelSpec.of_size(grid, like=like)
    counts = _parameters(model, grid.size)
    return Group(model, grid, counts, tuple(_short(size) for size in grid))


def _around(least: float, most: float, like: Any) -> Group:
    """Return a family closely spaced, without the sizes that it cannot be made as small as."""
    family = _family(_spaced(least, most), like)
    met = family.parameters <= _SMALLEST * family.nominal
    return family if met.all() else _family(family.nominal[met], like)


def _refuse_small(group: Group, like: Any) -> None:
    """Refuse sizes that the family cannot be made as small as."""
    met = group.parameters <= _SMALLEST * group.nominal
    if not met.all():
        name = like if isinstance(like, str) else like.name
        least, asked = (
            _short(float(each)) for each in (group.parameters.min(), group.nominal[~met][0])
        )
        raise SpecError(
            f"sizes holds {asked}, but the smallest model like {name} has {least} parameters, most"
            " of them in its tables; ask for more, or name another family with like="
        )


def _published(given: str | ModelSpec) -> Group:
    model = FINDERS["model"](given) if isinstance(given, str) else given
    if model.arrays():
        raise SpecError(f"the model {model.name!r} is a grid; give its sizes as numbers")
    count = _parameters(model, 1)
    return Group(model, count, count, (model.name,))


def _parameters(model: ModelSpec, size: int) -> Any:
    found = estimate(model=model, quantities=["parameters"])["parameters"].value
    return np.broadcast_to(np.atleast_1d(found), (size,))


def _short(size: float) -> str:
    """Return a size in at most three digits: ``"316 M"``."""
    return format_value(size, "parameters")
