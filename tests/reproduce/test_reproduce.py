"""Tables 1 and 2 from what they cost to what can be published, on the menagerie and a tiny folder."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from typer.testing import CliRunner

from copycat.cards.seconds import seconds
from copycat.cli.main import app
from copycat.errors import BadFile, UserError
from copycat.io.hub import download_gb
from copycat.io.paths import DATA
from copycat.leaderboard import read
from copycat.paper import load
from copycat.paper.fill import Block, Cell, Filled, Row
from copycat.paper.published import PaperTable, Published
from copycat.records import Metric
from copycat.reproduce.differences import differences, markdown
from tests.conftest import Tiny


def reproduce(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["reproduce", *arguments])
    if done.exception:
        raise done.exception
    return " ".join(done.output.split())


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPYCAT_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


def test_a_tiny_folder_from_cost_to_rows_and_again(tiny_models: Tiny, tmp_path: Path) -> None:
    out = tmp_path / "rep"
    few = (
        "--models", str(tiny_models.sd), "--registry", str(tiny_models.registry), "--judge",
        str(tiny_models.judge),
        "--seeds", "1", "--limit", "1", "--steps", "1", "--out", str(out), "--by", "Ada",
    )  # fmt: skip
    with pytest.raises(UserError, match="--yes"):
        reproduce(*few)
    assert not out.exists()
    told = reproduce(*few, "--yes")
    assert "at most 22 pictures, an unknown time of drawing" in told
    assert "to download: nothing" in told
    assert "has no ranking by co-occurrence, and there are no captions" in told
    for name in ("table1.md", "table2.md", "table1.csv", "differences.md", "dataset/README.md"):
        assert (out / name).is_file(), name
    rows = read([out / "leaderboard"])
    assert {r.submitted_by for r in rows} == {"Ada"}
    found = list(csv.DictReader((out / "differences.csv").open()))
    # The one character is scaled to the paper's fifty, and says so; the table's other cells were not run.
    assert {r["table"] for r in found} == {"1"}
    assert all("scaled to 50" in r["note"] for r in found if r["measure"] == "DETECT")
    assert all("the paper's is of Playground v2.5" in r["note"] for r in found)
    assert "not run" in (out / "table1.md").read_text()
    # Again nothing is drawn, and everything is made from the rows.
    (out / "table1.md").unlink()
    assert "is finished; nothing is left to do" in reproduce(*few, "--yes")
    assert (out / "table1.md").is_file()


def test_real_models_are_told_and_planned_without_a_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The hub would be asked for sizes, and cannot be in a test.
    monkeypatch.setattr("copycat.reproduce.cost.download_gb", lambda *a: None)
    few = ("--models", "playground@paper,sdxl@paper", "--limit", "2", "--seeds", "1")
    told = reproduce(*few, "--dry-run")
    assert "playground@paper: at most 44 pictures, about 0.1 h of drawing" in told
    assert "licence of sdxl@paper: CreativeML Open RAIL++-M" in told
    assert "size unknown, since the hub does not answer" in told
    assert "to download: unknown" in told
    assert "two A100" in told
    assert "mine negatives CORPUS --registry copycat` (see --help), or" in told
    assert "`copycat import-upstream CHECKOUT --registry copycat`" in told
    assert "8 conditions cannot be asked for: The registry copycat has no ranking 'emb'" in told
    # Names: 6 conditions without EmbSim and co-occurrence twice, and Table 2's second choice.
    assert "22 images with playground@paper" in told
    assert "4 images with sdxl@paper" in told
    with pytest.raises(UserError, match=r"GPU|hub"):
        reproduce(*few, "--yes", "--out", str(tmp_path / "rep"))
    assert not (tmp_path / "rep").exists()


def test_judging_is_reckoned_by_what_is_asked_and_gated_judges_are_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As docs/reproduce-the-paper.md has it: a bare name asks nothing of CONS_prompt."""
    monkeypatch.setattr("copycat.reproduce.cost.download_gb", lambda *a: None)
    told = reproduce("--models", "playground", "--judge", "gemma-3-4b", "--dry-run")
    assert "at most 3300 pictures, about 4.7 h of drawing, about 0.8 h of judging" in told
    assert "the weights of gemma-3-4b are gated: accept the licence on the hub" in told
    assert "the weights of playground are gated" not in told


