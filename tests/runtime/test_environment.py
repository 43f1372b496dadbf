"""Which commit a run says that it was made with."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from copycat.io.paths import ROOT
from copycat.runtime.environment import git_state


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository of something else, with one commit."""

    def git(*args: str) -> None:
        who = ("-c", "user.name=me", "-c", "user.email=me@here.example")
        subprocess.run(["git", "-C", str(tmp_path), *who, *args], check=True, capture_output=True)

    git("init", "--quiet")
    (tmp_path / "notes.md").write_text("one")
    git("add", ".")
    git("commit", "--quiet", "--message", "notes")
    return tmp_path


def test_a_checkout_tells_its_commit_and_whether_it_was_changed(checkout: Path) -> None:
    commit, dirty = git_state(checkout)
    assert commit is not None
    assert (len(commit), dirty) == (40, False)
    (checkout / "notes.md").write_text("two")
    assert git_state(checkout) == (commit, True)


def test_what_is_installed_inside_a_checkout_is_not_of_its_commit(checkout: Path) -> None:
    site = checkout / ".venv" / "lib" / "site-packages" / "copycat" / "_shipped"
    site.mkdir(parents=True)
    assert git_state(site) == (None, None)
    assert git_state(checkout.parent) == (None, None)


def test_an_environment_that_names_another_repository_does_not_count(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(checkout / ".git"))
    assert git_state(ROOT / "docs") == (None, None)
