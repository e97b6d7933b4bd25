"""What ``paramscale list`` shows: for each kind of thing, its rows as plain records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import attrs

if TYPE_CHECKING:
    from paramscale.core.estimator import Estimators

__all__ = ["TABLES", "Table"]

Record = dict[str, Any]


class Table(NamedTuple):
    """A kind of thing: its meaning, the columns of the text table, and how to read its records.

    Records may hold more than the columns; all of it is searched, and goes into JSON.
    """

    meaning: str
    columns: tuple[str, ...]
    records: Callable[[], Iterator[Record]]


def _models() -> Iterator[Record]:
    from paramscale import estimate, models

    for key in models:
        model = models[key]
        counts = estimate(model=model, quantities=("parameters", "active_parameters"))
        yield {
            "model": key,
            "family": model.family,
            "parameters": counts["parameters"].value,
            "active_parameters": counts["active_parameters"].value,
            "layers": model.depth,
            "width": model.width,
            "max_context": model.max_context,
            "source": model.source,
        }


def _hardware() -> Iterator[Record]:
    from paramscale import hardware

    for key, machine in hardware.items():
        yield {"hardware": key, **attrs.asdict(machine)}


def _sites() -> Iterator[Record]:
    from paramscale import sites

    for key, site in sites.items():
        facts = {name: attrs.asdict(fact) for name, fact in site.facts.items()}
        record = {"site": key, "place": sites.place(key), **attrs.asdict(site), "facts": facts}
        yield record | {"years": sites.years(key)}


def _prices() -> Iterator[Record]:
    from paramscale import prices

    for key, price in prices.items():
        if "@" in key:  # the last year of each follows under the name without it
            yield {"price": key, **attrs.asdict(price)}


def _formats() -> Iterator[Record]:
    from paramscale import formats

    for key, form in formats.items():
        yield {"format": key, "bits_per_weight": form.bits_per_weight, **attrs.asdict(form)}


def _laws() -> Iterator[Record]:
    from paramscale.laws import laws

    for key, law in laws.items():
        yield {
            "law": key,
            "form": law.form.name,
            "domain": law.domain.text(),
            "coefficients": dict(law.coefficients),
            "standard_errors": dict(law.standard_errors),
            "paper": law.paper,
            "arxiv": law.arxiv,
            "data": law.data,
            "parameters_convention": law.parameters_convention,
            "loss_unit": law.loss_unit,
            "source": law.source,
            "note": law.note,
        }


def _collection() -> Estimators:
    """Return the shared collection, after what fills it has been imported."""
    import paramscale.analysis.estimate  # noqa: F401  # tells the collection its built-ins
    from paramscale.core.estimator import ESTIMATORS

    return ESTIMATORS


def _quantities() -> Iterator[Record]:
    collection = _collection()
    for quantity in collection.quantities():
        by = [record.name for record in collection.of(quantity.name)]
        yield {
            "quantity": quantity.name,
            "unit": quantity.unit,
            "meaning": quantity.meaning,
            "estimators": by,
        }


def _estimators() -> Iterator[Record]:
    collection = _collection()
    for quantity in collection.quantities():
        for record in collection.of(quantity.name):
            yield {
                "quantity": quantity.name,
                "estimator": record.name,
                "kind": record.kind,
                "summary": record.summary,
                "rank": record.rank,
                "needs": [*record.signature.inputs, *record.needs],
                "options": sorted(record.signature.options),
                "domain": record.domain.text() if record.domain else "",
                "source": "; ".join(source.text for source in record.sources),
            }


def _families() -> Iterator[Record]:
    from paramscale.io.hf.family import families

    for model_type in sorted(families):
        reader = families[model_type]
        yield {"model_type": model_type, "meaning": _first_line(reader), "reader": reader.__name__}


def _blocks() -> Iterator[Record]:
    from paramscale.specs.block import blocks

    for kind in sorted(blocks):
        cls = blocks[kind]
        fields = [field.name for field in attrs.fields(cls)]
        yield {"block": kind, "meaning": _first_line(cls), "class": cls.__name__, "fields": fields}


def _transforms() -> Iterator[Record]:
    from paramscale.transforms.chain import transforms

    for name in sorted(transforms):
        yield {"transform": name, "meaning": _first_line(transforms[name]).removeprefix("Return ")}


def _engines() -> Iterator[Record]:
    from paramscale.specs.serving import ENGINES
    from paramscale.systems.coefficients import measured

    regimes = {"continuous": "requests that come and go", "static": "batches that start together",
               "single_stream": "one request at a time"}  # fmt: skip
    for name in filter(None, ENGINES):
        found = [words for regime, words in regimes.items() if name in measured(regime, "engine")]
        yield {"engine": name, "measured": "; ".join(found) or "not measured: intervals are wider"}


def _first_line(thing: object) -> str:
    return (thing.__doc__ or "").strip().partition("\n")[0]


#: Every kind of thing that can be listed.
TABLES = {
    "models": Table(
        "published models", ("model", "parameters", "active_parameters", "family"), _models
    ),
    "hardware": Table(
        "accelerators",
        ("hardware", "memory_bytes", "memory_bandwidth_bytes_per_s", "bf16_flops_per_s",
         "power_limit_w"),
        _hardware,
    ),
    "sites": Table(
        "places: electricity, cooling, water",
        ("site", "grid_kgco2e_per_kwh", "pue", "place"),
        _sites,
    ),
    "prices": Table(
        "offers of devices, rented by the hour or bought", ("price", "usd", "low", "high", "seen"),
        _prices,
    ),
    "formats": Table(
        "number formats", ("format", "bits_per_weight", "compute_type", "title"), _formats
    ),
    "laws": Table("published laws of loss", ("law", "form", "domain"), _laws),
    "quantities": Table(
        "what can be estimated", ("quantity", "unit", "meaning"), _quantities
    ),
    "estimators": Table(
        "what estimates it, best rank first", ("quantity", "estimator", "kind", "summary"),
        _estimators,
    ),
    "families": Table(
        "model types whose configurations are read", ("model_type", "meaning"), _families
    ),
    "blocks": Table("kinds of block that models are made of", ("block", "meaning"), _blocks),
    "transforms": Table(
        "what can be done to a model, each a function of paramscale", ("transform", "meaning"),
        _transforms,
    ),
    "engines": Table("software that serves models", ("engine", "measured"), _engines),
}  # fmt: skip
