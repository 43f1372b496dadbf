"""Answers that were recorded elsewhere, of any judge or rater, as verdicts on a run's pictures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError, field_validator

from copycat.errors import AmbiguousName, BadFile, UnknownName, UserError
from copycat.io.documents import parse_json
from copycat.io.tables import Cells, filled, lacking
from copycat.io.tables_hub import load_table
from copycat.judges.replies import read_names, read_yes_no
from copycat.records import (
    IDENTIFY,
    VERIFY,
    Answer,
    ImageRow,
    Named,
    Row,
    Unscored,
    Verdict,
    YesNo,
    digest,
)
from copycat.runs.data import RunData
from copycat.runs.folder import RunFolder
from copycat.runs.manifest import RECORDED

WHAT = "table of verdicts"
CONFIG = "verdicts"
"""The configuration of a data set that is read."""
ANSWERS = ("score", "names", "reply", "reason")
"""Columns of which a row fills one, or names first and then the reply that they were read from."""
_WORDS = {
    **dict.fromkeys(("yes", "y", "true", "t"), 1.0),
    **dict.fromkeys(("no", "n", "false", "f"), 0.0),
}
_NOBODY = frozenset({"none", "nobody", "null"})
_SHOWN = 3

Kind = Literal["identify", "verify", "key", "content"]


class Recorded(Row):
    """One answer about one picture; a row of the table, a field a column."""

    image: str = ""
    """The picture's path as the run's `images.jsonl` has it."""
    sha256: str = ""
    """Of the picture's file; one of the two is needed, and with both they must be of one picture."""
    character: str = ""
    """Whom `verify` asked about, by slug, name or alias; the one that the picture was made for when empty."""
    judge: str = ""
    """Who answered: a judge's or rater's name, where the table holds several."""
    kind: Kind | None = None
    """What was asked; without it `verify` for a score and `identify` for names."""
    item: str | None = None
    """The thing asked about, of `content`."""
    question: str = ""
    """As it was asked, where that is known."""
    score: float | None = None
    """P("Yes") in [0, 1], or yes or no."""
    names: tuple[str, ...] | None = None
    """Who was named: a JSON list, or names with semicolons between them; "none" for nobody."""
    reply: str | None = None
    """What the judge wrote; read as a name, or as yes or no, where neither score nor names are given."""
    reason: str = ""
    """Why there is no answer, where there is none."""

    @field_validator("score", mode="before")
    @classmethod
    def _told(cls, value: object) -> object:
        return _WORDS.get(value.strip().casefold(), value) if isinstance(value, str) else value

    @field_validator("names", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        parts = parse_json(value) if value.lstrip().startswith("[") else value.split(";")
        named = (str(p).strip() for p in parts)
        return tuple(n for n in named if n and n.casefold() not in _NOBODY)

    @property
    def asked(self) -> Kind:
        """What was asked."""
        return self.kind or (VERIFY if self.score is not None else IDENTIFY)  # type: ignore[return-value]


@dataclass(frozen=True)
class Imported:
    """What came of a table of verdicts."""

    judges: Mapping[str, int]
    """Verdicts by the judges' identities."""
    numbers_of: str
    """Identity of the judge that the run's numbers are from now on those of."""
    unscored: int
    example: str
    """One that is unscored: its picture, and why; empty without any."""
    kinds: frozenset[str]
    """What the judge of the numbers answered."""
    elsewhere: int
    """Rows about pictures that are not this run's, or about other characters than a picture was made for,
    which were left out."""


def import_verdicts(folder: RunFolder, source: str, judge: str | None = None) -> Imported:
    """Add the answers in `source`, a table or data set, to a run, and make its numbers those of `judge`.

    A table without a column `judge` is all of the judge that is named; of one with several `judge` says
    whose the numbers are, and all are kept. A judge goes by `recorded:NAME@` and a hash of its answers, so it
    is never taken for one that is asked here, and no calibration of a card speaks of it. The same table again
    adds nothing. Raises BadFile, before anything is written, for rows that are no answers, scores that are
    none in [0, 1], two answers of one judge to one question and a table of other pictures; UserError where it
    is not clear whose the numbers shall be.
    """
    data = folder.open().data()
    rows = read_recorded(source)
    by_judge: dict[str, list[Recorded]] = {}
    for row in rows:
        by_judge.setdefault(_name(row, judge, source), []).append(row)
    chosen = _chosen(by_judge, judge, source)
    verdicts: dict[str, list[Verdict]] = {}
    elsewhere, identities = 0, dict[str, str]()
    for name, mine in by_judge.items():
        identity = f"{RECORDED}{name}@{digest([r.model_dump(mode='json') for r in mine])[:12]}"
        identities[name] = identity
        found = list(_placed(data, mine, source))
        elsewhere += sum(not places for _, places in found)
        verdicts[identity] = _verdicts(found, identity, source)
    if not any(verdicts.values()):
        raise BadFile(
            f"None of the {len(rows)} rows of {source} is about a picture of {folder.path}, such as "
            f"{(rows[0].image or rows[0].sha256)!r}; `image` must be a path in its images.jsonl."
        )
    every = [v for mine in verdicts.values() for v in mine]
    with folder.stage("judge"):
        folder.verdict_journal.repair()
        known = {(v.request, v.frame, v.question_hash, v.judge) for v in data.verdicts}
        folder.verdict_journal.append(
            [v for v in every if (v.request, v.frame, v.question_hash, v.judge) not in known]
        )
        folder.forget_metrics()
        folder.update(judge=identities[chosen])
    silent = [
        f"{data.images[v.request].file} ({v.answer.reason})" for v in every if isinstance(v.answer, Unscored)
    ]
    counts = {k: len(v) for k, v in verdicts.items()}
    kinds = frozenset(v.kind for v in verdicts[identities[chosen]])
    return Imported(counts, identities[chosen], len(silent), "".join(silent[:1]), kinds, elsewhere)


def _name(row: Recorded, judge: str | None, source: str) -> str:
    name = row.judge or judge
    if not name:
        raise UserError(f"{source} does not say who answered; name the judge or rater with --judge.")
    return name


def _chosen(by_judge: Mapping[str, object], judge: str | None, source: str) -> str:
    if judge is None and len(by_judge) == 1:
        return next(iter(by_judge))
    if judge is None or judge not in by_judge:
        names = ", ".join(by_judge)
        raise UserError(
            f"{source} has answers of {names}; say with --judge whose answers the numbers shall be."
        )
    return judge


def read_recorded(source: str) -> list[Recorded]:
    """The answers in a table or data set; BadFile says what is wrong with the first rows that are none."""
    text = ("image", "sha256", "character", "judge", "item", "question", "reply", "reason")
    cells = [_renamed(row) for row in load_table(source, WHAT, CONFIG, text)]
    if not cells:
        raise BadFile(f"{source} has no rows.")
    if len(lacking(cells, ("image", "sha256"))) == 2:
        raise BadFile(f"{source} has neither a column image nor sha256, so no picture is named.")
    if len(lacking(cells, ANSWERS)) == len(ANSWERS):
        raise BadFile(f"{source} holds no answers; they stand in a column {', '.join(ANSWERS[:3])}.")
    rows, wrong = [], []
    for number, row in enumerate(cells, 1):
        try:
            rows.append(_row(row))
        except ValidationError as e:
            first = e.errors()[0]
            wrong.append(f"row {number}: {first['loc'][0]} is {first['input']!r}, which cannot be read")
        except ValueError as e:
            wrong.append(f"row {number}: {e}")
    if wrong:
        more = f"; and {len(wrong) - _SHOWN} more rows" if len(wrong) > _SHOWN else ""
        raise BadFile(f"{source}: {'; '.join(wrong[:_SHOWN])}{more}. Nothing was imported.")
    return rows


def _renamed(row: Cells) -> Cells:
    """A table of labels or of a published data set is one of verdicts too, under other names."""
    names = {"rater": "judge", "label": "score", "p_yes": "score", "image_sha256": "sha256"}
    return {names.get(k, k) if names.get(k, k) not in row else k: v for k, v in row.items()}


def _row(cells: Cells) -> Recorded:
    told = {k: v for k, v in filled(cells).items() if k in Recorded.model_fields}
    if _is_nan(cells.get("score")):
        told.pop("score", None)
        if not {"names", "reply"} & told.keys():  # else the cell is an empty one of a table of both
            told.setdefault("kind", VERIFY)
            told["reason"] = "the recorded score is NaN"
    row = Recorded.model_validate(told)
    if not row.image and not row.sha256:
        raise ValueError("neither image nor sha256 is given")
    if row.score is not None and not 0 <= row.score <= 1:
        hint = " (a percentage? divide by 100)" if 1 < row.score <= 100 else ""
        raise ValueError(f"the score {row.score:g} is not in [0, 1]{hint}")
    if row.names is not None and row.score is not None:
        raise ValueError("it has both names and a score; one row holds one answer")
    if row.score is not None and row.asked == IDENTIFY:
        raise ValueError("identify asks who is shown, so its answer stands in names, not in score")
    if row.names is not None and row.asked != IDENTIFY:
        raise ValueError(f"{row.asked} is answered by yes or no, so its answer stands in score, not in names")
    return row


def _is_nan(value: Any) -> bool:
    try:
        return math.isnan(float(value))
    except (TypeError, ValueError):
        return False


def _placed(
    data: RunData, rows: Sequence[Recorded], source: str
) -> Iterator[tuple[Recorded, Sequence[ImageRow]]]:
    """Each row with the pictures that it is about: none of this run's, one by path, all of those pixels."""
    made_for = {r.id: r.character for r in data.requests}
    slugs = {name: _slug(data, name, source) for name in dict.fromkeys(r.character for r in rows) if name}
    by_path: dict[str, ImageRow] = {}
    by_hash: dict[str, list[ImageRow]] = {}
    for frames in data.frames.values():
        for image in frames:
            if image.file and image.sha256:
                by_path[image.file] = image
                by_hash.setdefault(image.sha256, []).append(image)
    for row in rows:
        named = by_path.get(row.image)
        if named is not None and row.sha256 and row.sha256.lower() != named.sha256:
            raise BadFile(
                f"{source} is about other pixels than the run's picture {row.image}; name the run whose "
                "pictures were judged."
            )
        places = by_hash.get(row.sha256.lower(), []) if named is None else [named]
        if row.character and row.asked == VERIFY:
            places = [p for p in places if made_for[p.request] == slugs[row.character]]
        yield row, places


def _slug(data: RunData, name: str, source: str) -> str:
    try:
        return data.registry.find(name).slug
    except (UnknownName, AmbiguousName) as e:
        raise BadFile(f"{source}: {e}") from e


def _verdicts(found: Sequence[tuple[Recorded, Sequence[ImageRow]]], judge: str, source: str) -> list[Verdict]:
    made: dict[tuple[str, int, str, str | None], Verdict] = {}
    for row, places in found:
        for image in places:
            verdict = _verdict(row, image, judge)
            key = (image.request, image.frame, row.asked, row.item)
            if made.setdefault(key, verdict) != verdict:
                raise BadFile(
                    f"{source} has two answers of {judge.partition('@')[0].removeprefix('recorded:')} about "
                    f"{image.file} ({row.asked}); keep one of the two rows."
                )
    return list(made.values())


def _verdict(row: Recorded, image: ImageRow, judge: str) -> Verdict:
    asked = row.question or f"(recorded elsewhere: {row.asked})"
    return Verdict(
        request=image.request,
        frame=image.frame,
        kind=row.asked,
        image_sha256=image.sha256 or "",
        judge=judge,
        question=asked,
        item=row.item,
        question_hash=digest({"recorded": row.asked, "text": asked, "item": row.item}),
        answer=_answer(row),
        reply=row.reply,
    )


def _answer(row: Recorded) -> Answer:
    if row.score is not None:
        return YesNo(p_yes=row.score)
    if row.names is not None:
        return Named(names=row.names)
    if row.reply is not None and not row.reason:
        return read_names(row.reply) if row.asked == IDENTIFY else read_yes_no(row.reply)
    return Unscored(reason=row.reason or "no answer was recorded")
