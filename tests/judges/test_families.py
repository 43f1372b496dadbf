"""Every family of vision-language models that a card names, through the code that loads the real ones."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

from copycat.cards.judges import load_judge_card
from copycat.judges import yes_no
from copycat.judges.base import load_judge
from copycat.records import Named, Question, YesNo
from tests.helpers.questions import question as one
from tests.helpers.vlm_families import FAMILIES

PICTURES = [Image.effect_noise((24, 16), 90).convert("RGB"), Image.new("RGB", (16, 24), (200, 30, 30))]


def question(kind: str, *references: str) -> Question:
    text = "Which character is in this picture?" if kind == "identify" else "Does this picture show an owl?"
    return one(kind, text, references=references)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_answers_and_is_shown_references(
    family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if family == "smolvlm2":
        pytest.importorskip("num2words", reason="the processor of SmolVLM writes numbers in words")
    # Random weights do not know that yes and no are the only answers.
    monkeypatch.setattr(yes_no, "MIN_ANSWER_PROBABILITY", 0.0)
    torch.manual_seed(1)
    torch.set_num_threads(1)
    FAMILIES[family](tmp_path / family)
    reference = tmp_path / "reference.png"
    PICTURES[0].resize((16, 16)).save(reference)
    judge = load_judge(load_judge_card(f"{tmp_path / family}[references=2]"), "cpu")
    kinds = ["key", "key", "identify"]
    said = judge.ask([question(k) for k in kinds], [*PICTURES, PICTURES[0]])
    red, noise = said[1].answer, said[0].answer
    assert isinstance(noise, YesNo), noise
    assert isinstance(red, YesNo), red
    assert isinstance(said[2].answer, Named), said[2].answer
    assert 0 <= noise.p_yes <= (noise.answer_probability or 0) <= 1
    assert abs(noise.p_yes - red.p_yes) > 1e-5, "it looks at the picture"
    for together, picture in zip((noise, red), PICTURES, strict=True):
        (alone,) = judge.ask([question("key")], [picture])
        assert isinstance(alone.answer, YesNo)
        assert alone.answer.p_yes == pytest.approx(together.p_yes, abs=1e-5), "whatever its neighbours"
    (shown,) = judge.ask([question("verify", str(reference), str(reference))], PICTURES[1:])
    assert isinstance(shown.answer, YesNo), shown.answer
    assert abs(shown.answer.p_yes - red.p_yes) > 1e-5
