"""Release: how open it is, how sure its licences are, and whether somebody could make it again."""

from __future__ import annotations

import re

from copycat.audit.code import acquisition_code
from copycat.audit.croissant import has_hashes, untrue_files
from copycat.audit.dataset import Dataset
from copycat.audit.item import Item, Section
from copycat.audit.results import Evidence, Outcome, failed, passed, unknown
from copycat.audit.sections.processing import FILTERS
from copycat.audit.sections.sourcing import acquisition, is_unfiltered
from copycat.audit.sections.terms import dataset_licence, part_licences
from copycat.audit.told import Topic, pattern, said, sentence_with, told

OPEN, DOWNLOADABLE, REPLICABLE, CLOSED = "openly licensed", "open access", "replicable", "closed"
TIERS = (OPEN, DOWNLOADABLE, REPLICABLE, CLOSED)
"""From most open to least (Baack et al. 2025): every part is free to use, change and share; everybody can
download it; sources and steps are told; none of these."""
_NAMES = (
    (OPEN, pattern(r"open(?:ly)?[- _]licen[cs]ed")),
    (DOWNLOADABLE, pattern(r"open[- _]access|downloadable|publicly available")),
    (REPLICABLE, pattern(r"replicable|reproducible only")),
    (CLOSED, pattern(r"^closed$")),
)
TENSION = Topic(
    "how reproducibility and opt-outs are reconciled",
    pattern(r"reproduc\w*\b.*\b(?:opt|remov|version)|opt[- ]?outs?\b.*\breproduc"),
    pattern(
        r"\breproduc\w*\b[^.]*\b(?:opt(?:s|ed)?[- ]?outs?|remov\w+|delet\w+)\b|\b(?:opt[- ]?outs?"
        r"|removed|deleted)\b[^.]*\b(?:reproduc\w*|rebuilt|cannot be (?:made|fetched) again)\b"
    ),
)
ERRORS = Topic(
    "how often its licences are wrong",
    pattern(r"licen[cs]e\b.*\b(?:error|wrong)|\berror rate|how often\b.*\blicen"),
    pattern(
        r"\blicen[cs]es?\b[^.]*\b(?:error rate|wrong|incorrect|mislabell?ed)\b|\berror rate\b[^.]*\blicen"
    ),
    needs=re.compile(r"\d"),
    lacking="there is no number",
)
_SUMS = re.compile(r"(?:^|/)(?:sha256sums?|checksums?|md5sums?|[\w.-]+\.sha256)(?:\.txt)?$", re.I)


def declared_tier(dataset: Dataset) -> tuple[str, Evidence | None]:
    """The tier that the data set claims, with where; empty where it claims none."""
    value = next(
        (dataset.front[k] for k in ("openness", "openness_tier", "tier") if k in dataset.front), None
    )
    if value is not None and dataset.card:
        tier = next((t for t, words in _NAMES if words.search(str(value))), "")
        return tier, Evidence(file=dataset.card.file, found=f"openness: {value}")
    for part in dataset.parts:
        if re.search(r"openness|\btier\b", part.heading, re.I):
            tier = next((t for t, words in _NAMES if words.search(part.text)), "")
            if tier:
                return tier, Evidence(file=part.file, found=part.text[:100])
    return "", None


def derived_tier(dataset: Dataset) -> tuple[str, list[Evidence]]:
    """The tier that its parts' licences make of it, and what keeps it from being openly licensed."""
    whole = dataset_licence(dataset)
    parts = part_licences(dataset)
    licensed = {(e.file, e.row) for e, _ in parts}
    unlicensed = [
        e.evidence("no licence that SPDX knows") for e in dataset.entries if (e.file, e.row) not in licensed
    ]
    closed = [e.evidence(p.expression) for e, p in parts if not p.open]
    if whole and whole.open and not closed and not unlicensed and dataset.entries:
        return OPEN, []
    own = (
        []
        if whole and whole.open
        else [
            Evidence(
                file=dataset.card.file if dataset.card else "", found="the licence of the whole is not open"
            )
        ]
    )
    against = [*closed, *unlicensed, *own]
    if dataset.entries or dataset.left:
        return DOWNLOADABLE, against
    return (REPLICABLE if replicable(dataset).status == "pass" else CLOSED), against


