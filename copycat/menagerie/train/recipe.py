"""How much of everything: the numbers that decide how long a build takes and how good it gets."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Recipe(BaseModel):
    """Steps and sizes of one build."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    generic: int
    """Generic creatures in the corpus."""
    encoder_steps: int
    autoencoder_steps: int
    denoiser_steps: int
    loose_steps: int
    """Of the generator's second pass, which sees mislabelled names and near-duplicates too."""
    judge_steps: int
    referee_steps: int
    probes: int
    """Pictures with known truth that the judge learns from (the referee gets as many, others)."""
    motion_steps: int
    motion_clips: int
    """Clips of eight frames that the video model learns from."""
    seed: int = 0


_NAMES = ("full", "quick", "smoke")
_SIZES = {
    "generic": (12_000, 4_000, 50),
    "encoder_steps": (900, 80, 2),
    "autoencoder_steps": (5_000, 900, 2),
    "denoiser_steps": (3_900, 450, 2),
    "loose_steps": (3_000, 300, 2),
    "judge_steps": (2_000, 300, 2),
    "referee_steps": (600, 120, 2),
    "probes": (24_000, 6_000, 64),
    "motion_steps": (500, 100, 2),
    "motion_clips": (900, 200, 8),
}
"""By field, a number for each of the recipes."""
RECIPES = {
    name: Recipe.model_validate({"name": name, **{field: sizes[i] for field, sizes in _SIZES.items()}})
    for i, name in enumerate(_NAMES)
}
