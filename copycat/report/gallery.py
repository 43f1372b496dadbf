"""Where the page's pictures come from: inside the page for a small run, files beside it for a large one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from copycat.errors import BadFile, RunConflict
from copycat.io import pictures as files
from copycat.io.atomic import disk_guard
from copycat.report.embed import LARGEST, LARGEST_STRIP, Shown, embed, shrink
from copycat.report.view import Picture
from copycat.runs.data import RunData
from copycat.runtime.progress import Progress

Where = Literal["auto", "inside", "beside"]
MOST_INSIDE = 600
"""Pictures that a page carries inside itself; with more they lie beside it."""
MOST_BYTES = 32 * 10**6
"""The same for their size as data URIs."""
THUMBS = "thumbs"
"""Folder of thumbnails beside the page."""
_OURS = re.compile(r"(?:[0-9a-f]{16,32}|none)(?:-[0-9a-f]+)?(?:-seen)?\.jpg")
"""How the files of `_name` are called."""
THUMB = 192
"""Longest side of a thumbnail in pixels; smaller pictures are shown as they are."""


@dataclass(frozen=True)
class Gallery:
    """The pictures of one run."""

    beside: bool
    """Whether the page needs the files beside it: each picture itself, and a thumbnail where it is large."""
    shown: Mapping[str, Shown | None]
    """By request; None where there is no file, or none that is a picture."""


def gallery(
    run: RunData, pictures: Sequence[Picture], where: Where = "auto", progress: Progress | None = None
) -> Gallery:
    """The pictures of `run`; with `auto` they go inside the page where that stays small.

    Thumbnails are written to its folder `thumbs`, named after their picture's hash, so each is made once;
    those of pictures that are gone are removed.
    """
    wanted = [p for p in pictures if p.file]
    if where == "inside" or (where == "auto" and len(wanted) <= MOST_INSIDE):
        inside: dict[str, Shown | None] = {}
        size = 0
        for p in wanted:
            one = inside[p.request.id] = _inside(run, p)
            size += len(one.small) if one else 0
            if where == "auto" and size > MOST_BYTES:
                break
        else:
            _sweep(run.path, set())
            return Gallery(False, inside)
    if (run.path / THUMBS).is_symlink():
        raise RunConflict(f"{run.path / THUMBS} is a link, and thumbnails go there; remove the link.")
    linked = _each(wanted, lambda p: _link_file(run, p), progress or Progress(), run.path)
    return Gallery(True, linked)


def _each(
    wanted: Sequence[Picture], make: Callable[[Picture], Shown | None], progress: Progress, root: Path
) -> dict[str, Shown | None]:
    found: dict[str, Shown | None] = {}
    progress.start("thumbnails", len(wanted))
    try:
        # Pillow lets go of the interpreter while it decodes, so that threads help.
        with ThreadPoolExecutor() as pool:
            for p, one in zip(wanted, pool.map(make, wanted), strict=True):
                found[p.request.id] = one
                progress.advance(1)
    finally:
        progress.done()
    _sweep(root, {s.small for s in found.values() if s})
    return found


def _sweep(root: Path, kept: set[str]) -> None:
    """Remove thumbnails of pictures that are gone; other files stay, and so does all behind a link."""
    if (root / THUMBS).is_symlink():
        return
    for path in (root / THUMBS).glob("*.jpg"):
        if _OURS.fullmatch(path.name) and f"{THUMBS}/{path.name}" not in kept:
            path.unlink(missing_ok=True)


def _inside(run: RunData, picture: Picture) -> Shown | None:
    path = run.file(picture.file)
    if path is None:
        return None
    return embed(path, LARGEST_STRIP, files.MOST_STRIP_PIXELS) if picture.video else embed(path)


def _link_file(run: RunData, picture: Picture) -> Shown | None:
    path = run.file(picture.file)
    if path is None:
        return None
    root = run.path
    # A folder's name may hold what a URL reads as markup: a #, a ?, a %.
    large = quote(path.relative_to(root.resolve()).as_posix())
    largest = LARGEST_STRIP if picture.video else THUMB
    most = files.MOST_STRIP_PIXELS if picture.video else files.MOST_PIXELS
    name = f"{THUMBS}/{_name(picture)}.jpg"
    try:
        header = files.look(path, most=most)
        if max(header.width, header.height) <= largest and header.plain:
            return Shown(large, large, header.width, header.height)
        if not header.plain:
            # A browser would not show the file as it is judged, so that this stands for the large one too.
            name = large = f"{THUMBS}/{_name(picture)}-seen.jpg"
            largest = max(largest, LARGEST)
        if not (root / name).is_file():
            content = shrink(files.read(path, most=most), largest, quality=82)
            with disk_guard(root / name):
                (root / THUMBS).mkdir(exist_ok=True)
                part = (root / name).with_suffix(f".{picture.request.id}.part")
                part.write_bytes(content)
                part.replace(root / name)
    except BadFile:
        return None
    return Shown(name, large, header.width, header.height)


def _name(picture: Picture) -> str:
    """The hash of a picture's pixels; of a video's strip that of its first frame, and the request."""
    sha = (picture.image.sha256 if picture.image else None) or "none"
    return f"{sha[:16]}-{picture.request.id}" if picture.video else f"{sha[:32]}"
