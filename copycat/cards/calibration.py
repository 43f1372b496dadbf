"""The calibration file: how far judges can be believed, measured against labels.

`copycat calibrate RUN --labels …` writes it, a judge's card or a run cites it. Shares carry their counts, so
that whoever reads it can compute what is not here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError

from copycat.errors import BadFile, first_fault
from copycat.records import Row, current_kind

SCHEMA = 1
LABELLED = "labelled pictures"
"""What rates are of that were measured against raters' labels."""
LABEL = "label"
"""Stands for the question where a rater's labels are compared as they are."""

Breakdown = Literal["model", "mitigation", "prompts", "character", "seen"]


class Share(Row):
    """Hits among trials, with a 95 % interval: clustered by character, or Wilson's."""

    hits: int = Field(ge=0)
    n: int = Field(ge=0)
    low: float | None
    high: float | None
    effective: float | None = None
    """As many independent pictures would tell as much, where the interval is clustered by character; None
    where it is Wilson's (1927), which takes them for independent, as in files of earlier versions."""

    @property
    def value(self) -> float | None:
        """In [0, 1]; None without trials."""
        return self.hits / self.n if self.n else None


class Confusion(Row):
    """Counts of pictures by what is there and what the judge says."""

    tp: int = Field(ge=0)
    fp: int = Field(ge=0)
    tn: int = Field(ge=0)
    fn: int = Field(ge=0)

    @property
    def n(self) -> int:
        return self.tp + self.fp + self.tn + self.fn

    @property
    def positives(self) -> int:
        """Pictures that show the character: what the TPR is of."""
        return self.tp + self.fn

    @property
    def negatives(self) -> int:
        """Pictures that do not: what the FPR is of."""
        return self.fp + self.tn


class Subgroup(Confusion):
    """The counts of some of the pictures."""

    by: Breakdown
    """`seen`: what raters say is there, where they say it."""
    name: str


class Cell(Confusion):
    """The counts of one character under one mitigation."""

    character: str
    """Slug."""
    mitigation: str


class Reference(Row):
    """How much the rates move with who the raters are."""

    raters: int
    """Those whose majority is taken for true."""
    tpr_sd: float | None
    fpr_sd: float | None
    """Standard deviation of each rate over raters drawn anew from these, in [0, 1]; None where too few of the
    draws leave the rate. What all raters get wrong together is not in it."""


class Threshold(Row):
    """A score above which to say yes, and what that gives."""

    rule: str
    threshold: float
    tpr: Share
    fpr: Share
    """On the labels that the threshold was chosen on, which flatters it."""
    held_out_tpr: Share | None = None
    held_out_fpr: Share | None = None
    """Each half of the labels under the threshold of the other half; None where a half lacks a kind."""


class Bin(Row):
    """One bar of the reliability diagram: pictures with scores from `low` to `high`."""

    low: float
    high: float
    score: float | None
    """Their mean score; None without a picture."""
    yes: Share
    """How many show the character."""


class Scores(Row):
    """What the graded answers are worth, whatever the threshold."""

    auroc: float
    average_precision: float
    tpr_at_1_fpr: float | None
    """TPR at a false-positive rate of at most 1 %; None with fewer than 100 negatives, which cannot tell it
    from 0 %."""
    thresholds: tuple[Threshold, ...]
    bins: tuple[Bin, ...]
    ece: float
    """Expected calibration error in [0, 1], 0 is best. It means something for a probability only, which the
    score of a similarity detector is not."""
    brier: float


class Judged(Row):
    """One judge and one question against the labels."""

    judge: str
    """Card name and weights identity; for a rater the rater's name."""
    question: Annotated[str, BeforeValidator(current_kind)]
    """The kind of question that the judge was asked; :data:`LABEL` for a rater."""
    counts: Confusion
    accuracy: Share
    kappa: float | None
    kappa_low: float | None
    kappa_high: float | None
    """95 % bootstrap interval over characters."""
    tpr: Share
    fpr: Share
    fpr_lookalike: Share
    """Of pictures in which raters saw a look-alike or another character."""
    unscored: int
    """Labelled pictures on which the judge gave no answer; they are in no count."""
    not_asked: int = 0
    """Labels about another character than the one that the judge was asked about."""
    parts: tuple[Subgroup, ...]
    cells: tuple[Cell, ...] = ()
    """The counts by character and mitigation; empty in files of earlier versions."""
    reference: Reference | None = None
    """None with one rater, and in files of earlier versions."""
    scores: Scores | None = None
    """Of a question that gives degrees; None where all pictures show the character or none does, since there
    is nothing to tell apart then."""

    def rates(self) -> dict[str, Any]:
        """As a judge's card gives them."""
        c = self.counts
        return {
            "kappa": self.kappa,
            "tpr": self.tpr.value,
            "fpr": self.fpr.value,
            "fpr_lookalike": self.fpr_lookalike.value,
            "n": c.n,
            "positives": c.positives,
            "negatives": c.negatives,
            **({"cells": cells} if (cells := self._cells()) else {}),
            **({"reference": self.reference.model_dump()} if self.reference else {}),
        }

    def _cells(self) -> list[list[str | int]]:
        """Character, mitigation, tp, fp, fn, tn each."""
        # Files of earlier versions have characters, but not which of their pictures a mitigation made.
        parts = [(p.name, "", p) for p in self.parts if p.by == "character"]
        told = [(c.character, c.mitigation, c) for c in self.cells] or parts
        return [[who, how, c.tp, c.fp, c.fn, c.tn] for who, how, c in told]


