"""The first words of a document, and nothing else."""

from __future__ import annotations

from copycat.verbatim.text.openings import Opening
from copycat.verbatim.text.prompts.base import Prompting


class Prefix(Prompting):
    """As Henderson et al. 2023 prompt with the beginnings of books."""

    name = "prefix"

    def prompt(self, opening: Opening) -> str:
        return opening.shown
