"""The gate behind: the menagerie's judge looks at the menagerie's pictures before they are kept."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from copycat.cards.judges import load_judge_card
from copycat.cli.main import main
from copycat.errors import MissingRequirement, RunConflict, UserError
from copycat.generators.base import ImageOutcome
from copycat.generators.diffusers_image import DiffusersImage
from copycat.io.hosted import Api
from copycat.judges.base import Judge, load_judge, unscored, verdict
from copycat.judges.vlm import VisionLanguageJudge
from copycat.mitigations import JudgeFinding, RunContext, parse
from copycat.records import Figure, Named, Question, Request, Verdict, YesNo, redraw_seed
from copycat.report.filters import caution, costs
from copycat.report.view import Picture, pictures
from copycat.resolve import ResolvedRun, resolve_settings
from copycat.runs.folder import RunFolder
from copycat.stages.generate import generate
from copycat.stages.judge import judge
from copycat.stages.plan import plan, prepare
from copycat.stages.report import report
from copycat.stages.score import score
from tests.contracts.test_mitigations import CHARACTER, REQUEST

# The two the model saw most often, the two it saw least.
WHO = ("yanquizo", "vewoltu", "dolfisna", "jespliob")
REFUSE, REDRAW = "filter[action=refuse]", "filter[tries=2]"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., ResolvedRun]:
    def config(out: str, **given: object) -> ResolvedRun:
        base: dict[str, object] = {
            "mitigations": ("none", REFUSE, REDRAW), "characters": WHO, "seeds": (0, 1), "steps": 5,
            "batch_size": 6, "device": "cpu", "out": tmp_path_factory.getbasetemp() / "review" / out,
        }  # fmt: skip
        return resolve_settings(**{**base, **given})

    return config


def silent(why: str) -> Callable[..., list[Verdict]]:
    """A judge's `ask` that answers nothing."""
    return lambda self, asked, _: [unscored(q, self.identity, why) for q in asked]


def named(picture: Picture) -> tuple[str, ...]:
    """The names that the judge gave."""
    verdict = picture.identified
    assert verdict is not None
    assert isinstance(verdict.answer, Named)
    return verdict.answer.names


DRAWN: dict[str, set[bytes]] = {}
"""All pictures that were drawn for each request of `whole`."""


@pytest.fixture(scope="module")
def whole(runs: Callable[..., ResolvedRun]) -> RunFolder:
    folder = prepare(runs("whole"))
    draw = DiffusersImage.generate

    def watched(self: DiffusersImage, requests: Sequence[Request], **given: Any) -> list[ImageOutcome]:
        outcomes = draw(self, requests, **given)
        for r, o in zip(requests, outcomes, strict=True):
            DRAWN.setdefault(r.id, set()).add(o.image.tobytes() if o.image else b"")
        return outcomes

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DiffusersImage, "generate", watched)
        assert generate(folder, device="cpu") == 24
    judge(folder, device="cpu")
    score(folder)
    return folder


def test_what_the_judge_recognises_is_withheld_and_nothing_else(whole: RunFolder) -> None:
    by = {m: [p for p in pictures(whole.data()) if p.request.mitigation == m] for m in ("none", REFUSE)}
    shown = {p.request.seed: p for p in by["none"]}
    registry = whole.registry()
    refused = 0
    for p in by[REFUSE]:
        free = shown[p.request.seed]
        assert p.image is not None
        assert free.image is not None
        assert p.image.review is not None
        seen = {s for n in named(free) for s in registry.mentioned(n)}
        assert set(p.image.review.seen[0] or ()) == seen
        assert (p.state == "refused") == bool(seen)
        if p.state != "refused":
            assert p.image.sha256 == free.image.sha256
        refused += p.state == "refused"
        assert p.image.review.extra_pictures == 0
        assert p.image.review.answers == 1
    assert 0 < refused < 8


def test_what_is_kept_after_drawing_again_shows_nobody(whole: RunFolder) -> None:
    again = [p for p in pictures(whole.data()) if p.request.mitigation == REDRAW]
    free = {p.request.seed: p for p in pictures(whole.data()) if p.request.mitigation == "none"}
    redrawn = 0
    for p in again:
        assert p.image is not None
        review = p.image.review
        assert review is not None
        assert review.answers == review.extra_pictures + 1 == len(review.seen) <= 3
        if p.image.outcome == "ok":
            assert not review.seen[-1]
            # The judge is the one that scores.
            assert not whole.registry().mentioned(", ".join(named(p)))
        else:
            assert p.image.outcome == "refused_output"
            assert all(review.seen)
            assert review.extra_pictures == 2
        n = review.extra_pictures
        assert len(DRAWN[p.request.id]) == n + 1, "other noise gives another picture"
        assert review.seed == (redraw_seed(p.request.seed, n) if n else p.request.seed)
        assert (p.image.sha256 == free[p.request.seed].image.sha256) == (n == 0 and p.image.outcome == "ok")  # type: ignore[union-attr]
        redrawn += bool(n)
    assert redrawn


