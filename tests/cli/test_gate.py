"""`copycat gate` measures, prints and writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from copycat.cli.main import app
from copycat.errors import BadFile, UserError
from copycat.io.paths import PROMPTS


def gate(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["gate", *arguments])
    if done.exception:
        raise done.exception
    return done.output


def test_by_words(tmp_path: Path) -> None:
    told = gate("--registry", "copycat", "--prompts", "name,description,lm5", "--out", str(tmp_path))
    assert "a black panther resting on a branch" in told
    report = json.loads((tmp_path / "gate-copycat-lexical.json").read_text())
    by_set = {s["set"]: s for s in report["sets"]}
    assert list(by_set) == ["name", "description", "lm5", "all sets"]
    assert by_set["name"]["tpr_at_5"] == by_set["name"]["told"] == 1
    assert by_set["lm5"]["auc"] < by_set["description"]["auc"]
    assert len(report["false_positives"]) <= 5
    assert report["fpr_plain"] == 0
    with Image.open(tmp_path / "gate-copycat-lexical.png") as picture:
        assert picture.size[0] > 400


def test_files_of_one_name_stay_apart(tmp_path: Path) -> None:
    rows = (PROMPTS / "copycat" / "name.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    files = [tmp_path / folder / "name.jsonl" for folder in "ab"]
    for n, file in enumerate(files, 1):
        file.parent.mkdir()
        file.write_text("".join(rows[:n]), encoding="utf-8")
    out = str(tmp_path / "out")
    told = gate("--registry", "copycat", "--prompts", f"{files[0]},lm5,{files[1]}", "--out", out)
    report = json.loads((tmp_path / "out" / "gate-copycat-lexical.json").read_text())
    found = {s["set"]: s["prompts"] for s in report["sets"]}
    assert list(found) == [str(files[0]), "lm5", str(files[1]), "all sets"]
    assert (found[str(files[0])], found[str(files[1])]) == (1, 2)
    assert all(f"\n{file} " in told for file in files)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("--registry", "copycats"), UserError, "Did you mean copycat"),
        (("--prompts", "nmae"), UserError, "Did you mean name"),
        (("--neutral", "none.jsonl"), BadFile, "cannot be read"),
        (("--neutral", "BAD"), BadFile, "line 1"),
        (("--by", "embedding", "--model", "gpt-image-1"), UserError, "not open"),
    ],
)
def test_mistakes_write_nothing(arguments, error, message, tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text("{}\n")
    given = [a.replace("BAD", str(tmp_path / "bad.jsonl")) for a in arguments]
    with pytest.raises(error, match=message):
        gate(*given, "--out", str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()
