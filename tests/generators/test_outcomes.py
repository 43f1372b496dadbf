"""Black pictures: withheld or broken, never "not detected"."""

from __future__ import annotations

from PIL import Image

from copycat.generators.pipelines import finished


def test_black_pictures_are_not_ok():
    black = Image.new("RGB", (8, 8))
    assert finished(black, flagged=True).outcome == "refused_output"
    assert finished(black, flagged=False).outcome == "error"
    assert finished(Image.new("RGB", (8, 8), (0, 0, 1)), flagged=False).outcome == "ok"
