"""Finds a similarity detector's threshold on labelled pictures: the characters' own references."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from copycat.stats.roc import auroc, threshold_at


def find_threshold(
    vectors: npt.NDArray[np.float32], slugs: Sequence[str], fpr: float, subject: str
) -> dict[str, Any]:
    """Threshold and measured rates over reference pictures, as `copycat.judges.gallery.labelled_vectors`
    gives them: rows of length 1, and whose picture each is. `subject` is what the threshold holds for.

    Each picture is compared with every character's references, itself left out: with its own (true) and
    with the others' (false). Pictures at even places of a character's list set the threshold, those at
    odd places measure it. Rates are of (picture, character) pairs, as `verify` asks.
    """
    similar = vectors @ vectors.T
    np.fill_diagonal(similar, -2)
    whose, known = np.array(slugs), np.array(list(dict.fromkeys(slugs)))
    nearest = np.stack([similar[:, whose == slug].max(axis=1) for slug in known], axis=1)
    same = whose[:, None] == known[None]
    place = np.concatenate([np.arange((whose == slug).sum()) for slug in known])
    fit, test = place % 2 == 0, place % 2 == 1
    threshold = threshold_at(nearest[fit][~same[fit]], fpr)
    yes, truth = nearest[test] > threshold, same[test]
    right = known[nearest[test].argmax(axis=1)] == whose[test]
    return {
        "question": "verify",
        "threshold": round(threshold, 6),
        "subject": subject,
        "fpr_wanted": fpr,
        "tpr": round(float(yes[truth].mean()), 4),
        "fpr": round(float(yes[~truth].mean()), 4),
        "auroc": round(auroc(nearest[test][truth], nearest[test][~truth]), 4),
        "nearest_is_right": round(float(right.mean()), 4),
        "positives": int(truth.sum()),
        "negatives": int((~truth).sum()),
        "pairs": int(truth.size),
        "n": int(test.sum()),
    }
