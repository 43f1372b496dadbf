"""What a server sends where a text belongs: one item fails, and the run can be read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

from copycat.cards.judges import JudgeCard
from copycat.cards.llms import LLMCard
from copycat.cards.models import load_card
from copycat.errors import MissingRequirement
from copycat.generators.base import ImageOutcome, load_generator
from copycat.io.hosted import Api
from copycat.judges.base import load_judge
from copycat.llms.base import Message, load_chat
from copycat.records import Named, Request, Sampling, Unscored
from tests.helpers.loopback import Loopback, running
from tests.helpers.questions import question

ODD = [5, 0.5, True, {"text": "a"}, [["a"]], [5], "\ud800", [], None, [{"type": "text", "text": "Zori"}]]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    monkeypatch.setenv("LOOPBACK_KEY", "k")
    with running() as loopback:
        yield loopback


def api(server: Loopback) -> Api:
    return Api(base_url=server.url, key_env="LOOPBACK_KEY", timeout=5, retries=0)


@pytest.mark.parametrize("sent", ODD)
def test_a_judge_that_sends_no_text_is_unscored(server: Loopback, sent: Any) -> None:
    server.behave = {"": f"send {json.dumps(sent)}"}
    card = JudgeCard(name="seer", kind="openai-chat", source="seer-1", api=api(server))
    with load_judge(card, "cpu") as judge:
        (verdict,) = judge.ask([question("identify")], [Image.new("RGB", (8, 8))])
    assert isinstance(verdict.answer, Unscored | Named)
    assert verdict.scored == (sent == ODD[-1])
    assert type(verdict).model_validate_json(verdict.model_dump_json()) == verdict
    assert len(server.asked) == 1


@pytest.mark.parametrize("sent", [5, True, {"text": "a"}])
def test_a_language_model_that_sends_no_text_is_one_sentence(server: Loopback, sent: Any) -> None:
    server.behave = {"": f"send {json.dumps(sent)}"}
    card = LLMCard(name="writer", kind="openai-chat", source="writer-1", api=api(server))
    with (
        load_chat(card, "cpu") as chat,
        pytest.raises(MissingRequirement, match="the reply is no text but"),
    ):
        chat.ask([Message(role="user", content="a")])


def test_a_language_model_may_send_parts(server: Loopback) -> None:
    server.behave = {"": f"send {json.dumps([{'type': 'text', 'text': 'an '}, 'otter' + chr(0xD800)])}"}
    card = LLMCard(name="writer", kind="openai-chat", source="writer-1", api=api(server))
    with load_chat(card, "cpu") as chat:
        assert chat.ask([Message(role="user", content="a")]).text == "an otter\ufffd"


@pytest.mark.parametrize(
    ("revised", "kept"), [(5, None), ({"a": 1}, None), ("\ud800", "\ufffd"), ("red", "red")]
)
def test_a_revised_prompt_is_text_or_nothing(
    server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, revised: Any, kept: str | None
) -> None:
    server.behave = {"": f"revise {json.dumps(revised)}"}
    (tmp_path / "models").mkdir()
    monkeypatch.setenv("COPYCAT_HOME", str(tmp_path))
    card = {
        "name": "hosted", "title": "Hosted", "kind": "openai-images", "source": "drawer-1",
        "sampling": {"steps": 1, "guidance": 0, "height": 16, "width": 16},
        "negative_prompt": False, "api": api(server).model_dump(),
    }  # fmt: skip
    (tmp_path / "models" / "hosted.yaml").write_text(yaml.safe_dump(card))
    asked = Request(
        model="hosted", character="c", prompt_set="s", run_seed=0, seed=0, mitigation="none",
        source_prompt="p", prompt="p", sampling=Sampling(steps=1, guidance=0, height=16, width=16),
    ).with_id()  # fmt: skip
    with load_generator(load_card("hosted"), "cpu") as generator:
        (outcome,) = generator.generate([asked])
    assert (outcome.outcome, outcome.revised_prompt) == ("ok", kept)


def test_an_outcome_of_any_generator_holds_text() -> None:
    made = ImageOutcome("error", error="half \ud800", revised_prompt=5)  # type: ignore[arg-type]
    assert (made.error, made.revised_prompt) == ("half \ufffd", None)
