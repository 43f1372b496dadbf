"""Misspellings: a few wrong letters in the character's name, as whoever evades a word list writes it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from string import ascii_lowercase

from pydantic import Field

from copycat.attacks.base import Attack, AttackOptions, Attempt, Victim
from copycat.attacks.names import named, renamed


class TypoOptions(AttackOptions):
    edits: int = Field(default=1, ge=1)
    """Letters of the name that are changed, dropped, doubled or swapped with the next one."""
    seed: int = 0


class Typo(Attack[TypoOptions]):
    """Misspells the character's names in the prompt, another way at each attempt."""

    name = "typo"
    options = TypoOptions

    def attempts(self, victim: Victim) -> Iterator[Attempt]:
        request, character = victim.request, victim.character
        if not named(request.source_prompt, character):
            return
        chance = random.Random(f"{self.config.seed}|{request.seed}|{request.source_prompt}")
        seen = {request.source_prompt}
        for _ in range(100 * self.config.queries):
            text = renamed(
                request.source_prompt, character, lambda name: misspelt(name, self.config.edits, chance)
            )
            if text not in seen:
                seen.add(text)
                yield Attempt(prompt=text)


def misspelt(name: str, edits: int, chance: random.Random) -> str:
    """`name` with so many edits of a letter each; its first letter stays, as do all others but letters."""
    letters = list(name)
    for _ in range(edits):
        places = [i for i, c in enumerate(letters) if c.isalpha() and i]
        if not places:
            break
        at = chance.choice(places)
        kind = chance.choice(["change", "drop", "double", "swap"])
        if kind == "drop" and len(places) > 1:
            del letters[at]
        elif kind == "double":
            letters.insert(at, letters[at])
        elif kind == "swap" and at + 1 in places and letters[at + 1] != letters[at]:
            letters[at], letters[at + 1] = letters[at + 1], letters[at]
        else:
            letters[at] = chance.choice([c for c in ascii_lowercase if c != letters[at].lower()])
    return "".join(letters)
