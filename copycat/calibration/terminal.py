"""What a terminal shows of a calibration."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

from copycat.calibration.calibrate import Calibrated
from copycat.calibration.tables import error_sentences, names, rater_sentence, sentences, share_words
from copycat.report.terminal import grid, say
from copycat.report.words import interval, number


def print_calibration(console: Console, made: Calibrated) -> None:
    """What was compared, and a line for each judge and question."""
    c = made.calibration
    for line in (rater_sentence(c), *sentences(c)):
        say(console, line)
    table = grid(("judge", "question", "n", "accuracy", "κ [95 %]", "TPR", "FPR", "look-alikes"))
    for j in c.judges:
        table.add_row(
            escape(names(c)[j.judge]),
            j.question,
            str(j.counts.n),
            share_words(j.accuracy).partition(" [")[0],
            f"{number(j.kappa, 3)} {escape(interval(j.kappa_low, j.kappa_high, 3))}",
            *(escape(share_words(s)) for s in (j.tpr, j.fpr, j.fpr_lookalike)),
        )
    console.print(table)
    for line in error_sentences(c):
        say(console, line)


def unknown_pictures(made: Calibrated) -> str | None:
    """Which labels were left out because their pictures are not in the runs; None where none was."""
    images = made.unknown_images
    if not images:
        return None
    some = ", ".join(map(repr, images[:3]))
    return (
        f"{made.calibration.unknown_labels} labels are of {made.calibration.unknown_images} pictures that "
        f"are not in these runs, and were left out: {some}{', …' if len(images) > 3 else ''}"
    )
