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
    """Of the generator's second pass, which sees strays and knock-offs too."""
    judge_steps: int
    referee_steps: int
    probes: int
    """Pictures with known truth that the judge learns from (the referee gets as many, others)."""
    motion_steps: int
    motion_clips: int
    """Clips of eight frames that the video model learns from."""
    seed: int = 0


RECIPES = {
    r.name: r
    for r in (
        Recipe(
            name="full",
            generic=12_000,
            encoder_steps=900,
            autoencoder_steps=5_000,
            denoiser_steps=3_900,
            loose_steps=3_000,
            judge_steps=2_000,
            referee_steps=600,
            probes=24_000,
            motion_steps=500,
            motion_clips=900,
        ),
        Recipe(
            name="quick",
            generic=4_000,
            encoder_steps=80,
            autoencoder_steps=900,
            denoiser_steps=450,
            loose_steps=300,
            judge_steps=300,
            referee_steps=120,
            probes=6_000,
            motion_steps=100,
            motion_clips=200,
        ),
        Recipe(
            name="smoke",
            generic=50,
            encoder_steps=2,
            autoencoder_steps=2,
            denoiser_steps=2,
            loose_steps=2,
            judge_steps=2,
            referee_steps=2,
            probes=64,
            motion_steps=2,
            motion_clips=8,
        ),
    )
}
