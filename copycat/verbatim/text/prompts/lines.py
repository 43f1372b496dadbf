"""The first lines of a function, as code models complete them."""

from __future__ import annotations

from copycat.verbatim.text.documents import Document
from copycat.verbatim.text.openings import Opening, line_openings
from copycat.verbatim.text.prompts.base import Prompting


class Lines(Prompting):
    """Of code only: the first 1, 5 or 10 lines of a function of 20 lines or more in Henderson et al. 2023."""

    name = "lines"
    unit = "lines"

    def openings(self, document: Document, length: int, many: int) -> list[Opening]:
        return line_openings(document, length, many) if document.kind == "code" else []

    def prompt(self, opening: Opening) -> str:
        return f"{opening.shown}\n"
