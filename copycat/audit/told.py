"""Whether a data set says in words what it should: under a heading of its own, or in a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from copycat.audit.dataset import Dataset
from copycat.audit.documents import Part
from copycat.audit.results import Evidence, Outcome, failed, passed, shortened, unknown

_REASON = re.compile(r"\b(?:because|since|so that|as (?:they|it|these|we|there))\b", re.I)
_LEAST_WORDS = 5
"""Words that a section has to have to say anything."""


def pattern(*alternatives: str) -> re.Pattern[str]:
    """One of the regular expressions, in any case."""
    return re.compile("|".join(alternatives), re.I)


@dataclass(frozen=True)
class Topic:
    """Something to be said."""

    what: str
    """As the object of a sentence: "why each source was chosen"."""
    headings: re.Pattern[str]
    """Of sections that are about it."""
    sentences: re.Pattern[str] | None = None
    """What a sentence anywhere says that is about it; None where a section is needed."""
    needs: re.Pattern[str] | None = None
    """What has to stand there besides, such as an address."""
    lacking: str = ""
    """What is said where that is missing."""
    denials: re.Pattern[str] | None = None
    """What says that it was not done."""
    least: int = _LEAST_WORDS


@dataclass(frozen=True)
class Told:
    """What was found about a topic."""

    part: Part | None = None
    sentence: str = ""
    empty: Part | None = None
    """A section about it in which nothing stands yet."""
    without: Part | None = None
    """A section about it that lacks what is needed."""
    denied: tuple[Part, str] | None = None

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        return (_evidence(self.part, self.sentence),) if self.part else ()


def told(dataset: Dataset, topic: Topic) -> Told:
    """What the documents of `dataset` say of `topic`; the section with most words counts."""
    about = [p for p in dataset.parts if topic.headings.search(p.heading)]
    empty = next((p for p in about if p.empty), None)
    full = [p for p in about if not p.empty]
    denied = None
    if topic.denials:
        denied = next(((p, s) for p, s in _sentences(dataset) if topic.denials.search(s)), None)
    good = [p for p in full if p.words >= topic.least and (not topic.needs or topic.needs.search(p.text))]
    if good:
        part = max(good, key=lambda p: p.words)
        return Told(part, next(part.sentences(), ""), empty, None, denied)
    if topic.sentences:
        for part, sentence in _sentences(dataset):
            if topic.sentences.search(sentence) and (not topic.needs or topic.needs.search(sentence)):
                return Told(part, sentence, empty, None, denied)
    return Told(None, "", empty, full[0] if full else None, denied)


def _sentences(dataset: Dataset) -> Iterator[tuple[Part, str]]:
    for part in dataset.parts:
        for sentence in part.sentences():
            yield part, sentence


def _evidence(part: Part, sentence: str) -> Evidence:
    heading = f"“{part.heading}”: " if part.heading else ""
    return Evidence(file=part.file, found=shortened(f"{heading}{sentence}", 200))


def said(dataset: Dataset, topic: Topic) -> Outcome:
    """Pass where the topic is told, else fail with what is missing."""
    found = told(dataset, topic)
    if found.denied and _REASON.search(found.denied[1]):
        return unknown(
            f"It says that it does not tell or do this ({topic.what}), and why; whether the reason is good "
            "is for people to judge.",
            _evidence(*found.denied),
        )
    if found.denied:
        return failed(f"It says that it does not tell or do this: {topic.what}.", _evidence(*found.denied))
    if found.part:
        return passed(f"It says {topic.what}.", *found.evidence)
    if found.without:
        why = topic.lacking or "too little stands there"
        return failed(
            f"A section is about it and does not say {topic.what}: {why}.",
            _evidence(found.without, found.without.text),
        )
    if found.empty:
        return failed(f"The section that should say {topic.what} is still empty.", _evidence(found.empty, ""))
    return failed(f"No document says {topic.what}.")


def sentence_with(dataset: Dataset, wanted: re.Pattern[str]) -> Evidence | None:
    """The first sentence of any document that `wanted` is found in."""
    return next((_evidence(p, s) for p, s in _sentences(dataset) if wanted.search(s)), None)
