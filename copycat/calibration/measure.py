"""Judges against raters' labels: agreement, error rates, thresholds; see `copycat.cards.calibration`."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from copycat.calibration.join import LabelledPicture, Seen
from copycat.calibration.reference import reference
from copycat.cards.calibration import (
    LABEL,
    Bin,
    Breakdown,
    Cell,
    Confusion,
    Judged,
    Pair,
    Rater,
    Raters,
    Scores,
    Share,
    Subgroup,
    Threshold,
)
from copycat.measures import Evidence, Measure, measures
from copycat.measures.detect import THRESHOLD, Graded
from copycat.records import Verdict
from copycat.stats import roc
from copycat.stats.agreement import clustered_kappa, cohen_kappa, fleiss_kappa, krippendorff_alpha
from copycat.stats.proportions import clustered, wilson

FPR = 0.01
"""The false-positive rate that sensitivity is told at and a threshold is chosen for."""
_LOOKALIKES: tuple[Seen, ...] = ("look-alike", "another character")


@dataclass(frozen=True)
class Checked:
    """One item of known truth, and what a judge or a rater says of it."""

    item: LabelledPicture
    truth: bool
    said: bool
    score: float | None = None
    """How sure, in [0, 1], where the question gives degrees."""


def share(hits: int, n: int) -> Share:
    """With Wilson's interval."""
    low, high = wilson(hits, n)
    return Share(hits=hits, n=n, low=_short(low), high=_short(high))


def clustered_share(answers: Iterable[Checked], hit: Callable[[Checked], bool], spread: float = 0.0) -> Share:
    """The share of `answers` that are a `hit`, with its interval clustered by character."""
    by_character: dict[str, list[bool]] = {}
    for a in answers:
        by_character.setdefault(a.item.character, []).append(hit(a))
    mine = by_character.values()
    found = clustered([sum(h) for h in mine], [len(h) for h in mine], spread)
    return Share(
        hits=found.hits,
        n=found.n,
        low=_short(found.low),
        high=_short(found.high),
        effective=round(found.effective, 2),
    )


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def of_judges(
    evidence: Evidence, items: Sequence[LabelledPicture], truth: Sequence[str]
) -> Iterator[tuple[Judged, list[Checked]]]:
    """Every judge and question that answered on an item of known truth, in the order of the verdicts.

    The questions are those of the measures that error rates correct. One that wants a yes or no names the
    character that the picture was made for, and says nothing about another; its answers have degrees.
    """
    asked = {m.ask.kind: (m.ask.form == "yes_no", m) for m in _corrected() if m.ask}
    given: dict[tuple[str, str], dict[tuple[str, int, str | None], Verdict]] = {}
    for v in evidence.verdicts:
        if v.kind in asked:
            given.setdefault((v.judge, v.kind), {})[v.request, v.frame, v.item] = v
    labelled = [(i, i.truth(truth)) for i in items if i.votes(truth)]
    graded_too = Graded()
    for (judge, kind), said in given.items():
        named, measure = asked[kind]
        answers: list[Checked] = []
        ties: list[Checked] = []
        unscored = apart = 0
        for item, true in labelled:
            if not measure.concerns(item.request):
                continue
            character = evidence.registry[item.character]
            if named and item.request.character != item.character:
                apart += true is not None
                continue
            # An answer about the character that the picture was made for is none about another.
            own = item.request.character == item.character
            settling = (
                given.get((judge, by.ask.kind)) if (by := measure.settled_by) and by.ask and own else None
            )
            found = (graded_too if named else measure).decide(item.rows, said, character, settling=settling)
            yes = measure.value(found, character)
            if yes is None:
                unscored += true is not None
            elif true is None:
                ties.append(Checked(item, False, yes == 1.0))
            else:
                score = graded_too.value(found, character) if named else None
                answers.append(Checked(item, true, yes == 1.0, score))
        if answers:
            yield judged(judge, kind, answers, truth, unscored, apart, ties), answers


def concerned(items: Iterable[LabelledPicture]) -> tuple[LabelledPicture, ...]:
    """Those of `items` that any judge is asked about for a measure that error rates correct: innocent
    prompts are about nobody."""
    return tuple(i for i in items if any(m.concerns(i.request) for m in _corrected()))


def _corrected() -> list[Measure]:
    return [m for m in measures() if m.corrected and m.ask]


