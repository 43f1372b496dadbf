"""Captions in the spelling in which names are compared, many at a time.

:func:`copycat.subjects.characters.normalise` is the rule, one text at a time: decompose (NFKD), fold
case, drop accents, make one space of everything between words. All of that is decided by each code point
alone, so it can be looked up: of ASCII byte by byte, of other text in a table that grows as it is used.
`tests/counting/test_text.py` compares the two on every code point there is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from copycat.subjects.characters import normalise, unaccented

Bytes = npt.NDArray[np.uint8]

END = 0xFF
"""Ends a caption in a joined text; no UTF-8 has that byte."""
BETWEEN = b" \xff "
"""So that each caption has a space on both sides, as each of its words has."""
SPACE = 0x20
_PIECE = 2**20
"""Bytes of captions that are worked on together, where they are long."""
_LARGEST = 0x110000


@dataclass(frozen=True)
class Joined:
    """Normalised captions one after the other."""

    text: bytes
    """UTF-8: a space, the words of a caption with a space between them, a space, END, and so on. The last
    caption has no END."""
    captions: pa.Array
    """The captions as they were read, in the same order, as large_binary."""
    undecodable: int = 0
    """How many of them are not UTF-8; what cannot be read of them stands between words."""

    def ends(self) -> npt.NDArray[np.intp]:
        """Where in `text` each caption's END is, of the last one the end of the text; shape (captions,)."""
        found = np.flatnonzero(np.frombuffer(self.text, np.uint8) == END)
        return np.append(found, len(self.text))


def joined(captions: pa.Array) -> Iterator[Joined]:
    """`captions`, large_binary without nulls, as up to two texts: those in ASCII, and the others."""
    plain = pc.string_is_ascii(_as_text(captions))
    if pc.all(plain).as_py():
        parts = [(captions, True)]
    else:
        parts = [(captions.filter(plain), True), (captions.filter(pc.invert(plain)), False)]
    for part, ascii_only in parts:
        if len(part):
            yield _ascii(part) if ascii_only else _unicode(part)


def pieces(captions: pa.Array, most: int) -> Iterator[tuple[int, pa.Array]]:
    """`captions` in pieces of `most`, each with the number of its first caption; where they are so long that
    `most` of them would be more than a megabyte, in pieces of about a megabyte."""
    each = captions.nbytes // max(len(captions), 1) + 1
    size = max(1, min(most, _PIECE // each))
    for first in range(0, len(captions), size):
        yield first, captions.slice(first, size)


def _as_text(captions: pa.Array) -> pa.Array:
    """The same bytes called text, which nobody has checked yet."""
    return pa.Array.from_buffers(pa.large_string(), len(captions), captions.buffers(), offset=captions.offset)


def in_one(captions: pa.Array, between: bytes) -> pa.Buffer:
    whole = pa.LargeListArray.from_arrays(pa.array([0, len(captions)], pa.int64()), captions)
    return pc.binary_join(whole, pa.scalar(between, pa.large_binary()))[0].as_buffer()


def _ascii(captions: pa.Array) -> Joined:
    text = bytes(in_one(captions, BETWEEN)).translate(ASCII)
    return Joined(_single_spaced(np.frombuffer(b" " + text + b" ", np.uint8)), captions)


def _unicode(captions: pa.Array) -> Joined:
    # Lines end captions here: a line's end inside of one is a space as well as any other.
    one_line = pc.replace_substring(captions, b"\n", b" ")
    raw = bytes(in_one(one_line, b"\n"))
    undecodable = 0
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        undecodable = sum(not _is_utf8(line) for line in raw.split(b"\n"))
        text = raw.decode("utf-8", "replace")
    found = _table().fold(text).replace(b"\n", BETWEEN)
    return Joined(_single_spaced(np.frombuffer(b" " + found + b" ", np.uint8)), captions, undecodable)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _single_spaced(text: Bytes) -> bytes:
    """`text` without spaces that follow another."""
    word = text != SPACE
    kept = word.copy()
    np.logical_or(word[1:], word[:-1], out=kept[1:])
    kept[0] = True
    return bytes(text[kept])


def _byte(code: int) -> int:
    """What `normalise` makes of one ASCII character."""
    found = normalise(chr(code))
    return ord(found) if found else SPACE


ASCII = bytes(_byte(b) if b < 0x80 else b for b in range(256))


_NOT_WORD = re.compile(r"[^\w]")


def folded_character(code: int) -> str:
    """What `normalise` makes of one character; of what stands between words, a space."""
    into = _NOT_WORD.sub(" ", unaccented(chr(code)))
    return into if into.strip() else into[:1]


class _Table:
    """What becomes of each code point, worked out when it is first met: `length` of `flat` from `start` on,
    of which `first` is the first."""

    def __init__(self) -> None:
        # Memory that is never written to is never taken, so these cost what is met of them.
        self._known = np.zeros(_LARGEST, bool)
        self._length = np.zeros(_LARGEST, np.uint8)
        self._first = np.zeros(_LARGEST, np.uint32)
        self._start = np.zeros(_LARGEST, np.int64)
        self._flat = np.zeros(0, np.uint32)
        # Lines' ends stay.
        self._known[ord("\n")], self._length[ord("\n")], self._first[ord("\n")] = True, 1, ord("\n")

    def fold(self, text: str) -> bytes:
        """Each character of `text` as the table has it, in UTF-8."""
        codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
        known = self._known[codes]
        if not known.all():
            self._learn(np.unique(codes[~known]).tolist())
        length = self._length[codes]
        out = self._first[codes]
        if length.min(initial=1) == 0:
            kept = length > 0
            out, codes, length = out[kept], codes[kept], length[kept]
        several = np.flatnonzero(length > 1)
        if len(several):
            # What follows the first, put in behind it.
            sizes = length[several].astype(np.int64) - 1
            inside = np.arange(1, sizes.sum() + 1) - np.repeat(np.cumsum(sizes) - sizes, sizes)
            more = self._flat[np.repeat(self._start[codes[several]], sizes) + inside]
            out = np.insert(out, np.repeat(several + 1, sizes), more)
        return out.astype("<u4").tobytes().decode("utf-32-le").encode("utf-8")

    def _learn(self, codes: list[int]) -> None:
        flat: list[int] = []
        for code in codes:
            into = folded_character(code)
            self._known[code], self._length[code] = True, len(into)
            self._first[code] = ord(into[0]) if into else 0
            self._start[code] = len(self._flat) + len(flat)
            flat.extend(map(ord, into))
        self._flat = np.append(self._flat, np.array(flat, np.uint32))


@cache
def _table() -> _Table:
    return _Table()
