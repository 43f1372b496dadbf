"""The labelling page's server: who gets in, what it tells, and what it keeps."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from copycat.annotate.answers import Answers
from copycat.annotate.app import create_app
from copycat.annotate.desk import Desk
from copycat.annotate.tasks import tasks
from tests.helpers.synthetic import SyntheticRun

TOKEN = "s3cret"
BASE = "http://127.0.0.1:5000"
NASTY = "<img src=x onerror=alert(1)> & ‘Bo’"


class Room:
    """A run, its answers and a browser."""

    def __init__(self, run: SyntheticRun) -> None:
        self.run = run
        self.begin()

    def begin(self, token: str = TOKEN) -> None:
        """A server started anew."""
        self.root, self.answers = f"{BASE}/{token}", Answers(self.run.path / "labels.jsonl")
        desk = Desk(tasks(self.run.data()).tasks, self.answers, self.run.data(), seed=0, key=token)
        self.client = create_app(desk, token).test_client()

    def item(self, rater: str, number: int | None = None) -> dict[str, Any]:
        more = {} if number is None else {"number": number}
        reply = self.client.get(f"{self.root}/api/item", query_string={"rater": rater, **more})
        assert reply.status_code == 200, reply.text
        return dict(reply.json)

    def post(self, path: str, **body: Any) -> Any:
        return self.client.post(f"{self.root}/api/{path}", json=body)

    def label(self, rater: str, answer: str = "yes", number: int | None = None) -> dict[str, Any]:
        shown = self.item(rater, number)["item"]
        rest = {"yes": {"confidence": 3}, "no": {"confidence": 1, "saw": "none"}}.get(answer, {})
        reply = self.post("answer", rater=rater, id=shown["id"], answer=answer, **rest)
        assert reply.status_code == 200, reply.text
        return dict(reply.json)


@pytest.fixture
def room(tmp_path: Path) -> Room:
    """18 different pictures of six characters without references."""
    return Room(SyntheticRun(tmp_path / "run"))


@pytest.mark.parametrize(
    ("url", "status"),
    [
        (f"{BASE}/{TOKEN}/", 200),
        (f"{BASE}/{TOKEN}/annotate.js", 200),
        (f"http://localhost:9/{TOKEN}/", 200),
        (f"http://[::1]:9/{TOKEN}/", 200),
        (f"{BASE}/", 403),
        (f"{BASE}/wrong/", 403),
        (f"{BASE}/{TOKEN[:-1]}/", 403),
        (f"{BASE}/annotate.js", 403),
        (f"{BASE}/wrong/api/item?rater=Ann", 403),
        (f"{BASE}/?token={TOKEN}", 403),
        (f"http://evil.example:5000/{TOKEN}/", 403),
        (f"http://127.0.0.1.evil.example/{TOKEN}/", 403),
        (f"{BASE}/{TOKEN}/img/0000/0", 404),
        (f"{BASE}/{TOKEN}/img/..%2f..%2fmanifest.json/0", 404),
        (f"{BASE}/{TOKEN}/ref/..%2f..%2f/0", 404),
        (f"{BASE}/{TOKEN}/ref/c0/0", 404),
        (f"{BASE}/{TOKEN}/../manifest.json", 404),
        (f"{BASE}/{TOKEN}/annotate.py", 404),
        (f"{BASE}/{TOKEN}/api/item?rater=Ann&number=99", 404),
        (f"{BASE}/{TOKEN}/api/item?rater=Ann&number=-1", 404),
        (f"{BASE}/{TOKEN}/api/item?rater=Ann&number=²", 404),
        (f"{BASE}/{TOKEN}/api/item?rater=", 400),
        (f"{BASE}/{TOKEN}/label?rater=%00", 400),
        (f"{BASE}/{TOKEN}/api/answer", 405),
    ],
)
def test_who_gets_in_and_what_there_is(room: Room, url: str, status: int) -> None:
    reply = room.client.get(url)
    assert reply.status_code == status
    assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
    assert TOKEN not in reply.headers.get("Set-Cookie", "")
    if status == 403:
        assert TOKEN not in reply.text


def test_what_changes_something_comes_from_the_page_itself(room: Room) -> None:
    good = {"rater": "Ann", "id": room.item("Ann")["item"]["id"], "answer": "unsure"}
    url = f"{room.root}/api/answer"
    assert room.client.post(url, data=good).status_code == 415
    assert room.client.post(url, data=json.dumps(good), content_type="text/plain").status_code == 415
    for header in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        assert room.client.post(url, json=good, headers=header).status_code == 403
    assert room.client.post(url, json={**good, "rater": "x" * 20_000}).status_code == 413
    assert room.answers.standing() == ()
    assert room.client.post(url, json=good, headers={"Origin": BASE}).status_code == 200


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"rater": ""}, 400),
        ({"rater": "x" * 81}, 400),
        ({"rater": "a\u202eb"}, 400),
        ({"answer": "perhaps"}, 400),
        ({"answer": "withdrawn"}, 400),
        ({"confidence": 9}, 400),
        ({"confidence": None}, 400),
        ({"saw": ""}, 400),
        ({"saw": "luigi"}, 404),
        ({"saw": "TARGET"}, 400),
        ({"extra": 1}, 400),
        ({"id": "0"}, 404),
        ({"id": 7}, 400),
    ],
)
def test_what_is_no_answer_is_refused_and_not_kept(room: Room, wrong: dict[str, Any], status: int) -> None:
    shown = room.item("Ann")["item"]
    good = {"rater": "Ann", "id": shown["id"], "answer": "no", "saw": "look-alike", "confidence": 2}
    body = {**good, **{k: shown["character"]["slug"] if v == "TARGET" else v for k, v in wrong.items()}}
    reply = room.post("answer", **body)
    assert (reply.status_code, set(reply.json)) == (status, {"error"})
    assert room.post("answer", **{**good, "answer": "unsure"}).status_code == 400
    assert not room.answers.path.exists()
    assert room.client.post(f"{room.root}/api/answer", json=[1]).status_code == 400
    assert room.post("answer", **good).status_code == 200


def test_the_page_is_blind(room: Room) -> None:
    told = [room.client.get(f"{room.root}/{page}").text for page in ("", "label?rater=Ann", "api/characters")]
    heads = []
    for n in range(18):
        shown = room.item("Ann", n)
        assert set(shown) == {"total", "answered", "skipped", "item", "ahead"}
        assert set(shown["item"]) == {"id", "number", "frames", "character", "mine"}
        assert set(shown["item"]["character"]) == {"slug", "name", "also", "owner", "references"}
        reply = room.client.get(f"{room.root}/{shown['item']['frames'][0]}")
        told.append(json.dumps(shown))
        heads.append(reply.headers)
        told.append(str(reply.headers))
    assert not any(h.get("Content-Disposition") or h.get("Last-Modified") or h.get("ETag") for h in heads)
    everything = "\n".join(told)
    for request in room.run.requests:
        row = room.run.data().images[request.id]
        for secret in (
            request.id,
            "negprompt",
            "prompt_set",
            "seed",
            str(row.sha256),
            str(row.file),
            "verdict",
        ):
            assert secret not in everything
    room.begin("another")
    assert room.item("Ann")["item"]["id"] not in everything, "ids are new at every start"


def test_a_picture_is_sent_without_what_else_its_file_holds(room: Room) -> None:
    shown = room.item("Ann")["item"]
    info = PngInfo()
    info.add_text("parameters", "Pomkin, negative prompt: owl")
    for item in tasks(room.run.data()).tasks:
        with Image.open(item.files[0]) as picture:
            picture.load()
            picture.save(item.files[0], pnginfo=info)
    reply = room.client.get(f"{room.root}/{shown['frames'][0]}")
    assert reply.mimetype == "image/png"
    assert b"negative" not in reply.data
    with Image.open(io.BytesIO(reply.data)) as sent:
        assert (sent.size, sent.info) == ((32, 32), {})
    assert room.client.get(f"{room.root}/img/{shown['id']}/1").status_code == 404


def test_a_broken_picture_is_told_and_can_be_skipped(room: Room) -> None:
    shown = room.item("Ann")["item"]
    for item in tasks(room.run.data()).tasks:
        item.files[0].write_text("<svg onload=alert(1)>")
    assert room.client.get(f"{room.root}/{shown['frames'][0]}").status_code == 404
    assert room.label("Ann", "skip")["skipped"] == [0]


def test_every_rater_sees_all_pictures_and_resumes(room: Room) -> None:
    seen: dict[str, list[str]] = {"Ann": [], NASTY: []}
    for rater, ids in seen.items():
        for n in range(18):
            shown = room.item(rater)
            assert (shown["answered"], shown["item"]["number"], shown["item"]["mine"]) == (n, n, None)
            ids.append(shown["item"]["id"])
            told = room.label(rater)
            assert shown["ahead"] == (told["item"]["frames"] if n < 17 else [])
        assert room.item(rater)["item"] is None
    assert sorted(seen["Ann"]) == sorted(seen[NASTY])
    assert len(set(seen["Ann"])) == 18
    assert seen["Ann"] != seen[NASTY]
    before = room.answers.standing()
    room.begin("another")
    assert room.answers.standing() == before
    assert room.item("Ann")["answered"] == 18


def test_the_last_answer_counts_and_undo_takes_it_back(room: Room) -> None:
    room.label("Ann", "yes")
    room.label("Ann", "no")
    room.label("Bo", "yes")
    first = room.item("Ann", 0)["item"]
    assert first["mine"] == {"answer": "yes", "saw": first["character"]["slug"], "confidence": 3}
    room.label("Ann", "unsure", 0)
    assert room.item("Ann", 0)["item"]["mine"] == {"answer": "unsure", "saw": "", "confidence": None}
    taken = room.post("undo", rater="Ann").json
    assert (taken["item"]["number"], taken["item"]["mine"], taken["answered"]) == (0, None, 1)
    room.begin("another")
    assert room.item("Ann")["item"]["number"] == 0
    assert room.post("undo", rater="Ann").json["item"]["number"] == 1
    nothing = room.post("undo", rater="Ann")
    assert (nothing.status_code, nothing.json["error"]) == (400, "There is no answer to take back.")
    assert [a.rater for a in room.answers.standing()] == ["Bo"]


def test_skipped_pictures_come_back(room: Room) -> None:
    for n in range(18):
        told = room.label("Ann", "skip" if n in (3, 7) else "unsure")
    assert (told["item"], told["answered"], told["skipped"]) == (None, 16, [3, 7])
    assert room.label("Ann", "yes", 3)["skipped"] == [7]


def test_a_name_stays_text(room: Room) -> None:
    page = room.client.get(f"{room.root}/label", query_string={"rater": NASTY})
    assert "&lt;img src=x onerror=alert(1)&gt; &amp;" in page.text
    room.label(NASTY)
    start = room.client.get(f"{room.root}/").text
    assert "<img" not in page.text + start
    assert "1 answered" in start
    spaced = room.client.get(f"{room.root}/label", query_string={"rater": "  Ann   B "})
    assert spaced.status_code == 302
    assert spaced.headers["Location"].endswith("rater=Ann+B")


def test_agreement_grows_in_steps_and_tells_nothing_of_a_picture(room: Room) -> None:
    def figures(rater: str) -> dict[str, Any]:
        return dict(room.client.get(f"{room.root}/api/agreement", query_string={"rater": rater}).json)

    for _ in range(18):
        room.label("Ann", "yes" if room.item("Ann")["item"]["character"]["slug"] in ("c0", "c1") else "no")
    assert figures("Bo") == {"ready": False, "needed": 10, "mine": 0}
    for n in range(13):
        shown = room.item("Bo")["item"]
        yes = shown["character"]["slug"] in ("c0", "c1")
        # The last three are contrary to Ann's; before the next step nobody can see that.
        room.label("Bo", "yes" if yes != (n >= 10) else "no")
        if n == 9:
            at_ten = figures("Bo")
    assert (at_ten["ready"], at_ten["pictures"], at_ten["agree"], at_ten["value"]) == (True, 10, 1.0, 1.0)
    assert figures("Bo") == at_ten
    # Who is done may see it all.
    done = figures("Ann")
    assert done["pictures"] == 13
    assert done["agree"] == pytest.approx(10 / 13)
    (pair,) = done["pairs"]
    assert pair["raters"] == ["Ann", "Bo"]
    assert 0 < pair["kappa"] < 1
    assert done["low"] <= done["value"] <= done["high"]


def test_references_are_shown_where_there_are_some(room: Room) -> None:
    assert room.item("Ann")["item"]["character"]["references"] == []
    from copycat.subjects.characters import Registry, load_registry

    menagerie = load_registry("menagerie").characters[0]
    people = [c.model_copy(update={"references": menagerie.references}) for c in room.run.registry.characters]
    people[1] = people[1].model_copy(update={"references": ("menagerie/references/none.png",)})
    room.run.registry = Registry("test", 1, people)
    room.begin()
    shown = [room.item("Ann", n)["item"]["character"] for n in range(18)]
    for character in shown:
        assert len(character["references"]) == (0 if character["slug"] == "c1" else 4)
    url = next(c["references"][3] for c in shown if c["references"])
    assert room.client.get(f"{room.root}/{url}").mimetype == "image/png"
    assert room.client.get(f"{room.root}/ref/c1/0").status_code == 404
