"""What `copycat validate` finds in files that are named to it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from copycat.cli.main import app
from copycat.cli.validate import findings_in


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    told = [
        {"slug": slug, "name": name, "owner": "nobody", "keywords": [], "generic": "a thing"}
        for slug, name in (("river", "River"), ("zori", "Zori"), ("zori-two", "Zori Kamo"))
    ]
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({"registry": "mine", "version": 1, "characters": told}))
    return path


def prompt(tmp_path: Path, slug: str, text: str) -> Path:
    path = tmp_path / "own.jsonl"
    path.write_text(f'{{"set": "own", "character": "{slug}", "text": "{text}"}}\n')
    return path


def test_names_that_are_words_or_part_of_others_are_warned_of(mine: Path) -> None:
    warnings: list[str] = []
    assert list(findings_in([mine], warnings=warnings)) == []
    assert len(warnings) == 2
    assert any("River (river) is a common word too" in w for w in warnings), warnings
    assert any("Zori (zori) is part of Zori Kamo (zori-two)" in w for w in warnings), warnings


def test_prompts_are_read_against_their_registry(mine: Path, tmp_path: Path) -> None:
    leaking = prompt(tmp_path, "zori", "Zori asleep")
    says = "own: prompt 0 of zori says the character's name."
    assert list(findings_in([leaking, mine])) == [says]
    assert list(findings_in([leaking], str(mine))) == [says]
    [unknown] = findings_in([leaking])
    assert "name it with --registry. Unknown character registry" in unknown
    assert list(findings_in([prompt(tmp_path, "zori", "an owl asleep")], str(mine))) == []


def test_cards_are_told_apart_and_other_files_are_none(tmp_path: Path) -> None:
    def found(folder: str, name: str, text: str) -> str:
        path = tmp_path / folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return " ".join(findings_in([path]))

    assert "names itself yours" in found("x", "mine.yaml", "name: yours\nsource: a/b\nrevision: c\n")
    assert found("llms", "mine.yaml", "name: mine\nsource: a/b\nrevision: c\nmax_tokens: 9\n") == ""
    judge = "name: mine\nsource: a/b\nrevision: c\nmembers: [nobody]\n"
    assert "Unknown judge 'nobody'" in found("judges", "mine.yaml", judge)
    assert "is no card, registry or prompt set" in found("x", "odd.yaml", "a: 1\n")
    assert "cannot be read" in " ".join(findings_in([tmp_path / "gone.yaml"]))


def test_the_command_reads_the_named_files_alone(
    mine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("copycat.cli.validate.findings", lambda *_: pytest.fail("all there is was read"))
    sound = CliRunner().invoke(app, ["validate", str(mine)])
    assert sound.exit_code == 0, sound.output
    assert "Warning: mine: River (river) is a common word too" in sound.output
    assert "in order." in sound.output
    broken = CliRunner().invoke(app, ["validate", str(tmp_path / "gone.yaml")])
    assert broken.exit_code == 2
    assert "in order" not in broken.output
