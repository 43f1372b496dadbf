"""Counting a whole corpus: which shards are left, who counts them, and the file that comes of it."""

from __future__ import annotations

import datetime
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from copycat.counting.claims import Claim, finished, holds_parts, parts_folder, take
from copycat.counting.engines import ENGINES, Workers
from copycat.counting.merge import Merged, merge
from copycat.counting.parts import Part, Place, Rule
from copycat.counting.shards import Shard
from copycat.counting.work import Job, Skipped
from copycat.errors import BadFile, UnknownName
from copycat.io.atomic import disk_guard, locked
from copycat.runtime.progress import Progress
from copycat.subjects.counts import Count, Counts, write_counts_file

RULE = (
    "A caption names a character where one of its names stands in it as whole words, case, accents, width "
    "and punctuation aside (NFKD, case-folded, marks dropped, words of letters, digits and _)."
)


@dataclass(frozen=True)
class About:
    """What a counts file says of itself, beside its numbers."""

    corpus: str
    source: str
    registries: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """What counting a corpus came to."""

    counts: Counts
    skipped: tuple[Skipped, ...]
    counted: int
    """Shards that were counted this time; the others were there already."""


def count_corpus(
    shards: Sequence[Shard],
    rule: Rule,
    about: About,
    out: Path,
    *,
    engine: str = "processes",
    workers: Workers | None = None,
    keep_words: int = 1_000,
    keep_parts: bool = False,
    progress: Progress | None = None,
    tell: Callable[[str], None] = print,
) -> Outcome:
    """Count `shards` by `rule` and write `out`, with the `keep_words` most frequent words beside each name.

    What is finished is kept beside `out`, and not counted again by the same command; when nothing was skipped
    it goes, unless `keep_parts`. A shard that does not read to its end is skipped as a whole, and told.

    Raises BadFile where no shard could be read, RunConflict while another process counts for the same file or
    where it or its parts are those of another corpus, names or settings, and MissingRequirement where the
    disk is full, with what is finished kept.
    """
    if engine not in ENGINES:
        raise UnknownName("engine", engine, ENGINES)
    progress = progress or Progress()
    names, claim = rule.names, _claim(shards, rule, keep_words)
    there = finished(out, claim, keep_words)
    if there is not None:
        tell(f"{out} is complete already.")
        return Outcome(there, (), 0)
    folder = parts_folder(out)
    places = [Place.of(folder, rule, shard) for shard in shards]
    skipped: dict[int, Skipped] = {}
    untold: list[Skipped] = []
    with locked(folder / "lock", f"Another process is counting for {out}; wait until it is done."):
        take(folder, claim, about.corpus)
        parts = {i: part for i, place in enumerate(places) if (part := place.read()) is not None}
        left = [i for i in range(len(shards)) if i not in parts]
        if parts and left:
            tell(f"{len(parts)} of {len(shards)} shards are counted already.")
        progress.start("Counting shards", len(left))
        found = ENGINES[engine](Job(rule, folder), [shards[i] for i in left], workers or Workers())
        for number, result in found:
            i = left[number]
            if isinstance(result, Skipped):
                skipped[i] = result
                untold.append(result)
            else:
                parts[i] = result
            # One that is all there is, or a column that no shard has, is told once, in the end.
            if parts or sum(not s.unknown_column for s in skipped.values()) > 1:
                for s in untold:
                    tell(f"Skipped {s.shard}: {s.why}")
                untold = []
            progress.advance(1)
        progress.done()
        told = tuple(skipped[i] for i in sorted(skipped))
        if not parts:
            if not holds_parts(folder):
                shutil.rmtree(folder, ignore_errors=True)
            raise BadFile(_nothing_read(told))
        merged = merge(
            rule, [places[i] for i in sorted(parts)], [parts[i] for i in sorted(parts)], keep_words
        )
        counts = _counts(about, rule, merged, len(parts), told).model_copy(
            update={"identity": claim.identity(complete=not told), "words_kept": keep_words}
        )
        with disk_guard(out):
            out.parent.mkdir(parents=True, exist_ok=True)
        write_counts_file(out, counts)
    if not told and not keep_parts:
        shutil.rmtree(folder, ignore_errors=True)
    for line in _remarkable(counts, names.spellings, merged.total):
        tell(line)
    return Outcome(counts, told, len(left) - len(told))


def _claim(shards: Sequence[Shard], rule: Rule, keep_words: int) -> Claim:
    # Parts are the same however many words are kept of them in the end.
    asked = [rule.identity, *sorted({s.source for s in shards})]
    return Claim.of(asked, [rule.identity, str(keep_words), *sorted(s.stamp for s in shards)])


def _nothing_read(skipped: Sequence[Skipped]) -> str:
    first = skipped[0]
    if first.unknown_column:
        return first.why if first.why.endswith("?") else f"{first.why}."
    more = f", and {len(skipped) - 1} more" if len(skipped) > 1 else ""
    return f"No shard could be read: {first.shard} ({first.why}){more}."


def _counts(about: About, rule: Rule, merged: Merged, shards: int, skipped: Sequence[Skipped]) -> Counts:
    total, spellings = merged.total, rule.names.spellings
    by_name = dict(zip(spellings, total.by_name, strict=True))
    each = zip(rule.concepts, total.named, total.doubtful, merged.words, strict=True)
    return Counts(
        corpus=about.corpus,
        unit="distinct captions" if rule.distinct else "captions",
        date=datetime.datetime.now(datetime.UTC).date(),
        source=about.source,
        rule=RULE,
        registries=about.registries,
        total=total.captions,
        shards=shards,
        skipped=tuple(f"{s.shard}: {s.why}" for s in skipped),
        characters=tuple(
            Count(
                slug=c.slug,
                name=c.title,
                count=named,
                doubtful=doubtful,
                names={n: by_name[n] for n in c.names},
                words=words,
            )
            for c, named, doubtful, words in each
        ),
    )


_FREQUENT = 0.01
"""Share of all captions from which on a name is told: hardly any character is so frequent."""


def _remarkable(counts: Counts, spellings: Sequence[str], total: Part) -> list[str]:
    told = []
    often = [
        f"{spelling} ({n / total.captions:.1%})"
        for spelling, n in sorted(zip(spellings, total.by_name, strict=True), key=lambda x: -x[1])
        if total.captions >= 1_000 and n > _FREQUENT * total.captions
    ]
    if often:
        told.append(f"In more than 1% of all captions, so perhaps other things too: {', '.join(often)}.")
    if total.undecodable:
        told.append(f"Captions with bytes that are not UTF-8, taken for spaces: {total.undecodable}.")
    if counts.unit == "distinct captions":
        told.append("Captions that name nobody are in the total as often as they stand there.")
    return told
