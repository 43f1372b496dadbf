"""Panels: the vote by hand, and a whole run with a local and a hosted member."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from PIL import Image

from copycat.cards.judges import Vote, load_judge_card
from copycat.errors import UserError
from copycat.judges.base import identify, load_judge
from copycat.judges.panel import vote
from copycat.judges.replies import read_names
from copycat.records import Named, Unscored, Verdict, YesNo
from copycat.resolve import resolve_settings
from copycat.runs.folder import RunFolder
from copycat.stages.generate import generate
from copycat.stages.judge import judge
from copycat.stages.plan import prepare
from copycat.stages.score import score
from copycat.subjects.characters import load_registry
from copycat.subjects.recognition import recognised
from tests.conftest import Tiny
from tests.helpers.loopback import Loopback, running
from tests.helpers.questions import answered, question, questions


def ballot(kind: str, said: float | tuple[str, ...] | None) -> Verdict:
    """`said`: P("Yes"), names, or None for no answer."""
    if said is None:
        return answered(kind, Unscored(reason="asleep"), "j")
    answer = Named(names=said) if isinstance(said, tuple) else YesNo(p_yes=said)
    return answered(kind, answer, f"j{said}")


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
    v = vote(question("verify"), "p", rule, [ballot("verify", s) for s in scores])
    assert isinstance(v.answer, YesNo)
    assert v.answer.p_yes == pytest.approx(expected)
    assert len(v.voters) == sum(s is not None for s in scores)


@pytest.mark.parametrize(
    ("rule", "expected"), [("majority", {"Zori"}), ("any", {"Zori", "Kamo", "a dog"}), ("all", set())]
)
def test_names_are_the_same_by_alias_and_by_letters(tiny_models: Tiny, rule, expected) -> None:
    said = [("ZOKIN!", "a dog"), ("it is Zori",), ("Kamo", "A dog.")]
    registry = load_registry(str(tiny_models.registry))
    v = vote(question("identify"), "p", rule, [ballot("identify", s) for s in said], registry)
    assert isinstance(v.answer, Named)
    if rule == "majority":
        expected = {*expected, "A dog."}
    assert {n.rstrip(".").lower() for n in v.answer.names} == {n.rstrip(".").lower() for n in expected}


def test_who_leaves_a_character_open_has_no_vote_about_it(tiny_models: Tiny) -> None:
    registry = load_registry(str(tiny_models.registry))

    def roles(rule: Vote, *replies: str, cut_off: bool = False) -> dict[str, str] | None:
        said = [answered("identify", read_names(r, cut_off=cut_off), f"j{r}") for r in replies]
        return recognised(vote(question("identify"), "p", rule, said, registry).answer, registry)

    assert roles("majority", "Zori", "Zori or Kamo") == {"zori": "shown"}
    assert roles("majority", "Zori", "Zori or Kamo", "Plitu") == {}
    assert roles("any", "Zori or Kamo", "Maybe Zori") == {"zori": "doubtful"}
    assert roles("majority", "This is not Zori", "None", "a frog") == {}
    assert roles("all", "Here are Zori, Kamo an", "Here are Kamo and Plitu an", cut_off=True) == {
        "zori": "shown",
        "kamo": "shown",
        "plitu": "shown",
    }


def test_nobody_answered() -> None:
    v = vote(question("key"), "p", "any", [ballot("key", None), ballot("key", None)])
    assert isinstance(v.answer, Unscored)
    assert "asleep" in v.answer.reason


def p_yes(v: Verdict) -> float | None:
    return v.answer.p_yes if isinstance(v.answer, YesNo) else None


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    monkeypatch.setattr("copycat.io.hosted.pace._FIRST", 0.01)
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
    by = {(v.judge, v.kind, v.question): v for v in run.data().verdicts}
    assert {v.judge for v in by.values()} == {hosted, local, identify(panel)}
    assert run.manifest().judge == identify(panel)
    kamo = "Is Kamo in this picture? Answer Yes or No."
    assert not by[hosted, "verify", kamo].scored
    assert by[identify(panel), "verify", kamo].voters == (local,)
    assert p_yes(by[identify(panel), "verify", kamo]) == p_yes(by[local, "verify", kamo])
    asked, rows = len(server.asked), len(run.verdict_journal.rows())
    server.behave = {}
    # Only what failed is asked again, and only the panel's verdict that it changes is written anew.
    assert judge(run) == 1
    assert len(server.asked) - asked == 1
    assert len(run.verdict_journal.rows()) == rows + 2
    (after,) = [v for v in run.data().verdicts if v.judge == identify(panel) and v.question == kamo]
    assert (after.voters, p_yes(after)) == ((hosted, local), 1.0)
    # The server sees Zori in every picture, so any member's word is enough.
    assert next(m for m in score(run) if m.metric == "DETECT_targeted").value == pytest.approx(3)
    assert "Cohen's κ" in (run.path / "table.md").read_text(encoding="utf-8")
    assert '"images": 3' in (run.path / "agreement.json").read_text(encoding="utf-8")


def test_a_panel_in_memory_comes_to_the_same_verdicts(run: RunFolder) -> None:
    judge(run)
    panel = load_judge(load_judge_card("bench"), "cpu")
    (first, *_), image = run.data().requests, next(iter(run.data().images.values()))
    asked = questions(image, run.registry()[first.character])
    picture = Image.open(run.path / str(image.file)).convert("RGB")
    kept = {v.kind: v for v in run.data().verdicts if v.request == first.id and v.judge == panel.identity}
    for v in panel.ask(asked, [picture] * len(asked)):
        assert p_yes(v) == pytest.approx(p_yes(kept[v.kind]), abs=1e-4)
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
    assert run.data().verdicts == []
    assert resolve_settings().judging.card.name == "menagerie"