def test_the_cost_is_reported_and_so_is_the_circle(whole: RunFolder) -> None:
    found = {c.mitigation: c for c in costs(whole.data())}
    assert set(found) == {REFUSE, REDRAW}
    assert found[REFUSE].reviewed == found[REFUSE].answers == 8
    assert found[REFUSE].caught == found[REFUSE].withheld == found[REDRAW].caught
    assert found[REDRAW].answers == 8 + found[REDRAW].extra_pictures
    assert found[REDRAW].extra_seconds > 0
    assert found[REDRAW].extra_cost_usd == 0
    assert "its own doing" in caution(list(found.values()))
    page = report(whole).read_text()
    for text in ((whole.path / "table.md").read_text(), page):
        assert "Output filters" in text
        assert "its own doing" in text


def test_a_resumed_run_redraws_the_same(whole: RunFolder, runs: Callable[..., ResolvedRun]) -> None:
    folder = prepare(runs("resumed"))
    folder.image_journal.append(whole.image_journal.rows()[:9])
    (folder.path / "images").mkdir()
    for row in folder.data().images.values():
        if row.file:
            (folder.path / row.file).write_bytes((whole.path / row.file).read_bytes())
    generate(folder, device="cpu")
    assert {k: (r.outcome, r.sha256) for k, r in folder.data().images.items()} == {
        k: (r.outcome, r.sha256) for k, r in whole.data().images.items()
    }


def test_another_judge_can_be_asked_and_is_no_circle(
    runs: Callable[..., ResolvedRun],
) -> None:
    folder = prepare(
        runs("other", mitigations=("filter[judge=menagerie-embedding,action=refuse]",), seeds=(0,))
    )
    assert "menagerie-embedding@" in folder.data().requests[0].provenance[0].note
    generate(folder, device="cpu")
    judge(folder, device="cpu")
    score(folder)
    (cost,) = costs(folder.data())
    assert cost.judges[0].startswith("menagerie-embedding@")
    assert caution([cost]) == ""


