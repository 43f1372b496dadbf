"""Generate draws on while pictures are written, and rows tell of pictures that are on disk alone."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from copycat.generators.diffusers_image import DiffusersImage
from copycat.records import ImageRow
from copycat.resolve import ResolvedRun
from copycat.stages import keep
from copycat.stages.generate import generate
from copycat.stages.plan import prepare

PATIENCE = 60.0


def test_the_next_batch_is_drawn_while_the_last_is_written(
    config: Callable[..., ResolvedRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No picture of a batch is written before the next batch has begun."""
    folder = prepare(config(device="cpu", mitigations=("none",), seeds=(0, 1, 2, 3)))
    draw, write, append = DiffusersImage.draw, keep.write_bytes, folder.image_journal.append
    begun = [threading.Event() for _ in range(3)]
    drawn: list[int] = []
    drawing: set[int] = set()

    def watched(self: Any, requests: Sequence[Any], hooks: Any) -> Any:
        begun[len(drawn)].set()
        drawn.append(len(requests))
        drawing.add(threading.get_ident())
        return draw(self, requests, hooks)

    written: list[str] = []

    def held(path: Any, content: bytes) -> None:
        next_batch = len(written) // 4 + 1
        assert next_batch == len(begun) or begun[next_batch].wait(PATIENCE), "drawing waited for writing"
        assert threading.get_ident() not in drawing
        write(path, content)
        written.append(path.name)

    def checked(rows: Sequence[ImageRow]) -> None:
        assert all((folder.path / str(row.file)).is_file() for row in rows)
        append(rows)

    monkeypatch.setattr(DiffusersImage, "draw", watched)
    monkeypatch.setattr(keep, "write_bytes", held)
    monkeypatch.setattr(folder.image_journal, "append", checked)
    monkeypatch.setattr("copycat.stages.generate._ENCODERS", 1)
    assert generate(folder, device="cpu") == 12
    assert drawn == [4, 4, 4]
    assert len(folder.data().image_rows) == 12


def test_the_seconds_of_rows_add_up_to_what_drawing_took(
    config: Callable[..., ResolvedRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each batch takes six seconds here, the last one too, which is not full."""
    folder = prepare(config(device="cpu", mitigations=("none",), seeds=(0,), batch_size=2))
    ticks = itertools.count(0, 6)
    monkeypatch.setattr("copycat.stages.generate.time", SimpleNamespace(monotonic=lambda: next(ticks)))
    generate(folder, device="cpu")
    seconds = [row.seconds for row in folder.image_journal.rows()]
    assert seconds == [3.0, 3.0, 6.0]
    assert sum(seconds) == 2 * 6
