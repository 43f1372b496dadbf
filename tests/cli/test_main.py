"""The program from outside: exit codes, one-line errors, and what help may import."""

from __future__ import annotations

import datetime as dt
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from copycat.cards.judges import JudgeCard
from copycat.cards.llms import LLMCard
from copycat.cards.models import ModelCard
from copycat.cards.weights import Retirement
from copycat.cli.ls import KINDS
from copycat.cli.main import app, main
from copycat.cli.parsing import items, seeds
from copycat.errors import UserError
from copycat.io.hosted import Api
from copycat.io.paths import ROOT
from copycat.records import Sampling
from copycat.stages.obstacles import obstacles, to_fetch
from tests.conftest import Tiny
from tests.helpers.signals import listen_to_ctrl_c

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


def test_the_package_runs_as_the_program_does(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "copycat", "ls", "modles"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 2
    assert "Did you mean models" in done.stderr
    assert len(done.stderr.splitlines()) == 1


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


def test_ctrl_c_inside_a_serialiser_is_130_too() -> None:
    code = (
        "import os, signal\nfrom typing import Any\nfrom pydantic import BaseModel, model_serializer\n"
        "import copycat.cli.main as m\n"
        "class Slow(BaseModel):\n"
        "    @model_serializer(mode='wrap')\n"
        "    def dump(self, handler: Any) -> Any:\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "        return handler(self)\n"
        "@m.app.command('wait')\n"
        "def wait() -> None: Slow().model_dump_json()\n"
        "m.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "wait"],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=listen_to_ctrl_c,
    )
    assert done.returncode == 130, done.stderr
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


def test_a_dry_run_writes_nothing(tiny_models: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, verbs(tiny_models, tmp_path / "run", "--dry-run"))
    assert done.exit_code == 0, done.output
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
    finished = CliRunner().invoke(app, verbs(tiny_models, out))
    assert "is finished; nothing is left to do" in finished.stdout


def test_a_pressed_ctrl_c_is_one_line_130_and_resumable(
    tiny_models: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    more = ("--seeds", "8")
    process = subprocess.Popen(
        [sys.executable, "-c", START, *verbs(tiny_models, out, *more)],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=listen_to_ctrl_c,
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
    assert 0 < kept < 48
    # In this process, since what is resumed is in the folder alone.
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(app, ["ls", "runs"]).exit_code == 0
    done = CliRunner().invoke(app, verbs(tiny_models, out, *more))
    assert done.exit_code == 0, done.output
    assert f"generate: {48 - kept}/{48 - kept}" in done.stderr


def test_seeds_and_lists() -> None:
    assert seeds("3") == (0, 1, 2)
    assert seeds("0,1,5") == (0, 1, 5)
    assert seeds("7,") == (7,)
    assert items("none, negprompt[keywords=3,x=1],a+b") == ("none", "negprompt[keywords=3,x=1]", "a+b")


@pytest.mark.parametrize("text", ["", "0", "-1", "x", "1,1", "1.5"])
def test_wrong_seeds(text: str) -> None:
    with pytest.raises(UserError):
        seeds(text)


BIG = ModelCard(
    name="big",
    title="Big",
    source="someone/big",
    revision="0" * 40,
    pipeline="StableDiffusionXLPipeline",
    sampling=Sampling(steps=1, guidance=1, height=64, width=64),
    min_gpu_gb=10,
)


def test_doctor_says_why_a_model_cannot_run() -> None:
    (alone,) = obstacles(BIG, None)
    assert "--device cpu" in alone
    assert "this one has 8 GB" in obstacles(BIG, 8)[0]
    assert obstacles(BIG, 24) == []
    assert to_fetch(BIG) == ["someone/big"]


def test_doctor_names_all_obstacles_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr("copycat.io.hub.is_logged_in", lambda: False)
    packages, gated, memory = obstacles(
        BIG.model_copy(update={"packages": ("no-such-package",), "gated": True}), None
    )
    assert "-m pip install no-such-package" in packages
    assert "hf auth login" in gated
    assert "needs a GPU with 10 GB" in memory
    folder, other = obstacles(
        BIG.model_copy(update={"revision": None, "source": str(tmp_path / "gone")}), None
    )
    assert "gone does not exist" in folder
    assert "needs a GPU" in other
    # A hosted one has no weights here; its package and its key are two things.
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    monkeypatch.setitem(sys.modules, "openai", None)
    api = Api(key_env="NO_SUCH_KEY")
    for card in (
        BIG.model_copy(update={"api": api, "kind": "openai-images"}),
        JudgeCard(name="seer", kind="openai-chat", source="m", api=api),
        LLMCard(name="writer", kind="openai-chat", source="m", api=api),
    ):
        package, key = obstacles(card, None)
        assert "-m pip install 'openai>=2.0'" in package
        assert "set the environment variable NO_SUCH_KEY" in key
        assert to_fetch(card) == []
    # Of a model that is gone nothing else is worth doing.
    ended = Retirement(date=dt.date(2020, 1, 1), successor="next")
    (end,) = obstacles(BIG.model_copy(update={"api": api, "retired": ended}), None)
    assert end.startswith("was shut down on 2020-01-01")


def test_doctor_says_of_a_panel_what_its_members_lack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COPYCAT_HOME", str(tmp_path))
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    (tmp_path / "judges").mkdir()
    for name, key in (("a", "NO_SUCH_KEY"), ("b", "null")):
        card = f"name: {name}\nkind: openai-chat\nsource: m\napi: {{key_env: {key}}}\n"
        (tmp_path / "judges" / f"{name}.yaml").write_text(card)
    panel = JudgeCard(name="both", kind="panel", members=("a", "b"))
    assert obstacles(panel, None) == ["a needs an API key; set the environment variable NO_SUCH_KEY."]


def test_doctor_runs() -> None:
    done = copycat("doctor")
    assert done.returncode == 0, done.stderr
    assert "Python" in done.stdout
    models, judges, llms = (done.stdout.index(f"\n{h}\n") for h in ("Models", "Judges", "Language models"))
    assert models < done.stdout.index("\nsdxl ") < judges < done.stdout.index("\nsmolvlm2-2.2b ") < llms
    assert "\nqwen2.5-1.5b " in done.stdout[llms:]
    assert "\nmenagerie        " in done.stdout


def test_ls_alone_lists_its_choices() -> None:
    done = copycat("ls")
    assert done.returncode == 0, done.stderr
    listed = [line.split()[0] for line in done.stdout.splitlines()[1:]]
    assert listed == list(KINDS)
    told = copycat("ls", "--help").stdout
    assert all(name in told for name in listed)


def test_ctrl_c_before_the_program_has_begun_is_a_sentence_too(monkeypatch, capsys) -> None:
    def interrupted(**given: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("copycat.cli.main.app", interrupted)
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 130
    assert capsys.readouterr().err == "Stopped. Run the same command again to resume.\n"
