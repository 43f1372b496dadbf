"""Writing files so that a reader sees the old content or the new, never half of it."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from copycat.errors import MissingRequirement, RunConflict

_CANNOT_WRITE = frozenset(
    {
        *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENOENT),
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


def temporary_name(name: str) -> str:
    """What the file `name` is called until it is whole; one that was cut off keeps that name."""
    return f".{name}.tmp"


def write_bytes(path: Path, content: bytes) -> None:
    """Replace `path` by `content`: temporary file, fsync, rename. Who writes it at the same time waits."""
    temporary = path.with_name(temporary_name(path.name))
    with disk_guard(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with _opened_alone(temporary) as f:
            try:
                f.truncate()
                f.write(content)
                f.flush()
                os.fsync(f.fileno())
                temporary.replace(path)
            except OSError:
                with suppress(OSError):
                    temporary.unlink(missing_ok=True)
                raise


@contextmanager
def _opened_alone(path: Path) -> Iterator[BinaryIO]:
    """The file `path`, held against every other process that opens it so."""
    while True:
        with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666), "wb") as f:
            fcntl.flock(f, fcntl.LOCK_EX)
            # Whoever held it before has given it its last name, or has removed it.
            if _is_at(f.fileno(), path):
                yield f
                return


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


@contextmanager
def at_work_in(folder: Path) -> Iterator[None]:
    """Let :func:`is_worked_in` know of `folder`, until this is left or the process is killed. Where the disk
    has no locks of folders it does not."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def is_worked_in(folder: Path) -> bool:
    """Whether a process is in :func:`at_work_in` of `folder`; not so of what is no folder."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(handle)
    return False


def write_text(path: Path, text: str) -> None:
    """As :func:`write_bytes`, in UTF-8."""
    write_bytes(path, text.encode("utf-8"))


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """A folder that becomes `target` once it is whole, and goes where it does not become so.

    `target` may be an empty folder. Raises RunConflict where it holds something by then, which stays.
    """
    with beside(target) as new:
        yield new
        try:
            new.rename(target)
        except OSError as e:
            if e.errno in (errno.ENOTEMPTY, errno.EEXIST):
                raise RunConflict(f"{target} is not empty; choose another folder.") from e
            raise


@contextmanager
def beside(target: Path) -> Iterator[Path]:
    """An empty folder next to `target`, on the same disk, to make something in; in the end it is removed.

    It is called `.NAME.new`, and what a killed process left under that name goes first. Raises RunConflict
    while another process is at work in it.
    """
    new = target.with_name(f".{target.name}.new")
    with disk_guard(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        new.mkdir(exist_ok=True)
        handle = os.open(new, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as e:
                raise RunConflict(f"Another process is writing {target}; wait until it is done.") from e
            _empty(new)
            try:
                yield new
            finally:
                # Not one that another process has made since this one got its name.
                if new.is_dir() and os.path.samestat(os.fstat(handle), new.stat()):
                    shutil.rmtree(new, ignore_errors=True)
        finally:
            os.close(handle)


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
