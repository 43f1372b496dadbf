"""Telling latents of anchor prompts from those of the concept."""

from __future__ import annotations

from torch import Tensor, nn

_WIDTHS = (64, 128, 256, 512)
_SMALLEST = 4
"""Side of the smallest map that is halved again."""


def discriminator(channels: int, side: int) -> nn.Sequential:
    """A PatchGAN on latents of that many channels and that side: (n, channels, side, side) → a map of logits,
    positive where it takes them for those of the concept.

    Convolutions of stride 2, as long as there is something to halve: DoCo's four on latents of 64 × 64, one
    on 8 × 8."""
    layers: list[nn.Module] = []
    came = channels
    for i, width in enumerate(_WIDTHS):
        if i and side // 2 < _SMALLEST:
            break
        layers += [
            nn.Conv2d(came, width, 4, 2, 1),
            *([nn.BatchNorm2d(width)] if i else []),
            nn.LeakyReLU(0.2),
        ]
        came, side = width, side // 2
    return nn.Sequential(*layers, nn.Conv2d(came, 1, 4 if side >= _SMALLEST else side, 1, 1))


def logit_error(logits: Tensor, wanted: float) -> Tensor:
    """Binary cross-entropy of a map of logits against one answer for all of it."""
    return nn.functional.binary_cross_entropy_with_logits(logits, logits.new_full(logits.shape, wanted))
