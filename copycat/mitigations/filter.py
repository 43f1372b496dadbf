"""The output filter: a judge looks at the finished picture, and what it recognises is redrawn or withheld."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from copycat.errors import RunConflict, UserError
from copycat.mitigations.base import Action, JudgeFinding, Mitigation, Options, RunContext
from copycat.records import Request, Row
from copycat.subjects.characters import Character


class FilterOptions(Options):
    action: Literal["regenerate", "refuse"] = "regenerate"
    """What to do with a picture that shows a character: draw another, or withhold it."""
    tries: int = Field(default=3, ge=1)
    """How many other pictures to draw at most; if the last one shows a character too, it is withheld."""
    judge: str = ""
    """A judge card; the run's own when left out, which is then asked about its own choice."""
    of: Literal["any", "target"] = "any"
    """Which characters count: any of the registry's, as a guardrail that knows no target would have it, or
    the one that the prompt is for."""


class FilterResult(Row):
    """Who looks at the picture, and for whom."""

    judge: str
    """Identity of the judge."""
    target: str | None = None
    """Slug of the character that counts; None where any does."""


class Filter(Mitigation[FilterOptions]):
    """Asks a judge about the finished picture; redraws or withholds what shows a character."""

    name = "filter"
    options = FilterOptions

    def __init__(self, config: FilterOptions, identity: str = "") -> None:
        super().__init__(config)
        self._identity = identity

    @property
    def needs_target(self) -> bool:
        return self.config.of == "target"

    @property
    def judge(self) -> str | None:
        return self.config.judge

    def bind(self, context: RunContext) -> Filter:
        if context.identify is None:
            raise UserError("No picture is made here that a filter could look at.")
        named = self.config.model_copy(update={"judge": self.config.judge or context.judge})
        return Filter(named, context.identify(named.judge))

    def edit_sampling(self, request: Request, character: Character) -> Request:
        # It changes no setting, but who looks at the picture decides which picture it will be.
        result = FilterResult(judge=self._identity, target=character.slug if self.needs_target else None)
        target = f"; target: {result.target}" if result.target else ""
        return self.with_step(request, f"judge: {self._identity}{target}", result)

    def reviews(self, request: Request) -> bool:
        planned = self._planned(request)
        if planned is not None and planned.judge != self._identity:
            raise RunConflict(
                f"The judge of {request.mitigation} has changed since the run was begun; choose another "
                "output folder."
            )
        return planned is not None

    def review(self, request: Request, seen: JudgeFinding) -> Action:
        # A judge that does not answer is no reason to withhold; the row says that it did not.
        shown = seen.characters or frozenset()
        planned = self._planned(request)
        if planned and planned.target:
            shown &= {planned.target}
        if not shown:
            return "keep"
        redraw = self.config.action == "regenerate" and seen.redrawn < self.config.tries
        return "redraw" if redraw else "refuse"

    def _planned(self, request: Request) -> FilterResult | None:
        """What it said when the request was planned; None where it did not act."""
        steps = self.steps(request)
        return FilterResult.model_validate(steps[0].result) if steps else None
