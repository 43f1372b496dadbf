"""Metadata of every item: where it is from, under which licence, when it was taken, and what it is."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from copycat.audit.absent import without_rows, without_web
from copycat.audit.dataset import Dataset
from copycat.audit.item import Item, Section
from copycat.audit.licences import read_licence
from copycat.audit.results import Evidence, Outcome, failed, not_applicable, passed, unknown
from copycat.audit.roles import (
    ROLES,
    Entry,
    date_fault,
    is_filled,
    role_column,
    source_fault,
)

_HASHES: dict[str, int] = {"md5": 32, "sha1": 40, "sha256": 64, "sha512": 128, "blake3": 64}
_COMPUTED = ("md5", "sha1", "sha256", "sha512")


def each(fault: Callable[[Entry], str], good: str, bad: str) -> Callable[[Dataset], Outcome]:
    """A check of every row; `fault` says what is wrong with one, in words, or nothing."""

    def check(dataset: Dataset) -> Outcome:
        if (none := without_rows(dataset)) is not None:
            return none
        wrong = [(e, why) for e in dataset.entries if (why := fault(e))]
        if not wrong:
            return passed(good.format(n=len(dataset.entries)))
        share = f"{len(wrong):,} of {len(dataset.entries):,}"
        return failed(bad.format(share=share), *(e.evidence(why) for e, why in wrong))

    return check


def _source(entry: Entry) -> str:
    value = entry.get("source")
    if value is None:
        return "no source"
    fault = source_fault(value)
    return f"{value}: {fault}" if fault else ""


def _licence(entry: Entry) -> str:
    value = entry.get("licence")
    if value is None:
        return "no licence"
    return "" if read_licence(value) else f"{value}: no licence that SPDX knows"


def _date(entry: Entry) -> str:
    value = entry.get("date")
    if value is None:
        return "no date"
    fault = date_fault(value)
    return f"{value}: {fault}" if fault else ""


def _crawled(role: str, what: str) -> Callable[[Dataset], Outcome]:
    def check(dataset: Dataset) -> Outcome:
        if (none := without_rows(dataset)) is not None:
            return none
        crawled = [e for e in dataset.entries if e.crawled]
        if not crawled:
            return without_web(dataset)
        wrong = [e for e in crawled if e.get(role) is None]
        if not wrong:
            return passed(f"All {len(crawled):,} items from the web have {what}.")
        return failed(
            f"{len(wrong):,} of {len(crawled):,} items from the web have no {what}.",
            *(e.evidence(f"no {what}") for e in wrong),
        )

    return check


def _hash_fault(entry: Entry) -> str:
    value = entry.get("hash")
    if value is None:
        return "no hash"
    text = str(value).strip()
    if re.match(r"ISCC:[A-Z0-9]{10,}", text):
        return ""
    digest = text.rpartition(":")[2].lower()
    name = _hash_name(entry)
    length = _HASHES.get(name)
    fits = len(digest) == length if length else len(digest) in _HASHES.values()
    if not fits or not re.fullmatch(r"[0-9a-f]+", digest):
        return f"{text}: no whole {name or 'hash'}"
    return ""


def _hash_name(entry: Entry) -> str:
    """Which hash an entry has, as far as its column or prefix says."""
    column = next(
        (c for n in ROLES["hash"] for c in entry.cells if c.lower() == n and is_filled(entry.cells[c])), ""
    )
    stem = column.lower().removesuffix("_hash")
    if stem in _HASHES:
        return stem
    prefix = str(entry.get("hash") or "").partition(":")[0].lower()
    return prefix if prefix in _HASHES else ""


def _digests(dataset: Dataset, entry: Entry, algorithm: str) -> Iterator[str]:
    """Hashes of all that the hash of an entry may be of."""
    for name, value in entry.cells.items():
        if isinstance(value, bytes):
            yield hashlib.new(algorithm, value, usedforsecurity=False).hexdigest()
        elif isinstance(value, str) and name.lower() in ROLES["text"]:
            # A lone surrogate, which JSON can hold, is no text that could be hashed.
            content = value.encode(errors="surrogatepass")
            yield hashlib.new(algorithm, content, usedforsecurity=False).hexdigest()
    known = dataset.file_set
    for name in ("file_name", "file", "path", "image"):
        value = entry.cells.get(name)
        if isinstance(value, str) and value in known:
            digest = dataset.digest(value, algorithm)
            if digest is not None:
                yield digest


def _content_hash(dataset: Dataset) -> Outcome:
    if (none := without_rows(dataset)) is not None:
        return none
    wrong = [e.evidence(why) for e in dataset.entries if (why := _hash_fault(e))]
    if wrong:
        n = len(dataset.entries)
        return failed(f"{len(wrong):,} of {n:,} items have no whole content hash.", *wrong)
    untrue, checked = list[Evidence](), 0
    for table in dataset.tables:
        good = bad = 0
        found: list[Evidence] = []
        for entry in dataset.of_table(table):
            name = _hash_name(entry) or {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}.get(
                len(str(entry.get("hash"))), ""
            )
            made = set(_digests(dataset, entry, name)) if name in _COMPUTED else set()
            if not made:
                continue
            wanted = str(entry.get("hash")).rpartition(":")[2].lower()
            if wanted in made:
                good += 1
            else:
                bad += 1
                found.append(entry.evidence(f"{wanted} is not the {name} of what stands there"))
        checked += good
        # Where none is true they are of something else, such as the page that a text was taken from.
        untrue += found if good else []
    if untrue:
        return failed(f"{len(untrue):,} hashes are not those of what stands beside them.", *untrue)
    shared = _shared(dataset)
    if shared:
        return failed("Items that differ have the same hash.", *shared)
    if not checked:
        return unknown("Every item has a hash; of what it is could not be found out here.")
    return passed(
        f"Every item has a hash, and {checked:,} of {len(dataset.entries):,} were computed anew and are true."
    )


def _shared(dataset: Dataset) -> list[Evidence]:
    first: dict[str, tuple[Entry, Any]] = {}
    found = []
    for entry in dataset.entries:
        text = entry.get("text")
        before = first.setdefault(str(entry.get("hash")), (entry, text))
        if text is not None and before[1] is not None and text != before[1]:
            found.append(entry.evidence(f"the same hash as {before[0].file}, row {before[0].row}"))
    return found


def _unique_ids(dataset: Dataset) -> Outcome:
    if (none := without_rows(dataset)) is not None:
        return none
    columns = {t.file: role_column(t.columns, "id") for t in dataset.tables}
    if not any(columns.values()):
        return not_applicable("No table has a column of ids; content hashes stand for them.")
    seen: dict[tuple[str, str], int] = {}
    twice = []
    for e in dataset.entries:
        column = columns[e.file]
        if column is None:
            continue
        value = e.cells.get(column)
        if not is_filled(value):
            twice.append(e.evidence("no id"))
        elif (key := (e.file, str(value))) in seen:
            twice.append(e.evidence(f"{value}: also row {seen[key]}"))
        else:
            seen[key] = e.row
    if twice:
        return failed(f"{len(twice):,} items have no id of their own.", *twice)
    return passed(f"All {len(seen):,} ids that were read are different.")


def _preserved(dataset: Dataset) -> Outcome:
    if (none := without_rows(dataset)) is not None:
        return none
    wanted = ("source", "licence", "date", "hash")
    held: dict[str, list[str]] = defaultdict(list)
    for table in dataset.tables:
        entries = dataset.of_table(table)
        filled = Counter(r for e in entries for r in wanted if e.get(r) is not None)
        for role in wanted:
            if filled[role] * 2 >= len(entries) and entries:
                held[role].append(table.file)
    lost = [
        Evidence(file=t.file, found=f"no {role} column, which {held[role][0] or 'another table'} has")
        for role in wanted
        for t in dataset.tables
        if held[role] and t.file not in held[role]
    ]
    if lost:
        return failed("Some tables lost metadata that others have.", *lost)
    there = [role for role in wanted if held[role]]
    if not there:
        return failed("No table has a source, a licence, a date or a hash for its items.")
    broken = [Evidence(file=t.file, row=n, found=why) for t in dataset.tables for n, why in t.broken]
    if broken:
        return failed(f"{len(broken)} rows cannot be read, so their metadata is lost.", *broken)
    return passed(f"{', '.join(there)}: in all {len(dataset.tables)} tables.")


SECTION = Section(
    "metadata",
    "Metadata of each item",
    1,
    (
        Item(
            "item-source",
            "Every item says where it is from",
            "Add a column `url` or `source` that one can go back to.",
            each(
                _source,
                "All {n:,} items that were read say where they are from.",
                "{share} items do not say where they are from.",
            ),
        ),
        Item(
            "item-licence",
            "Every item names its licence by SPDX's name",
            "Add a column `license` with names such as CC-BY-4.0; leave out what has none.",
            each(
                _licence,
                "All {n:,} items that were read name a licence that SPDX knows.",
                "{share} items name no licence that SPDX knows.",
            ),
        ),
        Item(
            "item-date",
            "Every item has the date on which it was taken or made",
            "Add a column `date` in the form YYYY-MM-DD.",
            each(
                _date,
                "All {n:,} items that were read have a date that can be.",
                "{share} items have no date that can be.",
            ),
        ),
        Item(
            "http-headers",
            "What was fetched keeps the headers that the server sent",
            "Keep the response headers in a column `http_headers`; they say type, date and reservations.",
            _crawled("headers", "HTTP headers"),
        ),
        Item(
            "html-metadata",
            "What was fetched keeps the metadata of its page",
            "Keep title, author and meta tags of the page in a column `html_metadata`.",
            _crawled("html", "metadata of the page"),
        ),
        Item(
            "content-hash",
            "Every item has a stable hash of its content, which is true",
            "Add a column `sha256` with the hash of what stands in the row, or an ISCC.",
            _content_hash,
        ),
        Item("unique-ids", "No two items have the same id", "Give every row an id of its own.", _unique_ids),
        Item(
            "metadata-preserved",
            "No table loses the metadata that another has",
            "Carry source, licence, date and hash through every step and into every split.",
            _preserved,
        ),
    ),
)