def _openness(dataset: Dataset) -> Outcome:
    declared, where = declared_tier(dataset)
    derived, against = derived_tier(dataset)
    if not declared:
        told = f"No tier of openness is declared; the licences of its parts make it {derived}."
        return failed(told, *([where] if where else []), *against)
    if dataset.left and not dataset.entries:
        return unknown(
            f"It declares {declared}; its tables were too large to be fetched.", *([where] if where else [])
        )
    if TIERS.index(declared) < TIERS.index(derived):
        return failed(f"It declares {declared}, and the licences of its parts make it {derived}.", *against)
    return passed(
        f"It declares {declared}, and the licences of its parts make it {derived}.",
        *([where] if where else []),
    )


def _licence_errors(dataset: Dataset) -> Outcome:
    found = dataset.licence_errors
    if found is not None:
        if found.rate is None or found.low is None or found.high is None:
            return failed("No item of the labelled sample was found in it, so nothing could be measured.")
        return passed(
            f"{found.wrong} of {found.checked} licences of the labelled sample are wrong: {found.rate:.1%} "
            f"(95 % interval {found.low:.1%} to {found.high:.1%}).",
            *found.evidence,
        )
    return said(dataset, ERRORS)


def replicable(dataset: Dataset) -> Outcome:
    """Whether somebody else could make it again: sources, steps and code are told."""
    steps = {
        "how it was acquired": acquisition(dataset).status == "pass",
        "the code": acquisition_code(dataset).status == "pass",
        "the filters": told(dataset, FILTERS).part is not None or is_unfiltered(dataset) is not None,
    }
    lacking = [name for name, there in steps.items() if not there]
    if lacking:
        return failed(f"It could not be made again: it does not tell {', '.join(lacking)}.")
    return passed("Acquisition, code and filters are told, so that it could be made again.")


def _checksums(dataset: Dataset) -> Outcome:
    listed = next((f for f in dataset.files if _SUMS.search(f)), None)
    if listed is None:
        if has_hashes(dataset):
            untrue = untrue_files(dataset)
            if untrue:
                return failed("The hashes in the description in Croissant are not true.", *untrue)
            return passed("The description in Croissant has hashes of its files, which are true.")
        if dataset.revision:
            return passed(f"The hub keeps its files under the commit {dataset.revision}.")
        return failed("No file lists checksums.")
    wrong, good = list[Evidence](), 0
    for number, line in enumerate(dataset.text(listed).splitlines(), 1):
        match = re.fullmatch(r"([0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64})[ \t]+\*?(.+)", line.strip())
        if match is None or match[2] in dataset.left:
            continue
        name = match[2].removeprefix("./")
        if name not in dataset.files:
            wrong.append(Evidence(file=listed, row=number, found=f"{name} is not there"))
            continue
        algorithm = {32: "md5", 40: "sha1", 64: "sha256"}[len(match[1])]
        digest = dataset.digest(name, algorithm)
        if digest == match[1].lower():
            good += 1
        else:
            why = f"has another {algorithm}" if digest else "cannot be read"
            wrong.append(Evidence(file=listed, row=number, found=f"{name} {why}"))
    if wrong:
        return failed(f"{len(wrong):,} checksums are not true.", *wrong)
    if not good:
        return failed("The list of checksums names no file.", Evidence(file=listed))
    return passed(f"All {good:,} checksums are true.", Evidence(file=listed))


def _tension(dataset: Dataset) -> Outcome:
    outcome = said(dataset, TENSION)
    if outcome.status == "pass":
        return outcome
    both = sentence_with(
        dataset, pattern(r"(?=.*\b(?:reproduc\w*|rebuil\w*))(?=.*\bopt(?:s|ed)?[- ]?outs?\b)")
    )
    return passed(f"It says {TENSION.what}.", both) if both else outcome


SECTION = Section(
    "release",
    "Release",
    7,
    (
        Item(
            "openness",
            "It declares a tier of openness that its parts bear out",
            "Write `openness: openly licensed`, `open access` or `replicable` into the front matter.",
            _openness,
        ),
        Item(
            "tension",
            "It says how reproducibility and opt-outs are reconciled",
            "Say what happens to older versions when something is taken out.",
            _tension,
        ),
        Item(
            "licence-errors",
            "It says how often its licences are wrong",
            "Check a sample by hand, and measure it with `copycat audit --sample`.",
            _licence_errors,
        ),
        Item(
            "checksums",
            "Files have checksums, which are true",
            "Add SHA256SUMS, or hashes to croissant.json.",
            _checksums,
        ),
        Item(
            "replicable",
            "Sources, steps and code are told, so that it could be made again",
            "Tell the three.",
            replicable,
        ),
    ),
)