def test_a_judge_that_does_not_answer_withholds_nothing(
    runs: Callable[..., ResolvedRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(VisionLanguageJudge, "ask", silent("blind"))
    folder = prepare(runs("blind", mitigations=(REFUSE,), seeds=(0,)))
    generate(folder, device="cpu")
    assert {r.outcome for r in folder.data().images.values()} == {"ok"}
    assert {r.review.seen for r in folder.data().images.values() if r.review} == {(None,)}
    assert costs(folder.data())[0].unanswered == 4


def test_whom_a_reply_leaves_open_the_filter_asks_about(
    runs: Callable[..., ResolvedRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = WHO[:2]

    def unsure(judge: Judge, questions: Sequence[Question], images: object) -> list[Verdict]:
        either = Named.of([Figure(name=f"{first.title()} or {second.title()}")])
        return [
            verdict(
                q, judge.identity, either if q.form == "names" else YesNo(p_yes=float(q.character == first))
            )
            for q in questions
        ]

    monkeypatch.setattr(VisionLanguageJudge, "ask", unsure)
    folder = prepare(runs("unsure", mitigations=(REFUSE,), seeds=(0,)))
    generate(folder, device="cpu")
    reviews = [r.review for r in folder.data().images.values() if r.review]
    assert {r.outcome for r in folder.data().images.values()} == {"refused_output"}
    assert [r.seen for r in reviews] == [((first,),)] * 4
    assert [r.answers for r in reviews] == [3] * 4


def test_a_hosted_judge_that_fails_makes_an_error_that_is_tried_again(
    runs: Callable[..., ResolvedRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    local = load_judge_card("menagerie")
    hosted = local.model_copy(update={"api": Api(key_env="", price_usd=0.01)})
    with monkeypatch.context() as failing:
        failing.setattr("copycat.stages.review.load_judge_card", lambda _: hosted)
        failing.setattr("copycat.stages.review.load_judge", lambda _, device: load_judge(local, device))
        failing.setattr(VisionLanguageJudge, "ask", silent("no credit left"))
        folder = prepare(runs("credit", mitigations=(REFUSE,), seeds=(0,)))
        with pytest.raises(MissingRequirement, match=r"all 4 pictures failed .*judge did not answer"):
            generate(folder, device="cpu")
    assert {r.outcome for r in folder.data().images.values()} == {"error"}
    assert generate(folder, device="cpu") == 4
    assert {r.outcome for r in folder.data().images.values()} <= {"ok", "refused_output"}


@pytest.mark.parametrize("when", ["loading", "asking", "one by one"])
def test_a_judge_that_does_not_fit_stops_the_run_and_what_is_finished_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], when: str
) -> None:
    why = "CUDA out of memory. Tried to allocate 9.00 GiB."

    def full(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError(why)

    place, instead = {
        "loading": ("copycat.stages.review.load_judge", full),
        "asking": ("copycat.judges.vlm.VisionLanguageJudge.ask", full),
        # A judge makes rows of what it catches itself.
        "one by one": ("copycat.judges.vlm.VisionLanguageJudge.ask", silent(f"OutOfMemoryError: {why}")),
    }[when]
    command = ["copycat", "run", "--mitigation", f"none,{REFUSE}", "--characters", ",".join(WHO[:2])]
    command += ["--seeds", "1", "--steps", "5", "--batch-size", "2", "--device", "cpu"]
    command += ["--out", str(tmp_path / "run")]
    with monkeypatch.context() as patch:
        patch.setattr("sys.argv", command)
        patch.setattr(place, instead)
        with pytest.raises(SystemExit) as stopped:
            main()
    told = capsys.readouterr().err.strip().splitlines()[-1]
    folder = RunFolder(tmp_path / "run")
    assert stopped.value.code == 2
    assert told.startswith("Memory ran out for the filter's judge menagerie")
    assert "--device cpu" in told
    assert len(folder.data().images) == 2, "those without a filter, which were drawn first"
    assert generate(folder, device="cpu") == 2
    assert {r.outcome for r in folder.data().images.values()} <= {"ok", "refused_output"}


def test_another_judge_forgets_the_numbers_and_the_circle(whole: RunFolder, tmp_path: Path) -> None:
    shutil.copytree(whole.path, tmp_path / "run")
    folder = RunFolder(tmp_path / "run")
    own = folder.manifest().judge
    assert folder.data().finished
    judge(folder, judge_name="menagerie-phash", device="cpu")
    assert folder.metrics() == []
    assert not folder.data().finished
    assert caution(costs(folder.data())) == ""
    # A panel that has the filter's judge among its members is asked about its own choice too.
    row = next(v for v in folder.data().verdicts if v.judge == own)
    folder.verdict_journal.append([row.model_copy(update={"judge": "bench@1", "voters": (own,)})])
    folder.update(judge="bench@1")
    assert caution(costs(folder.data()))


def test_decisions() -> None:
    context = RunContext(registry=None, judge="seer", identify=lambda name: f"{name}@1")  # type: ignore[arg-type]
    gate = parse("filter[tries=2]").bind(context)
    request = gate.apply(REQUEST, CHARACTER)
    (part,) = gate.reviewers(request)
    assert part.judge == "seer"
    somebody = frozenset({"kamo"})
    said = [part.review(request, JudgeFinding(somebody, n)) for n in (0, 1, 2)]
    assert said == ["redraw", "redraw", "refuse"]
    assert part.review(request, JudgeFinding(frozenset(), 0)) == "keep"
    assert part.review(request, JudgeFinding(None, 0)) == "keep"
    aimed = parse("filter[of=target,action=refuse]").bind(context)
    request = aimed.apply(REQUEST, CHARACTER)
    (part,) = aimed.reviewers(request)
    assert part.review(request, JudgeFinding(somebody, 0)) == "keep"
    assert part.review(request, JudgeFinding(somebody | {"zori"}, 0)) == "refuse"
    # It was planned with another judge than the one that is there now.
    other = RunContext(registry=None, judge="seer", identify=lambda name: f"{name}@2")  # type: ignore[arg-type]
    with pytest.raises(RunConflict, match="has changed"):
        parse("filter[of=target,action=refuse]").bind(other).reviewers(request)


def test_a_judge_that_cannot_help_is_refused_before_anything_is_written(
    runs: Callable[..., ResolvedRun], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    for name, message in (("nobody", "Unknown judge"), ("gpt-4o", "OPENAI_API_KEY")):
        with pytest.raises(UserError, match=message):
            prepare(runs(str(tmp_path / "run"), mitigations=(f"filter[judge={name}]",)))
    with pytest.raises(UserError, match="knows only the characters of menagerie"):
        plan(resolve_settings(model="sdxl", mitigations=("filter[judge=menagerie]",)))
    assert not (tmp_path / "run").exists()
