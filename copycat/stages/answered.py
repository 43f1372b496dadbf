"""What a judge has answered of a run, and what its answers leave open; no row is made for it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from copycat.io.columns import NONE, pick
from copycat.io.rows import as_rows
from copycat.judges.base import question_hash
from copycat.measures.observing import doubted
from copycat.records import Question
from copycat.resolve import Judging
from copycat.runs.data import RunData


def answered_by(data: RunData, identity: str) -> Callable[[Question], bool]:
    """Tells of a question whether the judge called `identity` has answered it."""
    said = as_rows(data.evidence(identity).verdicts)
    answer, scored = said.column("answer"), np.ones(len(said), bool)
    coded = answer.codes != NONE  # the others are numbers, and so answers
    by_code = [at != NONE and said[int(at)].scored for at in answer.firsts]
    scored[coded] = np.array(by_code, bool)[answer.codes[coded]]
    said = said.take(np.flatnonzero(scored))
    names = ("request", "frame", "kind", "question_hash", "image_sha256")
    columns = [said.column(name) for name in names]
    known = set(zip(*(column.codes.tolist() for column in columns), strict=True))

    def answered(q: Question) -> bool:
        told = (q.request, q.frame, q.kind, question_hash(q), q.sha256)
        return tuple(column.code(value) for column, value in zip(columns, told, strict=True)) in known

    return answered


def doubts_of(data: RunData, judging: Judging) -> set[tuple[str, int, str]]:
    """Request, frame and measure of the answers of a judge that leave a measure's number open."""
    rows = data.evidence(judging.identity).joined  # a detector reads its registry for it
    said, ids = rows.verdicts, rows.requests.column("id")
    about = pick(ids.firsts, said.column("request").told_as(ids))
    found: set[tuple[str, int, str]] = set()
    for m in judging.measures:
        if m.settled_by and m.ask:
            mine = np.flatnonzero(said.column("kind").where([m.ask.kind]) & (about != NONE))
            open_ = mine[doubted(m, rows, mine, about[mine])].tolist()
            found |= {(said[at].request, said[at].frame, m.name) for at in open_}
    return found
