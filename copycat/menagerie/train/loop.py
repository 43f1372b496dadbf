"""One training loop for all models: warm-up and cosine, bf16 autocast, checkpoints, a log of losses."""

from __future__ import annotations

import json
import logging
import math
import time
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

_LOG = logging.getLogger("copycat.menagerie")

Batch = TypeVar("Batch")
Prepare = Callable[[torch.Generator], Batch]
"""Makes a step's batch, on the device; all that is random in it comes from the generator that it is given.

It runs on a thread of its own, where neither autocast nor `no_grad` of the training holds.
"""
Loss = Callable[[Batch], torch.Tensor]
"""What is to become smaller, of a batch."""
_AHEAD = 4
"""Batches that are prepared before the device asks for them."""


def pick_device() -> str:
    """`cuda` where there is one, else `cpu`."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def mixed_precision(device: torch.device) -> torch.autocast:
    """bfloat16 autocast where the hardware has it; elsewhere a CPU emulates it, ten times slower."""
    native = device.type != "cpu" or torch.cpu._is_avx512_bf16_supported()
    return torch.autocast(device.type, torch.bfloat16, enabled=native)


class Loop:
    """Runs `loss(prepare(generator))` for `steps` steps; the generator of a step depends on the step alone.

    So batches can be prepared ahead, while the device works on the one before, and a resumed run sees the
    same batches as one that was never stopped. Checkpoints go to `work/NAME.ckpt` every two minutes, one
    JSON line per 50 steps to `work/NAME.log.jsonl`.
    """

    def __init__(
        self,
        name: str,
        modules: dict[str, nn.Module],
        *,
        steps: int,
        lr: float,
        work: Path,
        weight_decay: float = 0.01,
        after_step: Callable[[int], None] | None = None,
        frozen: dict[str, nn.Module] | None = None,
        seed: int = 0,
    ) -> None:
        self.name, self.steps, self.lr, self.work, self.seed = name, steps, lr, work, seed
        self.modules = modules
        self.saved: dict[str, nn.Module] = {**modules, **(frozen or {})}
        self.parameters = [p for m in modules.values() for p in m.parameters() if p.requires_grad]
        self.optimiser = torch.optim.AdamW(self.parameters, lr=lr, weight_decay=weight_decay)
        self.after_step = after_step
        self.step = 0
        self.seconds = 0.0

    @property
    def _checkpoint(self) -> Path:
        return self.work / f"{self.name}.ckpt"

    def run(self, prepare: Prepare[Batch], loss: Loss[Batch]) -> float:
        """Train to the end; returns the seconds spent over all sittings."""
        self._restore()
        for m in self.modules.values():
            m.train()
        started, saved_at = time.monotonic() - self.seconds, time.monotonic()
        recent: list[torch.Tensor] = []
        with closing(self._batches(prepare)) as batches:
            for batch in batches:
                for group in self.optimiser.param_groups:
                    group["lr"] = self._rate()
                value = loss(batch)
                self.optimiser.zero_grad(set_to_none=True)
                value.backward()
                nn.utils.clip_grad_norm_(self.parameters, 1.0)
                self.optimiser.step()
                if self.after_step:
                    self.after_step(self.step)
                self.step += 1
                recent.append(value.detach())
                if self.step % 50 == 0 or self.step == self.steps:
                    # Read together, since reading one waits until the device has nothing left to do.
                    total = math.fsum(torch.stack(recent).tolist())
                    self.seconds = time.monotonic() - started
                    self._log(total / len(recent))
                    recent = []
                if time.monotonic() - saved_at > 120:
                    self.seconds, saved_at = time.monotonic() - started, time.monotonic()
                    self._save()
        self.seconds = time.monotonic() - started
        for m in self.modules.values():
            m.eval()
        self._checkpoint.unlink(missing_ok=True)
        return self.seconds

    def _batches(self, prepare: Prepare[Batch]) -> Generator[Batch, None, None]:
        """The batches of the steps that are left, in order, each prepared while earlier ones are used."""
        ready: deque[Future[Batch]] = deque()
        pool = ThreadPoolExecutor(1, thread_name_prefix=f"{self.name} batches")
        try:
            for step in range(self.step, self.steps):
                generator = torch.Generator().manual_seed(self.seed * 1_000_003 + step)
                ready.append(pool.submit(prepare, generator))
                if len(ready) > _AHEAD:
                    yield ready.popleft().result()
            while ready:
                yield ready.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _rate(self) -> float:
        warm = min(1.0, (self.step + 1) / max(1, min(200, self.steps // 10)))
        return self.lr * warm * (0.5 + 0.5 * math.cos(math.pi * self.step / self.steps)) + 1e-6

    def _log(self, loss: float) -> None:
        left = self.seconds / self.step * (self.steps - self.step)
        row = {"step": self.step, "loss": round(loss, 5), "seconds": round(self.seconds, 1)}
        with (self.work / f"{self.name}.log.jsonl").open("a", encoding="utf-8") as f:
            f.write(json.dumps(row) + "\n")
        _LOG.info("%s %d/%d loss %.4f, %.0f s left", self.name, self.step, self.steps, loss, left)

    def _save(self) -> None:
        state: dict[str, Any] = {n: m.state_dict() for n, m in self.saved.items()}
        payload = {"state": state, "optimiser": self.optimiser.state_dict(), "step": self.step}
        temporary = self._checkpoint.with_suffix(".tmp")
        torch.save({**payload, "seconds": self.seconds, "steps": self.steps}, temporary)
        temporary.replace(self._checkpoint)

    def _restore(self) -> None:
        if not self._checkpoint.is_file():
            return
        saved = torch.load(self._checkpoint, weights_only=True)
        if saved["steps"] != self.steps:
            return
        for n, m in self.saved.items():
            m.load_state_dict(saved["state"][n])
        self.optimiser.load_state_dict(saved["optimiser"])
        self.step, self.seconds = saved["step"], saved["seconds"]
        _LOG.info("%s resumes at step %d", self.name, self.step)
