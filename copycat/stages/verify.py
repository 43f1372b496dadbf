"""Verify: whether a run holds everything once, true to its hashes, and numbers that follow from its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from copycat.errors import BadFile, UserError
from copycat.io.ledger import Entry
from copycat.records import ImageRow, Request, Shift, Verdict
from copycat.report import tables
from copycat.report.figures import points
from copycat.report.gallery import THUMBS
from copycat.runs import same_numbers
from copycat.runs.data import RunData
from copycat.runs.file_checks import check_conditionings, check_files, check_strangers
from copycat.runs.findings import Finding, examples, fault, note, read_rows
from copycat.runs.folder import RunFolder
from copycat.runs.imitation import FILES as THRESHOLD
from copycat.runs.ladder import FILES as LADDER
from copycat.runs.ledger_checks import check_spent
from copycat.runs.manifest import Manifest
from copycat.runs.row_checks import check_images, check_requests, check_shifts, check_verdicts
from copycat.runtime.progress import Progress
from copycat.stages.score import compute, gaps
from copycat.subjects.characters import Registry

_SHOWN_AS = ("table.md", "table.csv", "table.tex", "pareto.svg", "pareto.png", THUMBS)
_CALIBRATION = tuple(f"calibration.{form}" for form in ("md", "csv", "tex", "svg", "png"))


@dataclass(frozen=True)
class Verified:
    """What was found in one run folder."""

    path: Path
    pictures: int
    """Planned ones; of a video each is one."""
    verdicts: int
    """Rows of verdicts."""
    findings: Sequence[Finding]

    @property
    def faults(self) -> Sequence[Finding]:
        """What makes the run unsound."""
        return [f for f in self.findings if f.severity == "fault"]

    @property
    def sound(self) -> bool:
        """Whether there is no fault."""
        return not self.faults


def verify(folder: RunFolder, progress: Progress | None = None) -> Verified:
    """Check all that `folder` holds; nothing is written.

    A run that another process works on may look unsound for a moment. Raises BadFile for a folder without a
    manifest.
    """
    if not folder.manifest_path.is_file():
        raise BadFile(f"{folder.path} is not a run folder: it has no manifest.json.")
    try:
        manifest = folder.manifest()
    except BadFile as e:
        found = fault(str(e).rstrip("."), "Put back manifest.json, or begin the run anew in another folder")
        return Verified(folder.path, 0, 0, [found])
    requests = read_rows(folder.request_journal.path, Request)
    images = read_rows(folder.image_journal.path, ImageRow)
    verdicts = read_rows(folder.verdict_journal.path, Verdict)
    shifts = read_rows(folder.shift_journal.path, Shift)
    ledger = read_rows(folder.ledger_path, Entry)
    registry, findings = _registry(folder)
    for lines in (requests, images, verdicts, shifts, ledger):
        findings += lines.findings
    findings += check_requests(requests, [c.slug for c in registry.characters] if registry else ())
    hosted = any(entry.what == "picture" for entry in ledger.values)
    findings += check_images(images, requests.values, hosted=hosted)
    findings += check_verdicts(verdicts, images.values)
    findings += check_shifts(shifts, images.values)
    findings += check_spent(ledger, manifest.spent, elsewhere=manifest.origin is not None)
    latest = list({(row.request, row.frame): row for row in images.values}.values())
    findings += check_files(folder, latest, manifest.origin, progress or Progress())
    findings += check_conditionings(folder, requests.values, manifest.origin)
    ours = [p.name for p in folder.own_paths]
    ours += [*_SHOWN_AS, *_CALIBRATION, *THRESHOLD, *LADDER]
    findings += check_strangers(folder, images.values, ours)
    findings += _unfinished(folder, manifest)
    planned = {r.character for r in requests.values}
    if registry and requests.values and planned <= {c.slug for c in registry.characters}:
        rows = (requests.values, images.values, verdicts.values, shifts.values)
        findings += _numbers(folder, manifest, registry, *rows)
    return Verified(folder.path, len(requests.rows), len(verdicts.rows), findings)


def _registry(folder: RunFolder) -> tuple[Registry | None, list[Finding]]:
    try:
        return folder.registry(), []
    except UserError as e:
        told = f"The run's registry of characters cannot be read: {str(e).rstrip('.')}"
        return None, [fault(told, "Put it back; without it no number can be checked")]


def _unfinished(folder: RunFolder, manifest: Manifest) -> Iterator[Finding]:
    """Stages that were not finished, and those of a run drawn here that were not begun."""
    open_ = [
        f"{name} {record.status}" for name, record in manifest.stages.items() if record.status != "complete"
    ]
    if manifest.origin is None and manifest.status != "complete":
        how = f" ({examples(open_)})" if open_ else ""
        yield fault(f"The run is not finished{how}", "Run the same command again: it does what is left")
    elif open_:
        yield fault(f"A stage was not finished ({examples(open_)})", "Run the same command again")
    elif manifest.judge is None:
        yield note("The run has not been judged yet", f"`copycat rejudge {folder.path} --judge NAME` does it")


def _numbers(
    folder: RunFolder,
    manifest: Manifest,
    registry: Registry,
    requests: Sequence[Request],
    images: Sequence[ImageRow],
    verdicts: Sequence[Verdict],
    shifts: Sequence[Shift],
) -> Iterator[Finding]:
    """What is missing in the rows, and whether numbers, tables and the page are what follows from them."""
    again = f"`copycat score {folder.path}` computes the numbers anew"
    try:
        metrics = folder.metrics()
    except BadFile as e:
        yield fault(str(e).rstrip("."), again)
        metrics = []
    data = RunData(folder.path, manifest, registry, requests, images, verdicts, shifts, metrics)
    yield from _gaps(data)
    if manifest.judge is None:
        return
    if not metrics:
        yield fault("metrics.json is not there or empty", again)
        return
    yield from _compared(data, again)
    if not folder.agreement_is(data.agreement):
        yield fault("agreement.json is not what follows from the verdicts", again)
    renew = f"`copycat report {folder.path}` writes it anew"
    stale = [name for name, text in tables(data).items() if _text(folder.path / name) != text]
    if stale:
        yield fault(f"{examples(stale)} is missing or not what the numbers give", renew)
    drawn = [f"pareto.{form}" for form in ("svg", "png")] if points(data) else []
    if lacking := [name for name in drawn if not (folder.path / name).is_file()]:
        yield fault(f"{examples(lacking)} is missing", renew)
    if not folder.page_path.is_file():
        yield fault(f"{folder.page_path.name} is missing", renew)
    elif folder.metrics_path.is_file() and not folder.page_is_current:
        yield fault(f"{folder.page_path.name} is older than the numbers", renew)


def _text(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _gaps(data: RunData) -> Iterator[Finding]:
    """Pictures and verdicts that the rows lack. One that was tried and failed is no fault of the folder."""
    origin = data.manifest.origin
    recorded = (data.manifest.judge or "").startswith("recorded:")
    for gap, sentence in gaps(data).items():
        what, _, remedy = sentence.rstrip(".").rpartition("; " if gap != "unanswered" else ". ")
        harmless = gap in ("failed", "unanswered") or origin is not None or recorded
        make: Callable[[str, str], Finding] = note if harmless else fault
        yield make(what, remedy[:1].upper() + remedy[1:])


def _compared(data: RunData, again: str) -> Iterator[Finding]:
    """Whether `metrics.json` says what follows from the rows.

    Intervals that another version made by another method are not compared, nor are corrections of a pulled
    run, which follow from what is known of the judge where it was published.
    """
    told = {(m.metric, m.mitigation, m.prompt_set): m for m in data.metrics}
    now = {(m.metric, m.mitigation, m.prompt_set): m for m in compute(data)}
    if len(told) != len(data.metrics):
        yield fault("metrics.json says a number twice", again)
    wrong = [
        f"{m} of {g} ({s})"
        for m, g, s in dict.fromkeys((*told, *now))
        if (m, g, s) not in told or (m, g, s) not in now
    ]
    if wrong:
        yield fault(
            f"metrics.json lacks numbers, or has some that the rows do not give: {examples(wrong)}", again
        )
    pulled = data.manifest.origin is not None and data.manifest.origin.how == "pulled"
    both = told.keys() & now.keys()
    older = [key for key in both if told[key].method != now[key].method]
    differing = [key for key in both if same_numbers.difference(told[key], now[key], corrected=not pulled)]
    if differing:
        names = (f"{m} of {g} ({s})" for m, g, s in sorted(differing))
        yield fault(f"metrics.json says other numbers than the rows give: {examples(names)}", again)
    if older:
        yield note("The intervals in metrics.json are those of an earlier version", again)
