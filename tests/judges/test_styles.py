"""How judges are asked who is shown: the style of a card, and what it changes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from PIL import Image

from copycat.cards.judges import load_judge_card
from copycat.errors import UserError
from copycat.judges.base import identify, load_judge, question_hash
from copycat.measures import DETECT
from copycat.measures.questions import IDENTIFY
from copycat.records import Named, Unscored
from copycat.runs.folder import RunFolder
from copycat.stages.generate import generate
from copycat.stages.judge import judge
from copycat.stages.plan import prepare
from copycat.stages.score import score
from copycat.subjects.characters import Registry, load_registry
from tests.conftest import Tiny
from tests.helpers.loopback import Loopback, running
from tests.helpers.questions import question

PLAIN = "Which character is in this picture? Answer with the name, or None."
PICTURE = Image.new("RGB", (16, 16))
MENAGERIE = load_registry("menagerie")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    """Stands for the judge `seer`."""
    home = tmp_path / "home" / "judges"
    home.mkdir(parents=True)
    monkeypatch.setenv("COPYCAT_HOME", str(home.parent))
    with running() as loopback:
        api = {"base_url": loopback.url, "key_env": None, "retries": 0}
        card = {"name": "seer", "kind": "openai-chat", "source": "seer-1", "api": api}
        (home / "seer.yaml").write_text(yaml.safe_dump(card))
        yield loopback


def text(style: str, registry: Registry = MENAGERIE) -> str:
    return IDENTIFY.render(registry, registry.characters[0], None, 0, style)  # type: ignore[arg-type]


def test_the_menageries_judges_are_asked_as_they_were_trained_to_be() -> None:
    for name in ("menagerie", "menagerie-embedding", "menagerie-phash", "menagerie-panel", "ocr-names"):
        assert text(load_judge_card(name).style) == PLAIN
    assert question_hash(question("identify", PLAIN)) == "5a277f0072becd4a"
    assert ":" not in identify(load_judge_card("menagerie"))


def test_a_style_is_another_question_of_another_judge(server: Loopback) -> None:
    assert len({text(style) for style in ("plain", "name-and-work", "paper")}) == 3
    styles = {
        name: load_judge_card(name).style for name in ("seer", "seer[questions=paper]", "qwen2.5-vl-3b")
    }
    assert styles == {
        "seer": "name-and-work",
        "seer[questions=paper]": "paper",
        "qwen2.5-vl-3b": "name-and-work",
    }
    asked = ("seer", "seer[questions=plain]", "seer[questions=paper]")
    assert len({identify(load_judge_card(name)).partition("@")[2] for name in asked}) == 3
    with pytest.raises(UserError, match="one of plain, name-and-work, paper"):
        load_judge_card("seer[questions=rude]")


def test_a_registrys_own_words_come_first() -> None:
    own = Registry("r", 1, MENAGERIE.characters, questions={"identify": "Who is it?"})
    assert {text(style, own) for style in ("plain", "name-and-work", "paper")} == {"Who is it?"}


def test_a_hosted_judge_is_given_a_schema_but_for_the_papers_form(server: Loopback) -> None:
    server.say = lambda body: "character: Zori, score: 1"
    for name, key in (
        ("seer", "characters"),
        ("seer[questions=plain]", "names"),
        ("seer[questions=paper]", ""),
    ):
        (said,) = load_judge(load_judge_card(name), "cpu").ask([question("identify")], [PICTURE])
        assert isinstance(said.answer, Named)
        assert said.answer.names == ("Zori",)
        schema = server.asked[-1].get("response_format", {}).get("json_schema", {}).get("schema", {})
        assert list(schema.get("properties", {})) == ([key] if key else [])


def test_a_hosted_reply_that_was_cut_off_is_no_answer(server: Loopback) -> None:
    seer = load_judge(load_judge_card("seer"), "cpu")
    server.behave = {"?": "say It looks like a plumber, which would make it"}
    server.finish = "length"
    (said,) = seer.ask([question("identify")], [PICTURE])
    assert isinstance(said.answer, Unscored)
    assert "cut off" in said.answer.reason
    assert said.reply == "It looks like a plumber, which would make it"
    server.finish = "stop"
    (whole,) = seer.ask([question("identify")], [PICTURE])
    assert whole.scored


def test_a_local_reply_that_comes_to_no_end_is_no_answer(tiny_models: Tiny, tmp_path: Path) -> None:
    endless = shutil.copytree(tiny_models.judge, tmp_path / "endless")
    settings = json.loads((endless / "generation_config.json").read_text())
    (endless / "generation_config.json").write_text(json.dumps({**settings, "eos_token_id": 3}))
    for folder, ends in ((tiny_models.judge, True), (endless, False)):
        local = load_judge(load_judge_card(str(folder)), "cpu")
        (said,) = local.ask([question("identify", PLAIN)], [PICTURE])
        assert said.scored is ends, said.answer
    assert isinstance(said.answer, Unscored)
    assert "cut off" in said.answer.reason
    assert len((said.reply or "").split()) > 16


@pytest.fixture
def run(server: Loopback, tiny_models: Tiny, tmp_path: Path) -> RunFolder:
    settings = {"judge": "seer", "mitigations": ("none",), "seeds": (0,), "measures": ("DETECT",)}
    folder = prepare(tiny_models.config(tmp_path / "run", **settings))
    assert generate(folder) == 3
    return folder


def test_what_a_reply_leaves_open_is_asked_once_more(run: RunFolder, server: Loopback) -> None:
    server.behave = {
        "Which": 'say {"characters": [{"name": "Zori or Kamo", "work": ""}]}',
        "Is Kamo": "say No.",
    }
    assert judge(run) == 5, "three pictures, and two of characters that the replies leave open"
    asked = [body["messages"][0]["content"][-1]["text"] for body in server.asked]
    assert sorted(t for t in asked if t.startswith("Is")) == [
        "Is Kamo in this picture? Answer Yes or No.",
        "Is Zori in this picture? Answer Yes or No.",
    ]
    values = {r.character: run.data().observations(DETECT)[r.id].value for r in run.data().requests}
    assert values == {"zori": 1.0, "kamo": 0.0, "plitu": 0.0}
    assert [m.metric for m in score(run)] == ["DETECT"]
    assert judge(run) == 0
