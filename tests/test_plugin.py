"""A package adds a measure, a mitigation, a judge and a model by entry points alone.

Whatever shows results shows them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import copycat
from copycat.cli.main import app
from copycat.errors import UserError
from copycat.leaderboard import read as read_results
from copycat.measures import DETECT, measure, measures
from copycat.records import Verdict, YesNo
from copycat.resolve import ResolvedRun
from copycat.runs.folder import RunFolder
from copycat.runtime.progress import Progress
from copycat.stages.generate import generate
from copycat.stages.judge import judge
from copycat.stages.plan import prepare
from copycat.stages.run import complete
from copycat.stages.score import score
from tests.conftest import Tiny
from tests.helpers import plugin
from tests.helpers.pages import sheet


@pytest.fixture(scope="module")
def finished(plugin_site: Path, tiny_models: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of nothing but what the package adds, on the tiny registry."""
    out = tmp_path_factory.mktemp("runs") / "hats"
    with plugin.activated(plugin_site):
        copycat.run(
            "plain", judge="redness", registry=str(tiny_models.registry), prompts=str(tiny_models.prompts),
            mitigations=["none", "bareheaded[insist=true]"], seeds=2, out=out, quiet=True,
        )  # fmt: skip
    return out


@pytest.fixture
def hats(finished: Path, plugin: None, tmp_path: Path) -> RunFolder:
    """A copy of that run, with the package still there."""
    return RunFolder(shutil.copytree(finished, tmp_path / "hats"))


def command(*args: str | Path) -> None:
    app([str(a) for a in args], standalone_mode=False)


def hat_values(folder: RunFolder) -> dict[str, float | None]:
    return {m.mitigation: m.value for m in folder.data().metrics if m.metric == "HAT"}


def test_the_numbers_hold_the_measure(hats: RunFolder) -> None:
    data = hats.data()
    assert [m.name for m in data.measures] == ["DETECT", "DETECT_targeted", "CONS", "HAT"]
    said = [v for v in data.verdicts if v.kind == "hat"]
    assert len(said) == len(data.requests) == 12
    for mitigation, value in hat_values(hats).items():
        mine = {r.id for r in data.requests if r.mitigation == mitigation}
        by_hand = [v.answer.p_yes for v in said if v.request in mine and isinstance(v.answer, YesNo)]
        assert value == pytest.approx(sum(by_hand) / 6)
    on_disk = json.loads(hats.metrics_path.read_text())
    assert "HAT" in {m["metric"] for m in on_disk}
    assert len(set(hat_values(hats).values())) == 2, "the mitigation does something"
    bare = next(r for r in data.requests if r.mitigation.startswith("bareheaded"))
    assert bare.prompt == f"{bare.source_prompt}, without a hat, without a hat"
    assert [(s.name, s.config) for s in bare.provenance] == [("bareheaded", {"insist": True})]


def test_the_python_interface_has_it_beside_the_others(hats: RunFolder) -> None:
    run = copycat.load_run(hats.path)
    assert run.pictures["HAT"].between(0, 1).all()
    assert set(run.metrics["metric"]) >= {"DETECT", "HAT"}
    assert (run.verdicts["kind"] == "hat").sum() == 12
    assert "HAT" in run._repr_html_()


def test_tables_and_the_page_show_it(hats: RunFolder) -> None:
    command("report", hats.path)
    assert "HAT \u2191" in (hats.path / "table.md").read_text()
    assert "HAT" in (hats.path / "table.tex").read_text()
    assert "HAT" in set(pd.read_csv(hats.path / "table.csv")["metric"])
    page = hats.page_path.read_text()
    assert "HAT" in page
    hat = measure("HAT")
    values = sorted(o.value or 0 for o in hats.data().observations(hat).values())
    # What the page's script lays out beside each picture.
    assert sorted(p["values"][hat.title] for p in sheet(page)) == pytest.approx(values, abs=1e-4)


