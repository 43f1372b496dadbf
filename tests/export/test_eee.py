"""Every Eval Ever's own validator takes what is exported, and it says what the run knows."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from every_eval_ever.schema import get_schema_version, schema_json
from every_eval_ever.validator.validate import main as validate
from jsonschema import Draft7Validator

from copycat.export.eee_parts import SCHEMA
from copycat.runs.folder import RunFolder
from copycat.runs.manifest import Origin
from copycat.stages.score import score
from tests.export.conftest import Copycat, scored
from tests.helpers.synthetic import cited

CLEAN, ERRORS, WARNINGS = 0, 1, 2


def exported(copycat: Copycat, run: RunFolder, out: Path, *more: object) -> dict[tuple[str, str], Any]:
    """The records by mitigation and prompt set."""
    copycat("export", run.path, "--to", "eee", "--out", out, *more)
    found = {}
    for path in sorted((out / "data").rglob("*.json")):
        record = json.loads(path.read_text())
        details = record["evaluation_results"][0]["generation_config"]["additional_details"]
        sets = record["evaluation_results"][0]["source_data"]["additional_details"]["prompt_set"]
        found[details["mitigation"], sets] = record
    return found


def samples(out: Path, record: dict[str, Any]) -> list[dict[str, Any]]:
    path = out / record["detailed_evaluation_results"]["file_path"]
    return [json.loads(line) for line in path.read_text().splitlines()]


def results(record: dict[str, Any]) -> dict[str, Any]:
    return {r["metric_config"]["metric_name"]: r for r in record["evaluation_results"]}


def test_its_validator_takes_records_and_samples_without_a_warning(copycat, run, tmp_path, capsys):
    out = tmp_path / "out"
    exported(copycat, run, out, "--by", "Ada's lab", "--relationship", "third_party")
    assert validate(["--format", "json", f"{out}/data/*/*/*/*.json*"]) == CLEAN, capsys.readouterr().out
    told = json.loads(capsys.readouterr().out)
    assert len(told) == 8
    assert {t["file_type"] for t in told} == {"aggregate", "instance"}
    assert get_schema_version() == SCHEMA


def test_its_json_schemas_take_them_too(copycat, run, tmp_path):
    """The schemas say more than the models that its validator applies."""
    out = tmp_path / "out"
    whole, row = (
        Draft7Validator(schema_json(n)) for n in ("eval.schema.json", "instance_level_eval.schema.json")
    )
    for record in exported(copycat, run, out).values():
        assert [e.message for e in whole.iter_errors(record)] == []
        for sample in samples(out, record):
            assert [e.message for e in row.iter_errors(sample)] == []


@pytest.mark.parametrize(
    "break_",
    [
        lambda r: r["evaluation_results"][0]["score_details"].update(score=7.5),
        lambda r: r.update(evaluation_id="another"),
        lambda r: r["model_info"].update(id="someone/else"),
        lambda r: r.update(more=1),
    ],
)
def test_its_validator_refuses_what_was_changed(copycat, run, tmp_path, break_):
    """So that the test above can fail."""
    out = tmp_path / "out"
    exported(copycat, run, out)
    path = next((out / "data").rglob("*.json"))
    record = json.loads(path.read_text())
    break_(record)
    path.write_text(json.dumps(record))
    assert validate(["--format", "json", str(path)]) == ERRORS


def test_a_record_says_number_direction_interval_and_denominators(copycat, run, tmp_path):
    record = exported(copycat, run, tmp_path / "out")["none", "name"]
    metric = next(m for m in run.metrics() if (m.metric, m.mitigation) == ("DETECT", "none"))
    detect = results(record)["DETECT"]
    assert detect["metric_config"]["lower_is_better"] is True
    assert (detect["metric_config"]["min_score"], detect["metric_config"]["max_score"]) == (0, 6)
    assert detect["metric_config"]["metric_unit"] == "characters"
    assert detect["score_details"]["score"] == metric.value
    spread = detect["score_details"]["uncertainty"]
    found = spread["confidence_interval"]
    assert (found["lower"], found["upper"], found["confidence_level"]) == (metric.low, metric.high, 0.95)
    assert spread["num_samples"] == metric.scored == 15
    counts = detect["score_details"]["details"]
    assert [counts[k] for k in ("images", "scored", "unscored", "refused", "errors")] == [
        *("18", "15", "1", "1", "1"),
    ]
    assert results(record)["CONS"]["metric_config"]["lower_is_better"] is False
    assert record["evaluation_timestamp"] == "2026-11-30T01:00:00+00:00"
    assert record["eval_library"]["additional_details"] == {"git_commit": "c" * 40, "git_dirty": "false"}
    assert record["source_metadata"]["source_organization_name"] == "not named"
    assert record["source_metadata"]["evaluator_relationship"] == "other"


def test_a_record_says_model_judge_and_how_pictures_were_made(copycat, tmp_path):
    run = scored(tmp_path / "run")
    told = cited("menagerie@1")
    run.update(calibration=told.model_copy(update={"rates": {**told.rates, "models": ["sdxl@462165984030"]}}))
    record = exported(copycat, run, tmp_path / "out")["negprompt", "name"]
    model = record["model_info"]
    assert model["id"] == "stabilityai/stable-diffusion-xl-base-1.0"
    assert model["inference_engine"] == {"name": "diffusers", "version": "0.42.0"}
    assert model["additional_details"]["model_availability"] == "open_weights"
    assert model["additional_details"]["revision"] == "462165984030d82259a11f4367a4eed129e94a7b"
    scoring = results(record)["CONS"]["metric_config"]["llm_scoring"]
    assert scoring["input_prompt"] == "q"
    assert [j["model_info"]["additional_details"]["weights"] for j in scoring["judges"]] == ["menagerie@1"]
    rates = run.data().rates
    detect = results(record)["DETECT"]["metric_config"]
    judge = (detect.get("llm_scoring") or detect)["additional_details"]
    assert float(judge["fpr"]) == rates["fpr"]
    assert float(judge["kappa"]) == rates["kappa"]
    assert "false-positive rate" in judge["calibration"]
    made = results(record)["DETECT"]["generation_config"]
    assert "copycat run --model sdxl" in made["generation_args"]["execution_command"]
    details = made["additional_details"]
    assert (details["mitigation"], details["steps"], details["width"]) == ("negprompt", "1", "32")
    assert details["run_seeds"] == "0, 1, 2"


def test_samples_are_the_scored_pictures_alone(copycat, run, tmp_path):
    """What was refused, failed or not answered is missing, and no score of 0."""
    out = tmp_path / "out"
    record = exported(copycat, run, out)["none", "name"]
    rows = samples(out, record)
    path = out / record["detailed_evaluation_results"]["file_path"]
    assert record["detailed_evaluation_results"]["checksum"] == hashlib.sha256(path.read_bytes()).hexdigest()
    ids = {name: r["evaluation_result_id"] for name, r in results(record).items()}
    detect = [r for r in rows if r["evaluation_result_id"] == ids["DETECT"]]
    assert len(detect) == 15
    data = run.data()
    images = {row.request: row for row in data.images.values()}
    for row in detect:
        assert row["output"]["raw"] == [f"sha256:{images[row['metadata']['request']].sha256}"]
        assert row["evaluation"]["is_correct"] is (row["evaluation"]["score"] == 0)
    mean = sum(r["evaluation"]["score"] for r in detect) / 15
    assert 0 < mean <= 1
    # The same sample goes by the same name under another mitigation.
    other = samples(out, exported(copycat, run, out)["negprompt", "name"])
    assert {r["sample_id"] for r in detect} < {r["sample_id"] for r in other}


def test_a_prompt_with_a_separator_of_lines_stays_one_row(copycat, run, tmp_path, capsys):
    odd = [r.model_copy(update={"prompt": f"{r.prompt}\u2028\x85é"}) for r in run.request_journal.rows()]
    run.request_journal.replace(odd)
    out = tmp_path / "out"
    record = exported(copycat, run, out)["none", "name"]
    assert samples(out, record)[0]["input"]["formatted"].endswith("\u2028\x85é")
    assert validate(["--format", "json", f"{out}/data/*/*/*/*.json*"]) == CLEAN, capsys.readouterr().out


def test_innocent_prompts_are_records_of_their_own(copycat, run, tmp_path):
    found = exported(copycat, run, tmp_path / "out")
    assert "MOVED" in results(found["negprompt", "also:neutral"])
    assert "llm_scoring" not in results(found["negprompt", "also:neutral"])["MOVED"]["metric_config"]
    assert "DETECT" not in results(found["negprompt", "also:neutral"])


def test_the_same_run_gives_the_same_files(copycat, run, tmp_path):
    for name in ("one", "two"):
        copycat("export", run.path, "--to", "eee", "--out", tmp_path / name)
    one, two = (
        {p.relative_to(tmp_path / n): p.read_bytes() for p in (tmp_path / n).rglob("*") if p.is_file()}
        for n in ("one", "two")
    )
    assert one == two
    assert len(one) == 9


def test_a_number_that_is_missing_is_left_out_and_said(copycat, run, tmp_path):
    metrics = [
        m.model_copy(update={"value": None, "low": None, "high": None, "scored": 0})
        if m.metric == "CONS"
        else m
        for m in run.metrics()
    ]
    run.write_metrics(metrics)
    said = copycat("export", run.path, "--to", "eee", "--out", tmp_path / "out")
    assert "run, none on name: CONS was not scored, so it has no result." in said
    records = [json.loads(p.read_text()) for p in (tmp_path / "out" / "data").rglob("*.json")]
    assert not [r for r in records if "CONS" in results(r)]


def test_the_dataset_is_named_where_it_is_known(copycat, run, tmp_path):
    told = exported(copycat, run, tmp_path / "out", "--dataset", "me/mine@v1")["none", "name"]
    source = results(told)["DETECT"]["source_data"]
    assert (source["hf_repo"], source["additional_details"]["revision"]) == ("me/mine", "v1")
    run.update(origin=Origin(how="pulled", source="their/runs", revision="d" * 40))
    told = exported(copycat, run, tmp_path / "out")["none", "name"]
    source = results(told)["DETECT"]["source_data"]
    assert (source["hf_repo"], source["additional_details"]["revision"]) == ("their/runs", "d" * 40)


def test_nothing_is_invented_of_pictures_and_answers_from_elsewhere(copycat, imported, tmp_path):
    """Their rows hold placeholders, the machine here drew nothing, and the answers may be a person's."""
    out = tmp_path / "out"
    (record,) = exported(copycat, imported, out).values()
    made = results(record)["DETECT_targeted"]["generation_config"]
    assert made["additional_details"] == {
        "mitigation": "none",
        "run_seeds": "0",
        "height": "32",
        "width": "32",
    }
    command = made["generation_args"]["execution_command"]
    assert command.endswith("&& copycat import-verdicts imported TABLE --judge Ann")
    told = results(record)["DETECT_targeted"]["metric_config"]
    assert "llm_scoring" not in told
    assert told["additional_details"]["judge"].startswith("recorded:Ann@")
    methods = {a["extraction_method"] for row in samples(out, record) for a in row["answer_attribution"]}
    assert methods == {"custom"}
    assert validate(["--format", "json", f"{out}/data/*/*/*/*.json*"]) == CLEAN


