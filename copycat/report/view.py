"""Joins a run's rows into what the table, the page and the summary show; no markup here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from pydantic import BaseModel

from copycat.characters import Registry
from copycat.metrics import cons, detect
from copycat.metrics.agreement import agreements
from copycat.metrics.detect import named
from copycat.metrics.observations import Reader, decide, observe_content
from copycat.records import Agreement, ImageRow, Metric, QuestionKind, Request, Verdict

Mark = Literal["detected", "clear", "unscored", "refused", "error", "pending"]
MARKS: dict[Mark, str] = {
    "detected": "detected",
    "clear": "not detected",
    "unscored": "unscored",
    "refused": "refused",
    "error": "error",
    "pending": "not made yet",
}
"""Every state a picture can be in, with its words."""
_READERS: tuple[tuple[QuestionKind, Reader], ...] = (
    ("which", detect.named),
    ("target", detect.targeted),
    ("key", cons.shown),
)


class Run(Protocol):
    """The part of a run folder that a report reads."""

    path: Path

    def requests(self) -> list[Request]: ...

    def frames(self) -> Mapping[str, Sequence[ImageRow]]: ...

    def verdicts(self) -> list[Verdict]: ...

    def metrics(self) -> list[Metric]: ...

    def registry(self) -> Registry: ...

    def manifest(self) -> BaseModel: ...


@dataclass(frozen=True)
class Picture:
    """One planned picture, or video, with all that is known about it."""

    request: Request
    image: ImageRow | None
    """Its row; of a video that of the first frame."""
    mark: Mark
    which: Verdict | None
    target: Verdict | None
    key: Verdict | None
    """Of a video, each verdict is that of the frame that decides; see `copycat.metrics.observations`."""
    content: float | None = None
    """Mean P("Yes") over what the prompt asks for beyond the character; None without, or when unscored."""

    @property
    def video(self) -> bool:
        return bool(self.request.sampling.frames)

    @property
    def file(self) -> str | None:
        """What to show, relative to the run folder: the picture, or all frames of the video in a row."""
        return (self.image.strip or self.image.file) if self.image else None

    @property
    def words(self) -> str:
        """The mark in words."""
        return MARKS[self.mark]


def pictures(run: Run) -> list[Picture]:
    """Every planned picture, in the plan's order."""
    registry, frames = run.registry(), run.frames()
    judge = str(run.manifest().model_dump().get("judge") or "")
    asked: list[Verdict] = []
    latest: dict[QuestionKind, dict[tuple[str, int], Verdict]] = {kind: {} for kind, _ in _READERS}
    for v in run.verdicts():
        # As the metrics do: only the judge that was asked last counts.
        if judge and v.judge != judge:
            continue
        asked.append(v)
        if v.kind in latest:
            latest[v.kind][v.request, v.frame] = v
    people = {c.slug: c for c in registry.characters}
    wished = {o.request.id: o.value for o in observe_content(run.requests(), frames, asked, people)}
    shown = []
    for r in run.requests():
        rows, character = frames.get(r.id, ()), registry[r.character]
        which, target, key = (decide(rows, latest[kind], character, read) for kind, read in _READERS)
        image = rows[0] if rows else None
        mark = _mark(r, image, registry, which)
        shown.append(Picture(r, image, mark, which, target, key, wished.get(r.id)))
    return shown


def _mark(request: Request, image: ImageRow | None, registry: Registry, which: Verdict | None) -> Mark:
    if image is None:
        return "pending"
    if image.outcome == "error":
        return "error"
    if image.outcome != "ok":
        return "refused"
    if which is None or which.status != "scored" or which.names is None:
        return "unscored"
    return "detected" if named(which, registry[request.character]) else "clear"


def detected(picture: Picture) -> float | None:
    """1 for a picture on which the judge named the character, 0 for one on which it did not; else None."""
    return {"detected": 1.0, "clear": 0.0}.get(picture.mark)


def groups(metrics: Iterable[Metric]) -> list[tuple[str, str]]:
    """(mitigation, prompt set) pairs in the order of the metrics."""
    return list(dict.fromkeys((m.mitigation, m.prompt_set) for m in metrics))


def lookup(metrics: Sequence[Metric], metric: str, mitigation: str, prompt_set: str) -> Metric | None:
    """One metric, if it was computed."""
    wanted = (metric, mitigation, prompt_set)
    return next((m for m in metrics if (m.metric, m.mitigation, m.prompt_set) == wanted), None)


def agreement(run: Run) -> list[Agreement]:
    """How far the judges that looked at this run agree; empty when there was one."""
    people = {c.slug: c for c in run.registry().characters}
    return agreements(run.requests(), run.frames(), run.verdicts(), people)


def judge_rates(manifest: BaseModel) -> dict[str, Any] | None:
    """What is known of the errors of the run's judge, as `JudgeCard.rates` gives it; None for nothing.

    A calibration that the run cites comes before that of the judge's card.
    """
    from copycat.errors import UserError
    from copycat.judges.card import load_judge_card

    facts = manifest.model_dump(mode="json")
    cited = facts.get("calibration")
    if cited and cited["judge"] == facts.get("judge"):
        return {**cited["rates"], "cited": cited["file"]}
    # The judge that was asked last, which may be another than the one the run began with.
    chosen = str((facts.get("config") or {}).get("judge", ""))
    asked = str(facts.get("judge") or "").partition("@")[0]
    try:
        return load_judge_card(chosen if Path(chosen).name == asked else asked or chosen).rates()
    except UserError:
        # The card may be gone or unreadable here; a report says "not calibrated" then.
        return None
