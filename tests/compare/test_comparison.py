"""Comparing runs: what they have in common, the paired table, and the page."""

from __future__ import annotations

import csv
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from rich.console import Console
from scipy import stats
from typer.testing import CliRunner

from copycat.cli.main import app
from copycat.compare import common, comparisons
from copycat.compare.changes import Change, Step, changes
from copycat.compare.folder import default_name, write
from copycat.compare.page import render
from copycat.compare.power import assumed, measured, table
from copycat.compare.terminal import print_comparison
from copycat.compare.write import Document, chance, conditions_csv, csv_text, latex, markdown
from copycat.errors import RunConflict, UnknownName, UserError
from copycat.measures import CONS, DETECT, Measure
from copycat.runs.manifest import Origin
from copycat.stages.generate import generate
from copycat.stages.judge import judge
from copycat.stages.plan import prepare
from copycat.stages.score import score
from tests.helpers.hat import HAT, add_hat, install_hat
from tests.helpers.innocents import WithInnocents
from tests.helpers.synthetic import NASTY, SyntheticRun


class Judged(SyntheticRun):
    """A synthetic run, cut to some characters, seeds and mitigations."""

    def __init__(
        self,
        path: Path,
        *,
        characters: range = range(6),
        seeds: range = range(3),
        only: str | None = None,
        judged_by: str = "menagerie@1",
    ) -> None:
        super().__init__(path, judge="no-such-judge")
        slugs = {f"c{i}" for i in characters}
        self.requests = [
            r
            for r in self.requests
            if r.character in slugs and r.run_seed in seeds and only in (None, r.mitigation)
        ]
        self.verdicts = [v.model_copy(update={"judge": judged_by}) for v in self.verdicts]
        self.manifest = self.manifest.model_copy(update={"judge": judged_by})


def document(*runs: SyntheticRun, **choices: object) -> Document:
    shared = common([run.data() for run in runs])
    return Document(shared, comparisons(shared, **choices))


