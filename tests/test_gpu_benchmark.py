"""benchmarks/gpu.py at its smallest: the real stages on tiny models, and a row for each figure."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from benchmarks import gpu
from benchmarks.gpu_table import BARS, Bar, Row, verdict
from copycat.runs.folder import RunFolder
from tests.helpers.provider import Provider, providing

NOT_HERE = "only a GPU counts it"


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gpu")


@pytest.fixture(scope="module")
def rows(work: Path) -> Iterator[list[Row]]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch, providing(Provider(latency=0)) as server:
        for name in ("COPYCAT_CACHE", "COPYCAT_HOME"):
            patch.setenv(name, "")
        where = ["--size", "tiny", "--device", "cpu", "--work", str(work), "--minutes", "60"]
        yield gpu.main([*where, "--server", server.url, "--json", str(work / "rows.json")])
    torch.set_num_threads(threads)


def test_there_is_a_figure_for_everything(rows: list[Row], work: Path) -> None:
    lacking = {row.key: row.note for row in rows if row.value is None}
    assert lacking == dict.fromkeys(("sdxl memory", "judge memory", "flux memory"), NOT_HERE)
    assert set(BARS) <= {row.key for row in rows}
    for row in rows:
        if row.value is not None:
            assert math.isfinite(row.value), row
            # What is held when a stage is over is to be nothing.
            assert row.value > 0 or row.key.endswith("left"), row
    told = json.loads((work / "rows.json").read_text())
    assert [row["key"] for row in told["rows"]] == [row.key for row in rows]
    assert {row["verdict"] for row in told["rows"]} == {"", "not for this size"}


def test_nothing_of_a_generator_is_left_when_the_judge_begins(rows: list[Row]) -> None:
    left = {row.key: row.value for row in rows if row.key.endswith("left")}
    assert left == {"sdxl memory left": 0, "judge memory left": 0, "flux memory left": 0}


@pytest.mark.parametrize("name", ["sdxl-eager", "sdxl-compiled", "flux-eager", "flux-compiled"])
def test_the_stages_left_their_rows(rows: list[Row], work: Path, name: str) -> None:
    data = RunFolder(work / "runs" / name).data()
    assert len(data.requests) >= 3
    assert {row.outcome for row in data.image_rows} == {"ok"}
    assert len(data.image_rows) == len(data.requests)
    asked = {v.judge.partition("@")[0] for v in data.verdicts}
    assert asked == ({"judge-tiny", "server"} if name == "sdxl-eager" else set())
    for kind in {v.kind for v in data.verdicts}:
        about = {v.request for v in data.verdicts if v.kind == kind and v.judge.startswith("judge-tiny")}
        assert about == {r.id for r in data.requests}


def test_a_part_that_does_not_fit_says_so(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = gpu.main(["--size", "tiny", "--device", "cpu", "--work", str(work), "--minutes", "-1"])
    assert {row.value for row in found} == {None}
    assert "minutes were over" in capsys.readouterr().out
    assert all("(--minutes)" in row.note for row in found)


def test_a_bar_is_met_or_not() -> None:
    assert str(Bar(0.4, least=False)) == "≤ 0.4"
    for value, told in ((1.0, "met"), (0.9, "NOT MET"), (None, "not measured")):
        assert verdict(Row("sdxl stage", "", value=value), barred=True) == told
    for value, told in ((0.3, "met"), (0.5, "NOT MET")):
        assert verdict(Row("judge stage", "", value=value), barred=True) == told
    assert verdict(Row("judge stage", "", value=0.3), barred=False) == "not for this size"
    assert verdict(Row("server", "", value=1), barred=True) == ""
