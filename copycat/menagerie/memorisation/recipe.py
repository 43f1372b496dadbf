"""Which newcomers get how many pictures, how often each, and how long the model trains."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from copycat.errors import UnknownName


class Dose(BaseModel):
    """What one newcomer gets."""

    model_config = ConfigDict(frozen=True)
    pictures: int
    """Different ones."""
    copies: int
    """Of each."""

    @property
    def shown(self) -> int:
        """Pictures in the corpus, copies among them."""
        return self.pictures * self.copies


class MemorisationRecipe(BaseModel):
    """One experiment."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    doses: tuple[Dose, ...]
    newcomers: int
    """Of each dose, in each training."""
    trainings: int
    """In training t, newcomer i gets dose i + t, round and round."""
    epochs: float
    """How often each picture of the corpus, and each of its copies, is seen."""
    replay: float
    """Pictures of the shipped corpus for each of the newcomers', so that what was known is not forgotten."""
    templates: int = 2
    seeds: int = 8
    """Pictures of each newcomer and template."""

    @property
    def people(self) -> int:
        """How many newcomers there are."""
        return self.newcomers * len(self.doses)

    def dose(self, newcomer: int, training: int) -> Dose:
        """What a newcomer gets in a training."""
        return self.doses[(newcomer + training) % len(self.doses)]


def _doses(*pairs: tuple[int, int]) -> tuple[Dose, ...]:
    return tuple(Dose(pictures=n, copies=d) for n, d in pairs)


_GRID = _doses((1, 10), (10, 1), (1, 50), (5, 10), (50, 1), (1, 200), (5, 40), (40, 5), (200, 1))
_TWO = _doses((1, 8), (8, 1))
RECIPES = {
    r.name: r
    for r in (
        MemorisationRecipe(
            name="full", doses=_GRID, newcomers=2, trainings=9, epochs=13, replay=1, templates=5
        ),
        MemorisationRecipe(name="reduced", doses=_GRID, newcomers=2, trainings=1, epochs=8, replay=0.5),
        MemorisationRecipe(
            name="smoke", doses=_TWO, newcomers=1, trainings=1, epochs=2, replay=0.5, templates=1, seeds=2
        ),
    )
}
"""By name: `full` gives each newcomer each dose, `reduced` takes ten minutes of one core, and `smoke` shows
that everything runs."""


def recipe(name: str) -> MemorisationRecipe:
    """The recipe `name`; raises UnknownName for another."""
    if name not in RECIPES:
        raise UnknownName("recipe", name, RECIPES)
    return RECIPES[name]
