"""Counting with an index: what is asked for each character, and the file that comes of it."""

from __future__ import annotations

import datetime
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from copycat.counting.claims import Claim, finished, holds_parts, parts_folder, take
from copycat.counting.index import Index
from copycat.counting.names import everybody
from copycat.errors import UserError
from copycat.io.atomic import locked, write_text
from copycat.subjects.characters import Character, Registry, normalise
from copycat.subjects.counts import Count, Counts, write_counts_file


@dataclass(frozen=True)
class _Question:
    """What an index is asked about one character."""

    slug: str
    title: str
    names: tuple[str, ...]
    words: tuple[str, ...]

    @classmethod
    def of(cls, character: Character, words: Sequence[str]) -> _Question:
        # An index would find a name of signs alone everywhere, or nowhere.
        names = tuple(dict.fromkeys(n for n in character.spoken if normalise(n)))
        if not names:
            raise UserError(f"No name of {character.slug} holds a letter or digit; give it one in letters.")
        return cls(character.slug, character.name, names, tuple(words))

    def ask(self, index: Index) -> Count:
        by_name = {n: index.count([n]) for n in self.names}
        beside = [(w, n) for w in self.words if (n := index.beside(self.names, w)) is not None]
        return Count(
            slug=self.slug,
            name=self.title,
            count=by_name[self.names[0]] if len(self.names) == 1 else index.count(self.names),
            names=by_name,
            words=tuple(sorted(beside, key=lambda x: (-x[1], x[0]))),
        )


def count_in_index(
    index: Index,
    registries: Sequence[Registry],
    words: Mapping[str, Sequence[str]],
    corpus: str,
    source: str,
    out: Path,
    *,
    tell: Callable[[str], None] = print,
) -> Counts:
    """Write to `out` what `index` holds of every character of `registries`, and of `words`, by slug, beside
    their names. Answers are kept beside `out` until all are there, and not asked for again.

    Raises UserError before the first question for a slug that two registries have; MissingRequirement where
    the index gives no count, and nothing is taken for a zero; RunConflict where `out` or what is kept beside
    it is something else.
    """
    questions = [_Question.of(c, words.get(c.slug, ())) for _, c in everybody(registries)]
    asked = [index.identity, *(json.dumps([q.slug, q.names, q.words]) for q in questions)]
    claim = Claim.of(asked, asked)
    there = finished(out, claim)
    if there is not None:
        tell(f"{out} is complete already.")
        return there
    folder = parts_folder(out)
    with locked(folder / "lock", f"Another process is counting for {out}; wait until it is done."):
        take(folder, claim, corpus)
        try:
            found = _answers(index, questions, folder, tell)
            counts = Counts(
                corpus=corpus,
                unit=index.unit,
                date=datetime.datetime.now(datetime.UTC).date(),
                source=source,
                rule=index.rule,
                registries=tuple(f"{r.name} {r.version}" for r in registries),
                total=index.total(),
                words_kept=None,
                identity=claim.identity(complete=True),
                characters=tuple(found),
            )
        finally:
            if not holds_parts(folder):
                shutil.rmtree(folder, ignore_errors=True)
        write_counts_file(out, counts)
    shutil.rmtree(folder, ignore_errors=True)
    return counts


def _answers(
    index: Index, questions: Sequence[_Question], folder: Path, tell: Callable[[str], None]
) -> list[Count]:
    places = [folder / f"{i}.json" for i in range(len(questions))]
    found = {i: there for i, place in enumerate(places) if (there := _read(place)) is not None}
    if found:
        tell(f"{len(found)} of {len(questions)} characters have been asked for already.")
    try:
        for i, question in enumerate(questions):
            if i not in found:
                answer = question.ask(index)
                write_text(places[i], answer.model_dump_json())
                found[i] = answer
    except BaseException:
        if found:
            tell(f"The answers for {len(found)} of {len(questions)} characters are kept.")
        raise
    return [found[i] for i in range(len(questions))]


def _read(place: Path) -> Count | None:
    with suppress(OSError, ValidationError):
        return Count.model_validate_json(place.read_bytes())
    return None
