"""Counts and scores of a run's characters: its pictures against the training pictures of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from copycat.errors import UnknownName, UserError
from copycat.imitation.counts import Count, Counts, shown
from copycat.imitation.encoding import Encoded, Encoder, encode
from copycat.imitation.filtering import CUTS, Cuts, Vectors, calibrate, shows
from copycat.imitation.outliers import Resemblance, resemblances
from copycat.imitation.scores import NEAREST, Scored, imitation
from copycat.io.paths import DATA
from copycat.records import Request
from copycat.runs.data import RunData
from copycat.runtime.progress import Progress
from copycat.subjects.innocents import is_innocent

FEWEST_TRAINING = 10
"""Training pictures that pass the filter below which the reference pictures stand in for them; published."""
FEWEST_REFERENCES = 5
"""Pictures below which a concept is left out; published."""
_ENDINGS = {".png", ".jpg", ".jpeg", ".webp"}


@dataclass(frozen=True)
class Choice:
    """What of a run is measured, and against what."""

    mitigation: str = "none"
    prompt_sets: tuple[str, ...] = ()
    """All that ask for a character where empty."""
    training: Path | None = None
    """A folder with a folder of training pictures for each character, called as its slug; the reference
    pictures stand in for them where it is None."""
    cut: str = "lower"
    """One of :data:`copycat.imitation.filtering.CUTS`."""
    nearest: int = NEAREST

    def __post_init__(self) -> None:
        if self.cut not in CUTS:
            raise UserError(f"'{self.cut}' is no cut of the filter; take one of {', '.join(CUTS)}.")


@dataclass(frozen=True)
class Measured:
    """What one encoder says."""

    scored: tuple[Scored, ...]
    left_out: Mapping[str, str]
    """Characters without a score, with the reason."""
    cuts: Cuts | None
    """Of the filter, where it could be measured."""
    alike: Mapping[str, Resemblance]
    """Whom characters resemble, see :func:`copycat.imitation.outliers.resemblances`."""
    unit: str
    """What counts are of, as far as the counts say."""
    unfiltered: tuple[str, ...]
    """Where there is a folder of training pictures: characters that have a score and no pictures there."""


def chosen_requests(run: RunData, choice: Choice) -> dict[str, list[Request]]:
    """The requests that are measured, by character; raises UserError for a mitigation or prompt set that
    the run does not have."""
    asked = [r for r in run.requests if not is_innocent(r.prompt_set)]
    for what, name, known in (
        ("mitigation", choice.mitigation, {r.mitigation for r in asked}),
        *(("prompt set", s, {r.prompt_set for r in asked}) for s in choice.prompt_sets),
    ):
        if name not in known:
            raise UnknownName(f"{what} of the run", name, known)
    found: dict[str, list[Request]] = {}
    for r in asked:
        if r.mitigation == choice.mitigation and r.prompt_set in (choice.prompt_sets or (r.prompt_set,)):
            found.setdefault(r.character, []).append(r)
    return found


def measure(
    run: RunData, counts: Counts, encoder: Encoder, choice: Choice, progress: Progress | None = None
) -> Measured:
    """Score every character of the run that has a count.

    Training pictures are kept where they are like a reference picture, by a threshold that is measured on the
    references of all characters; fewer than 10 are replaced by the references, and a character with fewer
    than 5 is left out. The count is multiplied with the share that passed, but where pictures were counted
    themselves. A character without training pictures in the folder keeps its references and its count, and a
    note says so. Prompts are the rows of the prompt sets; a picture that was refused, failed or cannot be
    read has no score.
    """
    requests = chosen_requests(run, choice)
    people = [slug for slug in requests if slug in counts.by_concept]
    if not people:
        raise UserError(
            f"None of the run's {len(requests)} characters has a count; give counts with --counts, by slug "
            "or name."
        )
    training = _training_files(choice.training, people) if choice.training else {}
    references = {slug: [DATA / r for r in run.registry[slug].references] for slug in people}
    made = {slug: _made(run, requests[slug]) for slug in people}
    progress = progress or Progress()
    drawn = [files for by in made.values() for files in by.values()]
    progress.start("compare", sum(map(len, (*training.values(), *references.values(), *drawn))))
    try:
        gold = {slug: encode(encoder, files, progress.advance) for slug, files in references.items()}
        vectors = {slug: g.vectors for slug, g in gold.items() if len(g.vectors)}
        cuts = calibrate(vectors) if training or _can_calibrate(vectors) else None
        cut = cuts.at(choice.cut) if cuts else 0.0
        scored: list[Scored] = []
        left_out = {slug: "it has no count" for slug in requests if slug not in counts.by_concept}
        rescaled = False
        for slug in people:
            own = encode(encoder, training[slug], progress.advance) if slug in training else None
            pictures = {name: encode(encoder, files, progress.advance) for name, files in made[slug].items()}
            compared = _compared(gold[slug], own, counts.by_concept[slug], cut, exact=counts.exact)
            if training and own is None:
                compared = replace(compared, notes=(_NO_PICTURES,))
            rescaled = rescaled or compared.rescaled
            result = _score(slug, compared, pictures, choice.nearest, len(requests[slug]))
            if isinstance(result, str):
                left_out[slug] = result
            else:
                scored.append(result)
    finally:
        progress.done()
    return Measured(
        tuple(scored),
        left_out,
        cuts,
        resemblances(vectors, cuts.lower if cuts else 1.0),
        shown(counts.unit) if rescaled else counts.unit,
        tuple(s.concept for s in scored if training and s.concept not in training),
    )


_NO_PICTURES = (
    "it has no training pictures in the folder, so its references stand in for them and its count is as given"
)


@dataclass(frozen=True)
class _Compared:
    """What a character's pictures are compared with."""

    vectors: Vectors
    count: float
    rescaled: bool
    """Whether the count is no longer what was counted."""
    doubtful: float
    notes: tuple[str, ...]


