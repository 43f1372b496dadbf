"""Clips for the video model: the menagerie's figures walk, jump, wave and sway before a still scene."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from PIL import Image

from copycat.menagerie.captions import caption
from copycat.menagerie.drawing import draw_on_all_cores
from copycat.menagerie.render import Pose, background, paint
from copycat.menagerie.world import SCENES, Figure, generic_creature, make_inhabitants

FRAMES = 8
BASE = 20 * 10**9
"""First seed of the clips, beyond all ranges of `copycat.menagerie.corpus`."""

Clip = list[Image.Image]
Move = Callable[[Pose, float, random.Random], Pose]


def _walk(pose: Pose, t: float, r: random.Random) -> Pose:
    """Across the frame, a bob and a sway of the arms at every step."""
    side, steps = r.choice((-1, 1)), r.choice((2, 3))
    swing = math.sin(math.pi * steps * t)
    x = pose.x * 0.4 + side * 0.14 * (t - 0.5)
    return replace(
        pose, x=x, y=pose.y - 0.02 * abs(swing), arm=0.05 * swing, tilt=pose.tilt * 0.4 + 2 * swing
    )


def _jump(pose: Pose, t: float, r: random.Random) -> Pose:
    """Up and down again, once or twice; smaller at the start and the end, as if crouching."""
    high = abs(math.sin(math.pi * r.choice((1, 2)) * t))
    return replace(
        pose, y=0.01 - 0.09 * high, size=pose.size * (0.94 + 0.06 * high), arm=pose.arm * (1 - high)
    )


def _wave(pose: Pose, t: float, r: random.Random) -> Pose:
    """The hands go up and down in turn; the body stays."""
    return replace(pose, arm=0.11 * math.sin(2 * math.pi * (r.choice((1, 1.5)) * t + r.random())))


def _sway(pose: Pose, t: float, r: random.Random) -> Pose:
    """To and fro around the feet."""
    lean = math.sin(2 * math.pi * (t + r.random()))
    return replace(pose, tilt=7 * lean, x=pose.x * 0.5 - 0.03 * lean)


MOVES: dict[str, Move] = {"walk": _walk, "jump": _jump, "wave": _wave, "sway": _sway}


def clip(figure: Figure, r: random.Random, move: str | None = None, frames: int = FRAMES) -> tuple[Clip, str]:
    """`frames` pictures of 32 x 32 in which `figure` makes one move, and the scene it is in."""
    scene = r.choice(SCENES)
    behind = background(scene, r)
    begin, act, seed = Pose.draw(r), MOVES[move or r.choice(list(MOVES))], r.random()
    times = [i / max(1, frames - 1) for i in range(frames)]
    # Each frame asks for the same choices again, so that a clip has one direction and one pace.
    poses = [act(begin, t, random.Random(seed)) for t in times]
    return [paint(figure, pose, behind) for pose in poses], scene


def draw(seed: int) -> tuple[npt.NDArray[np.uint8], str]:
    """One clip of the training set, uint8 (FRAMES, 32, 32, 3), and its caption, which names no move.

    Half are of characters, each as often as its pictures are in the corpus, half of generic creatures.
    """
    people, r = make_inhabitants(), random.Random(seed)
    who = r.choices(people, [p.training_images for p in people])[0] if r.random() < 0.5 else None
    figure = who.figure if who else generic_creature(r)
    pictures, scene = clip(figure, r)
    return np.stack([np.asarray(p) for p in pictures]), caption(figure, scene, r, who)


def _draw(seeds: Sequence[int]) -> list[tuple[npt.NDArray[np.uint8], str]]:
    return [draw(seed) for seed in seeds]


def draw_all(n: int, base: int = BASE, workers: int | None = None) -> tuple[npt.NDArray[np.uint8], list[str]]:
    """`n` clips, uint8 (n, FRAMES, 32, 32, 3), and their captions; the same whatever the number of processes,
    `workers`, as many as there are cores unless given."""
    drawn = draw_on_all_cores(_draw, range(base, base + n), workers)
    return np.stack([pixels for pixels, _ in drawn]), [text for _, text in drawn]
