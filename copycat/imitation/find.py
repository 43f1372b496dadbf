"""From a run, or a table of scores, to its imitation threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

from copycat.imitation.encoding import encoder_card, load_encoder
from copycat.imitation.estimate import Estimate, Settings, estimate
from copycat.imitation.measure import Choice, Measured, chosen_requests, measure, prompt_name
from copycat.imitation.outliers import outliers
from copycat.imitation.scores import Scored, read_score_table
from copycat.imitation.sensitivity import Varied, by_encoder, by_penalty, by_prompt, is_enough
from copycat.imitation.sources import find_counts
from copycat.imitation.write import record
from copycat.io.lifecycle import free_memory
from copycat.io.paths import DATA, ROOT
from copycat.measures import DETECT
from copycat.report.imitation import Examples
from copycat.runs.data import RunData
from copycat.runs.imitation import Imitation
from copycat.runtime import environment
from copycat.runtime.device import resolve_device
from copycat.runtime.progress import Progress


@dataclass(frozen=True)
class Question:
    """What of a run is asked."""

    settings: Settings = field(default_factory=Settings)
    choice: Choice = field(default_factory=Choice)
    counts: str | Path | None = None
    """A file of counts, or the name of one; what the registry says of its characters where it is None."""
    encoders: tuple[str, ...] = ("",)
    """Names of judge cards or folders of vision models; the first gives the answer, the others say how far
    it depends on the encoder. An empty name is that of the registry's own detector."""
    device: str = "auto"
    command: str = ""


def of_table(path: Path, settings: Settings, command: str) -> Imitation:
    """The threshold of a table of concepts, counts and scores."""
    table = read_score_table(path)
    found = estimate(table.scored, settings)
    origin = {
        "source": path.name,
        "unit": table.unit,
        "command": command,
        "commit": environment.git_state(ROOT)[0],
    }
    return record(found, outliers(found), _varied(found), {}, origin)


def of_run(run: RunData, question: Question, progress: Progress | None = None) -> Imitation:
    """The threshold of a run's characters; see :func:`copycat.imitation.measure.measure`."""
    chosen_requests(run, question.choice)
    counts = find_counts(question.counts, run.registry)
    cards = [encoder_card(name, run.registry) for name in question.encoders]
    measured: dict[str, Measured] = {}
    for card in cards:
        device = resolve_device(question.device, f"The encoder {card.name}", card.min_gpu_gb)
        encoder = load_encoder(card, device)
        measured[card.name] = measure(run, counts, encoder, question.choice, progress)
        del encoder
        free_memory()
    first = measured.pop(cards[0].name)
    found = estimate(first.scored, question.settings)
    others: dict[str, Sequence[Scored]] = {name: m.scored for name, m in measured.items()}
    varied = [*by_encoder(others, question.settings), *_varied(found)]
    left_out = {
        **first.left_out,
        **dict.fromkeys(counts.unknown, _UNKNOWN),
        **{f"the encoder {name}": _TOO_FEW for name, scored in others.items() if not is_enough(scored)},
    }
    prompts = dict.fromkeys(p for s in found.order for p in s.names)
    origin = {
        "source": run.path.name,
        "model": run.manifest.model,
        "encoder": cards[0].name,
        "mitigation": question.choice.mitigation,
        "prompts": tuple(prompts),
        "corpus": counts.corpus,
        "counted": counts.rule,
        "date": counts.date,
        "unit": first.unit,
        "unfiltered": first.unfiltered,
        "cut": first.cuts.at(question.choice.cut) if first.cuts and question.choice.training else None,
        "encoder_tells_apart": first.cuts.apart if first.cuts else None,
        "command": question.command,
        "commit": environment.git_state(ROOT)[0],
    }
    detected = _detected(run, question.choice)
    return record(found, outliers(found, first.alike), varied, left_out, origin, detected)


_TOO_FEW = "too few characters with different counts have a score with it"
_UNKNOWN = "counted, but nobody of the registry, or several, are called so"


def examples_of(run: RunData, found: Imitation, choice: Choice) -> Examples:
    """A reference picture and a generated one of every concept that has both."""
    shown: dict[str, tuple[Path, Path]] = {}
    for slug, requests in chosen_requests(run, choice).items():
        known = [DATA / r for r in run.registry[slug].references]
        rows = (run.images.get(r.id) for r in requests if prompt_name(r) in found.prompts)
        made = (run.file(row.file) for row in rows if row and row.outcome == "ok")
        first = next((m for m in made if m is not None), None)
        if known and first is not None:
            shown[slug] = (known[0], first)
    return shown


def _detected(run: RunData, choice: Choice) -> dict[str, float]:
    """The share of each character's pictures in which the run's judge recognises it, of those it has
    answered."""
    if DETECT not in run.measures:
        return {}
    seen = run.observations(DETECT)
    found = {}
    for slug, requests in chosen_requests(run, choice).items():
        values = [seen[r.id].value for r in requests if r.id in seen]
        known = [v for v in values if v is not None]
        if known:
            found[slug] = fmean(known)
    return found


def _varied(found: Estimate) -> list[Varied]:
    return [*by_penalty(found), *by_prompt(found)]