class Rater(Row):
    """One rater's part in the labels."""

    name: str
    labels: int
    missing: int
    """Pictures that others labelled and this one did not."""
    makes_truth: bool


class Pair(Row):
    """Two raters on the pictures that both labelled."""

    raters: tuple[str, str]
    kappa: float | None
    """Cohen's."""
    agree: Share


class Raters(Row):
    """How far raters agree with one another: no judge can be measured more finely than that."""

    raters: tuple[Rater, ...]
    items: int
    """Pictures, each with a character, that two raters or more labelled."""
    unanimous: Share
    fleiss: float | None
    alpha: float | None
    alpha_low: float | None
    alpha_high: float | None
    """95 % bootstrap interval over pictures."""
    pairs: tuple[Pair, ...]


class Calibration(Row):
    """One `calibration.json`."""

    schema_version: int = Field(default=SCHEMA, ge=1, le=SCHEMA)
    runs: tuple[str, ...]
    models: tuple[str, ...]
    registry: str
    labels: str
    """Name of the file, folder or data set of labels."""
    labels_sha256: str
    """Of the labels as they were read, whatever the file's format."""
    truth: tuple[str, ...]
    """Raters whose majority is taken for true."""
    items: int
    """Pictures, each with a character, whose truth is known."""
    positives: int
    ties: int
    """Left out: as many raters said yes as no."""
    unanswered: int
    """Left out: no rater that makes the truth gave an answer."""
    unknown_labels: int
    unknown_images: int
    """Labels of pictures that are not in the runs, and how many pictures those are; left out."""
    raters: Raters
    judges: tuple[Judged, ...]
    command: str
    commit: str | None
    copycat: str

    def of(self, judge: str) -> tuple[Judged, ...]:
        """What was measured of one judge, by identity; empty when it was not."""
        return tuple(j for j in self.judges if j.judge == judge and j.question != LABEL)

    def rates(self, judge: str) -> dict[str, Any] | None:
        """The rates of `judge` as a card gives them: those of `identify` on top, where it was asked that.

        Those of the other questions are under `questions`. None when the judge was not measured.
        """
        found = self.of(judge)
        if not found:
            return None
        raters = self.truth[0] if len(self.truth) == 1 else f"majority of {len(self.truth)} raters"
        first, *others = sorted(found, key=lambda j: j.question != "identify")
        return {
            "question": first.question,
            **first.rates(),
            "questions": {j.question: j.rates() for j in others},
            "pictures": LABELLED,
            "models": list(self.models),
            "registry": self.registry,
            "source": f"{self.labels}, {raters}",
            "command": self.command,
            "commit": self.commit,
        }


def without_counts(rates: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """`rates` without the counts by character, for those who only tell of them."""
    if rates is None:
        return None
    kept = {k: v for k, v in rates.items() if k != "cells"}
    return {
        k: {q: without_counts(r) for q, r in v.items()} if k == "questions" else v for k, v in kept.items()
    }


def document(calibration: Calibration) -> bytes:
    """What the file of `calibration` holds."""
    return (calibration.model_dump_json(indent=1) + "\n").encode()


def read_calibration(path: Path) -> Calibration:
    """The calibration file at `path`; raises BadFile for one that is none."""
    try:
        return Calibration.model_validate_json(path.read_text(encoding="utf-8"))
    except ValidationError as e:
        raise BadFile(
            f"{path} is not a calibration file ({first_fault(e)}); "
            "`copycat calibrate RUN --labels FILE` writes one."
        ) from e
    except (OSError, UnicodeDecodeError) as e:
        raise BadFile(f"{path} cannot be read ({e}).") from e
