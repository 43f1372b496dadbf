"""`copycat calibrate RUN --labels` on a run of tiny models, and runs that cite what it wrote."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from copycat.calibration.labels import Label, write_labels
from copycat.cards.calibration import read_calibration
from copycat.cards.judges import JudgeCard
from copycat.cli.main import app
from copycat.errors import BadFile, UnknownName, UserError
from copycat.judges.base import error_rates
from copycat.measures import DETECT, DETECT_TARGETED
from copycat.records import Verdict, current_kind
from copycat.report.differences import differences
from copycat.runs.folder import RunFolder
from copycat.stages.generate import generate
from copycat.stages.judge import judge
from copycat.stages.plan import prepare
from copycat.stages.score import score
from copycat.stats.prevalence import judge_error
from tests.conftest import Tiny


@pytest.fixture(scope="module")
def whole(tiny_models: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve pictures of three characters, judged and scored."""
    folder = prepare(tiny_models.config(tmp_path_factory.mktemp("runs") / "run"))
    generate(folder, device="cpu")
    judge(folder)
    score(folder)
    return folder.path


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> RunFolder:
    import shutil

    shutil.copytree(whole, tmp_path / "run")
    return RunFolder(tmp_path / "run")


def told(run: RunFolder, **raters: list[bool | None]) -> list[Label]:
    return [
        Label(image=str(run.data().images[q.id].file), character=q.character, rater=rater, label=answer,
              sha256=str(run.data().images[q.id].sha256))
        for rater, answers in raters.items()
        for q, answer in zip(run.data().requests, answers, strict=False)
    ]  # fmt: skip


def copycat(*arguments: object) -> str:
    done = CliRunner().invoke(app, [str(a) for a in arguments])
    if done.exception:
        raise done.exception
    return done.output


def test_from_labels_to_a_table_that_cites_them(run: RunFolder, tmp_path: Path) -> None:
    ann: list[bool | None] = [True, False] * 6
    bo: list[bool | None] = [True, True, False, False] * 2 + [None, None, True, False]
    labels = told(run, ann=ann, bo=bo)
    labels.append(Label(image="images/gone.png", character="zori", rater="ann", label=True))
    write_labels(tmp_path / "labels.csv", labels)
    said = copycat("calibrate", run.path, "--labels", tmp_path / "labels.csv")
    assert said.index("Raters:") < said.index("judge "), "agreement comes first"
    assert "1 labels are of 1 pictures that are not in these runs" in said
    path = run.path / "calibration.json"
    found = read_calibration(path)
    # Both agree on places 0, 3, 4, 7, 10, 11, and ann alone answers on 8 and 9.
    assert (found.items, found.ties, found.unanswered, found.unknown_images) == (8, 4, 0, 1)
    assert found.positives == 4
    assert (found.raters.unanimous.hits, found.raters.unanimous.n) == (6, 10)
    identity = run.manifest().judge
    assert {(j.judge, j.question) for j in found.judges} == {(identity, "identify"), (identity, "verify")}
    # The verdicts themselves, read here once more.
    truth = {q.id: ann[i] for i, q in enumerate(run.data().requests) if i in (0, 3, 4, 7, 8, 9, 10, 11)}
    for j in found.judges:
        # What the judge's words leave open is settled by its answer about the character.
        measure = DETECT if j.question == "identify" else DETECT_TARGETED
        values = {o.request.id: o.value for o in measure.observe(run.data().judged)}
        pairs = []
        for q in run.data().requests:
            value = values[q.id]
            if q.id in truth and value is not None:
                pairs.append((truth[q.id], value == 1))
        assert j.counts.n == len(pairs)
        assert j.counts.tp == pairs.count((True, True))
        assert j.counts.fp == pairs.count((False, True))
        assert j.unscored == 8 - len(pairs)
    page = (run.path / "calibration.md").read_text(encoding="utf-8")
    assert "Left out: 4 pictures on which as many raters say yes as no." in page
    assert "Left out: 1 labels of 1 pictures" in page
    assert "| ann and bo |" in page
    (first, *_) = csv.DictReader((run.path / "calibration.csv").open(encoding="utf-8"))
    assert int(first["tp"]) + int(first["fn"]) + int(first["fp"]) + int(first["tn"]) == int(first["n"])
    assert r"\toprule" in (run.path / "calibration.tex").read_text(encoding="utf-8")
    assert "labels.csv" in (run.path / "calibration.md").read_text(encoding="utf-8")

    assert "not calibrated" in (run.path / "table.md").read_text(encoding="utf-8")
    copycat("score", run.path, "--calibration", path)
    cited = run.manifest().calibration
    assert cited is not None
    assert (cited.judge, cited.rates["question"]) == (identity, "identify")
    assert cited.rates["positives"] + cited.rates["negatives"] == cited.rates["n"]
    assert set(cited.rates["questions"]) == {"verify"}
    table = (run.path / "table.md").read_text(encoding="utf-8")
    assert "not calibrated" not in table
    assert f"on {cited.rates['n']} labelled pictures (labels.csv, majority of 2 raters)" in table
    assert f"cited from {path}" in table
    score(run)
    assert run.manifest().calibration == cited, "scored again, it is still cited"
    copycat("report", run.path)
    assert "majority of 2 raters" in (run.path / "report.html").read_text(encoding="utf-8")


