"""Draws figures: vector shapes at eight times the size, brought down to 32 x 32 pixels by Lanczos.

All coordinates are fractions of the frame; `Pen` turns them into pixels.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from copycat.menagerie.world import COLOURS, SCENES, Figure

SIZE = 32
_SCALE = 8
_INK = (20, 20, 25)
_PALE = (242, 228, 205)
_WHITE = (255, 255, 255)

RGB = tuple[int, int, int]
Point = tuple[float, float]


def _shade(colour: RGB, factor: float) -> RGB:
    r, g, b = (max(0, min(255, int(c * factor))) for c in colour)
    return r, g, b


class Pen:
    """Draws in fractions of the frame, scaled by `k` around the middle of the ground line."""

    def __init__(self, draw: ImageDraw.ImageDraw, size: int, k: float = 1.0) -> None:
        self._draw, self._size, self._k = draw, size, k

    def _xy(self, x: float, y: float) -> Point:
        return (0.5 + (x - 0.5) * self._k) * self._size, (0.96 + (y - 0.96) * self._k) * self._size

    def _width(self, w: float) -> int:
        return max(1, round(w * self._k * self._size))

    def oval(self, x: float, y: float, rx: float, ry: float, fill: RGB) -> None:
        self._draw.ellipse([self._xy(x - rx, y - ry), self._xy(x + rx, y + ry)], fill=fill)

    def ring(self, x: float, y: float, r: float, width: float, colour: RGB) -> None:
        box = [self._xy(x - r, y - r), self._xy(x + r, y + r)]
        self._draw.ellipse(box, outline=colour, width=self._width(width))

    def box(self, x0: float, y0: float, x1: float, y1: float, fill: RGB, radius: float = 0.0) -> None:
        at = [self._xy(x0, y0), self._xy(x1, y1)]
        self._draw.rounded_rectangle(at, radius=self._width(radius) if radius else 0, fill=fill)

    def poly(self, points: Sequence[Point], fill: RGB) -> None:
        self._draw.polygon([self._xy(*p) for p in points], fill=fill)

    def line(self, points: Sequence[Point], width: float, fill: RGB) -> None:
        self._draw.line([self._xy(*p) for p in points], fill=fill, width=self._width(width), joint="curve")

    def pie(self, x: float, y: float, rx: float, ry: float, start: float, end: float, fill: RGB) -> None:
        at = [self._xy(x - rx, y - ry), self._xy(x + rx, y + ry)]
        self._draw.pieslice(at, start, end, fill=fill)

    def arc(self, x: float, y: float, r: float, start: float, end: float, width: float, fill: RGB) -> None:
        at = [self._xy(x - r, y - r), self._xy(x + r, y + r)]
        self._draw.arc(at, start, end, fill=fill, width=self._width(width))


# Where things sit: head, body, feet.
_HX, _HY, _HR = 0.5, 0.40, 0.185
_BY, _BW, _BH = 0.735, 0.235, 0.20
_SIDES = (-1, 1)


@dataclass(frozen=True)
class Pose:
    """How a figure stands: lengths are fractions of the frame, `tilt` is in degrees."""

    size: float
    arm: float
    """How far the hands are apart in height."""
    mirrored: bool
    x: float
    y: float
    """To the right and down from the middle of the ground."""
    tilt: float

    @classmethod
    def draw(cls, r: random.Random) -> Pose:
        """A pose at random, as the pictures have it."""
        size, arm, mirrored = r.uniform(0.86, 1.0), r.uniform(-0.06, 0.06), r.random() < 0.5
        x, y = r.uniform(-0.06, 0.06), r.uniform(-0.02, 0.02)
        return cls(size, arm, mirrored, x, y, tilt=r.uniform(-5, 5))


def render(figure: Figure, r: random.Random, scene: str | None = None) -> tuple[Image.Image, str]:
    """One 32 x 32 RGB picture and the scene it shows; pose, size and place come from `r`."""
    scene = scene or r.choice(SCENES)
    behind = background(scene, r)
    return paint(figure, Pose.draw(r), behind), scene


def background(scene: str, r: random.Random) -> Image.Image:
    """The empty scene, in the size it is drawn at."""
    image = Image.new("RGB", (SIZE * _SCALE, SIZE * _SCALE))
    _SCENERY[scene](Pen(ImageDraw.Draw(image), SIZE * _SCALE), r)
    return image


def paint(figure: Figure, pose: Pose, behind: Image.Image) -> Image.Image:
    """A 32 x 32 RGB picture of `figure` before a :func:`background`, which stays as it is."""
    size = SIZE * _SCALE
    layer = Image.new("RGBA", (size, size), (0, 0, 0, 0))
    _draw_figure(Pen(ImageDraw.Draw(layer), size, pose.size), figure, arm=pose.arm)
    if pose.mirrored:
        layer = layer.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    shift = (int(size * pose.x), int(size * pose.y))
    layer = layer.rotate(pose.tilt, resample=Image.Resampling.BILINEAR, translate=shift)
    image = behind.copy()
    image.paste(layer, (0, 0), layer)
    return image.resize((SIZE, SIZE), Image.Resampling.LANCZOS)


def _draw_figure(pen: Pen, f: Figure, arm: float) -> None:
    main = COLOURS[f.colour]
    dark = _shade(main, 0.68)
    worn = COLOURS[f.worn_colour] if f.worn_colour else main
    if f.worn == "cape":
        pen.poly([(0.36, 0.55), (0.64, 0.55), (0.90, 0.96), (0.10, 0.96)], worn)
    if f.worn == "wings":
        for q in _SIDES:
            pen.oval(0.5 + q * 0.32, 0.62, 0.16, 0.15, worn)
            pen.oval(0.5 + q * 0.30, 0.76, 0.10, 0.10, _shade(worn, 0.85))
    if f.worn == "horns":
        for q in _SIDES:
            pen.poly([(0.5 + q * 0.12, 0.30), (0.5 + q * 0.30, 0.13), (0.5 + q * 0.19, 0.38)], worn)
    _SPECIES[f.species](pen, main, dark)
    if f.species not in ("snail", "ghost"):
        for q in _SIDES:
            hand = 0.80 + q * arm
            pen.line([(0.5 + q * 0.19, 0.64), (0.5 + q * 0.30, hand)], 0.075, dark)
    _pattern(pen, f, main)
    _face(pen, f)
    if f.worn == "glasses":
        for q in _SIDES:
            pen.ring(0.5 + q * 0.085, 0.39, 0.095, 0.034, worn)
    if f.worn == "scarf":
        pen.box(0.31, 0.535, 0.69, 0.61, worn, 0.02)
        pen.box(0.60, 0.58, 0.69, 0.80, worn)
    if f.emblem and f.emblem_colour:
        pen.oval(0.5, 0.755, 0.155, 0.155, _WHITE)
        _EMBLEMS[f.emblem](pen, 0.5, 0.755, 0.125, COLOURS[f.emblem_colour])
    if f.hat:
        _HATS[f.hat](pen, COLOURS[f.hat_colour or f.colour])
    if f.held:
        _HELD[f.held](pen, 0.19, 0.80 - arm)


# --- bodies -------------------------------------------------------------------------------------------


def _round_body(pen: Pen, main: RGB, dark: RGB, head: RGB | None = None) -> None:
    for q in _SIDES:
        pen.oval(0.5 + q * 0.12, 0.935, 0.085, 0.035, dark)
    pen.oval(0.5, _BY, _BW, _BH, main)
    pen.oval(_HX, _HY, _HR, _HR, head or main)


def _cat(pen: Pen, main: RGB, dark: RGB) -> None:
    pen.line([(0.68, 0.85), (0.86, 0.78), (0.85, 0.58)], 0.055, dark)
    for q in _SIDES:
        pen.poly([(0.5 + q * 0.185, 0.38), (0.5 + q * 0.20, 0.14), (0.5 + q * 0.04, 0.27)], main)
        pen.poly([(0.5 + q * 0.16, 0.30), (0.5 + q * 0.175, 0.19), (0.5 + q * 0.10, 0.26)], (250, 190, 200))
    _round_body(pen, main, dark)


def _bear(pen: Pen, main: RGB, dark: RGB) -> None:
    for q in _SIDES:
        pen.oval(0.5 + q * 0.165, 0.25, 0.085, 0.085, dark)
    pen.oval(0.5, 0.74, 0.28, 0.21, main)
    _round_body(pen, main, dark)
    pen.oval(0.5, 0.475, 0.09, 0.065, _PALE)


def _robot(pen: Pen, main: RGB, dark: RGB) -> None:
    for q in _SIDES:
        pen.box(0.5 + q * 0.12 - 0.07, 0.90, 0.5 + q * 0.12 + 0.07, 0.97, dark)
        pen.box(0.5 + q * 0.215 - 0.035, 0.35, 0.5 + q * 0.215 + 0.035, 0.46, dark)
    pen.line([(0.5, 0.22), (0.5, 0.10)], 0.03, _INK)
    pen.oval(0.5, 0.10, 0.035, 0.035, (230, 60, 60))
    pen.box(0.27, 0.56, 0.73, 0.92, main)
    pen.box(0.31, 0.22, 0.69, 0.56, main)


def _ghost(pen: Pen, main: RGB, dark: RGB) -> None:
    pen.box(0.25, 0.21, 0.75, 0.90, main, 0.22)
    for i in range(3):
        pen.oval(0.333 + i * 0.167, 0.89, 0.084, 0.075, main)
    for q in _SIDES:
        pen.oval(0.5 + q * 0.27, 0.66, 0.085, 0.06, dark)


def _bird(pen: Pen, main: RGB, dark: RGB) -> None:
    for q in _SIDES:
        pen.line([(0.5 + q * 0.09, 0.88), (0.5 + q * 0.09, 0.97)], 0.04, (240, 150, 40))
        pen.oval(0.5 + q * 0.25, 0.74, 0.10, 0.17, dark)
    pen.poly([(0.44, 0.24), (0.40, 0.12), (0.50, 0.20), (0.56, 0.10), (0.57, 0.24)], main)
    pen.oval(0.5, 0.73, 0.22, 0.19, main)
    pen.oval(_HX, _HY, _HR, _HR, main)


def _frog(pen: Pen, main: RGB, dark: RGB) -> None:
    for q in _SIDES:
        pen.oval(0.5 + q * 0.22, 0.90, 0.14, 0.06, dark)
        pen.oval(0.5 + q * 0.145, 0.245, 0.09, 0.09, main)
    pen.oval(0.5, _BY, 0.24, 0.19, main)
    pen.oval(0.5, 0.42, 0.255, 0.155, main)


def _dragon(pen: Pen, main: RGB, dark: RGB) -> None:
    pen.poly([(0.60, 0.92), (0.95, 0.92), (0.90, 0.72), (0.80, 0.82), (0.62, 0.72)], dark)
    for i, x in enumerate((0.37, 0.5, 0.63)):
        pen.poly([(x - 0.06, 0.27), (x, 0.10 + 0.05 * (i != 1)), (x + 0.06, 0.27)], _PALE)
    _round_body(pen, main, dark)
    pen.oval(0.5, 0.49, 0.15, 0.075, dark)
    for q in _SIDES:
        pen.oval(0.5 + q * 0.05, 0.47, 0.02, 0.02, _INK)


def _fox(pen: Pen, main: RGB, dark: RGB) -> None:
    pen.oval(0.82, 0.74, 0.10, 0.19, main)
    pen.oval(0.84, 0.60, 0.065, 0.075, _WHITE)
    for q in _SIDES:
        pen.poly([(0.5 + q * 0.22, 0.42), (0.5 + q * 0.25, 0.08), (0.5 + q * 0.02, 0.27)], main)
        pen.poly([(0.5 + q * 0.225, 0.22), (0.5 + q * 0.25, 0.08), (0.5 + q * 0.15, 0.16)], _INK)
    _round_body(pen, main, dark)
    pen.poly([(0.34, 0.46), (0.66, 0.46), (0.5, 0.61)], _WHITE)


def _owl(pen: Pen, main: RGB, dark: RGB) -> None:
    for q in _SIDES:
        pen.poly([(0.5 + q * 0.20, 0.40), (0.5 + q * 0.24, 0.15), (0.5 + q * 0.03, 0.27)], dark)
        pen.oval(0.5 + q * 0.22, 0.74, 0.075, 0.17, dark)
    pen.box(0.27, 0.24, 0.73, 0.93, main, 0.20)
    for q in _SIDES:
        pen.oval(0.5 + q * 0.09, 0.40, 0.115, 0.115, _PALE)


def _mushroom(pen: Pen, main: RGB, dark: RGB) -> None:
    pen.box(0.33, 0.40, 0.67, 0.96, _PALE, 0.10)
    pen.pie(0.5, 0.40, 0.37, 0.27, 180, 360, main)
    pen.oval(0.30, 0.30, 0.05, 0.045, _WHITE)
    pen.oval(0.70, 0.30, 0.05, 0.045, _WHITE)


def _rabbit(pen: Pen, main: RGB, dark: RGB) -> None:
    for q in _SIDES:
        pen.oval(0.5 + q * 0.12, 0.15, 0.06, 0.17, main)
        pen.oval(0.5 + q * 0.12, 0.15, 0.025, 0.12, (250, 190, 200))
    pen.oval(0.73, 0.86, 0.07, 0.07, _WHITE)
    _round_body(pen, main, dark)


def _snail(pen: Pen, main: RGB, dark: RGB) -> None:
    pen.box(0.12, 0.87, 0.90, 0.96, _shade(main, 0.85), 0.04)
    pen.oval(0.5, 0.735, 0.27, 0.22, dark)
    pen.oval(0.5, 0.735, 0.21, 0.17, main)
    for q in _SIDES:
        pen.line([(0.5 + q * 0.08, 0.28), (0.5 + q * 0.15, 0.14)], 0.04, main)
        pen.oval(0.5 + q * 0.15, 0.13, 0.04, 0.04, _INK)
    pen.oval(_HX, _HY, 0.17, 0.17, main)


def _pattern(pen: Pen, f: Figure, main: RGB) -> None:
    tint = _shade(main, 1.5) if sum(main) < 450 else _shade(main, 0.55)
    if f.pattern == "stripes":
        for y in (0.62, 0.73, 0.84):
            for left, right in ((0.28, 0.35), (0.65, 0.72)):
                pen.box(left, y, right, y + 0.05, tint)
    elif f.pattern == "spots":
        for x, y in ((0.33, 0.66), (0.67, 0.66), (0.34, 0.85), (0.66, 0.85), (0.40, 0.30), (0.60, 0.30)):
            pen.oval(x, y, 0.045, 0.045, tint)
    elif f.pattern == "mask":
        pen.box(0.325, 0.335, 0.675, 0.445, tint, 0.03)
    elif f.pattern == "cheeks":
        for q in _SIDES:
            pen.oval(0.5 + q * 0.13, 0.48, 0.045, 0.04, (240, 110, 120))


def _face(pen: Pen, f: Figure) -> None:
    big = f.species in ("owl", "frog")
    eye, ey, apart = (0.075, 0.40, 0.09) if big else (0.055, 0.39, 0.08)
    if f.species == "frog":
        ey, apart = 0.25, 0.145
    for q in _SIDES:
        pen.oval(0.5 + q * apart, ey, eye, eye, _WHITE)
        pen.oval(0.5 + q * apart, ey, eye * 0.55, eye * 0.55, _INK)
    if f.species in ("bird", "owl"):
        pen.poly([(0.45, 0.45), (0.55, 0.45), (0.5, 0.54)], (245, 165, 40))
    elif f.species == "fox":
        pen.oval(0.5, 0.58, 0.03, 0.025, _INK)
    elif f.species != "dragon":
        pen.arc(0.5, 0.46, 0.06, 20, 160, 0.025, _INK)


# --- marks --------------------------------------------------------------------------------------------


def star_points(x: float, y: float, r: float) -> list[Point]:
    """Corners of a five-pointed star of radius r around (x, y)."""
    angles = [math.radians(-90 + i * 36) for i in range(10)]
    radii = [r if i % 2 == 0 else r * 0.45 for i in range(10)]
    return [(x + q * math.cos(a), y + q * math.sin(a)) for a, q in zip(angles, radii, strict=True)]


def _heart(pen: Pen, x: float, y: float, r: float, c: RGB) -> None:
    for q in _SIDES:
        pen.oval(x + q * r * 0.48, y - r * 0.32, r * 0.52, r * 0.52, c)
    pen.poly([(x - r * 0.97, y - r * 0.1), (x + r * 0.97, y - r * 0.1), (x, y + r)], c)


def _bolt(pen: Pen, x: float, y: float, r: float, c: RGB) -> None:
    shape = ((0.35, -1.0), (-0.75, 0.2), (-0.05, 0.2), (-0.35, 1.0), (0.75, -0.25), (0.05, -0.25))
    pen.poly([(x + a * r, y + b * r) for a, b in shape], c)


def _cross(pen: Pen, x: float, y: float, r: float, c: RGB) -> None:
    pen.box(x - r * 0.32, y - r, x + r * 0.32, y + r, c)
    pen.box(x - r, y - r * 0.32, x + r, y + r * 0.32, c)


def _moon(pen: Pen, x: float, y: float, r: float, c: RGB) -> None:
    pen.oval(x, y, r, r, c)
    pen.oval(x + r * 0.5, y - r * 0.15, r * 0.8, r * 0.8, _WHITE)


_EMBLEMS: dict[str, Callable[[Pen, float, float, float, RGB], None]] = {
    "star": lambda p, x, y, r, c: p.poly(star_points(x, y, r * 1.1), c),
    "bolt": _bolt,
    "heart": _heart,
    "ring": lambda p, x, y, r, c: p.ring(x, y, r, r * 0.5, c),
    "cross": _cross,
    "moon": _moon,
    "triangle": lambda p, x, y, r, c: p.poly([(x, y - r), (x + r, y + r * 0.75), (x - r, y + r * 0.75)], c),
    "diamond": lambda p, x, y, r, c: p.poly([(x, y - r), (x + r * 0.7, y), (x, y + r), (x - r * 0.7, y)], c),
}


def _crown(pen: Pen, c: RGB) -> None:
    pen.poly(
        [(0.36, 0.27), (0.34, 0.09), (0.43, 0.17), (0.5, 0.07), (0.57, 0.17), (0.66, 0.09), (0.64, 0.27)], c
    )


def _tophat(pen: Pen, c: RGB) -> None:
    pen.box(0.39, 0.05, 0.61, 0.26, c)
    pen.box(0.31, 0.22, 0.69, 0.275, c)
    pen.box(0.39, 0.18, 0.61, 0.215, _shade(c, 0.5) if sum(c) > 200 else (200, 200, 200))


def _cap(pen: Pen, c: RGB) -> None:
    pen.pie(0.48, 0.28, 0.17, 0.15, 180, 360, c)
    pen.box(0.48, 0.245, 0.76, 0.29, _shade(c, 0.8))


def _helmet(pen: Pen, c: RGB) -> None:
    pen.pie(0.5, 0.34, 0.205, 0.20, 180, 360, c)
    pen.poly([(0.455, 0.16), (0.545, 0.16), (0.5, 0.05)], c)
    pen.box(0.29, 0.30, 0.71, 0.345, _shade(c, 0.7))


def _bow(pen: Pen, c: RGB) -> None:
    for q in _SIDES:
        pen.poly([(0.60, 0.22), (0.60 + q * 0.13, 0.13), (0.60 + q * 0.13, 0.31)], c)
    pen.oval(0.60, 0.22, 0.04, 0.04, _shade(c, 0.7))


_HATS: dict[str, Callable[[Pen, RGB], None]] = {
    "crown": _crown, "tophat": _tophat, "cap": _cap, "helmet": _helmet, "bow": _bow,
}  # fmt: skip


def _wand(pen: Pen, x: float, y: float) -> None:
    pen.line([(x, y + 0.08), (x, y - 0.20)], 0.03, (150, 110, 60))
    pen.poly(star_points(x, y - 0.24, 0.11), (250, 220, 60))


def _sword(pen: Pen, x: float, y: float) -> None:
    pen.poly([(x - 0.03, y), (x + 0.03, y), (x, y - 0.36)], (205, 210, 220))
    pen.box(x - 0.075, y - 0.01, x + 0.075, y + 0.03, (120, 80, 40))


def _balloon(pen: Pen, x: float, y: float) -> None:
    pen.line([(x, y), (x, y - 0.2)], 0.015, _INK)
    pen.oval(x, y - 0.31, 0.10, 0.125, (225, 60, 90))


def _flower(pen: Pen, x: float, y: float) -> None:
    pen.line([(x, y + 0.08), (x, y - 0.10)], 0.025, (60, 140, 60))
    for i in range(5):
        a = i * 2 * math.pi / 5
        pen.oval(x + 0.06 * math.cos(a), y - 0.15 + 0.06 * math.sin(a), 0.045, 0.045, (250, 250, 250))
    pen.oval(x, y - 0.15, 0.04, 0.04, (250, 200, 40))


def _lantern(pen: Pen, x: float, y: float) -> None:
    pen.box(x - 0.065, y - 0.05, x + 0.065, y + 0.11, (255, 225, 110))
    pen.box(x - 0.08, y - 0.08, x + 0.08, y - 0.04, (80, 70, 60))
    pen.box(x - 0.08, y + 0.10, x + 0.08, y + 0.13, (80, 70, 60))


def _hammer(pen: Pen, x: float, y: float) -> None:
    pen.line([(x, y + 0.08), (x, y - 0.18)], 0.035, (140, 95, 50))
    pen.box(x - 0.11, y - 0.27, x + 0.11, y - 0.15, (125, 130, 140))


_HELD: dict[str, Callable[[Pen, float, float], None]] = {
    "star wand": _wand, "sword": _sword, "balloon": _balloon,
    "flower": _flower, "lantern": _lantern, "hammer": _hammer,
}  # fmt: skip

_SPECIES: dict[str, Callable[[Pen, RGB, RGB], None]] = {
    "cat": _cat, "bear": _bear, "robot": _robot, "ghost": _ghost, "bird": _bird, "frog": _frog,
    "dragon": _dragon, "fox": _fox, "owl": _owl, "mushroom": _mushroom, "rabbit": _rabbit, "snail": _snail,
}  # fmt: skip


# --- scenes -------------------------------------------------------------------------------------------


def _meadow(pen: Pen, r: random.Random) -> None:
    pen.box(-0.1, -0.1, 1.1, 1.1, (150, 205, 240))
    pen.oval(0.5, 1.1, 0.85, 0.45, (130, 195, 95))


def _night(pen: Pen, r: random.Random) -> None:
    pen.box(-0.1, -0.1, 1.1, 1.1, (28, 32, 78))
    for _ in range(8):
        pen.oval(r.random(), r.random() * 0.7, 0.014, 0.014, (240, 240, 200))


def _beach(pen: Pen, r: random.Random) -> None:
    pen.box(-0.1, -0.1, 1.1, 0.5, (170, 220, 250))
    pen.box(-0.1, 0.5, 1.1, 0.7, (60, 140, 200))
    pen.box(-0.1, 0.7, 1.1, 1.1, (235, 215, 160))


def _city(pen: Pen, r: random.Random) -> None:
    pen.box(-0.1, -0.1, 1.1, 1.1, (200, 205, 215))
    for i in range(5):
        pen.box(i / 5, 0.65 - 0.35 * r.random(), (i + 0.85) / 5, 0.86, (130, 135, 150))
    pen.box(-0.1, 0.85, 1.1, 1.1, (95, 95, 100))


def _room(pen: Pen, r: random.Random) -> None:
    pen.box(-0.1, -0.1, 1.1, 0.75, (240, 225, 200))
    pen.box(-0.1, 0.75, 1.1, 1.1, (165, 120, 80))


def _snow(pen: Pen, r: random.Random) -> None:
    pen.box(-0.1, -0.1, 1.1, 0.6, (205, 225, 240))
    pen.box(-0.1, 0.6, 1.1, 1.1, (248, 250, 252))


_SCENERY: dict[str, Callable[[Pen, random.Random], None]] = {
    "meadow": _meadow, "night sky": _night, "beach": _beach, "city": _city, "room": _room, "snow": _snow,
}  # fmt: skip
