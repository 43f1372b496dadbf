"""An attack: asks in capitals, without a look at the model."""

from __future__ import annotations

from copycat.attacks import Attack, AttackOptions
from copycat.records import Request
from copycat.subjects.characters import Character


class Shouting(Attack[AttackOptions]):
    """Asks in capitals."""

    name = "shouting"

    def edit_prompt(self, request: Request, character: Character) -> Request:
        return self.with_step(request, note="in capitals", prompt=request.prompt.upper())
