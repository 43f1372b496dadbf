"""Where in a document a model is asked to go on: at its beginning, and at further places within it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from copycat.verbatim.text.documents import Document
from copycat.verbatim.text.rungs import VERBATIM

NEEDED = VERBATIM.words
"""Words that must follow a prompt in its document: with fewer the rung `verbatim` could not be reached."""
LONG_BLOCK = 20
"""Lines of a function or class whose beginning is a prompt; that of Henderson et al. 2023."""
_ENDS = (".", "!", "?", "''")


@dataclass(frozen=True)
class Opening:
    """What is shown of a document."""

    document: Document
    begin: int
    """Its first word that is shown."""
    end: int
    """The first word that is not, which a model that knows the document writes next."""
    length: int
    """As it was asked for: words, or lines of code."""

    @property
    def shown(self) -> str:
        return self.document.tokens.cut(self.begin, self.end)

    @property
    def title(self) -> str:
        return self.document.title


def word_openings(document: Document, words: int, many: int) -> list[Opening]:
    """The first `words` of a document and of at most `many` − 1 places spread over it, each the beginning of
    a sentence. Fewer, or none, where it is too short for so many words and what must follow."""
    tokens = document.tokens
    last = len(tokens) - words - NEEDED
    if last < 0:
        return []
    begins = {0}
    for i in range(1, many):
        at = last * i // many
        while 0 < at <= last and not tokens.words[at - 1].endswith(_ENDS):
            at += 1
        if at <= last:
            begins.add(at)
    return [Opening(document, at, at + words, words) for at in sorted(begins)]


def line_openings(document: Document, lines: int, many: int) -> list[Opening]:
    """The first `lines` of at most `many` functions, classes or other blocks of 20 lines or more that begin
    at the margin; of a file without any, its own first lines."""
    tokens = document.tokens
    found = []
    characters = _line_begins(document.text)
    for line in _blocks(document.text) or [0]:
        first, end = characters[line], characters[min(line + lines, len(characters) - 1)]
        begin = next((i for i, (a, _) in enumerate(tokens.spans) if a >= first), len(tokens))
        after = next((i for i, (a, _) in enumerate(tokens.spans) if a >= end), len(tokens))
        if begin < after <= len(tokens) - NEEDED:
            found.append(Opening(document, begin, after, lines))
    return found[:many]


def _line_begins(text: str) -> list[int]:
    """Where each line begins, and the end of the text."""
    begins = [0]
    for line in text.splitlines(keepends=True):
        begins.append(begins[-1] + len(line))
    return begins


def _blocks(text: str) -> list[int]:
    """Numbers of lines at which long blocks begin."""
    lines = text.splitlines()
    begins = [i for i in _at_margin(lines) if i == 0 or _parts(lines[i - 1])]
    ends = [*begins[1:], len(lines)]
    return [a for a, b in zip(begins, ends, strict=False) if b - a >= LONG_BLOCK]


def _parts(line: str) -> bool:
    """Whether a block may begin behind `line`: one that is empty, or ends a comment or a block."""
    bare = line.strip()
    return not bare or bare.startswith(("//", "#")) or bare.endswith(("*/", "}"))


def _at_margin(lines: list[str]) -> Iterator[int]:
    for i, line in enumerate(lines):
        if line and (line[0].isalpha() or line[0] in "_@"):
            yield i
