"""A ranking of words for each character, and how it becomes prompt sets."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from copycat.io.jsonl import read_lines
from copycat.records import Row
from copycat.subjects.characters import Character, Registry
from copycat.subjects.franchises import Named, names_of
from copycat.subjects.prompts import Prompt

Kind = Literal["generic"] | Named


class Term(Row):
    """One word of one character's ranking."""

    character: str
    rank: int
    """1 for the most telling word."""
    term: str
    kind: Kind
    """`character` names another character, `owner` a rights owner, `work` a film, game or book, `world` a
    side character, a place or the like; a generic prompt has none of them."""
    score: float
    """What the ranking is by; higher is closer to the character."""
    joint: int | None = None
    """Captions with the name and the word."""
    frequency: int | None = None
    """Captions with the word."""


def kind_of(term: str, registry: Registry, slug: str = "") -> Kind:
    """What `term`, in the list of the character `slug`, names first, or generic."""
    return next((kind for kind, _ in names_of(registry).found(term, slug)), "generic")


def ranked(
    character: Character, scores: Iterable[tuple[str, float]], registry: Registry, **counts: Counter[str]
) -> Iterator[Term]:
    """The ranking of one character from words with their scores, best first; `counts` are fields by word."""
    for i, (word, score) in enumerate(scores, 1):
        told = {field: by_word[word] for field, by_word in counts.items()}
        kind = kind_of(word, registry, character.slug)
        yield Term(character=character.slug, rank=i, term=word, kind=kind, score=round(score, 6), **told)


def words_by_character(terms: Iterable[Term], *, generic_only: bool = False) -> dict[str, list[str]]:
    """The words of each character by slug, most telling first; with `generic_only` those that name nobody."""
    words: dict[str, list[str]] = defaultdict(list)
    for t in sorted(terms, key=lambda t: t.rank):
        if t.kind == "generic" or not generic_only:
            words[t.character].append(t.term)
    return dict(words)


def fuse(rankings: Sequence[Iterable[Term]], *, keep: int = 50, damping: int = 60) -> Iterator[Term]:
    """One ranking of several by reciprocal rank fusion (Cormack et al. 2009).

    A word's score is the sum of 1 / (damping + rank) over the rankings that hold it; higher is better.
    Words that differ in case alone are one.
    """
    found: dict[str, dict[str, Term]] = {}
    scores: dict[tuple[str, str], float] = defaultdict(float)
    for ranking in rankings:
        for t in ranking:
            word = t.term.casefold()
            found.setdefault(t.character, {}).setdefault(word, t)
            scores[(t.character, word)] += 1 / (damping + t.rank)
    for slug, terms in found.items():
        order = sorted(terms, key=lambda w: (-scores[(slug, w)], w))
        for i, word in enumerate(order[:keep], 1):
            score = round(scores[(slug, word)], 6)
            yield terms[word].model_copy(update={"rank": i, "score": score, "joint": None, "frequency": None})


def read_ranking(path: Path) -> list[Term]:
    """The rows of a ranking that a miner wrote; raises BadFile."""
    return read_lines(path, Term, "a ranked word")


def prompt_sets(
    ranking: Iterable[Term],
    name: str,
    sizes: Sequence[int],
    provenance: str,
    *,
    generic_only: bool,
    version: int = 1,
) -> dict[str, list[Prompt]]:
    """For each of `sizes`, the set `NAMEn`: the first n words of each character, joined by commas.

    `version` is that of the prompts: of a list that was written down, the list's own.
    """
    words = words_by_character(ranking, generic_only=generic_only)
    return {
        f"{name}{n}": [
            Prompt(
                set=f"{name}{n}",
                version=version,
                character=slug,
                text=", ".join(ws[:n]),
                provenance=provenance,
            )
            for slug, ws in words.items()
        ]
        for n in sizes
    }
