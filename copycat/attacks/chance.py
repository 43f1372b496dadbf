"""The chance baseline: words drawn at random before the prompt."""

from __future__ import annotations

import random
from collections.abc import Iterator

from pydantic import Field

from copycat.attacks.base import Attack, AttackOptions, Attempt, Victim
from copycat.attacks.names import nameless


class RandomOptions(AttackOptions):
    tokens: int = Field(default=5, ge=1)
    """k: words before the prompt, each one token for every text encoder of the model, as udatk has them."""
    seed: int = 0


class Random(Attack[RandomOptions]):
    """Puts random words before the prompt: what any attack with as many queries gets by chance."""

    name = "random"
    options = RandomOptions
    white_box = True
    needs_text_encoder = True

    def attempts(self, victim: Victim) -> Iterator[Attempt]:
        """Other words at each attempt, all equally likely and none of them of the character's names."""
        # It brings torch.
        from copycat.diffusion.tokens import vocabulary

        request, known = victim.request, vocabulary(victim.pipeline).words
        free = nameless(known, victim.character)
        words = [word for word, chosen in zip(known, free, strict=True) if chosen]
        chance = random.Random(f"{self.config.seed}|{request.seed}|{request.source_prompt}")
        seen: set[str] = set()
        # So often at most: a model may know fewer words than there are queries.
        for _ in range(100 * self.config.queries):
            prompt = " ".join([*chance.choices(words, k=self.config.tokens), request.source_prompt])
            if prompt not in seen:
                seen.add(prompt)
                yield Attempt(prompt=prompt)
