"""Finds what extends copycat by name: packaged items, the user's folder, installed plugins.

Names are listed without importing or parsing anything; an item is loaded when it is asked for.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Generic, TypeVar, cast

from copycat.errors import BadFile, UnknownName

T = TypeVar("T")


def home() -> Path:
    """The user's own cards: `$COPYCAT_HOME`, by default `~/.config/copycat`."""
    given = os.environ.get("COPYCAT_HOME")
    return Path(given) if given else Path.home() / ".config" / "copycat"


class Catalog(Generic[T]):
    """Items of one kind.

    A name is looked up in this order: the user's folder `home()/kind`, the packaged `folder` and the
    packaged `builtin` objects ("module:attribute"), then entry points of the group `copycat.kind`.
    """

    def __init__(
        self,
        kind: str,
        *,
        singular: str,
        folder: Path | None = None,
        parse: Callable[[Path], T] | None = None,
        builtin: Mapping[str, str] | None = None,
    ) -> None:
        self.kind, self.singular = kind, singular
        self._folder, self._parse, self._builtin = folder, parse, dict(builtin or {})

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted({*self._cards(), *self._builtin, *self._plugins()})

    def get(self, name: str) -> T:
        """The item called `name`; raises UnknownName, or BadFile for one that cannot be loaded."""
        cards = self._cards()
        if name in cards and self._parse:
            return self._parse(cards[name])
        if name in self._builtin:
            module, _, attribute = self._builtin[name].partition(":")
            return cast(T, getattr(importlib.import_module(module), attribute))
        plugin = self._plugins().get(name)
        if plugin is None:
            raise UnknownName(self.singular, name, self.names())
        try:
            return cast(T, plugin.load())
        except (ImportError, AttributeError) as e:
            raise BadFile(
                f"The plugin {plugin.value} for {self.singular} '{name}' does not load ({e})."
            ) from e

    def _cards(self) -> dict[str, Path]:
        if not self._parse:
            return {}
        folders = [f for f in (self._folder, home() / self.kind) if f is not None and f.is_dir()]
        return {p.stem: p for folder in folders for p in sorted(folder.glob("*.yaml"))}

    def _plugins(self) -> dict[str, EntryPoint]:
        return {p.name: p for p in entry_points(group=f"copycat.{self.kind}")}
