"""Where each rung begins: thresholds that are measured on pairs of pictures whose relation is known.

A copy of a reference (saved anew, scaled, mirrored, cropped) and that reference are a pair that should be
told; two references of the same character are one that should not, however alike they are. Each threshold is
set on one half of the pairs, and what it gives is counted on the other.

That holds for a pair. Among very many references something is near by chance, so some of them are kept out, a
tenth at a time, and how often those, which are copies of nothing, reach each rung in the search through the
others is the chance level that shares of outputs are to be compared with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image
from pydantic import Field

from copycat.copies.gallery import Gallery
from copycat.copies.looks import SIDE, Encoder, Looks, describe
from copycat.copies.rungs import rungs
from copycat.copies.rungs.copy import Copy
from copycat.copies.variants import COPIES, photographs
from copycat.errors import UserError
from copycat.records import Row
from copycat.runtime.progress import Progress

STYLE = "style"
"""What stands below all rungs: like the references, and a copy of none."""
FEWEST = 40
"""References below which no threshold can be measured: a rate of one in a hundred could not be told."""
ORIGINALS, OTHERS = 100, 400
"""Pictures that copies are made of, and pictures that are kept out, at most."""
PAIRS = 5
"""Other references that each kept-out one is paired with."""
FPR = 0.01
"""Share of pairs of different pictures that a rung may take for copies, where thresholds are set."""
_SEED = 61
Values = npt.NDArray[np.float64]


class Threshold(Row):
    """Where one rung begins, and how often it is right on cases that it was not set on; shares in [0, 1]."""

    value: float
    """Likeness from which a picture stands on the rung."""
    tpr: float
    """Share of pairs of a copy and its original that reach it; of `style` that of kept-out references."""
    fpr: float
    """Share of pairs of two references of one character that reach it; of `style` that of photographs."""
    positives: int
    """Pairs, or pictures, that `tpr` was counted on."""
    negatives: int
    """Those that `fpr` was counted on."""
    by_kind: dict[str, float] = Field(default_factory=dict)
    """`tpr` by what was done to the copy."""
    found: float
    """Share of copies that reach this rung, by whichever reference, in the search through all."""
    chance: float
    """Share of kept-out references, copies of nothing, that reach it in that search."""


class Thresholds(Row):
    """The ladder's thresholds for one encoder and one set of references."""

    encoder: str
    """Identity of the encoder."""
    references: int
    """How many references there were, those kept out among them."""
    digest: str
    """Hash of those references."""
    rungs: dict[str, Threshold]
    """By rung, `style` among them."""
    copies: int
    """Copies that `found` was counted on."""
    kept_out: int
    """References that `chance` was counted on."""
    found: float
    """Share of copies that reach any rung above `style`."""
    found_by_kind: dict[str, float]
    """The same by what was done to the copy."""
    chance: dict[str, float]
    """By rung, the share of kept-out references that reach it or a higher one."""
    command: str = ""
    commit: str | None = None

    def value(self, rung: str) -> float | None:
        """From which likeness on a picture stands on `rung`; None where that was not measured."""
        found = self.rungs.get(rung)
        return None if found is None else found.value


@dataclass(frozen=True)
class _Cases:
    """Likenesses of pictures or pairs, by rung; NaN where there is none."""

    likeness: dict[str, Values]
    kinds: tuple[str, ...]
    groups: npt.NDArray[np.int64]
    """By which cases are halved: those of one picture stay together."""

    @property
    def first(self) -> npt.NDArray[np.bool_]:
        """The half that thresholds are set on."""
        return np.asarray(self.groups % 2 == 0)

    def reaches(self, rung: str, value: float) -> npt.NDArray[np.bool_]:
        """Of each case whether it is near enough."""
        return np.asarray(np.nan_to_num(self.likeness[rung], nan=-np.inf) >= value)


def calibrate(
    gallery: Gallery,
    images: Sequence[Image.Image],
    rows: Sequence[int],
    encoder: Encoder,
    identity: str,
    progress: Progress | None = None,
) -> Thresholds:
    """Measure the thresholds for `gallery`.

    `images` are those of its references that :func:`chosen` names, `rows`, in that order: the first
    so many originals of which copies are made, the others kept out. Raises UserError for fewer than 40
    references.
    """
    if len(gallery) < FEWEST:
        raise UserError(
            f"Thresholds are measured on {FEWEST} references or more, and there are {len(gallery)}; give "
            "more with --references."
        )
    originals, others = sizes(len(gallery))
    progress = progress or Progress()
    progress.start("calibrate", 2 * originals * len(COPIES) + (1 + PAIRS) * others + originals)
    try:
        copies = [make(image) for image in images[:originals] for make in COPIES.values()]
        looks = describe(copies, encoder, mirror=True)
        groups = np.repeat(np.arange(originals), len(COPIES))
        kinds = tuple(COPIES) * originals
        singles = [gallery.only([rows[g]]) for g in range(originals)]
        pairs = _Cases(_likeness(looks, [singles[g] for g in groups], progress), kinds, groups)
        out = describe(images[originals:], encoder, mirror=True)
        different = _different(gallery, out, rows[originals:], progress)
        searched = _Cases(_likeness(looks, [gallery] * len(looks), progress), kinds, groups)
        apart = _without(gallery, rows[originals:])
        unseen = _Cases(_likeness(out, apart, progress), (), np.arange(len(out)))
        foreign = describe(photographs(originals, 2 * SIDE), encoder, mirror=True)
        strange = _Cases(_likeness(foreign, [gallery] * len(foreign), progress), (), np.arange(originals))
    finally:
        progress.done()
    measured = {}
    for rung in rungs():
        cut = rung.fixed if rung.fixed is not None else _cut(pairs, different, rung.name)
        measured[rung.name] = _threshold(rung.name, cut, pairs, different, searched, unseen)
    style = _cut(unseen, strange, Copy.name)
    above = [_any(cases, measured) for cases in (searched, unseen)]
    measured[STYLE] = _threshold(Copy.name, style, unseen, strange, searched, unseen)
    return Thresholds(
        encoder=identity,
        references=len(gallery),
        digest=gallery.digest,
        rungs=measured,
        copies=len(looks),
        kept_out=len(out),
        found=_share(above[0]),
        found_by_kind={k: _share(above[0][np.array(kinds) == k]) for k in COPIES},
        chance=_cumulative(unseen, measured),
    )


