"""A collection of estimators: what gives a quantity, in which order of preference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from paramscale.core.quantity import VOCABULARY, Quantity
from paramscale.core.record import Claims, Estimator, describe
from paramscale.core.registry import Registry
from paramscale.core.spec import SPEC_TYPES, SpecKind
from paramscale.errors import RegistrationError, UnknownNameError

__all__ = ["ESTIMATORS", "Estimators"]


class Estimators:
    """A collection of estimators over one vocabulary and one set of spec types.

    Users meet the shared one, :data:`ESTIMATORS`; tests and embedders make their own.

    Parameters
    ----------
    vocabulary : Registry of Quantity, optional
        An empty one unless given.
    kinds : Registry of SpecKind, optional
        The spec types; none unless given.
    group : str, optional
        Entry-point group of third parties.

    Examples
    --------
    >>> from paramscale.core.estimator import estimator
    >>> own = Estimators()
    >>> @estimator(gives=Quantity("wait_s", "Time spent waiting"), source="a guess", into=own)
    ... def usual_wait(*, minutes=2.0):
    ...     '''Time that one usually waits.'''
    ...     return 60.0 * minutes
    >>> [record.name for record in own.of("wait_s")], usual_wait()
    (['usual_wait'], 120.0)
    """

    def __init__(
        self,
        *,
        vocabulary: Registry[Quantity] | None = None,
        kinds: Registry[SpecKind] | None = None,
        group: str | None = None,
    ) -> None:
        self.vocabulary = Registry("quantity", holds=Quantity) if vocabulary is None else vocabulary
        self.kinds = Registry("spec", holds=SpecKind) if kinds is None else kinds
        self.registry: Registry[Estimator] = Registry(
            "estimator", holds=Estimator, group=group, adopt=self._adopt
        )
        self.needs: tuple[str, ...] = ()
        self.version = 0
        self._by_quantity: dict[str, tuple[Estimator, ...]] = {}

    def register(self, function: Callable[..., Any], claims: Claims) -> Estimator:
        """Check a function or callable object and add its record."""
        count = len(self.registry.names_so_far())
        return self.add(describe(function, claims, self.vocabulary, self.kinds, count))

    def add(self, record: Estimator) -> Estimator:
        """Add a record; a name is taken once a quantity, except by a cell of a notebook rerun."""
        if self._is_rerun(record):
            self.registry.replace(record.key, record)
        else:
            self.registry.add(record.key, record)
        name = record.quantity.name
        others = [other for other in self._by_quantity.get(name, ()) if other.key != record.key]
        ranked = sorted([*others, record], key=lambda each: (each.rank, *each.order))
        self._by_quantity[name] = tuple(ranked)
        self.needs = tuple(dict.fromkeys((*self.needs, *record.needs)))
        self.version += 1
        return record

    def of(self, quantity: str) -> tuple[Estimator, ...]:
        """Return the estimators of a quantity in rank order; none if nothing gives it."""
        self.registry.load()
        return self._by_quantity.get(quantity, ())

    def named(self, quantity: str, name: str) -> Estimator:
        """Return the estimator of a quantity that has this name."""
        found = {record.name: record for record in self.of(quantity)}
        if name not in found:
            raise UnknownNameError(f"estimator of {quantity}", name, found)
        return found[name]

    def quantities(self) -> tuple[Quantity, ...]:
        """Return what users can ask for, in the order of the vocabulary.

        That is each quantity that an estimator gives, unless it is internal.
        """
        self.registry.load()
        given = {name: records[0].quantity for name, records in self._by_quantity.items()}
        order = [name for name in self.vocabulary.names_so_far() if name in given]
        found = [given[name] for name in dict.fromkeys((*order, *given))]
        return tuple(quantity for quantity in found if not quantity.internal)

    def __reduce__(self) -> str:
        """Pickle the shared collection by name, so that estimates can travel between processes."""
        if self is not ESTIMATORS:
            raise TypeError("a collection of estimators of your own cannot be pickled")
        return "ESTIMATORS"

    def _is_rerun(self, record: Estimator) -> bool:
        """Tell whether this is the same function of a notebook, defined once more."""
        old = self.registry.names_so_far().get(record.key)
        return (
            old is not None
            and _place(old.function) == _place(record.function)
            and _place(old.function)[0] == "__main__"
        )

    def _adopt(self, name: str, thing: Any) -> None:
        """Take what an entry point gave: a record, a registered function, or an object."""
        if isinstance(thing, Estimator):
            self.add(thing)
        elif hasattr(thing, "gives"):
            called = getattr(thing, "name", name)
            self.register(
                thing,
                Claims(gives=thing.gives, name=called, source=None, rank=None, kind=None,
                       domain=None, parts=getattr(thing, "parts", None),
                       refusals=getattr(thing, "refusals", None), needs=()),
            )  # fmt: skip
        elif all(record.function is not thing for record in self.registry.names_so_far().values()):
            raise RegistrationError(
                f"{name!r} is a {type(thing).__name__}; an entry point names a module, a function "
                "decorated with @estimator, or a callable object with 'gives' and 'source'"
            )


def _place(function: Any) -> tuple[str, str]:
    """Return where a function, or the class of an object, is written."""
    where = function if hasattr(function, "__qualname__") else type(function)
    return where.__module__, where.__qualname__


#: The collection that ``estimate`` uses.
ESTIMATORS = Estimators(vocabulary=VOCABULARY, kinds=SPEC_TYPES, group="paramscale.estimators")
