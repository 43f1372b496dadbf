"""The built wheel works away from the checkout: shipped data, cards and types travel with it."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the contents of a freshly built wheel, as an installer would unpack it."""
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = out.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(out / "site")
    return out / "site"


def away(installed: Path, cwd: Path, code: str) -> str:
    """Standard output of `code`, run with the unpacked wheel and without the checkout."""
    env = {**os.environ, "PYTHONPATH": str(installed), "COPYCAT_HOME": str(cwd / "home")}
    # -P keeps the working folder off sys.path; PYTHONPATH comes before an editable install.
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=cwd, env=env, check=True, capture_output=True, text=True
    )
    return done.stdout


def test_data_and_prompts_are_read_from_inside_the_wheel(installed: Path, tmp_path: Path) -> None:
    code = (
        "from copycat.io import paths as p; print(p.DATA, p.PROMPTS, "
        "p.DATA.is_dir(), p.PROMPTS.is_dir(), sep='\\n')"
    )
    data, prompts, has_data, has_prompts = away(installed, tmp_path, code).split()
    assert Path(data) == installed / "copycat/_shipped/data"
    assert Path(prompts) == installed / "copycat/_shipped/prompts"
    assert (has_data, has_prompts) == ("True", "True")


def test_everything_tracked_as_data_is_in_the_wheel(installed: Path) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "data", "prompts", "copycat"], cwd=ROOT, capture_output=True, text=True
    )
    if tracked.returncode:
        pytest.skip("not a git checkout")
    names = [name for name in tracked.stdout.split("\0") if name and (ROOT / name).exists()]
    assert names
    homes = {name: name if name.startswith("copycat/") else f"copycat/_shipped/{name}" for name in names}
    assert [name for name, home in homes.items() if not (installed / home).is_file()] == []


def test_the_wheel_lists_its_models(installed: Path, tmp_path: Path) -> None:
    code = "import sys; sys.argv = ['copycat', 'ls', 'models']; from copycat.cli.main import main; main()"
    shown = away(installed, tmp_path, code)
    assert "menagerie" in shown
    assert "sdxl" in shown


def test_it_declares_its_types_and_its_command(installed: Path) -> None:
    assert (installed / "copycat/py.typed").is_file()
    (info,) = installed.glob("*.dist-info")
    assert "copycat = copycat.cli.main:main" in (info / "entry_points.txt").read_text()
    assert (info / "licenses/LICENSE").is_file()


NO_MODELS = """
import sys

class Absent:
    def find_spec(self, name, *_):
        if name.partition(".")[0] in ("torch", "diffusers", "transformers"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
"""
"""As if the libraries of models were not installed."""


def test_the_package_reads_a_run_without_a_model_library(installed: Path, tmp_path: Path) -> None:
    finished = ROOT / "tests/data/first_rows/whole"
    code = f"""
import copycat
print(copycat.__file__)
print(*(getattr(copycat, name).__name__ for name in copycat.__all__ if name != "__version__"))
run = copycat.load_run({str(finished)!r})
print(len(run.pictures), *sorted(set(run.metrics["metric"])))
"""
    place, names, read = away(installed, tmp_path, NO_MODELS + code).splitlines()
    assert Path(place) == installed / "copycat/__init__.py"
    assert {"Generator", "Judge", "Measure", "Mitigation", "RunConfig", "load_run", "run"} <= set(
        names.split()
    )
    assert read == "24 CONS CONS_prompt DETECT DETECT_targeted"


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["ls", "measures"]])
def test_the_command_explains_itself_without_a_model_library(
    installed: Path, tmp_path: Path, words: list[str]
) -> None:
    start = f"sys.argv = ['copycat', *{words!r}]; from copycat.cli.main import main; main()"
    shown = away(installed, tmp_path, NO_MODELS + start)
    assert ("CONS" if words[0] == "ls" else "Usage: copycat") in shown
