"""What the columns of a table are for: an item's source, licence, date, hash and so on.

Data sets call them differently; the first of the known names that holds something counts. A name fits a
column of that name in any case, and one inside of another (`metadata.license`).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from copycat.audit.results import Evidence, shortened

ROLES: Mapping[str, tuple[str, ...]] = {
    "source": (
        *("url", "source_url", "page_url", "uri", "link", "source", "source_id", "origin", "provenance"),
        *("warc_record_id", "doi", "web_url", "image_url"),
    ),
    "licence": (
        "license",
        "licence",
        "spdx",
        "spdx_license",
        "license_id",
        "license_type",
        "rights",
        "license_url",
    ),
    "date": (
        *("crawl_date", "date_crawled", "date_download", "fetch_date", "retrieved", "accessed", "downloaded"),
        *("collected", "date", "added", "created", "timestamp", "crawled_at", "fetched_at", "created_at"),
    ),
    "hash": (
        *(
            "sha256",
            "sha512",
            "sha1",
            "md5",
            "blake3",
            "content_hash",
            "content_id",
            "iscc",
            "hash",
            "checksum",
        ),
        *("digest", "sha256_hash"),
    ),
    "id": ("id", "doc_id", "document_id", "item_id", "uuid", "guid", "file_name", "filename", "key"),
    "headers": ("http_headers", "headers", "response_headers", "http"),
    "html": ("html_metadata", "html_meta", "meta_tags", "page_metadata", "html_head", "meta"),
    "robots": ("robots_allowed", "robots", "robots_txt", "robots_txt_allowed"),
    "opt_out": ("opt_out", "opted_out", "optout", "tdm_reservation", "noai"),
    "synthetic": ("synthetic", "is_synthetic", "generated", "machine_generated"),
    "generator": ("generator", "generated_by", "generator_model", "model_name"),
    "prompt": ("prompt", "generation_prompt", "instruction"),
    "seed": ("seed", "random_seed", "run_seed", "noise_seed"),
    "translated": ("translated", "machine_translated", "is_translated", "is_translation"),
    "permission": ("permission", "consent", "permission_given", "rights_holder_permission"),
    "author": ("author", "authors", "creator", "artist", "photographer", "name"),
    "text": ("text", "content", "body", "code", "caption", "document", "abstract"),
}
_VAGUE = frozenset(
    {
        *("internet", "the internet", "web", "the web", "online", "unknown", "various", "n/a", "na", "none"),
        *("misc", "null", "other", "crawl", "scraped", "google", "website", "websites", "several", "-", "?"),
        "see above",
    }
)
_LEAST_YEAR = 1900
_PLACEHOLDERS = frozenset(["1970-01-01", "1900-01-01", "0001-01-01"])
_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")
_TRUE = frozenset(["true", "yes", "1", "y", "t"])
_FALSE = frozenset(["false", "no", "0", "n", "f", ""])


_UNSCANNED = frozenset(
    n for role in ("hash", "id", "seed", "date", "headers", "robots") for n in ROLES[role] if n != "key"
)
"""Columns of what machines write."""
_ADDRESSES = frozenset(ROLES["source"]) | frozenset(ROLES["licence"])


@dataclass(frozen=True)
class Entry:
    """One row of a table."""

    file: str
    row: int
    cells: Mapping[str, Any]

    def get(self, role: str) -> Any:
        """What the row has in the first filled column of a role; None where it has nothing."""
        by_name = _columns(tuple(self.cells))
        for name in ROLES[role]:
            column = by_name.get(name)
            if column is not None and is_filled(self.cells[column]):
                return self.cells[column]
        return None

    def flag(self, role: str) -> bool | None:
        """A yes or no; None where the row says nothing, or something else."""
        value = self.get(role)
        if isinstance(value, bool) or value is None:
            return value
        told = str(value).strip().lower()
        return True if told in _TRUE else False if told in _FALSE else None

    @property
    def host(self) -> str:
        """The host of a crawled item's address; empty for others."""
        source = self.get("source")
        return host_of(str(source)) if source is not None else ""

    @property
    def synthetic(self) -> bool:
        """Whether it says that a program made it."""
        return self.flag("synthetic") is True or (
            self.flag("synthetic") is None and self.get("generator") is not None
        )

    @property
    def crawled(self) -> bool:
        """Whether it comes from the web."""
        return bool(self.host) and not self.synthetic

    @property
    def written(self) -> Iterator[tuple[str, str, bool]]:
        """Column, text and whether its digits count, of every cell that may hold personal data."""
        for name, text in texts(self.cells):
            ends = {name.rpartition(".")[2].lower(), name.partition(".")[0].lower()}
            if not ends & _UNSCANNED:
                yield name, text, not ends & _ADDRESSES

    def evidence(self, found: object = "") -> Evidence:
        if not self.file:
            # A picture, sound or text that lies by itself.
            return Evidence(file=str(self.cells.get("file_name", "")), found=shortened(found))
        return Evidence(file=self.file, row=self.row, found=shortened(found))


