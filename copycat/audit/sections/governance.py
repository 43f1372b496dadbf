"""Governance: whom the data concerns, how they find and remove what is theirs, versions, and Croissant."""

from __future__ import annotations

import re
from typing import Any

from copycat.audit.croissant import invalid, untrue
from copycat.audit.dataset import Dataset
from copycat.audit.item import Item, Section
from copycat.audit.results import Evidence, Outcome, failed, passed, unknown
from copycat.audit.told import Topic, pattern, said
from copycat.errors import MissingRequirement

_REACHABLE = pattern(r"[\w.+-]+@[\w-]+\.[\w.]+", r"https?://", r"\]\([^)]+\)", r"`[^`]+`")
COMMUNITIES = Topic(
    "whom it concerns and how they were involved",
    pattern(r"communit|stakeholder|participat|consult|people concerned"),
    pattern(
        r"\b(?:communit\w+|guild|union|stakeholders?|people (?:it|they) concern\w*|rights "
        r"?holders)\b[^.]*\b(?:asked|consulted|involved|agreed|invited)\b"
    ),
    denials=pattern(
        r"\b(?:communit\w+|owners|artists|stakeholders?|people|nobody|they|rights ?holders)\b[^.]{0,60}"
        r"\b(?:not|never|nobody was)\b[^.]{0,20}\b(?:asked|consulted|involved)\b"
    ),
)


REMOVAL = Topic(
    "how something is removed, and where one asks for it",
    pattern(r"remov(?:al|e|ing)|take-?downs?|redress|delet(?:ion|e|ing)|complain"),
    pattern(
        r"\b(?:remov\w+|take[- ]?down|delet\w+)\b[^.]*\b(?:request\w*|write|contact|ask|open|issue)\b",
        r"\b(?:write|contact|ask|open)\b[^.]*\b(?:remov\w+|take[- ]?down|delet\w+)\b",
    ),
    needs=_REACHABLE,
    lacking="there is no address to turn to",
    denials=pattern(
        r"\b(?:nothing|none|no (?:item|text|work|picture)s?)\b[^.]{0,20}\b(?:removed|deleted|taken "
        r"(?:out|down))\b",
        r"\b(?:do|does|will|can) ?not (?:be )?(?:remove|delete|take down)",
    ),
)
LOOKUP = Topic(
    "how one finds out whether one's own work is in it",
    pattern(r"\bis my\b|\bmy work\b|look-?\s?up|\bsearch\b|\bam i in\b|find your"),
    pattern(r"\b(?:search|look(?:ed)? up|look-?up|find out)\b[^.]*\b(?:whether|work|name|address)\b"),
    needs=_REACHABLE,
    lacking="there is no page or command to look with",
)
NEWEST = Topic(
    "which version to use",
    pattern(r"^$a"),
    pattern(
        r"\b(?:newest|latest|most recent|current|up[- ]to[- ]date)\b[^.]{0,40}\bversions?\b",
        r"\bversions?\b[^.]{0,40}\b(?:newest|latest|most recent)\b",
    ),
)
GATED = Topic(
    "whether anybody asked for gated access, and how access is given",
    pattern(r"^access\b|gated|access (?:control|conditions)"),
    pattern(
        r"\bgated\b",
        r"\baccess (?:is|are) (?:open|on request|given|granted|restricted)\b",
        r"\brequest access\b",
    ),
    least=3,
)
_HEAD = re.compile(r"^(?:#+\s*)?\[?v?(\d+(?:\.\d+)+[\w.-]*)\]?", re.M)


def versions(dataset: Dataset) -> list[Evidence]:
    """Every place that names the version of the data, with what it says."""
    found = []
    if dataset.card and dataset.front.get("version"):
        found.append(Evidence(file=dataset.card.file, found=_version(dataset.front["version"])))
    if dataset.croissant and isinstance(dataset.croissant[1], dict) and dataset.croissant[1].get("version"):
        found.append(Evidence(file=dataset.croissant[0], found=_version(dataset.croissant[1]["version"])))
    if dataset.citation.get("version"):
        found.append(Evidence(file="CITATION.cff", found=_version(dataset.citation["version"])))
    if dataset.changes and (head := _HEAD.search(dataset.changes[1])):
        found.append(Evidence(file=dataset.changes[0], found=_version(head[1])))
    return found


