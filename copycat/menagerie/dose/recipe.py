"""Which newcomer gets how many pictures in which training, and how long it trains."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from copycat.errors import UnknownName
from copycat.menagerie.captions import NAMED

EPOCHS = 13.0
"""How often the shipped generator saw each picture: 3,900 × 64 / 31,423 + 3,000 × 64 / 37,666."""

Asked = Literal["name", "description"]
"""What prompts say of a newcomer: its name, or all its marks but name and emblem."""
_WIDTH = 64
"""Of the shipped generator's first block, in channels."""


class DoseRecipe(BaseModel):
    """One experiment."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    levels: tuple[int, ...]
    """Counts, rising; there are as many newcomers."""
    trainings: int
    """At most as many as levels. Newcomer i gets level i + t × (levels // trainings) in training t, round
    and round: every training has each level once, so all have as many pictures, and no newcomer has a level
    twice."""
    epochs: float = EPOCHS
    """How often each picture is seen."""
    replay: float = 1.0
    """Pictures of the shipped corpus for each of the newcomers', so that what was known is not forgotten."""
    templates: int = 5
    seeds: int = 8
    """Pictures of each newcomer and template."""
    named: float = NAMED
    """Share of the captions of a newcomer's pictures that say its name."""
    asked: Asked = "name"
    trainings_of: str = ""
    """Name of the recipe whose trainings these are too; empty for its own."""
    scratch: bool = False
    """Whether to train an untrained denoiser on the whole corpus with the newcomers in it, instead of
    going on with the shipped one. Text encoder and autoencoder are the shipped ones in both cases."""
    width: int = _WIDTH
    """Channels of an untrained denoiser's first block."""

    @property
    def trained(self) -> DoseRecipe:
        """The recipe of the trainings, whatever is asked of them."""
        return self.model_copy(
            update={"name": self.trainings_of or self.name, "trainings_of": "", "asked": "name"}
        )

    @property
    def varied(self) -> bool:
        """Whether captions, prompts or size are other than the shipped generator's."""
        return (self.named, self.asked, self.width) != (NAMED, "name", _WIDTH)

    def counts(self, training: int) -> tuple[int, ...]:
        """Of each newcomer in one of the trainings."""
        n = len(self.levels)
        shift = training * max(1, n // self.trainings)
        return tuple(self.levels[(i + shift) % n] for i in range(n))


_ALL = (0, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)
_REDUCED = (0, 5, 10, 20, 50, 100, 200, 300)
_CLOSE = DoseRecipe(name="close", levels=_ALL[:8], trainings=2)
RECIPES = {
    r.name: r
    for r in (
        DoseRecipe(name="full", levels=_ALL, trainings=4),
        DoseRecipe(name="wide", levels=_ALL, trainings=1),
        _CLOSE,
        _CLOSE.model_copy(update={"name": "close-named", "named": 1.0}),
        _CLOSE.model_copy(update={"name": "close-half", "named": 0.4}),
        _CLOSE.model_copy(
            update={"name": "close-described", "asked": "description", "trainings_of": "close"}
        ),
        _CLOSE.model_copy(update={"name": "close-unnamed", "named": 0.0, "asked": "description"}),
        DoseRecipe(name="scratch", levels=_ALL, trainings=1, scratch=True),
        DoseRecipe(name="small", levels=_ALL, trainings=1, scratch=True, width=_WIDTH // 2),
        DoseRecipe(name="reduced", levels=_REDUCED, trainings=1, templates=2, seeds=4),
        DoseRecipe(name="smoke", levels=(0, 8), trainings=1, epochs=4, templates=1, seeds=2),
    )
}
"""By name: `full` is the experiment, `wide` the first of its trainings alone, `close` two trainings up to
500 pictures; `close-named`, `close-half`, `close-described` and `close-unnamed` vary what captions and
prompts say; `scratch` is the first training with a denoiser that has learnt nothing, `small` the same with a
quarter of the weights; `reduced` takes minutes, and `smoke` shows that everything runs."""
OBSERVED = {"full": 8, "none": 8, "reduced": 1}
"""Seeds of the shipped model's pictures that are looked at beside an experiment; of the others none."""


def recipe(name: str) -> DoseRecipe:
    """The recipe `name`; raises UnknownName for another."""
    if name not in RECIPES:
        raise UnknownName("recipe", name, RECIPES)
    return RECIPES[name]
