"""What a mitigation of texts is: hooks while a model writes, and when it has written.

How several act together is in `composition.py`.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from copycat.cards.catalog import Catalog
from copycat.mitigations.base import Options
from copycat.verbatim.text.documents import Document

O = TypeVar("O", bound=Options)  # noqa: E741
Encode = Callable[[str], Sequence[int]]
"""A tokenizer, without marks of its own around a text."""


@dataclass(frozen=True)
class Protected:
    """The works that are not to be given back."""

    documents: tuple[Document, ...]


class TokenBlock(Protocol):
    """Forbids tokens while a text is written."""

    def forbidden(self, before: Sequence[int]) -> npt.NDArray[np.bool_]:
        """Of every token of the vocabulary whether it must not come after the tokens `before`."""
        ...

    def facts(self) -> dict[str, float]:
        """What is known of it, for reports, by name."""
        ...


class TextMitigation(ABC, Generic[O]):
    """One mitigation with its options. Its hooks do nothing unless overridden."""

    name: ClassVar[str]
    options: ClassVar[type[Options]] = Options
    """The type of its options, which are checked when its name is read; the instance has them as `config`."""
    decodes: ClassVar[bool] = False
    """Whether it acts while a model decodes, which only a model on this machine lets it do."""

    def __init__(self, config: O) -> None:
        self.config = config

    def block(self, protected: Protected, encode: Encode, vocabulary: int) -> TokenBlock | None:  # noqa: ARG002
        """What forbids tokens of a model with that tokenizer and so many tokens; None for nothing."""
        return None

    def reviewer(self, protected: Protected) -> Callable[[str], str] | None:  # noqa: ARG002
        """What looks at a finished text and says why it is withheld, empty where it is not; None for a
        mitigation that does not look."""
        return None


CATALOG: Catalog[type[TextMitigation[Any]]] = Catalog(
    "text-mitigations",
    singular="mitigation of texts",
    builtin={
        "block": "copycat.verbatim.text.mitigations.block:Block",
        "output-filter": "copycat.verbatim.text.mitigations.output_filter:OutputFilter",
    },
)
