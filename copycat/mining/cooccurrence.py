"""Words that stand in the same captions as a character's name (He et al. 2024, Algorithm 2).

The paper ranks candidates that a language model gave by how many captions hold them beside the name. Without
candidates all words of the captions are ranked.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from typing import Literal

from copycat.io.paths import DATA
from copycat.mining.captions import Reading, read_captions
from copycat.mining.ranking import Term, kind_of, ranked
from copycat.subjects.characters import Character, Registry, normalise

By = Literal["count", "pmi", "npmi"]
Find = Callable[[str], set[str]]
"""The words or phrases of a caption that are counted, normalised."""
Candidates = Mapping[str, Sequence[str]]
"""Words and phrases by slug."""
STOP_FILE = DATA / "keywords" / "stop.txt"
"""Function words, and what captions say about any picture."""


@dataclass
class Counts:
    """Document counts over a corpus."""

    captions: int = 0
    named: Counter[str] = field(default_factory=Counter)
    """Captions that name a character, by slug."""
    frequency: Counter[str] = field(default_factory=Counter)
    """Captions that hold a word."""
    joint: dict[str, Counter[str]] = field(default_factory=dict)
    """Captions that name the character and hold the word."""


@cache
def _stop() -> frozenset[str]:
    return frozenset(STOP_FILE.read_text(encoding="utf-8").split())


def terms(text: str, longest: int = 1) -> set[str]:
    """Words of `text` without stop words and numbers, and phrases of up to `longest` of them in a row."""
    words = normalise(text).split()
    good = [len(w) > 1 and not w.isdigit() and w not in _stop() for w in words]
    found = set()
    for n in range(1, longest + 1):
        for i in range(len(words) - n + 1):
            if all(good[i : i + n]):
                found.add(" ".join(words[i : i + n]))
    return found


def count(captions: Iterable[str], registry: Registry, find: Find = terms) -> Counts:
    """Count in how many captions each word stands, alone and with each character's name.

    One caption after the other, since how often a word stands without a name needs all words of all of them;
    words beside names alone are counted much faster by :mod:`copycat.counting`.
    """
    counts = Counts()
    for caption in captions:
        counts.captions += 1
        here = find(caption)
        counts.frequency.update(here)
        for slug in registry.mentioned(caption):
            counts.named[slug] += 1
            counts.joint.setdefault(slug, Counter()).update(here)
    return counts


def read_counts(
    source: str,
    registry: Registry,
    find: Find,
    *,
    column: str | None = None,
    limit: int | None = None,
    tell: Callable[[str], None] = print,
) -> Counts:
    """As `count`, of the captions that `read_captions` reads; says what could not be read to its end."""
    reading = Reading()
    counts = count(read_captions(source, column=column, limit=limit, reading=reading), registry, find)
    for line in reading.skipped:
        tell(f"Skipped {line}")
    tell(f"{reading.captions} captions of {reading.files} files, {len(reading.skipped)} skipped")
    return counts


def finder(candidates: Candidates) -> Find:
    """Finds every candidate in a caption, as whole words in a row, without regard to case and accents."""
    by_first: dict[str, list[tuple[str, ...]]] = {}
    for phrase in {tuple(normalise(w).split()) for words in candidates.values() for w in words} - {()}:
        by_first.setdefault(phrase[0], []).append(phrase)

    def find(caption: str) -> set[str]:
        words = tuple(normalise(caption).split())
        return {
            " ".join(phrase)
            for i, word in enumerate(words)
            for phrase in by_first.get(word, ())
            if words[i : i + len(phrase)] == phrase
        }

    return find


def rank(
    counts: Counts, registry: Registry, by: By = "count", *, least: int = 2, keep: int = 50
) -> Iterator[Term]:
    """The `keep` best words of each character, of those that stand with it in at least `least` captions.

    `count` is the paper's ranking. `pmi` is log p(name, word) / (p(name) p(word)) in nats, and `npmi`
    divides it by -log p(name, word), which takes away most of PMI's taste for rare words (Bouma 2009).
    The character's own names are left out, and so are their parts.
    """
    for c in registry.characters:
        joint, own = counts.joint.get(c.slug, Counter()), words_of_names(c)
        scores = {
            word: _score(counts, c.slug, word, n, by)
            for word, n in joint.items()
            if n >= least and not own & set(word.split())
        }
        best = sorted(scores.items(), key=lambda x: (-x[1], -joint[x[0]], x[0]))[:keep]
        yield from ranked(c, best, registry, joint=joint, frequency=counts.frequency)


def rerank(
    candidates: Candidates,
    counts: Counts,
    registry: Registry,
    by: By = "count",
    *,
    least: int = 2,
    keep: int = 50,
) -> Iterator[Term]:
    """As `rank`, of each character's candidates alone; equal ones stay in the order that they come in.

    `counts` were made with the :func:`finder` of the candidates. Left out are those that hold the character's
    own name whole; a part of it ("mermaid") is a word like any other when somebody wrote it down.
    """
    for c in registry.characters:
        joint = counts.joint.get(c.slug, Counter())
        words = dict.fromkeys(normalise(w) for w in candidates.get(c.slug, ()))
        kept = [w for w in words if joint[w] >= least and c.slug not in registry.mentioned(w)]
        scores = [(w, _score(counts, c.slug, w, joint[w], by)) for w in kept]
        best = sorted(scores, key=lambda x: (-x[1], -joint[x[0]]))[:keep]
        yield from ranked(c, best, registry, joint=joint, frequency=counts.frequency)


def words_of_names(character: Character) -> set[str]:
    """Words of the character's own names, which :func:`rank` leaves out."""
    return {word for name in character.spoken for word in normalise(name).split()}


def _score(counts: Counts, slug: str, word: str, joint: int, by: By) -> float:
    if by == "count":
        return float(joint)
    pmi = math.log(joint * counts.captions / (counts.named[slug] * counts.frequency[word]))
    if by == "pmi":
        return pmi
    information = -math.log(joint / counts.captions)
    return pmi / information if information else 1.0


def common(
    counts: Counts, registry: Registry, *, least: int = 2, keep: int = 200, generic_only: bool = True
) -> Iterator[Term]:
    """The corpus's `keep` commonest words, the same for every character except for its own names.

    Candidates for a ranking that must not know what stands beside the name, and a control: prompts of
    common words should bring back hardly anyone.
    """
    often = sorted(((-n, w) for w, n in counts.frequency.items() if n >= least))
    words = (w for _, w in often if not generic_only or kind_of(w, registry) == "generic")
    best = list(islice(words, keep))
    for c in registry.characters:
        own = words_of_names(c)
        kept = [(w, float(counts.frequency[w])) for w in best if not own & set(w.split())]
        yield from ranked(c, kept, registry, frequency=counts.frequency)
