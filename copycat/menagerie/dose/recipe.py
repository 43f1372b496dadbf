"""Which newcomer gets how many pictures in which training, and how long it trains."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from copycat.errors import UnknownName

EPOCHS = 13.0
"""How often the shipped generator saw each picture: 3,900 × 64 / 31,423 + 3,000 × 64 / 37,666."""


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
    scratch: bool = False
    """Whether to train an untrained generator on the whole corpus with the newcomers in it, instead of
    going on with the shipped one."""

    def counts(self, training: int) -> tuple[int, ...]:
        """Of each newcomer in one of the trainings."""
        n = len(self.levels)
        shift = training * max(1, n // self.trainings)
        return tuple(self.levels[(i + shift) % n] for i in range(n))


_ALL = (0, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)
RECIPES = {
    r.name: r
    for r in (
        DoseRecipe(name="full", levels=_ALL, trainings=5),
        DoseRecipe(name="wide", levels=_ALL, trainings=1),
        DoseRecipe(name="close", levels=_ALL[:8], trainings=2),
        DoseRecipe(name="scratch", levels=_ALL, trainings=1, scratch=True),
        DoseRecipe(name="reduced", levels=(0, 20, 100, 300), trainings=1, templates=2, seeds=4),
        DoseRecipe(name="smoke", levels=(0, 8), trainings=1, epochs=4, templates=1, seeds=2),
    )
}
"""By name: `full` is the experiment, `wide` the first of its trainings alone, `close` two trainings up to
500 pictures, `scratch` the first training done from nothing, `reduced` takes minutes, and `smoke` shows
that everything runs."""


def recipe(name: str) -> DoseRecipe:
    """The recipe `name`; raises UnknownName for another."""
    if name not in RECIPES:
        raise UnknownName("recipe", name, RECIPES)
    return RECIPES[name]
