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
from copycat.judges.replies import read_names
from copycat.records import Figure, Named, Unscored, Verdict, YesNo
from copycat.subjects.characters import Registry, load_registry
from copycat.subjects.recognition import recognise, recognised
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
        ('{"answer": true}', 1.0),
        # What the picture says is not the judge's answer:
        ('The image says "answer No", but it is there: yes.', 1.0),
        ('The image says "answer No".', None),
        # A server that ignores the schema answers all the same:
        ("Yes", 1.0),
        ("**No**, it is not.", 0.0),
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
        ('{"names": ["the text says Zori"]}', ("the text says Zori",)),
        ('{"names": ["Kamo", "not Zori"]}', ("Kamo", "not Zori")),
        ('{"names": "Zori"}', ("Zori",)),
        ('{"names": ["Zori"]} {"names": []}', None),
    ],
)
def test_names(seer: Judge, server: Loopback, reply: str, names: tuple[str, ...] | None) -> None:
    said = ask(seer, server, "identify", reply)
    if names is None:
        assert isinstance(said.answer, Unscored)
    else:
        assert isinstance(said.answer, Named)
        assert said.answer.names == names


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
    zori = load_registry(str(tiny_models.registry))["zori"]
    assert recognise(read_names(reply), zori) == ("shown" if hit else "absent")


def figures(reply: str) -> list[tuple[str, str]]:
    found = read_names(reply)
    assert isinstance(found, Named), found
    return [(f.name, f.work) for f in found.figures or ()]


def test_name_and_work_are_told_apart() -> None:
    assert figures("Luigi from Super Mario Bros.") == [("Luigi", "Super Mario Bros")]
    assert figures("Name: Mr. Krabs\nWork: SpongeBob SquarePants") == [("Mr. Krabs", "SpongeBob SquarePants")]
    assert figures('{"characters": [{"name": "Elsa", "work": "Frozen"}]}') == [("Elsa", "Frozen")]
    assert figures("Mr. Krabs, Monkey D. Luffy") == [("Mr. Krabs", ""), ("Monkey D. Luffy", "")]


@pytest.mark.parametrize(
    ("reply", "cut_off", "reason"),
    [
        ("", False, "empty"),
        ("...", False, "empty"),
        ("<think>It may be Zori", True, "thinking"),
        ("I can't tell whether this is Zori.", False, "does not say who"),
        ("The character in the image is Zori", True, "cut off"),
        ('{"names": ["Zo', True, "cut off"),
    ],
)
def test_what_is_no_answer_has_a_reason(reply: str, cut_off: bool, reason: str) -> None:
    said = read_names(reply, cut_off=cut_off)
    assert isinstance(said, Unscored), said
    assert reason in said.reason


def test_a_reply_that_is_cut_off_names_whom_it_has_named_and_denies_nobody(tiny_models: Tiny) -> None:
    registry = load_registry(str(tiny_models.registry))
    said = read_names("The picture shows Zori, an owl with a wand, next to a fro", cut_off=True)
    assert recognise(said, registry["zori"]) == "shown"
    assert recognise(said, registry["kamo"]) is None
    whole = read_names("This is Zori. He stands next to a fro", cut_off=True)
    assert recognise(whole, registry["kamo"]) == "absent"


SCORED = [
    ("character: Zori, score: 1", "shown"),
    ("character: Zori, score: 0", "absent"),
    ("0", "absent"),
    ("character: Zori", None),
    ("character: Zori, score: 2", None),
]


@pytest.mark.parametrize(("reply", "role"), SCORED)
def test_the_papers_form_needs_its_score(tiny_models: Tiny, reply: str, role: str | None) -> None:
    zori = load_registry(str(tiny_models.registry))["zori"]
    assert recognise(read_names(reply, scored=True), zori) == role


def test_what_leaves_it_open_is_doubtful(tiny_models: Tiny) -> None:
    registry = load_registry(str(tiny_models.registry))
    assert recognised(read_names("This could be Zori or Kamo."), registry) == {
        "zori": "doubtful",
        "kamo": "doubtful",
    }
    word = registry["zori"].model_copy(update={"name": "Owl", "aliases": (), "common_words": ("owl",)})
    roles = {reply: recognise(read_names(reply), word) for reply in ("Owl", "owl", "an owl on a branch")}
    assert roles == {"Owl": "shown", "owl": "doubtful", "an owl on a branch": "absent"}


def test_lines_of_text_in_a_picture_are_read_for_any_name_in_them() -> None:
    """The finding of a reader of letters, and rows of before there were figures."""
    spidey = load_registry("copycat")["spider-man"]
    assert recognise(Named(names=("not SPIDER-MAN!",)), spidey) == "shown"
    assert recognise(Named.of([Figure(name="not SPIDER-MAN!")]), spidey) == "absent"
    assert recognised(Named(names=()), Registry("one", 1, [spidey])) == {}


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
        assert identified.answer.names == ((identified.reply,) if identified.reply != "None" else ())
