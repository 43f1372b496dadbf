"""Questions about pictures, and answers to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from copycat.measures import CONS, CONS_PROMPT, DETECT, DETECT_TARGETED
from copycat.records import Answer, ImageRow, Question, Request, Sampling, Verdict
from copycat.subjects.characters import Character, Registry


def questions(
    row: ImageRow, character: Character, content: Sequence[str] = (), references: int = 0
) -> tuple[Question, ...]:
    """About `row`, a picture made for `character` from a prompt that also asks for `content`."""
    request = Request(
        id=row.request, model="m", character=character.slug, prompt_set="name", run_seed=0, seed=0,
        mitigation="none", source_prompt=character.name, prompt=character.name, content=tuple(content),
        sampling=Sampling(steps=1, guidance=1, height=8, width=8),
    )  # fmt: skip
    registry = Registry("r", 1, [character])
    asking = (DETECT, DETECT_TARGETED, CONS, CONS_PROMPT)
    return tuple(q for m in asking for q in m.questions(request, row, registry, references))


def question(kind: str, text: str = "?", character: str = "", references: Sequence[str] = ()) -> Question:
    """One of that kind about a picture that nobody looks up."""
    return Question(
        kind=kind, form="names" if kind == "identify" else "yes_no", request="r", file="f", sha256="0",
        text=text, character=character, references=tuple(references),
    )  # fmt: skip


def answered(kind: str, answer: Answer, judge: str = "j", request: str = "r", **more: Any) -> Verdict:
    """A verdict with that answer."""
    return Verdict(
        request=request, kind=kind, answer=answer, judge=judge, question="?",
        **{"image_sha256": "0", "question_hash": "h", **more},
    )  # fmt: skip
