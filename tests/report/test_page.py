"""The page, the table and the comparison, on a small synthetic run."""

from __future__ import annotations

import csv
import datetime
import json
import re
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from PIL import Image
from rich.console import Console

from copycat.errors import RunConflict
from copycat.measures import CONS, DETECT
from copycat.report import render_page, reproduction, table_markdown, tables
from copycat.report.breakdown import breakdowns, quintiles
from copycat.report.differences import differences
from copycat.report.embed import embed
from copycat.report.gallery import THUMB
from copycat.report.sheet import inline
from copycat.report.summary import print_summary
from copycat.report.view import pictures
from copycat.report.words import judge_sentence
from copycat.runs.manifest import Origin
from copycat.subjects.counts import Count, Counts
from tests.helpers.pages import sheet, tags, write_report
from tests.helpers.synthetic import NASTY, SyntheticRun


@pytest.fixture
def run(tmp_path: Path) -> SyntheticRun:
    return SyntheticRun(tmp_path / "a-run", judge="no-such-judge")


def test_every_planned_picture_has_one_state(run: SyntheticRun) -> None:
    states = [p.state for p in pictures(run.data())]
    assert len(states) == 36
    assert states.count("refused") == states.count("error") == states.count("unscored") == 1
    assert states.count("pending") == 0
    run.metrics = [m for m in run.metrics if m.metric == CONS.name]
    assert [p.state for p in pictures(run.data())].count("made") == 34, "nobody asked whom they show"


def test_a_verdict_on_other_bytes_does_not_count(run: SyntheticRun) -> None:
    run.image_rows.append(run.image_rows[0].model_copy(update={"sha256": "0" * 64}))
    assert pictures(run.data())[0].state == "unscored"


