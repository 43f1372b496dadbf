"""The program from outside: exit codes, one-line errors, and what help may import."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from copycat.cards.models import ModelCard
from copycat.cli.main import app, main
from copycat.cli.parsing import items, seeds
from copycat.errors import UserError
from copycat.io.paths import ROOT
from copycat.records import Sampling
from copycat.stages.plan import obstacle
from tests.conftest import Tiny

START = "import sys; from copycat.cli.main import main; main()"


def copycat(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", START, *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=120,
        check=False,
    )


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom copycat.cli.main import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "heavy = {'torch', 'diffusers', 'transformers', 'pandas', 'numpy', 'pydantic', 'yaml'}\n"
        "bad = heavy & set(sys.modules)\n"
        "sys.exit(str(bad) if bad else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "doctor" in done.stdout


def test_help_loads_nothing_that_takes_long() -> None:
    code = (
        "import sys; sys.argv = ['copycat', '--help']\n"
        "from copycat.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stderr.split()}
    assert "typer" in loaded
    slow = {
        "torch",
        "diffusers",
        "transformers",
        "numpy",
        "pandas",
        "PIL",
        "pydantic",
        "yaml",
        "openai",
        "av",
    }
    assert not loaded & slow


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("ls", "modles"), "Did you mean models"),
        (("run", "--model", "menagrie"), "Did you mean menagerie"),
        (("run", "--seeds", "none"), "not a number of seeds"),
        (("report", "no-such-run"), "Unknown run"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(arguments: tuple[str, ...], hint: str, tmp_path: Path) -> None:
    done = copycat(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert hint in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_is_130_and_says_how_to_resume() -> None:
    code = (
        "import copycat.cli.main as m\n"
        "@m.app.command('wait')\n"
        "def wait() -> None: raise KeyboardInterrupt\n"
        "m.main()"
    )
    done = subprocess.run([sys.executable, "-c", code, "wait"], capture_output=True, text=True, check=False)
    assert done.returncode == 130
    assert "resume" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("error", ["torch.OutOfMemoryError('CUDA: 3 GiB')", "MemoryError()"])
def test_lack_of_memory_is_one_line_that_says_what_to_do(error: str) -> None:
    code = (
        "import torch\nimport copycat.cli.main as program\n"
        f"def app(**_): raise {error}\nprogram.app = app\nprogram.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "--device cpu" in done.stderr


@pytest.mark.parametrize(
    "what", ["models", "mitigations", "judges", "prompts", "characters", "tables", "runs"]
)
def test_ls(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["ls", what])
    assert done.exit_code == 0, done.output


def verbs(tiny_models: Tiny, out: Path, *more: str) -> tuple[str, ...]:
    """A `run` of three characters with the tiny models."""
    return (
        *("run", "--model", str(tiny_models.sd), "--judge", str(tiny_models.judge)),
        *("--registry", str(tiny_models.registry), "--prompts", str(tiny_models.prompts)),
        *("--steps", "2", "--seeds", "1", "--batch-size", "2", "--out", str(out), *more),
    )


def test_a_dry_run_writes_nothing(tiny_models: Tiny, tmp_path: Path) -> None:
    done = copycat(*verbs(tiny_models, tmp_path / "run", "--dry-run"), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "6 images" in done.stdout
    assert "Dry run" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_verbs_one_after_the_other(tiny_models: Tiny, tmp_path: Path) -> None:
    out = tmp_path / "run"
    done = copycat(*verbs(tiny_models, out))
    assert done.returncode == 0, done.stderr
    assert "generate: 6/6" in done.stderr
    assert str(out / "report.html") in done.stdout
    table = (out / "table.md").read_text()
    for left in ("verdicts.jsonl", "metrics.json", "table.md", "report.html"):
        (out / left).unlink()
    for verb in ("judge", "score", "report"):
        again = CliRunner().invoke(app, [verb, str(out)])
        assert again.exit_code == 0, again.output
    assert (out / "table.md").read_text() == table
    assert (out / "report.html").is_file()
    done = copycat(*verbs(tiny_models, out))
    assert "is finished; nothing is left to do" in done.stdout


def test_a_pressed_ctrl_c_is_one_line_130_and_resumable(tiny_models: Tiny, tmp_path: Path) -> None:
    out = tmp_path / "run"
    more = ("--seeds", "12")
    process = subprocess.Popen(
        [sys.executable, "-c", START, *verbs(tiny_models, out, *more)],
        stderr=subprocess.PIPE,
        text=True,
        # A test run in the background ignores Ctrl-C, and its children would with it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 120
    rows = out / "images.jsonl"
    while not (rows.is_file() and rows.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Traceback" not in told
    assert "resume" in told.splitlines()[-1]
    kept = len(rows.read_text().splitlines())
    assert 0 < kept < 72
    assert copycat("ls", "runs", cwd=tmp_path).returncode == 0
    done = copycat(*verbs(tiny_models, out, *more))
    assert done.returncode == 0, done.stderr
    assert f"generate: {72 - kept}/{72 - kept}" in done.stderr


def test_seeds_and_lists() -> None:
    assert seeds("3") == (0, 1, 2)
    assert seeds("0,1,5") == (0, 1, 5)
    assert seeds("7,") == (7,)
    assert items("none, negprompt[keywords=3,x=1],a+b") == ("none", "negprompt[keywords=3,x=1]", "a+b")


@pytest.mark.parametrize("text", ["", "0", "-1", "x", "1,1", "1.5"])
def test_wrong_seeds(text: str) -> None:
    with pytest.raises(UserError):
        seeds(text)


def test_doctor_says_why_a_model_cannot_run() -> None:
    card = ModelCard(
        name="big",
        title="Big",
        source="someone/big",
        revision="0" * 40,
        pipeline="StableDiffusionXLPipeline",
        sampling=Sampling(steps=1, guidance=1, height=64, width=64),
        min_gpu_gb=10,
    )
    assert "--device cpu" in (obstacle(card, None) or "")
    assert "this one has 8 GB" in (obstacle(card, 8) or "")
    assert obstacle(card, 24) is None


def test_doctor_runs() -> None:
    done = copycat("doctor")
    assert done.returncode == 0, done.stderr
    assert "Python" in done.stdout
    assert "sdxl" in done.stdout


def test_ctrl_c_before_the_program_has_begun_is_a_sentence_too(monkeypatch, capsys) -> None:
    def interrupted(**given: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("copycat.cli.main.app", interrupted)
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 130
    assert capsys.readouterr().err == "Stopped. Run the same command again to resume.\n"