def test_seconds_are_those_of_the_published_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = seconds()
    assert (found.seconds["sdxl@paper"], found.seconds["videofusion"]) == (36.4, 6.7)
    assert "sdxl" not in found.seconds
    text = (DATA / "seconds.yaml").read_text(encoding="utf-8").replace("playground,", "playgroud,")
    (tmp_path / "seconds.yaml").write_text(text)
    (tmp_path / "published").symlink_to(DATA / "published")
    monkeypatch.setattr("copycat.cards.seconds.DATA", tmp_path)
    with pytest.raises(BadFile, match=r"names playgroud, which table4\.yaml lacks"):
        seconds.__wrapped__()


def test_a_model_without_negative_prompts_is_refused_before_it_is_reckoned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("copycat.cli.reproduce.typer.echo", lambda line: pytest.fail(line))
    with pytest.raises(UserError, match="GPT Image 2 takes no negative prompt"):
        reproduce("--models", "gpt-image-2", "--limit", "1", "--seeds", "1", "--dry-run")


def test_mistakes() -> None:
    for arguments, message in (
        (("--models", "menagerie,menagerie"), "each once"),
        (("--models", "menagerie", "--table1", "sdxl"), "not among the models"),
        (("--models", "menagerei"), "Did you mean menagerie"),
    ):
        with pytest.raises(UserError, match=message):
            reproduce(*arguments)


def test_an_unreachable_hub_knows_no_size(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import HfApi

    class File:
        def __init__(self, name: str, size: int) -> None:
            self.rfilename, self.size = name, size

    class Info:
        siblings = (
            File("sd_xl_base.safetensors", 9_000_000_000), File("README.md", 5),
            File("unet/model.safetensors", 4_000_000_000), File("unet/model.fp16.safetensors", 2_000_000_000),
            File("vae/model.safetensors", 1_000_000_000),
        )  # fmt: skip

    monkeypatch.setattr(HfApi, "model_info", lambda *a, **k: Info())
    assert download_gb("a/b", "c", "fp16") == 3
    assert download_gb("a/b", "c") == 5

    def gone(*a: object, **k: object) -> None:
        raise OSError

    monkeypatch.setattr(HfApi, "model_info", gone)
    assert download_gb("a/b", "c") is None


def test_a_difference_knows_both_sides_uncertainty() -> None:
    table = load("2")
    assert isinstance(table, PaperTable)

    def metric(value: float, low: float, high: float) -> Metric:
        return Metric(
            metric="DETECT", mitigation="none", prompt_set="name", value=value, sd=None, low=low, high=high,
            fixed_low=value - 1, fixed_high=value + 1, all_low=value - 2, all_high=value,
            characters=25, images=75, scored=75, unscored=0, refused=0, errors=0, method="x",
        )  # fmt: skip

    cell = Cell(Published(detect=30, detect_sd=2.0), None, metric(10, 8, 12))
    other = Cell(Published(detect=5), None, metric(10, 8, 12))
    filled = Filled(table, (Block(None, (Row("x", (cell, other)),)),), (), ())
    first, second = differences(filled)
    # Ours is 20 of 50 in [16, 24]; theirs 30 ± 4.303 · 2 · √1.5 / √3 = 30 ± 6.085; √(4² + 6.085²) = 7.282.
    assert (first.ours, first.low, first.high, first.difference) == (20, 16, 24, -10)
    assert first.difference_low == pytest.approx(-17.282, abs=2e-3)
    assert first.difference_high == pytest.approx(-2.718, abs=2e-3)
    assert first.reads == "ours is lower"
    assert (second.difference, second.difference_low, second.reads) == (15, None, "no interval")
    assert "1 of them with an interval" not in markdown([second])
    assert (first.fixed_low, first.fixed_high, first.all_low, first.all_high) == (18, 22, 16, 20)
    assert first.difference_fixed_low == pytest.approx(-10 - (2**2 + 6.085**2) ** 0.5, abs=2e-3)
    told = markdown([first])
    assert "20.00, these [18.00, 22.00], like these [16.00, 24.00], of all asked for 16.00 … 20.00" in told
    assert "-10.00, these [-16.41, -3.59], like these [-17.28, -2.72]" in told
