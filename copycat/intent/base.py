"""What an intent detector is, and where it says yes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Guess:
    """What a detector makes of one prompt."""

    slug: str | None
    """The character it comes nearest to; None when it comes near to none."""
    score: float
    """Higher means more likely that it is meant; of four digits, in a range of the detector's own."""
    why: str = ""
    """The words or the reply that it rests on."""
    answered: bool = True
    """False where the detector failed; then it is counted on neither side."""


class Detector(ABC):
    """Knows the registry and the prompt, and not what the prompt was written for."""

    identity: str
    certain: float | None = None
    """A score that always counts; None where what counts can only be measured."""
    decides: bool = False
    """Whether it says yes or no itself, so that `certain` is the only threshold."""

    @abstractmethod
    def guess(self, prompts: Sequence[str]) -> list[Guess]:
        """One guess a prompt, in order."""