def test_a_picture_is_drawn_where_there_are_scores_of_both_kinds(run: RunFolder, tmp_path: Path) -> None:
    write_labels(tmp_path / "l.parquet", told(run, ann=[True, False] * 6))
    out = tmp_path / "new" / "mine.json"
    copycat("calibrate", run.path, "--labels", tmp_path / "l.parquet", "--out", out)
    target = next(j for j in read_calibration(out).judges if j.question == "verify")
    assert target.scores is not None
    with Image.open(out.with_suffix(".png")) as picture:
        assert picture.size[0] > 900
    svg = out.with_suffix(".svg").read_bytes()
    assert b"false-positive rate" in svg
    assert "(mine.svg)" in out.with_suffix(".md").read_text(encoding="utf-8")
    copycat("calibrate", run.path, "--labels", tmp_path / "l.parquet", "--out", out)
    assert out.with_suffix(".svg").read_bytes() == svg, "the same labels, the same bytes"


def test_raters_who_are_not_the_truth_are_measured(run: RunFolder, tmp_path: Path) -> None:
    write_labels(tmp_path / "l.csv", told(run, expert=[True, False] * 6, crowd=[True] * 12))
    found = tmp_path / "c.json"
    copycat("calibrate", run.path, "--labels", tmp_path / "l.csv", "--truth", "expert", "--out", found)
    about = read_calibration(found).raters
    assert (about.items, about.fleiss, about.alpha, about.pairs) == (0, None, None, ()), "of the expert alone"
    assert [(r.name, r.labels, r.makes_truth) for r in about.raters] == [
        ("expert", 12, True), ("crowd", 12, False),
    ]  # fmt: skip
    (crowd,) = [j for j in read_calibration(found).judges if j.question == "label"]
    assert (crowd.judge, crowd.counts.tp, crowd.counts.fp) == ("crowd", 6, 6)
    assert crowd.kappa == 0
    with pytest.raises(UnknownName, match=r"Unknown rater 'exprt'\. Did you mean expert"):
        copycat("calibrate", run.path, "--labels", tmp_path / "l.csv", "--truth", "exprt")


def test_agreement_is_of_those_whose_majority_is_true(run: RunFolder, tmp_path: Path) -> None:
    ann, bo, cy = [True, False] * 6, [True, False] * 5 + [False, False], [False] * 12
    write_labels(tmp_path / "l.csv", told(run, ann=ann, bo=bo, cy=cy))
    told_of = {}
    for truth in ("", "ann,bo"):
        out = tmp_path / f"c{truth}.json"
        said = copycat("calibrate", run.path, "--labels", tmp_path / "l.csv", "--truth", truth, "--out", out)
        told_of[truth] = read_calibration(out).raters
    assert "Raters (of ann, bo alone)" in said
    assert "One rater says what is true" not in said
    some, everyone = told_of["ann,bo"], told_of[""]
    assert (some.unanimous.hits, some.unanimous.n) == (11, 12)
    assert [p.raters for p in some.pairs] == [("ann", "bo")]
    assert len(everyone.pairs) == 3
    assert some.alpha is not None
    assert everyone.alpha is not None
    assert some.alpha > everyone.alpha


