"""The leaderboard: what a row says, which rows stand side by side, and that nothing is made up."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from copycat.cards.calibration import LABELLED
from copycat.cli.main import app
from copycat.errors import BadFile, RunConflict, UserError
from copycat.io.paths import ROOT
from copycat.leaderboard import Entry, Pictures, add, entries, read, site
from copycat.leaderboard.order import older
from copycat.measures import DETECT
from copycat.runs.manifest import NEEDED, Origin, StageRecord
from copycat.subjects.characters import Registry
from tests.helpers.hat import HAT, add_hat, install_hat
from tests.helpers.innocents import WithInnocents
from tests.helpers.pages import tags
from tests.helpers.synthetic import NASTY, SyntheticRun, cited

WITHHELD = Pictures(withheld="not kept")


STAGES = {name: StageRecord(status="complete", started="2026-11-24") for name in NEEDED}
FINISHED: dict[str, Any] = {
    "model": "menagerie@abc",
    "judge": "menagerie@123",
    "calibration": cited("menagerie@123"),
    "stages": STAGES,
    "finished": "2026-11-24T10:00:00+00:00",
    "git_commit": "0123456789abcdef",
    "git_dirty": False,
    "hardware": {"cpu": "a processor", "cores": "2"},
}


def finished(path: Path, *, limit: int | None = None, config: Any = None, **facts: Any) -> SyntheticRun:
    """The synthetic run with a manifest as a finished run has one; `limit` asks for fewer characters."""
    run = SyntheticRun(path)
    run.configure(**(config or {}))
    run.manifest = run.manifest.model_copy(update={**FINISHED, **facts})
    run.requests = [r for r in run.requests if limit is None or int(r.character[1:]) < limit]
    return run


def made(path: Path, **facts: Any) -> list[Entry]:
    by, pictures = facts.pop("by", "Ada"), facts.pop("pictures", WITHHELD)
    return entries(finished(path, **facts).data(), by=by, pictures=pictures)


def test_a_row_says_all_that_its_reader_has_to_know(tmp_path: Path) -> None:
    none, negprompt = made(tmp_path)
    assert (none.model, none.mitigation, none.prompt_set) == ("menagerie", "none", "name")
    assert (none.judge, none.calibration and none.calibration["fpr"]) == ("menagerie@123", 0.0108)
    assert (none.commit, none.dirty, none.seeds) == ("0123456789abcdef", False, (0, 1, 2))
    assert (none.hardware, none.date, none.submitted_by) == (
        "a processor · 2 cores",
        "2026-11-24T10:00:00+00:00",
        "Ada",
    )
    assert none.command.startswith(
        "copycat run --model menagerie --mitigation none,negprompt --prompts name --seeds 3"
    )
    detect = negprompt.metric(DETECT)
    assert detect is not None
    assert (detect.value, detect.scored, detect.images) == (6 * 0.34, 18, 18)
    assert none.protected, "what a registry does not say is taken to be protected"


def test_a_row_has_the_notes_that_are_its_own(tmp_path: Path) -> None:
    said = "3 of 3 negative prompts of negprompt on name are longer than the 77 tokens that m reads."
    none, negprompt = made(tmp_path, notes=(said, "2 of 2 prompts of none on other are longer."))
    assert (none.notes, negprompt.notes) == ((), (said,))
    assert said in site([none, negprompt])["index.html"].decode()


def test_only_finished_runs_are_entered(tmp_path: Path) -> None:
    for facts, message in (({"stages": {}}, "not finished"), ({"judge": None}, "no numbers yet")):
        with pytest.raises(UserError, match=message):
            made(tmp_path, **facts)
    run = finished(tmp_path)
    run.metrics.clear()
    with pytest.raises(UserError, match="no numbers yet"):
        entries(run.data(), by="Ada", pictures=WITHHELD)


def test_what_nobody_ran_has_no_command(tmp_path: Path) -> None:
    imported = Origin(how="imported", source="a folder")
    pulled = Origin(how="pulled", source="some/where", revision="f" * 40)
    entry, _ = made(tmp_path, origin=pulled)
    assert entry.command
    assert "some/where" in entry.origin
    entry, _ = made(tmp_path, origin=pulled.model_copy(update={"before": imported}))
    assert entry.command == ""
    assert "a folder" in entry.origin


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "a b", " javascript:x"]
)
def test_a_link_is_an_address_or_a_relative_path(link: str) -> None:
    with pytest.raises(ValueError, match="neither an http address"):
        Pictures(link=link)
    for good in ("https://example.org/x?y=1", "http://localhost:80/", "pictures/index.html", "../x"):
        assert Pictures(link=good).link == good
    for both in ({}, {"link": "x", "withheld": "y"}, {"withheld": " "}):
        with pytest.raises(ValueError, match="says either"):
            Pictures(**both)


def test_the_same_measurement_takes_the_place_of_the_earlier_one(tmp_path: Path) -> None:
    path = tmp_path / "results" / "rows.jsonl"
    assert add(path, made(tmp_path / "a")) == (2, 0)
    first = path.read_bytes()
    assert add(path, made(tmp_path / "a")) == (0, 2)
    assert path.read_bytes() == first
    later = made(tmp_path / "a", finished="2027-01-01T00:00:00+00:00")
    # Others are other measurements: another person, other seeds, another judge, fewer characters.
    assert add(path, [*later, *made(tmp_path / "a", by="Bob")]) == (2, 2)
    assert add(path, made(tmp_path / "a", judge="other@1", config={"steps": 9})) == (2, 0)
    assert add(path, made(tmp_path / "a", limit=3)) == (2, 0)
    found = read([path])
    assert len(found) == 8
    assert {e.date for e in found if e.submitted_by == "Ada" and e.judge == "menagerie@123"} == {
        "2027-01-01T00:00:00+00:00",
        "2026-11-24T10:00:00+00:00",
    }
    # Of one measurement in two files the later is shown.
    add(tmp_path / "other.jsonl", made(tmp_path / "a", finished="2020-01-01T00:00:00+00:00"))
    assert read([path, tmp_path / "other.jsonl"]) == found


def test_what_is_no_result_is_named_with_its_line(tmp_path: Path) -> None:
    good, _ = made(tmp_path / "run")
    path = tmp_path / "rows.jsonl"
    for line, message in (
        ("{}", r"line 2: not a result as .* \(model: Field required\)"),
        ("nonsense", "line 2: not a result"),
        (good.model_copy(update={"version": 99}).model_dump_json(), "version: Input should be less than"),
        (
            good.model_dump_json().replace('"withheld":"not kept"', '"link":"javascript:1","withheld":""'),
            "pictures.link",
        ),
    ):
        path.write_text(f"{good.model_dump_json()}\n{line}\n", encoding="utf-8")
        with pytest.raises(BadFile, match=message):
            read([path])
    with pytest.raises(BadFile, match="does not exist"):
        read([tmp_path / "nowhere"])


def test_different_judges_and_characters_are_never_in_one_table(tmp_path: Path) -> None:
    found = [
        *made(tmp_path / "a"),
        *made(tmp_path / "a", by="Bob", model="sdxl@9", config={"model": "sdxl"}),
        *made(tmp_path / "a", judge="no-such-judge@1", config={"judge": "no-such-judge"}),
        *made(tmp_path / "a", limit=3),
    ]
    page = site(found)["index.html"].decode()
    tables = re.findall(r"<section class=\"board\".*?</section>", page, re.DOTALL)
    assert [t.count("<tbody") for t in tables] == [4, 2, 2]
    assert [t.count('data-judge="no-such-judge@1"') for t in tables].count(2) == 1
    assert all(len(set(re.findall(r'data-judge="([^"]*)"', t))) == 1 for t in tables)
    assert sum("not calibrated" in t for t in tables) == 1
    assert 'id="apart"' in page
    assert 'id="apart"' not in site(found[:4])["index.html"].decode()
    # Without a guardrail first.
    assert re.findall(r'data-mitigation="(\w+)"', tables[0]) == ["none", "none", "negprompt", "negprompt"]


def changed(e: Entry, **changes: Any) -> Entry:
    """`e` with another DETECT, and whatever else is given of the entry itself."""
    first, *rest = e.metrics
    own = {k: changes.pop(k) for k in ("value", "scored", "refused") if k in changes}
    return e.model_copy(update={**changes, "metrics": (first.model_copy(update=own), *rest)})


def test_a_table_for_each_prompt_set_with_the_unguarded_model_on_top(tmp_path: Path) -> None:
    none, negprompt = made(tmp_path)
    found = [
        changed(e, prompt_set=s, mitigation=m, value=value, **rest)
        for s in ("keywords10", "keywords2", "name", "description")
        for e, m, value, rest in (
            (negprompt, "zero", 0.0, {"refused": 9, "scored": 9}),
            (negprompt, "low", 1.0, {}),
            (negprompt, "high", 6.0, {}),
            (none, "none", 5.0, {"model": "with refusals", "refused": 2, "scored": 16}),
            (none, "none", 5.5, {"refused": 1, "scored": 17}),
        )
    ]
    page = site(found)["index.html"].decode()
    sections = re.findall(r'<section class="set".*?</section>', page, re.DOTALL)
    headings = [re.findall(r"<h3[^>]*>(.*?)</h3>", s) for s in sections]
    assert headings == [[f"Prompts: {s}"] for s in ("name", "description", "keywords2", "keywords10")]
    for section in sections:
        # Refused pictures are no drawn ones: what a filter leaves does not rank above what was drawn in full.
        rows = re.findall(r'<tbody data-model="([^"]*)" data-mitigation="([^"]*)"', section)
        assert [m for _, m in rows] == ["none", "none", "low", "high", "zero"]
        assert [m for m, _ in rows][:2] == ["menagerie", "with refusals"]
        assert section.count(" data-unranked") == section.count("<small>not ranked</small>") == 2
    for at in re.findall(r'href="#(set-[^"]*)"', page):
        assert page.count(f'id="{at}"') == 1


def test_of_each_configuration_the_newest_row_is_shown_and_the_others_are_behind_a_switch(
    tmp_path: Path,
) -> None:
    early, late = "2026-11-24T10:00:00+00:00", "2026-11-25T10:00:00+00:00"
    other = {"finished": late, "model": "menagerie@def"}
    found = [
        *made(tmp_path / "a"),  # of earlier weights
        *made(tmp_path / "a", **other),
        *made(tmp_path / "a", by="Bob"),  # another person's are not replaced
        *made(tmp_path / "a", finished=early, model="menagerie@0", config={"steps": 9}),  # nor other settings
    ]
    page = site(found)["index.html"].decode()
    bodies = re.findall(r"<tbody.*?</tbody>", page, re.DOTALL)
    hidden = [b for b in bodies if " data-older hidden" in b]
    assert (len(bodies), len(hidden)) == (8, 2)
    assert all("menagerie@abc" in b and "Ada" in b and "<small>older</small>" in b for b in hidden)
    assert "Older results too (2)" in page
    assert "6 of 6 results" in page
    assert len(json.loads(site(found)["data.json"])["entries"]) == 8, "as data all of them"
    assert "Older results" not in site(found[2:])["index.html"].decode()


def test_without_results_it_says_so_and_shows_no_number() -> None:
    files = site([])
    page = files["index.html"].decode()
    assert "No results yet" in page
    text = re.sub(r"<(style|script|head)\b.*?</\1>", "", page, flags=re.DOTALL)
    assert not re.search(r"\d", re.sub(r"<[^>]*>", "", text))
    assert json.loads(files["data.json"])["entries"] == []
    assert len(files["leaderboard.csv"].decode().splitlines()) == 1


def test_the_site_needs_nobody_and_escapes_everything(tmp_path: Path) -> None:
    found = made(
        tmp_path,
        by=NASTY,
        config={"model": f"m{NASTY.replace('/', '')}"},
        hardware={"cpu": NASTY},
        pictures=Pictures(withheld=NASTY),
    )
    page = site(found)["index.html"].decode()
    assert "<script>alert" not in page
    assert [tag for tag, _ in tags(page)].count("script") == 1
    for tag, attributes in tags(page):
        for key in ("src", "href"):
            value = attributes.get(key)
            assert (
                value is None
                or value.startswith(("#", "data:"))
                or (tag, value)
                in {
                    ("a", "data.json"),
                    ("a", "leaderboard.csv"),
                }
            )


def test_the_files_hold_the_same_numbers(tmp_path: Path) -> None:
    found = made(tmp_path, pictures=Pictures(link="https://example.org/pictures"))
    files = site(found, space=True)
    assert [Entry.model_validate(e) for e in json.loads(files["data.json"])["entries"]] == found
    rows = list(csv.DictReader(io.StringIO(files["leaderboard.csv"].decode())))
    assert [(r["mitigation"], r["metric"], float(r["value"])) for r in rows] == [
        (m.mitigation, m.metric, m.value) for e in found for m in e.metrics
    ]
    assert rows[0]["pictures"] == "https://example.org/pictures"
    front = yaml.safe_load(files["README.md"].decode().split("---")[1])
    assert (front["sdk"], front["app_file"]) == ("static", "index.html")
    assert 'href="https://example.org/pictures"' in files["index.html"].decode()
    assert "README.md" not in site(found)


@pytest.mark.parametrize("installed", [True, False])
def test_a_measure_of_another_package_has_a_column(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installed: bool
) -> None:
    if installed:
        install_hat(monkeypatch)
    found = [
        *entries(add_hat(finished(tmp_path / "a")).data(), by="Ada", pictures=WITHHELD),
        *made(tmp_path / "b", by="Bob"),
    ]
    assert found[1].metric(HAT).value == 0.25
    files = site(found)
    page = files["index.html"].decode()
    (head,) = re.findall(r'<th [^>]*data-sort="m2">.*?</th>', page)
    assert ">HAT<" in head
    assert ("higher is better</small>" in head) == installed, (
        "whoever lacks it does not know which side is better"
    )
    assert '<option value="m2">HAT, lowest first</option>' in page
    # Of the same numbers the one that was added first.
    _, _, ada, bob = re.findall(r"<tbody.*?</tbody>", page, re.DOTALL)
    assert 'data-m2="0.25"' in ada
    assert "0.250 ± 0.012" in ada
    assert "16 / 18 scored" in ada, "its own denominator, where it is another"
    assert 'data-m2=""' in bob
    rows = csv.DictReader(io.StringIO(files["leaderboard.csv"].decode()))
    assert [r["value"] for r in rows if r["metric"] == "HAT"] == ["0.5", "0.25"]
    assert "HAT" in files["data.json"].decode()


def test_an_entry_may_lack_what_another_has(tmp_path: Path) -> None:
    whole, _ = made(tmp_path)
    lone = whole.model_copy(update={"metrics": whole.metrics[1:], "mitigation": "lone"})
    page = site([whole, lone])["index.html"].decode()
    none, without = re.findall(r"<tbody.*?</tbody>", page, re.DOTALL)
    assert 'data-m0="5.4"' in none
    assert 'data-m0=""' in without
    assert 'data-mitigation="lone"' in without, "what was not measured comes last"


def test_the_committed_results_are_read() -> None:
    found = read([ROOT / "results" / "leaderboard"])
    assert len(found) > 100
    page = site(found)["index.html"].decode()
    assert page.count("<tbody") == len(found)
    # Told by whoever submits them, not by the settings of the machine that they were made on.
    assert {e.submitted_by for e in found} == {"copycat maintainers"}
    first, *_ = re.findall(r"<tbody.*?>", page, re.DOTALL)
    assert 'data-mitigation="none" data-prompts="name"' in first
    old = {e.commit for e in found if e.key in older(found)}
    assert len(old) == 1
    assert {e.commit for e in found} - old, "all of them are of one earlier commit"


def leaderboard(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["leaderboard", *arguments])
    if done.exception:
        raise done.exception
    return done.output


def test_the_verb_adds_and_builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = finished(tmp_path / "run")
    monkeypatch.setattr("copycat.cli.folders.opened", lambda _: run)
    monkeypatch.chdir(tmp_path)
    assert "No results yet" in leaderboard("--out", "empty")
    with pytest.raises(UserError, match="--by"):
        leaderboard("add", "run")
    assert "2 added" in leaderboard("add", "run", "--by", "Ada")
    kept = read([tmp_path / "results" / "leaderboard" / "menagerie.jsonl"])
    assert {e.pictures.withheld for e in kept} == {"others hold the rights in these characters."}
    run.registry = Registry("test", 1, run.registry.characters, protected=False)
    with pytest.raises(UserError, match="--pictures or --withheld"):
        leaderboard("add", "run", "--by", "Ada")
    assert "2 results: site/index.html" in leaderboard()
    assert "2 results" in leaderboard("build", "results/leaderboard/menagerie.jsonl")
    Path("other").mkdir()
    Path("other/index.html").write_text("<p>mine</p>")
    with pytest.raises(RunConflict, match="another page"):
        leaderboard("results/leaderboard", "--out", "other")
    assert Path("other/index.html").read_text() == "<p>mine</p>"
    assert sorted(p.name for p in Path("other").iterdir()) == ["index.html"]


def test_the_price_on_the_innocent_has_a_column_where_it_is_known(tmp_path: Path) -> None:
    run = WithInnocents(tmp_path / "run")
    run.manifest = run.manifest.model_copy(update={**FINISHED, "judge": "menagerie@1"})
    none, negprompt = entries(run.add_innocents(), by="Ada", pictures=WITHHELD)
    assert {e.prompt_set for e in (none, negprompt)} == {"name"}
    assert none.price is None
    assert negprompt.price is not None
    assert (negprompt.price.value, negprompt.price.pairs) == (pytest.approx(0.2), 12)
    add(tmp_path / "r.jsonl", [none, negprompt])
    # As results were written before there was a price.
    lines = [json.loads(x) for x in (tmp_path / "r.jsonl").read_text().splitlines()]
    old = [{k: v for k, v in x.items() if k != "price"} for x in lines]
    (tmp_path / "old.jsonl").write_text("".join(json.dumps(x) + "\n" for x in old))
    assert all(e.price is None for e in read([tmp_path / "old.jsonl"]))
    assert {e.key for e in read([tmp_path / "old.jsonl"])} == {none.key, negprompt.key}
    files = site(read([tmp_path / "r.jsonl"]))
    page = files["index.html"].decode()
    assert 'data-sort="price"' in page
    assert "+0.200" in page
    prices = {
        r["mitigation"]: r["price_value"]
        for r in csv.DictReader(io.StringIO(files["leaderboard.csv"].decode()))
    }
    assert prices["none"] == ""
    assert float(prices["negprompt"]) == pytest.approx(0.2)
    assert "innocent" not in site(read([tmp_path / "old.jsonl"]))["index.html"].decode()


ANN = "Ann Example"


def rated(**more: Any) -> Any:
    """A calibration against labels, cited from a file of Ann's."""
    known = cited("menagerie@123")
    told = {
        "pictures": LABELLED,
        "source": f"/home/ann/ann_example.csv, {ANN}",
        "command": f"copycat calibrate one two --labels /home/ann/ann_example.csv --truth '{ANN}'",
        "commit": "0123456789abcdef",
    }
    rates = {**known.rates, **told, **more}
    return known.model_copy(update={"file": "/home/ann/as ann says.json", "rates": rates})


