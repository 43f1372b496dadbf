"""Judges that are closed are gone from memory."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from copycat.cards.judges import JudgeCard, load_judge_card
from copycat.judges.base import load_judge
from copycat.records import Question
from tests.helpers.vlm_families import FAMILIES

PICTURE = Image.new("RGB", (32, 32), (200, 30, 30))
QUESTION = Question(
    kind="identify", form="names", request="r", file="f", sha256="0", text="Which character is this?"
)  # fmt: skip


def modules(judge: Any) -> list[weakref.ref[torch.nn.Module]]:
    """What it holds; of a panel what its members hold."""
    members = [m for _, m in getattr(judge, "_members", ())]
    own = [weakref.ref(judge._model)] if hasattr(judge, "_model") else []
    return own + [ref for m in members for ref in modules(m)]


@pytest.mark.parametrize("name", ["menagerie", "menagerie-embedding", "menagerie-phash", "panel", *FAMILIES])
def test_what_is_closed_is_gone(name: str, tmp_path: Path) -> None:
    if name == "smolvlm2":
        pytest.importorskip("num2words", reason="the processor of SmolVLM writes numbers in words")
    torch.set_num_threads(1)
    if name in FAMILIES:
        FAMILIES[name](tmp_path / name)
        card = load_judge_card(str(tmp_path / name))
    elif name == "panel":
        card = JudgeCard(name="panel", kind="panel", members=("menagerie", "menagerie-embedding"))
    else:
        card = load_judge_card(name)
    with load_judge(card, "cpu") as judge:
        assert len(judge.ask([QUESTION], [PICTURE])) == 1
        held = modules(judge)
        assert len(held) == {"panel": 2, "menagerie-phash": 0}.get(name, 1)
        identity = judge.identity
    assert [ref() for ref in held] == [None] * len(held)
    assert judge.identity == identity
