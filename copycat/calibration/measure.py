"""Judges against raters' labels: agreement, error rates, thresholds; see `copycat.cards.calibration`."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from copycat.calibration.join import LabelledPicture, Seen
from copycat.cards.calibration import (
    LABEL,
    Bin,
    Breakdown,
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
from copycat.measures import Evidence, measures
from copycat.measures.detect import THRESHOLD, Graded
from copycat.records import Verdict
from copycat.stats import roc
from copycat.stats.agreement import clustered_kappa, cohen_kappa, fleiss_kappa, krippendorff_alpha
from copycat.stats.proportions import wilson

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


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def of_judges(
    evidence: Evidence, items: Sequence[LabelledPicture], truth: Sequence[str]
) -> Iterator[tuple[Judged, list[Checked]]]:
    """Every judge and question that answered on an item of known truth, in the order of the verdicts.

    The questions are those of the measures that error rates correct. One that wants a yes or no names the
    character that the picture was made for, and says nothing about another; its answers have degrees.
    """
    asked = {m.ask.kind: (m.ask.form == "yes_no", m) for m in measures() if m.corrected and m.ask}
    given: dict[tuple[str, str], dict[tuple[str, int, str | None], Verdict]] = {}
    for v in evidence.verdicts:
        if v.kind in asked:
            given.setdefault((v.judge, v.kind), {})[v.request, v.frame, v.item] = v
    known = [(i, t) for i in items if (t := i.truth(truth)) is not None]
    graded_too = Graded()
    for (judge, kind), said in given.items():
        named, measure = asked[kind]
        answers, unscored, apart = [], 0, 0
        for item, true in known:
            character = evidence.registry[item.character]
            if named and item.request.character != item.character:
                apart += 1
                continue
            # An answer about the character that the picture was made for is none about another.
            own = item.request.character == item.character
            settling = (
                given.get((judge, by.ask.kind)) if (by := measure.settled_by) and by.ask and own else None
            )
            found = (graded_too if named else measure).decide(item.rows, said, character, settling=settling)
            yes = measure.value(found, character)
            if yes is None:
                unscored += 1
            else:
                score = graded_too.value(found, character) if named else None
                answers.append(Checked(item, true, yes == 1.0, score))
        if answers:
            yield judged(judge, kind, answers, truth, unscored, apart), answers


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
) -> Judged:
    """One judge's answers to one question, counted."""
    all_of_it = _confusion(answers)
    seen = {id(a): a.item.seen(truth) for a in answers}
    alike = _confusion([a for a in answers if not a.truth and seen[id(a)] in _LOOKALIKES])
    by_character: dict[str, list[Checked]] = {}
    for a in answers:
        by_character.setdefault(a.item.character, []).append(a)
    tables = [(c.tp, c.fp, c.fn, c.tn) for c in map(_confusion, by_character.values())]
    kappa = clustered_kappa(np.array(tables, float))
    return Judged(
        judge=judge,
        question=question,
        counts=all_of_it,
        accuracy=share(all_of_it.tp + all_of_it.tn, all_of_it.n),
        kappa=_short(kappa.value),
        kappa_low=_short(kappa.low),
        kappa_high=_short(kappa.high),
        tpr=share(all_of_it.tp, all_of_it.positives),
        fpr=share(all_of_it.fp, all_of_it.negatives),
        fpr_lookalike=share(alike.fp, alike.negatives),
        unscored=unscored,
        not_asked=not_asked,
        parts=tuple(_parts(answers, seen)),
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
        tpr=_above(positive, THRESHOLD),
        fpr=_above(negative, THRESHOLD),
    )
    halves = [kinds(half) for half in (answers[::2], answers[1::2])]
    for rule, choose in rules.items():
        cut = choose(positive, negative)
        held: list[Share] = []
        if all(p and n for p, n in halves):
            cuts = [choose(*half) for half in reversed(halves)]
            for kind in (0, 1):
                parts = [_above(half[kind], c) for half, c in zip(halves, cuts, strict=True)]
                held.append(share(sum(p.hits for p in parts), sum(p.n for p in parts)))
        yield Threshold(
            rule=rule,
            threshold=round(cut, 9),
            tpr=_above(positive, cut),
            fpr=_above(negative, cut),
            held_out_tpr=held[0] if held else None,
            held_out_fpr=held[1] if held else None,
        )


def _above(scores: Sequence[float], threshold: float) -> Share:
    return share(sum(s > threshold for s in scores), len(scores))


def of_each_other(items: Sequence[LabelledPicture], raters: Sequence[str], truth: Sequence[str]) -> Raters:
    """How far the raters of `items` agree."""
    labels = [[i.labels.get(r) for r in raters] for i in items]
    return of_labels(labels, raters, truth, [i.picture for i in items])


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
