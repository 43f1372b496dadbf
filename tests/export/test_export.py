"""`copycat export` itself: its folder, what it refuses before it writes, models by name, and Croissant."""

from __future__ import annotations

import json
from pathlib import Path

import mlcroissant
import pytest

from copycat.errors import BadFile, RunConflict, UnknownName, UserError
from copycat.export import hub_eval
from copycat.export.base import CATALOG
from copycat.export.folder import LIST
from copycat.export.models import component, distinct, judge_of
from tests.export.conftest import scored


def names(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def test_croissant_is_read_by_its_own_reader_with_the_numbers(copycat, run, tmp_path):
    said = copycat("export", run.path, "--to", "croissant", "--out", tmp_path / "out", "--by", "Ada's lab")
    assert "files of Parquet tables described in Croissant 1.1" in said
    read = mlcroissant.Dataset(tmp_path / "out" / "croissant.json")
    issues = read.metadata.ctx.issues
    assert (list(issues.errors), list(issues.warnings)) == ([], [])
    values = [r["metrics/value"] for r in read.records("metrics")]
    assert values == [m.value for m in run.metrics()]
    told = json.loads((tmp_path / "out" / "croissant.json").read_text())
    assert told["creator"]["name"] == "Ada's lab"
    assert "1 prompts and 1 pictures" not in told["rai:dataCollectionMissingData"]
    assert "0 prompts and 1 pictures were refused, 1 failed" in told["rai:dataCollectionMissingData"]
    assert "images" not in {p.name for p in (tmp_path / "out").iterdir()}


def test_pictures_that_were_not_begun_are_said_to_have_no_row(copycat, run, tmp_path):
    (first, *others) = run.image_journal.rows()
    run.image_journal.replace(others)
    run.verdict_journal.replace([v for v in run.verdict_journal.rows() if v.request != first.request])
    copycat("export", run.path, "--to", "croissant", "--out", tmp_path / "out")
    told = json.loads((tmp_path / "out" / "croissant.json").read_text())
    said = told["rai:dataCollectionMissingData"]
    assert "1 were not begun" in said
    assert said.endswith("of all but those that were not begun a row says why.")


def test_answers_given_elsewhere_may_be_of_people(copycat, run, tmp_path):
    copycat("export", run.path, "--to", "croissant", "--out", tmp_path / "out")
    told = json.loads((tmp_path / "out" / "croissant.json").read_text())
    assert told["rai:personalSensitiveInformation"][0].startswith("No labels of people are in it")
    rows = [v.model_copy(update={"judge": "recorded:Ann@0123"}) for v in run.verdict_journal.rows()]
    run.verdict_journal.replace(rows)
    run.update(judge="recorded:Ann@0123")
    copycat("export", run.path, "--to", "croissant", "--out", tmp_path / "out")
    told = json.loads((tmp_path / "out" / "croissant.json").read_text())
    (said,) = told["rai:personalSensitiveInformation"]
    assert "(recorded:Ann@0123); whether people gave them the run does not know" in said
    assert "recorded answers to identify are by recorded:Ann@0123" in told["rai:dataAnnotationProtocol"]


def test_formats_are_listed_and_an_unknown_one_names_the_nearest(copycat, run, tmp_path):
    assert CATALOG.names() == ["croissant", "eee", "hub-eval"]
    assert [CATALOG.get(n).name for n in CATALOG.names()] == CATALOG.names()
    with pytest.raises(UnknownName, match="Unknown export format 'croisant'"):
        copycat("export", run.path, "--to", "croisant", "--out", tmp_path / "out")
    with pytest.raises(UnknownName, match="Unknown relationship"):
        copycat("export", run.path, "--to", "eee", "--out", tmp_path / "out", "--relationship", "friend")
    assert not (tmp_path / "out").exists()


def test_a_run_without_metrics_says_which_command_makes_them(copycat, run, tmp_path):
    run.metrics_path.unlink()
    with pytest.raises(UserError, match=r"has no metrics yet; run `copycat score"):
        copycat("export", run.path, "--to", "eee", "--out", tmp_path / "out")
    run.update(judge=None)
    with pytest.raises(UserError, match=r"has no verdicts yet.*`copycat judge"):
        copycat("export", run.path, "--to", "eee", "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_of_something_else_is_refused_and_stays(copycat, run, tmp_path):
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "thesis.tex").write_text("years of work")
    (tmp_path / "file").write_text("x")
    for out, hint in ((tmp_path / "theirs", "no export of copycat's"), (tmp_path / "file", "is a file")):
        with pytest.raises(RunConflict, match=hint):
            copycat("export", run.path, "--to", "eee", "--out", out)
    with pytest.raises(RunConflict, match="no export of copycat's"):
        copycat("export", run.path, "--to", "eee", "--out", run.path)
    assert names(tmp_path / "theirs") == {"thesis.tex"}


def test_an_earlier_export_is_replaced_and_what_else_lies_there_stays(copycat, run, tmp_path):
    out = tmp_path / "out"
    copycat("export", run.path, "--to", "eee", "--out", out)
    (out / "notes.txt").write_text("mine")
    first = names(out)
    copycat("export", run.path, "--to", "hub-eval", "--out", out, "--dataset", "me/mine")
    second = names(out)
    assert "notes.txt" in second
    assert first & second == {"notes.txt", LIST}
    assert not (out / "data").exists()
    assert set(json.loads((out / LIST).read_text())["files"]) == second - {"notes.txt", LIST}


@pytest.mark.parametrize(
    "listed", ['{"files": {"../run/manifest.json": ""}}', '{"files": {"mine": ""}}', "[]", "{"]
)
def test_a_list_that_leads_elsewhere_is_not_followed(copycat, run, tmp_path, listed):
    (tmp_path / "out" / "mine").mkdir(parents=True)
    (tmp_path / "out" / LIST).write_text(listed)
    with pytest.raises(RunConflict, match="no list of an export"):
        copycat("export", run.path, "--to", "eee", "--out", tmp_path / "out")
    assert run.manifest_path.is_file()


def test_a_file_where_a_folder_has_to_be_is_named_and_stays(copycat, run, tmp_path):
    out = tmp_path / "out"
    copycat("export", run.path, "--to", "hub-eval", "--out", out, "--dataset", "me/mine")
    (out / "data").write_text("mine")
    before = names(out)
    with pytest.raises(RunConflict, match="data is a file, where the new export has a folder"):
        copycat("export", run.path, "--to", "eee", "--out", out)
    assert names(out) == before


def test_an_export_that_fails_leaves_the_earlier_one(copycat, run, tmp_path, monkeypatch):
    out = tmp_path / "out"
    copycat("export", run.path, "--to", "hub-eval", "--out", out, "--dataset", "me/mine")
    before = {p: (out / p).read_bytes() for p in names(out)}

    def fails(*_: object) -> None:
        raise BadFile("no more")

    monkeypatch.setattr(hub_eval, "_benchmark", fails)
    with pytest.raises(BadFile):
        copycat("export", run.path, "--to", "hub-eval", "--out", out, "--dataset", "me/other")
    assert {p: (out / p).read_bytes() for p in names(out)} == before
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_no_path_of_this_machine_is_exported(copycat, tmp_path):
    run = scored(tmp_path / "run")
    run.update(config=run.manifest().config.model_copy(update={"judge": str(tmp_path / "private" / "judge")}))
    for to in CATALOG.names():
        copycat("export", run.path, "--to", to, "--out", tmp_path / to, "--dataset", "me/mine")
        told = b"".join(p.read_bytes() for p in (tmp_path / to).rglob("*") if p.is_file())
        assert str(tmp_path).encode() not in told


def test_judges_and_models_go_by_the_names_that_others_know():
    hosted = judge_of("gpt-4o@gpt-4o-2024-11-20:name-and-work")
    assert (hosted.id, hosted.deployment, hosted.platform) == (
        "openai/gpt-4o-2024-11-20",
        "externally_managed",
        "openai",
    )
    qwen = judge_of("qwen2.5-vl-7b@cc594898137f:name-and-work")
    assert (qwen.id, qwen.availability) == ("Qwen/Qwen2.5-VL-7B-Instruct", "open_weights")
    # Other weights under that name are not the repository's.
    assert judge_of("qwen2.5-vl-7b@000000000000").id == "local/qwen2.5-vl-7b"
    assert judge_of("recorded:Ann's answers@0123").id == "recorded/Ann_s_answers"
    assert judge_of("gone@0123456789ab").deployment == "self_deployed"
    assert judge_of("gone@somewhere").deployment == "unknown"


@pytest.mark.parametrize("text", ["..", "", "a/b", "con", "data", ".hidden", "x\0y", "COM1.txt", "né"])
def test_a_component_can_name_a_folder_everywhere(text):
    found = component(text)
    assert found
    assert not set(found) & set('/\\:*?"<>|\0')
    assert not found.startswith(".")
    assert found.lower() not in {"con", "data", "com1.txt"}


def test_what_looks_alike_in_a_path_is_told_apart():
    texts = ("negprompt[keywords=3]@typo", "a b", "a_b", "a/b", "a:b")
    assert distinct(texts[0]) == texts[0]
    assert distinct("a_b") == "a_b"
    assert len({distinct(t) for t in texts}) == len(texts)
