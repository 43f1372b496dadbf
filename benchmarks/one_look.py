"""Three questions about a picture, with one encoding of it against an encoding for each question.

`python -m benchmarks.one_look` makes a model of the class of Qwen2.5-VL with random weights whose vision
tower does most of the work, loads it as `copycat judge` does, and asks it three questions of two forms
about each picture, both ways in turn. It prints the seconds of all cores and of the clock that a picture
takes, how often a picture goes through the vision tower, and the ratio. With `--references 2`, `verify`
shows two reference pictures, the same for all pictures.

Ratios are of one run on one machine; they hold for this shape and not for another.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch
from PIL import Image

from copycat.cards.judges import load_judge_card
from copycat.judges import vlm
from copycat.judges.base import load_judge
from copycat.judges.reading import PlainReading
from copycat.records import Question, Verdict, YesNo
from tests.helpers import vlm_families

KINDS = {
    "identify": "which character is in this picture ?",
    "verify": "is an owl in this picture ? answer yes or no .",
    "key": "does this picture show an owl ? answer yes or no .",
}
SIDE = 224


@dataclass(frozen=True)
class Timed:
    """One way of asking."""

    cpu: float
    """Seconds of all cores a picture."""
    wall: float
    """Seconds a picture."""
    encodings: float
    """Passes of a picture through the vision tower, a picture asked about."""
    said: Sequence[Verdict]


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def make(folder: Path) -> None:
    """A tower of eight wide layers before a language model of two narrow ones."""
    shape = {"hidden_size": 512, "intermediate_size": 1536, "depth": 8, "num_heads": 8, "patch_size": 14}
    vlm_families.qwen(folder, vision=shape, pixels=(56 * 56, SIDE * SIDE))


def pictures(many: int) -> list[Image.Image]:
    torch.manual_seed(0)
    noise = torch.randint(0, 256, (many, SIDE, SIDE, 3), dtype=torch.uint8)
    return [Image.fromarray(n.numpy()) for n in noise]


def questions(many: int, references: Sequence[str]) -> list[Question]:
    return [
        Question(
            kind=kind, form="names" if kind == "identify" else "yes_no", request=str(i), file="f",
            sha256=str(i), text=text, references=tuple(references) if kind == "verify" else (),
        )
        for i in range(many)
        for kind, text in KINDS.items()
    ]  # fmt: skip


@contextmanager
def counting(tower: torch.nn.Module) -> Iterator[list[int]]:
    """Pictures that go through `tower` meanwhile, a number for each pass."""
    seen: list[int] = []

    def hook(_: torch.nn.Module, _args: tuple[Any, ...], given: dict[str, Any]) -> None:
        seen.append(len(given["grid_thw"]))

    handle = tower.register_forward_pre_hook(hook, with_kwargs=True)
    yield seen
    handle.remove()


def timed(ask: Callable[[], list[Verdict]], tower: torch.nn.Module, many: int) -> Timed:
    with counting(tower) as seen:
        wall, cpu = time.perf_counter(), time.process_time()
        said = ask()
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return Timed(cpu / many, wall / many, sum(seen) / many, said)


def compare(folder: Path, many: int, repeats: int, references: int) -> list[tuple[Timed, Timed]]:
    """Both ways, in turn: shared and not shared."""
    paths = [str(folder.parent / f"reference-{i}.png") for i in range(references)]
    for path, picture in zip(paths, pictures(many + references)[many:], strict=True):
        picture.save(path)
    asked, shown = questions(many, paths), [p for p in pictures(many) for _ in KINDS]
    # Random weights do not know that yes and no are the only answers.
    vlm.MIN_ANSWER_PROBABILITY = 0.0
    suffix = f"[references={references}]" if references else ""
    with load_judge(load_judge_card(f"{folder}{suffix}"), "cpu") as loaded:
        judge: Any = loaded
        shared, tower = judge._reading, judge._model.model.visual
        plain = PlainReading(shared._renderer._processor, judge._model.dtype, "cpu", judge._tokenizing)
        found = []
        for turn in range(repeats + 1):
            both = []
            for reading in (shared, plain):
                judge._reading = reading
                both.append(timed(lambda: judge.ask(asked, shown), tower, many))
                shared._renderer._once.forget()
            if turn:  # the first only warms up
                found.append((both[0], both[1]))
        return found


def apart(one: Timed, other: Timed) -> float:
    """How far their P(yes) are apart at most; names must be the same."""
    far = 0.0
    for v, w in zip(one.said, other.said, strict=True):
        if isinstance(v.answer, YesNo) and isinstance(w.answer, YesNo):
            far = max(far, abs(v.answer.p_yes - w.answer.p_yes))
        elif v != w:
            raise SystemExit(f"The answers differ: {v.reply!r} and {w.reply!r}.")
    return far


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--pictures", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--references", type=int, default=0, choices=range(4))
    args = parser.parse_args(given)
    with tempfile.TemporaryDirectory() as place:
        torch.manual_seed(0)
        make(Path(place) / "judge")
        found = compare(Path(place) / "judge", args.pictures, args.repeats, args.references)
    for name, column in (("encoded once", 0), ("encoded for each question", 1)):
        ways = [pair[column] for pair in found]
        say(
            f"{name}: {median(w.cpu for w in ways):.3f} s of all cores and "
            f"{median(w.wall for w in ways):.3f} s of the clock a picture; "
            f"{ways[0].encodings:.2f} encodings a picture"
        )
    ratios = sorted(plain.cpu / shared.cpu for shared, plain in found)
    say(
        f"encoded once is {median(ratios):.2f} times as fast in seconds of all cores ({ratios[0]:.2f} to "
        f"{ratios[-1]:.2f}); P(yes) differs by {max(apart(*pair) for pair in found):.1g} at most"
    )


if __name__ == "__main__":
    main()
