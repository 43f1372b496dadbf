"""`copycat gate` measures, prints and writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from copycat.cli.main import app
from copycat.errors import BadFile, UserError


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
