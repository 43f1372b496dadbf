"""Intake: what becomes of a judge's answers as they come; a part of judge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from copycat.judges.base import REFUSED
from copycat.records import Question, Unscored, Verdict
from copycat.runs.folder import RunFolder
from copycat.runtime.progress import Progress
from copycat.stages.cache import AnswerCache
from copycat.stages.failing import Failing


@dataclass(frozen=True)
class Intake:
    """Writes one judge's verdicts into the run."""

    folder: RunFolder
    cache: AnswerCache
    answered: Callable[[Question], bool]
    """Tells what had an answer before, which is not written again."""
    progress: Progress
    failing: Failing

    def keep(self, said: Sequence[tuple[Question, Verdict]]) -> list[Verdict]:
        """Write the verdicts of `said`; on disk when this returns. Gives those that are new."""
        fresh = [v for q, v in said if not self.answered(q)]
        self.folder.verdict_journal.append(fresh)
        for q, v in said:
            self.cache.keep(q, v)
        self.progress.advance(len(said))
        return fresh

    def count(self, fresh: Sequence[Verdict]) -> None:
        """Raise MissingRequirement where new verdicts make ten failures of one kind in a row."""
        for v in fresh:
            self.failing.add(failure(v), v.kind)
            self.failing.check()

    def done(self, results: Sequence[tuple[Sequence[Question], Sequence[Verdict]]]) -> None:
        """The same of an engine's batches. Raises MissingRequirement after ten failures in a row."""
        said = [pair for batch, verdicts in results for pair in zip(batch, verdicts, strict=True)]
        self.count(self.keep(said))


def failure(v: Verdict) -> str | None:
    """Why a verdict is none; None where the judge answered, if only with a refusal or words without sense."""
    if not isinstance(v.answer, Unscored) or v.reply is not None or v.answer.reason.startswith(REFUSED):
        return None
    return v.answer.reason
