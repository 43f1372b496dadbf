"""What `benchmarks.gpu` measures, part by part."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from benchmarks.gpu_bare import BarePipeline, one_call_at_a_time
from benchmarks.gpu_models import BUILDERS, SIZES, Shapes
from benchmarks.gpu_stages import (
    REGISTRY,
    Setting,
    Timed,
    drawn,
    judged,
    questions_of,
    seconds_to_first_step,
    server_judge,
)
from benchmarks.gpu_table import Row
from copycat.cards.judges import load_judge_card
from copycat.io.lifecycle import free_memory
from copycat.io.paths import PROMPTS
from copycat.measures.questions import IDENTIFY, KEY, VERIFY
from copycat.runs.folder import RunFolder
from copycat.stages.asking import open_picture
from copycat.subjects.characters import load_registry


@dataclass(frozen=True)
class Effort:
    """How much is drawn of one size."""

    steps: int
    flux_steps: int
    batches: tuple[int, ...]
    """Sizes that are tried for the bare pipeline, ascending."""
    trial: int
    """Steps of such a try."""
    rounds: int
    """Batches that a stage draws; the first of them is not counted."""


EFFORTS = {
    "full": Effort(50, 28, (4, 8, 16), 6, 4),
    "small": Effort(10, 8, (2, 4), 4, 4),
    "tiny": Effort(2, 2, (2,), 1, 3),
}


@dataclass
class Bench:
    """One run of the benchmark."""

    size: str
    device: str
    work: Path
    minutes: float
    server: str | None
    served: str
    rows: list[Row] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)
    folder: RunFolder | None = None
    """A run whose pictures are drawn."""
    drawn_by: dict[str, float] = field(default_factory=dict)
    """Seconds a picture by way of drawing: bare and alone, through the stage, and that compiled."""

    @property
    def shapes(self) -> Shapes:
        return SIZES[self.size]

    @property
    def effort(self) -> Effort:
        return EFFORTS[self.size]

    @property
    def barred(self) -> bool:
        """Whether the bars are meant for this."""
        return self.size == "full" and self.device.startswith("cuda")

    def say(self, what: str) -> None:
        sys.stderr.write(f"[{time.monotonic() - self.began:4.0f} s] {what}\n")
        sys.stderr.flush()

    def add(self, key: str, what: str, value: float | None, note: str = "", unit: str = "×") -> None:
        self.rows.append(Row(key, what, unit, value, note))

    def dtype(self, model: str) -> torch.dtype:
        """As the real one is published; single precision on a CPU."""
        if self.device == "cpu":
            return torch.float32
        return torch.float16 if model == "sdxl" else torch.bfloat16

    def model(self, name: str) -> Path:
        """The folder of a model, built when it is first asked for."""
        folder = self.work / "models" / f"{name}-{self.size}"
        if not folder.is_dir():
            self.say(f"building {name}, about {self.shapes.gigabytes[name]:g} GB")
            unfinished = folder.with_name(f"{name}.unfinished")
            BUILDERS[name](self.shapes, texts(), unfinished, self.device, self.dtype(name))
            unfinished.rename(folder)
            free_memory()
        return folder

    def setting(self, model: str, steps: int, batch: int) -> Setting:
        judge = self.model("judge")
        # The judge looks at as many pictures together as its card says; its first batch does not count.
        pictures = max(batch * self.effort.rounds, 2 * load_judge_card(str(judge)).batch_size)
        return Setting(
            self.work / "runs", self.device, self.model(model), judge, steps, batch,
            pictures + pictures % 2, self.shapes.side,
        )  # fmt: skip


def names() -> list[str]:
    """The prompts: what the protected characters are called."""
    lines = (PROMPTS / REGISTRY / "name.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["text"] for line in lines]


def texts() -> list[str]:
    """What the models are to read: the prompts, and the questions about a character."""
    registry = load_registry(REGISTRY)
    who = registry.characters[0]
    return names() + [ask.render(registry, who, None, references=0) for ask in (IDENTIFY, VERIFY, KEY)]


def generation(bench: Bench, model: str, steps: int, sizes: Sequence[int]) -> None:
    """A model's generate stage against its bare pipeline, and compiled against eager."""
    effort, prompts = bench.effort, names()
    bench.say(f"{model}: the bare pipeline")
    bare = BarePipeline(bench.model(model), bench.device, bench.dtype(model), steps, bench.shapes.side)
    batch = bare.best_batch(prompts, sizes, effort.trial)
    at_best = bare.seconds_a_picture(prompts[:batch])
    alone = bare.seconds_a_picture(prompts[:1])
    bare.close()
    setting = bench.setting(model, steps, batch)
    bench.say(f"{model}: the generate stage, batches of {batch}")
    folder, eager = drawn(setting, f"{model}-eager")
    name = f"{model.upper()} {setting.side}², {steps} steps"
    told = f"{eager.seconds:.3g} s a picture, bare {at_best:.3g} s, batch {batch}"
    bench.add(
        f"{model} stage", f"{name}: generate stage against the bare pipeline", at_best / eager.seconds, told
    )
    bench.say(f"{model}: the generate stage, compiled")
    _, compiled = drawn(setting, f"{model}-compiled", compile_=True)
    told = f"{compiled.seconds:.3g} s a picture"
    if bench.device == "cpu":
        told += "; on a CPU the compiled model is called as it is"
    bench.add(f"{model} compiled", f"{name}: compiled against eager", eager.seconds / compiled.seconds, told)
    _memory(bench, f"{model} memory", f"{name}: generate stage", eager)
    if model == "sdxl":
        bench.folder = folder
        bench.drawn_by = {"alone": alone, "eager": eager.seconds, "compiled": compiled.seconds}


