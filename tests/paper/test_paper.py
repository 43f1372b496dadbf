"""The paper's tables: published numbers are what was printed, and ours stand only where something was run."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from statistics import pstdev, stdev
from typing import Any

import pytest
from typer.testing import CliRunner

from copycat.cli.main import app
from copycat.errors import BadFile, UserError
from copycat.mitigations.aliases import canonical
from copycat.paper import CATALOG, load
from copycat.paper import curves as figures
from copycat.paper.fill import fill
from copycat.paper.plot import picture
from copycat.paper.published import Figure, PaperTable
from copycat.paper.write import csv_text, latex, markdown
from copycat.report.latex import tex
from copycat.runs.data import RunData
from tests.helpers.synthetic import SyntheticRun, cited


def another(
    path: Path, *, model: str = "menagerie", rename: dict[str, str] | None = None, scored: bool = True
) -> RunData:
    """The synthetic run under another model, mitigation or prompt set; keeps the pictures' numbers."""
    run = SyntheticRun(path)
    run.configure(model=model)
    known = {"judge": "menagerie@123", "calibration": cited("menagerie@123")}
    run.manifest = run.manifest.model_copy(update=known)

    def renamed(row: Any) -> Any:
        changes = {k: (rename or {}).get(getattr(row, k)) for k in ("mitigation", "prompt_set")}
        return row.model_copy(update={k: v for k, v in changes.items() if v})

    run.metrics = [renamed(m) for m in run.metrics] if scored else []
    run.requests = [renamed(r) for r in run.requests]
    return run.data()


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize("name", CATALOG.names())
def test_published_numbers_can_have_been_measured(name: str) -> None:
    table = CATALOG.get(name)
    assert "arXiv 2406.14526" in table.source
    if not isinstance(table, PaperTable):
        return
    found = [p for row in table.rows for p in row.published]
    assert found
    for p in found:
        # A mean of three whole numbers: a slip of the pen is hardly ever one.
        thirds = (p.detect or 0) * 3
        assert abs(thirds - round(thirds)) < 0.02, p
        assert 0 <= (p.detect or 0) <= table.of
        assert 0 <= (p.cons or 0) <= 1
        # And an SD that three whole numbers can have, with one ddof or the other, or a note that says not.
        if p.detect is not None and p.detect_sd is not None:
            assert _possible(p.detect, p.detect_sd) or p.note, p


def _possible(mean: float, sd: float) -> bool:
    total = round(mean * 3)
    triples = ((a, b, total - a - b) for a in range(51) for b in range(a, 51))
    return any(abs(spread(x) - sd) < 0.0051 for x in triples if x[2] >= x[1] for spread in (pstdev, stdev))


def test_only_what_was_run_has_a_number(tmp_path: Path) -> None:
    table = load("1")
    assert isinstance(table, PaperTable)
    run = another(tmp_path)
    filled = fill(table, [run])
    lines = rows(csv_text(filled))
    assert len(lines) == len(table.rows) * len(table.columns) * 2
    ours = {(x["row"], x["condition"], x["metric"]): x["ours"] for x in lines if x["ours"]}
    assert ours == {
        ("none", "name", "DETECT"): "5.4",
        ("none", "name", "CONS"): "0.912",
        ("name", "name", "DETECT"): "2.04",
        ("name", "name", "CONS"): "0.904",
    }
    assert {x["judge_fpr"] for x in lines if x["ours"]} != {""}
    bounds = {(x["ours_all_low"], x["ours_all_high"]) for x in lines if x["ours"] == "5.4"}
    assert bounds == {("4.5", "5.5")}
    assert "of all asked for 2." not in markdown(filled), "not where all is scored"
    text = markdown(filled)
    assert text.count("not run") == len(lines) - 4
    # The published 50 and our 6 characters must not be taken for one another.
    assert "5.4 ± 0.6 of 6, these [4.8, 5.7], like these [4.2, 6.0], of all asked for 4.5 … 5.5" in text
    assert "none, name, menagerie: DETECT is over 15 of 18 pictures (1 unscored, 1 refused, 1 failed)" in text
    assert "false-positive rate" in text
    assert "three whole numbers cannot" in text


def test_a_guardrail_is_found_however_it_is_spelled(tmp_path: Path) -> None:
    assert canonical(" rewrite + negprompt[ b=2 , a = 1]+none") == "rewrite+negprompt[a=1,b=2]"
    assert canonical("none") == canonical("none+none") == "none"
    assert canonical("negprompt[words=a+b]") == "negprompt[words=a+b]"
    run = another(tmp_path, rename={"negprompt": "rewrite + negprompt"})
    found = rows(csv_text(fill(load("1"), [run])))  # type: ignore[arg-type]
    assert [(x["row"], x["condition"]) for x in found if x["mitigation"] == "rewrite + negprompt"] == [
        ("name", "rewritten"),
        ("name", "rewritten"),
    ]


