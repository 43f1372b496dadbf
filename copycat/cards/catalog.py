"""Finds what extends copycat by name: the user's folder, shipped items, installed plugins.

Names are listed without importing or parsing anything; an item is loaded when it is asked for.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Generic, TypeVar, cast

from copycat.errors import BadFile, UnknownName
from copycat.io.paths import expand

T = TypeVar("T")


def home() -> Path:
    """The user's own folder: `$COPYCAT_HOME`, by default `~/.config/copycat`."""
    given = os.environ.get("COPYCAT_HOME")
    return expand(given) if given else Path.home() / ".config" / "copycat"


class Catalog(Generic[T]):
    """Items of one kind: cards, registries, prompt sets, mitigations, …

    A name is looked up in this order: files in the user's folder `home()/kind`, shipped files in `folder`
    and the shipped objects `builtin` ("module:attribute"), then entry points of the group `copycat.kind`. A
    file is called by its path in the folder without the suffix, so with `depth` 2 by `FOLDER/FILE`. Where two
    files of a folder have one name, that with the suffix named first in `suffixes` counts; of two entry
    points, that whose value comes first in the alphabet. An entry point is the item itself or, where files
    are parsed, the `pathlib.Path` of such a file.
    """

    def __init__(
        self,
        kind: str,
        *,
        singular: str,
        folder: Path | None = None,
        parse: Callable[[Path], T] | None = None,
        builtin: Mapping[str, str] | None = None,
        suffixes: tuple[str, ...] = (".yaml", ".yml"),
        depth: int = 1,
    ) -> None:
        self.kind, self.singular = kind, singular
        self._folder, self._parse, self.builtin = folder, parse, dict(builtin or {})
        self.suffixes, self._depth = suffixes, depth

    def names(self) -> list[str]:
        """All names, sorted."""
        files = (name for folder in self._folders() for name in self._listed(folder))
        return sorted({*files, *self.builtin, *self._plugins()})

    def get(self, name: str) -> T:
        """The item called `name`; raises UnknownName, or BadFile for one that cannot be loaded."""
        for item in self.each(name):
            return item
        raise UnknownName(self.singular, name, self.names())

    def each(self, name: str) -> Iterator[T]:
        """Every item called `name`, in the order in which they count, each loaded when it is reached."""
        for path in self.files(name):
            # There are files only where there is a parser.
            yield self.read(path)
        if name in self.builtin:
            module, _, attribute = self.builtin[name].partition(":")
            yield cast(T, getattr(importlib.import_module(module), attribute))
        plugin = self._plugins().get(name)
        if plugin is not None:
            yield self._load(plugin)

    def read(self, path: Path) -> T:
        """The item in the file `path`, of a kind whose files are parsed; BadFile for one that is none."""
        return cast(Callable[[Path], T], self._parse)(path)

    def files(self, name: str) -> list[Path]:
        """The files called `name`: the user's, then the shipped one; empty where there is none."""
        listed = [self._listed(folder).get(name) for folder in self._folders()]
        return [path for path in listed if path is not None]

    def own(self, name: str, suffix: str = "") -> Path:
        """Where a file called `name` lies in the user's folder, whether or not it is there."""
        return home() / self.kind / f"{name}{suffix or self.suffixes[0]}"

    def _folders(self) -> list[Path]:
        if not self._parse:
            return []
        return [f for f in (home() / self.kind, self._folder) if f is not None and f.is_dir()]

    def _listed(self, folder: Path) -> dict[str, Path]:
        below = "*/" * (self._depth - 1)
        return {
            path.relative_to(folder).with_suffix("").as_posix(): path
            for suffix in reversed(self.suffixes)
            for path in folder.glob(f"{below}*{suffix}")
        }

    def _load(self, plugin: EntryPoint) -> T:
        try:
            item = plugin.load()
        except (ImportError, AttributeError) as e:
            raise BadFile(
                f"The plugin {plugin.value} for {self.singular} '{plugin.name}' does not load ({e})."
            ) from e
        return self._parse(item) if self._parse and isinstance(item, Path) else cast(T, item)

    def _plugins(self) -> Mapping[str, EntryPoint]:
        return _entry_points(f"copycat.{self.kind}", tuple(sys.path))


@cache
def _entry_points(group: str, path: tuple[str, ...]) -> Mapping[str, EntryPoint]:  # noqa: ARG001
    """The entry points of `group` by name, of packages on Python's `path`, which is looked through once."""
    found = sorted(entry_points(group=group), key=lambda p: p.value, reverse=True)
    return {p.name: p for p in found}
