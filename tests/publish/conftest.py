"""A small run, really drawn and judged by tiny models, and copies of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from copycat.publish.collect import collect
from copycat.publish.write import write
from copycat.runs.folder import RunFolder
from copycat.stages.generate import generate
from copycat.stages.judge import judge
from copycat.stages.plan import prepare
from copycat.stages.report import report
from copycat.stages.score import score
from tests.conftest import Tiny

NAME = "🐙 <i>run & co"
"""The run folder's name: a user may call it so."""

SAME = ("requests.jsonl", "images.jsonl", "verdicts.jsonl", "metrics.json", "agreement.json", "table.md")
"""The files of a pulled run that are those of the published one, byte by byte."""
Copies = Callable[..., RunFolder]


@pytest.fixture(scope="session")
def finished(tiny_models: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 pictures of a world whose registry does not say that it is invented: it counts as protected."""
    path = tmp_path_factory.mktemp("finished") / NAME
    folder = prepare(tiny_models.config(path))
    generate(folder, device="cpu")
    judge(folder)
    score(folder)
    report(folder)
    return path


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Copies:
    """A copy of the run; `invented` ones may show their pictures."""

    def make(name: str = NAME, *, invented: bool = False) -> RunFolder:
        folder = RunFolder(shutil.copytree(finished, tmp_path / "runs" / name))
        if invented:
            told = Path(folder.manifest().config.registry).read_text()
            folder.registry_path.write_text(told.replace("version: 1", "version: 1\nprotected: false"))
        return folder

    return make


@pytest.fixture
def published(copy: Copies, tmp_path: Path) -> Callable[..., Path]:
    """Writes a dataset of one copy and returns its folder."""

    def make(*, images: bool = False) -> Path:
        write(collect([copy(invented=images)], pictures=images), tmp_path / "dataset")
        return tmp_path / "dataset"

    return make
