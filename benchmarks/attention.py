"""How long a training step of the menagerie's generator takes with fused attention and with the plain one.

`python -m benchmarks.attention` times forward and backward passes of a batch of 64 on one thread of the CPU,
both ways in turn, and tells the processor's seconds of each and their ratio.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from typing import Any

import torch
from diffusers.models.attention_processor import AttnProcessor, AttnProcessor2_0

from copycat.menagerie.train import denoiser
from copycat.menagerie.train.encoder import LENGTH, WIDTH
from copycat.menagerie.train.loop import mixed_precision

_BATCH = 64


def step(unet: Any, batch: tuple[torch.Tensor, ...]) -> float:
    """The processor's seconds of one step's forward and backward pass."""
    began = time.process_time()
    with mixed_precision(torch.device("cpu")):
        guess = unet(*batch).sample
    guess.float().square().mean().backward()
    return time.process_time() - began


def main() -> None:
    """Measure, and tell."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    unet = denoiser.build().train().to(memory_format=torch.channels_last)
    latents = torch.randn(_BATCH, unet.config.in_channels, 8, 8)
    batch = (latents, torch.randint(0, 1000, (_BATCH,)), torch.randn(_BATCH, LENGTH, WIDTH))
    ways = {"fused": AttnProcessor2_0(), "plain": AttnProcessor()}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds + 1):
        for name, way in ways.items():
            unet.set_attn_processor(way)
            seconds[name].append(step(unet, batch))
    # The first of each warms up.
    told = {name: statistics.median(s[1:]) for name, s in seconds.items()}
    for name, median in told.items():
        sys.stdout.write(f"{name}: {median:.3f} s a step (median of {rounds})\n")
    bf16 = torch.cpu._is_avx512_bf16_supported()
    sys.stdout.write(f"fused / plain: {told['fused'] / told['plain']:.2f} (bfloat16: {bf16})\n")


if __name__ == "__main__":
    main()
