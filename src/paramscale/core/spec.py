"""Spec types: the classes whose objects a user hands over, each under one name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, TypeVar

import attrs
import numpy as np

from paramscale.core.registry import Registry, import_submodules
from paramscale.errors import RegistrationError, SpecError

__all__ = ["SPEC_TYPES", "SpecKind", "array_fields", "coerces", "defaults", "spec_type"]

C = TypeVar("C", bound=type)
F = TypeVar("F", bound=Callable[[Any], Any])
D = TypeVar("D", bound=Callable[[], Any])


@attrs.define(eq=False)
class SpecKind:
    """A kind of spec: its name in a scenario, its class, and how to make one."""

    name: str
    cls: type
    coerce: Callable[[Any], Any] | None = None
    default: Callable[[], Any] | None = None
    _made: Any = attrs.field(default=None, init=False)

    def accept(self, value: Any) -> Any:
        """Return `value` if it is of the class, else what the coercer makes of it."""
        if isinstance(value, self.cls):
            return value
        if self.coerce is not None:
            made = self.coerce(value)
            if isinstance(made, self.cls):
                return made
        raise SpecError(
            f"{self.name}={value!r} is a {type(value).__name__}; allowed is a {self.cls.__name__}"
            + (", or a name or value that it can be made from" if self.coerce else "")
        )

    def make_default(self) -> Any:
        """Return the default spec, made once, or None where the kind has no default."""
        if self._made is None and self.default is not None:
            self._made = self.default()
        return self._made

    @property
    def example(self) -> str:
        """What to write to give one."""
        prefix = "ps." if self.cls.__module__.startswith("paramscale.") else ""
        return f"{self.name}={prefix}{self.cls.__name__}(...)"


#: The kinds of spec that ``estimate`` takes by name. The built-in ones stand above this room, so
#: they are known by the name of their package only.
SPEC_TYPES: Registry[SpecKind] = Registry(
    "spec", holds=SpecKind, built_in=lambda: import_submodules("paramscale.specs")
)


def spec_type(
    name: str,
    *,
    coerce: Callable[[Any], Any] | None = None,
    default: Callable[[], Any] | None = None,
    into: Registry[SpecKind] | None = None,
) -> Callable[[C], C]:
    """Return a class decorator that registers a spec type under a name.

    Parameters
    ----------
    name : str
        Name of the argument of ``estimate``: ``"serving"``.
    coerce : callable, optional
        Makes an object of the class from something else, such as a name in a catalogue; a room
        further up may add it later with :func:`coerces`. It raises its own errors.
    default : callable, optional
        Called once, when none is given; without it a missing spec is a missing input.
    into : Registry, optional
        The collection; the shared one unless given.

    Examples
    --------
    >>> kinds = Registry("spec", holds=SpecKind)
    >>> @spec_type("box", into=kinds)
    ... class Box: ...
    >>> kinds["box"].cls is Box
    True
    """
    kinds = SPEC_TYPES if into is None else into

    def register(cls: C) -> C:
        kinds.add(name, SpecKind(name, cls, coerce, default))
        return cls

    return register


def coerces(name: str, *, into: Registry[SpecKind] | None = None) -> Callable[[F], F]:
    """Return a decorator that makes a function the coercer of a registered spec type.

    Examples
    --------
    >>> kinds = Registry("spec", holds=SpecKind)
    >>> _ = spec_type("size", into=kinds)(float)
    >>> @coerces("size", into=kinds)
    ... def from_text(value): return float(value)
    >>> kinds["size"].accept("2.5")
    2.5
    """
    kinds = SPEC_TYPES if into is None else into

    def register(function: F) -> F:
        kind = kinds.names_so_far().get(name) or kinds[name]
        if kind.coerce is not None:
            raise RegistrationError(f"the spec type {name!r} has a coercer already")
        kind.coerce = function
        return function

    return register


def defaults(name: str, *, into: Registry[SpecKind] | None = None) -> Callable[[D], D]:
    """Return a decorator that makes a function the default of a registered spec type.

    The function is called once, when the first scenario lacks such a spec.

    Examples
    --------
    >>> kinds = Registry("spec", holds=SpecKind)
    >>> _ = spec_type("size", into=kinds)(float)
    >>> @defaults("size", into=kinds)
    ... def one(): return 1.0
    >>> kinds["size"].make_default()
    1.0
    """
    kinds = SPEC_TYPES if into is None else into

    def register(function: D) -> D:
        kind = kinds.names_so_far().get(name) or kinds[name]
        if kind.default is not None:
            raise RegistrationError(f"the spec type {name!r} has a default already")
        kind.default = function
        return function

    return register


def kind_of(annotation: object, kinds: Registry[SpecKind]) -> SpecKind | None:
    """Return the kind whose class an annotation is (or is derived from), if any."""
    if not isinstance(annotation, type):
        return None
    return next((kind for kind in kinds.values() if issubclass(annotation, kind.cls)), None)


def array_fields(name: str, spec: Any) -> list[tuple[str, np.ndarray[Any, Any]]]:
    """Return ``("name.field", array)`` for each field of a spec that holds an array.

    The spec's own ``arrays()`` is asked, if it has one; else its attrs fields are looked through.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> [path for path, _ in array_fields("box", SimpleNamespace(arrays=lambda: {"a": [1, 2]}))]
    ['box.a']
    """
    found: Iterable[tuple[str, Any]]
    if hasattr(spec, "arrays"):
        found = spec.arrays().items()
    else:
        cls: Any = type(spec)
        values = [(field, getattr(spec, field)) for field in _field_names(cls)]
        found = [(field, value) for field, value in values if isinstance(value, np.ndarray)]
    arrays = [(f"{name}.{field}", np.asarray(value)) for field, value in found]
    return [(path, array) for path, array in arrays if array.ndim > 0]


@lru_cache(maxsize=256)
def _field_names(cls: type) -> tuple[str, ...]:
    """Return the names of the attrs fields of a class; attrs makes the list anew at each call."""
    return tuple(field.name for field in attrs.fields(cls)) if attrs.has(cls) else ()
