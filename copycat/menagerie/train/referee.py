"""The referee: a residual network that names characters, to check the judge with. It never scores runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch.nn import functional as F

from copycat.menagerie.corpus import Probe
from copycat.menagerie.train.encoder import as_input
from copycat.menagerie.train.loop import Loop, mixed_precision
from copycat.menagerie.world import Inhabitant

NOBODY = "none"


def build(people: list[Inhabitant]) -> Any:
    """An untrained ResNet (He et al. 2016) with one class per character and one for nobody."""
    from transformers import ResNetConfig, ResNetForImageClassification

    labels = [*(p.slug for p in people), NOBODY]
    config = ResNetConfig(
        embedding_size=32,
        hidden_sizes=[48, 96, 160],
        depths=[1, 1, 1],
        layer_type="basic",
        id2label=dict(enumerate(labels)),
        label2id={s: i for i, s in enumerate(labels)},
    )
    return ResNetForImageClassification(config)


def classes(truth: list[Probe], people: list[Inhabitant]) -> torch.Tensor:
    """Class index of each picture: its character, or the last class for anything else."""
    return torch.tensor([p.about if p.kind == "character" else len(people) for p in truth])


def prepare(x: torch.Tensor) -> torch.Tensor:
    """float (n, 3, 32, 32) to (n, 3, 96, 96): its stem divides the side by four."""
    return F.interpolate(x, size=(96, 96), mode="bilinear", align_corners=False)


def train(
    model: Any, pixels: torch.Tensor, decoded: torch.Tensor, labels: torch.Tensor, steps: int, work: Path
) -> float:
    """Cross-entropy on renders and decoded renders, with a little noise; returns seconds."""
    device = next(model.parameters()).device

    def batch(g: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        pick = torch.randint(0, len(labels), (96,), generator=g)
        use = (torch.rand(len(pick), generator=g) < 0.5)[:, None, None, None]
        x = as_input(torch.where(use, decoded[pick], pixels[pick]))
        x = x + torch.randn(x.shape, generator=g) * 0.08 * torch.rand(len(x), 1, 1, 1, generator=g)
        return x.to(device), labels[pick].to(device)

    def loss(batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        x, truth = batch
        with mixed_precision(device):
            logits = model(prepare(x)).logits
        return F.cross_entropy(logits.float(), truth)

    loop = Loop("referee", {"model": model}, steps=steps, lr=2e-3, work=work, weight_decay=0.05, seed=7)
    return loop.run(batch, loss)


@torch.no_grad()
def predict(model: Any, pixels: torch.Tensor) -> torch.Tensor:
    """Class index of each picture, uint8 (n, 32, 32, 3)."""
    model.eval()
    return torch.cat([model(prepare(as_input(b))).logits.argmax(1) for b in pixels.split(256)])