def test_errors_by_mitigation_are_told_and_carried_into_differences(run: RunFolder, tmp_path: Path) -> None:
    write_labels(tmp_path / "l.csv", told(run, ann=[True, False] * 6, bo=[True, False] * 6))
    said = copycat("calibrate", run.path, "--labels", tmp_path / "l.csv")
    mitigations = list(dict.fromkeys(r.mitigation for r in run.data().requests))
    sentence = "Errors by mitigation (identify):"
    assert sentence in said
    assert "with other raters like these 2" in said
    copycat("score", run.path, "--calibration", run.path / "calibration.json")
    assert sentence in (run.path / "table.md").read_text(encoding="utf-8")
    assert len(mitigations) > 1
    rates = run.data().rates
    assert rates is not None
    assert {cell[1] for cell in rates["cells"]} == set(mitigations)
    copycat("report", run.path)
    page = (run.path / "report.html").read_text(encoding="utf-8")
    assert sentence in page
    found = [d for d in differences(run.data()) if d.measure is DETECT]
    errors = [judge_error(rates, "identify", m) for m in mitigations]
    if all(e and e.sensitivity + e.specificity > 1 for e in errors):
        assert all(d.corrected for d in found)
    copycat("compare", run.path, "--out", tmp_path / "compare")
    (row, *_) = csv.DictReader((tmp_path / "compare" / "compare.csv").open(encoding="utf-8"))
    corrected = found[0].corrected
    assert row["corrected"] == ("" if corrected is None else str(corrected.value))
    assert sentence in (tmp_path / "compare" / "compare.md").read_text(encoding="utf-8")


def test_two_runs_at_once_share_what_is_in_both(run: RunFolder, whole: Path, tmp_path: Path) -> None:
    write_labels(tmp_path / "l.csv", told(run, ann=[True, False] * 6))
    out = tmp_path / "c.json"
    copycat("calibrate", run.path, whole, "--labels", tmp_path / "l.csv", "--out", out)
    assert read_calibration(out).items == 12
    with pytest.raises(UserError, match="say with --out"):
        copycat("calibrate", run.path, "--labels", tmp_path / "l.csv", tmp_path / "run" / ".." / "run")


def test_a_calibration_of_another_judge_is_refused(run: RunFolder, tmp_path: Path) -> None:
    write_labels(tmp_path / "l.csv", told(run, ann=[True, False] * 6))
    path = run.path / "calibration.json"
    copycat("calibrate", run.path, "--labels", tmp_path / "l.csv")
    other = path.read_text(encoding="utf-8").replace(str(run.manifest().judge), "judge@0000")
    (tmp_path / "other.json").write_text(other, encoding="utf-8")
    before = (run.path / "manifest.json").read_bytes()
    with pytest.raises(UserError, match=r"is a calibration of judge@0000, and this run was judged by"):
        copycat("score", run.path, "--calibration", tmp_path / "other.json")
    for text, message in (("{", "is not a calibration file"), ('{"runs": []}', "is not a calibration file")):
        (tmp_path / "bad.json").write_text(text)
        with pytest.raises(BadFile, match=message):
            copycat("score", run.path, "--calibration", tmp_path / "bad.json")
    with pytest.raises(BadFile, match="cannot be read"):
        copycat("score", run.path, "--calibration", tmp_path / "none.json")
    assert (run.path / "manifest.json").read_bytes() == before
    copycat("score", run.path, "--calibration", path)
    # Another judge was asked last: what is cited is not its own.
    run.update(judge="judge@0000")
    score(run)
    assert "not calibrated" in (run.path / "table.md").read_text(encoding="utf-8")


