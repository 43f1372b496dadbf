"""Terms: the licence of the whole, and that it takes nothing from its parts nor from those who read it."""

from __future__ import annotations

import re

from copycat.audit.absent import without_rows
from copycat.audit.dataset import Dataset
from copycat.audit.item import Item, Section
from copycat.audit.licences import WORDS, Licence, freed, read_licence, texts
from copycat.audit.results import Evidence, Outcome, failed, not_applicable, passed, unknown
from copycat.audit.roles import Entry
from copycat.audit.told import Topic, pattern, said, sentence_with, told

PARTS_KEEP = pattern(
    r"\b(?:each|every|all|parts?|items?|texts?|components?|works?|rows?|files?|pictures?"
    r"|captions?|documents?)\b[^.]{0,60}\b(?:keeps?|retains?)\b[^.]{0,40}\blicen[cs]e",
    r"\bunder (?:its|their) own licen[cs]es?\b",
    r"\bnothing is relicen[cs]ed\b|\b(?:does|do) not relicen[cs]e\b|\bno relicen[cs]ing\b",
    r"\blicen[cs]es? of (?:its|the|their) (?:parts|items|components|sources) (?:stays?|remains?|appl\w+)",
)
_ALL_UNDER = pattern(
    r"\b(?:whole|entire|complete|all)\b[^.]{0,60}\b(?:texts?|items?|parts?|everything|works?"
    r"|pictures?)\b[^.]{0,40}\b(?:is|are) (?:under|licen[cs]ed|released)"
)
_FREE = pattern(
    r"public[- ]domain\b[^.]{0,80}\b(?:free|stays?|remains?|no new|unrestricted|without (?:any "
    r")?(?:new )?condition)"
)
_BOUND = pattern(r"public[- ]domain\b[^.]{0,80}\b(?:only|must|require\w*|may not|forbidden|credit)\b")
_AGREE = pattern(
    r"\bby (?:downloading|using|accessing)\b[^.]*\b(?:agree|accept|consent)\b|\byou (?:agree"
    r"|promise|undertake) (?:not|never)\b"
)
_ENFORCED = pattern(
    r"\bgoverning law\b|\bjurisdiction\b|\bcourts? of\b|\bbreach\b"
    r"|\bterminat\w+\b[^.]*\brights?\b|\benforced by\b"
)
PLAIN = Topic(
    "in plain words what one may do",
    pattern(
        r"plain (?:words|language|english)|in short|in brief|what (?:you|one|may|can)\b.*\b(?:do"
        r"|may|can)\b|human[- ]readable"
    ),
    pattern(r"\byou (?:may|can) (?:copy|use|share|change|do)\b"),
)
USES = Topic(
    "what it is meant to be used for",
    pattern(r"\b(?:intended|direct|primary|suitable)?\s*uses?\b|usage|use cases?"),
    pattern(
        r"\b(?:intended|meant|designed|suited) (?:for|to be used|to)\b[^.]*\b(?:train\w*|test\w*"
        r"|evaluat\w*|measur\w*|stud\w*|research|benchmark\w*)\b"
    ),
)
_DEEDS = pattern(r"^CC-|^CC0|^PDDL|^ODC|^ODbL")
"""Licences whose keepers publish a summary that anybody can read."""
_LEAST_EASE = 50.0
"""Flesch's reading ease below which text is hard for people who did not study ("fairly difficult")."""


def dataset_licence(dataset: Dataset) -> Licence | None:
    """The licence that the card names for the whole; of several their combination."""
    value = dataset.front.get("license", dataset.front.get("licence"))
    if isinstance(value, list):
        return read_licence(" AND ".join(map(str, value))) if len(value) > 1 else read_licence(*value or [""])
    return read_licence(value) if value is not None else None


