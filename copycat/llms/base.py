"""What a language model is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Literal

from copycat.cards.catalog import Catalog
from copycat.cards.llms import LLMCard
from copycat.io.lifecycle import Closing
from copycat.records import Row


class Message(Row):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


class Reply(Row):
    """What a model answered; a refusal is an answer too."""

    text: str = ""
    refusal: str | None = None
    """Why there is no text."""


class Chat(Closing, ABC):
    """Answers conversations. Built from a language-model card and a device; closed as
    :class:`copycat.io.lifecycle.Closing` says."""

    identity: str
    """Card name and weights identity, or for a hosted model what it is called and where."""

    @abstractmethod
    def __init__(self, card: LLMCard, device: str) -> None: ...

    @abstractmethod
    def ask(self, messages: Sequence[Message]) -> Reply:
        """The most likely reply. Raises a UserError where none can be had, and safe to call from threads
        where the card's `batch_size` is above 1."""


CATALOG: Catalog[type[Chat]] = Catalog(
    "llm-kinds",
    singular="language-model kind",
    builtin={
        "openai-chat": "copycat.llms.openai_chat:OpenAIChat",
        "transformers-lm": "copycat.llms.local:LocalChat",
    },
)


def load_chat(card: LLMCard, device: str) -> Chat:
    """The model that `card` asks for, on `device` (resolved, not `auto`). Raises MissingRequirement for one
    that its provider has shut down."""
    card.check_served(f"The language model {card.name}")
    return CATALOG.get(card.kind)(card, device)
