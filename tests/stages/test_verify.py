"""`copycat verify`: a sound run is called so, and whatever is damaged in it is told with what to do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner

from copycat.cli.main import app
from copycat.publish.collect import collect
from copycat.publish.pull import pull
from copycat.publish.write import write
from copycat.records import ImageRow, Shift, Verdict
from copycat.runs.folder import RunFolder
from copycat.runs.importing import import_images
from copycat.runtime.progress import Progress
from copycat.stages.plan import prepare
from copycat.stages.rejudge import rejudge
from copycat.stages.report import report
from copycat.stages.run import complete
from copycat.stages.score import score
from copycat.stages.verify import Verified, verify
from tests.conftest import Tiny

FIRST = Path(__file__).parents[1] / "data" / "first_rows"
Damage = Callable[[RunFolder], object]


@pytest.fixture(scope="module")
def finished(tiny_models: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tiny_models.config(tmp_path_factory.mktemp("finished") / "run", seeds=(0,), device="cpu")
    complete(prepare(run), run, Progress())
    return run.folder


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> RunFolder:
    return RunFolder(shutil.copytree(finished, tmp_path / "run"))


def said(found: Verified) -> list[str]:
    return [f.line for f in found.findings]


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines(keepends=True)


def change_line(path: Path, number: int, **changes: Any) -> None:
    rows = lines(path)
    rows[number] = json.dumps({**json.loads(rows[number]), **changes}) + "\n"
    path.write_text("".join(rows))


def first_picture(folder: RunFolder) -> Path:
    return folder.path / str(folder.image_journal.rows()[0].file)


def test_a_finished_run_is_sound_and_nothing_is_written(folder: RunFolder) -> None:
    before = {p: p.stat().st_mtime_ns for p in folder.path.rglob("*")}
    found = verify(folder)
    assert said(found) == []
    assert (found.sound, found.pictures, found.verdicts) == (True, 6, 18)
    assert {p: p.stat().st_mtime_ns for p in folder.path.rglob("*")} == before


def _repeat(journal: str, number: int, **changes: Any) -> Damage:
    def damage(folder: RunFolder) -> None:
        path = folder.path / journal
        row = json.loads(lines(path)[number]) | changes
        path.write_text("".join([*lines(path), json.dumps(row) + "\n"]))

    return damage


def _other_metric(folder: RunFolder) -> None:
    told = json.loads(folder.metrics_path.read_text())
    told[0]["value"] = 2.75
    folder.metrics_path.write_text(json.dumps(told))


def _fewer_metrics(folder: RunFolder) -> None:
    folder.metrics_path.write_text(json.dumps(json.loads(folder.metrics_path.read_text())[1:]))


def _number_twice(folder: RunFolder) -> None:
    told = json.loads(folder.metrics_path.read_text())
    folder.metrics_path.write_text(json.dumps([*told, told[0]]))


def _outside(folder: RunFolder) -> None:
    file = first_picture(folder)
    shutil.move(file, folder.path.parent / "elsewhere.png")
    file.symlink_to(folder.path.parent / "elsewhere.png")


def _shift(folder: RunFolder) -> None:
    row = folder.image_journal.rows()[0]
    told = {"request": row.request, "encoder": "e@1", "distance": 0.1}
    folder.shift_journal.append([Shift(**told, pictures=("0" * 64, row.sha256))])


def _move_stage(folder: RunFolder) -> None:
    stages = folder.manifest().stages
    folder.update(stages={**stages, "judge": stages["judge"].model_copy(update={"status": "interrupted"})})


FAULTS: dict[str, tuple[Damage, str]] = {
    "broken manifest": (lambda f: f.manifest_path.write_text("{"), "is not a manifest"),
    "broken line": (lambda f: change_line(f.image_journal.path, 1, outcome="maybe"), "images.jsonl, line 2"),
    "request twice": (_repeat("requests.jsonl", 0), "1 request stand there more than once"),
    "other prompt": (
        lambda f: change_line(f.request_journal.path, 0, prompt="a hat"),
        "not what their identity says",
    ),
    "unknown character": (
        lambda f: change_line(f.request_journal.path, 0, character="hat"),
        "The registry of the run does not know hat",
    ),
    "picture of no request": (
        lambda f: f.image_journal.append([ImageRow(request="0" * 16, outcome="refused_prompt")]),
        "pictures that are not planned, in line 7",
    ),
    "row without a file": (
        lambda f: change_line(f.image_journal.path, 0, file=None),
        "without a file or hash, or of files of what was not drawn, in line 1",
    ),
    "picture twice": (_repeat("images.jsonl", 0), "1 picture have more than one final row"),
    "picture gone": (lambda f: first_picture(f).unlink(), "1 file of rows are not there: images/"),
    "other picture": (
        lambda f: Image.new("RGB", (16, 16)).save(first_picture(f)),
        "1 file are not what was drawn: images/",
    ),
    "picture elsewhere": (_outside, "Rows name files outside the run's folder"),
    "picture row gone": (
        lambda f: f.image_journal.path.write_text("".join(lines(f.image_journal.path)[1:])),
        "1 of 6 pictures are not made yet",
    ),
    "verdict of a stranger": (
        lambda f: change_line(f.verdict_journal.path, 0, image_sha256="0" * 64),
        "verdicts.jsonl tells of pictures that are not this run's, in line 1",
    ),
    "answered twice": (_repeat("verdicts.jsonl", 2), "1 question were answered more than once"),
    "verdict gone": (
        lambda f: f.verdict_journal.path.write_text("".join(lines(f.verdict_journal.path)[1:])),
        "1 pictures have questions without a verdict",
    ),
    "shift of a stranger": (_shift, "shifts.jsonl tells of pictures that are not this run's, in line 1"),
    "unfinished": (_move_stage, "The run is not finished (judge interrupted)"),
    "other number": (_other_metric, "metrics.json says other numbers than the rows give: DETECT of none"),
    "numbers gone": (lambda f: f.metrics_path.unlink(), "metrics.json is not there"),
    "broken numbers": (lambda f: f.metrics_path.write_text("{"), "metrics.json cannot be read"),
    "number twice": (_number_twice, "metrics.json says a number twice"),
    "fewer numbers": (_fewer_metrics, "metrics.json lacks numbers"),
    "other agreement": (
        lambda f: (f.path / "agreement.json").write_text('[{"kind": "identify"}]'),
        "agreement.json is not what follows",
    ),
    "old table": (lambda f: (f.path / "table.csv").write_text("model\n"), "table.csv is missing or not what"),
    "plot gone": (lambda f: (f.path / "pareto.svg").unlink(), "pareto.svg is missing"),
    "page gone": (lambda f: f.page_path.unlink(), "report.html is missing"),
    "other page": (
        lambda f: f.page_path.write_text("<html></html>"),
        "report.html is older than the numbers",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_damaged_is_a_fault_that_says_what_to_do(folder: RunFolder, name: str) -> None:
    damage, what = FAULTS[name]
    damage(folder)
    found = verify(RunFolder(folder.path))
    told = [f for f in found.faults if what in f.what]
    assert len(told) == 1, said(found)
    assert told[0].remedy
    assert "\n" not in told[0].line
    assert not found.sound


NOTES: dict[str, tuple[Damage, str]] = {
    "torn tail": (
        lambda f: f.verdict_journal.path.write_bytes(f.verdict_journal.path.read_bytes() + b'{"request": '),
        "The last line of verdicts.jsonl was cut off (12 bytes)",
    ),
    "stranger": (lambda f: (f.path / "notes.txt").write_text("mine"), "1 file are not the run's: notes.txt"),
    "stranger's picture": (
        lambda f: (f.path / "images" / "cat.png").write_text("mine"),
        "1 file are not the run's: images/cat.png",
    ),
    "left behind": (
        lambda f: (f.path / "images" / ".a.png.tmp").write_text("half"),
        "left 1 file behind: images/.a.png.tmp",
    ),
    "failed picture": (
        lambda f: f.image_journal.append(
            [ImageRow(request=f.request_journal.rows()[0].id, outcome="error", error="no luck")]
        ),
        "1 pictures failed",
    ),
}


@pytest.mark.parametrize("name", NOTES)
def test_what_is_only_to_be_known_is_a_note(folder: RunFolder, name: str) -> None:
    damage, what = NOTES[name]
    damage(folder)
    found = verify(RunFolder(folder.path))
    notes = [f.what for f in found.findings if f.severity == "note"]
    assert [n for n in notes if what in n], said(found)
    if name != "failed picture":  # its numbers are no longer those of the rows
        assert found.sound


def test_an_error_that_was_tried_again_and_an_earlier_pictures_verdict_are_no_faults(
    folder: RunFolder,
) -> None:
    row = folder.image_journal.rows()[0]
    early = ImageRow(request=row.request, outcome="error", error="no luck")
    folder.image_journal.replace([early, *folder.image_journal.rows()])
    assert said(verify(folder)) == []


def test_a_panels_verdict_may_be_counted_again(folder: RunFolder) -> None:
    verdict = folder.verdict_journal.rows()[0]
    panel: dict[str, Any] = {"judge": "panel@1", "voters": ("a@1", "b@1")}
    again: list[Verdict] = [verdict.model_copy(update=panel)] * 2
    folder.verdict_journal.append(again)
    score(folder)
    report(folder)
    assert verify(folder).sound


def test_the_program_says_it_in_lines_or_as_json_and_by_its_exit_code(folder: RunFolder) -> None:
    run = str(folder.path)
    sound = CliRunner().invoke(app, ["verify", run])
    assert (sound.exit_code, "is sound (pictures planned: 6, verdicts: 18)" in sound.output) == (0, True)
    first_picture(folder).unlink()
    told = CliRunner().invoke(app, ["verify", run])
    assert told.exit_code == 1
    assert "Run the same command again: it draws what is missing." in told.output
    body = json.loads(CliRunner().invoke(app, ["verify", run, "--json"]).stdout)
    assert (body["sound"], [f["severity"] for f in body["findings"]]) == (False, ["fault"])


def test_the_remedy_of_a_lost_picture_helps_and_leaves_one_row(folder: RunFolder, config: Any) -> None:
    first_picture(folder).unlink()
    run = config(out=folder.path, seeds=(0,), device="cpu")
    complete(prepare(run), run, Progress())
    assert said(verify(RunFolder(folder.path))) == []


def test_runs_of_the_first_version_are_read(tmp_path: Path) -> None:
    whole = RunFolder(shutil.copytree(FIRST / "whole", tmp_path / "whole"))
    report(whole)
    found = verify(whole)
    assert found.sound, said(found)
    assert [f.what for f in found.findings] == [
        "The intervals in metrics.json are those of an earlier version"
    ]
    score(whole)
    report(whole)
    assert said(verify(whole)) == []
    half = verify(RunFolder(FIRST / "half"))
    told = " ".join(said(half))
    assert "The last line of images.jsonl was cut off" in told
    assert "10 of 24 pictures are not made yet" in told
    assert not half.sound


@pytest.mark.parametrize("withheld", [True, False])
def test_a_pulled_run_is_sound_also_without_its_pictures(
    folder: RunFolder, tmp_path: Path, withheld: bool
) -> None:
    told = Path(folder.manifest().config.registry).read_text()
    folder.registry_path.write_text(told.replace("version: 1", "version: 1\nprotected: false"))
    write(collect([folder], pictures=not withheld), tmp_path / "dataset")
    pull(tmp_path / "dataset", "me/mine", "c" * 40, lambda *_: tmp_path / "back", report)
    back = RunFolder(tmp_path / "back")
    assert said(verify(back)) == []
    if not withheld:
        first_picture(back).write_bytes(b"no picture")
        assert "Take it from me/mine again" in said(verify(back))[0]


def test_imported_pictures_are_sound_before_and_after_they_are_judged(
    tiny_models: Tiny, tmp_path: Path
) -> None:
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    Image.new("RGB", (20, 16), (40, 90, 10)).save(shelf / "one.png")
    (shelf / "metadata.csv").write_text("file,character,prompt\none.png,Zori,an owl\n")
    run = import_images(
        shelf, tmp_path / "run", registry=str(tiny_models.registry), judge=str(tiny_models.judge)
    )
    found = verify(run)
    assert found.sound
    assert [f.what for f in found.findings] == ["The run has not been judged yet"]
    rejudge(run, str(tiny_models.judge), device="cpu")
    assert said(verify(run)) == []