def test_a_question_that_differs_between_pictures_is_told_with_its_places(copycat, run, tmp_path):
    rows = [
        v.model_copy(update={"question": f"Is there {v.request}?"}) if v.kind == "key" else v
        for v in run.verdict_journal.rows()
    ]
    run.verdict_journal.replace(rows)
    record = exported(copycat, run, tmp_path / "out")["none", "name"]
    prompt = results(record)["CONS"]["metric_config"]["llm_scoring"]["input_prompt"]
    assert "{" in prompt
    assert rows[0].request not in prompt


def test_of_a_video_all_judged_frames_are_named(copycat, tmp_path):
    run = scored(tmp_path / "run")
    requests, ids = [], {}
    for r in run.request_journal.rows():
        video = {"frames": 3, "kept_frames": (0, 1, 2)}
        made = r.model_copy(update={"sampling": r.sampling.model_copy(update=video)}).with_id()
        ids[r.id] = made.id
        requests.append(made)
    images = [
        row.model_copy(
            update={"request": ids[row.request], "frame": n, "file": f"{row.file}-{n}", "sha256": f"{n}" * 64}
        )
        if row.outcome == "ok"
        else row.model_copy(update={"request": ids[row.request]})
        for row in run.image_journal.rows()
        for n in range(3 if row.outcome == "ok" else 1)
    ]
    verdicts = [
        v.model_copy(update={"request": ids[v.request], "frame": n, "image_sha256": f"{n}" * 64})
        for v in run.verdict_journal.rows()
        for n in range(3)
    ]
    run.request_journal.replace(requests)
    run.image_journal.replace(images)
    run.verdict_journal.replace(verdicts)
    score(run)
    out = tmp_path / "out"
    rows = samples(out, exported(copycat, run, out)["none", "name"])
    assert rows[0]["output"]["raw"] == [f"sha256:{str(n) * 64}" for n in range(3)]
    assert rows[0]["metadata"]["judged_frames"] == "3"
