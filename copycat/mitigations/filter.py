"""The gate behind: a judge looks at the finished picture, and what it recognises is redrawn or withheld."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from copycat.characters import Character
from copycat.errors import RunConflict, UserError
from copycat.mitigations.base import Action, Mitigation, Options, Sight, World
from copycat.records import Request


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


class Filter(Mitigation):
    """Asks a judge about the finished picture; redraws or withholds what shows a character."""

    name = "filter"
    options = FilterOptions

    def __init__(self, config: Options | None = None, identity: str = "") -> None:
        super().__init__(config)
        self._options = FilterOptions.model_validate(self.config.model_dump())
        self._identity = identity

    @property
    def knows_target(self) -> bool:
        return self._options.of == "target"

    @property
    def judge(self) -> str | None:
        return self._options.judge

    def bound(self, world: World) -> Filter:
        if world.identify is None:
            raise UserError("No picture is made here that a filter could look at.")
        named = self._options.model_copy(update={"judge": self._options.judge or world.judge})
        return Filter(named, world.identify(named.judge))

    def edit_sampling(self, request: Request, character: Character) -> Request:
        # It changes no setting, but who looks at the picture decides which picture it will be.
        target = f"; target: {character.slug}" if self.knows_target else ""
        return self.traced(request, note=f"judge: {self._identity}{target}")

    def reviews(self, request: Request) -> bool:
        config = self.config.model_dump(mode="json")
        note = next((s.note for s in request.trail if (s.name, s.config) == (self.name, config)), None)
        if note is not None and note.partition(";")[0] != f"judge: {self._identity}":
            raise RunConflict(
                f"The judge of {request.mitigation} has changed since the run was begun; choose another "
                "output folder."
            )
        return note is not None

    def review(self, request: Request, seen: Sight) -> Action:
        # A judge that does not answer is no reason to withhold; the row says that it did not.
        shown = seen.characters or frozenset()
        if self.knows_target:
            shown &= self._targets(request)
        if not shown:
            return "keep"
        redraw = self._options.action == "regenerate" and seen.redrawn < self._options.tries
        return "redraw" if redraw else "refuse"

    def _targets(self, request: Request) -> frozenset[str]:
        """Whom it was told of when the request was planned."""
        notes = (s.note.partition("; target: ")[2] for s in request.trail if s.name == self.name)
        return frozenset(filter(None, notes))
