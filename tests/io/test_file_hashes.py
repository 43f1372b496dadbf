"""Hashes of large files are kept, and never believed of a file that was changed."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from copycat.cards.weights import Weights
from copycat.io import file_hashes
from copycat.io.store import cache

LARGE = file_hashes.LARGE


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The names of the files that are read to be hashed."""
    names: list[str] = []
    compute = file_hashes._compute

    def counted(path: Path) -> bytes:
        names.append(path.name)
        return compute(path)

    monkeypatch.setattr(file_hashes, "_compute", counted)
    monkeypatch.setattr(file_hashes, "_SETTLED", -1.0)
    yield names
    assert names


def written(path: Path, letter: bytes, size: int = LARGE) -> Path:
    path.write_bytes(letter * size)
    return path


def hashes(*paths: Path) -> list[str]:
    return [h.hex() for h in file_hashes.file_hashes(paths)]


def true(*paths: Path) -> list[str]:
    return [hashlib.sha256(p.read_bytes()).hexdigest() for p in paths]


def test_a_large_file_is_read_once_and_a_changed_one_again(tmp_path: Path, read: list[str]) -> None:
    a, b = written(tmp_path / "a", b"a"), written(tmp_path / "b", b"b")
    small = written(tmp_path / "small", b"s", 10)
    for _ in range(2):
        assert hashes(a, b, small) == true(a, b, small)
    assert sorted(read) == ["a", "b", "small", "small"]
    written(b, b"c")
    assert hashes(a, b) == true(a, b)
    assert sorted(read) == ["a", "b", "b", "small", "small"]


def test_a_change_is_noticed_whatever_its_date_says(tmp_path: Path, read: list[str]) -> None:
    a = written(tmp_path / "a", b"a")
    before = a.stat()
    first = hashes(a)
    written(a, b"z")
    os.utime(a, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (a.stat().st_size, a.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert hashes(a) == true(a) != first
    other = written(tmp_path / "other", b"y")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(a)
    assert hashes(a) == true(a)


def test_a_file_that_was_just_written_is_not_believed_to_stay(
    tmp_path: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_hashes, "_SETTLED", 3600.0)
    a = written(tmp_path / "a", b"a")
    assert hashes(a) == hashes(a) == true(a)
    assert read == ["a", "a"]


def test_damage_is_no_hash_and_many_are_not_kept(
    tmp_path: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    a = written(tmp_path / "a", b"a")
    hashes(a)
    [kept] = cache(file_hashes.FILE_HASHES).files()
    content = bytearray(kept.read_bytes())
    content[-1] ^= 1
    kept.write_bytes(content)
    assert hashes(a) == true(a)
    assert read == ["a", "a"]
    monkeypatch.setattr(file_hashes, "_MOST", 4)
    for i in range(9):
        hashes(written(tmp_path / f"more{i}", b"%d" % i))
        assert len(list(cache(file_hashes.FILE_HASHES).files())) <= 4


def test_several_writers_and_a_cache_that_cannot_be_written_do_no_harm(
    tmp_path: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [written(tmp_path / str(i), b"%d" % i) for i in range(4)]
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: hashes(*files), range(6)))
    assert answers == [true(*files)] * 6
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the cache would be")
    monkeypatch.setenv("COPYCAT_CACHE", str(blocked))
    assert hashes(*files) == true(*files)


def test_a_folder_keeps_its_identity_and_another_process_reads_only_what_changed(
    tmp_path: Path, read: list[str]
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    for name in ("a", "b"):
        written(folder / f"{name}.safetensors", name.encode())
    (folder / "config.json").write_text("{}")
    total = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        total.update(f"{path.name}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    first = Weights(source=str(folder)).fingerprint()
    assert first == total.hexdigest()[:12]
    read.clear()
    written(folder / "b.safetensors", b"B")
    assert Weights(source=str(folder)).fingerprint() != first
    assert sorted(read) == ["b.safetensors", "config.json"]
    elsewhere = shutil.copytree(folder, tmp_path / "copy")
    assert Weights(source=str(elsewhere)).fingerprint() == Weights(source=str(folder)).fingerprint()
