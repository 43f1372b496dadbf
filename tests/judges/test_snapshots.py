"""Every prompt that a judge is given, as text; a change must be made in `snapshots/` too, and be meant."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from copycat.cards.judges import JudgeCard
from copycat.io.hosted import Api
from copycat.io.paths import DATA
from copycat.judges.base import load_judge, question_hash
from copycat.records import ImageRow
from copycat.subjects.characters import load_registry
from tests.helpers.loopback import running
from tests.helpers.questions import question, questions

HERE = Path(__file__).parent / "snapshots"


def asked(references: int) -> str:
    row = ImageRow(request="r", outcome="ok", file="f", sha256="0")
    who = load_registry("menagerie")["hupgroqui"]
    found = questions(row, who, ("orange cap", "a figure dancing"), references)
    return "".join(f"{q.kind}: {'[picture] ' * len(q.references)}[picture] {q.text}\n" for q in found)


def schemas() -> str:
    """What a hosted judge is told to answer with, for names and for yes or no."""
    with running() as server:
        api = Api(base_url=server.url, key_env=None)
        card = JudgeCard(name="seer", kind="openai-chat", source="seer-1", batch_size=1, api=api)
        asked = [question("identify"), question("verify")]
        load_judge(card, "cpu").ask(asked, [Image.new("RGB", (8, 8))] * 2)
        formats = [sent["response_format"]["json_schema"] for sent in server.asked]
    assert all(f["strict"] for f in formats)
    return "".join(f"{json.dumps(f['schema'], indent=1)}\n" for f in formats)


def rendered() -> str:
    """Through the chat template of the shipped judge."""
    from transformers import AutoProcessor

    processor: Any = AutoProcessor.from_pretrained(DATA / "menagerie" / "judge")
    content = [{"type": "image"}, {"type": "text", "text": "Is Hupgroqui in this picture? Answer Yes or No."}]
    messages = [{"role": "user", "content": content}]
    return f"{processor.apply_chat_template(messages, add_generation_prompt=True)}\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("questions", lambda: asked(0)),
        ("one-reference", lambda: asked(1)),
        ("three-references", lambda: asked(3)),
        ("hosted-schemas", schemas),
        ("menagerie-chat", rendered),
    ],
)
def test_prompts_are_as_they_were(name: str, text: Any) -> None:
    assert text() == (HERE / f"{name}.txt").read_text(encoding="utf-8")


def test_questions_have_the_hashes_that_they_had_in_the_first_rows() -> None:
    """As commit 2e261a6 wrote them; else what an old run has been asked would be asked again."""
    row = ImageRow(request="r", outcome="ok", file="f", sha256="0")
    asked = questions(row, load_registry("menagerie")["hupgroqui"], ("black bear",))
    assert {q.kind: question_hash(q) for q in asked} == {
        "identify": "5a277f0072becd4a",
        "verify": "d4f623ff4db4a6a7",
        "key": "fa89af2eccd1dcdd",
        "content": "9dd8c86abb01bf1b",
    }
