"""Negative prompt: steers the sampler away from the character's name."""

from __future__ import annotations

from pydantic import Field

from copycat.characters import Character
from copycat.mitigations.base import Mitigation, Options
from copycat.records import Request


class NegativeOptions(Options):
    keywords: int = Field(default=0, ge=0)
    """How many of the character's keywords to add, most telling first."""


class NegativePrompt(Mitigation):
    """The character's name [and keywords] as negative prompt."""

    name = "negprompt"
    options = NegativeOptions

    def __init__(self, config: Options | None = None) -> None:
        super().__init__(config)
        self._keywords = NegativeOptions.model_validate(self.config.model_dump()).keywords

    def edit_sampling(self, request: Request, character: Character) -> Request:
        words = [character.name, *character.keywords[: self._keywords]]
        negative = ", ".join([request.negative, *words] if request.negative else words)
        return self.traced(request, note=f"negative: {negative}", negative=negative)
