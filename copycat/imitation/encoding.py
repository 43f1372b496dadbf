"""Pictures as vectors: the encoder that likeness is measured with, and reading the pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from copycat.cards.judges import JudgeCard, load_judge_card, own_encoder
from copycat.errors import BadFile, UserError
from copycat.imitation.filtering import Vectors
from copycat.io import pictures
from copycat.judges.base import CATALOG as KINDS
from copycat.judges.gallery import Detector
from copycat.subjects.characters import Registry

_AT_ONCE = 64
"""Pictures that are open at a time."""


class Encoder(Protocol):
    """What :class:`copycat.judges.gallery.Detector` is here."""

    def vectors(self, images: Sequence[Image.Image]) -> Vectors:
        """One row of length 1 a picture; not numbers where there are no features."""
        ...


def encoder_card(name: str, registry: Registry) -> JudgeCard:
    """The card of the encoder `name`: a judge card with weights, or the folder of a vision model that
    transformers reads (CLIP, SigLIP, DINO); for an empty name the detector of the registry whose weights
    are here.

    Raises UserError for a judge without features, and where no encoder is known for the registry.
    """
    if name:
        card = load_judge_card(name)
        kind = KINDS.get(card.kind)
        if card.members or card.api or not (card.source or issubclass(kind, Detector)):
            raise UserError(
                f"{card.name} makes no vectors of pictures; --encoder takes a detector's card (copycat ls "
                f"judges), "
                "or the folder of a vision model (CLIP, SigLIP, DINO)."
            )
        return card
    found = own_encoder(registry.name)
    if found is None:
        raise UserError(
            f"No encoder is known for the registry {registry.name}; name one with --encoder: the folder "
            f"of a vision "
            "model (CLIP, SigLIP, DINO), or a detector's card."
        )
    return found


def load_encoder(card: JudgeCard, device: str) -> Encoder:
    """The encoder of `card`, on `device`; a card of another kind gives its model's vision tower."""
    kind = KINDS.get(card.kind)
    if issubclass(kind, Detector):
        return kind.build(card, device)
    # It brings torch.
    from copycat.judges.embedding import EmbeddingDetector

    return EmbeddingDetector.build(card, device)


@dataclass(frozen=True)
class Encoded:
    """Vectors of those of some pictures that could be read."""

    vectors: Vectors
    files: tuple[Path, ...]
    """One a row."""
    broken: tuple[Path, ...]
    """Files that are no pictures, or of which the encoder makes no numbers."""


def encode(encoder: Encoder, files: Sequence[Path], done: Callable[[int], None] = lambda _: None) -> Encoded:
    """Vectors of `files`, in their order; `done` is told how many have been dealt with each time."""
    rows: list[Vectors] = []
    kept: list[Path] = []
    broken: list[Path] = []
    for i in range(0, len(files), _AT_ONCE):
        opened = []
        names = []
        for path in files[i : i + _AT_ONCE]:
            try:
                opened.append(pictures.read(path))
                names.append(path)
            except BadFile:
                broken.append(path)
        if opened:
            vectors = encoder.vectors(opened)
            good = [bool(np.isfinite(row).all()) for row in vectors]
            rows.append(vectors[good])
            kept += [name for name, fine in zip(names, good, strict=True) if fine]
            broken += [name for name, fine in zip(names, good, strict=True) if not fine]
        done(len(files[i : i + _AT_ONCE]))
    vectors = np.concatenate(rows) if rows else np.zeros((0, 1), np.float32)
    return Encoded(vectors, tuple(kept), tuple(broken))
