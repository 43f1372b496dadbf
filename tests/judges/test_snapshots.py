"""Every prompt that a judge is given, as text; a change must be made in `snapshots/` too, and be meant."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from copycat.characters import load_registry
from copycat.judges.openai_chat import _Answer, _Names
from copycat.judges.questions import questions
from copycat.paths import DATA
from copycat.records import ImageRow

HERE = Path(__file__).parent / "snapshots"


def asked(references: int) -> str:
    row = ImageRow(request="r", outcome="ok", file="f", sha256="0")
    who = load_registry("menagerie")["hupgroqui"]
    found = questions(row, who, ("orange cap", "a figure dancing"), references)
    return "".join(f"{q.kind}: {'[picture] ' * len(q.references)}[picture] {q.text}\n" for q in found)


def schemas() -> str:
    return "".join(f"{json.dumps(shape.model_json_schema(), indent=1)}\n" for shape in (_Names, _Answer))


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
