"""Labels and calibrations travel with a run, raters without their names unless the publisher says so."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from copycat.annotate.answers import Answers, RaterAnswer
from copycat.annotate.export import labels
from copycat.annotate.tasks import recorded
from copycat.calibration.labels import load_labels
from copycat.cards.calibration import document, read_calibration
from copycat.cli.main import app
from copycat.errors import BadFile, UserError
from copycat.publish.collect import collect
from copycat.publish.pull import pull
from copycat.publish.write import write
from copycat.runs.folder import RunFolder
from copycat.stages.generate import generate
from copycat.stages.judge import judge
from copycat.stages.plan import prepare
from copycat.stages.report import report
from copycat.stages.score import score
from tests.conftest import Tiny

ANN, BO = "Ann Example", "Bo"
AT = "2026-11-03T09:00:00+00:00"


def copycat(*words: object) -> str:
    done = CliRunner().invoke(app, [str(w) for w in words], catch_exceptions=False)
    assert done.exit_code == 0
    return done.output


def back(dataset: Path, to: Path) -> RunFolder:
    pull(dataset, "me/mine", None, lambda name, runs: to / name if runs > 1 else to, report)
    return RunFolder(to)


def label(folder: RunFolder, *, several: bool = True) -> RunFolder:
    """Ann answers all pictures, Bo half of them; one answer is taken back and one skipped."""
    answers = Answers(folder.labels_path)
    for n, task in enumerate(recorded(folder.data())):
        told = {"image": task.images[0], "pixels": task.pixels, "character": task.character, "at": AT}
        yes = n % 3 != 0
        shown = {"answer": "yes", "saw": task.character} if yes else {"answer": "no", "saw": "none"}
        answers.give(RaterAnswer(**told, rater=ANN, **shown, confidence=3))
        if several and n % 2:
            unsure = {"answer": "unsure"} if n == 1 else {**shown, "confidence": 1}
            answers.give(RaterAnswer(**told, rater=BO, **unsure))
        if several and n == 2:
            answers.give(RaterAnswer(**told, rater="Cleo", answer="yes", saw=task.character, confidence=2))
            answers.undo("Cleo", {task.about}, AT)
        if several and n == 4:
            answers.give(RaterAnswer(**told, rater="Dora", answer="skip"))
    return folder


def calibrated(folder: RunFolder, *more: str) -> RunFolder:
    """Calibrated against its own labels, which the numbers then cite."""
    table = folder.path.parent / "ann-example_labels.csv"
    copycat("annotate", folder.path, "--export", table)
    copycat("calibrate", folder.path, "--labels", table, *more)
    cited = folder.path.parent / "as ann says.json"
    cited.write_bytes(folder.calibration_path.read_bytes())
    copycat("score", folder.path, "--calibration", cited)
    return folder


def exported(folder: RunFolder) -> Any:
    return labels(Answers(folder.labels_path).standing(), recorded(folder.data()))


def everything(dataset: Path) -> str:
    """All that is published, as text."""
    told = [p.read_text(encoding="utf-8") for p in dataset.iterdir() if p.is_file()]
    rows = [str(pq.read_table(p).to_pylist()) for p in sorted((dataset / "data").iterdir())]
    return "\n".join(
        (*told, *rows, *(str(pq.read_metadata(p).metadata) for p in (dataset / "data").iterdir()))
    )


def test_labels_and_calibration_come_back_under_pseudonyms(copy, tmp_path):
    run = calibrated(label(copy("one")))
    write(collect([run]), tmp_path / "dataset")
    there = back(tmp_path / "dataset", tmp_path / "back")
    mine, theirs = exported(run), exported(there)
    names = {ANN: "rater-1", BO: "rater-2"}
    assert [x.model_copy(update={"rater": names[x.rater]}) for x in mine] == list(theirs)
    assert len(theirs) == 18
    before, after = read_calibration(run.calibration_path), read_calibration(there.calibration_path)
    assert [j.counts for j in after.judges] == [j.counts for j in before.judges]
    assert [r.name for r in after.raters.raters] == ["rater-1", "rater-2"]
    assert (after.items, after.raters.alpha) == (before.items, before.raters.alpha)
    assert (there.path / "calibration.md").is_file()
    # The numbers still cite it, and are still corrected.
    rates = there.manifest().calibration
    assert rates
    assert rates.rates["fpr"] == run.manifest().calibration.rates["fpr"]
    assert rates.sha256 == hashlib.sha256(there.calibration_path.read_bytes()).hexdigest()
    assert there.metrics()[0].corrected == run.metrics()[0].corrected


def test_no_name_of_a_rater_is_published(copy, tmp_path):
    """Not in labels, not in tables, card and description, not in what the manifest cites."""
    run = calibrated(label(copy("one"), several=False), "--truth", ANN)
    assert ANN in run.manifest().calibration.rates["source"]
    write(collect([run]), tmp_path / "dataset")
    told = everything(tmp_path / "dataset").casefold()
    assert "rater-1" in told
    assert "labels.csv, rater-1" in told
    for secret in (ANN, "ann-example", "ann_example", "ann says", str(tmp_path), "--truth 'ann"):
        assert secret.casefold() not in told
    card = (tmp_path / "dataset" / "README.md").read_text()
    assert "## Raters" in card
    assert "goes by a pseudonym, since names of people are personal data" in card


def test_a_hash_does_not_betray_a_name(copy, tmp_path):
    """Who has the published labels could try names against a hash of the labels with names."""
    run = calibrated(label(copy("one")))
    write(collect([run]), tmp_path / "dataset")
    there = back(tmp_path / "dataset", tmp_path / "back")
    digest = read_calibration(there.calibration_path).labels_sha256
    assert digest != read_calibration(run.calibration_path).labels_sha256
    copycat("annotate", there.path, "--export", tmp_path / "theirs.csv")
    copycat("calibrate", there.path, "--labels", tmp_path / "theirs.csv", "--out", tmp_path / "again.json")
    again = read_calibration(tmp_path / "again.json")
    assert again.labels_sha256 == digest
    assert again.judges == read_calibration(there.calibration_path).judges
    # Labels that are not published any more leave no hash of theirs behind.
    Answers(run.labels_path).undo(ANN, {t.about for t in recorded(run.data())}, AT)
    write(collect([run]), tmp_path / "later")
    assert back(tmp_path / "later", tmp_path / "there").calibration_path.is_file()
    assert read_calibration(tmp_path / "there" / "calibration.json").labels_sha256 == ""


@pytest.mark.parametrize(
    ("labels", "published"),
    [("ann.csv", "labels.csv"), ("by ann/x.Parquet", "labels.parquet"), ("annex", "labels"),
     ("lab/labels@main", "lab/labels@main"), ("annexample/labels", "labels"),
     ("lab/labels, Doe", "labels")],
)  # fmt: skip
def test_what_labels_were_called_does_not_betray_a_name(copy, tmp_path, labels, published):
    """In whatever spelling; a data set of the hub that names nobody is still cited."""
    run = calibrated(label(copy("one")))
    told = read_calibration(run.calibration_path)
    run.calibration_path.write_bytes(document(told.model_copy(update={"labels": labels})))
    found = collect([run]).people.calibrations["one"]
    assert found.labels == published
    assert found.command == f"copycat calibrate one --labels {published}"


def test_a_name_that_somebody_wrote_into_a_calibration_gets_a_pseudonym(copy, tmp_path):
    run = calibrated(label(copy("one")))
    told = read_calibration(run.calibration_path)
    (pair,) = told.raters.pairs
    odd = told.raters.model_copy(update={"pairs": (pair.model_copy(update={"raters": (ANN, "Zoe")}),)})
    run.calibration_path.write_bytes(document(told.model_copy(update={"raters": odd})))
    with pytest.raises(UserError, match=r"its raters\.pairs\.raters is another"):
        collect([run])


def test_names_are_published_where_the_publisher_says_so(copy, tmp_path):
    run = calibrated(label(copy("one")))
    said = copycat("publish", run.path, "--to", tmp_path / "dataset", "--rater-names")
    assert "The 2 raters of these pictures go by name, as the publisher chose." in said
    there = back(tmp_path / "dataset", tmp_path / "back")
    assert exported(there) == exported(run)
    assert read_calibration(there.calibration_path).judges == read_calibration(run.calibration_path).judges
    assert "called by name" in (tmp_path / "dataset" / "croissant.json").read_text()
    listed = json.loads((tmp_path / "dataset" / "publication.json").read_text())
    assert listed["raters"] == "named"


def test_a_published_dataset_is_a_table_of_labels(copy, tmp_path):
    run = label(copy("one"))
    write(collect([run]), tmp_path / "dataset")
    read = load_labels(str(tmp_path / "dataset"))
    assert [(x.image, x.label, x.saw) for x in read] == [(x.image, x.label, x.saw) for x in exported(run)]


def test_one_rater_has_one_pseudonym_in_all_runs(copy, tmp_path):
    runs = [label(copy("one")), label(copy("two"), several=False)]
    write(collect(runs), tmp_path / "dataset")
    rows = pq.read_table(tmp_path / "dataset" / "data" / "labels.parquet").to_pylist()
    assert {(r["run"], r["rater"]) for r in rows} == {
        ("one", "rater-1"),
        ("one", "rater-2"),
        ("two", "rater-1"),
    }
    back(tmp_path / "dataset", tmp_path / "back")
    assert len(exported(RunFolder(tmp_path / "back" / "two"))) == 12


def test_a_run_that_nobody_labelled_has_no_such_tables(published):
    dataset = published()
    assert not (dataset / "data" / "labels.parquet").exists()
    assert not (dataset / "data" / "calibrations.parquet").exists()
    assert "## Raters" not in (dataset / "README.md").read_text()


def test_labels_of_pictures_that_are_gone_stay_at_home_and_are_counted(copy, tmp_path):
    run = label(copy("one"))
    Answers(run.labels_path).give(
        RaterAnswer(
            image="images/gone.png", pixels="0" * 64, character="kamo", rater=BO, answer="unsure", at=AT
        )
    )
    said = copycat("publish", run.path, "--to", tmp_path / "dataset")
    assert "1 labels are of pictures that these runs do not hold" in said
    assert len(exported(back(tmp_path / "dataset", tmp_path / "back"))) == 18


def _change(
    dataset: Path, table: str, change: Callable[[dict[str, Any]], dict[str, Any]], n: int = 1
) -> None:
    """Rewrites the first rows of a table as one would who also mends the list of hashes."""
    path = dataset / "data" / f"{table}.parquet"
    found = pq.read_table(path)
    rows = found.to_pylist()
    pq.write_table(pa.Table.from_pylist([*map(change, rows[:n]), *rows[n:]], schema=found.schema), path)
    listed = json.loads((dataset / "publication.json").read_text())
    listed["files"][f"data/{table}.parquet"]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (dataset / "publication.json").write_text(json.dumps(listed))


def test_a_calibration_that_is_out_of_date_is_not_published(copy, tmp_path):
    run = calibrated(label(copy("one")))
    told = read_calibration(run.calibration_path)
    first, *others = told.judges
    counts = first.counts.model_copy(update={"tp": first.counts.tp + 1})
    changed = told.model_copy(update={"judges": (first.model_copy(update={"counts": counts}), *others)})
    run.calibration_path.write_bytes(document(changed))
    with pytest.raises(UserError, match=r"does not follow from the labels and verdicts.*copycat calibrate"):
        collect([run])


def test_a_calibration_is_measured_anew_where_that_is_asked_for(copy, tmp_path):
    run = calibrated(label(copy("one")))
    write(collect([run]), tmp_path / "dataset")
    _change(tmp_path / "dataset", "calibrations", _judged)
    (pulled,) = pull(
        tmp_path / "dataset", "me/mine", None, lambda name, runs: tmp_path / "back", report, recompute=True
    )
    assert not pulled.same
    found = read_calibration(tmp_path / "back" / "calibration.json")
    counts = [j.counts for j in read_calibration(run.calibration_path).judges]
    assert [j.counts for j in found.judges] == counts


def _judged(row: dict[str, Any]) -> dict[str, Any]:
    judges = json.loads(row["judges"])
    judges[0]["counts"]["tp"] += 1
    return {**row, "judges": json.dumps(judges)}


def _rosy(row: dict[str, Any]) -> dict[str, Any]:
    """The counts are true, and what is made of them is not."""
    judges = json.loads(row["judges"])
    judges[0]["fpr"]["hits"] = judges[0]["fpr"]["hits"] + 1
    return {**row, "judges": json.dumps(judges)}


def _below_zero(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "judges": row["judges"].replace('"fp":', '"fp":-')}


def _agreeing(row: dict[str, Any]) -> dict[str, Any]:
    raters = json.loads(row["raters"])
    raters["alpha"] = 0.99
    return {**row, "raters": json.dumps(raters)}


@pytest.mark.parametrize(
    ("break_", "hint"),
    [
        (lambda d: (d / "data" / "labels.parquet").write_bytes(b"PAR1"), "its hash differs"),
        (lambda d: (d / "data" / "calibrations.parquet").unlink(), "is not whole"),
        (lambda d: _change(d, "labels", lambda r: {**r, "label": not r["label"]}), "measured on others"),
        (lambda d: _change(d, "calibrations", _judged), "does not follow from its labels: the counts.tp of"),
        (lambda d: _change(d, "calibrations", _rosy), "the fpr.hits of"),
        (lambda d: _change(d, "calibrations", _agreeing), "its raters.alpha is another"),
        (lambda d: _change(d, "calibrations", lambda r: {**r, "models": ["sdxl@1"]}), "its models is"),
        (lambda d: _change(d, "labels", lambda r: {**r, "image": "../../x.png"}), "of none of its pictures"),
        (lambda d: _change(d, "labels", lambda r: {**r, "pixels": "0" * 64}), "of none of its pictures"),
        (lambda d: _change(d, "labels", lambda r: {**r, "sha256": "0" * 64}), "of none of its pictures"),
        (lambda d: _change(d, "labels", lambda r: {**r, "character": "nobody"}), "not in its registry"),
        (lambda d: _change(d, "labels", lambda r: {**r, "rater": ""}), "not a label"),
        (lambda d: _change(d, "labels", lambda r: {**r, "rater": "\x1b[31mAnn"}), "a rater called '.x1b"),
        (lambda d: _change(d, "labels", lambda r: {**r, "rater": "a" * 999}), "1 to 80 printable"),
        (lambda d: _change(d, "labels", lambda r: {**r, "confidence": 9}), "not a label"),
        (lambda d: _change(d, "calibrations", lambda r: {**r, "judges": "{"}), "not a calibration"),
        (lambda d: _change(d, "calibrations", _below_zero), "not a calibration"),
    ],
)  # fmt: skip
def test_labels_and_calibrations_that_were_changed_are_refused(copy, tmp_path, break_, hint):
    write(collect([calibrated(label(copy("one")))]), tmp_path / "dataset")
    break_(tmp_path / "dataset")
    with pytest.raises(BadFile, match=hint):
        back(tmp_path / "dataset", tmp_path / "back")
    assert not (tmp_path / "back").exists()


@pytest.fixture(scope="module")
def second(tiny_models: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three other pictures of the same model and characters."""
    folder = prepare(
        tiny_models.config(tmp_path_factory.mktemp("second") / "two", seeds=(7,), mitigations=("none",))
    )
    generate(folder, device="cpu")
    judge(folder)
    score(folder)
    report(folder)
    return folder.path


