"""Ranking words from a counts file in place of captions, and what such a file cannot say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from copycat.errors import UserError
from copycat.mining.cooccurrence import Candidates, Counts, Find, words_of_names
from copycat.subjects import counts as counts_files
from copycat.subjects.characters import Character, Registry, normalise


def counted(told: counts_files.Counts, registry: Registry, find: Find) -> Counts:
    """As :func:`copycat.mining.cooccurrence.count`, from a counts file: of each character the words that the
    file keeps and `find` finds. How often words stand without a name it does not say, so it can be ranked by
    `count` alone.

    Raises UserError for a file without words for anybody of `registry`.
    """
    counts, there = Counts(captions=told.total or 0), told.by_slug
    for c in registry.characters:
        if c.slug not in there:
            continue
        counts.named[c.slug] = there[c.slug].count
        words = {w: n for w, n in there[c.slug].words if w in find(w)}
        if words:
            counts.joint[c.slug] = Counter(words)
    if not counts.joint:
        raise UserError(
            f"The counts of {told.corpus} keep no words beside the names of {registry.name}; count again "
            "with --words 1000, and that registry."
        )
    return counts


def cut_off(
    told: counts_files.Counts,
    counts: Counts,
    registry: Registry,
    candidates: Candidates | None,
    *,
    least: int = 2,
    keep: int = 50,
) -> str:
    """What the file may lack of a ranking, in one sentence; empty where nothing.

    A file keeps the most frequent words of each name alone. A word that is not among them stands in no more
    captions than the last one that is, so nothing is lacking where that is fewer than `least`, nor of all
    words (`candidates` None) where `keep` are there already.
    """
    lists = list(_full(told, registry, least))
    if candidates is None:
        short = [(c, n) for c, n in lists if _usable(counts, registry[c], least) < keep]
        what = f"fewer than {keep} of them can be ranked (characters: {len(short)}), and others are left out"
    else:
        missing = {c: _missing(told, c, candidates) for c, _ in lists}
        short = [(c, n) for c, n in lists if missing[c]]
        many = sum(missing.values())
        what = f"candidates that are not among them are left out ({many}, characters: {len(short)})"
    if not short:
        return ""
    if told.words_kept is None:
        return (
            f"The counts of {told.corpus} hold only the words that an index was asked for: {what}. Ask for "
            "them with --index-words."
        )
    most = max(n for _, n in short)
    return (
        f"The counts of {told.corpus} keep the {told.words_kept} most frequent words beside each name: "
        f"{what}, though they may stand in up to {most} captions with the name. Count again with more than "
        f"--words {told.words_kept}, or mine the captions."
    )


def _full(told: counts_files.Counts, registry: Registry, least: int) -> Iterator[tuple[str, int]]:
    """Those whose list of words may lack some, with in how many captions these can be at most."""
    there = told.by_slug
    for c in registry.characters:
        found = there.get(c.slug)
        if found is None or found.count < least:
            continue
        if told.words_kept is None:
            yield c.slug, found.count
        elif len(found.words) >= told.words_kept and (last := found.words[-1][1]) >= least:
            yield c.slug, last


def _usable(counts: Counts, character: Character, least: int) -> int:
    own = words_of_names(character)
    return sum(n >= least and w not in own for w, n in counts.joint.get(character.slug, {}).items())


def _missing(told: counts_files.Counts, slug: str, candidates: Candidates) -> int:
    words = {w for w, _ in told.by_slug[slug].words}
    return len({normalise(w) for w in candidates.get(slug, ())} - words - {""})