def test_a_row_names_no_rater(tmp_path: Path) -> None:
    run = finished(tmp_path, calibration=rated())
    told = run.data().rates
    assert told is not None
    quoted = f"errors ({told['source']}, measured by `{told['command']}`, cited from {told['cited']})"
    run.metrics = [m.model_copy(update={"corrected_note": quoted}) for m in run.metrics]
    rows = entries(run.data(), by="Ada", pictures=WITHHELD)
    row = rows[0].model_dump_json().casefold()
    assert not [secret for secret in (ANN, "ann_example", "ann says", "/home") if secret.casefold() in row]
    page = site(rows)["index.html"].decode()
    assert "labels.csv, one rater" in page
    assert "ann_example" not in page
    calibration = rows[0].calibration
    assert calibration is not None
    assert calibration["command"] == "copycat calibrate RUN --labels labels.csv"
    assert (calibration["cited"], calibration["fpr"]) == ("calibration.json", told["fpr"])
    assert rows[0].metrics[0].corrected_note == (
        "errors (labels.csv, one rater, measured by `copycat calibrate RUN --labels labels.csv`, "
        "cited from calibration.json)"
    )


@pytest.mark.parametrize(
    ("source", "command", "told"),
    [
        ("by ann.jsonl, majority of 3 raters", "", "labels.jsonl, majority of 3 raters"),
        ("lab/labels@main, Ann", "copycat calibrate one --labels x", "lab/labels@main, one rater"),
        ("ann/labels, Ann", "copycat calibrate one --labels x", "labels, one rater"),
        ("lab/bo, majority of 2 raters", "copycat calibrate one --labels x --truth 'Ann,Bo'",
         "labels, majority of 2 raters"),
        ("lab/of-raters, majority of 2 raters", "", "lab/of-raters, majority of 2 raters"),
    ],
)  # fmt: skip
def test_labels_go_by_what_names_nobody(tmp_path: Path, source: str, command: str, told: str) -> None:
    (row, _) = made(tmp_path, calibration=rated(source=source, command=command))
    assert row.calibration is not None
    assert row.calibration["source"] == told


def test_rates_that_no_rater_gave_are_told_as_they_stand(tmp_path: Path) -> None:
    (row, _) = made(tmp_path)
    known = cited("menagerie@123").rates
    assert row.calibration is not None
    assert row.calibration["command"] == known["command"]