def of_raters(
    items: Sequence[LabelledPicture], raters: Sequence[str], truth: Sequence[str]
) -> Iterator[Judged]:
    """Raters who do not make the truth, compared with it as judges are."""
    for rater in raters:
        known = [(i, i.truth(truth), i.labels.get(rater)) for i in items if rater in i.labels]
        told = [(i, t, said) for i, t, said in known if t is not None]
        answers = [Checked(i, t, said) for i, t, said in told if said is not None]
        if answers and rater not in truth:
            yield judged(rater, LABEL, answers, truth, len(told) - len(answers), 0)


def judged(
    judge: str,
    question: str,
    answers: Sequence[Checked],
    truth: Sequence[str],
    unscored: int,
    not_asked: int,
    ties: Sequence[Checked] = (),
) -> Judged:
    """One judge's answers to one question, counted.

    `ties` are answers on pictures on which raters are even, which other raters might not be.
    """
    all_of_it = _confusion(answers)
    seen = {id(a): a.item.seen(truth) for a in answers}
    by_character: dict[str, list[Checked]] = {}
    by_cell: dict[tuple[str, str], list[Checked]] = {}
    for a in answers:
        by_character.setdefault(a.item.character, []).append(a)
        by_cell.setdefault((a.item.character, a.item.request.mitigation), []).append(a)
    tables = [(c.tp, c.fp, c.fn, c.tn) for c in map(_confusion, by_character.values())]
    moved = reference([*answers, *ties], truth)
    tpr_sd, fpr_sd = (moved.tpr_sd or 0.0, moved.fpr_sd or 0.0) if moved else (0.0, 0.0)
    shown, others = ([a for a in answers if a.truth is t] for t in (True, False))
    alike = [a for a in others if seen[id(a)] in _LOOKALIKES]
    kappa = clustered_kappa(np.array(tables, float))
    return Judged(
        judge=judge,
        question=question,
        counts=all_of_it,
        accuracy=clustered_share(answers, lambda a: a.said is a.truth),
        kappa=_short(kappa.value),
        kappa_low=_short(kappa.low),
        kappa_high=_short(kappa.high),
        tpr=clustered_share(shown, lambda a: a.said, tpr_sd),
        fpr=clustered_share(others, lambda a: a.said, fpr_sd),
        fpr_lookalike=clustered_share(alike, lambda a: a.said, fpr_sd),
        unscored=unscored,
        not_asked=not_asked,
        parts=tuple(_parts(answers, seen)),
        cells=tuple(
            Cell(character=who, mitigation=how, **_confusion(mine).model_dump())
            for (who, how), mine in by_cell.items()
        ),
        reference=moved,
        scores=_scores(answers),
    )


def _confusion(answers: Iterable[Checked]) -> Confusion:
    pairs = [(a.truth, a.said) for a in answers]
    return Confusion(
        tp=pairs.count((True, True)),
        fp=pairs.count((False, True)),
        tn=pairs.count((False, False)),
        fn=pairs.count((True, False)),
    )


def _parts(answers: Sequence[Checked], seen: Mapping[int, Seen]) -> Iterator[Subgroup]:
    """Breakdowns, leaving out those into one part only."""
    groups: dict[Breakdown, dict[str, list[Checked]]] = {
        "model": {}, "mitigation": {}, "prompts": {}, "character": {}, "seen": {},
    }  # fmt: skip
    for a in answers:
        r = a.item.request
        names: dict[Breakdown, str] = {
            "model": r.model,
            "mitigation": r.mitigation,
            "prompts": r.prompt_set,
            "character": a.item.character,
            "seen": seen[id(a)],
        }
        for by, name in names.items():
            groups[by].setdefault(name, []).append(a)
    for by, named in groups.items():
        for name, mine in named.items() if len(named) > 1 else ():
            yield Subgroup(by=by, name=name, **_confusion(mine).model_dump())


def kinds(answers: Iterable[Checked]) -> tuple[list[float], list[float]]:
    """Scores of the answers on pictures that show the character, and on those that do not."""
    scored = [(a.score, a.truth) for a in answers if a.score is not None]
    return [s for s, t in scored if t], [s for s, t in scored if not t]


def _scores(answers: Sequence[Checked]) -> Scores | None:
    positive, negative = kinds(answers)
    if not positive or not negative:
        return None
    bins = roc.reliability(positive, negative)
    return Scores(
        auroc=round(roc.auroc(positive, negative), 6),
        average_precision=round(roc.average_precision(positive, negative), 6),
        tpr_at_1_fpr=_short(roc.tpr_at_resolved(positive, negative, FPR)),
        thresholds=tuple(_thresholds(answers)),
        bins=tuple(Bin(low=b.low, high=b.high, score=_short(b.score), yes=share(b.yes, b.n)) for b in bins),
        ece=round(roc.expected_calibration_error(bins) or 0.0, 6),
        brier=round(roc.brier(positive, negative) or 0.0, 6),
    )


