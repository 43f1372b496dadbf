"""Circumventing concept erasure (Pham et al. 2024): a token embedding that is learnt on the guarded model."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from copycat.attacks.base import Attack, AttackOptions, Attempt, Victim


class SoftPromptOptions(AttackOptions):
    """Quick enough for small models; the authors' script for ESD learns from 25 pictures, for 5,000 steps."""

    tokens: int = Field(default=1, ge=1)
    """Vectors that stand in the place of the character's name."""
    pictures: int = Field(default=4, ge=1)
    """Of the original model, to learn from."""
    steps: int = Field(default=200, ge=1)
    """Of gradient descent, all together."""
    rounds: int = Field(default=4, ge=1)
    """Parts that they come in; the vectors are tried after each."""
    lr: float = Field(default=5e-3, gt=0)
    """Of Adam."""
    seed: int = 0


class SoftPrompt(Attack[SoftPromptOptions]):
    """Learns an embedding under which the guarded model denoises pictures of the original one."""

    name = "soft-prompt"
    options = SoftPromptOptions
    white_box = True
    needs_pictures = True
    needs_text_encoder = True
    needs_schedule = True

    def attempts(self, victim: Victim) -> Iterator[Attempt]:
        """The vectors v minimise E ‖ε_θ(z_t, t, c(v)) − ε‖² for latents z of the original model's pictures
        of the prompt, over noise levels t, as textual inversion does (Gal et al. 2023)."""
        # It brings torch.
        from copycat.attacks.soft import SoftSearch

        o = self.config
        search = SoftSearch(victim, tokens=o.tokens, pictures=o.pictures, lr=o.lr, seed=o.seed)
        done = 0
        for number in range(1, o.rounds + 1):
            until = number * o.steps // o.rounds
            yield Attempt(prompt=search.prompt, conditioning=search.descend(until - done))
            done = until
