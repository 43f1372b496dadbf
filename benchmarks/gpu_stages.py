"""copycat's own stages on models of `benchmarks.gpu_models`, timed from outside through what they report."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from benchmarks.gpu_bare import held_bytes
from copycat.cards.catalog import home
from copycat.records import Question
from copycat.resolve import ResolvedRun, resolve_settings
from copycat.runs.folder import RunFolder
from copycat.runtime.progress import Progress
from copycat.stages.generate import generate
from copycat.stages.judge import find_judging, judge, open_questions
from copycat.stages.plan import plan, prepare

REGISTRY = "copycat"


@dataclass
class Clock(Progress):
    """When a stage says that so many more items are done."""

    spans: list[list[tuple[float, int]]] = field(default_factory=list)
    """Time and number of items by pass of a stage; a pass loads its model before its first item is done."""

    def start(self, label: str, total: int) -> None:  # noqa: ARG002
        self.spans.append([])

    def advance(self, n: int) -> None:
        self.spans[-1].append((time.perf_counter(), n))

    def seconds_an_item(self) -> float:
        """Without what comes before a pass's first items are done: loading, compiling and warming up."""
        took = sum(span[-1][0] - span[0][0] for span in self.spans if span)
        items = sum(n for span in self.spans for _, n in span[1:])
        if not items:
            raise ValueError("a stage has to work on two batches at least to be timed")
        return took / items


@dataclass(frozen=True)
class Timed:
    """A stage's run."""

    seconds: float
    """For each picture drawn or question asked, once it is under way."""
    peak: float | None
    """Most GPU memory in GB that tensors held; None on a CPU."""
    held: float
    """GB that tensors held on the device when the stage was over, beyond what was held before it."""


@dataclass(frozen=True)
class Setting:
    """What all stages of one part have in common."""

    work: Path
    device: str
    model: Path
    judge: Path
    steps: int
    batch: int
    pictures: int
    """An even number."""
    side: int

    def resolved(self, name: str, *, compile_: bool = False) -> ResolvedRun:
        """The run called `name`: the names of protected characters with two seeds, unguarded."""
        return resolve_settings(
            model=str(self.model), judge=str(self.judge), registry=REGISTRY, prompts=("name",),
            mitigations=("none",), seeds=(0, 1), limit=self.pictures // 2, steps=self.steps,
            height=self.side, width=self.side, batch_size=self.batch, compile=compile_,
            device=self.device, out=self.work / name,
        )  # fmt: skip

    def command(self, name: str) -> list[str]:
        """The arguments of `copycat` for the same."""
        return [
            *("run", "--model", str(self.model), "--judge", str(self.judge), "--registry", REGISTRY),
            *("--prompts", "name", "--mitigation", "none", "--seeds", "2"),
            *("--limit", str(self.pictures // 2), "--steps", str(self.steps)),
            *("--height", str(self.side), "--width", str(self.side), "--batch-size", str(self.batch)),
            *("--device", self.device, "--out", str(self.work / name)),
        ]


def drawn(setting: Setting, name: str, *, compile_: bool = False) -> tuple[RunFolder, Timed]:
    """The stages `plan` and `generate`."""
    run = setting.resolved(name, compile_=compile_)
    folder = prepare(run, plan(run))
    clock = Clock()
    # A CPU would compile for minutes; what is compiled is called as it is there, so that its way is taken.
    as_it_is = torch.compiler.set_stance("force_eager") if setting.device == "cpu" else None
    before = held_bytes(setting.device)
    with as_it_is or contextlib.nullcontext():
        _reset_peak(setting.device)
        generate(folder, run, progress=clock, device=setting.device)
    left = held_bytes(setting.device) - before
    return folder, Timed(clock.seconds_an_item(), _peak(setting.device), left / 1e9)


def judged(folder: RunFolder, name: str, device: str) -> tuple[int, Timed]:
    """The stage `judge`, by the judge called `name`; returns how many questions it was asked."""
    clock, before = Clock(), held_bytes(device)
    _reset_peak(device)
    asked = judge(folder, judge_name=name, progress=clock, device=device)
    left = held_bytes(device) - before
    return asked, Timed(clock.seconds_an_item(), _peak(device), left / 1e9)


def questions_of(folder: RunFolder, judge_name: str) -> list[Question]:
    """What `judge` would ask about the pictures of a run, in its order."""
    data = folder.data()
    return open_questions(data, find_judging(data, judge_name))[1]


def server_judge(url: str, served: str) -> str:
    """The name of a card made for a judge behind an OpenAI-compatible server at `url`, which calls it
    `served` and lists the most likely tokens with their probabilities."""
    card = home() / "judges" / "server.yaml"
    card.parent.mkdir(parents=True, exist_ok=True)
    card.write_text(
        f"name: server\nkind: openai-logprobs\nsource: {served}\nbatch_size: 32\n"
        f"api: {{base_url: {url}, key_env: null, probe: true}}\n",
        encoding="utf-8",
    )
    return "server"


_FIRST_STEP = """\
import os, sys, time
began = float(sys.argv.pop(1))
from torch.nn.modules.module import register_module_forward_pre_hook
def first(module, args):
    if type(module).__name__ in ("UNet2DConditionModel", "FluxTransformer2DModel"):
        print("FIRST", time.time() - began, flush=True)
        os._exit(0)
register_module_forward_pre_hook(first)
from copycat.cli.main import main
main()
"""


def seconds_to_first_step(setting: Setting, name: str) -> float:
    """From the start of a process that runs `copycat run` to its first call of the denoiser."""
    command: Sequence[Any] = [sys.executable, "-c", _FIRST_STEP, repr(time.time()), *setting.command(name)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    told = [line for line in done.stdout.splitlines() if line.startswith("FIRST ")]
    if not told:
        raise RuntimeError(f"copycat run did not get to its first step: {done.stderr[-500:]}")
    return float(told[0].split()[1])


def _reset_peak(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(device)


def _peak(device: str) -> float | None:
    return torch.cuda.max_memory_allocated(device) / 1e9 if device.startswith("cuda") else None
