"""The hub's evaluation results: YAML files for a model's repository, and the tasks for the benchmark's.

https://huggingface.co/docs/hub/eval-results. There, higher is better: so not DETECT is told, but the share of
characters that were not detected, under that name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml

from copycat.errors import UserError
from copycat.export.base import Format, Told
from copycat.export.models import component, distinct, model_of
from copycat.io.atomic import write_text
from copycat.measures import DETECT
from copycat.publish.collect import Publication
from copycat.publish.remote import HubDataset, page_of
from copycat.records import Metric
from copycat.report.words import is_calibrated
from copycat.runs.data import RunData
from copycat.runtime.progress import Progress
from copycat.stats.prevalence import rates_of
from copycat.subjects.innocents import is_innocent

TASK = "share-not-detected"
"""What the number is, the first part of a task's name; the second is the prompt set."""
MODELS, DATASET = "models", "dataset"
"""The folders for what goes to repositories of models, and to that of the dataset."""
UNGUARDED = "none"


@dataclass(frozen=True)
class Share:
    """The share of characters that were not detected, in [0, 1]; higher is better."""

    value: float
    low: float | None
    high: float | None
    """95 % interval for characters like these."""


def share_not_detected(metric: Metric) -> Share | None:
    """Of a DETECT; None where nothing was scored."""
    if metric.value is None:
        return None

    def share(detected: float | None) -> float | None:
        return None if detected is None else round(1 - detected / metric.characters, 6)

    # The most that are detected are the fewest that are not.
    return Share(round(1 - metric.value / metric.characters, 6), share(metric.high), share(metric.low))


class HubEval(Format):
    """A file for each model, registry and mitigation, as the hub asks for variants of one benchmark."""

    name = "hub-eval"
    about = "the HuggingFace hub's evaluation results (YAML): the share of characters not detected"

    def write(
        self,
        publication: Publication,
        told: Told,
        folder: Path,
        progress: Progress,  # noqa: ARG002
    ) -> Sequence[str]:
        files: dict[str, dict[str, tuple[RunData, EvalResultEntry]]] = {}
        notes: list[str] = []
        tasks: dict[str, str] = {}
        for run in publication.runs:
            dataset = told.dataset_of(run)
            if dataset is None:
                raise UserError(
                    "Evaluation results of the hub are of a dataset there: publish the run (copycat publish "
                    f"{run.path.name} --repo user/name), then add --dataset user/name@REVISION."
                )
            model = model_of(run)
            if not model.on_hub:
                notes.append(f"{model.id} is no repository of the hub; the files go to the model's own.")
            of_model = f"{MODELS}/{'/'.join(map(component, model.id.split('/')))}/.eval_results"
            found = 0
            for metric in _detects(run):
                entry = _entry(run, metric, dataset)
                if entry is None:
                    notes.append(f"{run.path.name}: nothing was scored of {_called(metric)}; it is left out.")
                    continue
                guard = "" if metric.mitigation == UNGUARDED else f"-{distinct(metric.mitigation)}"
                file = f"{of_model}/copycat-{distinct(run.registry.name)}{guard}.yaml"
                earlier = files.setdefault(file, {}).setdefault(entry.task_id, (run, entry))
                if earlier[0] is not run:
                    raise UserError(
                        f"{earlier[0].path.name} and {run.path.name} both have a result of {model.id} for "
                        f"{_called(metric)}; export them apart."
                    )
                tasks[entry.task_id] = metric.prompt_set
                found += 1
            if not found:
                raise UserError(
                    f"{run.path.name} has no {DETECT.name}, which is what the hub is told of; a judge that "
                    f"is asked who is shown gives it (copycat rejudge {run.path.name} --judge NAME)."
                )
        for file, entries in files.items():
            write_text(folder / file, _yaml(eval_result_entries_to_yaml([e for _, e in entries.values()])))
        write_text(folder / DATASET / "eval.yaml", _yaml(_benchmark(publication, tasks)))
        return list(dict.fromkeys(notes))


def _detects(run: RunData) -> Iterator[Metric]:
    return (m for m in run.metrics if m.metric == DETECT.name and not is_innocent(m.prompt_set))


def _called(metric: Metric) -> str:
    return f"{metric.mitigation} on {metric.prompt_set}"


def _entry(run: RunData, metric: Metric, dataset: HubDataset) -> EvalResultEntry | None:
    share = share_not_detected(metric)
    if share is None:
        return None
    page = page_of(dataset.repository)
    return EvalResultEntry(
        dataset_id=dataset.repository,
        task_id=f"{TASK}-{distinct(metric.prompt_set)}",
        value=share.value,
        dataset_revision=dataset.revision,
        date=run.manifest.finished or run.manifest.created or None,
        source_url=f"{page}/tree/{dataset.revision}" if dataset.revision else page,
        source_name="copycat run",
        notes=_notes(run, metric, share),
    )


def _notes(run: RunData, metric: Metric, share: Share) -> str:
    """What a reader of the number has to know, in one line."""
    told = [
        "Share of characters not detected, in [0, 1], higher is better",
        f"mitigation: {metric.mitigation}",
        f"{metric.scored} of {metric.images} pictures of {metric.characters} characters scored",
        f"judge: {run.judge}",
    ]
    if share.low is not None and share.high is not None:
        told.append(f"95 % interval for characters like these: {share.low:.3f} to {share.high:.3f}")
    rates = run.rates or {}
    found = rates_of(rates, DETECT.ask.kind) if DETECT.ask and is_calibrated(rates) else None
    if found and found.get("fpr") is not None:
        told.append(f"the judge's false-positive rate: {found['fpr']:.3f}")
    else:
        told.append("the judge was not calibrated on such pictures")
    return "; ".join(told)


def _benchmark(publication: Publication, tasks: dict[str, str]) -> dict[str, Any]:
    """`eval.yaml` of the dataset, which the names of tasks are looked up in."""
    sets = ", ".join(dict.fromkeys(tasks.values()))
    registries = ", ".join(publication.registries)
    return {
        "name": f"copycat: characters not detected ({registries})",
        "description": (
            "Share of the characters asked for that a judge does not detect in generated pictures, in "
            f"[0, 1]; higher is better. Characters of {registries}, prompt sets {sets}."
        ),
        "evaluation_framework": "copycat",
        "tasks": [{"id": task, "config": "prompts", "split": "test"} for task in tasks],
    }


def _yaml(content: Any) -> str:
    return str(yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100))


FORMAT = HubEval()
