"""`make` explains itself, passes variables on, and refuses an old Python before doing anything."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def make(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", *args], cwd=ROOT, capture_output=True, text=True, timeout=60
    )


def test_make_alone_lists_the_targets() -> None:
    done = make()
    assert done.returncode == 0
    for target in (
        "eval",
        "robustness",
        "table1",
        "table2",
        "fig3",
        "reproduce",
        "test",
        "check",
        "audit",
        "menagerie",
        "clean",
    ):
        assert f"\n  {target} " in done.stdout


def test_eval_passes_its_variables_on() -> None:
    done = make("-n", "eval", "MODEL=sdxl", "MITIGATION=none,negprompt[keywords=3]", "SEEDS=0,1,5",
                "PROMPTS=name,description", "CHARACTERS=a,b", "LIMIT=2", "OUT=x y", "DEVICE=cpu")  # fmt: skip
    assert done.returncode == 0, done.stderr
    command = " ".join(done.stdout.replace("\\\n", " ").split())
    for part in (
        "--model 'sdxl'",
        "--mitigation 'none,negprompt[keywords=3]'",
        "--prompts 'name,description'",
        "--seeds '0,1,5'",
        "--characters 'a,b'",
        "--limit '2'",
        "--out 'x y'",
        "--device 'cpu'",
    ):
        assert part in command


def test_eval_leaves_out_what_is_empty() -> None:
    command = make("-n", "eval").stdout
    # Of the default a model may leave out what it takes no notice of; of what was asked for, nothing.
    for absent in ("--mitigation", "--limit", "--out", "--device", "--characters"):
        assert absent not in command
    assert "--mitigation 'none,negprompt'" in make("-n", "eval", "MITIGATION=none,negprompt").stdout
    assert "MITIGATION=none,negprompt " in make().stdout


def test_results_are_published_under_no_name_that_was_not_given(tmp_path: Path) -> None:
    """With a program in copycat's place that says what it was asked."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "copycat"
    program.write_text('#!/bin/sh\necho "$@"\n')
    program.chmod(0o755)
    (tmp_path / ".installed").touch()
    for given in ((), ("BY=",), ("BY= ",)):
        done = make("results", f"VENV={tmp_path}", *given)
        assert done.returncode == 2
        assert "make results BY=" in done.stderr
        assert done.stdout == "", "nothing is drawn"
    done = make("results", f"VENV={tmp_path}", "BY=Ada L.")
    assert done.returncode == 0, done.stderr
    assert "--by Ada L. --to results/leaderboard/menagerie.jsonl" in done.stdout


def test_fig3_runs_every_ranking_at_every_size() -> None:
    done = make("-n", "fig3", "SIZES=2,7", "SEEDS=1", "LIMIT=4", "OUT=here")
    command = " ".join(done.stdout.replace("\\\n", " ").split())
    sets = [f"here/mined/{r}{n}.jsonl" for r in ("cooc", "emb", "fused", "list", "common") for n in (2, 7)]
    assert f"--prompts 'name,description,{','.join(sets)}' --seeds '1' --limit '4'" in command
    for verb in ("cooccurrence", "common", "embedding", "fuse", "list"):
        assert re.search(rf"mine {verb} .*--sizes '2,7' --out 'here/mined'", command)


def test_table2_leaves_out_a_model_that_is_not_there(tmp_path: Path) -> None:
    """With a program in copycat's place that says what it was asked."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "copycat"
    program.write_text('#!/bin/sh\n[ "$1" = ls ] && echo "there  A model" && exit\necho "$@"\n')
    program.chmod(0o755)
    (tmp_path / ".installed").touch()
    for video, ran in (("absent", False), ("there", True)):
        done = make("table2", f"VENV={tmp_path}", f"VIDEO={video}", "OUT=here")
        assert done.returncode == 0, done.stderr
        assert "mine negatives --missing --model menagerie\n" in done.stdout
        needs = "--mitigation table 2 --needs mitigations --model menagerie --prompts name"
        assert f"run --model menagerie {needs}" in done.stdout
        assert (f"--out here/{video}" in done.stdout) == ran
        assert ("not run" in done.stderr) != ran
        assert f"table 2 here/menagerie {f'here/{video} ' * ran}--out here" in done.stdout


def test_the_tables_take_captions_and_a_registry_and_can_be_planned_alone() -> None:
    for target in ("table1", "table2"):
        done = " ".join(make("-n", target, "MODEL=sdxl@paper", "CORPUS=caps", "REGISTRY=mine").stdout.split())
        assert "mine negatives 'caps' --missing --model" in done
        assert done.count("--registry 'mine'") >= 3
        # Another model's row is not the menagerie's video model.
        assert "menagerie-video" not in done
        dry = make("-n", target, "MODEL=sdxl@paper", "DRY_RUN=1").stdout
        assert "--dry-run" in dry
        assert "mine negatives" not in dry
        assert "--registry" not in dry


def test_reproduce_passes_its_variables_on() -> None:
    done = make(
        "-n", "reproduce", "MODELS=sdxl@paper", "SEEDS=2", "LIMIT=3", "YES=1", "BY=Ada", "CORPUS=caps"
    )
    told = " ".join(done.stdout.replace("\\\n", " ").split())
    assert "reproduce --models 'sdxl@paper' --corpus 'caps' --seeds '2' --limit '3'" in told
    assert "--by 'Ada' --yes" in told
    assert "--yes" not in make("-n", "reproduce").stdout


def test_robustness_passes_its_variables_on() -> None:
    done = make(
        "-n", "robustness", "MITIGATIONS=sld,uce[tokens=all]", "ATTACKS=typo", "ERASED=4", "SEEDS=2", "OUT=o"
    )
    told = " ".join(done.stdout.replace("\\\n", " ").split())
    assert "robustness --model 'menagerie' --mitigations 'sld,uce[tokens=all]' --attacks 'typo'" in told
    assert "--prompts 'name' --seeds '2' --erased '4' --out 'o'" in told
    assert "--mitigations" not in make("-n", "robustness").stdout


def test_an_old_python_is_named_and_nothing_is_made(tmp_path: Path) -> None:
    old = tmp_path / "python-old"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.8.1 && exit 0\nexit 1\n')
    old.chmod(0o755)
    done = make(f"{tmp_path}/venv/.installed", f"VENV={tmp_path}/venv", f"PYTHON={old}")
    assert done.returncode == 2
    assert "needs Python 3.11 or newer" in done.stderr
    assert "Python 3.8.1" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_clean_never_names_results() -> None:
    assert "results" not in make("-n", "clean").stdout
