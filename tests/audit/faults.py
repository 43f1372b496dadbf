# ruff: noqa: E501  sentences of the data sets stay whole
"""Faults that are planted in a clean data set, each with the items of the audit that have to fail for it.

The list was written before any check. Half of it was set aside until the checks were done: `HELD`; checks were
written with an eye on `OPEN` alone. docs/audit.md has what was found in each half.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.audit.twins import Twin, kites, lanterns, with_hash

TEXTS, LABELS = "data/texts.jsonl", "data/labels.jsonl"
Files = dict[str, bytes]


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong."""

    name: str
    items: tuple[str, ...]
    """Of which at least one has to fail."""
    plant: Callable[[Twin], None]
    base: Callable[[], Twin] = lanterns
    says: str = ""
    """What evidence or reason has to hold, such as a file's name."""
    row: int | None = None
    """The row (from 1) that evidence has to name."""

    @property
    def held(self) -> bool:
        """Whether it belongs to the half that was set aside."""
        return hashlib.sha256(self.name.encode()).digest()[0] % 2 == 1

    def planted(self) -> Twin:
        """The data set with the fault."""
        twin = self.base()
        self.plant(twin)
        return twin


def cell(path: str, row: int, **values: Any) -> Callable[[Twin], None]:
    """Set cells of a row, counted from 1; a value of None removes the cell."""

    def plant(twin: Twin) -> None:
        changed = twin.tables[path][row - 1] | values
        twin.tables[path][row - 1] = {k: v for k, v in changed.items() if v is not None}

    return plant


def written(row: int, more: str) -> Callable[[Twin], None]:
    """Add to a row's text, whose hash stays true."""

    def plant(twin: Twin) -> None:
        old = twin.tables[TEXTS][row - 1]
        twin.tables[TEXTS][row - 1] = with_hash(old | {"text": f"{old['text']} {more}"})

    return plant


def column(path: str, *names: str, rows: slice = slice(None)) -> Callable[[Twin], None]:
    """Take columns out of a table."""

    def plant(twin: Twin) -> None:
        for row in twin.tables[path][rows]:
            for name in names:
                row.pop(name, None)

    return plant


def without(*headings: str) -> Callable[[Twin], None]:
    """Take sections out of card and datasheet."""

    def plant(twin: Twin) -> None:
        for heading in headings:
            found = [s for s in (twin.sections, twin.datasheet) if s.pop(heading, None) is not None]
            assert found, heading

    return plant


def reads(heading: str, text: str) -> Callable[[Twin], None]:
    """Put another text under a heading."""

    def plant(twin: Twin) -> None:
        sections = twin.sections if heading in twin.sections else twin.datasheet
        assert heading in sections
        sections[heading] = text

    return plant


def front(**values: Any) -> Callable[[Twin], None]:
    """Set fields of the front matter; None takes one out."""

    def plant(twin: Twin) -> None:
        twin.front = {k: v for k, v in (twin.front | values).items() if v is not None}

    return plant


def file(name: str, text: str | None) -> Callable[[Twin], None]:
    """Write a file, or leave it out."""

    def plant(twin: Twin) -> None:
        if text is None:
            assert twin.files.pop(name, None) is not None, name
        else:
            twin.files[name] = text

    return plant


def after(edit: Callable[[Files], None]) -> Callable[[Twin], None]:
    """Change files once description and checksums are made."""
    return lambda twin: twin.edits.append(edit)


def croissant(change: Callable[[dict[str, Any]], None]) -> Callable[[Twin], None]:
    """Change the description, whose checksum stays true."""

    def edit(files: Files) -> None:
        body = json.loads(files["croissant.json"])
        change(body)
        files["croissant.json"] = json.dumps(body).encode()
        resign(files, "croissant.json")

    return after(edit)


def resign(files: Files, name: str) -> None:
    kept = [line for line in files["SHA256SUMS"].decode().splitlines() if not line.endswith(f"  {name}")]
    if name in files:
        kept.append(f"{hashlib.sha256(files[name]).hexdigest()}  {name}")
    files["SHA256SUMS"] = "".join(f"{line}\n" for line in kept).encode()


def gone(name: str) -> Callable[[Twin], None]:
    def edit(files: Files) -> None:
        del files[name]
        if name != "SHA256SUMS":
            resign(files, name)

    return after(edit)


def both(*plants: Callable[[Twin], None]) -> Callable[[Twin], None]:
    def plant(twin: Twin) -> None:
        for p in plants:
            p(twin)

    return plant


