"""The record of an estimator, and everything that is checked before it is accepted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, TypeAlias, TypedDict, get_args

import attrs

from paramscale.core.domain import Domain
from paramscale.core.interval import Interval
from paramscale.core.quantity import Quantity, learn
from paramscale.core.reasons import Refusals
from paramscale.core.registry import Registry
from paramscale.core.signature import Signature, read_signature
from paramscale.core.source import Source, SourceLike, as_sources
from paramscale.core.spec import SpecKind
from paramscale.errors import RegistrationError, did_you_mean

__all__ = ["Claims", "Estimator", "Interval", "Kind", "Parts", "describe"]

#: How a number is meant: arithmetic, a limit that nothing beats, a fitted law, or a calibration.
Kind: TypeAlias = Literal["exact", "bound", "law", "calibrated"]

Parts: TypeAlias = Callable[..., Mapping[str, Any]]


class Claims(TypedDict):
    """What is said about an estimator when it is registered; see `estimator`."""

    gives: Quantity | str
    source: SourceLike | None
    name: str | None
    rank: float | None
    kind: Kind | None
    domain: Domain | None
    parts: Parts | None
    refusals: Refusals | None
    needs: Iterable[str]


@attrs.frozen(eq=False)
class Estimator:
    """The record of a registered estimator; calling it calls the function."""

    quantity: Quantity
    name: str
    function: Callable[..., Any]
    signature: Signature
    sources: tuple[Source, ...]
    rank: float
    kind: Kind
    domain: Domain | None
    parts: Parts | None
    parts_signature: Signature | None
    refusals: Refusals | None
    refusals_signature: Signature | None
    needs: tuple[str, ...]
    order: tuple[bool, str, int]

    @property
    def key(self) -> str:
        """``"quantity.name"``, unique in a collection."""
        return f"{self.quantity.name}.{self.name}"

    @property
    def summary(self) -> str:
        """First paragraph of the docstring, as one line."""
        return " ".join(_docstring(self.function).split("\n\n")[0].split())

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        return self.function(*inputs, **options)


def describe(
    function: Callable[..., Any],
    claims: Claims,
    vocabulary: Registry[Quantity],
    kinds: Registry[SpecKind],
    count: int,
) -> Estimator:
    """Return the record of an estimator after checking everything that can be checked now.

    What is not claimed is looked for on the function or object: its `name`, `source`, `kind`,
    `domain`, `rank`. `count` is how many are registered already.
    """
    said: dict[str, Any] = {
        key: getattr(function, key, None) if value is None else value
        for key, value in claims.items()
    }
    name = said["name"] or getattr(function, "__name__", None)
    if not isinstance(name, str) or not name:
        raise RegistrationError(f"the estimator {function!r} has no name; write name='...'")
    owner = f"estimator {name!r}"
    if not _docstring(function):
        raise RegistrationError(f"{owner} has no docstring; its first line says what comes back")
    kind: Any = said["kind"] or "exact"
    if kind not in get_args(Kind):
        raise RegistrationError(f"{owner}: kind={kind!r}; allowed are {get_args(Kind)}")
    sources = as_sources(said["source"] or (), owner)
    quantity = _quantity(claims["gives"], owner, vocabulary)
    signature = read_signature(function, owner, vocabulary, kinds)
    asides: dict[str, Signature | None] = {}
    for aside in ("parts", "refusals"):
        asides[aside] = None
        if said[aside] is not None:
            called = f"{aside} of {owner}"
            taken = asides[aside] = read_signature(said[aside], called, vocabulary, kinds)
            _check_aside(taken, signature, called)
    domain, needs = said["domain"], tuple(claims["needs"])
    for path in (*needs, *(domain.bounds if domain else ())):
        _check_path(path, owner, vocabulary, kinds)
    return Estimator(
        quantity, name, function, signature, sources, said["rank"] or 0, kind, domain,
        said["parts"], asides["parts"], said["refusals"], asides["refusals"], needs,
        _order(function, count),
    )  # fmt: skip


def _docstring(function: Any) -> str:
    return (getattr(function, "__doc__", None) or "").strip()


def _order(function: Any, count: int) -> tuple[bool, str, int]:
    """Return what ranks estimators of equal rank, whatever was imported first.

    The built-ins come first, by module and then as written; then strangers, as registered.
    """
    module = getattr(function, "__module__", None) or ""
    ours = module.partition(".")[0] == __name__.partition(".")[0]
    return (not ours, module if ours else "", count)


def _quantity(gives: Quantity | str, owner: str, vocabulary: Registry[Quantity]) -> Quantity:
    if isinstance(gives, Quantity):
        return learn(vocabulary, gives)
    if gives not in vocabulary:
        hint = did_you_mean(gives, vocabulary)
        raise RegistrationError(f"{owner} gives {gives!r}, which is not a quantity{hint}")
    return vocabulary[gives]


def _check_aside(aside: Signature, whole: Signature, called: str) -> None:
    more = [name for name in aside.inputs if name not in whole.inputs]
    if more:
        raise RegistrationError(
            f"{called}: they take {', '.join(more)}, which the estimator does not take; "
            f"allowed are {', '.join(whole.inputs) or 'none'}"
        )


def _check_path(
    path: str, owner: str, vocabulary: Registry[Quantity], kinds: Registry[SpecKind]
) -> None:
    """Refuse a name in a domain, or a needed field, that nothing can provide."""
    spec, _, field = path.rpartition(".")
    if not spec and path not in vocabulary:
        hint = did_you_mean(path, vocabulary)
        raise RegistrationError(f"{owner}: {path!r} is not a quantity{hint}")
    if spec and spec not in kinds:
        hint = did_you_mean(spec, kinds)
        raise RegistrationError(f"{owner}: {path!r} names no spec{hint}")
    if spec:
        cls = kinds[spec].cls
        fields = [each.name for each in attrs.fields(cls)] if attrs.has(cls) else []
        if field not in fields and not hasattr(cls, field):
            hint = did_you_mean(field, fields)
            raise RegistrationError(f"{owner}: {cls.__name__} has no field {field!r}{hint}")
