"""The front, by hand, and the figure as text."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from copycat.report.pareto import Point, _look, front, pareto, picture


def point(label: str, detect: float, cons: float, panel: str = "name") -> Point:
    return Point(label, panel, detect, detect - 1, detect + 1, cons, None, None, 50)


def test_the_front_is_what_nothing_dominates():
    a, b, c = point("a", 38, 0.93), point("b", 28, 0.87), point("c", 3, 0.97)
    d, e = point("d", 0, 0.71), point("e", 0, 0.70)
    assert front([a, b, c, d, e]) == [d, c]
    assert front([a]) == [a]


def test_equal_points_are_both_on_the_front():
    a, b = point("a", 3, 0.9), point("b", 3, 0.9)
    assert front([a, b]) == [a, b]


def test_every_panel_has_its_own_front_and_labels_stay_text():
    nasty = "<script>&$x_1$"
    points = [point(nasty, 30, 0.9), point("b", 20, 0.8), point("b", 5, 0.5, "description")]
    svg = pareto(points)
    assert svg.startswith("<svg")
    tree = ET.fromstring(svg)  # noqa: S314
    texts = ["".join(t.itertext()) for t in tree.iter("{http://www.w3.org/2000/svg}text")]
    assert {nasty, "b", "name", "description"} <= set(texts)
    assert texts.count("(bars: 95 %, characters like these)") == 4, "both axes of both panels say so"
    assert not re.search(r'(src|href)="http|url\(http', svg), "nothing is loaded from elsewhere"
    assert pareto(points) == svg, "the same numbers give the same bytes"


def test_png_and_no_points():
    assert picture([point("a", 1, 0.5)], "png").startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="at least one"):
        pareto([])


def test_many_labels_are_told_apart() -> None:
    looks = [_look(i) for i in range(64)]
    assert len(set(looks)) == 64
    assert looks[8][0] == looks[0][0]
