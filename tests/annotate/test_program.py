"""`copycat annotate` from the command line: the table of labels, and what is wrong."""

from __future__ import annotations

import socket
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

import pytest
import waitress
from typer.testing import CliRunner

from copycat.annotate.answers import Answers, RaterAnswer
from copycat.annotate.guard import LARGEST_BODY
from copycat.annotate.server import serve
from copycat.annotate.tasks import tasks
from copycat.calibration.labels import load_labels
from copycat.cli.main import app as program
from copycat.errors import RunConflict, UserError
from copycat.runs.folder import RunFolder
from copycat.stages.generate import generate
from copycat.stages.plan import prepare

NASTY = "<img src=x onerror=alert(1)>"


@pytest.fixture
def folder(config: Any) -> RunFolder:
    """Twelve pictures: three characters × two seeds × two mitigations."""
    made: RunFolder = prepare(config())
    generate(made, device="cpu")
    return made


def call(folder: RunFolder, *more: str) -> Any:
    return CliRunner().invoke(program, ["annotate", str(folder.path), *more])


@pytest.mark.parametrize("name", ["labels.csv", "labels.parquet"])
def test_export(folder: RunFolder, tmp_path: Path, name: str) -> None:
    failed = call(folder, "--export", str(tmp_path / name))
    assert isinstance(failed.exception, UserError)
    assert "no labels yet" in str(failed.exception)
    assert not (tmp_path / name).exists()
    answers = Answers(folder.labels_path)
    said: list[dict[str, Any]] = [
        {"answer": "no", "saw": "none", "confidence": 1},
        {"answer": "unsure"},
        {"answer": "skip"},
        {"answer": "yes", "saw": "kamo", "confidence": 3},
    ]
    for item, given in zip(tasks(folder.data()).tasks, said, strict=False):
        answers.give(
            RaterAnswer(
                image=item.images[0],
                pixels=item.pixels,
                character=item.character,
                rater=NASTY,
                at="t",
                **given,
            )
        )
    assert "3 labels by 1 raters" in call(folder, "--export", str(tmp_path / name)).output
    rows = load_labels(str(tmp_path / name))
    assert [(x.label, x.saw, x.confidence) for x in rows] == [
        (False, "none", 1),
        (None, "", None),
        (True, "kamo", 3),
    ]
    assert {x.rater for x in rows} == {NASTY}
    files = {row.file: row.sha256 for row in folder.data().images.values()}
    assert all(files[x.image] == x.sha256 for x in rows)
    other = call(folder, "--export", str(tmp_path / "labels.xlsx"))
    assert isinstance(other.exception, UserError)


def test_pictures_with_the_same_pixels_are_asked_about_once_and_all_labelled(
    folder: RunFolder, tmp_path: Path
) -> None:
    # As when a gate leaves a prompt alone: two mitigations, one picture.
    zori = [r for r in folder.data().requests if r.character == "zori"]
    twin = next(r for r in zori if r.mitigation == "negprompt")
    first = folder.data().images[next(r.id for r in zori if r.mitigation == "none")]
    row = folder.data().images[twin.id].model_copy(update={"sha256": first.sha256})
    (folder.path / str(row.file)).write_bytes((folder.path / str(first.file)).read_bytes())
    folder.image_journal.append([row])
    asked = tasks(folder.data()).tasks
    assert len(asked) == 11
    answers = Answers(folder.labels_path)
    item = next(i for i in asked if first.file in i.images)
    answers.give(
        RaterAnswer(
            image=item.images[0], pixels=item.pixels, character="zori", rater="Ann", answer="unsure", at="t"
        )
    )
    call(folder, "--export", str(tmp_path / "labels.csv"))
    written = (tmp_path / "labels.csv").read_text()
    assert str(first.file) in written
    assert str(row.file) in written
    assert len(written.splitlines()) == 3


def test_what_is_wrong(folder: RunFolder) -> None:
    asked = tasks(folder.data()).tasks
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        failed = call(folder, "--port", str(port))
    assert isinstance(failed.exception, UserError)
    assert f"Port {port} is in use" in str(failed.exception)
    with (
        Answers(folder.labels_path).exclusive(),
        pytest.raises(RunConflict, match="Another `copycat annotate`"),
    ):
        serve(asked, Answers(folder.labels_path), folder.data(), ready=print)
    assert "printable characters" in str(call(folder, "--rater", "\t").exception)
    for row in folder.data().images.values():
        (folder.path / str(row.file)).unlink()
    assert "missing from the folder" in str(call(folder).exception)
    unknown = CliRunner().invoke(program, ["annotate", str(folder.path / "nowhere")])
    assert "Unknown run" in str(unknown.exception)


def test_bodies_of_strangers_are_refused_before_they_are_read(folder: RunFolder) -> None:
    """The header alone is answered: a sender that says how much is to come waits for nothing."""
    address: Queue[str] = Queue()
    asked = tasks(folder.data()).tasks
    made: list[Any] = []
    create = waitress.create_server

    def remembered(*args: Any, **more: Any) -> Any:
        made.append(create(*args, **more))
        return made[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(waitress, "create_server", remembered)
        given = (asked, Answers(folder.labels_path), folder.data())
        serving = Thread(target=serve, args=given, kwargs={"ready": address.put}, daemon=True)
        serving.start()
        port = int(address.get(timeout=30).split(":")[2].split("/")[0])
    for length in (LARGEST_BODY + 1, 10**9):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
            head = f"POST /nobody/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {length}\r\n\r\n"
            line.sendall(head.encode())
            assert line.recv(100).startswith(b"HTTP/1.1 413")
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        line.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * LARGEST_BODY + b"\r\n\r\n")
        assert line.recv(100).startswith(b"HTTP/1.0 431")
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        line.sendall(b"POST /nobody/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n\r\n{}")
        assert line.recv(100).startswith(b"HTTP/1.1 403")
    made[0].close()
    serving.join(timeout=10)
