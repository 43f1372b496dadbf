"""Every Eval Ever: a JSON record for each model and configuration, and the results of its pictures in JSONL.

https://github.com/evaleval/every_eval_ever: eval.schema.json and instance_level_eval.schema.json, and what
its validator checks beyond them. The folder is laid out as its datastore is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from copycat.export.base import Format, Told
from copycat.export.eee_judge import asked, scoring
from copycat.export.eee_parts import SCHEMA, Configuration, metric_id, model_info, texts
from copycat.export.eee_samples import samples
from copycat.export.models import model_of
from copycat.io.atomic import disk_guard, write_text
from copycat.measures import Measure, measure
from copycat.measures.base import ForeignMeasure
from copycat.publish.card import command
from copycat.publish.collect import Publication
from copycat.records import Metric, Request
from copycat.report.reproduction import imported_from
from copycat.report.words import origin_sentence
from copycat.runs.data import RunData
from copycat.runtime.progress import Progress


class EveryEvalEver(Format):
    """Aggregates and samples, laid out as the datastore is."""

    name = "eee"
    about = "Every Eval Ever, schema 0.3.0: JSON records with samples, for its datastore"

    def write(self, publication: Publication, told: Told, folder: Path, progress: Progress) -> Sequence[str]:
        left_out: list[str] = []
        progress.start("export", sum(len(run.requests) for run in publication.runs))
        try:
            for run in publication.runs:
                for c in _configurations(run):
                    left_out += _write(c, told, folder)
                    progress.advance(len(c.requests))
        finally:
            progress.done()
        return list(dict.fromkeys(left_out))


def _configurations(run: RunData) -> Iterator[Configuration]:
    model, put = model_of(run), asked(run)
    groups: dict[tuple[str, str], list[Request]] = {}
    for request in run.requests:
        groups.setdefault((request.mitigation, request.prompt_set), []).append(request)
    for mitigation, prompt_set in dict.fromkeys((m.mitigation, m.prompt_set) for m in run.metrics):
        mine = groups.get((mitigation, prompt_set), [])
        yield Configuration(run, model, mitigation, prompt_set, mine, put)


def _write(c: Configuration, told: Told, folder: Path) -> list[str]:
    """Write one record with its samples; returns what has no number, which is no score of 0."""
    mine = [m for m in c.run.metrics if (m.mitigation, m.prompt_set) == (c.mitigation, c.prompt_set)]
    where = f"{c.run.path.name}, {c.mitigation} on {c.prompt_set}"
    missing = [f"{where}: {m.metric} was not scored, so it has no result." for m in mine if m.value is None]
    foreign = [m for m in mine if isinstance(measure(m.metric), ForeignMeasure)]
    missing += [f"{where}: {m.metric} is not installed here, so its direction is not known." for m in foreign]
    whole = [(measure(m.metric), m) for m in mine if m.value is not None and m not in foreign]
    if not whole:
        return missing
    record = _record(c, whole, told)
    path = f"{c.folder}/{c.file}_samples.jsonl"
    checksum, rows = _write_samples(c, [chosen for chosen, _ in whole], folder / path)
    if rows:
        record["detailed_evaluation_results"] = {
            "format": "jsonl",
            "file_path": path,
            "hash_algorithm": "sha256",
            "checksum": checksum,
            "total_rows": rows,
        }
    written = json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False)
    write_text(folder / c.folder / f"{c.file}.json", f"{written}\n")
    return missing


def _write_samples(c: Configuration, measures: Sequence[Measure], path: Path) -> tuple[str, int]:
    """Write the samples, one at a time since they may be very many; returns SHA-256 and number. Of none there
    is no file, as its validator asks."""
    found, rows = hashlib.sha256(), 0
    with disk_guard(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as f:
            for row in samples(c, measures):
                # In ASCII: its readers end a line at U+2028 and its like too, which a prompt may hold.
                line = f"{json.dumps(row, allow_nan=False)}\n".encode()
                f.write(line)
                found.update(line)
                rows += 1
    if not rows:
        path.unlink()
    return found.hexdigest(), rows


def _record(c: Configuration, numbers: Sequence[tuple[Measure, Metric]], told: Told) -> dict[str, Any]:
    m = c.run.manifest
    dirty = None if m.git_dirty is None else str(m.git_dirty).lower()
    when = m.finished or m.created
    return {
        "schema_version": SCHEMA,
        "evaluation_id": c.evaluation_id,
        **({"evaluation_timestamp": when} if when else {}),
        "retrieved_timestamp": c.timestamp,
        "source_metadata": {
            "source_name": "copycat",
            "source_type": "evaluation_run",
            "source_organization_name": told.by or "not named",
            "evaluator_relationship": told.relationship,
            "additional_details": texts(
                run=c.run.path.name,
                status=m.status,
                origin=origin_sentence(m.origin),
                notes="; ".join(m.notes),
            ),
        },
        "eval_library": {
            "name": "copycat",
            "version": m.copycat,
            "additional_details": texts(git_commit=m.git_commit, git_dirty=dirty),
        },
        "model_info": _model(c),
        "evaluation_results": [_result(c, chosen, metric, told) for chosen, metric in numbers],
    }


def _model(c: Configuration) -> dict[str, Any]:
    m, model = c.run.manifest, c.model
    engine = m.packages.get("diffusers")
    where: dict[str, Any] = {}
    if model.platform:
        where["inference_platform"] = model.platform
    elif engine and imported_from(m) is None:
        where["inference_engine"] = {"name": "diffusers", "version": engine}
    return {**model_info(model, c.run.model), **where}


def _result(c: Configuration, chosen: Measure, metric: Metric, told: Told) -> dict[str, Any]:
    return {
        "evaluation_result_id": c.result_id(chosen),
        "evaluation_name": c.evaluation_name,
        "source_data": _source(c, told),
        "metric_config": {
            "evaluation_description": chosen.about,
            "metric_id": metric_id(chosen),
            "metric_name": chosen.name,
            "metric_kind": "count" if chosen.counts else "mean",
            "metric_unit": "characters" if chosen.counts else "proportion",
            "lower_is_better": chosen.better == "lower",
            "score_type": "continuous",
            "min_score": 0.0,
            "max_score": chosen.scale(metric.characters),
            **scoring(c, chosen),
        },
        "score_details": _score(metric),
        "generation_config": _generation(c),
    }


def _score(m: Metric) -> dict[str, Any]:
    told: dict[str, Any] = {
        "score": m.value,
        "details": texts(
            **{k: getattr(m, k) for k in ("characters", "images", "scored", "unscored", "refused", "errors")},
            sd_over_run_seeds=m.sd,
            low_for_these_characters=m.fixed_low,
            high_for_these_characters=m.fixed_high,
            lowest_over_all_images=m.all_low,
            highest_over_all_images=m.all_high,
            corrected_for_the_judge=m.corrected,
            corrected_low=m.corrected_low,
            corrected_high=m.corrected_high,
            corrected_note=m.corrected_note,
        ),
    }
    if m.low is not None and m.high is not None:
        told["uncertainty"] = {
            "confidence_interval": {
                "lower": m.low,
                "upper": m.high,
                "confidence_level": 0.95,
                "method": f"{m.method}; for characters like these",
            },
            "num_samples": m.scored,
        }
    return told


def _source(c: Configuration, told: Told) -> dict[str, Any]:
    registry, dataset = c.run.registry, told.dataset_of(c.run)
    details = texts(
        prompt_set=c.prompt_set,
        registry_version=registry.version,
        characters=len({r.character for r in c.requests}),
        protected=str(registry.protected).lower(),
    )
    name = f"copycat {registry.name}, {c.prompt_set}"
    if dataset is None:
        return {"dataset_name": name, "source_type": "other", "additional_details": details}
    return {
        "dataset_name": name,
        "source_type": "hf_dataset",
        "hf_repo": dataset.repository,
        "hf_split": "test",
        "samples_number": len(c.requests),
        "additional_details": {**details, **texts(revision=dataset.revision, config="prompts")},
    }


def _generation(c: Configuration) -> dict[str, Any]:
    """How the pictures were made; of settings that differ between pictures all values.

    Of pictures that were made elsewhere the command that took them in, and their size: the other settings in
    their rows are placeholders, and the machine is not the one that drew them.
    """
    m = c.run.manifest
    elsewhere = imported_from(m) is not None
    settings: dict[str, dict[str, None]] = {}
    for request in c.requests:
        kept = {"height", "width", "frames"} if elsewhere else None
        for key, value in request.sampling.model_dump(mode="json", include=kept).items():
            settings.setdefault(key, {})[str(value)] = None
    made = {}
    if not elsewhere:
        steps = dict.fromkeys(s.name for r in c.requests for s in r.provenance)
        made = {
            "mitigation_steps": ", ".join(steps),
            "dtype": m.config.dtype,
            "device": m.device,
            **{f"hardware_{k}": v for k, v in m.hardware.items()},
        }
    return {
        "generation_args": {"execution_command": command(c.run)},
        "additional_details": texts(
            mitigation=c.mitigation,
            run_seeds=", ".join(map(str, m.seeds)),
            **{k: ", ".join(v) for k, v in settings.items()},
            **made,
        ),
    }


FORMAT = EveryEvalEver()