@pytest.fixture
def together(copy, second: Path, tmp_path: Path) -> list[RunFolder]:
    """Two runs that were calibrated together, each labelled by somebody else, the file among the first."""
    one = label(copy("one"), several=False)
    runs = [one, RunFolder(shutil.copytree(second, one.path.with_name("two")))]
    for n, task in enumerate(recorded(runs[1].data())):
        told = {"image": task.images[0], "pixels": task.pixels, "character": task.character, "at": AT}
        Answers(runs[1].labels_path).give(RaterAnswer(**told, rater=BO, answer="no" if n % 2 else "yes"))
    tables = [tmp_path / f"{run.path.name}.csv" for run in runs]
    for run, table in zip(runs, tables, strict=True):
        copycat("annotate", run.path, "--export", table)
    both = tmp_path / "both.csv"
    both.write_text(tables[0].read_text() + "".join(tables[1].read_text().splitlines(keepends=True)[1:]))
    out = runs[0].calibration_path
    copycat("calibrate", runs[0].path, runs[1].path, "--labels", both, "--out", out)
    return runs


def test_a_calibration_of_several_runs_follows_from_the_labels_of_all(together, tmp_path):
    write(collect(together), tmp_path / "dataset")
    pulled = pull(tmp_path / "dataset", "me/mine", None, lambda name, _: tmp_path / "back" / name, report)
    assert all(p.same for p in pulled)
    mine, theirs = (
        read_calibration(p / "calibration.json") for p in (together[0].path, tmp_path / "back" / "one")
    )
    assert theirs.runs == ("one", "two")
    assert theirs.labels_sha256
    assert [j.counts for j in theirs.judges] == [j.counts for j in mine.judges]
    assert {r.name for r in theirs.raters.raters} == {"rater-1", "rater-2"}


