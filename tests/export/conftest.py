"""A finished run of rows alone, with innocent prompts, refusals, a failure and a missing answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner

from copycat.cli.main import app
from copycat.runs.folder import RunFolder
from copycat.stages.score import score
from copycat.subjects.characters import load_registry
from tests.helpers.innocents import WithInnocents

Copycat = Callable[..., str]
FINISHED = "2026-11-30T01:00:00+00:00"


def scored(path: Path, **changes: Any) -> RunFolder:
    """The run at `path`, with `changes` to its manifest; of the weights of the card sdxl."""
    made = WithInnocents(path)
    made.add_innocents()
    made.configure(model="sdxl")
    told = {"model": "sdxl@462165984030", "created": "2026-11-30T00:00:00+00:00", "seeds": (0, 1, 2)}
    packages = {"packages": {"diffusers": "0.42.0"}, "git_commit": "c" * 40, "git_dirty": False}
    made.manifest = made.manifest.model_copy(update={**told, **packages, **changes})
    folder = made.folder()
    score(folder)
    folder.update(finished=FINISHED)
    return folder


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return scored(tmp_path / "run")


@pytest.fixture
def copycat() -> Copycat:
    """Calls the program, which must do what it is told; returns all that it says."""

    def call(*words: object) -> str:
        done = CliRunner().invoke(app, [str(w) for w in words], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return str(done.output)

    return call


@pytest.fixture
def imported(tmp_path: Path, copycat: Copycat) -> RunFolder:
    """Pictures that were made elsewhere, and a person's answers about them."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    characters = load_registry("menagerie").characters[:2]
    rows = ["file_name,character,prompt"]
    for n, c in enumerate(characters):
        Image.new("RGB", (32, 32), (n, 0, 0)).save(pictures / f"{n}.png")
        rows.append(f"{n}.png,{c.slug},a picture of {c.slug}")
    (pictures / "metadata.csv").write_text("\n".join(rows))
    copycat("import-images", pictures, "--registry", "menagerie", "--out", tmp_path / "imported")
    folder = RunFolder(tmp_path / "imported")
    answers = [f"{row.file},1,verify" for row in folder.image_journal.rows()]
    (tmp_path / "answers.csv").write_text("\n".join(["image,score,kind", *answers]))
    copycat("import-verdicts", folder.path, tmp_path / "answers.csv", "--judge", "Ann")
    return folder
