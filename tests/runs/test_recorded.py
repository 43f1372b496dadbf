"""Answers recorded elsewhere: what is taken, what is refused, and whose the numbers are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from copycat.cli.main import app
from copycat.errors import BadFile, UserError
from copycat.measures import CONS, DETECT
from copycat.records import IDENTIFY, VERIFY, Named, Request, Unscored, Verdict, YesNo
from copycat.runs.folder import RunFolder
from copycat.runs.manifest import UPSTREAM_JUDGE, StageRecord
from copycat.runs.recorded import import_verdicts
from copycat.stages.score import missing, score
from tests.helpers.synthetic import SyntheticRun


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A run on disk with the pictures of a synthetic one, one of them planned and not made."""
    made = SyntheticRun(tmp_path / "run")
    folder = RunFolder(made.path)
    pending = made.requests[0].model_copy(update={"run_seed": 9}).with_id()
    folder.request_journal.replace([*made.requests, pending])
    folder.image_journal.replace(made.image_rows)
    folder.verdict_journal.replace(made.verdicts)
    folder.write_registry(made.registry)
    done = StageRecord(status="complete", started="2026-11-30T00:00:00+00:00")
    manifest = made.manifest.model_copy(update={"judge": "menagerie@1", "stages": {"generate": done}})
    folder.write_manifest(manifest)
    return folder


@pytest.fixture
def pictures(folder: RunFolder) -> list[tuple[Request, str]]:
    data = folder.data()
    return [
        (r, str(data.images[r.id].file))
        for r in data.requests
        if r.id in data.images
        if data.images[r.id].file
    ]


def table(folder: RunFolder, rows: list[dict[str, Any]]) -> str:
    path = folder.path.parent / "verdicts.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def test_recorded_names_make_the_numbers(folder, pictures):
    before = len(folder.verdict_journal.rows())
    rows = [
        {"image": file, "names": "Nobody Known; " + folder.data().registry[r.character].name}
        for r, file in pictures
    ]
    found = import_verdicts(folder, table(folder, rows), "gpt-x")
    assert found.judges == {found.numbers_of: len(rows)}
    assert found.numbers_of.startswith("recorded:gpt-x@")
    assert folder.manifest().judge == found.numbers_of
    detect = next(m for m in score(folder) if m.metric == DETECT.name and m.mitigation == "negprompt")
    assert detect.value == detect.characters
    # No card speaks of such a judge, and earlier verdicts stay.
    assert folder.data().rates is None
    assert len(folder.verdict_journal.rows()) == before + len(rows)
    again = import_verdicts(folder, table(folder, rows), "gpt-x")
    assert again.numbers_of == found.numbers_of
    assert len(folder.verdict_journal.rows()) == before + len(rows)


def test_replies_are_read_as_those_of_a_judge(folder, pictures):
    (one, first), (_, second), (_, third) = pictures[:3]
    name = folder.data().registry[one.character].name
    rows = [
        {"image": first, "reply": f"This is {name}."},
        {"image": second, "reply": "I can't help with that."},
        {"image": third, "kind": "key", "reply": "Yes, clearly."},
    ]
    found = import_verdicts(folder, table(folder, rows), "gpt-x")
    assert found.unscored == 1
    assert found.example.startswith(f"{second} (")
    answers = [v.answer for v in folder.verdict_journal.rows()[-3:]]
    assert isinstance(answers[0], Named)
    assert name in answers[0].names[0]
    assert isinstance(answers[1], Unscored)
    assert answers[2] == YesNo(p_yes=1.0)


