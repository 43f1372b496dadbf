"""Hosted generators and judges: the real client against a loopback server that misbehaves."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from PIL import Image

from copycat.cards.judges import load_judge_card
from copycat.cards.models import load_card
from copycat.cli.main import main
from copycat.errors import MissingRequirement, UserError
from copycat.generators.base import load_generator
from copycat.judges.base import load_judge
from copycat.records import Request, Sampling, Unscored, YesNo
from copycat.resolve import ResolvedRun, resolve_settings
from copycat.stages.generate import generate
from copycat.stages.judge import judge
from copycat.stages.plan import plan, prepare
from copycat.stages.run import announce
from copycat.stages.score import score
from tests.conftest import Tiny
from tests.helpers.loopback import Loopback, running
from tests.helpers.provider import Provider, providing
from tests.helpers.questions import question


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    # The waiting between attempts is not what is tested.
    monkeypatch.setattr("copycat.io.hosted.pace._FIRST", 0.01)
    with running() as loopback:
        yield loopback


@pytest.fixture
def cards(server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model and a judge card for the server, in the user's own folder."""
    home = tmp_path / "home"
    monkeypatch.setenv("COPYCAT_HOME", str(home))
    monkeypatch.setenv("LOOPBACK_KEY", "k")
    api = {"base_url": server.url, "key_env": "LOOPBACK_KEY", "timeout": 1, "retries": 2, "price_usd": 0.04}
    common = {"source": "drawer-1", "batch_size": 2}
    model = {
        "name": "hosted", "title": "Hosted", "kind": "openai-images", **common, "negative_prompt": False,
        "sampling": {"steps": 1, "guidance": 0, "height": 16, "width": 16},
        "api": {**api, "options": {"quality": "low"}},
    }  # fmt: skip
    for folder, card in (
        ("models", model),
        ("judges", {"name": "seer", "kind": "openai-chat", **common, "api": api}),
    ):
        (home / folder).mkdir(parents=True)
        (home / folder / f"{card['name']}.yaml").write_text(yaml.safe_dump(card))
    return home


@pytest.fixture
def config(cards: Path, tiny_models: Tiny, tmp_path: Path):
    def make(**given: object) -> ResolvedRun:
        base = {
            "model": "hosted",
            "judge": "seer",
            "mitigations": ("none",),
            "steps": None,
            "batch_size": None,
        }
        return tiny_models.config(tmp_path / "run", **{**base, **given})

    return make


def draw(*prompts: str):
    sampling = Sampling(steps=1, guidance=0, height=16, width=16)
    common = {
        "model": "m",
        "character": "c",
        "prompt_set": "s",
        "run_seed": 0,
        "seed": 0,
        "mitigation": "none",
    }
    requests = [Request(**common, source_prompt=p, prompt=p, sampling=sampling).with_id() for p in prompts]
    return load_generator(load_card("hosted"), "cpu").generate(requests)


def test_the_whole_path_with_price_revised_prompt_and_options(config, server: Loopback) -> None:
    folder = prepare(config())
    assert generate(folder) == 6
    rows = list(folder.data().images.values())
    assert {r.outcome for r in rows} == {"ok"}
    assert {r.revised_prompt for r in rows} == {"a plain red square"}
    assert sum(r.cost_usd or 0 for r in rows) == pytest.approx(0.24)
    sent = server.asked[0]
    assert (sent["model"], sent["quality"], sent["size"], sent["n"]) == ("drawer-1", "low", "16x16", 1)
    assert judge(folder) == 18
    detect = next(m for m in score(folder) if m.metric == "DETECT")
    # The server always sees Zori, who is one of the three.
    assert detect.value == pytest.approx(1.0)
    assert server.asked[-1]["messages"][0]["content"][0]["image_url"]["url"].startswith(
        "data:image/png;base64,"
    )


@pytest.mark.parametrize(
    ("mood", "outcome", "calls"),
    [
        ("busy once", "ok", 2),
        ("broken once", "ok", 2),
        ("broken", "error", 3),
        ("slow", "error", 3),
        ("refuse", "refused_prompt", 1),
        ("cut off", "error", 1),
        ("empty", "error", 1),
    ],
)
def test_what_a_server_does_becomes_an_outcome(
    cards: Path, server: Loopback, mood: str, outcome: str, calls: int
) -> None:
    server.behave = {"odd": mood}
    odd, plain = draw("an odd owl", "a plain owl")
    assert (odd.outcome, plain.outcome) == (outcome, "ok")
    assert server.calls["an odd owl"] == calls
    assert (odd.error is None) == (outcome == "ok")


