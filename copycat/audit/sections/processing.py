"""Processing: filters and their reasons, people who did the work, harm, personal data, card and datasheet."""

from __future__ import annotations

from copycat.audit.absent import without_rows
from copycat.audit.code import filter_code
from copycat.audit.dataset import Dataset
from copycat.audit.item import Item, Section
from copycat.audit.pii import Kind, knows_phones
from copycat.audit.results import Evidence, Outcome, failed, not_applicable, passed, unknown
from copycat.audit.sections.sourcing import is_unfiltered
from copycat.audit.told import Topic, pattern, said

_WHY = pattern(
    r"\b(?:because|since|so that|in order to|reason\w*|as (?:they|it|these|we)|to avoid|due to"
    r"|for being|would|therefore)\b"
)
FILTERS = Topic(
    "why each filter was applied",
    pattern(r"filter|pre-?process|clean|dedup|processing|curation"),
    pattern(
        r"\b(?:was|were|are|is|we) (?:filtered|dropped|removed|excluded"
        r"|discarded)\b[^.]*\b(?:because|since|so that|to avoid|as they)\b"
    ),
    needs=_WHY,
    lacking="it gives no reason",
)
WORKERS = Topic(
    "who did the work, on which terms and by which guidelines",
    pattern(
        r"annotat|workers?\b|people|crowd|labou?r|who (?:made|was|were|worked|collected)|raters"
        r"|curators|staff"
    ),
    pattern(
        r"\b(?:annotators?|workers?|raters?|labell?ers?|staff|volunteers|crowd\w*)\b[^.]*\b(?:paid"
        r"|pay|wage|tariff|hired|recruited|guidelines|volunteer\w*)\b",
        r"\bno (?:annotators|data workers|crowd ?workers)\b",
    ),
)
HARM = Topic(
    "how harmful content was filtered or marked",
    pattern(r"harm|toxic|offens|nsfw|unsafe|safety|hate"),
    pattern(r"\b(?:harmful|toxic\w*|offensive|nsfw|hateful|hate speech|slurs|violen\w+|sexual content)\b"),
)
FILTER_BIAS = Topic(
    "what filters take out more often than they should",
    pattern(
        r"(?:filters?|selection)\b.*\b(?:los\w+|bias\w*|remov\w+|effect\w*|cost\w*|tak\w+)",
        r"\bbias(?:es)?\b.*\bfilter",
        r"over-?removal",
    ),
    pattern(
        r"\bfilter\w*\b[^.]*\b(?:bias\w*|over-?remov\w+|more often|disproportion\w*"
        r"|under-?represent\w*|false positives?)\b",
        r"\bblock ?lists?\b[^.]*\b(?:remov|bias|minorit)\w*",
        r"\bno filter bias\b",
    ),
)
_SECTIONS = {
    "motivation": r"motivation|curation rationale|purpose|(?:why|for whom)\b.*\b(?:made|created)",
    "composition": r"composition|dataset (?:structure|description|summary)|what is in|contents|tables|data "
    r"fields",
    "collection": r"collection|acquisition|collected",
    "preprocessing": r"pre-?process|processing|cleaning|label?ling|filter",
    "uses": r"\buses?\b|usage",
    "distribution": r"distribut|licen[cs]",
    "maintenance": r"maint|updates|versioning",
}
"""The sections of a datasheet (Gebru et al. 2018, arXiv 1803.09010), by the headings that they go under."""


def _filter_reasons(dataset: Dataset) -> Outcome:
    outcome = said(dataset, FILTERS)
    if outcome.status != "pass" and (none := is_unfiltered(dataset)):
        return not_applicable("It says that nothing was filtered.", none)
    return outcome


def _filter_code(dataset: Dataset) -> Outcome:
    outcome = filter_code(dataset)
    if outcome.status != "pass" and not outcome.evidence and (none := is_unfiltered(dataset)):
        return not_applicable("It says that nothing was filtered.", none)
    return outcome