def test_compare_shows_it(hats: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command("compare", hats.path, "--out", tmp_path / "compared")
    assert "HAT" in capsys.readouterr().out
    assert "HAT" in (tmp_path / "compared" / "compare.html").read_text()
    written = "".join(p.read_text() for p in (tmp_path / "compared").glob("*.csv"))
    assert "HAT" in written


def test_a_published_dataset_holds_it_and_gives_it_back(hats: RunFolder, tmp_path: Path) -> None:
    command("publish", hats.path, "--to", tmp_path / "dataset")
    metrics = pd.concat(pd.read_parquet(p) for p in (tmp_path / "dataset").rglob("*metrics*.parquet"))
    assert "HAT" in set(metrics["metric"])
    assert "HAT" in (tmp_path / "dataset" / "README.md").read_text()
    command("pull", tmp_path / "dataset", "--to", tmp_path / "pulled")
    pulled = RunFolder(tmp_path / "pulled").open()
    assert pulled.data().metrics == hats.data().metrics
    assert pulled.data().verdict_rows == hats.data().verdict_rows


def test_the_leaderboard_shows_it(hats: RunFolder, tmp_path: Path) -> None:
    rows = tmp_path / "results" / "plain.jsonl"
    command("leaderboard", "add", hats.path, "--by", "A tester", "--to", rows)
    assert {m.metric for e in read_results([rows]) for m in e.metrics} >= {"DETECT", "HAT"}
    command("leaderboard", rows, "--out", tmp_path / "site")
    for name in ("index.html", "data.json", "leaderboard.csv"):
        assert "HAT" in (tmp_path / "site" / name).read_text(), name


def test_the_command_finds_it_all_in_a_process_of_its_own(
    plugin: None, tiny_models: Tiny, tmp_path: Path, hats: RunFolder
) -> None:
    told = {
        "--model": "plain", "--judge": "redness", "--registry": tiny_models.registry, "--seeds": 2,
        "--prompts": tiny_models.prompts, "--mitigation": "none,bareheaded[insist=true]",
        "--out": tmp_path / "run", "--workers": 2,
    }  # fmt: skip
    start = "from copycat.cli.main import main; main()"
    words = [str(word) for pair in told.items() for word in pair]
    done = subprocess.run(
        [sys.executable, "-c", start, "run", *words], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert "HAT" in done.stdout, "in the summary"
    there = RunFolder(tmp_path / "run")
    assert there.data().metrics == hats.data().metrics, "two workers, the same numbers"
    listed = subprocess.run(
        [sys.executable, "-c", start, "ls", "measures"], capture_output=True, text=True, timeout=60
    )
    assert "HAT" in listed.stdout


def test_models_that_know_nothing_of_it_are_measured_too(
    plugin: None, config: Callable[..., ResolvedRun]
) -> None:
    run = config(mitigations=("none", "bareheaded+negprompt"), seeds=(0,))
    data = complete(prepare(run), run, Progress())
    (plain, bare) = (m for m in data.metrics if m.metric == "HAT")
    assert (plain.scored, bare.scored) == (3, 3)
    assert plain.value != bare.value
    (first, *_) = (r for r in data.requests if r.mitigation == "bareheaded+negprompt")
    assert [s.name for s in first.provenance] == ["bareheaded", "negprompt"]


def test_a_run_measures_what_it_was_asked_for(
    plugin: None, config: Callable[..., ResolvedRun], tmp_path: Path
) -> None:
    run = config(measures=("HAT",), mitigations=("none",), seeds=(0,))
    assert run.judging.measures == measures(["HAT"])
    data = complete(prepare(run), run, Progress())
    assert [m.metric for m in data.metrics] == ["HAT"]
    assert {v.kind for v in data.verdicts} == {"hat"}
    with pytest.raises(UserError, match="no-such"):
        config(measures=("no-such",), out=tmp_path / "other")


def test_a_run_from_before_it_was_installed_gets_it_and_is_asked_nothing_else(
    plugin_site: Path, config: Callable[..., ResolvedRun]
) -> None:
    folder = prepare(config(mitigations=("none",), seeds=(0,)))
    generate(folder)
    judge(folder)
    before = {m.metric: m for m in score(folder)}
    assert "HAT" not in before
    with plugin.activated(plugin_site):
        assert judge(folder) == 3
        after = {m.metric: m for m in score(folder)}
    assert after.pop("HAT").scored == 3
    assert after == before


def test_without_it_a_run_still_opens_and_keeps_its_numbers(finished: Path, tmp_path: Path) -> None:
    """As on another machine: the rows are read and shown, and no number is lost."""
    there = shutil.copytree(finished, tmp_path / "elsewhere")
    program = f"""
import sys
from copycat.runs.folder import RunFolder
from copycat.stages.report import report
from copycat.stages.score import score
folder = RunFolder({str(there)!r})
data = folder.open().data()
assert "copycat_plugin" not in sys.modules
print([m.name for m in data.measures], sum(v.kind == "hat" for v in data.verdicts))
numbers = lambda: dict(((m.metric, m.mitigation), m) for m in folder.metrics())
before = numbers()
score(folder)
assert numbers() == before
print("HAT" in report(folder).read_text())
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120,
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        | {"PYTHONPATH": str(Path(copycat.__file__).parents[1])},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["['DETECT', 'DETECT_targeted', 'CONS', 'HAT'] 12", "True"]


def test_a_verdict_of_the_package_is_a_row_like_any_other(hats: RunFolder) -> None:
    (first, *_) = (v for v in hats.data().verdicts if v.kind == "hat")
    assert Verdict.model_validate_json(first.model_dump_json()) == first
    assert measure("HAT").value(first, hats.data().registry["zori"]) is not None
    assert DETECT.read(first.answer, hats.data().registry["zori"]) is None