def raw(name: str, text: str) -> Callable[[Twin], None]:
    def edit(files: Files) -> None:
        files[name] = text.encode()
        resign(files, name)

    return after(edit)


def _bad_hash(twin: Twin) -> None:
    twin.tables[TEXTS][4]["sha256"] = "0" * 64


def _short_hash(twin: Twin) -> None:
    for row in twin.tables[TEXTS]:
        row["sha256"] = row["sha256"][:8]


def _same_hash(twin: Twin) -> None:
    for row in twin.tables[LABELS]:
        row["sha256"] = twin.tables[LABELS][0]["sha256"]


def _all_translated(twin: Twin) -> None:
    for row in twin.tables[TEXTS]:
        row["translated"] = True


def _religion(twin: Twin) -> None:
    for row in twin.tables[TEXTS]:
        row["religion"] = "Quaker"


def _half_relicensed(twin: Twin) -> None:
    twin.tables[TEXTS][0]["license"] = "CC-BY-SA-4.0"
    twin.sections["Licence"] = "The whole data set, all texts included, is under CC-BY-4.0."


def _front_broken(files: Files) -> None:
    files["README.md"] = (
        b"---\nlicense: [cc-by-4.0\nname: : x\n---\n" + files["README.md"].split(b"---\n", 2)[2]
    )
    resign(files, "README.md")


def _wrong_sum(files: Files) -> None:
    files["SHA256SUMS"] = (
        files["SHA256SUMS"]
        .replace(b"  LICENSE", b"  LICENSE")
        .replace(hashlib.sha256(files["LICENSE"]).hexdigest().encode(), b"0" * 64)
    )


def _drop_distribution(body: dict[str, Any]) -> None:
    del body["distribution"]


def _ghost(body: dict[str, Any]) -> None:
    body["distribution"].append(
        body["distribution"][0] | {"@id": "ghost", "name": "g", "contentUrl": "data/ghost.jsonl"}
    )


def _wrong_sha(body: dict[str, Any]) -> None:
    body["distribution"][0]["sha256"] = "1" * 64


def _no_columns(body: dict[str, Any]) -> None:
    body["recordSet"][0]["field"][1]["source"]["extract"]["column"] = "paragraph"


def _dangling(body: dict[str, Any]) -> None:
    body["recordSet"][0]["field"][0]["source"]["fileObject"]["@id"] = "nowhere"


