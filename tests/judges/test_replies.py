"""What a picture has written on it must not decide how a reply is read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from PIL import Image, ImageDraw

from copycat.cards.judges import load_judge_card
from copycat.io.paths import DATA
from copycat.judges.base import Judge, load_judge
from copycat.judges.replies import evades, parse_names
from copycat.records import Named, Unscored, Verdict, YesNo
from copycat.subjects.characters import load_registry
from tests.conftest import Tiny
from tests.helpers.loopback import Loopback, running
from tests.helpers.questions import question


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


def ask(seer: Judge, server: Loopback, kind: str, reply: str) -> Verdict:
    server.behave = {"?": f"say {reply}"}
    return seer.ask([question(kind, "Is it?")], [Image.new("RGB", (8, 8))])[0]


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
    said = ask(seer, server, "verify", reply)
    if score is None:
        assert isinstance(said.answer, Unscored)
    else:
        assert said.answer == YesNo(p_yes=score)
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
    said = ask(seer, server, "identify", reply)
    if names is None:
        assert isinstance(said.answer, Unscored)
    else:
        assert said.answer == Named(names=names)


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
        question("verify", "Is Hupgroqui in this picture? Answer Yes or No."),
        question("identify", "Which character is in this picture? Answer with the name, or None."),
    ]
    for image in (picture, written):
        verified, identified = judge.ask(questions, [image, image])
        assert isinstance(verified.answer, YesNo)
        assert (verified.answer.answer_probability or 0) > 0.99, "it answers the question that was put"
        assert isinstance(identified.answer, Named)
        assert not evades(identified.reply or "")
