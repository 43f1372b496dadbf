"""Rankings for negative prompts (He et al. 2024, Algorithms 1 and 2), from what each needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from copycat.mining import cooccurrence
from copycat.mining.cooccurrence import Counts, read_counts
from copycat.mining.embedding import Embed
from copycat.mining.embedding import rank as rank_by_encoder
from copycat.mining.ranking import Term, words_by_character
from copycat.subjects.characters import Registry
from copycat.subjects.keywords import Ranking


@dataclass(frozen=True)
class Corpus:
    """Captions, and how they are read; see :func:`copycat.mining.captions.read_captions`."""

    source: str
    column: str | None = None
    limit: int | None = None
    longest: int = 1
    """Longest phrase, in words, where no candidates are given."""
    least: int = 2
    """Captions that a word must share with the name."""


@dataclass(frozen=True)
class Negatives:
    """How a registry's rankings are made.

    Candidates are the list that a language model wrote, as in the paper, which takes 50 words a character.
    Where there is none, the encoder ranks the captions' commonest words, and the captions all of theirs.
    """

    registry: Registry
    written: Ranking | None
    keep: int = 20
    """Words of each character."""
    generic_only: bool = True

    def by_captions(self, corpus: Corpus, tell: Callable[[str], None]) -> tuple[Ranking, list[Term]]:
        """The ranking by co-occurrence with the name, and the commonest words of the captions."""
        counts = self._counts(corpus, tell)
        told = f"co-occurrence with the name in {counts.captions} captions of {Path(corpus.source).name}"
        if self.written:
            words = self.written.keywords
            terms = list(cooccurrence.rerank(words, counts, self.registry, least=corpus.least))
            return self._ranking(terms, f"{told}, of these candidates: {self.written.source}"), []
        terms = list(cooccurrence.rank(counts, self.registry, least=corpus.least))
        common = cooccurrence.common(
            counts, self.registry, least=corpus.least, generic_only=self.generic_only
        )
        return self._ranking(terms, told), list(common)

    def by_encoder(self, embed: Embed, encoder: str, common: Iterable[Term]) -> Ranking:
        """The ranking by cosine to the name in the text encoder of the model whose identity is `encoder`."""
        common = list(common)
        if self.written:
            words = {slug: list(ws) for slug, ws in self.written.keywords.items()}
            of = f"these candidates: {self.written.source}"
        else:
            words = words_by_character(common)
            of = f"the {len({t.term for t in common})} commonest words of the captions"
        terms = rank_by_encoder(words, self.registry, embed)
        return self._ranking(terms, f"cosine to the name in the text encoder of {encoder}, of {of}")

    def _counts(self, corpus: Corpus, tell: Callable[[str], None]) -> Counts:
        find = (
            cooccurrence.finder(self.written.keywords)
            if self.written
            else partial(cooccurrence.terms, longest=corpus.longest)
        )
        return read_counts(
            corpus.source, self.registry, find, column=corpus.column, limit=corpus.limit, tell=tell
        )

    def _ranking(self, terms: Iterable[Term], source: str) -> Ranking:
        words = words_by_character(terms, generic_only=self.generic_only)
        return Ranking(source=source, keywords={slug: tuple(w[: self.keep]) for slug, w in words.items()})