@pytest.mark.parametrize("mood", ["no key", "no money"])
def test_what_no_call_can_mend_stops_the_run_and_keeps_what_is_done(
    config, server: Loopback, mood: str
) -> None:
    folder = prepare(config())
    server.behave = {"Plitu": mood}
    with pytest.raises(MissingRequirement, match="same command resumes"):
        generate(folder)
    kept = sum(r.outcome == "ok" for r in folder.data().images.values())
    answered = sum(n for text, n in server.calls.items() if "Plitu" not in text)
    assert kept == answered > 0, "whatever was paid for"
    assert folder.manifest().status == "interrupted"
    server.behave = {}
    server.calls.clear()
    assert generate(folder) == 6 - kept
    # Nothing that was paid for is drawn again.
    assert server.calls["Plitu"] == 2
    assert server.calls.total() == 6 - kept


def test_only_what_failed_is_drawn_and_paid_again(config, server: Loopback) -> None:
    folder = prepare(config())
    server.behave = {"Kamo": "broken"}
    generate(folder)
    assert folder.data().failed == 2
    server.behave = {}
    server.calls.clear()
    assert generate(folder) == 2
    assert set(server.calls) == {"Kamo"}


@pytest.mark.parametrize(
    ("mood", "reason"),
    [
        ("busy once", None),
        ("decline", "refused"),
        ("broken", "InternalServerError"),
    ],
)
def test_a_judge_that_does_not_answer_is_unscored(
    cards: Path, server: Loopback, mood: str, reason: str | None
) -> None:
    server.behave = {"?": mood}
    asked = load_judge(load_judge_card("seer"), "cpu")
    (said,) = asked.ask([question("key", "Is it an owl?")], [Image.new("RGB", (8, 8))])
    if reason is None:
        assert said.answer == YesNo(p_yes=1.0)
    else:
        assert isinstance(said.answer, Unscored)
        assert reason in said.answer.reason


def test_a_judge_of_one_world_is_refused_for_another() -> None:
    with pytest.raises(UserError, match="knows only the characters of menagerie"):
        resolve_settings(model="sdxl", judge="menagerie")
    assert resolve_settings(model="sdxl").judging.card.name == "qwen2.5-vl-7b"
    assert resolve_settings().judging.card.name == "menagerie"


def test_only_what_was_not_answered_is_asked_and_paid_again(config, server: Loopback) -> None:
    folder = prepare(config())
    generate(folder)
    server.behave = {"Is Kamo": "broken"}
    assert judge(folder) == 18
    assert [v.scored for v in folder.data().verdicts].count(False) == 2
    server.behave = {}
    before = len(server.asked)
    assert judge(folder) == 2
    assert len(server.asked) - before == 2
    assert all(v.scored for v in folder.data().verdicts)


def test_a_judge_without_money_stops_and_keeps_its_answers(config, server: Loopback) -> None:
    folder = prepare(config())
    generate(folder)
    server.behave = {"Is Kamo": "no money"}
    with pytest.raises(MissingRequirement, match="same command resumes"):
        judge(folder)
    kept = sum(v.scored for v in folder.data().verdicts)
    assert kept > 0
    server.behave = {}
    assert judge(folder) == 18 - kept


def test_a_wrong_parameter_stops_the_run_and_the_same_command_resumes(config, server: Loopback) -> None:
    folder = prepare(config(seeds=tuple(range(6))))
    server.behave = {"": "wrong"}
    with pytest.raises(
        MissingRequirement, match=r"10 pictures in a row failed in the same way .*no such size"
    ):
        generate(folder)
    assert 10 <= len(folder.data().images) < 18, "it stopped early, and its rows are kept"
    assert max(server.calls.values()) <= 6, "what is wrong is not repeated"
    assert folder.manifest().status == "interrupted"
    server.behave = {}
    generate(folder)
    assert {r.outcome for r in folder.data().images.values()} == {"ok"}