def sizes(references: int) -> tuple[int, int]:
    """Of so many references how many originals, and how many are kept out."""
    return min(ORIGINALS, references // 4), min(OTHERS, references // 2)


def chosen(references: int) -> list[int]:
    """Rows of the references that thresholds are measured with: the originals, then those kept out."""
    originals, others = sizes(references)
    order = np.random.default_rng(_SEED).permutation(references)[: originals + others]
    return [int(i) for i in order]


def _without(gallery: Gallery, rows: Sequence[int]) -> list[Gallery]:
    """For each of `rows` the references without it and a few others, a tenth of all at most: what is nearest
    by chance depends on how many there are. Other files with the same pixels are left out too."""
    size = -(-len(gallery) // 10)
    found: list[Gallery] = []
    for i in range(0, len(rows), size):
        part = rows[i : i + size]
        shas = {gallery.looks.shas[row].tobytes() for row in part}
        there = [k for k, sha in enumerate(gallery.looks.shas) if sha.tobytes() not in shas]
        found += [gallery.only(there)] * len(part)
    return found


def _different(gallery: Gallery, out: Looks, rows: Sequence[int], progress: Progress) -> _Cases:
    """Pairs of a kept-out reference and others of its character, or of any where none is known to be."""
    random = np.random.default_rng(_SEED)
    by: dict[str, list[int]] = {}
    for i, slug in enumerate(gallery.characters):
        by.setdefault(slug, []).append(i)
    partners, groups = [], []
    for at, row in enumerate(rows):
        same = [i for i in by[gallery.characters[row]] if i != row]
        same = same or [i for i in range(len(gallery)) if i != row]
        for i in random.choice(same, size=PAIRS, replace=len(same) < PAIRS):
            partners.append(gallery.only([int(i)]))
            groups.append(at)
    return _Cases(_likeness(out.take(groups), partners, progress), (), np.array(groups))


def _likeness(looks: Looks, galleries: Sequence[Gallery], progress: Progress) -> dict[str, Values]:
    """How near each picture comes to its gallery, by rung."""
    found: dict[str, list[float]] = {rung.name: [] for rung in rungs()}
    for i, gallery in enumerate(galleries):
        one = looks.one(i)
        for rung in rungs():
            match = rung.match(one, gallery)
            found[rung.name].append(np.nan if match is None else match.likeness)
        progress.advance(1)
    return {name: np.array(values, np.float64) for name, values in found.items()}


def _threshold(
    rung: str, value: float, positive: _Cases, negative: _Cases, searched: _Cases, unseen: _Cases
) -> Threshold:
    value = round(value, 6)
    reached, wrong = positive.reaches(rung, value), negative.reaches(rung, value)
    mine, theirs = ~positive.first, ~negative.first
    kinds = np.array(positive.kinds)
    return Threshold(
        value=value,
        tpr=_share(reached[mine]),
        fpr=_share(wrong[theirs]),
        positives=int(mine.sum()),
        negatives=int(theirs.sum()),
        by_kind={k: _share(reached[mine & (kinds == k)]) for k in dict.fromkeys(positive.kinds)},
        found=_share(searched.reaches(rung, value)),
        chance=_share(unseen.reaches(rung, value)),
    )


def _any(cases: _Cases, measured: Mapping[str, Threshold]) -> npt.NDArray[np.bool_]:
    """Of each case whether it reaches any of the rungs."""
    return np.asarray(np.any([cases.reaches(name, t.value) for name, t in measured.items()], axis=0))


def _cumulative(unseen: _Cases, measured: Mapping[str, Threshold]) -> dict[str, float]:
    names = [r.name for r in rungs()]
    found = {n: _share(_any(unseen, {m: measured[m] for m in names[: i + 1]})) for i, n in enumerate(names)}
    alike = unseen.reaches(Copy.name, measured[STYLE].value)
    return {**found, STYLE: _share(alike | _any(unseen, {n: measured[n] for n in names}))}


def _share(cases: npt.NDArray[np.bool_]) -> float:
    return round(float(cases.mean()), 4) if len(cases) else 0.0


def _cut(positive: _Cases, negative: _Cases, rung: str) -> float:
    """Just above all but FPR of the negatives; half-way to the positives' lowest twentieth, where that lies
    above. Of both the first half."""
    likely, unlikely = (c.likeness[rung][c.first] for c in (positive, negative))
    known = unlikely[np.isfinite(unlikely)]
    least = float(np.quantile(known, 1 - FPR, method="higher")) + 1e-6
    low = float(np.quantile(likely[np.isfinite(likely)], 0.05))
    return max(least, (least + low) / 2)