def test_a_card_cites_a_calibration_of_its_own_weights_only(
    run: RunFolder, tiny_models: Tiny, tmp_path: Path
) -> None:
    write_labels(tmp_path / "l.csv", told(run, ann=[True, False] * 6))
    copycat("calibrate", run.path, "--labels", tmp_path / "l.csv")
    path = run.path / "calibration.json"
    card = JudgeCard(name="judge", source=str(tiny_models.judge), calibration=str(path))
    rates = error_rates(card)
    assert rates is not None
    assert (rates["question"], set(rates["questions"])) == ("identify", {"verify"})
    assert error_rates(JudgeCard(name="other", source=str(tiny_models.judge), calibration=str(path))) is None
    # As `copycat menagerie evaluate` writes it: rates alone.
    (tmp_path / "old.json").write_text('{"kappa": 0.5, "tpr": 0.9, "fpr": 0.1}')
    old = card.model_copy(update={"calibration": str(tmp_path / "old.json")})
    assert error_rates(old) == {"kappa": 0.5, "tpr": 0.9, "fpr": 0.1}


def test_mistakes_are_told_and_write_nothing(run: RunFolder, tmp_path: Path) -> None:
    labels, names = tmp_path / "calibration.csv", sorted(p.name for p in run.path.iterdir())
    write_labels(labels, told(run, ann=[True, False] * 6))
    tie = tmp_path / "tie.csv"
    write_labels(tie, told(run, ann=[True], bo=[False]))
    alone = (run.path, "--labels", labels)
    for arguments, message in (
        ((run.path,), "is a run; add --labels"),
        (("menagrie",), "Did you mean menagerie"),
        (("menagerie", "--truth", "ann"), "for runs with --labels"),
        (("menagerie-phash", "menagerie-embedding"), "One detector at a time"),
        (("menagerie-panel",), "copycat calibrate RUN --labels"),
        (("menagerie-phash", "--labels", labels), "Unknown run"),
        ((*alone, "--judge", "jugde"), "Did you mean judge"),
        ((*alone, "--fpr", "0.1"), "sets a detector's threshold"),
        ((*alone, "--out", tmp_path / "c.txt"), "is a .json file"),
        ((*alone, "--out", tmp_path / "calibration.json"), "would overwrite the labels"),
        ((run.path, "--labels", tmp_path / "none.csv"), "cannot be read"),
        ((run.path, "--labels", tmp_path / "none"), "There is no table of labels at"),
        ((run.path, "--labels", tie), "no picture of known truth: 0 have no answer, on 1 as many"),
    ):
        with pytest.raises(UserError, match=message):
            copycat("calibrate", *arguments)
    (run.path / "verdicts.jsonl").rename(tmp_path / "verdicts.jsonl")
    with pytest.raises(UserError, match="has no verdicts to compare with; run `copycat judge"):
        copycat("calibrate", *alone)
    # Verdicts there are, but on other pictures than the labelled ones.
    lines = (tmp_path / "verdicts.jsonl").read_text(encoding="utf-8").splitlines()
    last = run.data().requests[-1].id
    kept = [x for x in lines if Verdict.model_validate_json(x).request == last]
    (run.path / "verdicts.jsonl").write_text("".join(f"{x}\n" for x in kept), encoding="utf-8")
    few = tmp_path / "few.csv"
    write_labels(few, told(run, ann=[True]))
    with pytest.raises(UserError, match="No judge of this run has answered on a labelled picture"):
        copycat("calibrate", run.path, "--labels", few)
    assert sorted(p.name for p in run.path.iterdir()) == names
    assert json.loads((run.path / "manifest.json").read_text(encoding="utf-8"))["calibration"] is None


def test_shipped_rates_say_how_many_pictures_they_are_of() -> None:
    from copycat.cards.judges import CATALOG

    told = {n: r for n in CATALOG.names() if (r := error_rates(CATALOG.get(n)))}
    assert {"menagerie", "menagerie-embedding", "menagerie-phash"} <= set(told)
    for rates in told.values():
        for found in (rates, *rates.get("questions", {}).values()):
            # Shares of these counts, rounded to four digits.
            for share, n in (("tpr", "positives"), ("fpr", "negatives")):
                hits = found[share] * found[n]
                assert hits == pytest.approx(round(hits), abs=found[n] * 6e-5)
    assert told["menagerie"]["positives"] + told["menagerie"]["negatives"] == told["menagerie"]["n"]
    assert set(map(current_kind, told["menagerie"]["questions"])) == {"verify"}
    assert current_kind(told["menagerie-phash"]["question"]) == "verify"