@pytest.mark.parametrize(("mood", "ends"), [("wrong", True), ("refuse", False)])
def test_a_run_without_any_picture_fails_but_refusals_are_answers(
    config, server: Loopback, mood: str, ends: bool
) -> None:
    folder = prepare(config())
    server.behave = {"": mood}
    if ends:
        with pytest.raises(MissingRequirement, match="all 6 pictures failed"):
            generate(folder)
    else:
        assert generate(folder) == 6
    assert len(folder.data().images) == 6


def test_a_judge_that_cannot_answer_is_said_with_exit_code_2(
    config, server: Loopback, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = prepare(config())
    generate(folder)
    server.behave = {"?": "wrong"}
    monkeypatch.setattr("sys.argv", ["copycat", "judge", str(folder.path), "--concurrency", "3"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "The judge seer: 10 verdicts in a row failed" in capsys.readouterr().err
    assert 10 <= len(folder.data().verdicts) < 18
    server.behave = {}
    assert judge(folder) == 18
    # A judge that declines has answered.
    server.behave = {"?": "decline"}
    assert judge(folder, judge_name="seer[questions=paper]") > 0


def test_a_server_that_is_not_there_is_said_soon(config, cards: Path) -> None:
    card = yaml.safe_load((cards / "models/hosted.yaml").read_text())
    card["api"]["base_url"] = "http://127.0.0.1:9/v1"
    (cards / "models/hosted.yaml").write_text(yaml.safe_dump(card))
    folder = prepare(config(seeds=tuple(range(20))))
    with pytest.raises(MissingRequirement, match=r"Hosted failed 1. times in a row .*same command resumes"):
        generate(folder)


def test_concurrency_is_no_part_of_what_a_run_is(
    config, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = config(), config(concurrency=7, workers=2)
    assert (one.config.digest, one.model) == (other.config.digest, other.model)
    assert (one.card.at_a_time, other.card.at_a_time) == (2, 7)
    folder = prepare(one)
    assert prepare(other).path == folder.path, "the same run, taken up again"
    announce(other)
    told = " ".join(capsys.readouterr().err.split())
    assert "Hosted runs elsewhere, so threads of one process call it, 7 at a time" in told
    assert "--workers does nothing for it" in told


def test_a_kill_pays_again_only_for_what_was_in_flight(
    config, cards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = prepare(config(seeds=(0, 1, 2, 3)))
    generate(folder)
    with providing(Provider(latency=0.1)) as provider:
        api = {"base_url": provider.url, "key_env": None, "timeout": 20}
        card = {"name": "slow", "kind": "openai-chat", "source": "m", "batch_size": 3, "api": api}
        (cards / "judges/slow.yaml").write_text(yaml.safe_dump(card))
        argv = ["copycat", "judge", str(folder.path), "--judge", "slow"]
        program = f"import sys; sys.argv = {argv!r}; from copycat.cli.main import main; main()"
        process = subprocess.Popen([sys.executable, "-c", program], env={**os.environ, "HF_HUB_OFFLINE": "1"})
        deadline = time.monotonic() + 120
        while provider.answered.total() < 12 and time.monotonic() < deadline:
            time.sleep(0.01)
        process.kill()
        process.wait()
        answered, kept = provider.answered.total(), len(folder.data().verdicts)
        assert 12 <= answered < 36
        assert kept >= answered - 3, "all but what was in flight is on disk"
        judge(folder, judge_name="slow")
        verdicts = [v for v in folder.data().verdicts if v.judge.startswith("slow")]
    assert len(verdicts) == 36
    assert all(v.scored for v in verdicts)
    assert provider.answered.total() - 36 <= 3, "nothing else is paid twice"


def test_a_missing_key_is_said_before_anything_is_written(
    config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("LOOPBACK_KEY")
    with pytest.raises(MissingRequirement, match="LOOPBACK_KEY"):
        prepare(config())
    assert not (tmp_path / "run").exists()


def test_a_negative_prompt_that_would_be_ignored_is_refused(
    config, tiny_models: Tiny, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="takes no negative prompt"):
        plan(config(mitigations=("negprompt",)))
    with pytest.raises(UserError, match="raise --guidance"):
        plan(tiny_models.config(tmp_path / "run", guidance=1.0))
    assert plan(config(mitigations=("rewrite",)))


def test_the_shipped_cards_speak_the_api(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    for name in ("gpt-image-1", "dall-e-3"):
        assert load_generator(load_card(name), "cpu").identity == f"{name}@{name}"
    assert load_judge(load_judge_card("gpt-4o"), "cpu").batch_size > 1
