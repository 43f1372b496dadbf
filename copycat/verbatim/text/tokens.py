"""Words as the measures count them: the tokens of the Penn Treebank, with their places in the text.

Henderson et al. 2023 (arXiv 2303.15715) count in these; the tokenizer is NLTK's. White space is no part of a
token, so line breaks and indentation make no difference, neither of a text nor of code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

_QUOTES = ("``", "''", '"')
"""Of these, one may stand for another: the tokenizer tells opening from closing quotation marks."""


@dataclass(frozen=True)
class Tokens:
    """A text with its tokens."""

    text: str
    words: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]
    """Begin and end of each word in the text, in characters."""

    def __len__(self) -> int:
        return len(self.words)

    def cut(self, first: int, last: int) -> str:
        """The text from word `first` up to, and without, word `last`, as it stands there; to its end where
        there are not so many."""
        last = min(last, len(self.words))
        if first >= last:
            return ""
        return self.text[self.spans[first][0] : self.spans[last - 1][1]]

    def part(self, first: int, last: int) -> Tokens:
        """Words `first` up to, and without, `last`, in the same text."""
        return Tokens(self.text, self.words[first:last], self.spans[first:last])


def tokenize(text: str) -> Tokens:
    """The tokens of `text`. Every token is found again in it, in their order."""
    words = _tokenizer().tokenize(text)
    return Tokens(text, tuple(words), find_places(text, words))


def word_tokens(text: str) -> tuple[str, ...]:
    """The tokens alone."""
    return tuple(_tokenizer().tokenize(text))


def find_places(text: str, words: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Begin and end in `text`, in characters, of each of its tokens."""
    spans, at = [], 0
    for word in words:
        forms = _QUOTES if word in _QUOTES else (word,)
        while at < len(text) and text[at].isspace():
            at += 1
        here = [(at, at + len(form)) for form in forms if text.startswith(form, at)]
        # Looked for further on only where need be: a whole book, for every quotation mark, takes long.
        found = here or [(begin, begin + len(f)) for f in forms if (begin := text.find(f, at)) >= 0]
        begin, end = min(found, default=(at, at))
        spans.append((begin, end))
        at = end
    return tuple(spans)


@cache
def _tokenizer() -> Any:
    # Takes a second to import, which no other command should wait for.
    from nltk.tokenize.treebank import TreebankWordTokenizer

    return TreebankWordTokenizer()
