"""The hub's evaluation results, read by its client and held against the documented format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import parse_eval_result_entries
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from copycat.errors import UserError
from copycat.runs.folder import RunFolder
from copycat.runs.manifest import Origin
from tests.export.conftest import FINISHED, Copycat, scored
from tests.helpers.synthetic import cited

REPOSITORY = "models/stabilityai/stable-diffusion-xl-base-1.0/.eval_results"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Benchmark(_Strict):
    """`dataset` of https://huggingface.co/docs/hub/eval-results."""

    id: str = Field(pattern=r"^[\w.-]+/[\w.-]+$")
    task_id: str = Field(min_length=1)
    revision: str | None = None


class Source(_Strict):
    url: str = Field(pattern="^https://")
    name: str | None = None
    user: str | None = None
    org: str | None = None


class Entry(_Strict):
    """One result, as the page documents it."""

    dataset: Benchmark
    value: float
    verifyToken: str | None = None  # noqa: N815
    date: str | None = Field(default=None, pattern=r"^\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d))?$")
    source: Source | None = None
    evaluation_framework: str | None = None
    notes: str | None = None


class Task(_Strict):
    id: str
    config: str
    split: str


class Tasks(_Strict):
    """`eval.yaml` of the benchmark's dataset."""

    name: str
    description: str
    evaluation_framework: str
    tasks: list[Task] = Field(min_length=1)


def exported(copycat: Copycat, run: RunFolder, out: Path, *more: object) -> dict[str, Any]:
    copycat("export", run.path, "--to", "hub-eval", "--out", out, "--dataset", "me/mine@" + "d" * 40, *more)
    return {p.relative_to(out).as_posix(): yaml.safe_load(p.read_text()) for p in sorted(out.rglob("*.yaml"))}


def test_files_are_what_the_hub_documents_and_its_client_reads(copycat, run, tmp_path):
    found = exported(copycat, run, tmp_path / "out")
    assert list(found) == [
        "dataset/eval.yaml",
        f"{REPOSITORY}/copycat-test-negprompt.yaml",
        f"{REPOSITORY}/copycat-test.yaml",
    ]
    tasks = {t.id for t in Tasks.model_validate(found.pop("dataset/eval.yaml")).tasks}
    for entries in found.values():
        assert {Entry.model_validate(e).dataset.task_id for e in entries} == tasks
        (entry,) = parse_eval_result_entries(entries)
        assert (entry.dataset_id, entry.dataset_revision, entry.date) == ("me/mine", "d" * 40, FINISHED)
        assert entry.source_url == f"https://huggingface.co/datasets/me/mine/tree/{'d' * 40}"


def test_what_is_documented_can_be_missed():
    with pytest.raises(ValidationError):
        Entry.model_validate({"dataset": {"id": "mine"}, "value": "0.5"})


def test_the_value_is_the_share_that_was_not_detected_and_says_so(copycat, run, tmp_path):
    found = exported(copycat, run, tmp_path / "out")
    values = {}
    for mitigation, file in (("none", "copycat-test"), ("negprompt", "copycat-test-negprompt")):
        (entry,) = found[f"{REPOSITORY}/{file}.yaml"]
        metric = next(m for m in run.metrics() if (m.metric, m.mitigation) == ("DETECT", mitigation))
        assert entry["value"] == pytest.approx(1 - metric.value / metric.characters)
        assert entry["dataset"]["task_id"] == "share-not-detected-name"
        assert "Share of characters not detected, in [0, 1], higher is better" in entry["notes"]
        assert f"mitigation: {mitigation};" in entry["notes"]
        assert f"{metric.scored} of {metric.images} pictures" in entry["notes"]
        low, high = 1 - metric.high / metric.characters, 1 - metric.low / metric.characters
        assert f"{low:.3f} to {high:.3f}" in entry["notes"]
        assert low <= entry["value"] <= high
        values[mitigation] = entry["value"]
    assert values["negprompt"] > values["none"], "higher is better"


def test_the_judges_errors_are_those_on_the_question_of_detect(copycat, run, tmp_path):
    """A calibration begins with whatever question was measured first."""
    told = cited("menagerie@1")
    for question, sentence in (
        ("identify", f"the judge's false-positive rate: {told.rates['fpr']:.3f}"),
        ("verify", "the judge was not calibrated on such pictures"),
    ):
        rates = {**told.rates, "question": question, "questions": {}, "models": ["sdxl@462165984030"]}
        run.update(calibration=told.model_copy(update={"rates": rates}))
        (entry,) = exported(copycat, run, tmp_path / question)[f"{REPOSITORY}/copycat-test.yaml"]
        assert entry["notes"].endswith(f"; {sentence}")


def test_innocent_prompts_are_no_result(copycat, run, tmp_path):
    assert "also" not in str(exported(copycat, run, tmp_path / "out"))


def test_a_dataset_is_needed_and_taken_from_a_pulled_run(copycat, run, tmp_path):
    with pytest.raises(
        UserError, match=r"copycat publish run --repo user/name.*--dataset user/name@REVISION"
    ):
        copycat("export", run.path, "--to", "hub-eval", "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    run.update(origin=Origin(how="pulled", source="their/runs", revision="e" * 40))
    copycat("export", run.path, "--to", "hub-eval", "--out", tmp_path / "out")
    (entry,) = yaml.safe_load((tmp_path / "out" / REPOSITORY / "copycat-test.yaml").read_text())
    assert entry["dataset"] | {"task_id": ""} == {"id": "their/runs", "revision": "e" * 40, "task_id": ""}


def test_a_model_that_is_not_on_the_hub_is_said(copycat, tmp_path):
    run = scored(tmp_path / "run", model="mine@0123456789ab")
    said = copycat("export", run.path, "--to", "hub-eval", "--out", tmp_path / "out", "--dataset", "me/mine")
    assert "local/mine is no repository of the hub" in said
    (entry,) = yaml.safe_load(
        (tmp_path / "out/models/local/mine/.eval_results/copycat-test.yaml").read_text()
    )
    assert "revision" not in entry["dataset"]


def test_two_results_for_one_task_are_refused(copycat, run, tmp_path):
    other = scored(tmp_path / "other")
    with pytest.raises(UserError, match="run and other both have a result of stabilityai/"):
        copycat(
            "export", run.path, other.path, "--to", "hub-eval", "--out", tmp_path / "out", "--dataset", "a/b"
        )
    assert not (tmp_path / "out").exists()


def test_a_run_without_detect_is_refused(copycat, run, tmp_path):
    run.write_metrics([m for m in run.metrics() if m.metric != "DETECT"])
    with pytest.raises(UserError, match="run has no DETECT, which is what the hub is told of"):
        copycat("export", run.path, "--to", "hub-eval", "--out", tmp_path / "out", "--dataset", "a/b")
