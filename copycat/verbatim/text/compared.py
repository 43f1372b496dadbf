"""A text beside its work, with what they have in common marked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from copycat.verbatim.text.documents import Document
from copycat.verbatim.text.metrics import PassageIndex
from copycat.verbatim.text.scores import Scored, delivered
from copycat.verbatim.text.tokens import Tokens, tokenize

SHORTEST = 4
"""Words of a common run that is marked."""
MOST = 300
"""Words of a text that are shown."""
AROUND = 15
"""Words of the work that are shown before and after what is compared."""
Mark = Literal["", "same", "longest"]


@dataclass(frozen=True)
class Piece:
    """A part of a text, and how it is marked."""

    text: str
    mark: Mark


@dataclass(frozen=True)
class Compared:
    """One text beside its work."""

    scored: Scored
    written: tuple[Piece, ...]
    work: tuple[Piece, ...]
    """What follows the prompt in the work, or where the longest run stands where that is elsewhere."""
    elsewhere: bool


def compare(scored: Scored, document: Document, fold: Callable[[str], str]) -> Compared:
    """Mark what is common to a text and the work; `fold` is how both are compared."""
    asked, text = scored.asked, tokenize(delivered(scored.written))
    work = document.tokens
    before, after = work.part(0, asked.begin), work.part(asked.end, len(work))
    follows = after.part(0, max(len(text), 20) + AROUND)
    run = PassageIndex([_folded(before, fold), _folded(after, fold)]).longest(_folded(text, fold))
    longest = run.length
    # The work right behind the prompt, unless the longest run stands elsewhere: then what is around that.
    side, first, last = follows, 0, len(follows)
    found = _runs(text, side, fold)
    if longest > max((n for _, _, n in found), default=0):
        side = (before, after)[run.document]
        first, last = max(0, run.place - AROUND), min(len(side), run.place + longest + AROUND)
        found = [(i, first + j, n) for i, j, n in _runs(text, side.part(first, last), fold)]
    marks = [(i, j, n) for i, j, n in found if n >= SHORTEST]
    return Compared(
        scored,
        tuple(_pieces(text, [(i, n) for i, _, n in marks], longest, 0, min(len(text), MOST))),
        tuple(_pieces(side, [(j, n) for _, j, n in marks], longest, first, min(last, first + MOST))),
        side is not follows,
    )


def _runs(a: Tokens, b: Tokens, fold: Callable[[str], str]) -> list[tuple[int, int, int]]:
    """Common runs: first word in `a`, first word in `b`, length."""
    matcher = SequenceMatcher(None, _folded(a, fold), _folded(b, fold), autojunk=False)
    return [(m.a, m.b, m.size) for m in matcher.get_matching_blocks() if m.size]


def _folded(tokens: Tokens, fold: Callable[[str], str]) -> list[str]:
    return [fold(word) for word in tokens.words]


def _pieces(
    tokens: Tokens, runs: Sequence[tuple[int, int]], longest: int, first: int, last: int
) -> Iterator[Piece]:
    """The text from word `first` to `last`, in pieces that are marked or are not."""
    at = first
    if first > 0:
        yield Piece("… ", "")
    for begin, size in sorted(runs):
        end = min(begin + size, last)
        begin = max(begin, at)
        if begin >= end:
            continue
        if begin > at:
            yield Piece(tokens.text[tokens.spans[at][0] : tokens.spans[begin][0]], "")
        yield Piece(tokens.cut(begin, end), "longest" if size == longest else "same")
        at = end
        if at < last:
            yield Piece(tokens.text[tokens.spans[at - 1][1] : tokens.spans[at][0]], "")
    if at < last:
        yield Piece(tokens.cut(at, last), "")
    if last < len(tokens):
        yield Piece(" …", "")
