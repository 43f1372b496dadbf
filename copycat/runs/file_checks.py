"""Whether the files that rows name are there and are what was drawn, and what else lies in the folder."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from copycat.cards.hooks import Conditioning
from copycat.errors import BadFile, MissingRequirement
from copycat.records import ImageRow, Request
from copycat.runs.findings import Finding, count, examples, fault, note
from copycat.runs.folder import PICTURE_FOLDERS, ROW_FOLDERS, RunFolder
from copycat.runs.manifest import Origin
from copycat.runtime.progress import Progress

_LEFT_BEHIND = re.compile(r"\..*\.tmp|.*\.part")
"""Names of files that were being written when a command was stopped."""
_DRAWN_AGAIN = "Run the same command again: it draws what is missing"


def check_files(
    folder: RunFolder, rows: Iterable[ImageRow], origin: Origin | None, progress: Progress
) -> Iterator[Finding]:
    """The files of the latest `rows`: there, inside the folder, and of the pictures those with their hash.

    A picture that is withheld may be missing; one that is there must be the one that was judged.
    """
    withheld = origin is not None and origin.withheld
    remedy = _DRAWN_AGAIN if origin is None else f"Take it from {origin.source} again"
    outside, missing, false, unreadable = [], [], [], []
    named = {file: row for row in rows for file in (row.file, row.video, row.strip) if file}
    progress.start("check", len(named))
    try:
        for file, row in named.items():
            path = folder.path / file
            if not path.resolve().is_relative_to(folder.path.resolve()):
                outside.append(file)
            elif not path.is_file():
                missing.append(file)
            else:
                try:
                    if not _is_whole(path, row.sha256 if file == row.file else None):
                        false.append(file)
                except OSError:
                    unreadable.append(file)
            progress.advance(1)
    finally:
        progress.done()
    if outside:
        yield fault(f"Rows name files outside the run's folder: {examples(outside)}", "Delete those rows")
    if unreadable:
        yield fault(
            f"{count(len(unreadable), 'file')} cannot be read: {examples(unreadable)}", "Look at the disk"
        )
    if missing and not withheld:
        yield fault(f"{count(len(missing), 'file')} of rows are not there: {examples(missing)}", remedy)
    if false:
        yield fault(
            f"{count(len(false), 'file')} are not what was drawn: {examples(false)}",
            f"Delete them. {remedy}",
        )


def _is_whole(path: Path, sha256: str | None) -> bool:
    """Whether a file has that hash; of a video or strip, whose rows keep none, whether it is not empty."""
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest() == sha256 if sha256 else bool(f.read(1))


def check_conditionings(
    folder: RunFolder, requests: Iterable[Request], origin: Origin | None
) -> Iterator[Finding]:
    """The embeddings that requests name: there, and what their names say."""
    bad = []
    for sha in sorted({r.conditioning for r in requests} - {""}):
        try:
            Conditioning.read(folder.conditioning_path, sha)
        except (BadFile, MissingRequirement):
            bad.append(f"{sha}.safetensors")
    if bad and origin is None:
        yield fault(
            f"{count(len(bad), 'file')} of embeddings are missing or not what their names say: "
            f"{examples(bad)}",
            "Put them back, or begin the run anew in another folder",
        )
    elif bad:
        yield note(f"The embeddings of {count(len(bad), 'prompt')} stayed where the run was made")


def check_strangers(folder: RunFolder, rows: Sequence[ImageRow], ours: Iterable[str]) -> Iterator[Finding]:
    """Files in the folder that are not the run's, and those that a stopped command left behind.

    `ours` are the names of the run's own files and folders, those of pictures aside.
    """
    known = {*ours, *ROW_FOLDERS}
    here = sorted(p.name for p in folder.path.iterdir())
    left = [name for name in here if name not in known and _LEFT_BEHIND.fullmatch(name)]
    strange = [name for name in here if name not in known and name not in left]
    named = {file for row in rows for file in (row.file, row.video, row.strip) if file}
    for name in PICTURE_FOLDERS:
        there = folder.path / name
        for path in sorted(there.iterdir()) if there.is_dir() else ():
            file = f"{name}/{path.name}"
            if file not in named:
                (left if _LEFT_BEHIND.fullmatch(path.name) else strange).append(file)
    if left:
        yield note(
            f"A command that was stopped left {count(len(left), 'file')} behind: {examples(left)}",
            "They can be deleted",
        )
    if strange:
        yield note(f"{count(len(strange), 'file')} are not the run's: {examples(strange)}")
