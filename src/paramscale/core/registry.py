"""A registry: names to things, filled by decorators, by built-in modules and by plugins.

Users see a read-only mapping. Built-ins are imported at the first look-up; the plugins of an
entry-point group at the first listing, or when a name is not among the built-ins.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from threading import RLock
from types import ModuleType
from typing import Any, Generic, TypeVar

from paramscale.errors import PluginWarning, RegistrationError, UnknownNameError

__all__ = ["Registry", "import_submodules"]

T = TypeVar("T")


class Registry(Mapping[str, T], Generic[T]):
    """A mapping that things are added to under a name, once.

    Parameters
    ----------
    kind : str
        What it holds, for messages: ``"law"``, ``"hardware"``.
    holds : type, optional
        Type of the items; an item of another type is refused.
    built_in : callable, optional
        Called without arguments before the first look-up; it imports the modules that add
        things, or returns a mapping of things to add.
    group : str, optional
        Entry-point group of third parties. An entry point names a module (its import adds
        things) or an object of type `holds`, added under the entry point's name. One that fails
        gives a `PluginWarning`; the rest works.
    adopt : callable, optional
        ``adopt(name, object)`` takes what an entry point gave, in place of :meth:`add`.
    package : str, optional
        Package of built-ins in which a module may bear the name of the thing that it adds. It is
        tried before everything is imported, so that one look-up costs one import.

    Examples
    --------
    >>> colours = Registry("colour", holds=str)
    >>> colours.add("red", "#f00")
    '#f00'
    >>> colours["red"], list(colours)
    ('#f00', ['red'])
    >>> colours["rde"]
    Traceback (most recent call last):
    paramscale.errors.UnknownNameError: no colour is called 'rde'; did you mean 'red'? Known: red
    """

    def __init__(
        self,
        kind: str,
        *,
        holds: type[T] | None = None,
        built_in: Callable[[], Mapping[str, T] | None] | None = None,
        group: str | None = None,
        adopt: Callable[[str, Any], object] | None = None,
        package: str | None = None,
    ) -> None:
        self.kind = kind
        self.group = group
        self._holds = holds
        self._adopt = adopt or self.add
        self._package = package
        self._items: dict[str, T] = {}
        self._loaders = [built_in] if built_in else []
        self._plugins_wanted = group is not None
        self._busy = False
        # Taken only while loading: add() must not wait for it, since another thread may be adding
        # from inside an import that the loading thread is waiting for.
        self._lock = RLock()

    def add(self, name: str, item: T) -> T:
        """Add a thing under a name that is still free, and return it."""
        if not isinstance(name, str) or not name:
            raise RegistrationError(f"a {self.kind} needs a name that is a text, not {name!r}")
        if self._holds is not None and not isinstance(item, self._holds):
            raise RegistrationError(
                f"{self.kind} {name!r} is a {type(item).__name__}, not a {self._holds.__name__}"
            )
        if self._items.setdefault(name, item) is not item:
            raise RegistrationError(
                f"a {self.kind} is already called {name!r}; choose another name"
            )
        return item

    def replace(self, name: str, item: T) -> T:
        """Put a thing in the place of the one with this name; for notebooks, where cells rerun."""
        self._items[name] = item
        return item

    def names_so_far(self) -> Mapping[str, T]:
        """Return what has been added up to now, without loading anything."""
        return self._items

    def built_in(self, loader: Callable[[], Mapping[str, T] | None]) -> None:
        """Have `loader` called before the next look-up."""
        self._loaders.append(loader)

    def load(self, *, plugins: bool = True) -> None:
        """Import the built-ins, and the plugins where `plugins` is true, if not yet done."""
        if not self._loaders and not (plugins and self._plugins_wanted):
            return
        with self._lock:
            if self._busy:  # a module being imported looks something up: what is there must do
                return
            self._busy = True
            problems: list[str] = []
            try:
                while self._loaders:
                    for name, item in (self._loaders[0]() or {}).items():
                        self.add(name, item)
                    del self._loaders[0]
                if plugins and self._plugins_wanted:
                    problems = self._load_plugins()
                    self._plugins_wanted = False
            finally:
                self._busy = False
        for problem in problems:
            warnings.warn(PluginWarning(problem), stacklevel=3)

    def _load_plugins(self) -> list[str]:
        """Load every entry point of the group; return a text for each that failed."""
        from importlib.metadata import entry_points

        problems = []
        for entry in entry_points(group=self.group or ""):
            try:
                thing = entry.load()
                if not isinstance(thing, ModuleType):
                    self._adopt(entry.name, thing)
            except Exception as error:  # a stranger's code may raise anything; ours must go on
                problems.append(
                    f"the plugin {entry.name!r} ({entry.value}) of {self.group!r} is left out: "
                    f"{type(error).__name__}: {error}"
                )
        return problems

    def _import_namesake(self, name: str) -> None:
        """Import the built-in module that bears the name, if there is one."""
        from importlib import import_module
        from importlib.util import find_spec

        place = f"{self._package}.{name}"
        if name.isidentifier() and find_spec(place) is not None:
            import_module(place)

    def __getitem__(self, name: str) -> T:
        if name not in self._items and self._package is not None and self._loaders:
            self._import_namesake(name)
        if name in self._items:
            return self._items[name]
        for plugins in (False, True):
            self.load(plugins=plugins)
            if name in self._items:
                return self._items[name]
        raise UnknownNameError(self.kind, name, self._items)

    def __contains__(self, name: object) -> bool:
        for plugins in (False, True):
            self.load(plugins=plugins)
            if name in self._items:
                return True
        return False

    def __iter__(self) -> Iterator[str]:
        self.load()
        return iter(tuple(self._items))

    def __len__(self) -> int:
        self.load()
        return len(self._items)

    def __repr__(self) -> str:
        return f"<Registry of {self.kind}: {len(self)} names>"


def import_submodules(package: str) -> None:
    """Import every module directly inside a package, so that its decorators run.

    A new file in the package is thus found without a list to edit. Names that begin with an
    underscore are left to those who import them.

    Examples
    --------
    >>> import_submodules("json")
    """
    from importlib import import_module
    from pkgutil import iter_modules

    for module in iter_modules(import_module(package).__path__):
        if not module.name.startswith("_"):
            import_module(f"{package}.{module.name}")
