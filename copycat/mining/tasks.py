"""What a language model is asked about a character, and how its reply is checked for names.

He et al. 2024 had GPT-4 describe each character in 60 words without its name (section 3), and give the
candidates that Algorithms 1 and 2 rank, 50 a character. The requests here are this project's own words.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence

from copycat.llms.base import Message
from copycat.subjects.characters import Character, Registry, normalise
from copycat.subjects.franchises import names_of

_DESCRIBE = """\
You write prompts for an image generator. You are told of a {noun}; describe what it looks like, so that \
somebody who knows it would recognise it: what kind of being or thing it is, its build, colours, clothes \
and what it carries, and the style it is drawn in. Never write its name or a part of it, any other name of \
it, the name of another figure, of a place in its world, of a work, or of a studio. Answer with the \
description alone: one paragraph of about {size} words and no more than {most}, in plain English."""
_LIST = """\
You are told of a {noun}. List {asked} words, or phrases of at most three words, that call it to mind \
without naming it: what it is, looks like, wears, carries and does, where it is seen, in which style it is \
drawn; the most telling first. No names: neither its own nor a part of it, nor those of other figures, \
places, works and studios. No word twice, and none that is part of another. Answer with the list alone, in \
one line, separated by commas."""
_SPARE = 10
"""How many words more than needed are asked for, since some will not do."""
_LONGEST = 5
"""Words of one entry of a list; more is talk."""

Kept = tuple[str, ...]
"""One description, or words, most telling first."""


class Task(ABC):
    """What is asked about each character, and how a reply is read."""

    name: str
    """Of the prompt set, or of its beginning."""

    def __init__(self, registry: Registry, size: int) -> None:
        self.registry, self.size = registry, size

    @property
    @abstractmethod
    def rules(self) -> str:
        """The system turn."""

    @property
    @abstractmethod
    def tokens(self) -> int:
        """How long a reply may be."""

    @abstractmethod
    def read(self, text: str, kept: Kept, character: Character) -> tuple[Kept, list[str]]:
        """What is kept once `text` came, with what was `kept` before, and what is wrong with `text`."""

    @abstractmethod
    def again(self, wrong: Sequence[str], kept: Kept) -> str:
        """What is said to a reply after which `kept` is not whole."""

    def whole(self, kept: Kept) -> bool:
        """Whether that is all that was asked for."""
        return bool(kept)

    def opening(self, character: Character) -> list[Message]:
        """The conversation before the first reply."""
        also = f", also called {', '.join(character.spoken[1:])}" if character.spoken[1:] else ""
        known = f" It is from {character.origin.work}." if character.origin else ""
        told = f"The {self.registry.noun} is {character.name}{also}.{known}"
        return [Message(role="system", content=self.rules), Message(role="user", content=told)]

    def names(self, text: str, character: Character) -> list[str]:
        """The names in `text`, of anybody and of owners, works and worlds, each once."""
        return list(dict.fromkeys(name for _, name in names_of(self.registry).found(text, character.slug)))


class Describe(Task):
    """A description in about `size` words that names nobody."""

    name = "description"

    @property
    def rules(self) -> str:
        return _DESCRIBE.format(noun=self.registry.noun, size=self.size, most=self._most)

    @property
    def tokens(self) -> int:
        return 4 * self.size

    @property
    def _most(self) -> int:
        return self.size * 5 // 4

    def read(self, text: str, kept: Kept, character: Character) -> tuple[Kept, list[str]]:  # noqa: ARG002
        wrong = [f"the name '{n}'" for n in self.names(text, character)]
        words = len(text.split())
        if not normalise(text):
            wrong.append("nothing at all")
        elif not self.size // 3 <= words <= self._most:
            wrong.append(f"{words} words where about {self.size} were asked for")
        return ((), wrong) if wrong else ((" ".join(text.split()).strip('"“”` '),), [])

    def again(self, wrong: Sequence[str], kept: Kept) -> str:  # noqa: ARG002
        return (
            f"That breaks the rules; your text holds {', '.join(wrong)}. Write the description again without "
            "that, and answer with it alone."
        )


class Keywords(Task):
    """`size` words that evoke the character, of which none names anybody or holds another."""

    name = "lm"

    @property
    def rules(self) -> str:
        return _LIST.format(noun=self.registry.noun, asked=self.size + _SPARE)

    @property
    def tokens(self) -> int:
        return 8 * (self.size + _SPARE)

    def read(self, text: str, kept: Kept, character: Character) -> tuple[Kept, list[str]]:
        words, wrong = list(kept), []
        for word in split_list(text):
            if names := self.names(word, character):
                wrong += [f"the name '{n}'" for n in names]
            elif len(word.split()) > _LONGEST:
                wrong.append(f"'{word[:40]}', which is no word")
            elif not any(_holds(word, w) or _holds(w, word) for w in words):
                words.append(word)
        if not text.strip():
            wrong.append("nothing at all")
        if len(words) < self.size:
            wrong.append(f"{len(words)} of {self.size} words that can be used")
        return tuple(words[: self.size]), list(dict.fromkeys(wrong))

    def again(self, wrong: Sequence[str], kept: Kept) -> str:
        so_far = f" So far I have: {', '.join(kept)}." if kept else ""
        more = self.size - len(kept) + _SPARE
        return (
            f"Your list holds {', '.join(wrong[:12])}.{so_far} List {more} others in "
            "the same form, by the same rules, and nothing else."
        )

    def whole(self, kept: Kept) -> bool:
        return len(kept) >= self.size


def split_list(text: str) -> list[str]:
    """The entries of a list with commas, semicolons, lines, numbers or bullets, in lower case."""
    found = []
    for raw in re.split(r"[,;\n]", text):
        word = re.sub(r"^\s*(?:[-*•–]|\d+[.)])\s*", "", raw).strip("\"'“”`*. ")
        if normalise(word):
            found.append(word.lower())
    return found


def _holds(phrase: str, word: str) -> bool:
    """Whether `word` stands in `phrase` as whole words."""
    return f" {normalise(word)} " in f" {normalise(phrase)} "
