"""An instruction to go on, with the first words."""

from __future__ import annotations

from copycat.verbatim.text.openings import Opening
from copycat.verbatim.text.prompts.base import Prompting


class Continue(Prompting):
    """Names the work, and asks for what follows in it."""

    name = "continue"
    instructs = True

    def prompt(self, opening: Opening) -> str:
        return (
            f"The following words are from “{opening.title}”. Go on from where they stop, exactly as the "
            f"work does, and write nothing else.\n\n{opening.shown}"
        )
