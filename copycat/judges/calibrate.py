"""Finds a detector's threshold on labelled pictures: the characters' own references."""

from __future__ import annotations

from typing import Any

import numpy as np

from copycat.characters import load_registry
from copycat.errors import BadFile, UserError
from copycat.judges.base import CATALOG
from copycat.judges.card import JudgeCard
from copycat.judges.gallery import Detector, references, subject
from copycat.judges.references import open_reference
from copycat.stats.roc import auroc, threshold_at


def calibrate(card: JudgeCard, fpr: float, device: str = "cpu") -> dict[str, Any]:
    """Threshold and measured rates of `card`'s detector over its registry's references.

    Each picture is compared with every character's references, itself left out: with its own (true) and
    with the others' (false). Pictures at even places of a character's list set the threshold, those at
    odd places measure it. Rates are of (picture, character) pairs, as `target` asks.
    """
    kind = CATALOG.get(card.kind)
    if not issubclass(kind, Detector):
        raise UserError(
            f"The judge {card.name} has no threshold to set; only detectors of similarity have one. To "
            "measure it against labels: copycat calibrate RUN --labels FILE."
        )
    signed = subject(card)
    known = references(load_registry(str(card.registry)))
    slugs = list(dict.fromkeys(r.character for r in known))
    if len(known) < 4 * len(slugs) or len(slugs) < 2:
        raise BadFile(
            f"Calibrating {card.name} takes two characters or more with four references each or more; "
            f"{card.registry} has {len(known)} references of {len(slugs)}."
        )
    made = kind.build(card, device).vectors([open_reference(r.path) for r in known])
    similar = made @ made.T
    np.fill_diagonal(similar, -2)
    whose = np.array([r.character for r in known])
    nearest = np.stack([similar[:, whose == slug].max(axis=1) for slug in slugs], axis=1)
    same = whose[:, None] == np.array(slugs)[None]
    place = np.concatenate([np.arange(n) for n in (int((whose == slug).sum()) for slug in slugs)])
    fit, test = place % 2 == 0, place % 2 == 1
    threshold = threshold_at(nearest[fit][~same[fit]], fpr)
    yes, truth = nearest[test] > threshold, same[test]
    right = np.array(slugs)[nearest[test].argmax(axis=1)] == whose[test]
    return {
        "question": "target",
        "threshold": round(threshold, 6),
        "subject": signed,
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
