"""What `make eval` costs beyond the bare pipeline and the bare judge on the same requests, in one run.

    python -m benchmarks.eval_overhead --limit 20 --seeds 2 --rounds 3

Bare: the menagerie's pipeline of diffusers is loaded and called with the same prompts, in batches of the
same size, and its judge is loaded and asked the same questions about the same pictures in memory; nothing is
hashed, planned, encoded, written, scored or reported. Against it: the stages of `copycat run` one after
another, in this process, with the time of each. Rounds of the two take turns; of each part the least is
taken. CPU seconds are of this process and all its threads, so they hardly depend on what else the machine
does, which wall time does. Ratios are bare over copycat; 1 means no overhead.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from copycat.generators.pipelines import load_pipeline, noise
from copycat.io.lifecycle import free_memory
from copycat.judges.base import load_judge
from copycat.records import Question, Request
from copycat.resolve import ResolvedRun, resolve_settings
from copycat.runs.folder import RunFolder
from copycat.runtime.engines import batches
from copycat.runtime.progress import Progress
from copycat.stages.asking import open_picture
from copycat.stages.generate import generate
from copycat.stages.judge import judge, open_questions
from copycat.stages.plan import plan, prepare
from copycat.stages.report import report
from copycat.stages.score import score

Seconds = dict[str, tuple[float, float]]
"""CPU and wall seconds of each part."""
STAGES = ("generate", "judge")


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@contextmanager
def timed(seconds: Seconds, part: str) -> Iterator[None]:
    cpu, wall = time.process_time(), time.perf_counter()
    yield
    seconds[part] = time.process_time() - cpu, time.perf_counter() - wall


def bare(run: ResolvedRun, requests: Sequence[Request], asked: Asked) -> Seconds:
    """The pipeline and the judge, and nothing else."""
    seconds: Seconds = {}
    with timed(seconds, "load the pipeline"):
        pipeline = load_pipeline(run.card, "cpu")
    with timed(seconds, "draw"):
        for batch in batches(requests, run.card.batch_size, key=lambda r: (r.sampling, bool(r.negative))):
            draw(pipeline, batch)
    del pipeline
    free_memory()
    with timed(seconds, "load the judge"):
        loaded = load_judge(run.judging.card, "cpu")
    with loaded, timed(seconds, "ask"):
        for questions, images in asked:
            loaded.ask(questions, images)
    return seconds


def draw(pipeline: Any, batch: Sequence[Request]) -> Any:
    import torch

    sampling = batch[0].sampling
    negatives = {"negative_prompt": [r.negative for r in batch]} if batch[0].negative else {}
    with torch.inference_mode():
        return pipeline(
            prompt=[r.prompt for r in batch],
            num_inference_steps=sampling.steps,
            guidance_scale=sampling.guidance,
            height=sampling.height,
            width=sampling.width,
            generator=noise(r.seed for r in batch),
            **negatives,
        ).images


Asked = Sequence[tuple[Sequence[Question], Sequence[Any]]]


def questions_of(run: ResolvedRun, folder: RunFolder) -> Asked:
    """What the judge is asked about the drawn pictures, a batch at a time, with the pictures."""
    _, questions = open_questions(folder.data(), run.judging)
    about: dict[str, list[Question]] = {}
    for q in questions:
        about.setdefault(q.file, []).append(q)
    images = {q.file: open_picture(folder.path, q.file, q.sha256) for q in questions}
    cut = batches(list(about.values()), run.judging.card.batch_size, key=lambda _: None)
    asked = [[q for some in batch for q in some] for batch in cut]
    return [(batch, [images[q.file] for q in batch]) for batch in asked]


def measured(settings: dict[str, Any], out: Path, asked: list[Any]) -> Seconds:
    """The stages of a run in a new folder; `asked` gets the judge's questions."""
    seconds: Seconds = {}
    progress = Progress()
    with timed(seconds, "resolve"):
        run = resolve_settings(**settings, out=out)
    with timed(seconds, "plan"):
        folder = prepare(run, plan(run))
    with timed(seconds, "generate"):
        generate(folder, run, progress=progress, device="cpu")
    if not asked:
        asked.extend(questions_of(run, folder))
    with timed(seconds, "judge"):
        judge(folder, run.judging, progress=progress, device="cpu", config=run.config)
    with timed(seconds, "score"):
        score(folder)
    with timed(seconds, "report"):
        report(folder, progress=progress)
    return seconds


def least(rounds: Sequence[Seconds]) -> Seconds:
    return {part: (min(r[part][0] for r in rounds), min(r[part][1] for r in rounds)) for part in rounds[0]}


def cpu(seconds: Seconds) -> float:
    """All of its parts together."""
    return sum(used for used, _ in seconds.values())


def told(title: str, seconds: Seconds) -> tuple[float, float]:
    say(f"{title:<28}{'CPU s':>9}{'wall s':>9}")
    for part, (cpu, wall) in seconds.items():
        say(f"  {part:<26}{cpu:>9.2f}{wall:>9.2f}")
    cpu, wall = (sum(times) for times in zip(*seconds.values(), strict=True))
    say(f"  {'together':<26}{cpu:>9.2f}{wall:>9.2f}")
    return cpu, wall


def compared(part: str, ours: Seconds, theirs: tuple[float, float]) -> None:
    cpu, wall = (sum(times) for times in zip(*ours.values(), strict=True))
    say(f"bare / {part:<38}{theirs[0] / cpu:>6.3f} of CPU time, {theirs[1] / wall:.3f} of wall time")


def profiled(work: Callable[[], Any], lines: int) -> None:
    profile = cProfile.Profile()
    profile.runcall(work)
    pstats.Stats(profile).sort_stats("cumulative").print_stats(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--limit", type=int, help="only the first so many characters")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, help="of torch, on both sides; its own choice when left out")
    parser.add_argument(
        "--profile", type=int, metavar="LINES", help="where a run's time goes, function by function"
    )
    given = parser.parse_args()
    if given.threads:
        import torch

        torch.set_num_threads(given.threads)
    settings: dict[str, Any] = {"seeds": tuple(range(given.seeds)), "limit": given.limit, "device": "cpu"}
    theirs, ours, asked = [], [], list[Any]()
    with tempfile.TemporaryDirectory() as folder:
        # The first round imports and is not counted: process start and imports are the same on both sides.
        for n in range(given.rounds + 1):
            ours.append(measured(settings, Path(folder) / str(n), asked))
            run = resolve_settings(**settings, out=Path(folder) / str(n))
            theirs.append(bare(run, RunFolder(run.folder).data().requests, asked))
            say(f"round {n}: bare {cpu(theirs[-1]):.1f} s of CPU time, copycat {cpu(ours[-1]):.1f} s")
        if given.profile:
            profiled(lambda: measured(settings, Path(folder) / "profiled", asked), given.profile)
    say(f"{len(run.characters)} characters × {given.seeds} seeds; {given.rounds} rounds")
    ours, theirs = least(ours[1:]), least(theirs[1:])
    together = told("bare", theirs)
    told("copycat", ours)
    compared("generate + judge", {k: v for k, v in ours.items() if k in STAGES}, together)
    compared("all stages", ours, together)


if __name__ == "__main__":
    main()
