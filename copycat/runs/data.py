"""What a run's files say, read once and joined; what everything after drawing and judging works on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from copycat.cards.judges import load_judge_card
from copycat.errors import UserError
from copycat.io.columns import joint, last_of_each
from copycat.io.rows import Rows, as_rows
from copycat.judges.base import error_rates
from copycat.measures import Evidence, Measure, Observation, measure
from copycat.measures.agreement import agreements
from copycat.measures.pictures import FirstFrames, Pictures
from copycat.records import Agreement, ImageRow, Metric, Request, Shift, Verdict
from copycat.runs.calibrated import elsewhere, speaks_of
from copycat.runs.manifest import Manifest
from copycat.subjects.characters import Registry
from copycat.subjects.innocents import is_innocent


@dataclass(frozen=True)
class RunData:
    """One run at one moment. What is joined is joined when it is first asked for, and kept."""

    path: Path
    """The run's folder, which the files named in rows are relative to."""
    manifest: Manifest
    registry: Registry
    requests: Sequence[Request]
    """In the plan's order."""
    image_rows: Sequence[ImageRow]
    """As they were written, earlier attempts among them."""
    verdict_rows: Sequence[Verdict]
    shift_rows: Sequence[Shift] = ()
    """As they were written, those of earlier pictures among them."""
    metrics: Sequence[Metric] = ()
    """What `score` computed; empty before that."""

    @property
    def model(self) -> str:
        """The model's name as the user gave it; of a folder the last part."""
        return Path(self.manifest.config.model).name

    @property
    def judge(self) -> str:
        """Identity of the judge that was asked last; before any was, the card's name."""
        return self.manifest.judge or self.manifest.config.judge

    def file(self, name: str | None) -> Path | None:
        """The file that a row names; None for none, and where it is gone or lies outside the run's folder."""
        path = (self.path / (name or "")).resolve()
        return path if path.is_relative_to(self.path.resolve()) and path.is_file() else None

    @property
    def frames(self) -> Mapping[str, tuple[ImageRow, ...]]:
        """The latest rows of each request: one, or those of all judged frames of a video, in order.

        A video of which any row is missing, because the run was cut off there, is not yet made.
        """
        return self._pictures

    @cached_property
    def _pictures(self) -> Pictures:
        return Pictures.latest(self._requests, self.image_rows)

    @cached_property
    def _requests(self) -> Rows[Request]:
        return as_rows(self.requests)

    @property
    def images(self) -> Mapping[str, ImageRow]:
        """The latest row of each request; of a video that of its first frame."""
        return FirstFrames(self._pictures)

    @property
    def verdicts(self) -> Sequence[Verdict]:
        """The latest verdict of each judge on each question."""
        return self._verdicts

    @cached_property
    def _verdicts(self) -> Rows[Verdict]:
        rows = as_rows(self.verdict_rows)
        names = ("request", "frame", "kind", "judge", "question_hash")
        return rows.take(last_of_each(joint(*(rows.column(name).codes for name in names))))

    @cached_property
    def shifts(self) -> Mapping[str, float]:
        """How far guarded pictures are from the unguarded ones, by request, as far as it was measured of the
        pictures that are there; of a video the mean over its judged frames."""
        if not self.shift_rows:
            return {}
        latest = {(s.request, s.frame): s for s in self.shift_rows}
        found: dict[str, float] = {}
        for request, rows in self.frames.items():
            mine = [latest.get((request, row.frame)) for row in rows]
            fitting = [
                s.distance
                for s, row in zip(mine, rows, strict=True)
                if s and s.distance is not None and s.pictures[0] == row.sha256
            ]
            if fitting and len(fitting) == len(rows):
                found[request] = fmean(fitting)
        return found

    @property
    def failed(self) -> int:
        """Pictures whose last attempt was an error; the same command tries them again."""
        return self._pictures.failed

    @property
    def finished(self) -> bool:
        """Whether all stages that make numbers are complete and no picture failed."""
        return self.manifest.status == "complete" and self.failed == 0

    def evidence(self, judge: str | None = None) -> Evidence:
        """What measures read: the verdicts of one judge, or of all of them."""
        said = self._verdicts
        if judge is not None:
            said = said.take(np.flatnonzero(said.column("judge").where([judge])))
        return Evidence(self._requests, self.frames, said, self.registry, self.shifts)

    @cached_property
    def judged(self) -> Evidence:
        """The evidence that the numbers come from: that of the judge that was asked last."""
        return self.evidence(self.manifest.judge)

    def observations(self, measure: Measure) -> Mapping[str, Observation]:
        """What `measure` makes of each request that it says something about, by request."""
        if measure.name not in self._observations:
            self._observations[measure.name] = {o.request.id: o for o in measure.observe(self.judged)}
        return self._observations[measure.name]

    @cached_property
    def _observations(self) -> dict[str, Mapping[str, Observation]]:
        return {}

    @cached_property
    def measures(self) -> tuple[Measure, ...]:
        """The measures that there are numbers of, in the order of the numbers."""
        return tuple(measure(name) for name in dict.fromkeys(m.metric for m in self.metrics))

    @cached_property
    def tabled(self) -> tuple[Measure, ...]:
        """Those of them that short tables show, with numbers of prompts that ask for a character."""
        asked = {m.metric for m in self.metrics if not is_innocent(m.prompt_set)}
        return tuple(m for m in self.measures if m.tabled and m.name in asked)

    def metric(self, measure: Measure, mitigation: str, prompt_set: str) -> Metric | None:
        """One number, if it was computed."""
        return lookup(self.metrics, measure, mitigation, prompt_set)

    @cached_property
    def groups(self) -> Sequence[tuple[str, str]]:
        """(mitigation, prompt set) pairs in the order of the metrics, innocent prompts left out."""
        asked = ((m.mitigation, m.prompt_set) for m in self.metrics if not is_innocent(m.prompt_set))
        return list(dict.fromkeys(asked))

    @cached_property
    def innocent_groups(self) -> Sequence[tuple[str, str]]:
        """The same of innocent prompts."""
        asked = ((m.mitigation, m.prompt_set) for m in self.metrics if is_innocent(m.prompt_set))
        return list(dict.fromkeys(asked))

    @cached_property
    def agreement(self) -> Sequence[Agreement]:
        """How far the judges that looked at this run agree; empty when there was one."""
        return agreements(self.evidence())

    @cached_property
    def rates(self) -> Mapping[str, Any] | None:
        """What is known of the errors of the run's judge, as `error_rates` gives it; None for nothing.

        A calibration that the run cites comes before that of the judge's card. Of one that was measured on
        other pictures only that is left, see :func:`copycat.runs.calibrated.elsewhere`.
        """
        cited = self.manifest.calibration
        if cited and cited.judge == self.manifest.judge:
            # The first runs that cited one did not keep what it was measured on.
            spoken = "models" not in cited.rates or self._spoken_of(cited.rates)
            return {**cited.rates, "cited": cited.file} if spoken else elsewhere(cited.rates)
        # The judge that was asked last, which may be another than the one the run began with.
        chosen = self.manifest.config.judge
        asked = (self.manifest.judge or "").partition("@")[0]
        try:
            card = load_judge_card(chosen if Path(chosen).name == asked else asked or chosen)
            found = error_rates(card)
        except UserError:
            # The card may be gone or unreadable here; a report says "not calibrated" then.
            return None
        return found if found is None or self._spoken_of(found) else elsewhere(found)

    def _spoken_of(self, rates: Mapping[str, Any]) -> bool:
        return speaks_of(rates, self.manifest, self.registry.name)


def lookup(metrics: Iterable[Metric], measure: Measure, mitigation: str, prompt_set: str) -> Metric | None:
    """One number among `metrics`, if it was computed."""
    wanted = (measure.name, mitigation, prompt_set)
    return next((m for m in metrics if (m.metric, m.mitigation, m.prompt_set) == wanted), None)
