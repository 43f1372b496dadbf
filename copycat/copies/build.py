"""From references to a gallery with thresholds, kept in the user's cache."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from pydantic import ValidationError

from copycat.copies.calibration import FEWEST, STYLE, Thresholds, calibrate, chosen
from copycat.copies.gallery import Gallery
from copycat.copies.looks import Encoder, Looks, describe, joined
from copycat.copies.references import References
from copycat.copies.rungs import rungs
from copycat.errors import BadFile, UserError, first_fault
from copycat.io.atomic import write_text
from copycat.io.cached import REFERENCES
from copycat.io.paths import cache_folder
from copycat.records import Row, digest
from copycat.runtime.progress import Progress

VERSION = 3
"""Of what is kept; another one is made anew."""
_AT_ONCE = 256
_ARRAYS = ("shas", "hashes", "thumbs", "vectors")


class _Head(Row):
    """What is kept beside the arrays."""

    rows: tuple[int, ...]
    """Of the set's references, those that could be opened."""
    broken: tuple[str, ...]
    thresholds: Thresholds


@dataclass(frozen=True)
class Built:
    """A gallery with its thresholds."""

    gallery: Gallery
    rows: tuple[int, ...]
    """Of each of its references the row within the set."""
    broken: tuple[str, ...]
    """Why references were left out, a sentence each."""
    thresholds: Thresholds


def build(
    found: References,
    identity: str,
    load: Callable[[], Encoder],
    progress: Progress | None = None,
    told: Callable[[Thresholds], Thresholds] = lambda t: t,
    measured: Thresholds | None = None,
    *,
    anew: bool = False,
) -> Built:
    """The gallery of `found` by the encoder of that `identity`, which is loaded where the gallery is not in
    the cache.

    Its thresholds are those `measured` before, where they are of these references and this encoder; else they
    are measured, and `told` adds how. With `anew` nothing is taken from the cache. One reference that cannot
    be opened is left out and named. Raises UserError where fewer than 40 are left.
    """
    told_before = None if measured is None else measured.model_dump(mode="json")
    known_by = [VERSION, [r.name for r in rungs()], identity, found.stamp, told_before]
    home = cache_folder() / REFERENCES / digest(known_by)
    kept = None if anew else _kept(home)
    if kept is None:
        kept = _make(found, identity, load(), progress or Progress(), told, measured)
        _keep(home, *kept)
    looks, head = kept
    known = found.known
    names = tuple(known[i].name for i in head.rows)
    whose = tuple(known[i].character for i in head.rows)
    return Built(Gallery(looks, names, whose), head.rows, head.broken, head.thresholds)


def _make(
    found: References,
    identity: str,
    encoder: Encoder,
    progress: Progress,
    told: Callable[[Thresholds], Thresholds],
    measured: Thresholds | None,
) -> tuple[Looks, _Head]:
    parts: list[Looks] = []
    rows: list[int] = []
    broken: list[str] = []
    waiting: list[Image.Image] = []
    progress.start("references", len(found.known))

    def describe_waiting() -> None:
        if waiting:
            parts.append(describe(waiting, encoder))
            progress.advance(len(waiting))
            waiting.clear()

    try:
        for i, opened in found.images():
            if isinstance(opened, str):
                broken.append(opened)
                progress.advance(1)
                continue
            rows.append(i)
            waiting.append(opened)
            if len(waiting) == _AT_ONCE:
                describe_waiting()
        describe_waiting()
    finally:
        progress.done()
    if len(rows) < FEWEST:
        why = f" ({len(broken)} cannot be opened: {broken[0]})" if broken else ""
        raise UserError(
            f"{found.title}: {len(rows)} pictures are too few to compare with{why}; thresholds are measured "
            f"on {FEWEST} references or more."
        )
    looks = joined(parts)
    fine = looks.finite
    if not fine.all():
        broken += [
            f"The reference {found.known[rows[i]].name} has no features"
            for i in np.flatnonzero(~fine).tolist()
        ]
        rows = [row for row, good in zip(rows, fine, strict=True) if good]
        looks = looks.take(np.flatnonzero(fine))
    gallery = Gallery(
        looks,
        tuple(found.known[i].name for i in rows),
        tuple(found.known[i].character for i in rows),
    )
    if measured is not None and _is_of(measured, gallery, identity):
        return looks, _Head(rows=tuple(rows), broken=tuple(broken), thresholds=measured)
    picked = chosen(len(gallery))
    again = {
        i: image for i, image in found.images(sorted(rows[i] for i in picked)) if not isinstance(image, str)
    }
    images = [again[rows[i]] for i in picked]
    thresholds = told(calibrate(gallery, images, picked, encoder, identity, progress))
    return looks, _Head(rows=tuple(rows), broken=tuple(broken), thresholds=thresholds)


def _is_of(measured: Thresholds, gallery: Gallery, identity: str) -> bool:
    """Whether thresholds are of these references, rungs and weights; whatever its card is called."""
    same = measured.encoder.partition("@")[2] == identity.partition("@")[2]
    rung_names = {r.name for r in rungs()} | {STYLE}
    return same and measured.digest == gallery.digest and measured.rungs.keys() == rung_names


def read_thresholds(path: Path) -> Thresholds:
    """Thresholds that were measured before; raises BadFile for a file that holds none."""
    try:
        return Thresholds.model_validate_json(path.read_bytes())
    except ValidationError as e:
        raise BadFile(f"{path} holds no thresholds of a ladder ({first_fault(e)}).") from e
    except OSError as e:
        raise BadFile(f"{path} cannot be read ({e.strerror}).") from e


def _kept(home: Path) -> tuple[Looks, _Head] | None:
    head = home / "gallery.json"
    if not head.is_file():
        return None
    try:
        read = _Head.model_validate_json(head.read_bytes())
        arrays = [np.load(home / f"{name}.npy", mmap_mode="r") for name in _ARRAYS]
    except (OSError, ValueError):
        return None
    looks = Looks(*arrays)
    return (looks, read) if len(looks) == len(read.rows) else None


def _keep(home: Path, looks: Looks, head: _Head) -> None:
    """Made beside its place and moved there whole, since other processes may make the same at that time."""
    home.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f"{home.name}-", dir=home.parent))
    try:
        for name in _ARRAYS:
            np.save(beside / f"{name}.npy", getattr(looks, name))
        write_text(beside / "gallery.json", json.dumps(head.model_dump(mode="json")) + "\n")
        shutil.rmtree(home, ignore_errors=True)
        # Where another process was quicker, its gallery is as good.
        with suppress(OSError):
            beside.rename(home)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
