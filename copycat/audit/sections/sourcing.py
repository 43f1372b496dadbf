"""Sourcing: why these sources, how the data was had, by what right, and how good it is for its purpose."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from copycat.audit.absent import without_rows
from copycat.audit.code import acquisition_code
from copycat.audit.dataset import Dataset
from copycat.audit.item import Item, Section
from copycat.audit.licences import read_licence
from copycat.audit.results import Evidence, Outcome, failed, not_applicable, passed, unknown
from copycat.audit.roles import is_filled
from copycat.audit.told import Topic, pattern, said, sentence_with

_REASON = (
    r"\b(?:because|since|so that|in order to|as (?:they|it|these|we)|reason\w*|due to|therefore|for being"
    r"|to (?:avoid|test|learn|keep|have)|the only|chosen|selected|suited|fit(?:s|ting)?)\b"
)
SOURCES = Topic(
    "why each source was chosen",
    pattern(
        r"\bsources?\b[^#]*\b(?:chosen|selected|selection|rationale|choice|why)\b",
        r"\b(?:why|choice|selection|rationale|reasons?)\b.*\b(?:sources?|data)\b",
        r"curation rationale",
        r"^(?:data )?sources?$|source data|data sources",
    ),
    pattern(r"\bsources?\b[^.]{0,80}\b(?:chosen|selected|picked)\b[^.]*\b(?:because|since|for|as|so)\b"),
    needs=pattern(_REASON),
    lacking="it gives no reason",
)
ACQUISITION = Topic(
    "how the data was acquired",
    pattern(
        r"collect(?:ion|ed|ing)\b",
        r"acqui",
        r"\bhow\b.*\b(?:made|gathered|obtained|built|collected|came)\b",
        r"crawl",
        r"data generation",
    ),
)
PURPOSE = Topic(
    "for what purpose it is fit",
    pattern(r"motivation|purpose|rationale|why\b.*\b(?:made|created|exists?)|intended"),
    pattern(
        r"\bfit(?:s|ness)? for\b|(?<!any )(?<!all )(?<!every )(?<!no )\bpurpose\b|\bmeant (?:for"
        r"|to)\b|\bin order to\b"
    ),
    needs=pattern(r"\b(?:purpose|meant|because|so that|in order to|needed|to (?!20)\w+|for (?!20)\w+)\b"),
    lacking="it names no purpose",
)
SENSITIVE = Topic(
    "how sensitive data was kept out",
    pattern(r"sensitive|privacy|personal (?:data|information)"),
    pattern(
        r"\bsensitive\b[^.]*\b(?:avoid\w*|left out|kept out|excluded|removed|none|not|no)\b",
        r"\bno sensitive\b",
    ),
)
COMMONS = Topic(
    "how improvements go back to the commons",
    pattern(r"giving back|contribut|improvements|commons|feedback|upstream"),
    pattern(
        r"\b(?:improvements?|corrections?|fixes|errors)\b[^.]*\b(?:back|upstream|returned|reported "
        r"to|welcome|contributed)\b"
    ),
)
TRANSLATION = pattern(
    r"machine[- ]translat\w+|translated (?:by|with) (?:a )?(?:machine|model)|automatic translation"
)
NEGATED = pattern(
    r"\b(?:no|not|never|none|without|nothing)\b[^.]{0,60}translat|translat[^.]{0,40}\b(?:not|never|none)\b"
)
_UNTOLD = re.compile(r"^\W*(?:unknown|none|n/?a|\?+)\W*$|\bnot (?:recorded|known)\b|\bunrecorded\b", re.I)
"""What stands for a generator, prompt or seed and tells none."""
_TAG = re.compile(
    r"[A-Za-z]{2,3}(?:-[A-Za-z]{3})?(?:-[A-Z][a-z]{3})?(?:-(?:[A-Za-z]{2}|\d{3}))?(?:-[\w]{5,8})*"
)
_WORDS = frozenset(["code", "multilingual"])
_PERSONAL = re.compile(
    r"(?:^|[._])(?:religio\w*|ethnic\w*|race|racial\w*|sexual\w*|orientation|health\w*"
    r"|diagnos\w*|disabilit\w*|politic\w*|ssn|"
    r"social_security\w*|passport\w*|union_member\w*|biometric\w*|genetic\w*|criminal\w*"
    r"|conviction\w*|iban|salary|income)$",
    re.I,
)
_MOST_HOSTS = 50
"""Sites up to which each has to be spoken of by name."""


def _source_reasons(dataset: Dataset) -> Outcome:
    outcome = said(dataset, SOURCES)
    if outcome.status != "pass":
        return outcome
    hosts: dict[str, Evidence] = {}
    for e in dataset.entries:
        if e.crawled:
            hosts.setdefault(e.host.removeprefix("www."), e.evidence(e.get("source")))
    if not hosts or len(hosts) > _MOST_HOSTS:
        return outcome
    text = " ".join(d.text for d in dataset.documents).lower()
    unnamed = [
        Evidence(file=e.file, row=e.row, found=f"{host} is not spoken of")
        for host, e in hosts.items()
        if host not in text and ".".join(host.split(".")[-2:]) not in text
    ]
    if unnamed:
        return failed(f"Nothing is said of {len(unnamed)} of {len(hosts)} sites.", *unnamed)
    return outcome


def _permission(dataset: Dataset) -> Outcome:
    if (none := without_rows(dataset)) is not None:
        return none
    wrong, unsure = list[Evidence](), list[Evidence]()
    for e in dataset.entries:
        if e.flag("permission") is True:
            continue
        licence = read_licence(e.get("licence")) if e.get("licence") is not None else None
        gives = licence.gives_permission if licence else False
        if gives is False:
            wrong.append(e.evidence(e.get("licence") or "no licence and no permission"))
        elif gives is None:
            unsure.append(e.evidence(e.get("licence")))
    n = len(dataset.entries)
    if wrong:
        return failed(f"Nothing says of {len(wrong):,} of {n:,} items that they may be used.", *wrong)
    if unsure:
        return unknown(f"What the licences of {len(unsure):,} items permit is not known here.", *unsure)
    return passed(f"A licence or permission is there for all {n:,} items that were read.")


def _synthetic(dataset: Dataset) -> Outcome:
    if (none := without_rows(dataset)) is not None:
        return none
    made = [e for e in dataset.entries if e.synthetic]
    if not made:
        return not_applicable("No item says that a program made it.")
    lacking = [
        e.evidence(f"no {role}")
        for e in made
        for role in ("generator", "prompt", "seed")
        if e.get(role) is None or _UNTOLD.search(str(e.get(role)))
    ]
    if lacking:
        return failed(f"{len(lacking):,} things are missing of {len(made):,} synthetic items.", *lacking)
    return passed(f"All {len(made):,} synthetic items name generator, prompt and seed.")


def _languages(dataset: Dataset) -> Outcome:
    value: Any = dataset.front.get("language", dataset.front.get("languages"))
    tags = value if isinstance(value, list) else [value] if is_filled(value) else []
    where = dataset.card.file if dataset.card else ""
    if not tags:
        return failed(
            "The card's front matter names no language.", Evidence(file=where, found="no `language`")
        )
    wrong = [t for t in tags if not (isinstance(t, str) and (_TAG.fullmatch(t) or t in _WORDS))]
    if wrong:
        return failed("Languages are not named by their tags (BCP 47).", *_found(where, wrong))
    return passed("Languages are named by their tags.", *_found(where, tags))


def _found(where: str, values: Sequence[Any]) -> list[Evidence]:
    return [Evidence(file=where, found=str(v)) for v in values]


def _translation(dataset: Dataset) -> Outcome:
    flags = [(e, f) for e in dataset.entries if (f := e.flag("translated")) is not None]
    bulk = [e.evidence("translated") for e, f in flags if f]
    if len(bulk) * 2 > len(flags):
        return failed(f"{len(bulk):,} of {len(flags):,} items are machine translations.", *bulk)
    denied = sentence_with(dataset, NEGATED)
    if flags:
        return passed(f"A column says so of each item; {len(bulk):,} of {len(flags):,} are translated.")
    if denied:
        return passed("It says that nothing was machine translated.", denied)
    claimed = sentence_with(dataset, TRANSLATION)
    if claimed:
        return unknown(
            "It speaks of machine translation; how much of it is translated is not marked.", claimed
        )
    return not_applicable("Nothing speaks of translation.")


def _sensitive(dataset: Dataset) -> Outcome:
    columns = [
        Evidence(file=t.file, found=f"column {c}")
        for t in dataset.tables
        for c in t.columns
        if _PERSONAL.search(c) and any(is_filled(cells.get(c)) for _, cells in t.rows)
    ]
    if columns:
        return failed("Columns hold what is sensitive about people.", *columns)
    return said(dataset, SENSITIVE)


def _commons(dataset: Dataset) -> Outcome:
    guide = next((f for f in dataset.files if f.lower().rpartition("/")[2].startswith("contributing")), None)
    if guide:
        return passed("A guide says how to contribute.", Evidence(file=guide))
    return said(dataset, COMMONS)


def acquisition(dataset: Dataset) -> Outcome:
    """Whether it says how the data was acquired."""
    return said(dataset, ACQUISITION)


def is_unfiltered(dataset: Dataset) -> Evidence | None:
    """Where it says that nothing was filtered."""
    return sentence_with(
        dataset,
        pattern(
            r"\bno (?:further |other )?filter(?:s|ing)?\b(?! bias| list)",
            r"\b(?:nothing|none) (?:was|were) filtered\b",
            r"\bunfiltered\b",
        ),
    )


SECTION = Section(
    "sourcing",
    "Sourcing",
    3,
    (
        Item(
            "source-reasons",
            "It says why each source was chosen",
            "Write a section “Why each source was chosen”, with every site.",
            _source_reasons,
        ),
        Item(
            "acquisition",
            "It says how the data was acquired",
            "Write a section “Collection process”.",
            acquisition,
        ),
        Item(
            "acquisition-code",
            "The code that acquired the data is shared",
            "Link the scripts in the card, or put them beside the data.",
            acquisition_code,
        ),
        Item(
            "permission",
            "Every item may be used: it has a licence that permits it, or a permission",
            "Leave out what nobody permitted.",
            _permission,
        ),
        Item(
            "synthetic",
            "Synthetic items name generator, prompt and seed",
            "Add columns `generator`, `prompt` and `seed`.",
            _synthetic,
        ),
        Item(
            "languages",
            "Languages are named by their tags",
            "Write `language: [en]` into the front matter.",
            _languages,
        ),
        Item(
            "translation",
            "It is not for the most part machine translated",
            "Prefer texts that were written in the language; mark translations.",
            _translation,
        ),
        Item(
            "fitness",
            "It says for what purpose it is fit",
            "Say in “Motivation” what it is for, and why it suffices for that.",
            lambda d: said(d, PURPOSE),
        ),
        Item(
            "sensitive",
            "Sensitive data was kept out from the start",
            "Say in “Sensitive data” how; take out columns about health, religion and the like.",
            _sensitive,
        ),
        Item(
            "commons",
            "Improvements go back to the commons",
            "Say how corrections come back to everybody, or add CONTRIBUTING.md.",
            _commons,
        ),
    ),
)
