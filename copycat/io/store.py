"""Files that are found by what they are the answer to, and checked by their hash when they are read."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from copycat.io.atomic import temporary_name, write_bytes
from copycat.io.paths import cache_folder

PICTURES, ANSWERS, FILE_HASHES = "pictures", "answers", "file-hashes"
"""The parts of the user's cache that are stores; :mod:`copycat.io.cached` has all."""
_DIGITS = 32
"""Hexadecimal digits of a key: far more than pictures will ever meet by chance."""
_KEY = re.compile(f"[0-9a-f]{{{_DIGITS}}}")
"""What is called otherwise in the folder of a store is not the store's."""


@dataclass(frozen=True)
class Kept:
    """One entry of a store."""

    told: dict[str, Any]
    """What is said about the content."""
    content: bytes


def key_of(payload: object) -> str:
    """The key of what follows from `payload`, which must be JSON."""
    return _digest(payload)[:_DIGITS]


def cache(part: str) -> Store:
    """That of pictures or of answers, in the user's cache folder."""
    return Store(cache_folder() / part)


class Store:
    """A folder of entries. Threads and processes may share it: an entry appears whole, or not at all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, key: str) -> Kept | None:
        """What was kept under `key`; None for nothing. A file that is not what was kept is deleted."""
        path = self._path(key)
        try:
            head, _, content = path.read_bytes().partition(b"\n")
        except OSError:
            return None
        try:
            told = dict(json.loads(head))
            whole = told.pop("key") == key and told.pop("sha256") == _hash(told, content)
        except (ValueError, TypeError, KeyError):
            whole = False
        if not whole:
            with suppress(OSError):
                path.unlink()
            return None
        return Kept(told, content)

    def put(self, key: str, content: bytes, **told: Any) -> None:
        """Keep `content` under `key`, with what is `told` about it, which must be JSON."""
        head = json.dumps({**told, "key": key, "sha256": _hash(told, content)}, ensure_ascii=True)
        write_bytes(self._path(key), head.encode() + b"\n" + content)

    def files(self) -> Iterator[Path]:
        """All entries."""
        yield from (p for p in self.folder.glob("??/*") if _KEY.fullmatch(p.name))

    def leftovers(self) -> Iterator[Path]:
        """Files that are not finished: being written, or left by a process that was killed."""
        found = self.folder.glob(f"??/{temporary_name('*')}")
        yield from (p for p in found if _KEY.fullmatch(p.name[1:].partition(".")[0]))

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / key


def _hash(told: dict[str, Any], content: bytes) -> str:
    return _digest([_digest(told), hashlib.sha256(content).hexdigest()])


def _digest(payload: object) -> str:
    text = json.dumps(payload, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
