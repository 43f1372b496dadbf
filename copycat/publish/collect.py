"""What goes into a dataset: the rows of one run or several, and whether the pictures may go along."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from copycat.errors import BadFile, UserError
from copycat.io import pictures as files
from copycat.io.picture_hash import phash_hex
from copycat.io.secrets import clean
from copycat.publish.checking import calibration_difference
from copycat.publish.columns import to_cells
from copycat.publish.people import People, gather
from copycat.publish.tables import (
    CALIBRATIONS,
    JOINED,
    LABELS,
    PAYLOADS,
    SHIFTS,
    TABLES,
    Payload,
    Table,
)
from copycat.records import Answer, ImageRow, Request, Unscored
from copycat.runs.data import RunData
from copycat.runs.folder import RunFolder
from copycat.runs.manifest import Manifest
from copycat.runtime.progress import Progress
from copycat.subjects.characters import Registry

Cells = dict[str, Any]


@dataclass(frozen=True)
class Publication:
    """Runs that make one dataset."""

    runs: Sequence[RunData]
    title: str
    licence: str
    creator: str
    repository: str | None
    """`user/name` on the hub; None for a folder."""
    pictures: bool
    """Whether the pictures themselves go along."""
    people: People = field(default_factory=People)
    """What raters said of the pictures."""

    @property
    def registries(self) -> dict[str, Registry]:
        """The registries of its runs by name."""
        return {r.registry.name: r.registry for r in self.runs}

    @property
    def protected(self) -> list[str]:
        """Names of registries with protected characters."""
        return [name for name, registry in self.registries.items() if registry.protected]

    @property
    def tables(self) -> tuple[Table, ...]:
        """Those that it has; of distances, labels and calibrations only where a run has any."""
        more = {
            SHIFTS: any(run.shift_rows for run in self.runs),
            LABELS: bool(self.people.labels),
            CALIBRATIONS: bool(self.people.calibrations),
        }
        return (*TABLES, *(table for table, there in more.items() if there))

    @property
    def payloads(self) -> tuple[Payload, ...]:
        """The columns of whole files that the table of pictures has."""
        if not self.pictures:
            return ()
        rows = [row for run in self.runs for row in run.image_rows]
        return tuple(p for p in PAYLOADS if (p.picture and p.field == "file") or _any(rows, p))


def _any(rows: Sequence[ImageRow], payload: Payload) -> bool:
    return any(getattr(row, payload.field) for row in rows)


def collect(
    folders: Sequence[RunFolder],
    *,
    pictures: bool = False,
    right: bool = False,
    title: str = "",
    licence: str = "cc-by-4.0",
    creator: str = "",
    repository: str | None = None,
    rater_names: bool = False,
) -> Publication:
    """Read the runs; nothing is written.

    `right` is the publisher's word that the pictures may be published where a registry is protected, and
    `rater_names` says that raters may be named. Raises UserError for a run without numbers, two runs of one
    name or with different registries of one name, a calibration that is out of date, and for pictures of
    protected characters without `right`;
    BadFile for pictures that are not there.
    """
    if not folders:
        raise UserError("Say which run to publish (copycat ls runs).")
    runs = [_read(folder) for folder in folders]
    names = [r.path.name for r in runs]
    twice = next((n for n in names if names.count(n) > 1), None)
    if twice:
        raise UserError(f"Two runs are called {twice}; rename one of the folders, or publish them apart.")
    registries: dict[str, Registry] = {}
    for run in runs:
        known = registries.setdefault(run.registry.name, run.registry)
        if known.characters != run.registry.characters or known.protected != run.registry.protected:
            raise UserError(
                f"The runs have different registries called {known.name}; publish them in separate datasets."
            )
    runs, people = gather(folders, runs, named=rater_names)
    for run in runs:
        _check_calibration(run, runs, people)
    owner = repository.partition("/")[0] if repository else ""
    found = Publication(
        runs=runs,
        title=title or (names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"),
        licence=licence,
        creator=creator or owner or "not named",
        repository=repository,
        pictures=pictures,
        people=people,
    )
    if pictures and found.protected and not right:
        raise UserError(
            f"The characters of {' and '.join(found.protected)} are protected, so pictures of them are "
            "withheld (hashes and verdicts are published); if you hold the right to publish them, add "
            "--i-have-the-right-to-publish-these."
        )
    if pictures:
        _check_files(found)
    return found


def _check_calibration(run: RunData, runs: Sequence[RunData], people: People) -> None:
    name = run.path.name
    if name not in people.calibrations:
        return
    known = {r.path.name: r for r in runs}
    told = calibration_difference(name, people.calibrations[name], known, people.labels)
    if told:
        raise UserError(
            f"The calibration.json of {run.path} does not follow from the labels and verdicts that are there "
            f"now: {told}. Run `copycat calibrate` again, or move the file away."
        )


def _read(folder: RunFolder) -> RunData:
    """The latest rows of a run that has numbers, without paths of the machine that it was made on."""
    run = folder.open().data()
    if not run.metrics:
        if run.manifest.judge is None:
            raise UserError(
                f"{folder.path} has no verdicts yet, so there are no figures to publish; run "
                f"`copycat judge {folder.path}` and `copycat score {folder.path}` first."
            )
        raise UserError(f"{folder.path} has no metrics yet; run `copycat score {folder.path}` first.")
    # In the order of the file, so that pulling makes the same one.
    latest = {(row.request, row.frame): row for rows in run.frames.values() for row in rows}
    return replace(
        run,
        path=folder.path.resolve(),
        manifest=_bare(run.manifest),
        image_rows=[
            clean(row.model_copy(update={"error": _homeless(row.error)}))
            for row in run.image_rows
            if latest.get((row.request, row.frame)) is row
        ],
        verdict_rows=[clean(v.model_copy(update={"answer": _told(v.answer)})) for v in run.verdicts],
    )


def _told(answer: Answer) -> Answer:
    """`answer` without the name of the user's home folder, where it says why there is none."""
    return Unscored(reason=_homeless(answer.reason) or "") if isinstance(answer, Unscored) else answer


