"""What lies in the user's cache folder, kind by kind: how old and how large it is, and how it is removed."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from copycat.io.atomic import disk_guard, is_worked_in, locked, temporary_name
from copycat.io.paths import cache_folder
from copycat.io.store import ANSWERS, FILE_HASHES, PICTURES, Store

REFERENCES, EDITS, ATTACKS, CONDITIONINGS = "references", "edits", "attacks", "conditioning"
"""Folders of the cache: galleries of references, changes to weights, outcomes of attacks, embeddings."""
REPLIES = "replies"
"""Language models' replies, a file of lines."""
FOUND = "found.json"
"""In the folder of an attack's outcome the file that is written last."""
HOUR = 3600
"""Seconds after which what was not finished is what a killed process left."""
_BY_IDENTITY = re.compile(r"\.?([0-9a-f]{16})(?:[.-].*)?")
"""A folder of that identity, or what is there while it is being made."""


@dataclass(frozen=True)
class Entry:
    """One thing that is kept: a file, or a folder of files."""

    path: Path
    changed: float
    """When it was last written to, in seconds since 1970."""
    files: int
    size: int
    """Of all its files, in bytes."""
    whole: bool
    """Else it is being made, or was left by a process that was killed."""

    def remove(self) -> None:
        """Nothing of it is left, nor at any time a part of it under its name. Raises FileNotFoundError for
        what another process has removed."""
        with disk_guard(self.path), ExitStack() as held:
            if self.path.is_symlink() or not self.path.is_dir():
                if self.path == replies_path():
                    held.enter_context(locked(lock_of(self.path)))
                self.path.unlink()
                return
            # Under a name of what is not whole, so that one who is killed here leaves no half of it.
            going = self.path.with_name(f".{self.path.name.lstrip('.')}.gone")
            shutil.rmtree(going, ignore_errors=True)
            self.path.rename(going)
            shutil.rmtree(going)


@dataclass(frozen=True)
class Kind:
    """One kind of what is kept."""

    title: str
    """What several of it are called."""
    find: Callable[[Path], Iterator[Entry]]
    """All of it, given the folder of that kind."""
    begun: bool = False
    """Whether a run that was begun goes on with the same ones only, so that they go only where they are
    named."""
    waits: float = 0
    """Seconds for which a run that is being planned may need each, whatever else is asked."""


def replies_path() -> Path:
    """The file of language models' replies."""
    return cache_folder() / f"{REPLIES}.jsonl"


def lock_of(replies: Path) -> Path:
    """The file that whoever writes replies holds. It stays where they go: another may be waiting for it."""
    return replies.with_suffix(".lock")


def entries(kind: str) -> Iterator[Entry]:
    """All that is kept of one of :data:`KINDS`."""
    return KINDS[kind].find(cache_folder() / kind)


def _in_store(folder: Path) -> Iterator[Entry]:
    store = Store(folder)
    for paths, whole in ((store.files(), True), (store.leftovers(), False)):
        yield from (e for path in paths for e in _entry(path, whole))


def _by_identity(folder: Path) -> Iterator[Entry]:
    """Folders named by an identity, without what a process is making at this time. All that is there of one
    counts as changed together: who trains for hours writes checkpoints, and not to the folder of the
    result."""
    together: dict[str, list[Entry]] = {}
    for path in sorted(folder.glob("*")):
        found = _BY_IDENTITY.fullmatch(path.name)
        if found:
            whole = path.name == found[1] and (folder.name != ATTACKS or (path / FOUND).is_file())
            together.setdefault(found[1], []).extend(_entry(path, whole))
    for same in together.values():
        changed = max((e.changed for e in same), default=0)
        being_made = any(is_worked_in(e.path) for e in same)
        yield from (replace(e, changed=changed) for e in same if e.whole or not being_made)


def _embeddings(folder: Path) -> Iterator[Entry]:
    for pattern, whole in (("[!.]*.safetensors", True), (temporary_name("*.safetensors"), False)):
        yield from (e for path in folder.glob(pattern) for e in _entry(path, whole))


def _replies(_: Path) -> Iterator[Entry]:
    return _entry(replies_path(), whole=True)


KINDS = {
    PICTURES: Kind("pictures", _in_store),
    ANSWERS: Kind("answers", _in_store),
    FILE_HASHES: Kind("hashes of files", _in_store),
    REFERENCES: Kind("galleries of references", _by_identity),
    EDITS: Kind("changes to weights", _by_identity),
    ATTACKS: Kind("outcomes of attacks", _by_identity, begun=True),
    CONDITIONINGS: Kind("embeddings", _embeddings, waits=HOUR),
    REPLIES: Kind("files of replies", _replies, begun=True),
}
"""Everything that the cache holds, by the names that users know."""


def _entry(path: Path, whole: bool) -> Iterator[Entry]:
    """One for `path`; none where another process has removed it meanwhile."""
    with suppress(FileNotFoundError):
        own, files = path.lstat(), _stats(path)
        changed = max([own.st_mtime, *(when for when, _ in files)])
        yield Entry(path, changed, len(files), sum(size for _, size in files), whole)


def _stats(path: Path) -> Sequence[tuple[float, int]]:
    """When each file was written, and its size; of a link, that alone."""
    if path.is_symlink() or not path.is_dir():
        found = path.lstat()
        return [(found.st_mtime, found.st_size)]
    stats = [p.lstat() for p in path.rglob("*") if not p.is_dir()]
    return [(s.st_mtime, s.st_size) for s in stats]
