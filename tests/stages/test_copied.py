"""A run's copy is brought up to date however the run ends, and hides nothing of how it ended."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from copycat.errors import MissingRequirement
from copycat.io.copies import Copy
from copycat.runs.folder import RunFolder
from copycat.stages.run import _copied


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "rows.jsonl").write_text("one\n")
    return RunFolder(tmp_path / "run")


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_a_copy_that_fails_hides_nothing(folder: RunFolder, tmp_path: Path, capsys, kind) -> None:
    (tmp_path / "file").touch()
    copy = Copy(str(tmp_path / "file" / "below"))
    with pytest.raises(kind, match="why"), _copied(Console(), copy, folder, "mine"):
        raise kind("why")
    assert "The copy was not brought up to date either" in capsys.readouterr().err
    with pytest.raises(MissingRequirement, match="cannot be written"), _copied(Console(), copy, folder, "m"):
        pass


def test_a_run_that_fails_is_copied_too(folder: RunFolder, tmp_path: Path) -> None:
    said = Console(file=io.StringIO())
    with pytest.raises(ValueError), _copied(said, Copy(str(tmp_path / "to")), folder, "mine"):
        raise ValueError
    assert (tmp_path / "to" / "rows.jsonl").read_text() == "one\n"