def _memory(bench: Bench, key: str, what: str, stage: Timed) -> None:
    lacking = "" if stage.peak is not None else "only a GPU counts it"
    bench.add(key, f"{what}: most GPU memory in use", stage.peak, lacking, "GB")
    where = "of the device's memory" if stage.peak is not None else "of weights"
    bench.add(f"{key} left", f"{what}: still held when it is over", stage.held, where, "GB")


def sdxl(bench: Bench) -> None:
    generation(bench, "sdxl", bench.effort.steps, bench.effort.batches)


def flux(bench: Bench) -> None:
    generation(
        bench, "flux", bench.effort.flux_steps, tuple(size // 2 or 1 for size in bench.effort.batches[:2])
    )
    shutil.rmtree(bench.model("flux"))


def judging(bench: Bench) -> None:
    """The judge stage, and with it drawing, against one prompt and one question a call."""
    if bench.folder is None:
        bench.say("judge: pictures to look at")
        small = Bench("tiny", bench.device, bench.work, bench.minutes, None, "")
        sketch = small.setting("sdxl", 1, 8)
        wide = Setting(
            sketch.work, bench.device, sketch.model, bench.model("judge"), 1, 8, 32, bench.shapes.side
        )
        bench.folder, _ = drawn(wide, "sketches")
    folder, weights = bench.folder, bench.model("judge")
    open_ = questions_of(folder, str(weights))
    pictures = len({q.sha256 for q in open_})
    first = [q for q in open_ if q.sha256 in {q.sha256 for q in open_[:3]}]
    images = [open_picture(folder.path, q.file, q.sha256) for q in first]
    bench.say(f"judge: {len(first)} questions, one a call")
    alone = one_call_at_a_time(weights, bench.device, first, images)
    bench.say(f"judge: the judge stage, {len(open_)} questions on {pictures} pictures")
    asked, stage = judged(folder, str(weights), bench.device)
    each = asked / pictures
    took = stage.seconds * each
    name = (
        f"7B judge, {each:g} questions a picture"
        if bench.size == "full"
        else f"judge, {each:g} questions a picture"
    )
    bench.add(
        "judge stage", f"{name}: in this process", took, f"{asked} questions on {pictures} pictures", "s"
    )
    bench.add("judge alone", f"{name}: judge stage against one call at a time", alone / stage.seconds)
    _memory(bench, "judge memory", f"{name}: judge stage", stage)
    for way in ("eager", "compiled"):
        what = f"generate and judge ({way}) against one prompt and one call at a time"
        if way not in bench.drawn_by:
            bench.add("both", what, None, "nothing was drawn by the part sdxl")
            continue
        before, now = bench.drawn_by["alone"] + alone * each, bench.drawn_by[way] + took
        bench.add("both", what, before / now, f"{now:.3g} s a picture, before {before:.3g} s")
    _behind_server(bench, folder, pictures)


def _behind_server(bench: Bench, folder: RunFolder, pictures: int) -> None:
    if not bench.server:
        bench.add("server", "judge behind a server", None, "no --server was given", "s")
        return
    bench.say(f"judge: the server at {bench.server}")
    asked, served = judged(folder, server_judge(bench.server, bench.served), bench.device)
    bench.add("server", "judge behind a server", served.seconds * asked / pictures, bench.server, "s")


def start(bench: Bench) -> None:
    """From the start of a process to its first denoising step, with files that were read before."""
    setting = bench.setting("sdxl", bench.effort.steps, bench.effort.batches[0])
    if not bench.drawn_by:
        bench.say("start: a first process, which reads the files that the next finds in memory")
        seconds_to_first_step(setting, "start-cold")
    bench.say("start: a fresh process")
    took = seconds_to_first_step(setting, "start-warm")
    bench.add("start", "start of copycat run to the first denoising step, warm files", took, unit="s")
