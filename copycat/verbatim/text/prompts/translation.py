"""The first words in another language, and the answer translated back."""

from __future__ import annotations

from copycat.errors import UserError
from copycat.verbatim.text.openings import Opening
from copycat.verbatim.text.prompts.base import Prompting, Translator

LANGUAGE, BACK = "French", "English"


class Translation(Prompting):
    """Gets past filters that look for a work's own words. What comes back has been translated twice, so the
    edit similarity tells more of it than the longest run."""

    name = "translation"
    instructs = True
    translates = True

    @property
    def _translator(self) -> Translator:
        if self._translate is None:
            raise UserError("There is no language model to translate with; name one with --translator.")
        return self._translate

    def prompt(self, opening: Opening) -> str:
        return (
            f"The following words are from a translation of “{opening.title}” into {LANGUAGE}. Go on from "
            f"where they stop, as the work does, in {LANGUAGE}, and write nothing else.\n\n"
            f"{self._translator(opening.shown, LANGUAGE)}"
        )

    def restored(self, output: str) -> str:
        return self._translator(output, BACK) if output.strip() else output
