"""Paraphrases: the same wish in the words of the registry's own prompt sets and wordings; no chance, no
model."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Annotated, Any, Self

from copycat.attacks.base import AttackOptions, Attempt, Informed, Victim
from copycat.attacks.names import distinct
from copycat.attacks.options import LISTED
from copycat.errors import UserError
from copycat.mitigations.base import RunContext
from copycat.subjects.characters import Character
from copycat.subjects.prompts import available, load_prompts

FRAMES = ("a picture of {}", "a close look at {}", "{}, shown from head to toe", "{} on a plain background")
"""What may stand around the words; {} is where they are."""


class ParaphraseOptions(AttackOptions):
    sets: Annotated[tuple[str, ...], LISTED] = ("description",)
    """Prompt sets of the registry whose prompts for the same character say the same in other words, as
    sets=description/actions; one that the registry does not have is left out, unless none is left."""


class Paraphrase(Informed[ParaphraseOptions]):
    """Asks in the words of other prompts for the character, of other wordings, and of other frames."""

    name = "paraphrase"
    options = ParaphraseOptions

    def bind(self, context: RunContext) -> Self:
        """Raises UserError where prompt sets were named and the registry has none of them, or no prompt for a
        character of the run in them."""
        sets = available(context.registry.name)
        named = "sets" in self.config.model_fields_set
        if named and self.config.sets and not set(sets) & set(self.config.sets):
            raise UserError(
                f"The registry {context.registry.name} has no prompt set {' or '.join(self.config.sets)}; "
                f"name one of these in paraphrase[sets=…]: {', '.join(sets) or 'it has none'}."
            )
        bound = super().bind(context)
        without = [c.name for c in context.characters if not bound.sources(c)] if named else []
        if without and self.config.sets:
            raise UserError(
                f"No prompt of {' or '.join(self.config.sets)} is for {', '.join(without)}, so paraphrase "
                "has no other words for them; name other sets in paraphrase[sets=…], or leave these "
                "characters out (--characters)."
            )
        return bound

    def sources(self, character: Character) -> Any:
        return list(self._texts(character))

    def attempts(self, victim: Victim) -> Iterator[Attempt]:
        asked, character = victim.request.source_prompt, victim.character
        texts = list(self._texts(character))
        # Other words first, and then what is said in them already in other frames.
        prompts = itertools.chain(
            texts,
            (other for text in (asked, *texts) for other in reworded(text, character)),
            (frame.format(text) for frame in FRAMES for text in (asked, *texts)),
        )
        yield from distinct(prompts, asked)

    def _texts(self, character: Character) -> Iterator[str]:
        """The prompts for `character` in the sets."""
        for name in self.config.sets:
            if name in available(self.registry.name):
                prompts = load_prompts(name, self.registry.name)
                yield from (p.text for p in prompts if p.character == character.slug)


def reworded(text: str, character: Character) -> Iterator[str]:
    """`text` with one attribute of `character` in another of the registry's wordings, each once."""
    for attribute in character.attributes:
        wordings = [attribute.text, *(w.text for w in attribute.also)]
        for said, other in itertools.permutations(wordings, 2):
            parts = re.split(rf"(?<!\w){re.escape(said)}(?!\w)", text, flags=re.IGNORECASE)
            if len(parts) > 1:
                yield other.join(parts)
