"""Writing files so that a reader sees the old content or the new, never half of it."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from copycat.errors import MissingRequirement, RunConflict

_CANNOT_WRITE = frozenset(
    {
        *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.EEXIST),
        *(errno.ENAMETOOLONG, errno.ELOOP, errno.EILSEQ),
    }
)


@contextmanager
def disk_guard(path: Path) -> Iterator[None]:
    """Turn a full disk or a forbidden folder into one clear line."""
    try:
        yield
    except OSError as e:
        if e.errno in (errno.ENOSPC, errno.EDQUOT):
            raise MissingRequirement(
                f"The disk that holds {path.parent} is full; free some space and run the same command again "
                "(what is finished is kept)."
            ) from e
        if e.errno in _CANNOT_WRITE:
            raise MissingRequirement(f"Cannot write {path} ({e.strerror}); choose another folder.") from e
        raise
    except ValueError as e:
        if "null byte" not in str(e):
            raise
        raise MissingRequirement(f"Cannot write {str(path)!r} ({e}); choose another name.") from e


@contextmanager
def locked(path: Path, busy: str = "") -> Iterator[None]:
    """Hold the lock file `path`, which the system releases even when the process is killed.

    Where another process holds it: wait for it, or with `busy` raise RunConflict, which says that.
    """
    with disk_guard(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = path.open("a")
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (fcntl.LOCK_NB if busy else 0))
        except OSError as e:
            raise RunConflict(busy) from e
        yield


def write_bytes(path: Path, content: bytes) -> None:
    """Replace `path` by `content`: temporary file, fsync, rename."""
    temporary = path.with_name(f".{path.name}.tmp")
    with disk_guard(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as f:
                f.write(content)
                f.flush()
                os.fsync(f.fileno())
            temporary.replace(path)
        except OSError:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise


def write_text(path: Path, text: str) -> None:
    """As :func:`write_bytes`, in UTF-8."""
    write_bytes(path, text.encode("utf-8"))


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """A folder that takes the place of `target` once it is whole, and goes where it does not become so."""
    new, old = (target.with_name(f".{target.name}.{word}") for word in ("new", "old"))
    with disk_guard(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir()
        try:
            yield new
            if target.exists():
                shutil.rmtree(old, ignore_errors=True)
                target.rename(old)
            new.rename(target)
        finally:
            shutil.rmtree(new, ignore_errors=True)
            shutil.rmtree(old, ignore_errors=True)
