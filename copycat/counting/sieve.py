"""Which captions are worth a closer look: only those can name somebody.

Hardly any caption names anybody, so most of the work is to see that one does not, and for that a cheaper
spelling than the normalised one is enough. A name stands in a caption only where each of its words does, so
one word of each name is looked for. The captions are folded in place: the bytes of each character are
overwritten with those of its folded form, and bytes left over are deleted. The folded form of some characters
needs more bytes than they have themselves ("½", "ﷺ", the syllables of Hangul); a caption that holds one is
looked at closely, whatever else it says. `tests/counting/test_sieve.py` compares this with
:func:`copycat.subjects.characters.normalise` on every code point.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from copycat.counting.automaton import Automaton
from copycat.counting.text import ASCII, END, SPACE, folded_character, in_one, pieces

Numbers = npt.NDArray[np.intp]

_AT_ONCE = 8_192
"""Captions that are looked at together, fewer where they are long: about half a megabyte, which stays in a
processor's cache."""
_GONE = 0xFE
"""Fills the place of a character that takes less than before; no UTF-8 has that byte."""


def _alike(byte: int) -> int:
    if byte == END:
        return SPACE
    return ASCII[byte] if byte < 0x80 or byte == _GONE else 0x80 | byte & 0x0F


ALIKE = bytes(map(_alike, range(256)))
"""As `ASCII`, but an END is a space, and of the bytes of other characters there are 16: the table of an
automaton that tells fewer bytes apart stays in the cache. Where that makes words alike, captions are looked
at closely for nothing."""
_GONE_4 = 0xFEFEFEFE
_LONGER = 0xFFFFFFFF
"""In place of a character that would take more."""


class Sieve:
    """Finds the captions in which one of `names`, which are normalised, may stand; the `frequent` words are
    not those to look for."""

    def __init__(self, names: Iterable[str], frequent: Collection[str] = ()) -> None:
        # A space behind each word, but none before it: spaces are so frequent that starting with one is slow.
        words = [f"{word} ".encode().translate(ALIKE) for word in telling_words(names, frequent)]
        self._automaton = Automaton(words)
        self._table = _Table()

    def near(self, captions: pa.Array) -> Numbers:
        """The numbers of those of `captions`, large_binary without nulls, that may hold a name, rising.

        Beside one that is not UTF-8, some others are among them too.
        """
        some = [self._near(piece) + first for first, piece in pieces(captions, _AT_ONCE)]
        return np.concatenate([np.zeros(0, np.intp), *some])

    def _near(self, captions: pa.Array) -> Numbers:
        try:
            captions.cast(pa.large_string())
        except pa.ArrowInvalid:
            return np.arange(len(captions))
        joined = bytearray(in_one(captions, bytes([END])))
        joined += b" "
        text, ends, longer = self._table.fold(joined)
        _, start, _ = self._automaton.find(text)
        # Before the first byte numpy finds the last, which is a space too.
        start = start[np.frombuffer(text, np.uint8)[start - 1] == SPACE]
        return np.union1d(np.searchsorted(ends, start, side="right"), longer)


def telling_words(names: Iterable[str], frequent: Collection[str] = ()) -> list[str]:
    """Words of which each of `names` has at least one: those that are names themselves, since they are looked
    for anyway, else the longest that is not `frequent`, which is likely to be the rarest."""
    each = [name.split() for name in names]
    alone = {words[0] for words in each if len(words) == 1}

    def rarity(word: str) -> tuple[bool, int]:
        return word not in frequent, len(word)

    return sorted({next((w for w in words if w in alone), max(words, key=rarity)) for words in each})


class _Table:
    """What becomes of each code point beyond ASCII, looked up when it is first met."""

    def __init__(self) -> None:
        # Memory that is never written to is never taken, so these cost what is met of them.
        self._bytes = np.zeros(0x110000, "<u4")
        """In UTF-8, filled up with _GONE; 0 where it has not been met."""
        self._saved = np.zeros(0x110000, np.uint8)
        """By how many bytes it is shorter than before."""

    def fold(self, text: bytearray) -> tuple[bytearray, Numbers, Numbers]:
        """`text`, which is UTF-8 but for END after each caption but the last, and is overwritten, folded and
        as `ALIKE` has it; where each caption's end is in it; and the numbers of captions that hold a
        character that would take more bytes than before, which is left out."""
        place = np.frombuffer(text, np.uint8)
        # First bytes of characters beyond ASCII, and ENDs.
        at = np.flatnonzero(place >= 0xC0)
        first = place[at]
        is_end = first == END
        gone = np.zeros(len(at), np.intp)
        caption = np.cumsum(is_end)
        lead = np.flatnonzero(~is_end)
        longer = np.zeros(0, np.intp)
        if len(lead):
            gone[lead], where = self._replace(place, at[lead], first[lead])
            longer = caption[lead[where]]
        ends = (at - np.cumsum(gone))[is_end]
        folded = text.translate(ALIKE, bytes([_GONE]))
        return folded, np.append(ends, len(folded)), longer

    def _replace(
        self, place: npt.NDArray[np.uint8], at: Numbers, first: npt.NDArray[np.uint8]
    ) -> tuple[npt.NDArray[np.uint8], Numbers]:
        """Write in `place` what becomes of the characters that begin with `first` at `at`; by how many bytes
        each is shorter, and which of them would be longer."""
        three = np.flatnonzero(first >= 0xE0)
        four = np.flatnonzero(first >= 0xF0)
        at_three, at_four = at[three] + 2, at[four] + 3
        # The bits of the first byte that say how many follow fall out as those of the others come in.
        code = (first & 0x1F).astype(np.intp) << 6 | place[at + 1] & 0x3F
        code[three] = (code[three] & 0x3FF) << 6 | place[at_three] & 0x3F
        code[four] = (code[four] & 0x7FFF) << 6 | place[at_four] & 0x3F
        into = self._bytes[code]
        if not into.all():
            self._learn(np.unique(code[into == 0]))
            into = self._bytes[code]
        longer = np.flatnonzero(into == _LONGER)
        into[longer] = _GONE_4
        each = into.view(np.uint8).reshape(-1, 4)
        place[at], place[at + 1] = each[:, 0], each[:, 1]
        place[at_three], place[at_four] = each[three, 2], each[four, 3]
        return self._saved[code], longer

    def _learn(self, codes: Numbers) -> None:
        for code in codes.tolist():
            size, into = len(chr(code).encode()), folded_character(code).encode()
            longer = len(into) > size
            filled = into.ljust(4, bytes([_GONE]))
            self._bytes[code] = _LONGER if longer else int.from_bytes(filled, "little")
            self._saved[code] = size if longer else size - len(into)
