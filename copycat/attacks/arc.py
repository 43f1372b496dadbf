"""Concept arithmetics, after Petsiuk and Saenko 2024: composes prompts with signed weights in the sampler."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from copycat.attacks.base import AttackOptions, Attempt, Informed, Victim
from copycat.attacks.options import LISTED
from copycat.attacks.recipes import RECIPES, RecipeName, words_of
from copycat.cards.hooks import DenoiseStep
from copycat.diffusion.composing import Term
from copycat.records import Request
from copycat.subjects.characters import Character

if TYPE_CHECKING:
    from torch import Tensor


class ArcOptions(AttackOptions):
    """Without a weight every recipe is tried at every weight of the grid until one succeeds; with one, that
    is all that is done, and no picture is judged before the run's own."""

    recipe: Literal["all", RecipeName] = "all"
    """flip: against ESD and other erasers that turn a direction around. difference: a description less what
    is generic in it. anchor: against erasers that put a generic being in the character's place. counter:
    against negative prompts and SLD."""
    weight: float | None = Field(default=None, ge=0)
    """Of what the recipe adds, in units of the guidance scale; it needs one recipe."""
    weights: Annotated[tuple[Annotated[float, Field(gt=0)], ...], LISTED] = (1.0, 0.5, 2.0)
    """The grid that is searched, in this order and with all recipes at each: weights=1/0.5/2."""
    queries: int = Field(default=13, ge=1)
    """Budget of one search, as for every attack: the plain prompt, and four recipes at three weights."""

    @model_validator(mode="after")
    def _one_recipe(self) -> Self:
        if self.weight is not None and self.recipe == "all":
            raise ValueError(f"weight needs one recipe, such as recipe=flip ({', '.join(RECIPES)})")
        if not self.weights:
            raise ValueError("weights holds at least one number, such as weights=1/0.5/2")
        return self


class _Composition(NamedTuple):
    """One cell of the grid."""

    recipe: RecipeName
    weight: float


class Arc(Informed[ArcOptions]):
    """Adds and subtracts what the guarded model makes of several prompts, without training or gradients."""

    name = "arc"
    options = ArcOptions
    white_box = True
    needs_guidance = True

    @property
    def searches(self) -> bool:
        return self.config.weight is None

    def sources(self, character: Character) -> Any:
        return asdict(words_of(character, self.registry))

    def attempts(self, victim: Victim) -> Iterator[Attempt]:
        chosen = RECIPES if self.config.recipe == "all" else (self.config.recipe,)
        for weight in self.config.weights:
            for recipe in chosen:
                prompt = RECIPES[recipe].prompt(victim.request.source_prompt, victim.character)
                yield Attempt(prompt=prompt, settings={"recipe": recipe, "weight": weight})

    def edit_prompt(self, request: Request, character: Character) -> Request:
        composed = self._composition(request)
        # A search has put the prompt in already.
        if composed is None or self.searches:
            return request
        prompt = RECIPES[composed.recipe].prompt(request.prompt, character)
        return self.with_step(request, f"{composed.recipe} at weight {composed.weight:g}", prompt=prompt)

    def texts(self, request: Request) -> tuple[str, ...]:
        return ("", *(text for text, _ in self._terms(request)))

    def denoise(self, step: DenoiseStep) -> Tensor:
        """G + w s Σ ±d'(cᵢ), where G is what the guarded sampler would go on with by itself."""
        from copycat.diffusion.composing import Composed

        composed = Composed(step, self.name)
        terms = [self._terms(r) for r in step.requests[: composed.pictures]]
        if not any(terms):
            return step.predict()
        scale = step.requests[0].sampling.guidance
        return composed.sent(composed.guided(scale) + composed.along(terms))

    def _terms(self, request: Request) -> tuple[Term, ...]:
        """With their weights for this request; none where its plain prompt is drawn."""
        composed = self._composition(request)
        if composed is None:
            return ()
        words = words_of(self.registry[request.character], self.registry)
        scale = composed.weight * request.sampling.guidance
        return tuple((text, scale * sign) for text, sign in RECIPES[composed.recipe].terms(words))

    def _composition(self, request: Request) -> _Composition | None:
        """What is composed for this request; None for a search's first attempt, the plain prompt."""
        if self.config.weight is not None and self.config.recipe != "all":
            return _Composition(self.config.recipe, self.config.weight)
        found = self.found(request)
        settings = found.settings if found is not None else {}
        for recipe in RECIPES:
            if settings.get("recipe") == recipe:
                return _Composition(recipe, float(settings["weight"]))
        return None
