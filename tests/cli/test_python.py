"""The Python interface; the examples of its page run as they stand there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import copycat
from copycat.errors import BadFile, UserError

PAGE = Path(__file__).parents[2] / "docs" / "python.md"


def test_the_examples_of_the_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 4
    # Fewer characters than the page has, for the sake of time.
    code = "\n".join(blocks).replace("limit=10", "limit=3")
    names: dict[str, object] = {"__name__": "page"}
    exec(compile(code, str(PAGE), "exec"), names)  # noqa: S102  our own page
    run = names["run"]
    assert isinstance(run, copycat.Run)
    assert "generate: 0/6" in capsys.readouterr().err, "progress is shown"
    assert set(run.metrics["metric"]) == {"DETECT", "DETECT_targeted", "CONS"}
    assert len(run.pictures) == 6
    assert all(path.is_file() for path in run.pictures["path"])
    assert run.pictures["DETECT"].isin([0, 1]).all()
    assert {"judge", "names", "p_yes", "reply"} <= set(run.verdicts.columns)
    table = run._repr_html_()
    assert "<table" in table
    assert "negprompt" in table
    assert "<th>95 %, these characters</th>" in table
    assert "<th>95 %, characters like these</th>" in table
    assert run.report.is_file()


def test_a_finished_run_is_returned_at_once_and_quietly(tmp_path: Path, monkeypatch, capsys) -> None:
    given = {
        "mitigations": "none",
        "characters": "Bexdra",
        "seeds": 1,
        "out": tmp_path / "run",
        "quiet": True,
    }
    first = copycat.run(**given)
    monkeypatch.setattr("copycat.stages.run.generate", None)
    assert copycat.run(**given).metrics.equals(first.metrics)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"model": "menagery"}, "Did you mean menagerie"),
        ({"seeds": 0}, "at least one seed"),
        ({"measures": ["DETEKT"]}, "Did you mean DETECT"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_mistake_is_a_sentence_and_writes_nothing(given, says, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=says):
        copycat.run(**given)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="not a run folder"):
        copycat.load_run(tmp_path)


def test_the_public_names_are_there_and_the_import_is_light() -> None:
    assert {
        "run",
        "load_run",
        "RunConfig",
        "Character",
        "Measure",
        "Judge",
        "Generator",
        "Mitigation",
    } <= set(dir(copycat))
    assert all(getattr(copycat, name) is not None for name in copycat.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = copycat.nothing