def test_labels_of_raters_are_verdicts_and_one_of_them_gives_the_numbers(folder, pictures):
    request, file = pictures[0]
    other = next(c for c in folder.data().registry.characters if c.slug != request.character)
    rows = [
        {"image": file, "character": request.character, "rater": "ann", "label": "yes"},
        {"image": file, "character": request.character, "rater": "bob", "label": "no"},
        {"image": file, "character": other.name, "rater": "bob", "label": "yes"},
    ]
    with pytest.raises(UserError, match="ann, bob; say with --judge"):
        import_verdicts(folder, table(folder, rows))
    found = import_verdicts(folder, table(folder, rows), "bob")
    assert found.elsewhere == 1
    said = {v.judge.partition("@")[0]: v.answer for v in folder.verdict_journal.rows()[-2:]}
    assert said == {"recorded:ann": YesNo(p_yes=1.0), "recorded:bob": YesNo(p_yes=0.0)}
    assert folder.manifest().judge.startswith("recorded:bob@")


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"score": 87}, r"row 1: the score 87 is not in \[0, 1\] \(a percentage"),
        ({"score": -0.1}, "row 1: the score -0.1 is not"),
        ({"score": "often"}, "row 1: score is 'often', which cannot be read"),
        ({"names": "[1"}, "row 1: names is"),
        ({"score": 1, "kind": "identify"}, "stands in names, not in score"),
        ({"names": "Zori", "kind": "key"}, "stands in score, not in names"),
        ({"score": 1, "character": "Nobody"}, "verdicts.jsonl: Unknown character 'Nobody'"),
        ({"score": 1, "names": "Zori"}, "row 1: it has both"),
        ({"score": 1, "kind": "mood"}, "row 1: kind"),
        ({"score": 1, "sha256": "0" * 64}, "other pixels"),
        ({"score": 1, "image": "images/none.png"}, "None of the 1 rows"),
        ({"score": 1, "image": ""}, "row 1: neither image nor sha256"),
        ({}, "holds no answers"),
    ],
)
def test_what_is_no_verdict_is_refused_before_anything_is_written(folder, pictures, changes, complaint):
    before = folder.manifest_path.read_bytes(), folder.verdict_journal.path.read_bytes()
    with pytest.raises(BadFile, match=complaint):
        import_verdicts(folder, table(folder, [{"image": pictures[0][1], **changes}]), "gpt-x")
    assert (folder.manifest_path.read_bytes(), folder.verdict_journal.path.read_bytes()) == before


def test_two_answers_to_one_question_are_refused(folder, pictures):
    rows = [{"image": pictures[0][1], "score": x} for x in (0, 1)]
    with pytest.raises(BadFile, match="two answers of gpt-x"):
        import_verdicts(folder, table(folder, rows), "gpt-x")


def test_nan_is_no_answer(folder, pictures):
    rows = [{"image": pictures[0][1], "score": float("nan")}, {"image": pictures[1][1], "score": 1}]
    assert import_verdicts(folder, table(folder, rows), "gpt-x").unscored == 1
    answer = folder.verdict_journal.rows()[-2].answer
    assert answer == Unscored(reason="the recorded score is NaN")

    assert {v.kind for v in folder.verdict_journal.rows()[-2:]} == {VERIFY}


def test_an_empty_score_beside_names_is_no_score(folder, pictures):
    (one, first), (_, second) = pictures[:2]
    name = folder.data().registry[one.character].name
    rows = [{"image": first, "names": name, "score": float("nan")}, {"image": second, "score": 1}]
    assert import_verdicts(folder, table(folder, rows), "gpt-x").unscored == 0
    first_, last = folder.verdict_journal.rows()[-2:]
    assert (first_.kind, first_.answer) == (IDENTIFY, Named(names=(name,)))
    assert (last.kind, last.answer) == (VERIFY, YesNo(p_yes=1))


def test_a_recorded_judge_is_not_asked(folder, pictures):
    """Nor another in its place, unless it is named."""
    import_verdicts(folder, table(folder, [{"image": pictures[0][1], "score": float("nan")}]), "gpt-z")
    before = folder.manifest().judge
    done = CliRunner().invoke(app, ["judge", str(folder.path)])
    assert isinstance(done.exception, UserError)
    assert f"are of {before}, whose answers were recorded elsewhere" in str(done.exception)
    assert "Name the judge to ask with --judge, such as menagerie;" in str(done.exception)
    assert folder.manifest().judge == before
    score(folder)
    gaps = missing(folder)
    assert sum("add them to the table and import it again" in gap for gap in gaps) == 2
    assert not any("`copycat judge`" in gap for gap in gaps)