def records(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_one_run_compares_its_mitigations(tmp_path: Path) -> None:
    doc = document(Judged(tmp_path / "a"))
    assert [c.label for c in doc.shared.conditions] == ["none", "negprompt"]
    assert (doc.shared.left_out, doc.shared.warnings) == ([], [])
    detect = next(c for c in doc.made if c.measure is DETECT)
    # As in the report: 18 pairs less one refused, one failed, one unscored; 4 of 6 characters vanish.
    assert (detect.found.pairs, detect.found.difference.value) == (15, -4.0)
    assert (detect.base.label, detect.other.label) == ("none", "negprompt")
    assert (detect.found.discordant.gained, detect.found.discordant.lost) == (0, 10)
    assert detect.found.p == pytest.approx(2 / 2**4), "four characters changed, all of them one way"
    assert detect.found.discordant.p == pytest.approx(stats.binomtest(0, 10).pvalue)
    family = [c.found.p for c in doc.made]
    assert detect.adjusted.holm == pytest.approx(min(1, min(family) * len(family)))


def test_a_comparison_names_both_intervals_and_says_where_missing_pictures_could_turn_it(
    tmp_path: Path,
) -> None:
    run = Judged(tmp_path / "a")
    # Unanswered under negprompt: all but one of the pictures that do not show the character.
    lost = {
        r.id
        for r in run.requests
        if r.mitigation == "negprompt"
        and r.character in ("c1", "c2", "c4", "c5")
        and (r.character, r.run_seed) != ("c5", 0)
    }
    run.verdicts = [v for v in run.verdicts if v.kind != DETECT.ask.kind or v.request not in lost]
    doc = document(run)
    detect = next(c for c in doc.made if c.measure is DETECT)
    own, wide = detect.found.fixed, detect.found.difference
    assert wide.low <= own.low < own.value == wide.value < own.high <= wide.high
    row = next(r for r in records(csv_text(doc)) if r["metric"] == DETECT.name)
    assert (float(row["fixed_low"]), float(row["low"])) == (own.low, wide.low)
    assert float(row["p"]) <= float(row["p_max_t"]) <= 1
    warning = next(w for w in doc.warnings if w.startswith("DETECT, negprompt minus none (name): 3 of 18"))
    others = document(Judged(tmp_path / "b")).warnings
    assert not any(w.startswith("DETECT,") for w in others), "two thirds less stay less whatever comes"
    assert f"**Warning:** {warning}" in markdown(doc)
    assert "3 of 18 pictures" in latex(doc)
    assert warning in row["warnings"]
    page = render(doc, 3)
    assert warning in page
    assert "<small>these characters</small>" in page
    assert "max-T" in page


def test_the_terminal_shows_both_ways_of_counting_the_tests_in(tmp_path: Path) -> None:
    doc = document(Judged(tmp_path / "a"))
    console = Console(width=80, record=True, file=io.StringIO())
    print_comparison(console, doc)
    said = console.export_text()
    assert "p: Holm" in said
    assert "max-T" in said
    for c in doc.made:
        assert {chance(c.adjusted.holm), chance(c.adjusted.max_t)} <= set(re.findall(r"[\d.]+", said))
    detect = next(c for c in doc.made if c.measure is DETECT).adjusted
    assert chance(detect.holm) != chance(detect.max_t)


def test_runs_are_compared_on_what_they_have_in_common(tmp_path: Path) -> None:
    a = Judged(tmp_path / "a", characters=range(5))
    b = Judged(tmp_path / "b", characters=range(2, 6), seeds=range(2))
    doc = document(a, b)
    assert doc.shared.characters == ["c2", "c3", "c4"]
    assert doc.shared.seeds == [0, 1]
    assert len(doc.shared.conditions) == 4
    assert {len(c.requests) for c in doc.shared.conditions} == {6}
    assert all(m.characters == 3 for c in doc.shared.conditions for m in c.metrics)
    told = " ".join(doc.shared.left_out)
    assert "2 characters of a that not every run has: c0, c1" in told
    assert "1 character of b that not every run has: c5" in told
    assert "1 seed of a that not every run has: 2" in told
    text = markdown(doc)
    assert all(x in text for x in doc.shared.left_out), "said aloud"
    assert all(x in render(doc, 20) for x in doc.shared.left_out)


def test_another_judge_is_said_in_every_output(tmp_path: Path) -> None:
    doc = document(Judged(tmp_path / "a"), Judged(tmp_path / "b", judged_by="other@2"))
    (warning,) = doc.shared.warnings
    assert "different judges (a by menagerie@1; b by other@2)" in warning
    assert f"**Warning:** {warning}" in markdown(doc)
    assert "different judges (a by menagerie@1; b by other@2)" in latex(doc)
    assert all(r["warnings"].startswith(warning) for r in records(csv_text(doc)))
    assert "different judges" in render(doc, 20)


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"characters": range(3, 6)}, "no character in common"),
        ({"seeds": range(2, 3)}, "no seed in common"),
        ({"judged_by": ""}, "has no verdicts yet"),
    ],
)
def test_what_cannot_be_compared_is_refused(tmp_path: Path, other: dict[str, object], says: str) -> None:
    a = Judged(tmp_path / "a", characters=range(3), seeds=range(2))
    with pytest.raises(UserError, match=says):
        common([a.data(), Judged(tmp_path / "b", **other).data()])


def asking(path: Path, *sets: str, **config: object) -> SyntheticRun:
    """A run of other prompt sets."""
    run = Judged(path)
    run.requests = [r.model_copy(update={"prompt_set": s}).with_id() for s in sets for r in run.requests]
    run.configure(prompts=sets, **config)
    return run


