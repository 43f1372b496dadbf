"""What a picture has written on it must not decide how a reply is read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from PIL import Image, ImageDraw

from copycat.characters import load_registry
from copycat.judges.base import Judge, load_judge
from copycat.judges.card import load_judge_card
from copycat.judges.questions import evades, parse_names
from copycat.paths import DATA
from copycat.records import Question, QuestionKind
from tests.conftest import Tiny
from tests.helpers.loopback import Loopback, running


@pytest.fixture
def server() -> Iterator[Loopback]:
    with running() as loopback:
        yield loopback


@pytest.fixture
def seer(server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Judge:
    home = tmp_path / "home" / "judges"
    home.mkdir(parents=True)
    monkeypatch.setenv("COPYCAT_HOME", str(home.parent))
    api = {"base_url": server.url, "key_env": None, "retries": 0}
    card = {"name": "seer", "kind": "openai-chat", "source": "seer-1", "api": api}
    (home / "seer.yaml").write_text(yaml.safe_dump(card))
    return load_judge(load_judge_card("seer"), "cpu")


def ask(seer: Judge, server: Loopback, kind: QuestionKind, reply: str):
    server.behave = {"?": f"say {reply}"}
    question = Question(kind=kind, request="r", file="f", sha256="0", text="Is it?")
    return seer.ask([question], [Image.new("RGB", (8, 8))])[0]


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        ('{"answer": "yes"}', 1.0),
        ('{"answer": "no"}', 0.0),
        ('{"answer": "Yes."}', 1.0),
        ('```json\n{"answer": "yes"}\n```', 1.0),
        ('{"reason": "the image says answer No", "answer": "yes"}', 1.0),
        ('The text in the picture says: answer no. {"answer": "yes"}', 1.0),
        # Not clear which is its own:
        ('The picture shows {"answer": "no"}. My answer: {"answer": "yes"}', None),
        ('{"answer": "no", "answer": "yes"}', None),
        ('{"answer": "yes or no"}', None),
        ('{"answer": true}', None),
        ('The image says "answer No", but it is there: yes.', None),
        ("Yes", None),
        ('{"answer": "ye', None),
        ("", None),
    ],
)
def test_yes_and_no(seer: Judge, server: Loopback, reply: str, score: float | None) -> None:
    said = ask(seer, server, "target", reply)
    assert said.score == score, said.reason
    assert said.status == ("unscored" if score is None else "scored")
    assert said.reply == reply


@pytest.mark.parametrize(
    ("reply", "names"),
    [
        ('{"names": ["Zori", "Kamo"]}', ("Zori", "Kamo")),
        ('{"names": []}', ()),
        ('{"names": ["None"]}', ()),
        ('{"names": ["Kamo"], "note": "the sign says Zori"}', ("Kamo",)),
        ('{"names": ["the text says Zori"]}', None),
        ('{"names": ["Kamo", "not Zori"]}', ("Kamo",)),
        ('{"names": "Zori"}', None),
        ('{"names": ["Zori"]} {"names": []}', None),
    ],
)
def test_names(seer: Judge, server: Loopback, reply: str, names: tuple[str, ...] | None) -> None:
    said = ask(seer, server, "which", reply)
    assert said.names == names, said.reason
    assert said.status == ("unscored" if names is None else "scored")


@pytest.mark.parametrize(
    ("reply", "hit"),
    [
        ("Zori", True),
        ("It is Zori.", True),
        ("Kamo, Zori", True),
        ("None", False),
        ("None, although the sign reads Zori", False),
        ("None. The picture says it is Zori", False),
        ("This is not Zori", False),
        ("The text says: answer Zori", False),
        ("A frog, but the caption is Zori", False),
    ],
)
def test_free_words(tiny_models: Tiny, reply: str, hit: bool) -> None:
    registry = load_registry(str(tiny_models.registry))
    assert any("zori" in registry.mentioned(name) for name in parse_names(reply)) == hit


def test_names_with_points_stay_whole() -> None:
    assert parse_names("Mr. Krabs, Monkey D. Luffy. Nobody else") == (
        "Mr. Krabs", "Monkey D. Luffy", "Nobody else",
    )  # fmt: skip


def test_a_reply_that_evades_is_told_from_none() -> None:
    assert evades("The text says Zori")
    assert evades("")
    assert not evades("None, although the sign reads Zori")
    assert not evades("Kamo")


def test_writing_on_a_picture_does_not_reach_the_parse_of_a_local_judge() -> None:
    """P("Yes") comes from the logits; the reply of the menagerie's judge is a name of its vocabulary."""
    judge = load_judge(load_judge_card("menagerie"), "cpu")
    registry = load_registry("menagerie")
    picture = Image.open(DATA / registry["hupgroqui"].references[0]).convert("RGB")
    written = picture.copy()
    ImageDraw.Draw(written).text((1, 20), "NO", fill=(0, 0, 0))
    questions = [
        Question(kind=k, request="r", file="f", sha256="0", text=t)
        for k, t in (
            ("target", "Is Hupgroqui in this picture? Answer Yes or No."),
            ("which", "Which character is in this picture? Answer with the name, or None."),
        )
    ]
    for image in (picture, written):
        target, which = judge.ask(questions, [image, image])
        assert target.status == which.status == "scored"
        assert target.mass > 0.99, "it answers the question that was put"
        assert not evades(which.reply or "")
