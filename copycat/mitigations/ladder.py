"""The output filter by ladder rung: what is a copy of a reference picture is redrawn or withheld."""

from __future__ import annotations

from pydantic import Field

from copycat.cards.judges import CATALOG
from copycat.errors import UnknownName, UserError
from copycat.mitigations.base import RunContext
from copycat.mitigations.filter import Filter, FilterOptions


class LadderOptions(FilterOptions):
    at: str = Field(default="near-copy", pattern=r"^[\w-]+$")
    """The rung from which on a picture is a copy: exact, perceptual, near-copy or copy. A character drawn
    anew is none; `filter` withholds that."""
    judge: str = ""
    """A judge card of kind ladder; that called as the registry with `-ladder` behind it when left out."""


class Ladder(Filter):
    """Compares the finished picture with references, and redraws or withholds what is a copy of one."""

    name = "ladder"
    options = LadderOptions

    def __init__(self, config: LadderOptions, identity: str = "") -> None:
        super().__init__(config, identity)
        self._at = config.at

    @property
    def judge(self) -> str | None:
        return f"{self.config.judge}[at={self._at}]" if self.config.judge else ""

    def asks(self, registry: str, own: str) -> str | None:  # noqa: ARG002
        named = self.config.judge or _own(registry)
        if not self.config.judge and named not in CATALOG.names():
            raise _none_of(registry)
        return f"{named}[at={self._at}]"

    def bind(self, context: RunContext) -> Ladder:
        if context.identify is None:
            raise UserError("No picture is made here that a ladder could look at.")
        given = LadderOptions.model_validate(self.config.model_dump())
        named = given.model_copy(update={"judge": given.judge or _own(context.registry.name)})
        try:
            return Ladder(named, context.identify(str(Ladder(named).judge)))
        except UnknownName as e:
            if given.judge or e.kind != "judge":
                raise
            raise _none_of(context.registry.name) from e


def _own(registry: str) -> str:
    """What the card of a registry's own ladder is called."""
    return f"{registry}-ladder"


def _none_of(registry: str) -> UserError:
    return UserError(
        f"The registry {registry} has no ladder of its own: write a judge card of kind ladder called "
        f"{_own(registry)}, or name one with ladder[judge=NAME] (docs/verbatim.md)."
    )