def test_runs_without_a_common_prompt_set_say_which_they_have_and_what_to_run(tmp_path: Path) -> None:
    a = asking(tmp_path / "a", "name", "lm5")
    b = asking(tmp_path / "b", "description", limit=3, seeds=(0, 1), out=tmp_path / "b", steps=9)
    with pytest.raises(UserError) as refused:
        common([a.data(), b.data()])
    assert "no prompt set in common (a: name, lm5; b: description)" in str(refused.value)
    (command,) = re.findall(r"`\S*copycat (run [^`]*)`", str(refused.value))
    assert "What b lacks is drawn by" in str(refused.value)
    options = "--prompts name --seeds 2 --limit 3 --judge no-such-judge --steps 9"
    assert set(options.split()) <= set(command.split())
    assert "--out" not in command
    # Of three, what most have.
    c = asking(tmp_path / "c", "description")
    with pytest.raises(UserError) as refused:
        common([a.data(), b.data(), c.data()])
    assert re.findall("What (.) lacks", str(refused.value)) == ["a"]
    assert "--prompts description" in str(refused.value)
    # Nobody can draw pictures that were made elsewhere.
    b.manifest = b.manifest.model_copy(update={"origin": Origin(how="imported", source="theirs")})
    with pytest.raises(
        UserError, match=r"b holds pictures made elsewhere \(imported from theirs\)"
    ) as refused:
        common([a.data(), b.data()])
    assert "copycat run" not in str(refused.value)


def test_a_set_of_ones_own_is_named_by_its_file(tmp_path: Path) -> None:
    a, b = asking(tmp_path / "a", "mine"), asking(tmp_path / "b", "name")
    a.configure(prompts=("sets/mine.jsonl",))
    with pytest.raises(UserError, match=r"--prompts sets/mine\.jsonl"):
        common([a.data(), b.data()])


def test_refused_pictures_are_not_ranked_as_if_they_were_drawn(tmp_path: Path) -> None:
    run = Judged(tmp_path / "run")
    shared = common([run.data()])
    none, negprompt = shared.conditions
    detect = [Step(DETECT, v, paired) for v, paired in ((1.0, 1 / 3), (0.5, 1.0), (None, 0.0), (-1.0, 1.0))]
    changed = [Change(str(i), [], [s]) for i, s in enumerate(detect)]
    placed = sorted(changed, key=lambda c: [s.place for s in c.steps])
    # One of three that got worse counts a third; without a pair there is nothing to rank.
    assert [c.character for c in placed] == ["1", "0", "3", "2"]
    gone = {r.id for r in run.requests if r.mitigation == "negprompt" and r.character == "c0"}
    before = changes(shared, "name", none, negprompt)
    run.image_rows += [
        i.model_copy(update={"outcome": "refused_output", "file": None, "sha256": None})
        for i in run.image_rows
        if i.request in gone
    ]
    shared = common([run.data()])
    after = changes(shared, "name", *shared.conditions)
    assert after.changed[-1].character == "c0"
    assert after.changed[-1].steps[0].value is None
    assert {c.character for c in after.changed} >= {c.character for c in before.changed}


def test_one_condition_or_the_same_run_twice_is_no_comparison(tmp_path: Path) -> None:
    a = Judged(tmp_path / "a", only="none")
    with pytest.raises(UserError, match="nothing to compare with"):
        common([a.data()])
    with pytest.raises(UserError, match="given twice"):
        common([a.data(), a.data()])
    empty = Judged(tmp_path / "empty")
    empty.verdicts.clear()
    with pytest.raises(UserError, match="copycat judge"):
        common([a.data(), empty.data()])


def test_choices_that_no_run_has_are_refused(tmp_path: Path) -> None:
    run = Judged(tmp_path / "a").data()
    with pytest.raises(UnknownName, match="Did you mean negprompt"):
        common([run], mitigations=("none", "negpromt"))
    with pytest.raises(UnknownName, match="prompt set of these runs 'nam'"):
        common([run], prompt_sets=("nam",))


def test_runs_of_one_name_are_told_apart(tmp_path: Path) -> None:
    doc = document(*(Judged(tmp_path / x / "run", only=m) for x, m in (("x", "none"), ("y", "negprompt"))))
    assert [c.label for c in doc.shared.conditions] == ["x/run: none", "y/run: negprompt"]


def test_baseline_and_all_pairs(tmp_path: Path) -> None:
    shared = common([Judged(tmp_path / "a").data(), Judged(tmp_path / "b").data()])
    pairs = {(c.base.label, c.other.label) for c in comparisons(shared, baseline="b: negprompt")}
    assert pairs == {("b: negprompt", x) for x in ("a: none", "a: negprompt", "b: none")}
    assert len({(c.base.label, c.other.label) for c in comparisons(shared, all_pairs=True)}) == 6
    with pytest.raises(UnknownName, match="negprompt"):
        comparisons(shared, baseline="negpromt")


