"""Panels: the vote by hand, and a whole run with a local and a hosted member."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import openai
import pytest
import yaml

from copycat.characters import load_registry
from copycat.config import make_config
from copycat.errors import UserError
from copycat.judges.base import identify, load_judge
from copycat.judges.card import load_judge_card
from copycat.judges.panel import vote
from copycat.records import Question, QuestionKind, Verdict
from copycat.runs.folder import RunFolder
from copycat.stages.generate import generate
from copycat.stages.judge import judge
from copycat.stages.plan import prepare
from copycat.stages.score import score
from tests.conftest import Tiny
from tests.helpers.loopback import Loopback, running


def question(kind: QuestionKind) -> Question:
    return Question(kind=kind, request="r", file="f", sha256="0", text="?")


def ballot(kind: QuestionKind, said: object) -> Verdict:
    """`said`: a score, names, or None for no answer."""
    return Verdict(
        request="r", kind=kind, image_sha256="0", judge=f"j{said}", question="?", question_hash="h",
        status="unscored" if said is None else "scored", reason="asleep" if said is None else None,
        score=said if isinstance(said, float) else None, names=said if isinstance(said, tuple) else None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "scores", "expected"),
    [
        ("majority", (0.9, 0.8, 0.1), 0.8),
        ("majority", (0.9, 0.2, 0.1), 0.2),
        ("majority", (0.9, 0.1), 0.1),  # a tie is no majority
        ("majority", (0.9, 0.8, 0.2, 0.1), 0.2),
        ("any", (0.9, 0.2, 0.1), 0.9),
        ("all", (0.9, 0.8, 0.1), 0.1),
        ("mean", (0.9, 0.5, 0.1), 0.5),
        ("majority", (None, 0.9, None), 0.9),  # the vote is among those that answered
    ],
)
def test_scores(rule, scores, expected) -> None:
    v = vote(question("target"), "p", rule, [ballot("target", s) for s in scores])
    assert v.score == pytest.approx(expected)
    assert len(v.voters) == sum(s is not None for s in scores)


@pytest.mark.parametrize(
    ("rule", "expected"), [("majority", {"Zori"}), ("any", {"Zori", "Kamo", "a dog"}), ("all", set())]
)
def test_names_are_the_same_by_alias_and_by_letters(tiny_models: Tiny, rule, expected) -> None:
    said = [("ZOKIN!", "a dog"), ("it is Zori",), ("Kamo", "A dog.")]
    registry = load_registry(str(tiny_models.registry))
    v = vote(question("which"), "p", rule, [ballot("which", s) for s in said], registry)
    if rule == "majority":
        expected = {*expected, "A dog."}
    assert {n.rstrip(".").lower() for n in v.names or ()} == {n.rstrip(".").lower() for n in expected}


def test_nobody_answered() -> None:
    v = vote(question("key"), "p", "any", [ballot("key", None), ballot("key", None)])
    assert (v.status, v.score) == ("unscored", None)
    assert "asleep" in (v.reason or "")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    monkeypatch.setattr(openai._base_client, "MAX_RETRY_DELAY", 0.01)
    with running() as loopback:
        yield loopback


@pytest.fixture
def run(server: Loopback, tiny_models: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """Pictures of three characters, and a panel of a hosted judge and a local one."""
    home = tmp_path / "home"
    monkeypatch.setenv("COPYCAT_HOME", str(home))
    (home / "judges").mkdir(parents=True)
    api = {"base_url": server.url, "key_env": None, "retries": 0}
    members = ["seer", str(tiny_models.judge)]
    for card in (
        {"name": "seer", "kind": "openai-chat", "source": "seer-1", "batch_size": 2, "api": api},
        {"name": "bench", "kind": "panel", "vote": "any", "members": members},
        {"name": "alone", "kind": "panel", "members": ["seer"]},
        {"name": "nested", "kind": "panel", "members": ["bench", "seer"]},
        {"name": "bare", "kind": "transformers-vlm"},
        {"name": "stranger", "kind": "panel", "members": ["menagerie", "seer"]},
    ):
        (home / "judges" / f"{card['name']}.yaml").write_text(yaml.safe_dump(card))
    folder = prepare(tiny_models.config(tmp_path / "run", judge="bench", mitigations=("none",), seeds=(0,)))
    assert generate(folder) == 3
    return folder


def test_a_panel_keeps_its_members_rows_and_asks_nobody_twice(run: RunFolder, server: Loopback) -> None:
    server.behave = {"Is Kamo": "broken"}
    panel, (hosted, local) = load_judge_card("bench"), map(identify, load_judge_card("bench").asked())
    assert judge(run) == 18
    by = {(v.judge, v.kind, v.question): v for v in run.verdicts()}
    assert {v.judge for v in by.values()} == {hosted, local, identify(panel)}
    assert run.manifest().judge == identify(panel)
    kamo = "Is Kamo in this picture? Answer Yes or No."
    assert by[hosted, "target", kamo].status == "unscored"
    assert by[identify(panel), "target", kamo].voters == (local,)
    assert by[identify(panel), "target", kamo].score == by[local, "target", kamo].score
    asked, rows = len(server.asked), len(run.verdict_journal.replay())
    server.behave = {}
    # Only what failed is asked again, and only the panel's verdict that it changes is written anew.
    assert judge(run) == 1
    assert len(server.asked) - asked == 1
    assert len(run.verdict_journal.replay()) == rows + 2
    (after,) = [v for v in run.verdicts() if v.judge == identify(panel) and v.question == kamo]
    assert (after.voters, after.score) == ((hosted, local), 1.0)
    # The server sees Zori in every picture, so any member's word is enough.
    assert next(m for m in score(run) if m.metric == "DETECT_targeted").value == pytest.approx(3)
    assert "Cohen's κ" in (run.path / "table.md").read_text(encoding="utf-8")
    assert '"images": 3' in (run.path / "agreement.json").read_text(encoding="utf-8")


def test_a_panel_in_memory_comes_to_the_same_verdicts(run: RunFolder) -> None:
    from PIL import Image

    from copycat.judges.questions import questions

    judge(run)
    panel = load_judge(load_judge_card("bench"), "cpu")
    (first, *_), image = run.requests(), next(iter(run.images().values()))
    asked = questions(image, run.registry()[first.character])
    picture = Image.open(run.path / str(image.file)).convert("RGB")
    kept = {v.kind: v for v in run.verdicts() if v.request == first.id and v.judge == panel.identity}
    for v in panel.ask(asked, [picture] * len(asked)):
        assert v.score == pytest.approx(kept[v.kind].score, abs=1e-4)
        assert v.voters == kept[v.kind].voters
    assert len(asked) == 3


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("alone", "needs two or more"),
        ("nested", "bench is a panel and cannot be a member"),
        ("bare", "names no weights"),
        ("stranger", "knows only the characters of menagerie"),
    ],
)
def test_panels_that_cannot_be(run: RunFolder, tiny_models: Tiny, name: str, told: str) -> None:
    with pytest.raises(UserError, match=told):
        tiny_models.config(run.path, judge=name)
    with pytest.raises(UserError, match=told):
        judge(run, judge_name=name)
    assert run.verdicts() == []
    assert make_config().judge == "menagerie"
