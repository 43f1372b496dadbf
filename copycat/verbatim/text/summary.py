"""The table of a study: for each set of documents, kind and length of prompt, and mitigation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from copycat.stats.intervals import Interval, cluster_bootstrap, population
from copycat.verbatim.text.mitigations.composition import NONE
from copycat.verbatim.text.rungs import LADDER, VERBATIM, Rung
from copycat.verbatim.text.scores import Best, Scored

ALL = "all"
"""What the documents of every set together are called."""
TOKENS_A_WORD = 2
"""Tokens that a text must be allowed for each word of a rung: tokenizers take one to two for a word."""


@dataclass(frozen=True)
class Cell:
    """One line of the table. Means are over documents, of the best of the samples of each prompt."""

    role: str
    group: str
    prompts: str
    length: int
    mitigation: str
    documents: int
    """With an answer."""
    asked: int
    """Prompts."""
    answered: int
    """Of those with an answer, withheld ones included: the denominator."""
    refused: int
    failed: int
    withheld: int
    """Prompts of which every sample that was answered was withheld."""
    prefix: Interval
    """Longest common prefix, in words."""
    substring: Interval
    """Longest common substring, in words."""
    similarity: Interval
    """Edit similarity, in [0, 1]."""
    normalised: tuple[float | None, float | None, float | None]
    """The means of all three divided by the words that each prompt shows, as the paper has them."""
    rungs: Mapping[str, Interval]
    """By rung, the share of prompts that reach it, of those that can: whose document goes on for so long, and
    whose text may have two tokens for each word of it."""


@dataclass(frozen=True)
class Guarding:
    """What a mitigation stops and what it costs, against the same prompts and seeds without it."""

    mitigation: str
    reached: int
    """Prompts of protected works whose best text reached the rung `verbatim` without it."""
    stopped: int
    """Of those that do not with it."""
    substring: tuple[float, float] | None
    """Mean longest common substring of protected works, without and with it."""
    benign: int
    """Texts on other prompts that are compared."""
    changed: int
    """Of those that are different with it; withheld ones are."""
    withheld: int
    """Of those that were withheld."""
    surprise: tuple[float, float] | None
    """Mean −ln P of a token on other prompts, by the model alone, without and with it; None if hosted."""
    seconds: tuple[float, float] | None
    """For a hundred tokens, without and with it."""


def table(best: Sequence[Best]) -> list[Cell]:
    """All lines. Sets come in the order of the documents; where there are several, then all together."""
    found: dict[tuple[str, str, str, int, str], list[Best]] = defaultdict(list)
    several = {role for role in ("protected", "benign") if len(_groups(best, role)) > 1}
    for b in best:
        a = b.asked
        found[(a.role, a.group, a.prompts, a.length, a.mitigation)].append(b)
    together: dict[tuple[str, str, str, int, str], list[Best]] = defaultdict(list)
    for (role, _, prompts, length, mitigation), some in found.items():
        if role in several:
            together[(role, ALL, prompts, length, mitigation)] += some
    return [_cell(key, some) for key, some in (*found.items(), *together.items())]


def _groups(best: Sequence[Best], role: str) -> set[str]:
    return {b.asked.group for b in best if b.asked.role == role}


def _cell(key: tuple[str, str, str, int, str], some: Sequence[Best]) -> Cell:
    role, group, prompts, length, mitigation = key
    answered = [b for b in some if b.close is not None]
    left = [b for b in some if b.close is None]
    refused = sum(any(s.written.outcome == "refused" for s in b.samples) for b in left)
    return Cell(
        role=role,
        group=group,
        prompts=prompts,
        length=length,
        mitigation=mitigation,
        documents=len({b.asked.document for b in answered}),
        asked=len(some),
        answered=len(answered),
        refused=refused,
        failed=len(left) - refused,
        withheld=sum(_is_withheld(b) for b in answered),
        prefix=_interval(answered, 0),
        substring=_interval(answered, 1),
        similarity=_interval(answered, 2),
        normalised=(_normalised(answered, 0), _normalised(answered, 1), _normalised(answered, 2)),
        rungs={rung.name: _reached(answered, rung) for rung in LADDER},
    )


def _interval(best: Sequence[Best], measure: int) -> Interval:
    return cluster_bootstrap(_means(best, lambda b: _close(b)[measure]))


def _normalised(best: Sequence[Best], measure: int) -> float | None:
    values = _means(best, lambda b: _close(b)[measure] / b.shown)
    return sum(values) / len(values) if values else None


def _reached(best: Sequence[Best], rung: Rung) -> Interval:
    able = [b for b in best if b.asked.behind >= rung.words and b.room >= TOKENS_A_WORD * rung.words]
    return population(_values(able, lambda b: float(_close(b)[1] >= rung.words)))


def _close(best: Best) -> tuple[float, float, float]:
    return (0.0, 0.0, 0.0) if best.close is None else (
        float(best.close.prefix),
        float(best.close.substring),
        best.close.similarity,
    )  # fmt: skip


def _is_withheld(best: Best) -> bool:
    return {s.written.outcome for s in best.samples} - {"refused", "error"} == {"withheld"}


def _values(best: Sequence[Best], of: Callable[[Best], float]) -> list[list[float]]:
    """By document."""
    found: dict[str, list[float]] = defaultdict(list)
    for b in best:
        found[b.asked.document].append(of(b))
    return list(found.values())


def _means(best: Sequence[Best], of: Callable[[Best], float]) -> list[float]:
    return [sum(v) / len(v) for v in _values(best, of)]


def guarding(best: Sequence[Best], scored: Sequence[Scored]) -> list[Guarding]:
    """Of every mitigation but none, in their order; empty without `none` to compare with."""
    specs = list(dict.fromkeys(b.asked.mitigation for b in best))
    if NONE not in specs:
        return []
    return [_guarding(spec, best, scored) for spec in specs if spec != NONE]


def _guarding(spec: str, best: Sequence[Best], scored: Sequence[Scored]) -> Guarding:
    bare = {b.asked.place: b for b in best if b.asked.mitigation == NONE and b.asked.role == "protected"}
    pairs = [
        (bare[b.asked.place], b)
        for b in best
        if b.asked.mitigation == spec and b.asked.role == "protected" and b.asked.place in bare
    ]
    known = [(_close(a)[1], _close(b)[1]) for a, b in pairs if a.close is not None and b.close is not None]
    reached = [(a, b) for a, b in known if a >= VERBATIM.words]
    texts = _paired(spec, scored)
    others = [(a, b) for a, b in texts if a.asked.role == "benign"]
    return Guarding(
        mitigation=spec,
        reached=len(reached),
        stopped=sum(b < VERBATIM.words for _, b in reached),
        substring=_two([(a, b) for a, b in known]),
        benign=len(others),
        changed=sum(b.written.outcome == "withheld" or a.written.text != b.written.text for a, b in others),
        withheld=sum(b.written.outcome == "withheld" for _, b in others),
        surprise=_two([_both(a.written.surprise, b.written.surprise) for a, b in others]),
        seconds=_pace(texts),
    )


def _paired(spec: str, scored: Sequence[Scored]) -> list[tuple[Scored, Scored]]:
    """Texts on one prompt with one seed, without and with the mitigation, where both were written."""
    wrote = [s for s in scored if s.written.outcome in ("ok", "withheld")]
    bare = {(*s.asked.place, s.asked.sample): s for s in wrote if s.asked.mitigation == NONE}
    mine = [s for s in wrote if s.asked.mitigation == spec]
    return [(bare[key], s) for s in mine if (key := (*s.asked.place, s.asked.sample)) in bare]


def _both(a: float | None, b: float | None) -> tuple[float, float] | None:
    return None if a is None or b is None else (a, b)


def _two(pairs: Sequence[tuple[float, float] | None]) -> tuple[float, float] | None:
    known = [p for p in pairs if p is not None]
    if not known:
        return None
    return sum(a for a, _ in known) / len(known), sum(b for _, b in known) / len(known)


def _pace(pairs: Sequence[tuple[Scored, Scored]]) -> tuple[float, float] | None:
    """Seconds for a hundred tokens."""
    both = [
        [
            (s.written.seconds + s.written.review_seconds, s.written.tokens)
            for s in side
            if s.written.seconds and s.written.tokens
        ]
        for side in zip(*pairs, strict=True)
    ]
    if len(both) < 2 or not all(both):
        return None
    without, with_it = (100 * sum(s for s, _ in side) / sum(t for _, t in side) for side in both)
    return without, with_it
