"""Inference providers: the real client against a loopback endpoint that misbehaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from copycat.cards.models import load_card
from copycat.errors import MissingRequirement, UserError
from copycat.generators.base import load_generator
from copycat.records import Request
from copycat.resolve import ResolvedRun
from copycat.stages.generate import generate
from copycat.stages.plan import plan, prepare
from tests.helpers.loopback import Loopback, running


@pytest.fixture
def server() -> Iterator[Loopback]:
    with running() as loopback:
        yield loopback


@pytest.fixture
def runs(
    server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: Callable[..., ResolvedRun]
) -> Callable[..., ResolvedRun]:
    monkeypatch.setenv("COPYCAT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LOOPBACK_KEY", "k")
    monkeypatch.setattr("copycat.io.hosted.pace._FIRST", 0.01)
    card: dict[str, Any] = {
        "name": "served", "title": "Served", "kind": "inference-providers", "source": "some/model",
        "batch_size": 2, "sampling": {"steps": 3, "guidance": 5, "height": 16, "width": 16},
        "api": {
            "base_url": server.url, "key_env": "LOOPBACK_KEY", "timeout": 1, "retries": 2, "price_usd": 0.02,
            "options": {"scheduler": "DDIM"},
        },
    }  # fmt: skip
    (tmp_path / "home/models").mkdir(parents=True)
    (tmp_path / "home/models/served.yaml").write_text(yaml.safe_dump(card))
    return lambda **given: config(**{"model": "served", "steps": None, "batch_size": None, **given})


def test_negative_guidance_and_seed_are_passed_on(runs: Callable[..., ResolvedRun], server: Loopback) -> None:
    folder = prepare(runs())
    assert generate(folder) == 12
    rows = folder.data().images.values()
    assert {r.outcome for r in rows} == {"ok"}
    assert sum(r.cost_usd or 0 for r in rows) == pytest.approx(0.24)
    sent = {
        (a["inputs"], a["parameters"].get("negative_prompt"), a["parameters"]["seed"]) for a in server.asked
    }
    assert sent == {(r.prompt, r.negative or None, r.seed % 2**31) for r in folder.data().requests}
    assert len(sent) == 12
    told = server.asked[0]["parameters"]
    assert (told["guidance_scale"], told["num_inference_steps"], told["height"]) == (5.0, 3, 16)
    assert told["scheduler"] == "DDIM"


def test_a_server_that_ignores_negative_prompts_is_found_out(
    runs: Callable[..., ResolvedRun], server: Loopback
) -> None:
    server.behave = {"Zori": "deaf"}
    folder = prepare(runs())
    with pytest.raises(
        UserError, match="The negative prompt does nothing: Served gave the same picture of zori"
    ):
        generate(folder)
    kept = len(folder.data().images)
    assert 2 <= kept <= 4, "the first pair was asked for first"
    asked = len(server.asked)
    with pytest.raises(UserError, match="does nothing"):
        generate(folder)
    assert (len(folder.data().images), len(server.asked)) == (kept, asked), "nothing more is paid for"


@pytest.mark.parametrize(
    ("mood", "outcome", "calls"),
    [
        ("busy once", "ok", 2),
        ("broken once", "ok", 2),
        ("broken", "error", 3),
        ("slow", "error", 3),
        ("refuse", "error", 1),
        ("withhold", "refused_prompt", 1),
        ("black", "refused_output", 1),
        ("cut off", "error", 1),
    ],
)
def test_what_an_endpoint_does_becomes_an_outcome(
    runs: Callable[..., ResolvedRun], server: Loopback, mood: str, outcome: str, calls: int
) -> None:
    server.behave = {"odd": mood}
    base: Request = plan(runs())[0]
    asked = [base.model_copy(update={"prompt": p}) for p in ("an odd owl", "a plain owl")]
    odd, plain = load_generator(load_card("served"), "cpu").generate(asked)
    assert (odd.outcome, plain.outcome) == (outcome, "ok")
    assert server.calls["an odd owl"] == calls
    assert (odd.error is None) == (outcome == "ok")


@pytest.mark.parametrize("mood", ["no key", "no money"])
def test_what_no_call_can_mend_stops_the_run(
    runs: Callable[..., ResolvedRun], server: Loopback, mood: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = prepare(runs())
    server.behave = {"Plitu": mood}
    with pytest.raises(MissingRequirement, match="same command resumes"):
        generate(folder)
    assert folder.manifest().status == "interrupted"
    server.behave = {}
    generate(folder)
    assert {r.outcome for r in folder.data().images.values()} == {"ok"}
    monkeypatch.delenv("LOOPBACK_KEY")
    with pytest.raises(MissingRequirement, match="LOOPBACK_KEY"):
        prepare(runs(seeds=(7,), out=folder.path.parent / "other"))
