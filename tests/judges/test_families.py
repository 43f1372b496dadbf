"""Every family of vision-language models that a card names, through the code that loads the real ones."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

from copycat.judges import vlm
from copycat.judges.base import load_judge
from copycat.judges.card import load_judge_card
from copycat.records import Question, QuestionKind
from tests.judges.families import FAMILIES

PICTURES = [Image.effect_noise((24, 16), 90).convert("RGB"), Image.new("RGB", (16, 24), (200, 30, 30))]


def question(kind: QuestionKind, *references: str) -> Question:
    text = "Which character is in this picture?" if kind == "which" else "Does this picture show an owl?"
    return Question(kind=kind, request="r", file="f", sha256="0", text=text, references=references)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_answers_and_is_shown_references(
    family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if family == "smolvlm2":
        pytest.importorskip("num2words", reason="the processor of SmolVLM writes numbers in words")
    # Random weights do not know that yes and no are the only answers.
    monkeypatch.setattr(vlm, "MIN_MASS", 0.0)
    torch.manual_seed(1)
    torch.set_num_threads(1)
    FAMILIES[family](tmp_path / family)
    reference = tmp_path / "reference.png"
    PICTURES[0].resize((16, 16)).save(reference)
    judge = load_judge(load_judge_card(f"{tmp_path / family}[references=2]"), "cpu")
    kinds: list[QuestionKind] = ["key", "key", "which"]
    said = judge.ask([question(k) for k in kinds], [*PICTURES, PICTURES[0]])
    assert [v.status for v in said] == ["scored"] * 3, [v.reason for v in said]
    assert 0 <= said[0].score <= said[0].mass <= 1
    assert abs(said[0].score - said[1].score) > 1e-5, "it looks at the picture"
    for v, q, p in zip(said, [question(k) for k in kinds[:2]], PICTURES, strict=False):
        assert judge.ask([q], [p])[0].score == pytest.approx(v.score, abs=1e-5), "whatever its neighbours"
    (shown,) = judge.ask([question("target", str(reference), str(reference))], PICTURES[1:])
    assert shown.status == "scored", shown.reason
    assert abs(shown.score - said[1].score) > 1e-5
