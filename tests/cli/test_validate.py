"""What `copycat validate` finds in what the user has added."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from copycat.cli.validate import findings


def test_names_that_are_words_or_part_of_others_are_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "characters"
    folder.mkdir()
    monkeypatch.setenv("COPYCAT_HOME", str(tmp_path))
    told = [
        {"slug": slug, "name": name, "owner": "nobody", "keywords": [], "generic": "a thing"}
        for slug, name in (("river", "River"), ("zori", "Zori"), ("zori-two", "Zori Kamo"))
    ]
    (folder / "mine.yaml").write_text(yaml.safe_dump({"registry": "mine", "version": 1, "characters": told}))
    warnings: list[str] = []
    wrong = [f for f in findings(warnings) if "mine" in f]
    mine = [w for w in warnings if w.startswith("mine: ")]
    assert wrong == []
    assert any("River (river) is a common word too" in w for w in mine), mine
    assert any("Zori (zori) is part of Zori Kamo (zori-two)" in w for w in mine), mine
    assert len(mine) == 2
