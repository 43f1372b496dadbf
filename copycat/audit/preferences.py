"""Recorded wishes about what was fetched: robots.txt, opt-out lists, and what servers sent along."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.robotparser import RobotFileParser

from copycat.audit.dataset import Dataset
from copycat.audit.roles import Entry, host_of, is_filled, read_date

AGENTS = (
    *("*", "GPTBot", "CCBot", "Google-Extended", "ClaudeBot", "anthropic-ai", "Applebot-Extended"),
    *("Bytespider", "Meta-ExternalAgent", "Diffbot", "img2dataset", "AI2Bot"),
)
"""Whom a site's robots.txt may address: everybody, and crawlers that gather data for training models."""
_KINDS = ("kind", "type", "scope")
_VALUES = ("value", "url", "domain", "host", "author", "name", "sha256", "hash", "id", "identifier", "slug")
_DATES = ("checked", "date", "checked_on", "retrieved", "received", "requested", "as_of", "updated")
_NO_AI = re.compile(r"\b(?:noai|noimageai|no-?train(?:ing)?)\b", re.I)


@dataclass(frozen=True)
class Robots:
    """The robots.txt of one host."""

    file: str
    host: str
    parser: RobotFileParser

    def refuses(self, address: str) -> str:
        """The crawler that may not fetch `address`; empty where all may."""
        try:
            return next((a for a in AGENTS if not self.parser.can_fetch(a, address)), "")
        except ValueError:
            # The parser takes escapes apart before it looks, and what is left may be no address.
            return "anybody, since it is no address,"


def robots(dataset: Dataset) -> dict[str, Robots]:
    """The recorded robots.txt by host: files under `robots/`, or called `robots-HOST.txt`."""
    found = {}
    for file in dataset.files:
        match = re.search(r"(?:^|/)robots(?:_txt)?[/_-]([\w.-]+?)(?:/robots)?(?:\.robots)?\.txt$", file, re.I)
        if match:
            parser = RobotFileParser()
            parser.parse(dataset.text(file).splitlines())
            found[match[1].lower()] = Robots(file, match[1].lower(), parser)
    return found


def of_host(records: Mapping[str, Robots], host: str) -> Robots | None:
    """The record of `host`, with or without `www.`."""
    bare = host.removeprefix("www.")
    return records.get(host) or records.get(bare) or records.get(f"www.{bare}")


@dataclass(frozen=True)
class OptOut:
    """One request not to use something."""

    kind: str
    """What `value` is: url, domain, author, hash, id …; empty where the record does not say."""
    value: str
    row: int


_BY_KIND: Mapping[str, str] = {
    **dict.fromkeys(("url", "page", "address", "image_url"), "url"),
    **dict.fromkeys(("domain", "host", "site", "website"), "domain"),
    **dict.fromkeys(("author", "name", "creator", "artist", "person", "character"), "author"),
    **dict.fromkeys(("hash", "sha256", "sha1", "md5", "id", "identifier", "item", "slug"), "id"),
}


class OptOuts:
    """Requests, by what they name; finds the one that concerns an item."""

    def __init__(self, listed: Iterable[OptOut]) -> None:
        self.listed = tuple(listed)
        self._by: dict[str, dict[str, OptOut]] = {"url": {}, "domain": {}, "author": {}, "id": {}}
        for o in self.listed:
            value = o.value.strip().lower()
            kind = _BY_KIND.get(o.kind, "")
            for name in [kind] if kind else self._by:
                bare = (host_of(value) or value).removeprefix("www.") if name == "domain" else value
                if name != "domain" or "." in bare:
                    self._by[name].setdefault(bare.rstrip("/"), o)

    def concerning(self, entry: Entry) -> OptOut | None:
        """The request that `entry` is named by; None where none does."""
        wanted = [("url", str(entry.get("source") or ""))]
        labels = entry.host.split(".")
        wanted += [("domain", ".".join(labels[i:])) for i in range(len(labels) - 1)]
        told = entry.get("author")
        names = told if isinstance(told, list) else [told, *re.split(r"[;,&]| and ", str(told or ""))]
        wanted += [("author", str(n or "")) for n in names]
        wanted += [("id", str(entry.get(role) or "")) for role in ("hash", "id")]
        for kind, value in wanted:
            found = self._by[kind].get(value.strip().lower().rstrip("/"))
            if found is not None and value:
                return found
        return None


def opt_outs(rows: Iterable[Mapping[str, Any]]) -> Iterator[OptOut]:
    """The requests in the rows of a record."""
    for number, raw in enumerate(rows, 1):
        cells = {str(k).lower(): v for k, v in raw.items() if is_filled(v)}
        kind = next((str(cells[k]).strip().lower() for k in _KINDS if k in cells), "")
        for name in _VALUES:
            if name in cells:
                own = "" if name in ("value", "identifier") else name
                yield OptOut(kind or own, str(cells[name]), number)
                break


def dates(rows: Iterable[Mapping[str, Any]], head: Mapping[str, Any]) -> list[Any]:
    """What a record holds in its columns of dates, and in its head."""
    found = []
    for raw in (*rows, head):
        cells = {str(k).lower(): v for k, v in raw.items()}
        found += [cells[name] for name in _DATES if is_filled(cells.get(name))]
    return found


def latest(told: Iterable[Any]) -> Any:
    """The last of some dates, as it is written; None without one that can be read."""
    known = [(day, value) for value in told if (day := read_date(value)) is not None]
    return max(known, key=lambda pair: pair[0])[1] if known else None


def reserved(entry: Entry) -> str:
    """What a server or page said against training, in words; empty where it said nothing."""
    if entry.flag("opt_out") is True:
        return "its own column says that it was opted out"
    for role in ("headers", "html"):
        for name, value in _pairs(entry.get(role)):
            low = name.lower().replace("_", "-")
            if low in ("tdm-reservation",) and str(value).strip() == "1":
                return f"{name}: {value}"
            if low in ("x-robots-tag", "robots", "googlebot") and _NO_AI.search(str(value)):
                return f"{name}: {value}"
    return ""


def _pairs(held: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(held, str):
        try:
            held = json.loads(held)
        except (ValueError, RecursionError):
            for line in held.splitlines():
                name, colon, value = line.partition(":")
                if colon:
                    yield name.strip(), value.strip()
            return
    if isinstance(held, dict):
        yield from ((str(k), v) for k, v in held.items())
    elif isinstance(held, list):
        for one in held:
            if isinstance(one, list | tuple) and len(one) == 2:
                yield str(one[0]), one[1]
            elif isinstance(one, dict):
                yield str(one.get("name", "")), one.get("value", one.get("content"))
