"""Small disks that run full or cannot be written to; they need root on Linux."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PAGE = 4096


def mountable() -> bool:
    """Whether this process may mount a disk in memory."""
    return os.geteuid() == 0 and Path("/proc/filesystems").exists() and _works()


def _works() -> bool:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        try:
            with disk(Path(folder)):
                return True
        except (OSError, subprocess.CalledProcessError):
            return False


@contextmanager
def disk(folder: Path) -> Iterator[None]:
    """A disk in memory at `folder`, which is gone with all it holds afterwards."""
    folder.mkdir(exist_ok=True)
    _mount("-t", "tmpfs", "-o", "size=1g", "tmpfs", str(folder))
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True, capture_output=True)


def resize(folder: Path, size: int | None) -> None:
    """Give the disk `size` bytes, or enough."""
    _mount("-o", f"remount,size={max(size, PAGE) if size else '1g'}", str(folder))


def set_writable(folder: Path, writable: bool) -> None:
    """Let the disk be written to, or not."""
    _mount("-o", f"remount,{'rw' if writable else 'ro'}", str(folder))


def used(folder: Path) -> int:
    """Bytes that the files of the disk take."""
    told = os.statvfs(folder)
    return (told.f_blocks - told.f_bfree) * told.f_frsize


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)