def _compared(gold: Encoded, own: Encoded | None, count: Count, cut: float, *, exact: bool) -> _Compared:
    """With the training pictures `own` that pass, or the references; `exact` where pictures were counted."""
    if exact:
        count = Count(count.captions, doubtful=count.doubtful)
    if own is None:
        return _Compared(gold.vectors, count.effective, count.rescaled, count.doubt, ())
    passed = shows(own.vectors, gold.vectors, cut)
    kept = int(passed.sum())
    there = len(own.files) + len(own.broken)
    seen = count if exact else Count(count.captions, there, kept, count.doubtful)
    told = seen.effective, seen.rescaled, seen.doubt
    if kept >= FEWEST_TRAINING:
        return _Compared(own.vectors[passed], *told, ())
    note = f"only {kept} of its {there} training pictures passed the filter, so references stand in for them"
    return _Compared(gold.vectors, *told, (note,))


def _score(
    slug: str, compared: _Compared, pictures: Mapping[str, Encoded], nearest: int, planned: int
) -> Scored | str:
    """The character's scores, or why it has none."""
    if len(compared.vectors) < FEWEST_REFERENCES:
        return f"it has {len(compared.vectors)} pictures to compare with, and {FEWEST_REFERENCES} are needed"
    there = {name: e.vectors for name, e in pictures.items() if len(e.vectors)}
    if not there:
        return "none of its pictures was made, or none can be read"
    notes = list(compared.notes)
    scored = sum(map(len, there.values()))
    if scored < planned:
        notes.append(f"{planned - scored} of its {planned} pictures were refused, failed or cannot be read")
    prompts = tuple(imitation(compared.vectors, v, nearest) for v in there.values())
    doubt = compared.doubtful
    return Scored(slug, compared.count, prompts, tuple(there), tuple(notes), doubtful=doubt)


def _can_calibrate(vectors: Mapping[str, Any]) -> bool:
    return len(vectors) > 1 and any(len(v) > 1 for v in vectors.values())


def _made(run: RunData, requests: Iterable[Request]) -> dict[str, list[Path]]:
    """Files of the pictures that were made, by prompt; of a video its first judged frame."""
    found: dict[str, list[Path]] = {}
    for r in requests:
        row = run.images.get(r.id)
        file = run.file(row.file) if row and row.outcome == "ok" else None
        if file is not None:
            found.setdefault(prompt_name(r), []).append(file)
    return found


def prompt_name(request: Request) -> str:
    """What a prompt is called: its set, with its number within the set where that is not the first."""
    return request.prompt_set + (f" {request.prompt_index + 1}" if request.prompt_index else "")


def _training_files(folder: Path, people: Sequence[str]) -> dict[str, list[Path]]:
    """Pictures of each character that has any in its folder; raises UserError where nobody has."""
    found = {}
    for slug in people:
        home = folder / slug
        files = sorted(p for p in home.iterdir() if p.suffix.lower() in _ENDINGS) if home.is_dir() else []
        if files:
            found[slug] = files
    if not found:
        raise UserError(
            f"{folder} holds no training pictures: it should have a folder for each character, called as "
            f"its slug ({people[0]}), with PNG, JPEG or WebP files."
        )
    return found
