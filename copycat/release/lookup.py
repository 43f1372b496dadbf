"""Finds a name or a picture in a data set."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any

from PIL import Image

from copycat.audit.results import shortened
from copycat.audit.roles import texts
from copycat.errors import BadFile, UserError
from copycat.io import pictures
from copycat.io.picture_hash import bits_apart, phash_hex
from copycat.release.parts import REGISTRIES
from copycat.release.shelf import Book, Shelf
from copycat.subjects.characters import Character, Registry, load_registry, normalise
from copycat.subjects.mentions import is_unspaced, mentions

NEAR = 6
"""Bits of 63 up to which two pictures are said to look alike; see `python -m benchmarks.lookup`."""
MOST_SHOWN = 3
"""Examples that are kept of each table."""
_NOT_SEARCHED = frozenset(
    {
        "id",
        "source",
        "license",
        "date",
        "sha256",
        "generator",
        "seed",
        "phash",
        "registry",
        "image.path",
        "near",
    }
)
"""Columns in which no name is looked for: they repeat it, or say something else."""
_FIRST = ("name", "aliases", "text", "caption", "prompt")
"""Columns whose words are shown before those of others."""


@dataclass(frozen=True)
class Hit:
    """One place in which it was found."""

    table: str
    name: str
    how: str
    shown: str
    """What stands there, shortened; empty for a picture."""


@dataclass(frozen=True)
class Found:
    """What a look-up found."""

    asked: str
    names: tuple[str, ...]
    """What was looked for; of a character all its names. Empty for a picture."""
    people: tuple[str, ...]
    """Characters whose name it is, as `registry/slug`."""
    protected: bool
    """Whether somebody holds rights in one of them."""
    hits: tuple[Hit, ...]
    """Some of each table and way."""
    counts: Mapping[str, int]
    """How many there are in each table."""
    similar: tuple[str, ...]
    """Names like it, where nothing was found."""

    @property
    def there(self) -> bool:
        return bool(self.counts)


def look_up_name(name: str, shelf: Shelf) -> Found:
    """Where `name` stands in `shelf`, as whole words in any case; of a character under all its names.

    Raises UserError for a name without a letter or digit.
    """
    if not normalise(name):
        raise UserError(f"'{name}' holds no letter and no digit, so it is no name that could be looked up.")
    registries = [load_registry(r) for r in REGISTRIES]
    known = [(r, c) for r in registries for c in r.called(name)]
    names = tuple(dict.fromkeys([name, *(n for _, c in known for n in c.spoken)]))
    slugs = {(r.name, c.slug) for r, c in known}
    wanted = [(n, _folded(n)) for n in names]
    hits, counts = list[Hit](), Counter[str]()
    for book in shelf.books():
        hit = _named(book, wanted, slugs, [c for _, c in known])
        if hit:
            counts[book.table] += 1
            if counts[book.table] <= MOST_SHOWN:
                hits.append(hit)
    similar = () if counts else _similar(name, registries)
    people = tuple(f"{r.name}/{c.slug}" for r, c in known)
    return Found(name, names, people, any(r.protected for r, _ in known), tuple(hits), dict(counts), similar)


@lru_cache(maxsize=4096)
def _folded_text(text: str) -> str:
    """`text` as names are looked for in it; cells of a column often hold the same."""
    return f" {normalise(text)} "


def _folded(name: str) -> str:
    """What is looked for in folded text: `name` as whole words, where its script parts them by spaces."""
    return normalise(name) if is_unspaced(name) else f" {normalise(name)} "


def _is_whole(name: str, text: str, people: list[Character]) -> bool:
    """Whether a name without spaces around it is no part of a longer word, as far as that can be told."""
    if not is_unspaced(name) or not people:
        return True
    return any(normalise(m.written) == normalise(name) for c in people for m in mentions(text, c))


def _named(
    book: Book, wanted: list[tuple[str, str]], slugs: set[tuple[str, str]], people: list[Character]
) -> Hit | None:
    cells = book.cells
    ordered = {c: cells[c] for c in (*(f for f in _FIRST if f in cells), *cells) if c not in _NOT_SEARCHED}
    for column, text in texts(ordered):
        folded = _folded_text(text)
        for name, sought in wanted:
            if sought in folded and _is_whole(name, text, people):
                return Hit(book.table, book.name, f"“{name}” stands in `{column}`", _around(name, text))
    told, registry = shortened(cells.get("text", ""), 100), cells.get("registry")
    of_registry = {slug for name, slug in slugs if registry in (None, name)}
    if cells.get("character") in of_registry:
        return Hit(book.table, book.name, "it is about the character", told)
    if cells.get("near") in of_registry:
        return Hit(book.table, book.name, "it comes close to the character", told)
    if "mitigation" in cells and of_registry and registry is not None:
        return Hit(book.table, book.name, f"a result over all characters of {registry}", _measured(cells))
    return None


def _around(name: str, text: str) -> str:
    """`text` where `name` stands in it, shortened; its beginning where the name is written otherwise."""
    at = text.casefold().find(name.casefold())
    start = max(0, at - 40) if at + len(name) > 100 else 0
    return ("…" if start else "") + shortened(text[start : start + 400], 100)


def _measured(cells: Mapping[str, Any]) -> str:
    return ", ".join(str(cells[k]) for k in ("model", "mitigation", "prompt_set") if cells.get(k))


def _similar(name: str, registries: list[Registry]) -> tuple[str, ...]:
    by_fold = {normalise(n): c.name for r in registries for c in r.characters for n in c.spoken}
    close = get_close_matches(normalise(name), by_fold, n=3, cutoff=0.75)
    # A character's own name is no suggestion: it is what was looked for.
    return tuple(dict.fromkeys(by_fold[c] for c in close if normalise(name) not in by_fold))


def look_up_picture(path: Path, shelf: Shelf) -> Found:
    """Where the picture at `path` is in `shelf`: the same file, the same pixels, or one that looks alike.

    Pictures are turned as their EXIF data says. Raises BadFile for a file that is no picture.
    """
    content = pictures.read_bytes(path, str(path))
    image = pictures.decode(content, str(path)).image
    digest, pixels, bits = hashlib.sha256(content).hexdigest(), _pixels(image), phash_hex(image)
    hits, counts = list[tuple[int, Hit]](), Counter[str]()
    for book in shelf.books():
        apart, how = _alike(book, digest, pixels, bits)
        if how:
            counts[book.table] += 1
            hits.append((apart, Hit(book.table, book.name, how, "")))
    hits.sort(key=lambda pair: pair[0])
    kept = Counter[str]()
    shown = []
    for _, hit in hits:
        kept[hit.table] += 1
        shown += [hit] if kept[hit.table] <= MOST_SHOWN else []
    return Found(str(path), (), (), False, tuple(shown), dict(counts), ())


def _pixels(image: Image.Image) -> str:
    return hashlib.sha256(f"{image.size}".encode() + image.tobytes()).hexdigest()


def _alike(book: Book, digest: str, pixels: str, bits: str) -> tuple[int, str]:
    """How far a row's picture is from the one asked for, and that in words; no words for another picture."""
    if book.cells.get("sha256") == digest:
        return -2, "the same file"
    theirs = book.cells.get("phash")
    if book.picture is not None:
        if hashlib.sha256(book.picture).hexdigest() == digest:
            return -2, "the same file"
        try:
            image = pictures.decode(book.picture, book.name).image
        except BadFile:
            return 0, ""
        if _pixels(image) == pixels:
            return -1, "the same picture in another file"
        theirs = phash_hex(image)
    if not isinstance(theirs, str) or not _is_hash(theirs):
        return 0, ""
    apart = bits_apart(theirs, bits)
    return apart, f"looks alike ({apart} of 63 bits differ)" if apart <= NEAR else ""


def _is_hash(text: str) -> bool:
    return len(text) == 16 and all(c in "0123456789abcdef" for c in text.lower())
