"""Files that will be loaded soon are read ahead, where there is memory for them."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from copycat.io import read_ahead
from copycat.io.read_ahead import ReadAhead


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    found = [tmp_path / name for name in ("a.safetensors", "b.safetensors")]
    for path in found:
        path.write_bytes(b"x" * 1000)
    return found


@pytest.fixture
def advised(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that the system was asked to read."""
    asked: list[str] = []

    def advise(descriptor: int, offset: int, length: int, advice: int) -> None:
        assert (offset, length, advice) == (0, 0, os.POSIX_FADV_WILLNEED)
        asked.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)

    monkeypatch.setattr(os, "posix_fadvise", advise)
    return asked


def free(monkeypatch: pytest.MonkeyPatch, available: int) -> None:
    memory = SimpleNamespace(virtual_memory=lambda: SimpleNamespace(available=available))
    monkeypatch.setattr(read_ahead, "psutil", memory)


def wait_for(what: Callable[[], Any]) -> None:
    until = time.monotonic() + 10
    while not what() and time.monotonic() < until:
        time.sleep(0.01)


def ended() -> bool:
    return not any(t.name == "read ahead" for t in threading.enumerate())


def test_every_file_is_asked_for_once(files: list[Path], advised: list[str]) -> None:
    ahead = ReadAhead([*files, files[0].with_name("gone")])
    assert not advised
    ahead.start()
    ahead.start()
    wait_for(ended)
    assert advised == [f.name for f in files]


@pytest.mark.parametrize(("available", "read"), [(3999, 0), (4000, 2)])
def test_where_memory_is_short_nothing_is_read(
    files: list[Path], advised: list[str], monkeypatch: pytest.MonkeyPatch, available: int, read: int
) -> None:
    free(monkeypatch, available)
    ReadAhead(files).start()
    wait_for(ended)
    assert len(advised) == read


def test_what_was_stopped_reads_no_more(files: list[Path], advised: list[str]) -> None:
    ahead = ReadAhead(files)
    ahead.stop()
    ahead.start()
    wait_for(ended)
    assert not advised


def test_files_are_read_where_the_system_takes_no_advice(
    files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "posix_fadvise")
    monkeypatch.setattr(read_ahead, "_CHUNK", 300)
    read: list[int] = []
    plain = Path.open

    def counted(self: Path, *mode: Any, **more: Any) -> Any:
        return _Counting(plain(self, *mode, **more), read)

    monkeypatch.setattr(Path, "open", counted)
    ReadAhead(files).start()
    wait_for(ended)
    assert sum(read) == 2000


class _Counting:
    def __init__(self, f: Any, read: list[int]) -> None:
        self._f, self._read = f, read

    def __enter__(self) -> _Counting:
        return self

    def __exit__(self, *_: object) -> None:
        self._f.close()

    def read(self, size: int) -> bytes:
        content: bytes = self._f.read(size)
        self._read.append(len(content))
        return content
