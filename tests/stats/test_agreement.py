"""Agreement coefficients against the implementations that the field uses, and by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import krippendorff
import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import fleiss_kappa as fleiss_reference

from copycat.stats.agreement import cohen_kappa, fleiss_kappa, krippendorff_alpha

SETS = 150
EXACT: dict[str, float] = {"abs": 1e-9, "rel": 0}
Labels = list[list[Any]]


def label_sets(missing: bool = True) -> Iterator[tuple[np.random.Generator, Labels]]:
    """Random tables, a row an item: 2 to 7 raters, 2 to 4 answers, 5 to 60 items, up to half missing."""
    for seed in range(SETS):
        r = np.random.default_rng(seed)
        raters, answers, items = int(r.integers(2, 8)), int(r.integers(2, 5)), int(r.integers(5, 61))
        truth = r.integers(answers, size=items)
        noise = r.random((items, raters)) < r.uniform(0.05, 0.9)
        given = np.where(noise, r.integers(answers, size=(items, raters)), truth[:, None])
        gone = r.random((items, raters)) < (r.uniform(0, 0.5) if missing else 0)
        yield r, [[None if g else int(v) for v, g in zip(*row, strict=True)] for row in zip(given, gone)]  # noqa: B905


def counted(labels: Labels) -> np.ndarray:
    answers = sorted({v for row in labels for v in row if v is not None})
    return np.array([[sum(v == a for v in row) for a in answers] for row in labels], float)


def test_cohen_equals_scikit_learn() -> None:
    compared = 0
    for _, labels in label_sets():
        a, b = ([row[k] for row in labels] for k in (0, 1))
        pairs = [(x, y) for x, y in zip(a, b, strict=True) if x is not None and y is not None]
        found = cohen_kappa(a, b)
        if found is None:
            assert len({v for p in pairs for v in p}) < 2
            continue
        assert found == pytest.approx(cohen_kappa_score(*zip(*pairs, strict=True)), **EXACT)
        compared += 1
    assert compared >= 100


def test_fleiss_equals_statsmodels_where_every_item_has_as_many_labels() -> None:
    """Whole tables, and ones where each item lacks as many labels, of raters that differ."""
    compared = 0
    for drop in (0, 1):
        for r, labels in label_sets(missing=False):
            if len(labels[0]) - drop < 2:
                continue
            for row in labels:
                for place in r.choice(len(row), drop, replace=False):
                    row[place] = None
            table = counted(labels)
            if table.shape[1] > 1:
                assert fleiss_kappa(labels) == pytest.approx(fleiss_reference(table), **EXACT)
                compared += 1
    assert compared >= 200


def test_fleiss_with_uneven_labels_equals_its_parts_from_statsmodels() -> None:
    """Observed agreement of the items with m labels follows from Randolph's κ, which statsmodels gives."""
    compared = 0
    for _, labels in label_sets():
        table = counted(labels)
        table = table[table.sum(axis=1) > 0]
        given, k = table.sum(axis=1), table.shape[1]
        sizes = [m for m in np.unique(given) if m >= 2]
        if k < 2 or len(sizes) < 2:
            continue
        observed = [
            fleiss_reference(table[given == m], method="randolph") * (1 - 1 / k) + 1 / k for m in sizes
        ]
        mean = np.average(observed, weights=[(given == m).sum() for m in sizes])
        chance = float((np.mean([row / row.sum() for row in table], axis=0) ** 2).sum())
        assert fleiss_kappa(labels) == pytest.approx((mean - chance) / (1 - chance), **EXACT)
        compared += 1
    assert compared >= 100


def test_alpha_equals_krippendorffs() -> None:
    compared = 0
    for _, labels in label_sets():
        by_rater = np.array([[np.nan if v is None else v for v in row] for row in labels], float).T
        paired = [row for row in labels if sum(v is not None for v in row) > 1]
        found = krippendorff_alpha(labels)
        assert found.items == len(paired)
        if len({v for row in paired for v in row if v is not None}) < 2:
            assert found.value is None
            continue
        expected = krippendorff.alpha(reliability_data=by_rater, level_of_measurement="nominal")
        assert found.value == pytest.approx(expected, **EXACT)
        compared += 1
    assert compared >= 100


def test_kappas_by_hand() -> None:
    # Of 10 pictures both say yes to 4, no to 3: observed 0.7; yes shares 0.6 and 0.5: chance 0.5.
    a, b = [1] * 6 + [0] * 4, [1] * 4 + [0] * 2 + [1] + [0] * 3
    assert cohen_kappa(a, b) == pytest.approx((0.7 - 0.5) / 0.5)
    assert cohen_kappa([*a, None, 1], [*b, 1, None]) == cohen_kappa(a, b), "pairwise complete"
    # Pairs of raters agree on 1, 1/3, 1, 1/3 of the items: observed 2/3; half of all labels are yes.
    assert fleiss_kappa([[1, 1, 1], [1, 1, 0], [0, 0, 0], [0, 1, 0]]) == pytest.approx(1 / 3)
    assert fleiss_kappa([[1, 0], [0, 1]]) == pytest.approx(-1)
    assert fleiss_kappa([["yes", "no", None], [None, "no", "yes"]]) == pytest.approx(-1)


def test_what_is_undefined_is_none() -> None:
    assert cohen_kappa([1, 1], [1, 1]) is None
    assert cohen_kappa([], []) is None
    assert cohen_kappa([1, None], [None, 0]) is None
    for nothing in ([], [[1, 1], [1, 1]], [[1, None], [None, 0]], [[None, None]]):
        assert fleiss_kappa(nothing) is None
        assert krippendorff_alpha(nothing).value is None
    assert krippendorff_alpha([[1, 0, 1]]).low is None, "one item has no interval"
    assert fleiss_kappa([[True] * 7] * 9) is None, "rounding must not make 0/0 a number"


def test_the_interval_of_alpha_covers_and_widens_with_groups() -> None:
    def noisy(r: np.random.Generator, items: int) -> Labels:
        truth = r.integers(2, size=items)
        return [[int(t ^ (r.random() < 0.15)) for _ in range(3)] for t in truth]

    # Two raters agree with 0.85² + 0.15², and half of all answers are yes.
    true = (0.85**2 + 0.15**2 - 0.5) / 0.5
    inside = 0
    for seed in range(200):
        found = krippendorff_alpha(noisy(np.random.default_rng(seed), 80))
        assert found.low is not None
        assert found.high is not None
        inside += found.low <= true <= found.high
    assert 180 <= inside <= 199
    # Ten copies of each item are no more information, and saying that they belong together shows it.
    few = noisy(np.random.default_rng(5), 20)
    many, whose = few * 10, list(range(20)) * 10
    alone, copies, grouped = (
        krippendorff_alpha(few), krippendorff_alpha(many), krippendorff_alpha(many, groups=whose)
    )  # fmt: skip
    widths = [(x.high or 0) - (x.low or 0) for x in (alone, copies, grouped)]
    assert widths[1] < widths[0] / 2
    assert widths[2] == pytest.approx(widths[0], rel=0.1)
    assert krippendorff_alpha(few) == krippendorff_alpha(few), "the same labels, the same interval"