def _licence(dataset: Dataset) -> Outcome:
    where = dataset.card.file if dataset.card else ""
    value = dataset.front.get("license", dataset.front.get("licence"))
    if value is None:
        return failed("The card names no licence.", Evidence(file=where))
    found = dataset_licence(dataset)
    if found is None:
        return failed(
            f"The card names {value}, which is no licence that SPDX knows.",
            Evidence(file=where, found=str(value)),
        )
    return passed(f"The data set is under {found.expression}.", Evidence(file=where, found=str(value)))


def _licence_text(dataset: Dataset) -> Outcome:
    held = dataset.licence_files
    if not held:
        return failed("There is no LICENSE file with the text of the licence.")
    named = dataset_licence(dataset)
    first = Evidence(file=held[0][0])
    if dataset.is_unread(held[0][0]):
        return failed("The LICENSE file cannot be read as text.", first)
    if not any(len(t.split()) > 2 for _, t in held):
        return failed("The LICENSE file is empty.", first)
    if named is None or named.own:
        return passed("A LICENSE file is there.", first)
    known = texts()
    wanted = [n for n in re.split(r"\s+(?:AND|OR|WITH)\s+|[()]", named.expression) if n in known]
    if not wanted:
        return unknown(f"A LICENSE file is there; how {named.expression} begins is not known here.", first)
    squeezed = {f: " ".join(t.lower().split()) for f, t in held}
    for name in wanted:
        if not any(words in text for words in known[name] for text in squeezed.values()):
            other = next(
                (n for n, ws in known.items() if any(w in t for w in ws for t in squeezed.values())), ""
            )
            told = f"; it looks like {other}" if other else ""
            return failed(
                f"The LICENSE file does not hold {name}{told}.",
                Evidence(file=held[0][0], found=held[0][1][:80]),
            )
    return passed(f"The text of {named.expression} is there.", first)


def part_licences(dataset: Dataset) -> list[tuple[Entry, Licence]]:
    """Every item whose licence is one, with it."""
    return [
        (e, licence)
        for e in dataset.entries
        if e.get("licence") is not None and (licence := read_licence(e.get("licence"))) is not None
    ]


def _relicensing(dataset: Dataset) -> Outcome:
    if (none := without_rows(dataset)) is not None:
        return none
    whole = dataset_licence(dataset)
    parts = part_licences(dataset)
    if whole is None or not parts:
        return unknown(
            "The licence of the whole or those of its parts are not known, so they cannot be compared."
        )
    bound = [(e, f, p) for e, p in parts if (f := freed(whole, p))]
    if not bound:
        return passed(f"No part asks for more than {whole.expression} does.")
    over = sentence_with(dataset, _ALL_UNDER)
    keep = sentence_with(dataset, PARTS_KEEP)
    if keep and not over:
        return passed("It says that parts keep their own licences.", keep)
    evidence = [
        e.evidence(
            f"{p.expression} asks for {', '.join(WORDS[c] for c in sorted(f))}; {whole.expression} does not"
        )
        for e, f, p in bound
    ]
    return failed(f"{len(bound):,} items would be freed of what their own licences ask for.", *evidence)


def _public_domain(dataset: Dataset) -> Outcome:
    if (none := without_rows(dataset)) is not None:
        return none
    whole = dataset_licence(dataset)
    free = [e for e, p in part_licences(dataset) if p.conditions == frozenset()]
    if not free:
        return not_applicable("No item is said to be in the public domain.")
    bound = sentence_with(dataset, _BOUND)
    if bound:
        return failed("It puts conditions on works in the public domain.", bound)
    if whole and whole.conditions == frozenset():
        return passed(f"{whole.expression} puts no condition on them.")
    told = sentence_with(dataset, _FREE) or sentence_with(dataset, PARTS_KEEP)
    if told:
        return passed("It says that they stay free.", told)
    named = whole.expression if whole else "The licence of the whole"
    return failed(
        f"{named} puts conditions on {len(free):,} items in the public domain, and nothing says "
        f"that they stay free.",
        *(e.evidence(e.get("licence")) for e in free),
    )


