"""Withholds a finished text that has too long a run of words in common with a protected work."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import field_validator

from copycat.mitigations.base import Options
from copycat.verbatim.text.metrics import PassageIndex
from copycat.verbatim.text.mitigations.base import Protected, TextMitigation
from copycat.verbatim.text.prompts.digits import decode
from copycat.verbatim.text.rungs import NAMES, VERBATIM, words_of
from copycat.verbatim.text.tokens import word_tokens


class FilterOptions(Options):
    at: str = VERBATIM.name
    """The rung of the ladder from which on a text is withheld."""
    fold: bool = False
    """Whether digits are read as the letters that they may stand for, and capitals as small ones."""

    @field_validator("at")
    @classmethod
    def _is_rung(cls, value: str) -> str:
        if value not in NAMES:
            raise ValueError(f"{value} is no rung; there are {', '.join(NAMES)}")
        return value


class OutputFilter(TextMitigation[FilterOptions]):
    """Withholds a text on too high a rung of the ladder. It looks at the text as the model wrote it, as a
    service does that knows nothing of the prompt's trick."""

    name = "output-filter"
    options = FilterOptions

    def reviewer(self, protected: Protected) -> Callable[[str], str]:
        fold = (lambda text: decode(text).lower()) if self.config.fold else str
        index = PassageIndex([word_tokens(fold(d.text)) for d in protected.documents])
        at = words_of(self.config.at)

        def review(text: str) -> str:
            run = index.longest(word_tokens(fold(text)))
            if run.length < at:
                return ""
            return f"{run.length} words in a row from {protected.documents[run.document].title}"

        return review