@pytest.mark.parametrize(
    ("table", "change", "hint"),
    [
        ("calibrations", _judged, "does not follow from its labels: the counts.tp of"),
        ("labels", lambda r: {**r, "label": r["label"] ^ (r["run"] == "two")}, "measured on others"),
    ],
)
def test_a_changed_calibration_of_several_runs_is_refused(together, tmp_path, table, change, hint):
    write(collect(together), tmp_path / "dataset")
    _change(tmp_path / "dataset", table, change, 999)
    with pytest.raises(BadFile, match=hint):
        pull(tmp_path / "dataset", "me/mine", None, lambda name, _: tmp_path / "back" / name, report)
    assert not (tmp_path / "back" / "one").exists()


def test_a_calibration_of_several_runs_is_measured_anew_on_all_of_them(together, tmp_path):
    write(collect(together), tmp_path / "dataset")
    _change(tmp_path / "dataset", "calibrations", _judged)
    one, two = pull(
        tmp_path / "dataset",
        "me/mine",
        None,
        lambda name, _: tmp_path / "back" / name,
        report,
        recompute=True,
    )
    assert (one.same, two.same) == (False, True)
    found = read_calibration(tmp_path / "back" / "one" / "calibration.json")
    assert [j.counts for j in found.judges] == [
        j.counts for j in read_calibration(together[0].calibration_path).judges
    ]


def test_changed_labels_of_several_runs_are_measured_anew_all_together(together, tmp_path):
    write(collect(together), tmp_path / "dataset")
    _change(tmp_path / "dataset", "labels", lambda r: {**r, "label": r["label"] ^ (r["run"] == "two")}, 999)
    pull(
        tmp_path / "dataset",
        "me/mine",
        None,
        lambda name, _: tmp_path / "back" / name,
        report,
        recompute=True,
    )
    before = read_calibration(together[0].calibration_path)
    found = read_calibration(tmp_path / "back" / "one" / "calibration.json")
    assert (found.items, found.runs) == (before.items, ("one", "two"))
    assert {r.name for r in found.raters.raters} == {"rater-1", "rater-2"}
    assert found.positives != before.positives


def test_a_calibration_of_a_run_that_is_not_published_with_it_goes_unchecked(together, tmp_path):
    first, _ = together
    write(collect([first]), tmp_path / "dataset")
    there = read_calibration(back(tmp_path / "dataset", tmp_path / "back").calibration_path)
    assert (there.runs, there.labels_sha256) == (("one", "two"), "")