def _version(value: Any) -> str:
    return str(value).strip().removeprefix("v")


def _versioning(dataset: Dataset) -> Outcome:
    named = versions(dataset)
    if not named:
        return failed("Nothing names a version.")
    newest = said(dataset, NEWEST)
    if newest.status != "pass":
        return failed("It has a version, and does not tell users to take the newest.", *named)
    if dataset.changes is None:
        return failed("It has a version, and no list of changes.", *named)
    return passed(f"Its version is {named[0].found}, and users are told to take the newest.", *named)


def _same_version(dataset: Dataset) -> Outcome:
    named = versions(dataset)
    if len(named) < 2:
        return unknown("Fewer than two places name a version, so they cannot be compared.", *named)
    if len({e.found for e in named}) > 1:
        told = ", ".join(f"{e.file} says {e.found}" for e in named)
        return failed(f"Places name different versions: {told}.", *named)
    return passed(f"All {len(named)} places name the version {named[0].found}.", *named)


def _gated(dataset: Dataset) -> Outcome:
    if "extra_gated_prompt" in dataset.front or "gated" in dataset.front:
        return passed(
            "The card says how access is given.", Evidence(file=dataset.card.file if dataset.card else "")
        )
    return said(dataset, GATED)


def _croissant(dataset: Dataset) -> Outcome:
    if dataset.croissant is None:
        return failed("There is no croissant.json.")
    file, body = dataset.croissant
    if body is None:
        return failed("It is no JSON.", Evidence(file=file))
    try:
        wrong = invalid(dataset.path / file, body)
    except MissingRequirement:
        return unknown(
            "Checking it needs the package mlcroissant: install `mlcroissant>=1.1`.", Evidence(file=file)
        )
    if wrong:
        return failed("It is no valid Croissant.", *(Evidence(file=file, found=w) for w in wrong))
    return passed("It is valid Croissant, as mlcroissant reads it.", Evidence(file=file))


def _croissant_true(dataset: Dataset) -> Outcome:
    if dataset.croissant is None or not isinstance(dataset.croissant[1], dict):
        return failed("There is no description in Croissant that could be compared with the files.")
    wrong = untrue(dataset)
    if wrong:
        return failed("The description is not true of what is there.", *wrong)
    return passed("Files, hashes, columns and licence are as it says.", Evidence(file=dataset.croissant[0]))


SECTION = Section(
    "governance",
    "Governance",
    5,
    (
        Item(
            "communities",
            "Those whom it concerns were involved",
            "Say whom it concerns, and how they were asked.",
            lambda d: said(d, COMMUNITIES),
        ),
        Item(
            "removal",
            "There is a way to have something removed",
            "Say where one asks for it, with an address, and what then happens.",
            lambda d: said(d, REMOVAL),
        ),
        Item(
            "lookup",
            "Everybody can look up whether their work is in it",
            "Give a page or a command that finds a name or an address.",
            lambda d: said(d, LOOKUP),
        ),
        Item(
            "versioning",
            "It has versions, and users are told to take the newest",
            "Write `version` into the card, keep CHANGELOG.md, and say “use the newest version”.",
            _versioning,
        ),
        Item(
            "same-version",
            "All places name the same version",
            "Bring card, Croissant, CITATION.cff and CHANGELOG.md to one version.",
            _same_version,
        ),
        Item(
            "gated",
            "It says whether access is gated where subjects ask for that",
            "Say whether anybody asked, and how access is given.",
            _gated,
        ),
        Item(
            "croissant",
            "Its description in Croissant is valid",
            "Make croissant.json, and check it with mlcroissant.",
            _croissant,
        ),
        Item(
            "croissant-true",
            "Its description in Croissant is true of the files",
            "Make croissant.json anew from the files.",
            _croissant_true,
        ),
    ),
)
