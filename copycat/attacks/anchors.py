"""Indirect anchors: keywords that go with a character in its name's place (He et al. 2024, section 4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from copycat.attacks.base import AttackOptions, Attempt, Informed, Victim
from copycat.attacks.names import distinct, instead
from copycat.attacks.options import LISTED
from copycat.errors import UserError
from copycat.mitigations.base import RunContext
from copycat.subjects.characters import Character, Registry
from copycat.subjects.keywords import Words, listed

Source = Literal["own", Words]


class AnchorsOptions(AttackOptions):
    words: Literal["all", Source] = "all"
    """own: the registry's keywords. lm, cooc, emb: a ranking that a miner made, by language model, by
    co-occurrence with the name in captions, or by embedding."""
    counts: Annotated[tuple[Annotated[int, Field(ge=1)], ...], LISTED] = (5, 3, 10, 20)
    """How many of the most telling words are named, one after another: counts=5/3/10/20."""


class Anchors(Informed[AnchorsOptions]):
    """Names what goes with the character instead of the character: "videogame, plumber"."""

    name = "anchors"
    options = AnchorsOptions

    def bind(self, context: RunContext) -> Self:
        """Raises UserError where there are no words for a character of the run."""
        bound = super().bind(context)
        without = [c.name for c in context.characters if not bound.sources(c)]
        if without:
            which = "words" if self.config.words == "all" else f"words of '{self.config.words}'"
            raise UserError(
                f"anchors has no {which} for {', '.join(without)}; mine some (copycat mine), choose others "
                "in anchors[words=…], or leave these characters out (--characters)."
            )
        return bound

    def sources(self, character: Character) -> Any:
        return dict(anchors(character, self.registry, self.config.words))

    def attempts(self, victim: Victim) -> Iterator[Attempt]:
        words = anchors(victim.character, self.registry, self.config.words)
        asked = victim.request.source_prompt
        yield from distinct(
            (
                instead(asked, victim.character, ", ".join(ranked[:count]))
                for count in self.config.counts
                for ranked in words.values()
            ),
            asked,
        )


def anchors(
    character: Character, registry: Registry, wanted: Literal["all", Source] = "all"
) -> Mapping[Source, tuple[str, ...]]:
    """Words that go with `character`, most telling first, by where they are from; none that names it. A
    source that has no words for it is left out."""
    ranked: dict[Source, tuple[str, ...]] = {"own": character.keywords}
    for source in ("lm", "cooc", "emb"):
        made = listed(source, registry.name)
        ranked[source] = made.keywords.get(character.slug, ()) if made else ()
    plain = {s: tuple(w for w in words if not _names(w, character, registry)) for s, words in ranked.items()}
    return {s: words for s, words in plain.items() if words and wanted in ("all", s)}


def _names(word: str, character: Character, registry: Registry) -> bool:
    return character.slug in registry.mentioned(word)