def test_verdicts_of_the_original_scripts_are_not_asked_for_again(folder):
    rows = [v.model_copy(update={"judge": UPSTREAM_JUDGE}) for v in folder.verdict_journal.rows()]
    folder.verdict_journal.replace(rows[:-9])
    folder.update(judge=UPSTREAM_JUDGE)
    assert folder.manifest().judged_elsewhere == UPSTREAM_JUDGE
    gaps = missing(folder)
    assert any("cannot be asked: `copycat rejudge` asks another judge." in gap for gap in gaps)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (
            {"score": 1},
            "fill DETECT_targeted, in metrics.json and no table; DETECT is of names, and stays empty.",
        ),
        ({"names": "Nobody Known"}, ""),
    ],
)
def test_the_command_says_what_scores_fill(folder, pictures, row, told):
    rows = [{"image": pictures[0][1], **row}]
    done = CliRunner().invoke(
        app, ["import-verdicts", str(folder.path), table(folder, rows), "--judge", "gpt-x"]
    )
    assert done.exit_code == 0, done.output
    assert told in done.stdout
    assert ("DETECT_targeted" in done.stdout) == bool(told)


@pytest.mark.parametrize("p", [float("nan"), 1.7, None])
def test_a_row_whose_score_is_none_is_unscored_and_named(folder, p):
    rows = [v.model_dump(mode="json") for v in folder.verdict_journal.rows()]
    spoilt = next(row for row in rows if row["answer"]["form"] == "yes_no")
    spoilt["answer"]["p_yes"] = p
    folder.verdict_journal.path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = [v for v in RunFolder(folder.path).verdict_journal.rows() if v.kind == "key" and not v.scored]
    assert len(found) == 1
    assert isinstance(found[0].answer, Unscored)
    assert "no number in [0, 1]" in found[0].answer.reason
    cons = next(m for m in score(RunFolder(folder.path)) if m.metric == CONS.name and m.mitigation == "none")
    assert cons.unscored == 1
    assert any("no number in [0, 1]" in gap for gap in missing(RunFolder(folder.path)))


def test_a_row_of_the_first_kind_with_such_a_score_is_unscored():
    row = {"status": "scored", "score": 7, "request": "r", "kind": "key", "image_sha256": "s", "judge": "j@1"}
    verdict = Verdict.model_validate({**row, "question": "q", "question_hash": "h"})
    assert isinstance(verdict.answer, Unscored)


def test_verdicts_that_were_never_given_are_missing(folder):
    folder.request_journal.replace(folder.request_journal.rows()[:-1])
    folder.image_journal.replace([r for r in folder.image_journal.rows() if r.outcome == "ok"])
    folder.verdict_journal.replace(folder.verdict_journal.rows()[:-9])
    score(folder)
    assert any("pictures have questions without a verdict" in gap for gap in missing(folder))
    assert CliRunner().invoke(app, ["score", str(folder.path), "--strict"]).exit_code == 1


def test_score_tells_what_is_missing_and_strict_fails(folder):
    plain = CliRunner().invoke(app, ["score", str(folder.path)])
    assert plain.exit_code == 0
    assert "1 of 37 pictures are not made yet" in plain.stderr
    assert "1 pictures failed" in plain.stderr
    assert CliRunner().invoke(app, ["score", str(folder.path), "--strict"]).exit_code == 1


def test_the_command_scores_and_reports(folder, pictures):
    rows = [{"image": file, "names": folder.data().registry[r.character].name} for r, file in pictures]
    done = CliRunner().invoke(
        app, ["import-verdicts", str(folder.path), table(folder, rows), "--judge", "gpt-x"]
    )
    assert done.exit_code == 0, done.output
    assert f"{len(rows)} verdicts of recorded:gpt-x@" in done.stdout
    assert "gpt-x" in (folder.path / "table.md").read_text()
    assert folder.page_path.is_file()