def texts(cells: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Column and text of everything that is written in a row, also deep in lists and objects of a cell."""
    for column, value in cells.items():
        # What an object holds stands in cells of its own, too.
        if isinstance(value, dict) and all(f"{column}.{k}" in cells for k in value):
            continue
        open_values = [value]
        while open_values:
            held = open_values.pop()
            if isinstance(held, str):
                yield column, held
            elif isinstance(held, dict):
                open_values += reversed(held.values())
            elif isinstance(held, list | tuple):
                open_values += reversed(held)


@lru_cache(maxsize=1024)
def _columns(names: tuple[str, ...]) -> Mapping[str, str]:
    """Columns by their lower-case name, and by its last part where nothing else is called so."""
    found: dict[str, str] = {}
    for name in names:
        found.setdefault(name.lower(), name)
    for name in names:
        if "." in name:
            found.setdefault(name.rpartition(".")[2].lower(), name)
    return found


def role_column(columns: tuple[str, ...], role: str) -> str | None:
    """The column of a table that has `role`; None where no column has."""
    by_name = _columns(columns)
    return next((by_name[n] for n in ROLES[role] if n in by_name), None)


def is_filled(value: Any) -> bool:
    """Whether a cell holds anything: no null, NaN, empty text or empty collection."""
    if value is None or value != value:
        return False
    return bool(value.strip()) if isinstance(value, str) else value not in ({}, [], ())


def host_of(address: str) -> str:
    """The host in lower case of an http address, else an empty text."""
    try:
        parts = urlsplit(address.strip())
        return (parts.hostname or "").lower() if parts.scheme in ("http", "https") else ""
    except ValueError:
        return ""


def source_fault(value: Any) -> str:
    """What is wrong with where an item is said to be from; empty where it can be gone back to."""
    text = str(value).strip()
    host = host_of(text)
    if host:
        return "an address of this machine or a private network" if _is_private(host) else ""
    if re.match(r"(?:/|~/|\.{1,2}/|[A-Za-z]:[\\/]|file:)", text):
        return "a path of somebody's machine"
    if text.lower().strip(".") in _VAGUE:
        return "no place that one could go back to"
    if re.match(r"https?:", text):
        return "an address without a host"
    return ""


_WEB = re.compile(
    r"(?:[\w-]+\.)+[a-z]{2,}/|www\.|.*\b(?:common ?crawl|cc-main|warc|scraped|crawled|the web)\b", re.I | re.S
)


def may_be_of_the_web(source: Any) -> bool:
    """Whether an item without a whole address may be from the web: its source is not told, is too vague to go
    back to, or speaks of a site or a crawl."""
    return source is None or bool(source_fault(source)) or _WEB.match(str(source).strip()[:1000]) is not None


def _is_private(host: str) -> bool:
    if host == "localhost" or host.endswith((".local", ".internal", ".localhost")):
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return "." not in host


def read_date(value: Any) -> date | None:
    """The day, month (its first day) or year of a cell; None for what is no date."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    text = str(value).strip()
    try:
        if re.fullmatch(r"\d{9,10}(?:\.\d+)?|\d{12,13}", text):
            seconds = float(text) / (1000 if len(text.partition(".")[0]) > 11 else 1)
            return datetime.fromtimestamp(seconds, UTC).date()
        if found := _DATE.fullmatch(text):
            return date(int(found[1]), int(found[2] or 1), int(found[3] or 1))
        return datetime.fromisoformat(text).date()
    except (ValueError, OverflowError, OSError):
        return None


def date_fault(value: Any) -> str:
    """What is wrong with a date; empty where nothing is."""
    found = read_date(value)
    if found is None:
        return "no date; write YYYY-MM-DD"
    if found.isoformat() in _PLACEHOLDERS or found.year < _LEAST_YEAR:
        return "a date that stands for none"
    return "a date in the future" if found > datetime.now(UTC).date() else ""
