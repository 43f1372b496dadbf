"""`copycat audit`: exit codes, files, several data sets at once, the hub, and a labelled sample."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from copycat.audit.dataset import Dataset
from copycat.audit.results import Report
from copycat.audit.run import audit
from copycat.audit.sample import error_rate, read_sample
from copycat.audit.write import page
from copycat.cli.main import app
from copycat.errors import BadFile
from copycat.stats.proportions import wilson
from tests.audit.twins import kites, lanterns
from tests.helpers import hub as hubs
from tests.helpers.hub import Hub

pytest.importorskip("mlcroissant")
RUNNER = CliRunner()


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    return lanterns().write(tmp_path / "lanterns")


def test_a_clean_data_set_ends_with_0_and_a_faulty_one_with_1(clean: Path, tmp_path: Path) -> None:
    good = RUNNER.invoke(app, ["audit", str(clean), "--out", str(tmp_path / "out")])
    assert good.exit_code == 0, good.output
    body = json.loads((tmp_path / "out" / "audit.json").read_text())
    assert Report.model_validate(body).count("fail") == 0
    (clean / "LICENSE").unlink()
    bad = RUNNER.invoke(app, ["audit", str(clean)])
    assert bad.exit_code == 1
    assert "licence-text: There is no LICENSE file" in bad.output


def test_unknown_fails_only_when_asked_for(tmp_path: Path) -> None:
    twin = kites()
    twin.front["version"] = None
    twin.files["CHANGELOG.md"] = "# Changelog\n\n## 2.0.0\n"
    twin.croissant = None
    folder = twin.write(tmp_path / "d")
    told = json.loads(RUNNER.invoke(app, ["audit", str(folder), "--json"]).stdout)[0]
    status = {f["item"]: f["status"] for f in told["findings"]}
    assert status["same-version"] == "unknown"
    twin = kites()
    twin.sections["Translation"] = "Some sentences are machine translated from Dutch."
    folder = twin.write(tmp_path / "e")
    assert RUNNER.invoke(app, ["audit", str(folder)]).exit_code == 0
    assert RUNNER.invoke(app, ["audit", str(folder), "--fail-on", "unknown"]).exit_code == 1


def test_what_is_not_there_gets_a_line_and_the_rest_goes_on(clean: Path, tmp_path: Path) -> None:
    (tmp_path / "file.txt").write_text("x")
    args = ["audit", str(tmp_path / "no"), str(tmp_path / "file.txt"), str(clean), "--json"]
    done = RUNNER.invoke(app, args)
    assert done.exit_code == 2
    assert len(json.loads(done.stdout)) == 1
    lines = [line for line in done.stderr.splitlines() if "folder" in line]
    assert len(lines) == 2
    assert "Traceback" not in done.output


def test_a_folder_without_a_card_is_audited_all_the_same(tmp_path: Path) -> None:
    folder = lanterns().write(tmp_path / "d")
    (folder / "README.md").unlink()
    done = RUNNER.invoke(app, ["audit", str(folder)])
    assert done.exit_code == 1
    assert "It has no card: README.md is missing." in done.output


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    with hubs.running() as server:
        for proxy in (
            "HTTP_PROXY",
            "http_proxy",
            "HTTPS_PROXY",
            "https_proxy",
            "ALL_PROXY",
            "all_proxy",
            "HF_TOKEN",
        ):
            monkeypatch.delenv(proxy, raising=False)
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", server.url)
        template = server.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "no-token"))
        yield server


def test_data_sets_of_the_hub(hub: Hub, clean: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = {p.relative_to(clean).as_posix(): p.read_bytes() for p in clean.rglob("*") if p.is_file()}
    hub.commits["ada/lanterns"] = [("c" * 40, tree)]
    done = RUNNER.invoke(app, ["audit", "ada/gone", "ada/lanterns", "--json"])
    assert done.exit_code == 2
    assert "There is no dataset ada/gone on the hub" in done.stderr
    (report,) = map(Report.model_validate, json.loads(done.stdout))
    assert (report.dataset, report.revision, report.count("fail")) == ("ada/lanterns", "c" * 40, 0)
    # Of what is too large the words alone are fetched, and items are then not known.
    monkeypatch.setattr(
        "copycat.audit.find.MOST_FETCHED", sum(len(v) for k, v in tree.items() if "jsonl" not in k)
    )
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(clean.parent / "cache2"))
    done = RUNNER.invoke(app, ["audit", "ada/lanterns", "--json"])
    (report,) = map(Report.model_validate, json.loads(done.stdout))
    assert report.of("item-licence").status == "unknown"
    assert "too large" in report.of("item-licence").reason
    assert report.count("fail") == 0


def test_tables_of_the_hub_that_were_not_fetched_are_told(
    hub: Hub, clean: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = {p.relative_to(clean).as_posix(): p.read_bytes() for p in clean.rglob("*") if p.is_file()}
    hub.commits["ada/lanterns"] = [("c" * 40, tree | {"data/more.csv": b"text\n" + b"a\n" * 100_000})]
    monkeypatch.setattr("copycat.audit.find.MOST_FETCHED", 150_000)
    done = RUNNER.invoke(app, ["audit", "ada/lanterns", "--json"])
    (report,) = map(Report.model_validate, json.loads(done.stdout))
    assert report.rows > 0
    assert ["1 of its tables were not fetched, such as data/more.csv" in e.found for e in report.unread] == [
        True
    ]


def test_how_often_licences_are_wrong(clean: Path, tmp_path: Path) -> None:
    sample = tmp_path / "true.csv"
    rows = ["item,true_licence", "t000,CC-BY-4.0", "t001,cc0-1.0", "t002,none", "s001,CC0-1.0", "t999,MIT"]
    sample.write_text("\n".join(rows) + "\n")
    found = error_rate(Dataset(clean, "x"), read_sample(sample))
    assert (found.wrong, found.checked, found.not_found) == (1, 4, 1)
    assert (found.low, found.high) == wilson(1, 4)
    assert "t002: MIT, in truth none" in found.evidence[0].found
    report = audit(Dataset(clean, "x", licence_errors=found))
    assert "1 of 4 licences of the labelled sample are wrong: 25.0%" in report.of("licence-errors").reason
    said = "1 of 4 labelled items have another licence than they should: 25.0% (95 % interval"
    assert said in RUNNER.invoke(app, ["audit", str(clean), "--sample", str(sample)]).stdout
    assert said in page(report)
    assert "t002: MIT, in truth none" in page(report)
    done = RUNNER.invoke(app, ["audit", str(clean), "--sample", str(sample), "--json"])
    assert json.loads(done.stdout)[0]["licence_errors"]["wrong"] == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("item,true_licence\n", "has no rows"),
        ("item,true_licence\na,CC BY\n", "no licence that SPDX knows"),
        ("item,true_licence\na,MIT\na,CC0-1.0\n", "twice"),
        ("x,y\n1,2\n", "needs an `item`"),
    ],
)
def test_a_sample_that_is_none(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "s.csv"
    path.write_text(text)
    with pytest.raises(BadFile, match=told):
        read_sample(path)


def test_the_page_shows_every_item_and_escapes_what_it_quotes(tmp_path: Path) -> None:
    twin = lanterns()
    twin.tables["data/texts.jsonl"][0]["license"] = "<script>alert(1)</script>"
    report = audit(Dataset(twin.write(tmp_path / "d"), "<b>x</b>"))
    shown = page(report)
    assert all(f'id="{f.item}"' in shown for f in report.findings)
    assert "<script>" not in shown
    assert "<b>x</b>" not in shown
    assert "&lt;script&gt;alert(1)" in shown


def test_two_folders_that_are_called_alike_get_a_folder_each(tmp_path: Path) -> None:
    folders = [str(kites().write(tmp_path / place / "data")) for place in ("a", "b")]
    RUNNER.invoke(app, ["audit", *folders, "--out", str(tmp_path / "out")])
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["data", "data-2"]


def test_without_mlcroissant_its_item_is_unknown(clean: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlcroissant", None)
    finding = audit(Dataset(clean, "x")).of("croissant")
    assert finding.status == "unknown"
    assert "install `mlcroissant" in finding.reason
