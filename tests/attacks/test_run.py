"""Attacks in a run: from the command line to the tables, on tiny models."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from markupsafe import escape
from typer.testing import CliRunner

from copycat.attacks import Found, kept
from copycat.attacks.search import Undecided
from copycat.cli.main import app
from copycat.errors import UserError
from copycat.measures import DETECT
from copycat.mitigations.aliases import canonical
from copycat.records import Step, request_id
from copycat.report.attacks import OPTIMISTIC, about, attacks, cells, markdown, sentence, share
from copycat.resolve import resolve_settings
from copycat.runs.folder import RunFolder
from copycat.runtime.progress import Progress
from copycat.stages.plan import UNSEARCHED, plan, prepare, raw_requests
from copycat.stages.run import complete
from copycat.stages.verify import verify
from tests.conftest import Tiny
from tests.helpers import tiny_pipelines

TYPO = "typo[queries=2]"


@pytest.fixture
def given(tiny_models: Tiny) -> list[str]:
    """The options of a command line about the tiny world."""
    return [
        "--model", str(tiny_models.sd), "--registry", str(tiny_models.registry),
        "--prompts", str(tiny_models.prompts), "--judge", str(tiny_models.judge), "--limit", "1",
    ]  # fmt: skip


def test_a_run_under_attack_resumes_and_tells_how_often_it_succeeds(config: Any) -> None:
    run = config(mitigations=("none", "rewrite"), attacks=("none", TYPO), limit=2, seeds=(0,))
    assert run.config.mitigations == ("none", f"none@{TYPO}", "rewrite", f"rewrite@{TYPO}")
    requests = plan(run)
    folder = prepare(run, requests)
    data = complete(folder, run, Progress())
    assert data.finished
    found = attacks(data)
    assert [(a.guard, a.attack, a.searches) for a in found] == [("none", TYPO, 2), ("rewrite", TYPO, 2)]
    for a in found:
        assert a.before == data.metric(DETECT, a.guard, a.prompt_set)
        assert a.under == data.metric(DETECT, f"{a.guard}@{TYPO}", a.prompt_set)
        searched = [s.result for r in requests for s in r.provenance if r.mitigation == f"{a.guard}@{TYPO}"]
        results = [Found.model_validate(s) for s in searched if s and "queries" in s]
        assert a.succeeded == sum(f.success for f in results)
        assert a.plain == sum(f.success and f.clean for f in results)
        assert a.queries == sum(f.queries for f in results) / 2
        assert a.steps == 0
        assert a.seconds is not None
        assert a.seconds > 0
        assert f"{a.succeeded} of 2 searches succeeded" in sentence(a)
        assert len(cells(a)) == 9
    table = (folder.path / "table.md").read_text()
    assert "## Attacks" in table
    assert f"| rewrite | {TYPO} |" in table
    page = folder.page_path.read_text()
    assert 'id="attacks"' in page
    for told in about(found):
        assert told in table
        assert str(escape(told)) in page
    assert OPTIMISTIC in about(found), "the judge that scores is the one that searched"
    assert OPTIMISTIC not in about([replace(a, own_judge=False) for a in found])
    unread = replace(found[0], unreadable=7)
    assert "7 attempts were not tried" in about([unread])[-1]
    assert "7 attempts were not tried" in sentence(unread)
    assert not verify(folder).faults
    again = prepare(run, plan(run))
    assert again.data().requests == data.requests, "the same command finds its own run"


def test_runs_without_attacks_have_nothing_about_them(config: Any) -> None:
    run = config(limit=1, seeds=(0,))
    data = complete(prepare(run, plan(run)), run, Progress())
    assert attacks(data) == []
    assert markdown([]) == []
    assert "attack" not in (data.path / "table.md").read_text()


def test_seconds_of_a_search_are_no_part_of_the_identity(config: Any) -> None:
    (request,) = plan(config(mitigations=(f"none@{TYPO}",), limit=1, seeds=(0,)))
    (step,) = request.provenance
    assert step.seconds is not None
    slower = step.model_copy(update={"seconds": step.seconds + 100})
    assert request_id(request.model_copy(update={"provenance": (slower,)})) == request.id
    assert Found.model_validate(step.result).queries in (1, 2)
    assert "seconds" not in Step(name="x").model_dump(), "steps of before are written as ever"


def test_a_dry_run_searches_nothing_and_tells_the_budget(given: list[str], tmp_path: Path) -> None:
    told = CliRunner().invoke(
        app, ["attack", *given, "--attack", "typo[queries=5]", "--out", str(tmp_path / "run"), "--dry-run"]
    )
    assert told.exit_code == 0, told.output
    assert "none@typo[queries=5] would search for 1 pictures, with at most 5 queries for each" in told.output
    assert not (tmp_path / "run").exists()


def test_copycat_attack_is_a_run_with_and_without(given: list[str], tmp_path: Path) -> None:
    out = tmp_path / "run"
    told = CliRunner().invoke(app, ["attack", *given, "--attack", TYPO, "--out", str(out)])
    assert told.exit_code == 0, told.output
    assert RunFolder(out).manifest().config.mitigations == ("none", f"none@{TYPO}")
    assert "Attacks" in told.output
    assert "pre-ASR" in told.output
    assert CliRunner().invoke(app, ["attack", *given, "--attack", TYPO, "--out", str(out)]).exit_code == 0


def test_a_search_is_kept_readable_and_a_broken_one_is_said(config: Any) -> None:
    run = config(mitigations=(f"none@{TYPO}",), limit=1, seeds=(0,))
    plan(run)
    (file,) = kept.folder_of("x").parent.glob(f"*/{kept.FOUND}")
    told = json.loads(file.read_text())
    assert (told["guard"], told["character"], told["asked"]) == ("none", "zori", "Zori")
    file.write_text("{}")
    with pytest.raises(UserError, match="delete the folder"):
        plan(run)


def test_what_is_not_kept_in_a_dry_run_is_marked(config: Any) -> None:
    run = config(mitigations=(f"none@{TYPO}",), limit=1, seeds=(0,))
    (request,) = plan(run, ask=False)
    assert [s.name for s in request.provenance] == [UNSEARCHED]
    plan(run)
    (request,) = plan(run, ask=False)
    assert [s.name for s in request.provenance] == ["typo"], "what was found is used"


def test_another_judge_guard_or_budget_is_another_search(config: Any, tiny_models: Tiny) -> None:
    from copycat.attacks import Attacked
    from copycat.stages.attacking import Searches
    from copycat.stages.plan import raw_requests

    specs = (
        "none@typo", "none@typo[queries=3]", "none@typo[seed=1]", "rewrite@typo", "negprompt@typo",
        f"none@typo[judge={tiny_models.judge}]",
    )  # fmt: skip
    run = config(mitigations=specs, limit=1, seeds=(0, 1))
    bound = [m.bind(run.context(ask=False)) for m in run.mitigations.values()]
    searches = Searches(run, [m for m in bound if isinstance(m, Attacked)], None, None)
    keys = [searches.key(r) for r in raw_requests(run)]
    # The last asks the run's own judge by name, but its options are others.
    assert len(set(keys)) == len(keys) == 12


def _searches(run: Any) -> Any:
    from copycat.attacks import Attacked
    from copycat.stages.attacking import Searches

    bound = [m.bind(run.context(ask=False)) for m in run.mitigations.values()]
    return Searches(run, [m for m in bound if isinstance(m, Attacked)], None, None)


def test_what_an_attack_reads_is_part_of_its_searches(config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from copycat.attacks.anchors import Anchors
    from copycat.attacks.typo import Typo
    from copycat.stages.plan import raw_requests

    run = config(mitigations=("none@anchors", "none@typo"), limit=1, seeds=(0,))
    keys = [_searches(run).key(r) for r in raw_requests(run)]
    monkeypatch.setattr(Anchors, "sources", lambda *_: {"cooc": ["barn"]})
    others = [_searches(run).key(r) for r in raw_requests(run)]
    assert others[0] != keys[0], "keywords that were mined anew are searched with anew"
    assert others[1] == keys[1]
    monkeypatch.setattr(Typo, "sources", lambda *_: {})
    assert _searches(run).key(raw_requests(run)[1]) != keys[1], "what reads nothing has no part for it"


def test_an_undecided_search_is_not_kept_and_said_after_the_others(
    config: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from copycat.stages.detecting import Detecting

    run = config(mitigations=("none@typo[queries=4]",), limit=2, seeds=(0,))
    first, second = raw_requests(run)

    def answers(_: Any, request: Any, __: Any) -> bool | None:
        return None if request.character == first.character and request.prompt != first.prompt else False

    monkeypatch.setattr(Detecting, "detects", answers)
    with pytest.raises(Undecided, match=r"no answer to 3 of its 4 queries .* What all others found is kept"):
        plan(run)
    searches = _searches(run)
    assert searches.kept(first) is None, "the next command searches again"
    assert searches.kept(second) is not None
    monkeypatch.setattr(Detecting, "detects", lambda *_: False)
    assert [s.name for r in plan(run) for s in r.provenance] == ["typo", "typo"]


def test_loading_the_judge_is_not_in_the_seconds_of_a_search(
    config: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from copycat.stages.attack_models import AttackModels

    clock, judge = [0.0], AttackModels.judge
    monkeypatch.setattr("copycat.attacks.search.time.monotonic", lambda: clock[0])

    def slow(models: Any, name: str) -> Any:
        clock[0] += 1000
        return judge(models, name)

    monkeypatch.setattr(AttackModels, "judge", slow)
    (request,) = plan(config(mitigations=("none@typo[queries=2,seconds=5]",), limit=1, seeds=(0,)))
    assert request.provenance[0].seconds == 0


@pytest.mark.parametrize("attack", ["udatk", "soft-prompt"])
def test_a_model_of_flow_matching_is_refused_before_anything_is_made(
    attack: str, tiny_models: Tiny, tmp_path: Path
) -> None:
    from copycat.stages.plan import check_offered

    folder = str(tiny_pipelines.build("StableDiffusion3Pipeline", tmp_path / "sd3"))
    run = tiny_models.config(
        tmp_path / "run", model=folder, mitigations=(f"esd@{attack}",), limit=1, seeds=(0,)
    )
    with pytest.raises(UserError, match=f"{attack} needs a model that was trained on a schedule"):
        check_offered(run)


def test_a_model_without_a_text_encoder_is_refused_before_anything_is_made(
    tiny_models: Tiny, tmp_path: Path
) -> None:
    from copycat.stages.plan import check_offered

    folder = tmp_path / "deaf"
    shutil.copytree(tiny_models.sd, folder)
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps({**index, "text_encoder": [None, None]}))
    run = tiny_models.config(
        tmp_path / "run", model=str(folder), mitigations=("none@random",), limit=1, seeds=(0,)
    )
    with pytest.raises(UserError, match="random needs a text encoder, and deaf has none; use an attack"):
        check_offered(run)


def test_what_only_a_loaded_pipeline_shows_is_examined_before_guardrails_are_made(
    config: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from copycat.attacks.ringabell import RingABell
    from copycat.stages.attack_models import AttackModels

    def refusing(_: Any, card: Any, pipeline: Any) -> None:
        raise UserError(f"{type(pipeline).__name__} is unfit")

    monkeypatch.setattr(RingABell, "examine", refusing)
    monkeypatch.setattr(AttackModels, "guarded", lambda *_: pytest.fail("nothing is made for it"))
    with pytest.raises(UserError, match="StableDiffusionPipeline is unfit"):
        plan(config(mitigations=("esd@ringabell",), limit=1, seeds=(0,)))


def test_attacks_that_make_no_sense_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="names its attack already"):
        resolve_settings(mitigations=("none@typo",), attacks=("typo",))
    with pytest.raises(UserError, match="is a guardrail and no attack"):
        resolve_settings(attacks=("rewrite",))
    told = CliRunner().invoke(app, ["attack", "--attack", "unheard", "--out", str(tmp_path / "run")])
    assert isinstance(told.exception, UserError)
    assert not (tmp_path / "run").exists()


def test_equal_attacks_on_equal_guardrails_have_one_canonical_form() -> None:
    assert canonical(" none + rewrite @ typo[seed=1, edits=2]") == "rewrite@typo[edits=2,seed=1]"
    assert canonical("none@typo") == "none@typo"


def test_a_share_is_told_with_both_intervals(config: Any) -> None:
    run = config(limit=2, seeds=(0,))
    metric = complete(prepare(run, plan(run)), run, Progress()).metrics[0]
    ends = {"low": 0.0, "high": 2.0, "fixed_low": 0.5, "fixed_high": 1.5}
    told = metric.model_copy(update={"value": 1.0, "characters": 2, **ends})
    assert share(told) == "50% (25 to 75, 0 to 100)"
    assert share(None) == "–"
