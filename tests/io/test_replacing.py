"""Files that are replaced: whole at every moment, whoever writes them, and whatever a kill left behind."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from copycat.io.atomic import temporary_name, write_bytes


def test_several_who_write_one_file_take_turns(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    contents = [bytes([65 + i]) * 200_000 for i in range(8)]

    def write(content: bytes) -> set[bytes]:
        seen = set()
        for _ in range(10):
            write_bytes(path, content)
            seen.add(path.read_bytes())
        return seen

    with ThreadPoolExecutor(8) as pool:
        seen = set[bytes]().union(*pool.map(write, contents))
    assert seen <= set(contents), "each reader saw a whole file of one writer"
    assert [p.name for p in tmp_path.iterdir()] == ["page.html"]


def test_what_a_kill_left_behind_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    (tmp_path / temporary_name(path.name)).write_bytes(b"x" * 1000)
    write_bytes(path, b"[]")
    assert path.read_bytes() == b"[]"
    assert [p.name for p in tmp_path.iterdir()] == ["metrics.json"]
