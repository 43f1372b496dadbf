"""Preference signals: what sites, servers and people asked for, and whether that was recorded and kept."""

from __future__ import annotations

from datetime import UTC, datetime

from copycat.audit.absent import without_rows, without_web
from copycat.audit.dataset import Dataset
from copycat.audit.item import Item, Section
from copycat.audit.preferences import OptOuts, dates, latest, of_host, opt_outs, reserved, robots
from copycat.audit.results import Evidence, Outcome, failed, passed, unknown
from copycat.audit.roles import read_date
from copycat.audit.told import pattern, sentence_with

_ROBOTS = pattern(r"robots\.txt|robots exclusion")
_IGNORED = pattern(
    r"\b(?:not|never|nor|ignor\w*|disregard\w*|no)\b[^.]{0,60}robots\.txt|robots\.txt[^.]{0,60}\b(?:not|never|ignored|disregarded)\b"
)
_OPT_OUT = pattern(
    r"\bopt(?:ed)?[- ]?outs?\b|tdm[- ]?rep|tdm reservation|spawning|do[- ]not[- ]train|ai\.txt"
)
_DATED = pattern(
    r"\b(?:19|20)\d\d-\d\d(?:-\d\d)?\b",
    r"\b(?:january|february|march|april|may|june|july|august|september|october|november|december)\s+(?:\d{1,2},?\s+)?20\d\d\b",
)


def _robots(dataset: Dataset) -> Outcome:
    if (none := without_rows(dataset)) is not None:
        return none
    crawled = [e for e in dataset.entries if e.crawled]
    if not crawled:
        return without_web(dataset)
    ignored = sentence_with(dataset, _IGNORED)
    if ignored:
        return failed("It says that robots.txt was not followed.", ignored)
    flags = [(e, e.flag("robots")) for e in crawled]
    refused = [e.evidence("its column says that robots.txt forbids it") for e, f in flags if f is False]
    if refused:
        return failed(f"robots.txt forbids {len(refused):,} items.", *refused)
    if all(f is True for _, f in flags):
        return passed(f"A column says of all {len(crawled):,} items that robots.txt allows them.")
    records = robots(dataset)
    if not records:
        claimed = sentence_with(dataset, _ROBOTS)
        told = "robots.txt is spoken of, and" if claimed else "It does not speak of robots.txt, and"
        return failed(f"{told} no record of it is there.", *([claimed] if claimed else []))
    missing: dict[str, Evidence] = {}
    for e in crawled:
        record = of_host(records, e.host)
        if record is None:
            missing.setdefault(e.host, e.evidence(f"no record of {e.host}"))
        elif agent := record.refuses(str(e.get("source"))):
            refused.append(e.evidence(f"{record.file} forbids {e.get('source')} to {agent}"))
    if refused:
        return failed(f"Recorded robots.txt forbid {len(refused):,} items.", *refused)
    if missing:
        return failed(f"Of {len(missing):,} sites there is no record of robots.txt.", *missing.values())
    files = [Evidence(file=r.file, found=r.host) for r in records.values()]
    return passed(f"The records of {len(records):,} sites allow all {len(crawled):,} items.", *files)


def _opt_outs(dataset: Dataset) -> Outcome:
    wished = [e.evidence(why) for e in dataset.entries if (why := reserved(e))]
    if wished:
        return failed(f"{len(wished):,} items are reserved against training by what was sent along.", *wished)
    record = dataset.opt_outs
    crawled = any(e.crawled for e in dataset.entries)
    if record is None:
        if not dataset.entries and dataset.left:
            return unknown("No record of opt-outs is there; its tables were too large to be fetched.")
        if not crawled and dataset.entries:
            return without_web(dataset)
        claimed = sentence_with(dataset, _OPT_OUT)
        told = "Opt-outs are spoken of, and" if claimed else "It does not speak of opt-outs, and"
        return failed(f"{told} no record of them is there.", *([claimed] if claimed else []))
    file, rows, _ = record
    asked = OptOuts(opt_outs(rows))
    still = [
        e.evidence(f"{file}, row {o.row}: {o.kind or 'opted out'} {o.value}")
        for e in dataset.entries
        if (o := asked.concerning(e)) is not None
    ]
    if still:
        return failed(f"{len(still):,} items are still there though they were opted out.", *still)
    if dataset.is_unread(file):
        return unknown(
            f"{file} cannot be read as a whole, so it may name what is there.", Evidence(file=file)
        )
    return passed(
        f"{file} lists {len(asked.listed):,} opt-outs, and none of what they name was found.",
        Evidence(file=file),
    )


def _opt_out_date(dataset: Dataset) -> Outcome:
    record = dataset.opt_outs
    found = []
    if record is not None:
        file, rows, head = record
        found = dates(rows, head)
        if (day := latest(found)) is not None:
            return _not_ahead(day, Evidence(file=file, found=str(day)))
        if found:
            return failed(f"{file} has dates that are none.", Evidence(file=file, found=str(found[0])))
    for document in dataset.documents:
        for part in document.parts:
            for sentence in part.sentences():
                dated = _DATED.search(sentence)
                if _OPT_OUT.search(sentence) and dated:
                    return _not_ahead(dated[0], Evidence(file=part.file, found=sentence))
    if record is None and not any(e.crawled for e in dataset.entries):
        if not dataset.entries:
            return unknown("No record of opt-outs is there, and no rows could be read.")
        return without_web(dataset)
    return failed("Nothing says when opt-outs were looked up.")


def _not_ahead(day: object, evidence: Evidence) -> Outcome:
    known = read_date(day)
    if known is not None and known > datetime.now(UTC).date():
        return failed("Opt-outs are said to be looked up in the future.", evidence)
    return passed(f"Opt-outs were looked up on {day}.", evidence)


SECTION = Section(
    "preference",
    "Preference signals",
    2,
    (
        Item(
            "robots",
            "robots.txt is recorded for each site, and allows every item",
            "Keep each site's robots.txt in robots/HOST.txt, and take out what it forbids.",
            _robots,
        ),
        Item(
            "opt-outs",
            "Machine-readable opt-outs are recorded, and none of what they name is there",
            "Look up opt-outs (TDM reservation, Spawning, requests) and keep them in opt-outs.csv.",
            _opt_outs,
        ),
        Item(
            "opt-out-date",
            "It is recorded when opt-outs were looked up",
            "Add a column `checked` with the date to opt-outs.csv.",
            _opt_out_date,
        ),
    ),
)
