"""The page, the table and the comparison, on a small synthetic run."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path

import pytest
from PIL import Image
from rich.console import Console

from copycat.report import render_page, table_markdown
from copycat.report.compare import differences
from copycat.report.embed import embed
from copycat.report.summary import print_summary
from copycat.report.view import pictures
from copycat.report.words import judge_sentence
from copycat.stages.report import report
from tests.report.synthetic import NASTY, SyntheticRun


@pytest.fixture
def run(tmp_path: Path) -> SyntheticRun:
    return SyntheticRun(tmp_path / "a-run", judge="no-such-judge")


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def _tags(page: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = _Tags()
    parser.feed(page)
    return parser.found


def test_every_planned_picture_has_one_mark(run: SyntheticRun) -> None:
    marks = [p.mark for p in pictures(run)]
    assert len(marks) == 36
    assert marks.count("refused") == marks.count("error") == marks.count("unscored") == 1
    assert marks.count("pending") == 0


def test_a_verdict_on_other_bytes_does_not_count(run: SyntheticRun) -> None:
    first = run.requests()[0]
    run.images()[first.id] = run.images()[first.id].model_copy(update={"sha256": "0" * 64})
    assert pictures(run)[0].mark == "unscored"


def test_the_page_needs_nothing_else(run: SyntheticRun) -> None:
    for _, attributes in _tags(render_page(run)):
        for key in ("src", "href"):
            value = attributes.get(key)
            assert value is None or value.startswith(("data:", "#"))


def test_texts_are_escaped(run: SyntheticRun) -> None:
    page = render_page(run)
    assert NASTY not in page
    assert sum(tag == "script" for tag, _ in _tags(page)) == 1


def test_pictures_have_alt_texts_and_hard_pixels(run: SyntheticRun) -> None:
    shown = [
        a for tag, a in _tags(render_page(run)) if tag == "img" and (a.get("src") or "").startswith("data:")
    ]
    assert len(shown) == 34
    assert all(a["alt"] and a["class"] == "px" for a in shown)


def test_marks_say_it_in_words(run: SyntheticRun) -> None:
    cells = re.findall(r'data-mark="(\w+)"[^>]*data-words="([^"]+)"', render_page(run))
    assert len(cells) == 36
    assert ("clear", "not detected") in cells


def test_an_uncalibrated_judge_is_called_so(run: SyntheticRun) -> None:
    assert "not calibrated" in render_page(run)
    assert "not calibrated" in table_markdown(run.metrics(), run.manifest())
    assert "2.0%" in judge_sentence({"fpr": 0.02, "kappa": 0.97, "n": 2000})


def test_a_run_without_oracle_says_so(run: SyntheticRun) -> None:
    told = run.manifest()
    blind = told.model_copy(update={"config": {**told.config, "oracle": False}})
    assert "Without oracle" in table_markdown(run.metrics(), blind)
    assert "Without oracle" not in table_markdown(run.metrics(), told) + render_page(run)


def test_table_has_the_denominators(run: SyntheticRun) -> None:
    line = next(
        x for x in table_markdown(run.metrics(), run.manifest()).splitlines() if x.startswith("| none")
    )
    assert [c.strip() for c in line.strip("|").split("|")] == [
        *("none", "name", "5.4 ± 0.6", "[4.2, 6.0]", "6", "–", "–"),
        *("0.912 ± 0.010", "[0.880, 0.940]", "15 / 18", "1", "1", "1"),
    ]


def test_paired_differences_leave_out_what_was_not_scored(run: SyntheticRun) -> None:
    detect = next(d for d in differences(pictures(run)) if d.metric == "DETECT")
    # 18 pairs less one refused, one failed, one unscored; 4 of 6 characters vanish.
    assert (detect.pairs, detect.value) == (15, -4.0)
    assert detect.low <= detect.value <= detect.high <= 0


def test_large_pictures_are_scaled_down_and_broken_ones_left_out(tmp_path: Path) -> None:
    Image.new("RGB", (1024, 768)).save(tmp_path / "large.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    large = embed(tmp_path / "large.png")
    assert large is not None
    assert large.uri.startswith("data:image/jpeg")
    assert not large.pixelated
    assert embed(tmp_path / "broken.png") is None


def test_stage_writes_both_files_and_the_summary_names_the_page(run: SyntheticRun) -> None:
    page = report(run)
    assert page.is_file()
    assert (run.path / "table.md").is_file()
    out = StringIO()
    print_summary(Console(file=out, width=140), run)
    assert str(page) in out.getvalue()
    assert "15 pairs" in out.getvalue()
    assert len(re.findall(r"\n  \S*copycat (?:run|ls) ", out.getvalue())) == 2


def test_what_the_prompt_asked_for_has_its_own_column_and_denominator(run: SyntheticRun) -> None:
    assert "CONS_prompt" not in table_markdown(run.metrics(), run.manifest()) + render_page(run)
    wished = run.metrics()[1].model_copy(
        update={"metric": "CONS_prompt", "value": 0.25, "images": 9, "scored": 7}
    )
    metrics = [*run.metrics(), wished]
    head, _, none, negprompt = table_markdown(metrics, run.manifest()).splitlines()[2:6]
    columns = [c.strip() for c in head.strip("|").split("|")]
    at = columns.index("CONS_prompt ↑ (mean ± SD)")
    cells = [[c.strip() for c in line.strip("|").split("|")] for line in (none, negprompt)]
    assert [row[at] for row in cells] == ["0.250 ± 0.010", "–"]
    assert [row[columns.index("scored / asked for")] for row in cells] == ["7 / 9", "–"]
    assert {len(row) for row in cells} == {len(columns)}
    run.metrics = lambda: metrics  # type: ignore[method-assign]
    page = render_page(run)
    assert re.search(r'data-label="CONS_prompt">0.250 ± 0.010<', page)
    assert 'data-label="Scored for CONS_prompt">7 / 9<' in page
