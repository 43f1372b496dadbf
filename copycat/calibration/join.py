"""Joins raters' labels to the pictures of runs: what is true of which picture, and how sure that is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from copycat.calibration.labels import LOOKALIKE, NOBODY, Label, deduplicate
from copycat.errors import BadFile, UnknownName, UserError
from copycat.measures import Evidence
from copycat.records import ImageRow, Request

Seen = Literal["the character", "look-alike", "another character", "nobody", "not told"]


@dataclass(frozen=True)
class LabelledPicture:
    """One picture, or video, and one character that raters were asked about."""

    request: Request
    rows: tuple[ImageRow, ...]
    """Of the picture; of a video those of all judged frames, unless a single frame was labelled."""
    character: str
    """Slug."""
    labels: Mapping[str, bool | None] = field(hash=False)
    """By rater; None, or nothing, where the rater gave no answer."""
    saw: Mapping[str, str] = field(hash=False)
    """By rater, where that was told."""

    @property
    def picture(self) -> tuple[str, int]:
        """Identity of what was looked at."""
        return self.request.id, self.rows[0].frame if len(self.rows) == 1 else -1

    def votes(self, raters: Sequence[str]) -> list[bool]:
        """The answers that `raters` gave."""
        return [v for r in raters if (v := self.labels.get(r)) is not None]

    def truth(self, raters: Sequence[str]) -> bool | None:
        """What most of `raters` say; None when as many say yes as no, or none says anything."""
        votes = self.votes(raters)
        yes = sum(votes)
        return None if 2 * yes == len(votes) else 2 * yes > len(votes)

    def seen(self, raters: Sequence[str]) -> Seen:
        """What `raters` say is there, when most of those who tell agree on its kind."""
        if self.truth(raters):
            return "the character"
        told = Counter(self._kind(self.saw[r]) for r in raters if self.saw.get(r))
        told.pop("the character", None)
        ranked = told.most_common(2)
        if not ranked or (len(ranked) > 1 and ranked[0][1] == ranked[1][1]):
            return "not told"
        return ranked[0][0]

    def _kind(self, saw: str) -> Seen:
        kinds: dict[str, Seen] = {
            self.character: "the character",
            LOOKALIKE: "look-alike",
            NOBODY: "nobody",
        }
        return kinds.get(saw, "another character")


@dataclass(frozen=True)
class Labelled:
    """The labels that are of pictures of the runs, and those that are not."""

    items: tuple[LabelledPicture, ...]
    raters: tuple[str, ...]
    unknown_labels: int
    unknown_images: tuple[str, ...]


def join(labels: Sequence[Label], evidence: Evidence) -> Labelled:
    """Match `labels` to the pictures of `evidence` by path as the rows have it, else by SHA-256.

    Of a video, the paths of its MP4 and its strip stand for the whole of it. Characters may go by slug,
    name or alias. Raises UnknownName for another character, AmbiguousName for a name of several, BadFile
    where a picture's SHA-256 is not that of the label or a rater contradicts himself, UserError when no label
    is of a picture here.
    """

    def slug_of(name: str) -> str:
        return evidence.registry.find(name).slug

    def seen(saw: str) -> str:
        """The slug, where the registry knows who was seen; else as it was written."""
        try:
            return saw if saw in (NOBODY, LOOKALIKE) else slug_of(saw)
        except UnknownName:
            return saw

    by_path, by_hash = _index(evidence)
    places: dict[tuple[str, str], Where] = {}
    matched: list[Label] = []
    unknown: list[str] = []
    other_pixels: list[str] = []
    slugs = {name: slug_of(name) for name in dict.fromkeys(x.character for x in labels)}
    for label in labels:
        where = by_path.get(label.image) or by_hash.get(label.sha256.lower())
        if where is None:
            unknown.append(label.image)
            continue
        request, rows = where
        if label.sha256 and label.image == rows[0].file and label.sha256.lower() != rows[0].sha256:
            other_pixels.append(label.image)
            continue
        # The path of the row, so that labels by path and by hash are of one picture.
        image = rows[0].file or "" if len(rows) == 1 else f"{request.id} as a whole"
        slug = slugs[label.character]
        places[image, slug] = where
        matched.append(label.model_copy(update={"image": image, "character": slug, "sha256": ""}))
    if other_pixels:
        raise BadFile(
            f"{len(other_pixels)} of {len(labels)} labels are of other pixels than the run's pictures of "
            f"the same name, such as {other_pixels[0]!r}; name the run that was labelled, or label anew."
        )
    if not matched:
        such = f", such as {unknown[0]!r}" if unknown else ""
        raise UserError(
            f"None of the {len(labels)} labels is of a picture of this run{such}; `image` must be the path "
            "in its images.jsonl."
        )
    grouped: dict[tuple[str, str], list[Label]] = {}
    for label in deduplicate(matched, "The labels"):
        grouped.setdefault((label.image, label.character), []).append(label)
    items = tuple(
        LabelledPicture(
            *places[key],
            key[1],
            {x.rater: x.label for x in mine},
            {x.rater: seen(x.saw) for x in mine if x.saw},
        )
        for key, mine in grouped.items()
    )
    raters = tuple(dict.fromkeys(x.rater for x in matched))
    return Labelled(items, raters, len(unknown), tuple(dict.fromkeys(unknown)))


Where = tuple[Request, tuple[ImageRow, ...]]


def _index(evidence: Evidence) -> tuple[dict[str, Where], dict[str, Where]]:
    by_path: dict[str, Where] = {}
    by_hash: dict[str, Where] = {}
    for request in evidence.requests:
        rows = tuple(evidence.frames.get(request.id, ()))
        for row in rows:
            if row.outcome == "ok" and row.file and row.sha256:
                by_path[row.file] = request, (row,)
                by_hash.setdefault(row.sha256, (request, (row,)))
        for whole in (rows[0].video, rows[0].strip) if rows else ():
            if whole:
                by_path[whole] = request, rows
    return by_path, by_hash
