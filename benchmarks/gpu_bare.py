"""What copycat is compared with: the same models, called without it."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from accelerate.utils.memory import clear_device_cache, should_reduce_batch_size
from PIL.Image import Image

from copycat.cards.judges import load_judge_card
from copycat.judges.base import load_judge
from copycat.records import Question


def held_bytes(device: str) -> int:
    """Bytes of the device's memory that tensors hold; on a CPU those of all weights that are alive."""
    if device.startswith("cuda"):
        return torch.cuda.memory_allocated(device)
    gc.collect()
    alive = [o for o in gc.get_objects() if type(o) is torch.nn.Parameter and o.device.type != "meta"]
    return sum({p.data_ptr(): p.numel() * p.element_size() for p in alive}.values())


class BarePipeline:
    """A pipeline of diffusers as its documentation calls it, with the settings of copycat's run."""

    def __init__(self, folder: Path, device: str, dtype: torch.dtype, steps: int, side: int) -> None:
        from diffusers import DiffusionPipeline

        self._pipeline: Any = DiffusionPipeline.from_pretrained(folder, dtype=dtype, use_safetensors=True)
        self._pipeline.set_progress_bar_config(disable=True)
        self._pipeline.to(device)
        self._device, self._steps, self._side = device, steps, side

    def draw(self, prompts: Sequence[str], steps: int | None = None) -> list[Image]:
        """A picture for each of `prompts`, in one batch."""
        noise = [torch.Generator("cpu").manual_seed(i) for i in range(len(prompts))]
        with torch.inference_mode():
            done = self._pipeline(
                prompt=list(prompts), num_inference_steps=steps or self._steps, height=self._side,
                width=self._side, generator=noise,
            )  # fmt: skip
        return list(done.images)

    def seconds_a_picture(self, prompts: Sequence[str], steps: int | None = None, rounds: int = 1) -> float:
        """The quickest of so many `rounds` of one batch with `prompts`."""
        return min(seconds(lambda: self.draw(prompts, steps)) for _ in range(rounds)) / len(prompts)

    def best_batch(self, prompts: Sequence[str], sizes: Sequence[int], steps: int) -> int:
        """The quickest of the batch `sizes` that fit in memory, tried with few `steps`; they ascend."""
        found: dict[int, float] = {}
        for size in sizes:
            try:
                self.draw(prompts[:size], 1)
                found[size] = self.seconds_a_picture(prompts[:size], steps)
            except Exception as e:
                if not (found and should_reduce_batch_size(e)):
                    raise
                break
        return min(found, key=lambda size: found[size])

    def close(self) -> None:
        """Let go of the weights."""
        del self._pipeline
        gc.collect()
        clear_device_cache()


def one_call_at_a_time(
    folder: Path, device: str, questions: Sequence[Question], images: Sequence[Image]
) -> float:
    """Seconds a question when each is asked alone, after one that is not counted."""
    with load_judge(load_judge_card(str(folder)), device) as judge:
        judge.ask(questions[:1], images[:1])
        took = seconds(lambda: [judge.ask([q], [image]) for q, image in zip(questions, images, strict=True)])
    return took / len(questions)


def seconds(work: Callable[[], object]) -> float:
    """How long `work` takes, with what it began on the device."""
    _wait()
    began = time.perf_counter()
    work()
    _wait()
    return time.perf_counter() - began


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