@pytest.mark.parametrize("where", ["inside", "beside"])
def test_the_page_asks_nobody_for_anything(run: SyntheticRun, where: Any) -> None:
    page = render_page(run.data(), where)
    for _, attributes in tags(page):
        for key in ("src", "href", "srcset", "action", "poster", "data"):
            value = attributes.get(key)
            assert value is None or value.startswith(("data:", "#"))
    policy = next(a["content"] for _, a in tags(page) if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "http" not in policy
    assert ("file:" in policy) == (where == "beside")


def test_texts_are_escaped(run: SyntheticRun) -> None:
    page = render_page(run.data())
    assert NASTY not in page
    assert [attributes.get("type") for tag, attributes in tags(page) if tag == "script"] == [
        "application/json",
        None,
    ]
    assert sheet(page)[0]["character"]["owner"] == NASTY


def test_no_text_can_end_the_block_of_data() -> None:
    evil = {"<!--<script>": ["</script><b>", "a\u2028b\u2029c & 🐈"]}
    text = str(inline(evil))
    assert not set("<>&\u2028\u2029") & set(text)
    assert json.loads(text) == evil


def test_the_plot_escapes_what_mitigations_are_called(run: SyntheticRun) -> None:
    run.metrics = [
        m.model_copy(update={"mitigation": NASTY}) if m.mitigation != "none" else m for m in run.metrics
    ]
    page = render_page(run.data())
    assert NASTY not in page
    assert "&lt;script&gt;alert" in page[page.index("<svg") : page.index("</figure>")]
    assert "<style type" not in page  # matplotlib's own would hold for the whole page


def test_pictures_are_inside_and_have_hard_pixels(run: SyntheticRun) -> None:
    shown = [p for p in sheet(render_page(run.data())) if p["small"]]
    assert len(shown) == 34
    assert all(p["small"].startswith("data:image/png") and p["pixelated"] for p in shown)
    assert not (run.path / "thumbs").exists()


def test_states_are_told_in_words(run: SyntheticRun) -> None:
    cells = [(p["state"], p["words"]) for p in sheet(render_page(run.data()))]
    assert len(cells) == 36
    assert ("clear", "not detected") in cells


def test_an_uncalibrated_judge_is_called_so(run: SyntheticRun) -> None:
    assert "not calibrated" in render_page(run.data())
    assert "not calibrated" in table_markdown(run.data())
    assert "2.0%" in judge_sentence({"fpr": 0.02, "kappa": 0.97, "n": 2000})


def test_a_run_without_oracle_says_so(run: SyntheticRun) -> None:
    assert "Without oracle" not in table_markdown(run.data()) + render_page(run.data())
    run.configure(oracle=False)
    assert "Without oracle" in table_markdown(run.data())
    assert "Without oracle" in render_page(run.data())


def test_table_has_the_denominators(run: SyntheticRun) -> None:
    line = next(x for x in table_markdown(run.data()).splitlines() if x.startswith("| none"))
    assert [c.strip() for c in line.strip("|").split("|")] == [
        *("none", "name", "5.4 ± 0.6", "[4.8, 5.7]", "[4.2, 6.0]", "6", "4.5 … 5.5", "–", "–"),
        *("0.912 ± 0.010", "[0.896, 0.926]", "[0.880, 0.940]", "15 / 18", "1", "1", "1"),
    ]


def test_both_intervals_are_named_wherever_a_number_stands(run: SyntheticRun) -> None:
    page = " ".join(render_page(run.data()).split())
    assert "<small>these [4.8, 5.7]</small><small>like these [4.2, 6.0]</small>" in page
    assert "<small>of all asked for 4.5 … 5.5</small>" in page
    numbers = page[page.index('<table id="numbers">') :]
    assert numbers[: numbers.index("</table>")].count("of all asked for") == 1, "not where all is scored"
    assert "for these characters, of which other pictures might have been drawn" in page
    detect = next(d for d in differences(run.data()) if d.measure is DETECT)
    assert detect.low <= detect.fixed_low < detect.value < detect.fixed_high <= detect.high


def test_numbers_of_an_earlier_version_show_what_they_have(run: SyntheticRun) -> None:
    gone = dict.fromkeys(("fixed_low", "fixed_high", "all_low", "all_high"))
    run.metrics = [m.model_copy(update=gone) for m in run.metrics]
    line = next(x for x in table_markdown(run.data()).splitlines() if x.startswith("| none"))
    assert "| 5.4 ± 0.6 | – | [4.2, 6.0] | 6 | – |" in line
    for text in (table_markdown(run.data()), render_page(run.data())):
        assert "which had none for these very characters" in text
        assert "may be anything between" not in text


def test_pictures_that_are_not_scored_are_warned_of_where_they_could_turn_a_difference(
    run: SyntheticRun, capsys
) -> None:
    told = "CONS, negprompt minus none (name): 3 of 18 pictures of the base and 0 of 18 pictures of the other"
    print_summary(Console(width=200), run.data())
    for text in (table_markdown(run.data()), render_page(run.data()), capsys.readouterr().out):
        assert told in text
        assert (
            "The difference is 0.000 on the pictures that both have scored, −0.008 of all that each has "
            "scored. As the others come out, it may be anything between −0.023 and +0.144" in text
        )
        assert "DETECT, negprompt minus none (name): 3 of 18" not in text, "−3.4 stays below 0 whatever comes"


def test_paired_differences_leave_out_what_was_not_scored(run: SyntheticRun) -> None:
    detect = next(d for d in differences(run.data()) if d.measure is DETECT)
    # 18 pairs less one refused, one failed, one unscored; 4 of 6 characters vanish.
    assert (detect.pairs, detect.value) == (15, -4.0)
    assert detect.low <= detect.value <= detect.high


def test_large_pictures_are_scaled_down_and_broken_ones_left_out(tmp_path: Path) -> None:
    Image.new("RGB", (1024, 768)).save(tmp_path / "large.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    large = embed(tmp_path / "large.png")
    assert large is not None
    assert large.small.startswith("data:image/jpeg")
    assert not large.pixelated
    assert embed(tmp_path / "broken.png") is None


def test_the_summary_names_the_page_and_what_to_do_next(run: SyntheticRun) -> None:
    page = write_report(run)
    assert page.is_file()
    out = StringIO()
    print_summary(Console(file=out, width=140), run.data())
    assert str(page) in out.getvalue()
    assert "15 pairs" in out.getvalue()
    assert len(re.findall(r"\n  \S*copycat (?:run|ls) ", out.getvalue())) == 2


def test_what_the_prompt_asked_for_has_its_own_column_and_denominator(run: SyntheticRun) -> None:
    assert "CONS_prompt" not in table_markdown(run.data()) + render_page(run.data())
    wished = run.metrics[1].model_copy(
        update={"metric": "CONS_prompt", "value": 0.25, "images": 9, "scored": 7}
    )
    run.metrics.append(wished)
    head, _, none, negprompt = table_markdown(run.data()).splitlines()[2:6]
    columns = [c.strip() for c in head.strip("|").split("|")]
    at = columns.index("CONS_prompt ↑ (mean ± SD)")
    cells = [[c.strip() for c in line.strip("|").split("|")] for line in (none, negprompt)]
    assert [row[at] for row in cells] == ["0.250 ± 0.010", "–"]
    assert [row[columns.index("scored / asked for")] for row in cells] == ["7 / 9", "–"]
    assert {len(row) for row in cells} == {len(columns)}
    page = render_page(run.data())
    assert re.search(r'data-label="CONS_prompt"><span><span class="big">0.250 ± 0.010<', page)
    assert "<small>7 / 9<" in page


def test_a_large_run_has_its_pictures_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = SyntheticRun(tmp_path / "a-run")
    first, second, third = run.image_rows[:3]
    Image.new("RGB", (800, 600), "red").save(run.path / str(first.file))
    # A name with all that a URL, a page or a folder could take for something else.
    odd = 'images/100% <b>"#1"?🐈.png'
    (run.path / str(second.file)).rename(run.path / odd)
    run.image_rows.append(second.model_copy(update={"file": odd}))
    run.image_rows.append(third.model_copy(update={"file": "../outside.png"}))
    Image.new("RGB", (32, 32)).save(tmp_path / "outside.png")

    monkeypatch.setattr("copycat.report.gallery.MOST_INSIDE", 33)
    page = write_report(run).read_text(encoding="utf-8")
    shown = {p["file"]: p for p in sheet(page)}
    assert "data:image/png" not in page.replace("data:,", "").split('id="data"')[0]
    assert shown[str(first.file)]["large"] == first.file
    thumb = run.path / shown[str(first.file)]["small"]
    assert max(Image.open(thumb).size) == THUMB
    assert unquote(shown[odd]["small"]) == shown[odd]["file"] == odd
    assert "#" not in shown[odd]["small"]
    assert shown["../outside.png"]["small"] == ""
    assert "loaded from the folder" in page

    # A thumbnail is made once, and goes when its picture does.
    before = thumb.stat().st_mtime_ns
    write_report(run)
    assert thumb.stat().st_mtime_ns == before
    write_report(run, where="inside")
    assert not thumb.exists()


def test_only_our_own_thumbnails_are_removed(tmp_path: Path) -> None:
    run = SyntheticRun(tmp_path / "a-run")
    Image.new("RGB", (800, 600), "red").save(run.path / str(run.image_rows[0].file))
    write_report(run, where="beside")
    ours = list((run.path / "thumbs").iterdir())
    assert len(ours) == 1
    mine = [
        run.path / "thumbs" / name for name in ("holiday.jpg", "0123.jpg", f"{'0' * 32}.png", "notes.txt")
    ]
    for path in mine:
        path.write_text("my own")
    write_report(run, where="inside")
    assert not ours[0].exists()
    assert [path.read_text() for path in mine] == ["my own"] * 4


def test_nothing_is_removed_or_written_behind_a_link(tmp_path: Path) -> None:
    run = SyntheticRun(tmp_path / "a-run")
    Image.new("RGB", (800, 600), "red").save(run.path / str(run.image_rows[0].file))
    album = tmp_path / "album"
    album.mkdir()
    for name in ("holiday.jpg", f"{'0' * 32}.jpg"):
        (album / name).write_text("my own")
    (run.path / "thumbs").symlink_to(album)
    with pytest.raises(RunConflict, match="thumbs is a link"):
        write_report(run, where="beside")
    write_report(run, where="inside")
    assert {p.name: p.read_text() for p in album.iterdir()} == {
        "holiday.jpg": "my own", f"{'0' * 32}.jpg": "my own"
    }  # fmt: skip


def test_what_a_browser_would_show_otherwise_is_shown_as_it_is_judged(tmp_path: Path) -> None:
    """Turned, and transparent parts white, also where the page names files."""
    run = SyntheticRun(tmp_path / "a-run")
    turned, clear = (run.path / str(row.file) for row in run.image_rows[:2])
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 20), "red").save(turned, exif=exif)
    Image.new("RGBA", (40, 20), (255, 0, 0, 0)).save(clear)
    shown = {p["file"]: p for p in sheet(write_report(run, where="beside").read_text(encoding="utf-8"))}
    for path, size, colour in ((turned, (20, 40), (254, 0, 0)), (clear, (40, 20), (255, 255, 255))):
        picture = shown[path.relative_to(run.path).as_posix()]
        assert picture["small"] == picture["large"]
        with Image.open(run.path / picture["large"]) as opened:
            assert (opened.size, opened.getpixel((5, 5))) == (size, colour)


