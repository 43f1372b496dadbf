"""The mitigations of a study at work: what they forbid, what they withhold, and how long they look."""

from __future__ import annotations

import time
from collections.abc import Callable

from copycat.errors import MissingRequirement
from copycat.verbatim.text.mitigations import Protected, TokenBlock
from copycat.verbatim.text.settings import Settings
from copycat.verbatim.text.writers import Writer


class Guards:
    """The mitigations of a study with the works that they guard, each made when it is first needed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._blocks: dict[str, list[TokenBlock]] = {}
        self._reviewers: dict[str, Callable[[str], str]] = {}
        self.facts: dict[str, dict[str, float]] = {}

    def blocks(self, spec: str, writer: Writer) -> list[TokenBlock]:
        """What forbids tokens of `writer`."""
        composed = self._settings.composed[spec]
        if not composed.decodes:
            return []
        if writer.vocabulary is None:
            raise MissingRequirement(f"{self._settings.card.name} cannot be told which tokens not to write.")
        if spec not in self._blocks:
            made = composed.blocks(self._protected, writer.encode, writer.vocabulary)
            self._blocks[spec] = made
            self.facts[spec] = {k: v for block in made for k, v in block.facts().items()}
        return self._blocks[spec]

    def review(self, spec: str, text: str) -> tuple[str, float]:
        """Why `text` is withheld, empty where it is not, and the seconds that it took to see."""
        if spec not in self._reviewers:
            self._reviewers[spec] = self._settings.composed[spec].reviewer(self._protected)
        began = time.monotonic()
        return self._reviewers[spec](text), time.monotonic() - began

    @property
    def _protected(self) -> Protected:
        return Protected(self._settings.protected.documents)
