"""The threshold of a similarity detector, measured on its registry's reference pictures."""

from __future__ import annotations

import json
from pathlib import Path

from copycat.calibration.detector_threshold import find_threshold
from copycat.cards.judges import load_judge_card, threshold_file
from copycat.io.atomic import write_text
from copycat.io.paths import ROOT
from copycat.judges.gallery import labelled_vectors, subject
from copycat.runtime import environment
from copycat.runtime.device import resolve_device


def set_threshold(name: str, fpr: float, device: str = "auto", out: Path | None = None) -> str:
    """Measure the detector called `name`, keep its threshold, and say in a sentence what it gives.

    `fpr` is the share of other characters' pictures let through; `out` the file, by default the one in the
    user's own folder. Raises UnknownName, and as `labelled_vectors` does.
    """
    card = load_judge_card(name)
    on = resolve_device(device, f"The judge {card.name}", card.min_gpu_gb)
    vectors, slugs = labelled_vectors(card, on)
    found = find_threshold(vectors, slugs, fpr, subject(card))
    commit, _ = environment.git_state(ROOT)
    found |= {"command": f"copycat calibrate {card.name} --fpr {fpr:g}", "commit": commit}
    path = out or threshold_file(card.name)
    write_text(path, json.dumps(found, indent=1) + "\n")
    return (
        f"Threshold {found['threshold']:.3f}: finds {found['tpr']:.1%} of the characters' other pictures and "
        f"takes {found['fpr']:.1%} of the pairs with another character for it; written to {path}"
    )