def _enforceable(dataset: Dataset) -> Outcome:
    extra = [Evidence(file=f, found=t.strip()[:100]) for f, t in dataset.terms if t.strip()]
    if dataset.front.get("extra_gated_prompt") and dataset.card:
        extra.append(Evidence(file=dataset.card.file, found=str(dataset.front["extra_gated_prompt"])[:100]))
    stated = sentence_with(dataset, _AGREE)
    extra += [stated] if stated else []
    if not extra:
        return not_applicable("It has no terms beside its licence.")
    words = " ".join([*(t for _, t in dataset.terms), str(dataset.front.get("extra_gated_prompt", ""))])
    if _ENFORCED.search(words):
        return passed("Its own terms say by which law and by whom they are enforced.", *extra)
    return failed(
        "It has terms of its own, and does not say by which law or by whom they are enforced.", *extra
    )


def _readable(dataset: Dataset) -> Outcome:
    found = told(dataset, PLAIN)
    if found.part:
        return passed("It says in plain words what one may do.", *found.evidence)
    licence = dataset_licence(dataset)
    if licence and _DEEDS.search(licence.expression):
        return passed(f"{licence.expression} has a summary for everybody.")
    held = [*dataset.licence_files, *dataset.terms]
    if not held:
        return failed("There are no terms to read.")
    ease = reading_ease(" ".join(t for _, t in held))
    evidence = Evidence(file=held[0][0], found=f"reading ease {ease:.0f} of 100")
    if ease >= _LEAST_EASE:
        return passed("Its terms are easy to read.", evidence)
    return failed("Its terms are hard to read, and nothing says in plain words what one may do.", evidence)


def reading_ease(text: str) -> float:
    """Flesch's reading ease of English text: about 0 (very hard) to 100 (very easy)."""
    words = re.findall(r"[A-Za-z]+", text)
    sentences = max(1, len(re.findall(r"[.!?]+(?:\s|$)", text)))
    if not words:
        return 0.0
    syllables = sum(max(1, len(re.findall(r"[aeiouy]+", re.sub(r"e$", "", w.lower())))) for w in words)
    return 206.835 - 1.015 * len(words) / sentences - 84.6 * syllables / len(words)


def _standard(dataset: Dataset) -> Outcome:
    licence = dataset_licence(dataset)
    if licence is None:
        return failed("The card names no licence that SPDX knows.")
    if licence.own:
        return failed(f"{licence.expression} is a wording of its own, and no standard licence.")
    return passed(f"{licence.expression} is a standard licence.")


SECTION = Section(
    "terms",
    "Terms",
    6,
    (
        Item(
            "licence",
            "The card names a licence by SPDX's name",
            "Write `license: cc-by-4.0`, or another of SPDX's names, into the front matter.",
            _licence,
        ),
        Item(
            "licence-text",
            "The text of that licence is there",
            "Add a LICENSE file with the whole text.",
            _licence_text,
        ),
        Item(
            "relicensing",
            "The licence of the whole does not relicense its parts",
            "Say that each part keeps its own licence, or leave out what asks for more.",
            _relicensing,
        ),
        Item(
            "public-domain",
            "Works in the public domain get no new conditions",
            "Say that they stay free.",
            _public_domain,
        ),
        Item(
            "terms-enforceable",
            "Terms of its own are there only if they can be enforced",
            "Drop them, or say by which law and by whom they are enforced.",
            _enforceable,
        ),
        Item(
            "terms-readable",
            "People who are no lawyers can read the terms",
            "Add a section “The licence in plain words”.",
            _readable,
        ),
        Item(
            "terms-standard",
            "The licence is a standard one",
            "Take a standard licence in place of a wording of your own.",
            _standard,
        ),
        Item(
            "intended-uses",
            "It says what it is meant to be used for",
            "Write a section “Intended uses”, and what it should not be used for.",
            lambda d: said(d, USES),
        ),
    ),
)
