"""An audit for people and programs: lines for the terminal, JSON, and a page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from copycat.audit.item import sections
from copycat.audit.results import STATUSES, ErrorRate, Finding, Report, printable
from copycat.io.atomic import write_text
from copycat.report.page import asset, environment

TEMPLATES = Path(__file__).parent / "templates"
FILES = ("audit.json", "audit.html")
_SHOWN = 2
"""Pieces of evidence in the terminal."""


def lines(report: Report, *, everything: bool = False) -> Iterator[str]:
    """What the terminal shows: what fails or could not be told, or with `everything` all items."""
    yield from map(printable, _lines(report, everything))


def _lines(report: Report, everything: bool) -> Iterator[str]:
    yield f"{report.dataset}{f'@{report.revision}' if report.revision else ''}: {summary(report)}"
    yield tier_sentence(report)
    if report.licence_errors:
        yield errors_sentence(report.licence_errors)
    for e in report.unread:
        yield f"  could not be read: {e.where} ({e.found})"
    for section, findings in by_section(report):
        shown = [f for f in findings if everything or f.status in ("fail", "unknown")]
        if shown:
            yield f"{section}:"
        for f in shown:
            yield f"  {f.status:<15} {f.item}: {f.reason}"
            for e in f.evidence[:_SHOWN] if f.status != "pass" else ():
                yield f"{'':<18}{e.where}{f': {e.found}' if e.found else ''}"
            if f.status == "fail":
                yield f"{'':<18}→ {f.advice}"


def summary(report: Report) -> str:
    """How many items have which status, in a sentence."""
    counts = ", ".join(f"{report.count(s)} {s}" for s in STATUSES if report.count(s))
    rows = (
        f"{report.rows:,} of {report.rows_in_all:,} rows"
        if report.rows < report.rows_in_all
        else f"{report.rows:,} rows"
    )
    return f"{len(report.findings)} items: {counts} ({report.files:,} files, {rows})."


def tier_sentence(report: Report) -> str:
    """Which tier of openness it declares, and which its parts bear out."""
    declared = f"declares {report.declared_tier}" if report.declared_tier else "declares no tier"
    return f"Openness: it {declared}; the licences of its parts make it {report.tier}."


def errors_sentence(errors: ErrorRate) -> str:
    """How many licences of the labelled sample are wrong, with the interval."""
    missing = f"{errors.not_found} were not among the rows that were read."
    if errors.rate is None or errors.low is None or errors.high is None:
        return f"None of the labelled items was found; {missing}"
    return (
        f"{errors.wrong} of {errors.checked} labelled items have another licence than they should: "
        f"{errors.rate:.1%} (95 % interval {errors.low:.1%} to {errors.high:.1%}, Wilson); {missing}"
    )


def by_section(report: Report) -> Iterator[tuple[str, list[Finding]]]:
    """Findings by the title of their section, in order."""
    titles = {s.name: s.title for s in sections()}
    for name, findings in groupby(report.findings, key=lambda f: f.section):
        yield titles.get(name, name), list(findings)


def write(report: Report, folder: Path) -> list[Path]:
    """Write audit.json and audit.html to `folder`; returns their paths."""
    content = (report.model_dump_json(indent=1) + "\n", page(report))
    for name, text in zip(FILES, content, strict=True):
        write_text(folder / name, text)
    return [folder / name for name in FILES]


def page(report: Report) -> str:
    """The whole page as HTML. Every text in it is escaped by the template engine."""
    return (
        environment("copycat.audit")
        .get_template("audit.html.j2")
        .render(
            css=asset("base.css") + asset("audit.css", TEMPLATES),
            report=report,
            summary=summary(report),
            tier=tier_sentence(report),
            errors=errors_sentence(report.licence_errors) if report.licence_errors else "",
            groups=list(by_section(report)),
            statuses=[s for s in STATUSES if report.count(s)],
            failing=[f for f in report.findings if f.status == "fail"],
            plain=lambda text: text.replace("`", ""),
        )
    )


def folder_name(dataset: str) -> str:
    """A name for a folder with the audit of `dataset`, where several are written."""
    return re.sub(r"[^\w.-]+", "--", dataset).strip(".") or "dataset"