def _bare(manifest: Manifest) -> Manifest:
    """The manifest without the paths of this machine, of which the last part stays, and without what its
    owner was ready to pay."""
    config = manifest.config
    told = {
        "out": None,
        "device": "auto",
        "devices": (),
        "workers": None,
        "engine": "local",
        "address": None,
        "gpus_per_worker": None,
        "concurrency": None,
        "max_cost": None,
        "cache": None,
        "batch": False,
        "model": _last(config.model),
        "judge": _last(config.judge),
        "registry": _last(config.registry),
        "prompts": tuple(map(_last, config.prompts)),
        "features": config.features and _last(config.features),
    }
    return manifest.model_copy(update={"config": config.model_copy(update=told)})


def _last(name: str) -> str:
    return Path(name).name if Path(name).is_absolute() else name


def _homeless(text: str | None) -> str | None:
    """`text` without the name of the user's home folder."""
    home = str(Path.home())
    return text.replace(home, "~") if text and len(home) > 1 else text


def _check_files(publication: Publication) -> None:
    for run in publication.runs:
        lacking = [
            file
            for row in run.image_rows
            for p in publication.payloads
            if (file := getattr(row, p.field)) and run.file(file) is None
        ]
        if lacking:
            raise BadFile(
                f"{len(lacking)} pictures of {run.path} are not there (such as {lacking[0]}); publish "
                "without --images."
            )


def picture_cells(
    run: RunData, payloads: Sequence[Payload], progress: Progress | None = None
) -> Iterator[Cells]:
    """The rows of the table of pictures, one at a time, since whole files may be in them.

    Raises BadFile for a picture that is not the one that was judged.
    """
    progress = progress or Progress()
    by_id = {r.id: r for r in run.requests}
    for row in run.image_rows:
        content = _content(run, row.file)
        if content is not None and hashlib.sha256(content).hexdigest() != row.sha256:
            raise BadFile(f"{run.path / str(row.file)} is not the picture that was judged: its hash differs.")
        cells = {"run": run.path.name, **joined(by_id[row.request]), "phash": _phash(content)}
        cells |= to_cells(row)
        for p in payloads:
            file = getattr(row, p.field)
            # What belongs to a whole video is told once.
            kept = file and (p.field == "file" or row.frame == 0)
            blob = (content if p.field == "file" else _content(run, file)) if kept else None
            cells[p.column] = {"bytes": blob, "path": Path(file).name} if p.picture and blob else blob
        yield cells
        progress.advance(1)


def joined(request: Request) -> Cells:
    """What a row about a picture repeats of its request."""
    return {c.name: getattr(request, c.name) for c in JOINED}


def _content(run: RunData, file: str | None) -> bytes | None:
    path = run.file(file)
    return path.read_bytes() if path else None


def _phash(content: bytes | None) -> str | None:
    """63 bits as 16 hex digits; None without a picture or where it does not open."""
    if content is None:
        return None
    try:
        return phash_hex(files.decode(content, "the picture").image)
    except BadFile:
        return None
