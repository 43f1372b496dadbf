"""Comparing a run's pictures with references; rows are kept as they are made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from PIL import Image

from copycat.copies.build import Built
from copycat.copies.looks import Encoder, Look, describe
from copycat.copies.rungs import rungs
from copycat.errors import BadFile
from copycat.io import pictures
from copycat.io.journal import Journal
from copycat.records import ImageRow, Request, digest
from copycat.runs.data import RunData
from copycat.runs.ladder import LadderRow, Matched
from copycat.runtime.progress import Progress
from copycat.subjects.innocents import is_innocent

_AT_ONCE = 32


@dataclass(frozen=True, eq=False)
class Setup:
    """What pictures are compared with, and by what."""

    built: Built
    identity: str
    """Of the encoder."""
    load: Callable[[], Encoder]

    @cached_property
    def digest(self) -> str:
        """Hash of both, of the rungs, and of what references are called and where they stand in their set,
        since rows of the ladder say that."""
        gallery = self.built.gallery
        names = [r.name for r in rungs()]
        return digest([self.identity, names, gallery.digest, gallery.names, self.built.rows])

    @cached_property
    def encoder(self) -> Encoder:
        """Loaded when it is first used."""
        return self.load()


@dataclass(frozen=True)
class Output:
    """One picture of the run, or one judged frame of a video."""

    request: Request
    image: ImageRow


def outputs(run: RunData) -> list[Output]:
    """All that were drawn for prompts that ask for a character, in the plan's order."""
    frames = run.frames
    return [
        Output(r, row)
        for r in run.requests
        if not is_innocent(r.prompt_set)
        for row in frames.get(r.id, ())
        if row.outcome == "ok"
    ]


def climb(
    run: RunData, setup: Setup, journal: Journal[LadderRow], progress: Progress | None = None
) -> dict[tuple[str, int], LadderRow]:
    """A row for each output, by request and frame; those that `journal` has of the same picture and setup are
    taken from it, others are added. A picture that cannot be opened has a row that says so."""
    asked = outputs(run)
    known = {(r.request, r.frame): r for r in journal.rows() if r.setup == setup.digest and r.error is None}
    found = {
        key: row
        for o in asked
        if (row := known.get(key := (o.request.id, o.image.frame))) and row.image_sha256 == o.image.sha256
    }
    left = [o for o in asked if (o.request.id, o.image.frame) not in found]
    progress = progress or Progress()
    progress.start("ladder", len(asked))
    progress.advance(len(found))
    try:
        for i in range(0, len(left), _AT_ONCE):
            rows = list(_rows(run, setup, left[i : i + _AT_ONCE]))
            journal.append(rows)
            found |= {(r.request, r.frame): r for r in rows}
            progress.advance(len(rows))
    finally:
        progress.done()
    return found


def _rows(run: RunData, setup: Setup, part: Sequence[Output]) -> Iterator[LadderRow]:
    opened: list[Image.Image | str] = [_open(run, o) for o in part]
    images = [image for image in opened if not isinstance(image, str)]
    looks = describe(images, setup.encoder, mirror=True) if images else None
    at = 0
    for output, image in zip(part, opened, strict=True):
        row = LadderRow(
            request=output.request.id,
            frame=output.image.frame,
            image_sha256=output.image.sha256 or "",
            setup=setup.digest,
            error=image if isinstance(image, str) else None,
        )
        if looks is None or isinstance(image, str):
            yield row
            continue
        yield row.model_copy(update={"matches": matches(looks.one(at), setup.built)})
        at += 1


def matches(look: Look, built: Built) -> dict[str, Matched]:
    """What is nearest by each rung."""
    found = {rung.name: rung.match(look, built.gallery) for rung in rungs()}
    return {
        name: Matched(
            likeness=round(m.likeness, 6),
            reference=built.gallery.names[m.reference],
            row=built.rows[m.reference],
            character=built.gallery.characters[m.reference],
        )
        for name, m in found.items()
        if m is not None
    }


def _open(run: RunData, output: Output) -> Image.Image | str:
    file = run.file(output.image.file)
    if file is None:
        return f"The picture {output.image.file} is not there"
    try:
        return pictures.read(file, f"The picture {output.image.file}")
    except BadFile as e:
        return str(e)
