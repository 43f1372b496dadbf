"""SHA-256 of files, computed once for each state of a file and kept in the user's cache folder.

A file is known by where it lies, its number on its disk, its size, and when its content and its entry were
last changed. The last of these (`ctime`) cannot be put back, so a file that was changed is hashed anew,
whatever its date says; only who sets the machine's clock back, or writes to the disk behind the system, is
not noticed. What was changed in the last seconds is not kept, since clocks are coarse.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from copycat.errors import MissingRequirement
from copycat.io.store import Store, cache, key_of

FILE_HASHES = "file-hashes"
"""The part of the user's cache."""
LARGE = 1 << 20
"""Bytes from which on a hash is kept; a smaller file is read as fast as its hash is found."""
_SETTLED = 2.0
"""Seconds after which a change would show in a file's times."""
_MOST = 4096
"""Hashes that are kept; the ones that were written first go."""
_THREADS = 8


def file_hashes(paths: Sequence[Path]) -> list[bytes]:
    """The SHA-256 of each of `paths`, in order; several files are read at a time. Raises OSError for one that
    cannot be read."""
    store = cache(FILE_HASHES)
    with ThreadPoolExecutor(min(_THREADS, os.cpu_count() or 1)) as threads:
        return list(threads.map(lambda path: _hash(path, store), paths))


def _hash(path: Path, store: Store) -> bytes:
    state = path.stat()
    if state.st_size < LARGE:
        return _compute(path)
    key = _key(path, state)
    kept = store.get(key)
    if kept is not None and len(kept.content) == hashlib.sha256().digest_size:
        return kept.content
    found = _compute(path)
    # Not where it was changed meanwhile.
    if _key(path, path.stat()) == key and _is_settled(state):
        with suppress(MissingRequirement, OSError):
            _make_room(store)
            store.put(key, found)
    return found


def _compute(path: Path) -> bytes:
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").digest()


def _key(path: Path, state: os.stat_result) -> str:
    return key_of(
        {
            "path": os.fsdecode(path.resolve()),
            "file": [state.st_dev, state.st_ino, state.st_size],
            "changed": [state.st_mtime_ns, state.st_ctime_ns],
        }
    )


def _is_settled(state: os.stat_result) -> bool:
    return time.time() - max(state.st_mtime, state.st_ctime) > _SETTLED


def _make_room(store: Store) -> None:
    """Remove the oldest hashes where there are too many."""
    files = list(store.files())
    if len(files) < _MOST:
        return
    for old in sorted(files, key=lambda p: p.stat().st_mtime)[: len(files) - _MOST // 2]:
        old.unlink(missing_ok=True)