def test_a_second_choice_is_said_to_be_one(tmp_path: Path) -> None:
    run = another(tmp_path, rename={"negprompt": "rewrite+negprompt[keywords=10]"})
    text = markdown(fill(load("2"), [run]))  # type: ignore[arg-type]
    assert (
        "| menagerie, images | – | 5.4 ± 0.6 of 6, these [4.8, 5.7], like these [4.2, 6.0], of all " in text
    )
    assert "| 2.0 ± 0.5 of 6, these [1.3, 2.8], like these [0.6, 3.6] by rewrite |" in text
    told = "rewrite+negprompt[keywords=10] on name, in place of rewrite+negprompt[words=emb-cooc] on name."
    assert f"- menagerie, images, rewriting + negatives: {told}" in text
    assert "in place of" not in markdown(fill(load("8"), [run]))  # type: ignore[arg-type]


def test_runs_are_not_mixed_and_nothing_is_dropped_in_silence(tmp_path: Path) -> None:
    first, again = another(tmp_path / "a"), another(tmp_path / "b")
    stranger = another(tmp_path / "c", model="sdxl", rename={"negprompt": "nonesuch"})
    text = markdown(fill(load("1"), [first, again, stranger]))  # type: ignore[arg-type]
    assert text.count("| negative prompt |") == 2  # one block a model
    assert f"Not shown: none on name of {again.path}" in text
    assert f"Not shown: nonesuch on name of {stranger.path}" in text
    assert f"Not shown: none on name of {first.path}" not in text
    # Where rows are models, one that the paper lacks gets a row of its own.
    lines = rows(csv_text(fill(load("2"), [another(tmp_path / "d", model="/x/my-model"), stranger])))  # type: ignore[arg-type]
    detect = {x["row"]: x["ours"] for x in lines if (x["condition"], x["metric"]) == ("none", "DETECT")}
    assert detect["my-model"] == detect["SDXL"] == "5.4"
    assert {row for row, x in detect.items() if x} == {"my-model", "SDXL"}


def test_latex_is_whole(tmp_path: Path) -> None:
    text = latex(fill(load("1"), [another(tmp_path, model="my_model")]))  # type: ignore[arg-type]
    assert r"my\_model" in text
    assert text.count(r"\begin{") == text.count(r"\end{")
    body = [x for x in text.splitlines() if x.endswith(r"\\") and "multicolumn" not in x]
    assert {len(re.findall(r"(?<!\\)&", x)) for x in body} == {8}
    bare = re.sub(r"\\[{}]", "", text)
    assert bare.count("{") == bare.count("}")
    assert all(c.isascii() for c in text)
    assert tex('50 % of "a_b"') == r"50 \% of ``a\_b''"


def test_a_figure_shows_n_words_and_how_many_there_were(tmp_path: Path) -> None:
    figure = load("fig3")
    assert isinstance(figure, Figure)
    five = another(tmp_path / "five", rename={"name": "cooc5"})
    name = another(tmp_path / "name")
    (drawn,) = figures.curves(figure, [five, name])
    text = figures.markdown([drawn])
    # The synthetic prompts are one word, which is not what "5" promises.
    assert (
        "| co-occurrence | 5.4 ± 0.6 of 6, these [4.8, 5.7], like these [4.2, 6.0], of "
        "all asked for 4.5 … 5.5 (1.0 words) |" in text
    )
    assert "| EmbSim | not run |" in text
    assert "Prompt: name: 5.4 ± 0.6" in text
    assert "Prompt: description: not run" in text
    lines = rows(figures.csv_text([drawn]))
    assert [(x["ranking"], x["n"], x["metric"]) for x in lines] == [
        ("co-occurrence", "5", "DETECT"),
        ("co-occurrence", "5", "CONS"),
        ("name", "", "DETECT"),
        ("name", "", "CONS"),
    ]
    assert (lines[0]["all_low"], lines[0]["all_high"]) == ("4.5", "5.5")
    svg = picture([drawn], "svg").decode()
    assert "co-occurrence" in svg
    assert "EmbSim" not in svg
    assert picture([drawn], "svg").decode() == svg
    assert picture([drawn], "png").startswith(b"\x89PNG")


def table(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["table", *arguments])
    if done.exception:
        raise done.exception
    return done.output


def test_mistakes_write_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    for arguments, message in (
        (("12",), "There is no Table 12"),
        (("1", str(tmp_path / "nowhere")), "Unknown run"),
        (("fig3", "--format", "tex"), "no tex of fig3"),
        (("fig3", "--needs", "prompts"), "make fig3"),
    ):
        with pytest.raises(UserError, match=message):
            table(*arguments, "--out", str(out))
    monkeypatch.setenv("COPYCAT_HOME", str(tmp_path))
    (tmp_path / "published").mkdir()
    (tmp_path / "published" / "mine.yaml").write_text("table: mine\n")
    with pytest.raises(BadFile, match="not a valid card"):
        table("mine", "--out", str(out))
    assert not out.exists()


def test_a_run_without_numbers_is_sent_back(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="copycat score"):
        fill(load("1"), [another(tmp_path, scored=False)])  # type: ignore[arg-type]


def test_needs_are_what_runs_here() -> None:
    assert table("8", "--needs", "mitigations") == "none,negprompt\n"
    assert "none" in table("1", "--needs", "mitigations").split(",")
    assert table("2", "--needs", "prompts") == "name\n"
