"""A mitigation: asks for a head without a hat."""

from __future__ import annotations

from copycat.mitigations import Mitigation
from copycat.mitigations.base import Options
from copycat.records import Request
from copycat.subjects.characters import Character


class BareheadedOptions(Options):
    insist: bool = False
    """Whether to say it twice."""


class Bareheaded(Mitigation[BareheadedOptions]):
    name = "bareheaded"
    options = BareheadedOptions

    @property
    def needs_target(self) -> bool:
        return False

    def edit_prompt(self, request: Request, character: Character) -> Request:
        said = ", without a hat" * (2 if self.config.insist else 1)
        return self.with_step(request, note="no hat", prompt=request.prompt + said)