FAULTS: tuple[Fault, ...] = (
    # Metadata of each item
    Fault("licence-in-prose", ("item-licence",), cell(TEXTS, 4, license="CC BY 4.0"), says=TEXTS, row=4),
    Fault("licence-missing", ("item-licence",), cell(TEXTS, 7, license=None), says=TEXTS, row=7),
    Fault("licence-unknown", ("item-licence",), cell(TEXTS, 9, license="unknown"), says=TEXTS, row=9),
    Fault("licence-cut-off", ("item-licence",), cell(LABELS, 2, license="CC0"), says=LABELS, row=2),
    Fault("licence-of-no-version", ("item-licence",), cell(TEXTS, 1, license="CC-BY-SA"), says=TEXTS, row=1),
    Fault("licence-column-gone", ("item-licence",), column(TEXTS, "license"), says=TEXTS),
    Fault("licence-not-in-csv", ("item-licence",), column("kites.csv", "license"), base=kites),
    Fault("no-permission", ("permission",), cell(TEXTS, 3, license="LicenseRef-all-rights-reserved"), says=TEXTS, row=3),
    Fault("source-missing", ("item-source",), cell(TEXTS, 5, url=None), says=TEXTS, row=5),
    Fault("source-vague", ("item-source",), cell(TEXTS, 6, url="the internet"), says=TEXTS, row=6),
    Fault("source-column-gone", ("item-source",), column(LABELS, "source"), says=LABELS),
    Fault("source-on-this-machine", ("item-source",), cell(TEXTS, 8, url="http://localhost:8000/8"), row=8),
    Fault("source-is-a-path", ("item-source",), cell(TEXTS, 2, url="/home/ada/dump/2.html"), row=2),
    Fault("date-missing", ("item-date",), cell(TEXTS, 11, crawl_date=None), says=TEXTS, row=11),
    Fault("date-in-the-future", ("item-date",), cell(TEXTS, 12, crawl_date="2071-01-01"), says=TEXTS, row=12),
    Fault("date-in-words", ("item-date",), cell(TEXTS, 13, crawl_date="last spring"), says=TEXTS, row=13),
    Fault("date-is-the-epoch", ("item-date",), cell(TEXTS, 14, crawl_date="1970-01-01"), says=TEXTS, row=14),
    Fault("date-column-gone", ("item-date",), column("kites.csv", "date"), base=kites),
    Fault("headers-gone", ("http-headers",), column(TEXTS, "http_headers"), says=TEXTS),
    Fault("headers-lost-in-part", ("http-headers",), column(TEXTS, "http_headers", rows=slice(10, None)), row=11),
    Fault("html-metadata-gone", ("html-metadata",), column(TEXTS, "html_metadata"), says=TEXTS),
    Fault("html-metadata-empty", ("html-metadata",), cell(TEXTS, 2, html_metadata={}), says=TEXTS, row=2),
    Fault("hash-wrong", ("content-hash",), _bad_hash, says=TEXTS, row=5),
    Fault("hash-gone", ("content-hash",), column(LABELS, "sha256"), says=LABELS),
    Fault("hash-cut-off", ("content-hash",), _short_hash, says=TEXTS),
    Fault("hash-shared", ("content-hash",), _same_hash, says=LABELS),
    Fault("text-changed-later", ("content-hash",), cell("kites.csv", 3, text="Another sentence."), base=kites, row=3),
    Fault("id-twice", ("unique-ids",), cell(TEXTS, 20, id="t003"), says=TEXTS, row=20),
    Fault("second-table-lost-columns", ("metadata-preserved",), column(LABELS, "license", "source", "created"), says=LABELS),
    # Preference
    Fault("robots-gone", ("robots",), lambda t: [t.files.pop(n) for n in [*t.files] if n.startswith("robots/")] and None),
    Fault("robots-disallow-an-item", ("robots",), file("robots/www.lamp-makers.net.txt", "User-agent: *\nDisallow: /items/4\n"), says="lamp-makers", row=5),
    Fault("robots-of-one-site-missing", ("robots",), file("robots/www.tidewater-library.info.txt", None), says="tidewater"),
    Fault("robots-refuse-ai-crawlers", ("robots",), file("robots/www.harbour-museum.org.txt", "User-agent: GPTBot\nDisallow: /\n\nUser-agent: *\nDisallow:\n"), says="harbour-museum"),
    Fault("robots-not-looked-at", ("robots",), both(reads("Robots and opt-outs", "We did not look at robots.txt. Opt-out lists were checked on 2026-09-01."), lambda t: [t.files.pop(n) for n in [*t.files] if n.startswith("robots/")] and None)),
    Fault("opt-outs-gone", ("opt-outs",), both(file("opt-outs.csv", None), reads("Robots and opt-outs", "The robots.txt of each site is kept in robots/ and was respected."))),
    Fault("opted-out-address-still-there", ("opt-outs",), cell(TEXTS, 17, url="https://www.lamp-makers.net/items/900.html"), row=17),
    Fault("opted-out-site-still-there", ("opt-outs",), file("opt-outs.csv", "kind,value,source,checked\ndomain,tidewater-library.info,TDM reservation,2026-09-01\n"), row=3),
    Fault("opted-out-author-still-there", ("opt-outs",), cell(TEXTS, 10, author="Ada Keel"), says=TEXTS, row=10),
    Fault("tdm-reserved-in-headers", ("opt-outs",), cell(TEXTS, 19, http_headers={"tdm-reservation": "1"}), row=19),
    Fault("noai-in-headers", ("opt-outs",), cell(TEXTS, 22, http_headers={"X-Robots-Tag": "noai, noimageai"}), row=22),
    Fault("opt-out-dates-gone", ("opt-out-date",), both(file("opt-outs.csv", "kind,value,source\nauthor,Ada Keel,e-mail\n"), reads("Robots and opt-outs", "The robots.txt of each site is kept in robots/ and was respected. The opt-out lists of Spawning were checked."))),
    Fault("opt-outs-checked-tomorrow", ("opt-out-date",), file("opt-outs.csv", "kind,value,source,checked\nauthor,Ada Keel,e-mail,2099-09-01\n")),
    # Sourcing
    Fault("no-reason-for-sources", ("source-reasons",), without("Why each source was chosen")),
    Fault("a-source-without-reason", ("source-reasons",), cell(TEXTS, 16, url="https://www.other-attic.org/16.html"), says="other-attic"),
    Fault("acquisition-untold", ("acquisition",), without("Collection process")),
    Fault("acquisition-to-be-written", ("acquisition",), reads("Collection process", "[More Information Needed]")),
    Fault("crawler-not-there", ("acquisition-code",), file("scripts/crawl.py", None), says="scripts/crawl.py"),
    Fault("no-code", ("acquisition-code",), both(without("Code"), file("scripts/crawl.py", None), file("scripts/filter.py", None))),
    Fault("generator-gone", ("synthetic",), column(LABELS, "generator"), says=LABELS),
    Fault("seed-missing", ("synthetic",), cell(LABELS, 3, seed=None), says=LABELS, row=3),
    Fault("prompt-missing", ("synthetic",), cell(LABELS, 5, prompt=""), says=LABELS, row=5),
    Fault("language-is-no-tag", ("languages",), front(language=["english-british"])),
    Fault("language-untold", ("languages",), front(language=None)),
    Fault("bulk-translation", ("translation",), _all_translated, says=TEXTS),
    Fault("purpose-untold", ("fitness",), both(reads("Motivation", "Made in 2026."), without("Intended uses"))),
    Fault("religion-of-people", ("sensitive",), _religion, says="religion"),
    Fault("sensitive-untold", ("sensitive",), without("Sensitive data")),
    Fault("nothing-given-back", ("commons",), without("Giving back")),
    Fault("contributing-untold", ("commons",), without("Contributing"), base=kites),
    # Processing
    Fault("filters-without-reason", ("filter-reasons",), reads("Preprocessing and filters", "Pages were filtered.")),
    Fault("filters-untold", ("filter-reasons",), without("Preprocessing and filters")),
    Fault("filter-script-not-there", ("filter-code",), file("scripts/filter.py", None), says="scripts/filter.py"),
    Fault("workers-untold", ("data-workers",), without("People who worked on it")),
    Fault("workers-to-do", ("data-workers",), reads("People who worked on it", "TODO")),
    Fault("harm-untold", ("harmful",), without("Harmful content")),
    Fault("filter-bias-untold", ("filter-bias",), without("What the filters lose")),
    Fault("an-e-mail-address", ("pii-email",), written(15, "Ask jonas.keel@pier-nine.org for it."), says=TEXTS, row=15),
    Fault("an-e-mail-address-in-words", ("pii-email",), written(18, "Ask jonas.keel (at) pier-nine (dot) org."), row=18),
    Fault("an-e-mail-address-as-author", ("pii-email",), cell(TEXTS, 21, author="a.keel@lamp-makers.net"), row=21),
    Fault("a-telephone-number-abroad", ("pii-phone",), written(2, "Ring +44 20 7946 1234 after six."), says=TEXTS, row=2),
    Fault("a-telephone-number-at-home", ("pii-phone",), written(23, "Phone: (212) 736-5000."), says=TEXTS, row=23),
    Fault("a-payment-card", ("pii-other",), written(6, "Paid with 4539 1488 0343 6467."), says=TEXTS, row=6),
    Fault("an-address-of-a-machine", ("pii-other",), written(8, "Posted from IP 93.184.216.34."), says=TEXTS, row=8),
    Fault("no-datasheet", ("datasheet",), lambda t: t.datasheet.clear()),
    Fault("datasheet-without-maintenance", ("datasheet",), without("Maintenance"), says="aintenance"),
    Fault("no-card", ("card",), gone("README.md")),
    Fault("card-without-front-matter", ("card",), lambda t: t.front.clear(), base=kites),
    Fault("front-matter-broken", ("card",), after(_front_broken), says="README.md"),
    # Governance
    Fault("communities-untold", ("communities",), without("Communities")),
    Fault("no-removal", ("removal",), without("Removal")),
    Fault("removal-without-address", ("removal",), reads("Removal", "Texts are taken out when their authors ask for it.")),
    Fault("removal-refused", ("removal",), reads("Take-down requests", "Nothing will be removed, see https://kites.example-archive.org."), base=kites),
    Fault("no-lookup", ("lookup",), without("Is my work in it?")),
    Fault("no-search", ("lookup",), without("Search"), base=kites),
    Fault("no-version", ("versioning",), both(front(version=None), without("Versions"), file("CHANGELOG.md", None))),
    Fault("newest-version-untold", ("versioning",), without("Versioning"), base=kites),
    Fault("changelog-behind", ("same-version", "versioning"), file("CHANGELOG.md", "# Changelog\n\n## 1.1.0\n\nLabels added.\n"), says="CHANGELOG.md"),
    Fault("versions-differ", ("same-version",), croissant(lambda c: c.update(version="1.0.9")), says="1.0.9"),
    Fault("gating-untold", ("gated",), reads("Distribution", "On the archive's site and on the hub.")),
    Fault("no-croissant", ("croissant",), lambda t: setattr(t, "croissant", None)),
    Fault("croissant-is-no-json", ("croissant",), raw("croissant.json", '{"@type": "sc:Dataset", ')),
    Fault("croissant-without-distribution", ("croissant",), croissant(_drop_distribution)),
    Fault("croissant-dangling", ("croissant",), croissant(_dangling)),
    Fault("croissant-of-no-type", ("croissant",), croissant(lambda c: c.update({"@type": "sc:Thing"}))),
    Fault("croissant-names-a-ghost", ("croissant-true",), croissant(_ghost), says="ghost"),
    Fault("croissant-hash-wrong", ("croissant-true",), croissant(_wrong_sha), says=TEXTS),
    Fault("croissant-column-wrong", ("croissant-true",), croissant(_no_columns), says="paragraph"),
    Fault("croissant-licence-differs", ("croissant-true",), croissant(lambda c: c.update(license="https://spdx.org/licenses/MIT")), says="MIT"),
    # Terms
    Fault("dataset-licence-is-none", ("licence",), front(license="open")),
    Fault("dataset-licence-other", ("licence",), front(license="other")),
    Fault("licence-text-gone", ("licence-text",), file("LICENSE", None)),
    Fault("licence-text-of-another", ("licence-text",), file("LICENSE", "MIT License\n\nPermission is hereby granted, free of charge, to any person\n")),
    Fault("parts-relicensed", ("relicensing",), _half_relicensed, row=1),
    Fault("non-commercial-part-freed", ("relicensing",), both(cell("kites.csv", 4, license="CC-BY-NC-4.0")), base=kites, row=4),
    Fault("public-domain-bound", ("public-domain",), both(reads("Licence", "The collection is under CC-BY-4.0."), reads("Distribution", "On the hub. Nobody asked for gated access. Every text, those in the public domain too, may only be used with credit."))),
    Fault("terms-beyond-the-law", ("terms-enforceable",), file("TERMS.md", "# Terms\n\nBy downloading you agree never to criticise the archive, nor to use the data for anything that we dislike.\n"), says="TERMS.md"),
    Fault("terms-unreadable", ("terms-readable",), both(without("The licence in plain words"), front(license="licenseref-harbour"), file("LICENSE", "The party of the first part, hereinafter the Licensor, notwithstanding any provision to the contrary contained herein, grants, subject to the conditions precedent enumerated infra, to the party of the second part a non-transferable entitlement.\n"))),
    Fault("terms-home-made", ("terms-standard",), both(front(license="licenseref-harbour"), file("LICENSE", "Harbour licence: be kind.\n"))),
    Fault("uses-untold", ("intended-uses",), both(without("Intended uses"), reads("Uses", "See the card."))),
    # Release
    Fault("tier-untold", ("openness",), both(front(openness=None), without("Openness"))),
    Fault("tier-too-high", ("openness",), cell(TEXTS, 18, license="CC-BY-NC-4.0"), says=TEXTS, row=18),
    Fault("tier-too-high-no-derivatives", ("openness",), cell("kites.csv", 9, license="CC-BY-ND-4.0"), base=kites, row=9),
    Fault("tension-untold", ("tension",), without("Reproducibility and opt-outs")),
    Fault("error-rate-untold", ("licence-errors",), without("How often licences are wrong")),
    Fault("error-rate-without-number", ("licence-errors",), reads("Licence errors", "Licences were checked with care."), base=kites),
    Fault("checksums-wrong", ("checksums",), after(_wrong_sum), says="LICENSE"),
    Fault("checksums-and-hashes-gone", ("checksums",), both(lambda t: setattr(t, "sign", False), lambda t: setattr(t, "croissant", None))),
    Fault("steps-untold", ("replicable",), both(without("Collection process", "Code", "Preprocessing and filters"), file("scripts/crawl.py", None), file("scripts/filter.py", None))),
)  # fmt: skip

OPEN = tuple(f for f in FAULTS if not f.held)
HELD = tuple(f for f in FAULTS if f.held)
