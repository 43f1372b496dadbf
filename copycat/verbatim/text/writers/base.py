"""What a model that goes on with a text is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from copycat.io.ledger import Ledger
from copycat.io.lifecycle import Closing
from copycat.verbatim.text.mitigations import TokenBlock
from copycat.verbatim.text.rows import Asked


@dataclass(frozen=True)
class Draft:
    """What a model wrote, before anybody looked at it."""

    outcome: Literal["ok", "refused", "error"]
    text: str = ""
    reason: str = ""
    tokens: int | None = None
    most: int | None = None
    """Tokens that it might have had; None for as many as were asked for."""
    held: int = 0
    surprise: float | None = None
    seconds: float | None = None


class Writer(Closing, ABC):
    """Answers prompts. Closed as :class:`copycat.io.lifecycle.Closing` says."""

    vocabulary: int | None = None
    """How many tokens there are to choose from; None for a model that cannot be told which not to choose."""

    def encode(self, text: str) -> Sequence[int]:
        """The tokens of `text`, without marks around it; only asked of a writer with a `vocabulary`."""
        raise NotImplementedError

    @abstractmethod
    def write(self, asked: Sequence[Asked], blocks: Sequence[TokenBlock]) -> list[Draft]:
        """What comes of each prompt of a batch, of which `blocks` forbid tokens. One that fails is an error
        of its own; raises a UserError where no further one can succeed."""

    def charge(self, ledger: Ledger) -> None:
        """Enter the calls from now on in `ledger`; a model on this machine has none."""
