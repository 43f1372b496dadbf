"""Hosted models asked for pictures in batches of their provider: the same rows, and nothing paid twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from copycat.errors import MissingRequirement
from copycat.io import lifecycle
from copycat.io.hosted import Batches
from copycat.resolve import ResolvedRun
from copycat.runs.folder import RunFolder
from copycat.runtime.progress import Progress
from copycat.stages import batched
from copycat.stages.batched_pictures import PictureWork
from copycat.stages.generate import generate
from copycat.stages.plan import check, plan, prepare
from copycat.stages.run import complete, expected
from tests.helpers.loopback import Loopback
from tests.stages.test_held import ASKED, NOBODY

PRICE = 0.04


class Killed(BaseException):
    """Ends a command where it stands, as a signal does."""


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batched, "_FIRST", 0.01)
    monkeypatch.setattr(lifecycle, "free_memory", lambda: None)


def drawn(made: ResolvedRun) -> RunFolder:
    folder = prepare(made)
    generate(folder, made)
    return folder


def rows(folder: RunFolder) -> list[tuple[object, ...]]:
    found = folder.data().images.values()
    return sorted((r.request, r.outcome, r.sha256, r.cost_usd, r.revised_prompt, r.error) for r in found)


def test_a_batch_gives_the_rows_that_calls_give(run, server: Loopback) -> None:
    server.usage = {"input_tokens": 7, "output_tokens": 9}
    alone = drawn(run("alone", cache=False))
    assert len(server.asked) == 3
    assert not server.desk.asked
    folder = drawn(run(cache=False, batch=True))
    assert len(server.asked) == 3, "none was asked for alone"
    assert rows(folder) == rows(alone)
    assert all((folder.path / r.file).is_file() for r in folder.data().images.values())
    assert {r.usage.tokens_out for r in folder.data().images.values()} == {9}
    key = lambda body: body["prompt"]  # noqa: E731
    assert sorted((c["body"] for c in server.desk.calls()), key=key) == sorted(server.asked, key=key)
    assert {c["url"] for c in server.desk.calls()} == {"/v1/images/generations"}
    spent = folder.manifest().spent
    assert (spent.pictures, spent.usd, spent.open_usd) == (3, pytest.approx(3 * PRICE), 0)
    assert not folder.held_path.exists()
    assert not (folder.path / "batches").exists()


@pytest.mark.parametrize("at", ["begun", "items", "forget"])
@pytest.mark.parametrize("batch", [True, False])
def test_wherever_it_is_killed_nothing_is_paid_twice(
    run, server: Loopback, monkeypatch: pytest.MonkeyPatch, at: str, batch: bool
) -> None:
    made, begin = run(cache=False, batch=True), Batches.begin

    def killed_once_begun(self: Batches, file: str) -> str:
        begin(self, file)
        raise Killed

    def killed(self: Batches, *_: object) -> None:
        raise Killed

    folder = prepare(made)
    with monkeypatch.context() as patched:
        name, instead = ("begin", killed_once_begun) if at == "begun" else (at, killed)
        patched.setattr(Batches, name, instead)
        with pytest.raises(Killed):
            generate(folder, made)
    again = run(cache=False, batch=batch)
    generate(folder, again)
    assert len(server.desk.batches) == 1
    assert not server.asked
    assert {r.outcome for r in folder.data().images.values()} == {"ok"}
    assert folder.manifest().spent.usd == pytest.approx(3 * PRICE)


def test_what_a_provider_declines_is_a_refusal_and_what_fails_is_asked_for_alone(
    run, server: Loopback
) -> None:
    server.behave = {"Zori": "refuse", "Kamo": "broken"}
    made = run(cache=False, batch=True)
    folder = drawn(made)
    found = {r.character: folder.data().images[r.id] for r in folder.data().requests}
    assert (found["zori"].outcome, found["zori"].error, found["zori"].cost_usd) == (
        "refused_prompt",
        "not that one",
        None,
    )
    assert found["kamo"].outcome == "error"
    assert found["plitu"].outcome == "ok"
    assert {b["prompt"] for b in server.asked} == {"Kamo"}
    assert folder.manifest().spent.usd == pytest.approx(PRICE)
    server.behave = {}
    generate(folder, made)
    assert folder.data().failed == 0
    assert folder.manifest().spent.pictures == 2


def test_the_cap_is_kept(run, server: Loopback) -> None:
    made = run(cache=False, batch=True, max_cost=0.1)
    folder = prepare(made)
    with pytest.raises(MissingRequirement, match=r"could pass --max-cost 0\.1"):
        generate(folder, made)
    assert len(server.desk.calls()) == 2
    assert folder.manifest().spent.counted == pytest.approx(2 * PRICE)
    generate(folder, run(cache=False, batch=True, max_cost=0.12))
    assert len(server.desk.calls()) == 3
    assert {r.outcome for r in folder.data().images.values()} == {"ok"}


def test_several_batches_and_pictures_of_other_runs(
    run, server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PictureWork, "most_calls", 2)
    drawn(run(batch=True))
    assert len(server.desk.batches) == 2
    again = drawn(run("again", batch=True))
    assert len(server.desk.batches) == 2
    assert {r.reused for r in again.data().images.values()} == {True}


def test_a_filter_looks_at_pictures_of_batches(run, server: Loopback) -> None:
    server.behave = {ASKED: NOBODY}
    folder = drawn(run(mitigations=("filter[judge=seer]",), cache=False, batch=True))
    assert len(server.desk.batches) == 1
    found = folder.data().images.values()
    assert {(r.outcome, r.cost_usd) for r in found} == {("ok", PRICE)}
    assert all(r.review is not None for r in found)
    assert all("messages" in b for b in server.asked)


def test_a_model_in_batches_may_have_a_judge_on_this_machine(run, tiny_models, server: Loopback) -> None:
    made = run(judge=str(tiny_models.judge), cache=False, batch=True)
    check(made)
    whole = complete(prepare(made), made, Progress())
    assert whole.finished
    assert len(server.desk.batches) == 1
    assert not server.asked


def test_a_cap_needs_a_price_in_batches_and_alone(run, card, server: Loopback) -> None:
    card("models", price_usd=None)
    with pytest.raises(MissingRequirement, match="at most is not known"):
        check(run(batch=True, max_cost=5))
    assert not server.desk.asked


def test_a_dry_run_counts_with_prices_of_batches(run, tmp_path: Path) -> None:
    made = run(batch=True)
    drawer, seer, *_ = expected(made, plan(made, ask=False))
    assert drawer.startswith("drawer: 3 pictures, 3 calls, ")
    assert "about $0.12" in drawer
    assert seer.startswith("seer: 3 questions or more")
