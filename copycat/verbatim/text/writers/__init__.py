"""Models that go on with a text: those of transformers on this machine, and hosted chat models."""

from copycat.verbatim.text.writers.base import Draft, Writer
from copycat.verbatim.text.writers.open import card_of, open_writer

__all__ = ["Draft", "Writer", "card_of", "open_writer"]