def test_other_prompts_and_noise_are_warned_about(tmp_path: Path) -> None:
    a, b = Judged(tmp_path / "a"), Judged(tmp_path / "b", only="none")
    b.requests = [r.model_copy(update={"source_prompt": "else", "seed": 1}) for r in b.requests]
    told = " ".join(common([a.data(), b.data()]).warnings)
    assert "b: none: 18 of 18 pictures were asked for with another prompt." in told
    assert "b: none: 18 of 18 pictures started from other noise." in told


def step_of(change: Change, measure: Measure) -> float:
    return next(s.value for s in change.steps if s.measure is measure)


def test_worst_changes_come_first(tmp_path: Path) -> None:
    shared = common([Judged(tmp_path / "a").data()])
    none, negprompt = shared.conditions
    better = changes(shared, "name", none, negprompt)
    assert all(step_of(c, DETECT) <= 0 for c in better.changed)
    # c3's one unscored verdict is a change of state, though of no number; it comes before what improved.
    assert [c.character for c in better.changed][:1] == ["c3"]
    assert better.unchanged == ["c0"]
    worse = changes(shared, "name", negprompt, none)
    steps = [step_of(c, DETECT) for c in worse.changed]
    assert steps == sorted(steps, reverse=True)
    assert steps[0] == 1.0


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_the_page_needs_nothing_else_and_escapes_texts(tmp_path: Path) -> None:
    page = render(document(Judged(tmp_path / "a")), 20)
    parser = _Tags()
    parser.feed(page)
    tags = parser.found
    for _, attributes in tags:
        for key in ("src", "href", "xlink:href"):
            value = attributes.get(key)
            assert value is None or value.startswith(("data:", "#"))
    assert NASTY not in page
    assert not [t for t, _ in tags if t == "script"]
    pictures = [a for t, a in tags if t == "img"]
    # Five characters changed, six pictures each, less the two that were never made.
    assert len(pictures) == 5 * 6 - 2
    assert all(a["alt"] for a in pictures)
    assert len([a for t, a in tags if t == "article"]) == 5
    few = render(document(Judged(tmp_path / "b")), 1)
    assert few.count("<article") == 1
    assert "4 more that changed are not shown" in few


def test_tables_say_the_same(tmp_path: Path) -> None:
    doc = document(Judged(tmp_path / "a"))
    row = next(r for r in records(csv_text(doc)) if r["metric"] == "DETECT")
    assert float(row["difference"]) == -4
    assert float(row["bootstrap_low"]) <= -4 <= float(row["bootstrap_high"])
    assert (row["gained"], row["lost"], row["pairs"]) == ("0", "10", "15")
    lines = [x for x in markdown(doc).splitlines() if x.startswith("| DETECT | name")]
    assert "−4.0" in lines[0]
    assert "0 / 10" in lines[0]
    text = latex(doc)
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == 2
    assert re.search(r"DETECT & name & none & negprompt .*\$-\$4\.0", text)
    assert {r["metric"] for r in records(conditions_csv(doc))} >= {"DETECT", "CONS"}


def test_what_no_judge_was_asked_is_in_no_table(tmp_path: Path) -> None:
    run = Judged(tmp_path / "a")
    run.verdicts = [v for v in run.verdicts if v.kind != DETECT.ask.kind]
    doc = document(run)
    assert [c.measure for c in doc.made] == [CONS]
    both = ("95 %, these characters", "95 %, characters like these")
    assert doc.head[2:6] == ("CONS ↑ (mean ± SD)", *both, "scored / planned")


