"""Settings, paths and terminals that nobody means: one sentence, exit code 2, and nothing written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from copycat.cli import main
from copycat.cli.main import app
from copycat.cli.parsing import seeds
from copycat.errors import MissingRequirement, UserError
from copycat.io.atomic import write_text
from copycat.mitigations import parse

LONG = "a" * 300


def fails(*arguments: str) -> str:
    """What `copycat` says of `arguments`, without a traceback."""
    done = CliRunner().invoke(app, list(arguments))
    if isinstance(done.exception, UserError):
        return str(done.exception)
    assert done.exit_code == 2, (done.exception, done.output)
    return done.output


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        (("--guidance", "inf"), "finite number"),
        (("--guidance", "nan"), "guidance"),
        (("--images", "99999999999"), "images_per_prompt"),
        (("--images", "999999"), "one run holds at most 1,000,000"),
        (("--seeds", "99999999999"), "too many seeds"),
        (("--seeds", f"{2**63},"), "the largest seed"),
        (("--steps", "9" * 25), "steps"),
        (("--workers", "999999"), "workers"),
        (("--height", "9" * 10), "height"),
        (("--batch-size", "9" * 10), "batch_size"),
        (("--characters", LONG), "Unknown character"),
        (("--mitigation", LONG), "Unknown mitigation"),
    ],
)
def test_settings_without_a_meaning_are_refused(
    setting: tuple[str, str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert told in fails("run", *setting, "--dry-run")
    assert not list(tmp_path.iterdir())


def test_seeds_that_fit_are_taken() -> None:
    assert seeds("100000")[-1] == 99_999
    assert seeds(f"{2**63 - 1},") == (2**63 - 1,)


@pytest.mark.parametrize("option", ["threshold=nan", "threshold=inf", "fpr=nan"])
def test_options_of_mitigations_are_numbers(option: str) -> None:
    with pytest.raises(UserError, match="gate"):
        parse(f"gate[{option}]+rewrite")


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--out", ""),
        ("run", "--out="),
        ("validate", ""),
        ("import-images", "", "--registry", "copycat", "--out", "x"),
        ("mine", "cooccurrence", "x.txt", "--out", ""),
        ("leaderboard", "build", "--out", ""),
    ],
)
def test_an_empty_path_is_not_the_working_folder(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "is empty; name a file or folder" in " ".join(fails(*arguments).replace("│", " ").split())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--limit", "1", "--seeds", "1", "--out", LONG),
        ("run", "--model", f"./{LONG}"),
        ("run", "--registry", f"{LONG}.yaml"),
        ("run", "--prompts", f"{LONG}.jsonl"),
        ("judge", LONG),
        ("validate", f"{LONG}.yaml"),
    ],
)
def test_an_over_long_name_is_one_sentence(
    arguments: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["copycat", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main.main()
    told = capsys.readouterr()
    assert stopped.value.code == 2
    assert "too long" in told.err + told.out
    assert len(told.err.splitlines()) <= 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", [LONG, "a\0b"])
def test_what_can_name_no_file_is_not_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(MissingRequirement, match="Cannot write"):
        write_text(tmp_path / name, "x")


@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
def test_a_terminal_of_another_encoding_is_served(encoding: str) -> None:
    start = (
        "import sys, typer\n"
        "from copycat.cli import main\n"
        "main.app.command('say')(lambda: typer.echo('Zoë ★ \\udcff'))\n"
        "sys.argv = ['copycat', 'say']\n"
        "main.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", start],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": encoding},
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # Of ASCII alone typer thinks that it is not meant, and writes UTF-8.
    assert b"\\u2605 \\udcff" in done.stdout or encoding == "ascii"
