"""How much of everything: what decides how long the small language model trains, and what it learns."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class TextRecipe(BaseModel):
    """Sizes of the training text, the model and the training."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    copies: tuple[int, ...] = (0, 1, 2, 4, 8, 16, 32, 64)
    """How often the passages of each group stand in the training text."""
    passages: int = 10
    """In each group."""
    passage_words: int = 130
    others: int = 40
    """Passages that stand once, kept beside the model as text that nobody protects."""
    vocabulary: int = 1024
    """Byte-pair tokens."""
    width: int = 128
    layers: int = 4
    heads: int = 4
    window: int = 256
    """Tokens that the model sees at a time."""
    batch: int = 16
    """Windows in a step."""
    steps: int = 800
    learning_rate: float = 2e-3
    seed: int = 0


RECIPES = {
    recipe.name: recipe
    for recipe in (
        TextRecipe(name="full"),
        TextRecipe(
            name="smoke", copies=(0, 1, 8), passages=2, vocabulary=300, width=16, layers=1, heads=1, steps=4
        ),
    )
}
