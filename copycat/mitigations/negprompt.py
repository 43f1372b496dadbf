"""Negative prompt: steers the sampler away from the character's name and the words that go with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, Self, cast

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from copycat.mitigations.base import Mitigation, Options, RunContext
from copycat.records import Request
from copycat.subjects.characters import Character
from copycat.subjects.keywords import Ranking, Words, ranking

GENERIC = "Copyrighted character"
"""He et al. 2024, Table 1: a negative prompt that knows nothing of the target."""


class NegativeOptions(Options):
    keywords: int = Field(default=0, ge=0)
    """How many of the registry's own keywords to add, most telling first."""
    of: Literal["name", "generic", "nothing"] = "name"
    """What comes before the words: the name, "Copyrighted character", or nothing."""
    words: Literal["lm", "emb", "cooc", "emb-cooc"] | None = None
    """Which ranking's words to add: a language model's list, the text encoder's, the captions', or both."""
    k: int = Field(default=5, ge=1)
    """How many words of each ranking."""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.keywords and self.words:
            raise ValueError("give keywords or words, not both")
        if self.of == "nothing" and not (self.keywords or self.words):
            raise ValueError("of=nothing needs words, such as words=lm")
        return self

    @model_serializer(mode="wrap")
    def _as_before_rankings(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # What is at its default is left out, so that a request keeps the identity it always had.
        later = {"of": "name", "words": None, "k": 5}
        return {k: v for k, v in handler(self).items() if k not in later or v != later[k]}


class NegativePrompt(Mitigation[NegativeOptions]):
    """The name, "Copyrighted character" or nothing, [and ranked keywords] as negative prompt."""

    name = "negprompt"
    options = NegativeOptions

    def __init__(self, config: NegativeOptions, rankings: Mapping[str, Ranking] | None = None) -> None:
        super().__init__(config)
        self._rankings = rankings

    @property
    def needs_target(self) -> bool:
        o = self.config
        return o.of == "name" or bool(o.words or o.keywords)

    def bind(self, context: RunContext) -> NegativePrompt:
        return NegativePrompt(self.config, {w: ranking(w, context.registry) for w in self._wanted()})

    def edit_sampling(self, request: Request, character: Character) -> Request:
        words = list(self._words(character))
        negative = ", ".join([request.negative, *words] if request.negative else words)
        told = "".join(f"; {self._source_note(w, character)}" for w in self._wanted())
        return self.with_step(request, note=f"negative: {negative}{told}", negative=negative)

    def _wanted(self) -> tuple[Words, ...]:
        words = self.config.words
        return cast(tuple[Words, ...], tuple(words.split("-"))) if words else ()

    def _words(self, character: Character) -> Iterator[str]:
        o = self.config
        said: set[str] = set()
        first = {"name": [character.name], "generic": [GENERIC], "nothing": []}[o.of]
        ranked = [w for r in self._wanted() for w in self._best(r, character)]
        for word in (*first, *character.keywords[: o.keywords], *ranked):
            if word.casefold() not in said:
                said.add(word.casefold())
                yield word

    def _best(self, words: Words, character: Character) -> tuple[str, ...]:
        if self._rankings is None:
            raise RuntimeError("negprompt with words must be bound to a run first")
        return self._rankings[words].keywords.get(character.slug, ())[: self.config.k]

    def _source_note(self, words: Words, character: Character) -> str:
        source = self._rankings[words].source if self._rankings else ""
        return f"{len(self._best(words, character))} of {words} ({source})"
