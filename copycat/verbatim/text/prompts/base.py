"""What a way of prompting is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

from copycat.cards.catalog import Catalog
from copycat.errors import UserError
from copycat.verbatim.text.documents import Document
from copycat.verbatim.text.openings import Opening, word_openings


class Unaskable(UserError):
    """No prompt can be made of one opening, while others can."""


Translator = Callable[[str, str], str]
"""A text in another language, which is called by its English name: `translate("Good day", "French")`."""


class Prompting(ABC):
    """One way of asking a model to go on with a document."""

    name: ClassVar[str]
    unit: ClassVar[str] = "words"
    """What lengths of its prompts are counted in."""
    instructs: ClassVar[bool] = False
    """Whether it asks in a sentence, for which a local model's chat template is used where it has one. A
    hosted chat model gets every prompt as a message."""
    translates: ClassVar[bool] = False
    """Whether it needs a language model that translates."""

    def __init__(self, translate: Translator | None = None) -> None:
        """Raises UserError where it needs a translator and there is none."""
        if self.translates and translate is None:
            raise UserError(
                f"Prompts of the kind {self.name} are translated by a language model; name one with "
                "--translator (copycat ls llms)."
            )
        self._translate = translate

    def openings(self, document: Document, length: int, many: int) -> list[Opening]:
        """What is shown of `document` in prompts of that `length`: at most `many` openings, none for a
        document that it does not suit."""
        return word_openings(document, length, many)

    @abstractmethod
    def prompt(self, opening: Opening) -> str:
        """What the model is sent. Raises Unaskable where none can be made of this opening."""

    def restored(self, output: str) -> str:
        """What the model wrote, as it would stand in the document: decoded, or translated back."""
        return output

    def fold(self, text: str) -> str:
        """`text` as it is compared, of the document and of the output alike; for a kind that loses, say,
        capital letters on the way."""
        return text


CATALOG: Catalog[type[Prompting]] = Catalog(
    "text-prompts",
    singular="kind of prompt",
    builtin={
        "prefix": "copycat.verbatim.text.prompts.prefix:Prefix",
        "lines": "copycat.verbatim.text.prompts.lines:Lines",
        "continue": "copycat.verbatim.text.prompts.instruction:Continue",
        "digits": "copycat.verbatim.text.prompts.digits:Digits",
        "translation": "copycat.verbatim.text.prompts.translation:Translation",
    },
)


def load_prompting(name: str, translate: Translator | None = None) -> Prompting:
    """The kind of prompts called `name`. Raises UnknownName or UserError."""
    return CATALOG.get(name)(translate)
