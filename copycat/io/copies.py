"""A copy of a folder somewhere else: in a bucket, on a server, in another folder; whatever fsspec reaches."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from copycat.errors import CopycatError, MissingRequirement, RunConflict, UserError, first_line

_LIST = "copied.json"
"""Whose copy it is and what it holds: written before the first file, and again when all are there."""
_AT_ONCE = 256
"""Files that are handed to the store's client together, which sends some of them at the same time."""


@dataclass(frozen=True)
class Copied:
    """What a call has sent."""

    files: int
    """Those that were new or changed."""
    of: int
    """All that the copy now has."""


class Copy:
    """A place for a copy of one folder, by its address: `s3://bucket/run`, `gs://…`, `/mnt/…`."""

    def __init__(self, address: str) -> None:
        """Raises UserError for an address that no client is known for, MissingRequirement where its client is
        not installed."""
        import fsspec

        self.address = address
        try:
            self._store, self._root = fsspec.core.url_to_fs(address)
        except ImportError as e:
            raise MissingRequirement(f"A copy at {address} needs another package: {first_line(e)}.") from e
        except ValueError as e:
            raise UserError(f"{address} is no address of a copy: {first_line(e)}.") from e

    def check(self, owner: str) -> None:
        """Raise MissingRequirement where nothing can be written and read there, RunConflict where something
        else lies there than the copy of the folder that calls itself `owner`."""
        with self._told():
            held = self._held(owner)
            self._store.makedirs(self._root, exist_ok=True)
            # From here on the place is taken, so that a copy that is cut off is gone on with.
            self._write_list(owner, held)
            if self._held(owner) != held:
                raise MissingRequirement(f"{self.address} does not give back what is written there.")

    def update(self, folder: Path, owner: str) -> Copied:
        """Make the copy hold all files of `folder` but hidden ones, sending what is new or has changed.

        Files that only the copy has stay. Raises as :meth:`check`; the same call again goes on.
        """
        files = {p.relative_to(folder).as_posix(): _stamp(p) for p in _files(folder)}
        with self._told():
            self.check(owner)
            held = self._held(owner)
            fresh = [name for name, stamp in files.items() if held.get(name) != stamp]
            for i in range(0, len(fresh), _AT_ONCE):
                part = fresh[i : i + _AT_ONCE]
                for parent in {f"{self._root}/{name}".rpartition("/")[0] for name in part}:
                    self._store.makedirs(parent, exist_ok=True)
                self._store.put([str(folder / n) for n in part], [f"{self._root}/{n}" for n in part])
            self._verify({name: files[name][0] for name in fresh})
            self._write_list(owner, {**held, **files})
        return Copied(len(fresh), len(files))

    def _write_list(self, owner: str, files: Mapping[str, list[int]]) -> None:
        told = json.dumps({"owner": owner, "files": files}, indent=1)
        self._store.pipe_file(f"{self._root}/{_LIST}", told.encode())

    def _verify(self, sizes: Mapping[str, int]) -> None:
        self._store.invalidate_cache()
        there = self._store.find(self._root, detail=True) if sizes else {}
        found = {name.rstrip("/"): told.get("size") for name, told in there.items()}
        lacking = [n for n, size in sizes.items() if found.get(f"{self._root}/{n}") != size]
        if lacking:
            raise MissingRequirement(
                f"{len(lacking)} files did not arrive whole at {self.address} (such as {lacking[0]}); run "
                "the same command again."
            )

    def _held(self, owner: str) -> dict[str, list[int]]:
        """What the copy holds by its list; empty where nothing lies there."""
        self._store.invalidate_cache()
        if not self._store.exists(self._root) or not self._store.ls(self._root):
            return {}
        try:
            told: Any = json.loads(self._store.cat_file(f"{self._root}/{_LIST}"))
            whose, files = told["owner"], dict(told["files"])
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            whose, files = None, {}
        if whose != owner:
            raise RunConflict(
                f"{self.address} holds something else than a copy of this run; choose another place."
            )
        return files

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what a store's client raises into one sentence."""
        try:
            yield
        except CopycatError:
            raise
        except Exception as e:
            raise MissingRequirement(
                f"{self.address} cannot be written ({type(e).__name__}: {first_line(e)}); what is finished "
                "is kept here."
            ) from e


def _files(folder: Path) -> list[Path]:
    """All files but hidden ones, which are locks and what is being written."""
    return sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith("."))


def _stamp(path: Path) -> list[int]:
    """What changes whenever a file is replaced."""
    told = path.stat()
    return [told.st_size, told.st_mtime_ns]
