"""The front, by hand, and the figure as text."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from copycat.records import Metric
from copycat.report.pareto import Point, _look, front, pareto, picture, points


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
    nasty = '<script>&$x_1$ id="x"'
    drawn = [point(nasty, 30, 0.9), point("b", 20, 0.8), point("b", 5, 0.5, "description")]
    svg = pareto(drawn)
    assert svg.startswith("<svg")
    both = ET.fromstring(f"<div>{svg}</div>")  # noqa: S314
    for tree in both:
        texts = ["".join(t.itertext()) for t in tree.iter("{http://www.w3.org/2000/svg}text")]
        assert {nasty, "b", "name", "description"} <= set(texts)
        assert texts.count("(bars: 95 %, characters like these)") == 4, "both axes of both panels say so"
    names = [x.get("id") for x in both.iter() if x.get("id")]
    assert len(names) == len(set(names)), "no name is twice in a page"
    used = re.findall(r'(?:href="#|url\(#)([^")]*)', svg)
    assert used
    assert set(used) <= set(names)
    assert not re.search(r'(src|href)="http|url\(http', svg), "nothing is loaded from elsewhere"
    assert pareto(drawn) == svg, "the same numbers give the same bytes"


def test_the_figure_of_a_phone_is_as_broad_as_one() -> None:
    many = [point(f"a guardrail with a long name, number {i}", 30 - i, 0.9) for i in range(12)]
    broad, narrow = ET.fromstring(f"<div>{pareto(many)}</div>")  # noqa: S314
    assert [s.get("class") for s in (broad, narrow)] == ["broad", "narrow"]
    # In points, 72 an inch; a pixel is 96.
    assert float((narrow.get("width") or "").removesuffix("pt")) / 72 * 96 <= 390 - 2 * (16 + 4)
    assert float((broad.get("width") or "").removesuffix("pt")) / 72 * 96 > 600


def test_what_was_let_through_by_a_filter_is_shown_and_not_ranked() -> None:
    a, b = point("none", 38, 0.93), point("rewrite", 3, 0.9)
    kept = replace(point("filter", 0, 0.95), refused="26 of 50 refused")
    assert front([a, b, kept]) == [b, a]
    assert "26 of 50 refused" in pareto([a, b, kept])
    metric = {
        "metric": "DETECT", "mitigation": "filter", "prompt_set": "name", "value": 0.0, "characters": 50,
        "images": 50, "unscored": 0, "errors": 0, "method": "",
        "sd": None, "low": None, "high": None,
    }  # fmt: skip
    some, many = (
        Metric.model_validate({**metric, "scored": 50 - refused, "refused": refused}) for refused in (5, 6)
    )
    found = points([("a", "name", some, some), ("b", "name", many, many)])
    assert [p.refused for p in found] == ["", "6 of 50 refused"]


def test_png_and_no_points():
    assert picture([point("a", 1, 0.5)], "png").startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="at least one"):
        pareto([])


def test_many_labels_are_told_apart() -> None:
    looks = [_look(i) for i in range(64)]
    assert len(set(looks)) == 64
    assert looks[8][0] == looks[0][0]