def _filter_bias(dataset: Dataset) -> Outcome:
    outcome = said(dataset, FILTER_BIAS)
    if outcome.status != "pass" and (none := is_unfiltered(dataset)):
        return not_applicable("It says that nothing was filtered.", none)
    return outcome


def _personal(kind: Kind, what: str) -> Item:
    def check(dataset: Dataset) -> Outcome:
        if (none := without_rows(dataset)) is not None:
            return none
        if kind == "phone" and not knows_phones():
            return unknown(
                "Looking for telephone numbers needs the package phonenumbers: install `phonenumbers>=9.0`."
            )
        found = [e.evidence(f"{name}: {p.masked}") for e, name, p in dataset.personal if p.kind == kind]
        if found:
            return failed(f"{len(found):,} {what} were found.", *found)
        return passed(f"No {what} were found in the {len(dataset.entries):,} rows that were read.")

    return Item(
        f"pii-{kind}",
        f"It holds no {what}",
        "Mask or remove them, and look for what else belongs to the person.",
        check,
    )


def _datasheet(dataset: Dataset) -> Outcome:
    lacking = []
    where = dict[str, Evidence]()
    for name, words in _SECTIONS.items():
        wanted = pattern(words)
        about = [p for p in dataset.parts if wanted.search(p.heading) and not p.empty]
        if about:
            where[name] = Evidence(file=about[0].file, found=about[0].heading)
        else:
            lacking.append(Evidence(file="", found=f"no section on {name}"))
    if lacking:
        names = ", ".join(e.found.removeprefix("no section on ") for e in lacking)
        return failed(f"The datasheet lacks {names}.", *lacking)
    return passed("All seven sections of a datasheet are there.", *where.values())


def _card(dataset: Dataset) -> Outcome:
    card = dataset.card
    if card is None:
        return failed("It has no card: README.md is missing.")
    if dataset.is_unread(card.file):
        return failed("The card cannot be read as text.", Evidence(file=card.file))
    if card.front_fault:
        return failed(f"The card is not whole: {card.front_fault}.", Evidence(file=card.file))
    lacking = [n for n in ("license", "language") if not (card.front.get(n) or card.front.get(f"{n}s"))]
    titled = card.front.get("pretty_name") or any(p.heading for p in card.parts)
    if lacking or not titled:
        names = ", ".join([*lacking, *([] if titled else ["a title"])])
        return failed(f"The card's front matter lacks {names}.", Evidence(file=card.file))
    if not any(not p.empty for p in card.parts):
        return failed("The card says nothing below its front matter.", Evidence(file=card.file))
    return passed("The card has front matter with licence and language.", Evidence(file=card.file))


SECTION = Section(
    "processing",
    "Processing",
    4,
    (
        Item(
            "filter-reasons",
            "It says why each filter was applied",
            "Give a reason for each filter, or say that there was none.",
            _filter_reasons,
        ),
        Item(
            "filter-code",
            "The code of the filters is released",
            "Link the scripts in the card, or put them beside the data.",
            _filter_code,
        ),
        Item(
            "data-workers",
            "It says who did the work, on which terms and by which guidelines",
            "Say how people were found, paid and instructed, or that there were none.",
            lambda d: said(d, WORKERS),
        ),
        Item(
            "harmful",
            "Harmful content is filtered or marked",
            "Say what was looked for, and how it is marked.",
            lambda d: said(d, HARM),
        ),
        Item(
            "filter-bias",
            "It says what filters take out more often than they should",
            "Measure whom each filter, most of all lists of words, hits more often.",
            _filter_bias,
        ),
        _personal("email", "e-mail addresses"),
        _personal("phone", "telephone numbers"),
        _personal("other", "payment cards, bank accounts or addresses of machines"),
        Item(
            "datasheet",
            "A datasheet has all seven sections",
            "Write the missing sections (Gebru et al. 2018).",
            _datasheet,
        ),
        Item(
            "card",
            "A card with front matter describes it",
            "Write README.md with `license`, `language` and `pretty_name`.",
            _card,
        ),
    ),
)
