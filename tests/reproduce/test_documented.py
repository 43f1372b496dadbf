"""Every `copycat run` of README and docs/ that needs nothing of the reader's own is planned as written."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from copycat.cli.main import app
from copycat.io.jsonl import write_lines
from copycat.io.paths import ROOT
from copycat.subjects.characters import load_registry, registry_yaml
from copycat.subjects.keywords import CATALOG as KEYWORDS
from copycat.subjects.keywords import Ranking, write_rankings
from copycat.subjects.prompts import CATALOG as PROMPTS
from copycat.subjects.prompts import Prompt

NEEDS = {
    "/path/to/": "a model that is the reader's",
    "mine.yaml": "a registry that is the reader's",
    "adapters=": "adapters that another command of the page writes, after a training",
    "://my-bucket/": "a bucket that is the reader's, and the package for it",
}
"""What keeps a command from being planned as it is written."""


def commands(page: Path) -> list[list[str]]:
    """The `copycat run` lines of a page's blocks, those that go on in a second line whole."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", page.read_text(encoding="utf-8"), re.S | re.M)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [shlex.split(x, comments=True) for x in lines if x.startswith("copycat run ")]


def documented() -> list[list[str]]:
    """Every command of the README and the pages in docs/ that needs nothing of the reader's own."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    found = [c for page in pages for c in commands(page)]
    return [c for c in found if not any(need in word for word in c for need in NEEDS)]


def value(arguments: list[str], option: str, default: str) -> str:
    return arguments[arguments.index(option) + 1] if option in arguments else default


def made(names: str, registry: str) -> None:
    """Sets that another command of the page would have made."""
    for name in names.split(","):
        path = Path(name) if name.endswith(".jsonl") else PROMPTS.own(f"{registry}/{name}")
        if "/" in name or name.startswith("upstream-"):
            slug = load_registry(registry).characters[0].slug
            write_lines(path, [Prompt(set=path.stem, character=slug, text="a red hat")])


def test_documented_runs_can_be_planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPYCAT_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    copycat = load_registry("copycat")
    upstream = tmp_path / "home" / "characters" / "upstream.yaml"
    upstream.parent.mkdir(parents=True)
    upstream.write_text(registry_yaml(copycat).replace("registry: copycat", "registry: upstream"))
    words = Ranking(source="test", keywords={c.slug: ("hat", "cap") for c in copycat.characters})
    write_rankings(KEYWORDS.own("upstream"), "upstream", {"lm": words, "emb": words, "cooc": words}, "test")
    found = documented()
    assert len(found) >= 12
    for _, *arguments in found:
        own = "copycat" if value(arguments, "--model", "").startswith("playground") else "menagerie"
        made(value(arguments, "--prompts", ""), value(arguments, "--registry", own))
        done = CliRunner().invoke(app, [*arguments, "--dry-run"])
        assert done.exception is None, (arguments, done.exception)
        assert "Dry run: nothing was written." in done.output