def _thresholds(answers: Sequence[Checked]) -> Iterator[Threshold]:
    """The one in use, that for a false-positive rate of 1 %, and Youden's."""
    rules = {
        f"at most {100 * FPR:g} % false positives": lambda _, negative: roc.threshold_at(negative, FPR),
        "Youden": roc.youden,
    }
    positive, negative = kinds(answers)
    yield Threshold(
        rule="in use",
        threshold=THRESHOLD,
        tpr=_above(answers, THRESHOLD, shown=True),
        fpr=_above(answers, THRESHOLD, shown=False),
    )
    for rule, choose in rules.items():
        cut = choose(positive, negative)
        held = _held_out(answers, choose)
        yield Threshold(
            rule=rule,
            threshold=round(cut, 9),
            tpr=_above(answers, cut, shown=True),
            fpr=_above(answers, cut, shown=False),
            held_out_tpr=held[0] if held else None,
            held_out_fpr=held[1] if held else None,
        )


def _held_out(
    answers: Sequence[Checked], choose: Callable[[Sequence[float], Sequence[float]], float]
) -> list[Share]:
    """TPR and FPR of each half under the threshold of the other; nothing where a half lacks a kind."""
    parts = [answers[::2], answers[1::2]]
    halves = [kinds(half) for half in parts]
    if not all(p and n for p, n in halves):
        return []
    cuts = [choose(*half) for half in reversed(halves)]
    above = {id(a): (a.score or 0) > cut for part, cut in zip(parts, cuts, strict=True) for a in part}
    return [clustered_share(_scored(answers, shown), lambda a: above[id(a)]) for shown in (True, False)]


def _scored(answers: Sequence[Checked], shown: bool) -> list[Checked]:
    return [a for a in answers if a.score is not None and a.truth is shown]


def _above(answers: Sequence[Checked], threshold: float, *, shown: bool) -> Share:
    return clustered_share(_scored(answers, shown), lambda a: (a.score or 0) > threshold)


def of_each_other(items: Sequence[LabelledPicture], raters: Sequence[str], truth: Sequence[str]) -> Raters:
    """How far those of `raters` who make the truth agree on `items`; of the others only how much they
    labelled."""
    labels = [[i.labels.get(r) for r in truth] for i in items]
    found = of_labels(labels, truth, truth, [i.picture for i in items])
    counted = {r.name: r for r in found.raters}
    others = {
        r: Rater(name=r, labels=n, missing=len(items) - n, makes_truth=False)
        for r in raters
        if r not in counted
        for n in [sum(i.labels.get(r) is not None for i in items)]
    }
    everyone = counted | others
    return found.model_copy(update={"raters": tuple(everyone[r] for r in raters)})


def of_labels(
    labels: Sequence[Sequence[bool | None]],
    raters: Sequence[str],
    truth: Sequence[str] = (),
    groups: Sequence[Hashable] | None = None,
) -> Raters:
    """How far raters agree: `labels` has a row an item and a column a rater, None for no answer.

    `groups` says which items stand or fall together, by default none do.
    """
    shared = [row for row in labels if sum(v is not None for v in row) > 1]
    alpha = krippendorff_alpha(labels, groups)
    columns = {r: [row[k] for row in labels] for k, r in enumerate(raters)}
    pairs = []
    for a, b in combinations(raters, 2):
        both = [
            (x, y) for x, y in zip(columns[a], columns[b], strict=True) if x is not None and y is not None
        ]
        if both:
            kappa = cohen_kappa(columns[a], columns[b])
            pairs.append(
                Pair(raters=(a, b), kappa=_short(kappa), agree=share(sum(x == y for x, y in both), len(both)))
            )
    return Raters(
        raters=tuple(
            Rater(
                name=r,
                labels=sum(v is not None for v in columns[r]),
                missing=sum(v is None for v in columns[r]),
                makes_truth=r in truth,
            )
            for r in raters
        ),
        items=len(shared),
        unanimous=share(sum(len(set(row) - {None}) == 1 for row in shared), len(shared)),
        fleiss=_short(fleiss_kappa(labels)),
        alpha=_short(alpha.value),
        alpha_low=_short(alpha.low),
        alpha_high=_short(alpha.high),
        pairs=tuple(pairs),
    )