def test_a_measure_of_another_package_is_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_hat(monkeypatch)
    doc = document(add_hat(Judged(tmp_path / "a")))
    assert [c.measure for c in doc.made] == [DETECT, CONS, HAT]
    assert doc.made[-1].found.difference.value == pytest.approx(-0.25)
    text = markdown(doc)
    head, _, none, negprompt = (x.split(" | ") for x in text.split("## Conditions")[1].splitlines()[2:6])
    at = head.index("HAT ↑ (mean ± SD)")
    assert (none[at], negprompt[at]) == ("0.500 ± 0.000", "0.250 ± 0.000")
    assert "| HAT | name | none | negprompt | 0.500 | 0.250 | −0.250 |" in text
    assert "HAT & name & none & negprompt" in latex(doc)
    rows = {(r["metric"], r["difference"]) for r in records(csv_text(doc))}
    assert ("HAT", "-0.25") in rows
    assert {r["value"] for r in records(conditions_csv(doc)) if r["metric"] == "HAT"} == {"0.5", "0.25"}
    worse = changes(doc.shared, "name", *doc.shared.conditions).changed
    assert all(step_of(c, HAT) == pytest.approx(-0.25) for c in worse), "a change for each character"
    assert len(worse) == 6
    page = render(doc, 20)
    assert "HAT <small>higher is better</small>" in page
    assert 'HAT: <span class="step worse">−0.25</span>' in page
    assert '<span class="value">HAT 0.50</span>' in page


def test_a_measure_that_is_not_installed_is_said_to_be_left_out(tmp_path: Path) -> None:
    doc = document(add_hat(Judged(tmp_path / "a")))
    assert [c.measure for c in doc.made] == [DETECT, CONS]
    assert "- Left out: the measure HAT, which is not installed here." in markdown(doc)


def test_folders_of_others_are_left_alone(tmp_path: Path) -> None:
    doc = document(Judged(tmp_path / "a"))
    out = tmp_path / "out"
    page = write(doc, out, 5)
    assert {p.name for p in out.iterdir()} == {
        *("compare.html", "compare.md", "compare.csv", "compare.tex", "conditions.csv"),
        *("pareto.svg", "pareto.png"),
    }
    assert page.read_text().startswith("<!doctype html>")
    # What was being written when the process was killed is taken over.
    (out / ".compare.html.tmp").write_text("<!doctype ht")
    write(doc, out, 5)
    assert not (out / ".compare.html.tmp").exists()
    (out / "notes.txt").write_text("mine")
    with pytest.raises(RunConflict, match=r"notes\.txt"):
        write(doc, out, 5)
    with pytest.raises(RunConflict):
        write(doc, tmp_path / "a", 5)
    assert default_name(doc.shared) == default_name(doc.shared) != default_name(doc.shared, "other")


def test_power_of_a_run(tmp_path: Path) -> None:
    run = Judged(tmp_path / "a").data()
    effect, told = measured(run)
    assert effect.difference == pytest.approx(-4 / 6)
    assert 0.9 < effect.icc <= 1, "all seeds of a character say the same there"
    assert "15 pairs of 6 characters" in told[0]
    given, told = measured(run, shares=(0.5, 0.3), icc=0.2)
    assert (given.difference, given.icc) == (pytest.approx(-0.2), 0.2)
    assert given.sd == pytest.approx(effect.sd)
    lines = table(effect, (2, 40), (1, 3), wanted=0.8, alpha=0.05).splitlines()
    assert lines[3].split() == ["characters", "1", "seed", "3", "seeds"]
    assert lines[4].split() == ["2", "0%", "0%"], "two characters can never have p ≤ 0.05"
    assert lines[5].split() == ["40", "100%", "100%"]
    with pytest.raises(UnknownName):
        measured(run, ("none", "rewrite"))
    with pytest.raises(UserError, match="two mitigations"):
        measured(Judged(tmp_path / "b", only="none").data())


def test_power_says_what_it_assumes() -> None:
    effect, told = assumed((0.76, 0.58))
    assert effect.sd == pytest.approx((0.76 * 0.24 + 0.58 * 0.42) ** 0.5)
    assert sum("assum" in line for line in told) == 2
    _, told = assumed((0.76, 0.58), sd=0.5, icc=0.3)
    assert sum("as given" in line for line in told) == 2
    with pytest.raises(UserError, match="standard deviation"):
        assumed((0.76, 0.58), sd=0.1)
    with pytest.raises(UserError, match="do not differ"):
        assumed((0.5, 0.5))


