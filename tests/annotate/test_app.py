"""The labelling page's server: who gets in, what it tells, and what it keeps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from copycat.annotate.app import create_app
from copycat.annotate.serve import serve
from copycat.annotate.store import Store
from copycat.annotate.tasks import order, tasks
from copycat.cli.main import app as program
from copycat.errors import RunConflict, UserError
from copycat.labels import read_labels
from copycat.runs.folder import RunFolder
from copycat.stages.generate import generate
from copycat.stages.plan import prepare

TOKEN = "s3cret"
ROOT = f"http://127.0.0.1:5000/{TOKEN}"


@pytest.fixture
def folder(config: Any) -> RunFolder:
    """Twelve pictures: three characters × two seeds × two mitigations."""
    made: RunFolder = prepare(config())
    generate(made, device="cpu")
    return made


@pytest.fixture
def client(folder: RunFolder) -> Any:
    return create_app(folder, tasks(folder), TOKEN).test_client()


def post(client: Any, path: str, **body: Any) -> Any:
    return client.post(f"{ROOT}/{path}", json=body)


def answer(client: Any, rater: str, label: bool | None = True, **more: Any) -> dict[str, Any]:
    shown = post(client, "task", rater=rater).json
    done = post(client, "answer", rater=rater, id=shown["id"], label=label, **more)
    assert done.status_code == 200
    return dict(done.json)


@pytest.mark.parametrize(
    ("url", "status"),
    [
        (f"{ROOT}/", 200),
        (f"{ROOT}/static/annotate.js", 200),
        ("http://127.0.0.1:5000/", 403),
        ("http://127.0.0.1:5000/wrong/", 403),
        ("http://127.0.0.1:5000/static/annotate.js", 403),
        (f"http://evil.example:5000/{TOKEN}/", 403),
        (f"{ROOT}/picture/0000", 404),
        (f"{ROOT}/picture/..%2f..%2fmanifest.json", 404),
        (f"{ROOT}/static/..%2f..%2fmanifest.json", 404),
    ],
)
def test_nothing_is_served_without_the_secret(client: Any, url: str, status: int) -> None:
    reply = client.get(url)
    assert reply.status_code == status
    if status == 200 and url == f"{ROOT}/":
        assert "default-src 'none'" in reply.headers["Content-Security-Policy"]


def test_answers_are_json_of_a_named_rater(client: Any, folder: RunFolder) -> None:
    shown = post(client, "task", rater="Ann").json
    good = {"rater": "Ann", "id": shown["id"], "label": True}
    for wrong in (
        {"rater": ""},
        {"rater": "x" * 61},
        {"label": "perhaps"},
        {"confidence": 9},
        {"saw": "luigi"},
    ):
        assert post(client, "answer", **{**good, **wrong}).status_code == 400
    assert post(client, "answer", **{**good, "id": "0"}).status_code == 404
    assert client.post(f"{ROOT}/answer", data=good).status_code == 415, "a form of another site"
    assert Store(folder.path).labels() == ()


def test_each_rater_sees_all_pictures_in_an_order_of_his_own(client: Any, folder: RunFolder) -> None:
    seen: dict[str, list[str]] = {"Ann": [], "Bo": []}
    for rater, ids in seen.items():
        for done in range(12):
            shown = post(client, "task", rater=rater).json
            assert shown["done"] == done
            ids.append(shown["id"])
            assert client.get(f"{ROOT}/picture/{shown['id']}").mimetype == "image/png"
            answer(client, rater)
        assert post(client, "task", rater=rater).json["at"] is None
    assert sorted(seen["Ann"]) == sorted(seen["Bo"])
    assert len(set(seen["Ann"])) == 12
    assert seen["Ann"] != seen["Bo"]


def test_the_page_is_blind(client: Any, folder: RunFolder) -> None:
    shown = post(client, "task", rater="Ann").json
    assert set(shown) == {"done", "total", "at", "id", "character", "references", "before"}
    assert set(shown["character"]) == {"slug", "name", "owner"}
    told = client.get(f"{ROOT}/").text + json.dumps(shown)
    for request in folder.requests():
        for secret in (request.id, "negprompt", str(folder.images()[request.id].sha256)):
            assert secret not in told


def test_the_last_answer_counts_and_can_be_found_again(client: Any, folder: RunFolder) -> None:
    first = post(client, "task", rater="Ann").json
    answer(client, "Ann", label=True, saw="zori", confidence=3)
    back = post(client, "task", rater="Ann", at=first["at"]).json
    assert back["before"] == {"label": True, "saw": "zori", "confidence": 3}
    post(client, "answer", rater="Ann", id=first["id"], label=False, saw="none", confidence=1)
    (label,) = Store(folder.path).labels()
    assert (label.label, label.saw, label.confidence) == (False, "none", 1)
    assert post(client, "task", rater="Ann").json["done"] == 1
    # A server started anew knows it too.
    again = create_app(folder, tasks(folder), "other").test_client()
    task = again.post("http://localhost:1/other/task", json={"rater": "Ann"}).json
    assert task["done"] == 1


def test_agreement_as_it_grows(client: Any) -> None:
    assert client.get(f"{ROOT}/agreement").json["pictures"] == 0
    for rater in ("Ann", "Bo"):
        for place in range(12):
            shown = post(client, "task", rater=rater, at=place).json
            slug = shown["character"]["slug"]
            label = None if slug == "kamo" else slug == "zori"
            post(client, "answer", rater=rater, id=shown["id"], label=label)
    found = client.get(f"{ROOT}/agreement").json
    assert (found["raters"], found["pictures"], found["same"], found["alpha"]) == (["Ann", "Bo"], 8, 1.0, 1.0)
    shown = next(
        s
        for i in range(12)
        if (s := post(client, "task", rater="Bo", at=i).json)["character"]["slug"] == "zori"
    )
    post(client, "answer", rater="Bo", id=shown["id"], label=False)
    found = client.get(f"{ROOT}/agreement").json
    assert found["same"] == 7 / 8
    assert 0 < found["alpha"] < 1


def test_a_sample_has_every_condition(folder: RunFolder) -> None:
    few = tasks(folder, sample=4, seed=1)
    made = {r.id: r.mitigation for r in folder.requests()}
    assert sorted(made[Path(t.file).stem] for t in few) == ["negprompt", "negprompt", "none", "none"]
    assert tasks(folder, sample=4, seed=1) == few
    assert len(tasks(folder, sample=99)) == 12
    assert set(order(few, "Ann")) == set(few)


def test_export_and_what_is_wrong(folder: RunFolder, client: Any, tmp_path: Path) -> None:
    def call(*more: str) -> Any:
        return CliRunner().invoke(program, ["annotate", str(folder.path), "--no-open", *more])

    failed = call("--export", str(tmp_path / "l.csv"))
    assert isinstance(failed.exception, UserError)
    assert "no labels yet" in str(failed.exception)
    answer(client, "<img src=x onerror=alert(1)>", label=False, saw="none")
    answer(client, "<img src=x onerror=alert(1)>", label=None)
    assert "2 labels of 1 raters" in call("--export", str(tmp_path / "l.csv")).output
    rows = read_labels(tmp_path / "l.csv")
    assert [(x.label, x.saw) for x in rows] == [(False, "none"), (None, "")]
    assert {x.rater for x in rows} == {"<img src=x onerror=alert(1)>"}
    files = {row.file: row.sha256 for row in folder.images().values()}
    assert all(files[x.image] == x.sha256 for x in rows)

    with Store(folder.path).held(), pytest.raises(RunConflict, match="Another process takes labels"):
        serve(folder, print)
    for row in folder.images().values():
        (folder.path / str(row.file)).unlink()
    with pytest.raises(UserError, match="no pictures to label"):
        serve(folder, print)
