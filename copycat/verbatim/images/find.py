"""From a run to its ladder."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from copycat.cards.judges import CATALOG, load_judge_card
from copycat.copies.build import build, read_thresholds
from copycat.copies.calibration import Thresholds
from copycat.copies.references import References, of_registry, references_at
from copycat.imitation.encoding import Encoder, encoder_card, load_encoder
from copycat.io.journal import Journal
from copycat.io.paths import ROOT
from copycat.runs.data import RunData
from copycat.runs.ladder import ROWS, Ladder, LadderRow
from copycat.runtime import environment
from copycat.runtime.device import resolve_device
from copycat.runtime.progress import Progress
from copycat.subjects.characters import Registry
from copycat.verbatim.images.cells import by_explicitness, by_prompt_set
from copycat.verbatim.images.climb import Setup, climb
from copycat.verbatim.images.standing import Standing, standings


@dataclass(frozen=True)
class Question:
    """With what a run is compared, and by what."""

    references: Path | None = None
    """A folder or a Parquet file; the registry's reference pictures where it is None."""
    encoder: str = ""
    """A judge card or the folder of a vision model; the registry's own detector when empty."""
    device: str = "auto"
    command: str = ""


@dataclass(frozen=True)
class Found:
    """The ladder of a run, and each output's place on it."""

    ladder: Ladder
    standings: tuple[Standing, ...]
    references: References


def shipped(registry: Registry) -> Thresholds | None:
    """The thresholds of the registry's own ladder, a judge card called as the registry with `-ladder` behind
    it; None where there is none."""
    name = f"{registry.name}-ladder"
    if name not in CATALOG.names():
        return None
    file = load_judge_card(name).thresholds
    return read_thresholds(Path(file)) if file and Path(file).is_file() else None


def of_run(run: RunData, question: Question, out: Path, progress: Progress | None = None) -> Found:
    """Compare every output of `run`; rows go to the folder `out`, and those that are there are not made
    again.

    Raises UserError where no encoder is known, or where there are too few references.
    """
    registry = run.registry
    source = references_at(question.references, registry) if question.references else of_registry(registry)
    card = encoder_card(question.encoder, registry)
    device = resolve_device(question.device, f"The encoder {card.name}", card.min_gpu_gb)
    commit = environment.git_state(ROOT)[0]

    # For the references and for the run's pictures the same one, which may be large.
    @cache
    def load() -> Encoder:
        return load_encoder(card, device)

    def told(thresholds: Thresholds) -> Thresholds:
        return thresholds.model_copy(update={"command": question.command, "commit": commit})

    identity = card.identity() if card.source else f"{card.name}@{card.kind}"
    measured = shipped(registry) if question.references is None else None
    built = build(source, identity, load, progress, told, measured)
    setup = Setup(built, identity, load)
    out.mkdir(parents=True, exist_ok=True)
    rows = climb(run, setup, Journal(out / ROWS, LadderRow), progress)
    found = standings(run, rows, built.thresholds)
    unreadable = tuple(row.error for row in rows.values() if row.error is not None)
    ladder = Ladder(
        source=run.path.name,
        model=run.manifest.model,
        judge=run.manifest.judge or "",
        references=source.title,
        count=len(built.gallery),
        broken=built.broken,
        thresholds=built.thresholds,
        cells=by_prompt_set(run, found),
        by_explicitness=by_explicitness(run, found),
        unreadable=unreadable,
        command=question.command,
        commit=commit,
    )
    return Found(ladder, tuple(found), source)