def test_too_many_bytes_go_beside_too(run: SyntheticRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("copycat.report.gallery.MOST_BYTES", 3000)
    assert all(not p["small"].startswith("data:") for p in sheet(render_page(run.data())))
    assert any(p["small"].startswith("data:") for p in sheet(render_page(run.data(), "inside")))


def test_withheld_pictures_are_called_so(run: SyntheticRun) -> None:
    origin = Origin(how="pulled", source="some/where", withheld=True)
    run.manifest = run.manifest.model_copy(update={"origin": origin})
    for path in (run.path / "images").iterdir():
        path.unlink()
    page = render_page(run.data())
    assert sum(p["withheld"] for p in sheet(page)) == 34
    assert "Pulled from some/where" in page
    assert "Made by copycat run" in page, "as its publisher made it"


def test_how_a_run_was_made_is_a_command_unless_nobody_ran_it(run: SyntheticRun) -> None:
    run.configure(
        model="sdxl@paper",
        registry="/some/where/test",
        mitigations=("none", "negprompt[words=lm]"),
        seeds=(4,),
        oracle=False,
        compile=True,
        steps=9,
        characters=("a", "b c"),
    )
    made = run.manifest.model_copy(update={"git_commit": "0" * 40})
    assert reproduction.sentence(made) == (
        "Made by `copycat run --model sdxl@paper --mitigation 'none,negprompt[words=lm]' --prompts name "
        "--seeds 4, --characters 'a,b c' --judge no-such-judge --registry test --steps 9 --no-oracle "
        "--compile`, m@1, commit 0000000."
    )
    imported = Origin(how="imported", source="a/folder")
    pulled = Origin(how="pulled", source="some/where")
    assert "copycat run" in reproduction.sentence(made.model_copy(update={"origin": pulled}))
    for origin in (imported, pulled.model_copy(update={"before": imported})):
        assert "copycat run" not in reproduction.sentence(made.model_copy(update={"origin": origin}))


def test_corrected_numbers_stand_beside_the_raw_ones(run: SyntheticRun) -> None:
    plain = tables(run.data())["table.md"] + render_page(run.data())
    assert "Rogan" not in plain
    update = {"corrected": 4.8, "corrected_low": 3.1, "corrected_high": 5.9, "corrected_note": "TPR 0.9 <b>"}
    run.metrics = [m.model_copy(update=update) if m.metric == "DETECT" else m for m in run.metrics]
    made, page = tables(run.data()), render_page(run.data())
    assert "| [4.2, 6.0] | 6 | 4.5 … 5.5 | 4.8 | [3.1, 5.9] |" in made["table.md"]
    line = next(x for x in csv.DictReader(StringIO(made["table.csv"])) if x["metric"] == "DETECT")
    assert (line["value"], line["corrected"], line["corrected_high"]) == ("5.4", "4.8", "5.9")
    assert "Rogan" in page
    assert "TPR 0.9 &lt;b&gt;" in page
    assert re.search(
        r'data-label="Corrected"><span><span class="big">4.8</span><small>like these \[3.1, 5.9\]', page
    )


def test_the_three_tables_hold_the_same(run: SyntheticRun) -> None:
    run.configure(model="/models/my_model", seeds=(0, 2), mitigations=("none",))
    made = tables(run.data())
    assert set(made) == {"table.md", "table.csv", "table.tex"}
    rows = list(csv.DictReader(StringIO(made["table.csv"])))
    assert [(r["mitigation"], r["metric"], r["low"]) for r in rows[:2]] == [
        ("none", "DETECT", str(6 * 0.7)),
        ("none", "CONS", "0.88"),
    ]
    latex = made["table.tex"]
    assert all(c.isascii() for c in latex)
    assert r"\toprule" in latex
    assert r"5.4 $\pm$ 0.6 & [4.8, 5.7] & [4.2, 6.0] & 6 & 4.5 \ldots{} 5.5 & -- & -- & 0.912" in latex
    assert latex.count(r"\begin{") == latex.count(r"\end{")
    body = [x for x in latex.splitlines() if x.endswith(r"\\")]
    assert len({len(re.findall(r"(?<!\\)&", x)) for x in body}) == 1
    assert "-{}-seeds 0,2" in latex
    # A folder on this machine means nothing elsewhere.
    assert all("/models" not in text for text in made.values())
    assert "copycat run --model my_model --mitigation none --prompts name --seeds 0,2 " in made["table.md"]


def test_breakdowns_by_studio_and_by_how_often_the_model_saw_them(tmp_path: Path) -> None:
    run = SyntheticRun(tmp_path / "run", characters=10)
    found = {b.by: b for b in breakdowns(run.data())}
    none, negprompt = (0, 1)
    studios = {band.label: band for band in found["studio"].bands}
    # Of the studio's nine characters seven vanish under negprompt; numbers 3, 6 and 9 stay.
    share = studios["Tin Lantern Studio"].shares[negprompt]
    assert share is not None
    assert (share.value, share.characters, share.scored) == (3.0, 9, 27)
    assert share.low is not None
    assert share.low <= share.fixed_low < 3 < share.fixed_high <= share.high
    alone = studios[NASTY].shares[none]
    assert alone is not None
    missing = studios["Tin Lantern Studio"].shares[none]
    assert (missing.all_low, missing.all_high) == (pytest.approx(8), pytest.approx(9)), "3 of 27 not scored"
    assert (share.all_low, share.all_high) == (3, 3)
    page = render_page(run.data())
    page = page[page.index('id="whose"') :]
    assert page[: page.index("</table>")].count("<small>of all asked for 8.0 … 9.0</small>") == 1
    assert (alone.value, alone.low) == (1.0, None), "an interval over one character would be made up"
    bands = found["training pictures"].bands
    assert [b.characters for b in bands] == [2] * 5
    assert bands[0].label == "200 to 222"
    assert all(s is not None and s.low is None for b in bands for s in b.shares), "two characters are too few"
    assert sum(b.shares[none].value for b in bands if b.shares[none]) == pytest.approx(10)


def test_equal_counts_share_a_band_and_unknown_ones_make_none() -> None:
    same = quintiles({str(i): n for i, n in enumerate((5, 5, 5, 5, 5, 5, 5, 9, 9, 30))})
    assert same == {"5": list("0123456"), "9": ["7", "8"], "30": ["9"]}
    assert quintiles({"a": 3, "b": None}) == {}
    assert quintiles({}) == {}


def test_characters_are_grouped_by_how_often_a_corpus_names_them(run: SyntheticRun) -> None:
    data = run.data()
    told = Counts(
        corpus="LAION-tiny <b>",
        date=datetime.date(2026, 12, 1),
        source="a test",
        rule="by eye",
        total=5_000,
        skipped=("x.parquet: cut off",),
        characters=tuple(
            Count(slug=c.slug, name=c.name, count=10 * i) for i, c in enumerate(data.registry.characters)
        ),
    )
    (found,) = [b for b in breakdowns(data, [told]) if b.by == "captions in LAION-tiny <b>"][:1]
    assert found.bands[0].label.startswith("0 to ")
    assert sum(b.characters for b in found.bands) == len(data.registry)
    page = render_page(data, counts=[told])
    assert "<h3>By captions in LAION-tiny &lt;b&gt; " in page
    assert "of 5,000, 2026-12-01: a test; 1 files could not be read. by eye" in page
    some = told.model_copy(update={"characters": told.characters[1:]})
    assert not [b for b in breakdowns(data, [some]) if "LAION" in b.by], "not known of everyone"
