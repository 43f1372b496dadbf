"""Measuring the thresholds of a ladder that filters ask."""

from __future__ import annotations

from pathlib import Path

from copycat.cards.judges import load_judge_card
from copycat.copies.calibration import Thresholds
from copycat.errors import UserError
from copycat.io.atomic import write_text
from copycat.io.paths import DATA, ROOT
from copycat.judges.embedding import EmbeddingDetector
from copycat.judges.ladder import compared
from copycat.runtime import environment
from copycat.runtime.device import resolve_device
from copycat.runtime.progress import Progress


def set_thresholds(name: str, device: str, out: Path | None, progress: Progress | None = None) -> Path:
    """Measure the ladder called `name` on the pictures that its card compares with, and write the thresholds;
    returns the file, by default the one that the card names.

    Raises UserError for a card of another kind, or one that names no file where `out` is None.
    """
    card = load_judge_card(name)
    if card.kind != "ladder":
        raise UserError(f"The judge {card.name} has no rungs; name a card of kind ladder.")
    path = out or (DATA / card.thresholds if card.thresholds else None)
    if path is None:
        raise UserError(f"The card of {card.name} names no file of thresholds; say where with --out.")
    on = resolve_device(device, f"The judge {card.name}", card.min_gpu_gb)
    built = compared(card, lambda: EmbeddingDetector.build(card, on), progress, anew=True)
    told: Thresholds = built.thresholds.model_copy(
        update={"command": f"copycat verbatim calibrate {name}", "commit": environment.git_state(ROOT)[0]}
    )
    write_text(path, told.model_dump_json(indent=1) + "\n")
    return path