@pytest.fixture
def judged(config, tmp_path):
    folder = prepare(config(out=tmp_path / "run"))
    generate(folder, device="cpu")
    judge(folder)
    score(folder)
    return folder


def test_from_the_command_line_on_a_run_of_a_real_pipeline(judged, tmp_path: Path) -> None:
    out = tmp_path / "compared"
    done = CliRunner().invoke(app, ["compare", str(judged.path), "--out", str(out)], catch_exceptions=False)
    assert done.exit_code == 0
    assert "3 characters, 2 seeds and 1 prompt set" in done.output
    assert str(out / "compare.html") in done.output.replace("\n", "")
    row = next(r for r in records((out / "compare.csv").read_text()) if r["metric"] == "CONS")
    assert (row["pairs"], row["characters"]) == ("6", "3")
    power = ["power", "38", "20", "--seeds", "1", "--characters", "50"]
    done = CliRunner().invoke(app, power, catch_exceptions=False)
    assert done.exit_code == 0
    assert "assumed" in done.output
    for wrong in (["38"], [], ["60", "1"], ["5", "5"], ["--between", "a,b", "3", "1"]):
        failed = CliRunner().invoke(app, ["power", *wrong])
        assert isinstance(failed.exception, UserError), wrong


class JudgedWithInnocents(WithInnocents):
    def __init__(self, path: Path, refused: int = 0) -> None:
        super().__init__(path, judge="no-such-judge")
        self.manifest = self.manifest.model_copy(update={"judge": "menagerie@1"})
        self.add_innocents(refused)


def test_innocent_prompts_are_in_no_test_and_their_price_stands_beside(tmp_path: Path) -> None:
    plain, doc = document(Judged(tmp_path / "a")), document(JudgedWithInnocents(tmp_path / "b", refused=3))
    assert doc.shared.prompt_sets == ["name"]
    assert [c.adjusted for c in doc.made] == [c.adjusted for c in plain.made]
    told = "+0.375; these"
    price = (9 * 0.2 + 3 * 0.9) / 12
    none, guarded = doc.shared.conditions
    assert none.price is None
    assert guarded.price is not None
    assert guarded.price.value == pytest.approx(price)
    assert doc.head[-1] == "price on the innocent ↓"
    assert [line[-1][: len(told)] for line in doc.conditions] == ["–", told]
    assert all(told in text(doc) for text in (markdown, latex))
    page = render(doc, 3)
    assert told in page
    assert "Price on the innocent ↓</th>" in page
    rows = {r["condition"]: r for r in records(conditions_csv(doc))}
    assert float(rows["negprompt"]["price_value"]) == pytest.approx(price)
    assert rows["none"]["price_value"] == ""
    assert [p.paid for p in doc.points] == [None, pytest.approx(price)]
    assert "innocent" not in render(plain, 3)
    assert not plain.priced


def test_innocent_prompts_that_are_named_are_compared(tmp_path: Path) -> None:
    run = JudgedWithInnocents(tmp_path / "a").data()
    shared = common([run], prompt_sets=["also:neutral"])
    assert {(c.measure.name, c.prompt_set) for c in comparisons(shared)} >= {("CONS_prompt", "also:neutral")}
    assert markdown(Document(shared, comparisons(shared)))
    with pytest.raises(UnknownName, match="prompt set of the run"):
        measured(run, prompt_set="also:neutral")
    assert "on name" in " ".join(measured(run)[1])


def test_the_price_is_of_the_innocent_prompts_that_runs_share(tmp_path: Path) -> None:
    a, b = JudgedWithInnocents(tmp_path / "a"), JudgedWithInnocents(tmp_path / "b")
    b.requests = [r for r in b.requests if (r.prompt_set, r.prompt_index) != ("also:neutral", 1)]
    shared = common([a.data(), b.data(), Judged(tmp_path / "c").data()])
    pairs = {c.label: c.price.pairs for c in shared.conditions if c.price}
    assert pairs == {"a: negprompt": 6, "b: negprompt": 6}
    assert "up to 6 innocent prompts that not every run with such drew" in shared.left_out
