"""Whatever a measure asks and counts goes into a dataset and comes back, also from datasets of before."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from copycat.errors import BadFile
from copycat.measures import CATALOG, Ask, YesNoMeasure
from copycat.publish.card import text
from copycat.publish.collect import collect
from copycat.publish.columns import from_cells, to_cells
from copycat.publish.pull import Pulled, pull
from copycat.publish.tables import VERDICTS
from copycat.publish.write import write
from copycat.records import Answer, Named, Number, Similarities, Unscored, Verdict, YesNo
from copycat.runs.folder import RunFolder
from copycat.stages.judge import judge
from copycat.stages.report import report
from copycat.stages.score import score
from tests.publish.conftest import SAME

DATA = Path(__file__).parents[1] / "data"


class Hat(YesNoMeasure):
    name = "HAT"
    title = "hat worn"
    about = 'The mean P("Yes") that somebody wears a hat, in [0, 1] (higher is more hats).'
    ask = Ask(kind="hat", text="Does anybody in this picture wear a hat? Answer Yes or No.")


HAT = Hat()


def fetch(dataset: Path, to: Path) -> Pulled:
    (pulled,) = pull(dataset, "me/mine", "c" * 40, lambda run, runs: to, report)
    return pulled


def test_a_measure_of_another_package_is_published_and_comes_back(copy, tmp_path, monkeypatch):
    monkeypatch.setitem(CATALOG.builtin, HAT.name, f"{__name__}:HAT")
    run = copy()
    judge(run, device="cpu")
    score(run)
    report(run)
    dataset = tmp_path / "dataset"
    write(collect([run]), dataset)
    verdicts = pq.read_table(dataset / "data" / "verdicts.parquet").to_pylist()
    worn = [v.answer.p_yes for v in run.data().verdicts if v.kind == "hat" and isinstance(v.answer, YesNo)]
    assert len(worn) == 12
    assert [v["score"] for v in verdicts if v["kind"] == "hat"] == worn
    metrics = pq.read_table(dataset / "data" / "metrics.parquet").to_pylist()
    assert [m["value"] for m in metrics if m["metric"] == "HAT"] == [
        m.value for m in run.metrics() if m.metric == "HAT"
    ]
    card = (dataset / "README.md").read_text()
    assert f"- `HAT`: {text(HAT.about)}" in card
    assert "DETECT and CONS and HAT with 95 % intervals" in card
    assert fetch(dataset, tmp_path / "back").same
    for name in SAME:
        assert (tmp_path / "back" / name).read_bytes() == (run.path / name).read_bytes()
    # Where the package is not installed its rows and numbers stay what they are.
    monkeypatch.undo()
    assert fetch(dataset, tmp_path / "without").same
    for name in SAME[:4]:
        assert (tmp_path / "without" / name).read_bytes() == (run.path / name).read_bytes()


@pytest.mark.parametrize(
    "answer",
    [
        YesNo(p_yes=0.1 + 0.2, answer_probability=1e-7),
        YesNo(p_yes=1),
        Named(names=()),
        Named(names=("Zori", "a | b")),
        Similarities(similarities={"zori": -0.25, "kamo": 0.1 + 0.2}, threshold=0.9),
        Number(value=-3),
        Unscored(reason="out of memory"),
    ],
)
def test_every_answer_comes_back_to_the_last_bit(answer: Answer) -> None:
    verdict = Verdict(
        request="r", kind="hat", image_sha256="0" * 64, judge="j@1", question="q", question_hash="h",
        answer=answer, voters=("a@1",),
    )  # fmt: skip
    table = VERDICTS.arrow([to_cells(verdict)])
    (cells,) = table.to_pylist()
    back = from_cells(cells, Verdict, "a verdict")
    assert back.model_dump_json() == verdict.model_dump_json()
    assert cells["status"] == ("unscored" if isinstance(answer, Unscored) else "scored")
    with pytest.raises(BadFile, match="not a verdict"):
        from_cells({**cells, "status": "perhaps"}, Verdict, "a verdict")


def test_a_dataset_of_the_first_format_is_pulled(tmp_path: Path) -> None:
    pulled = fetch(DATA / "first_dataset", tmp_path / "back")
    assert (pulled.fresh, pulled.same) == (True, True)
    mine, published = RunFolder(pulled.path).data(), RunFolder(DATA / "first_rows" / "whole").data()
    assert mine.requests == published.requests
    assert mine.images == published.images
    assert mine.verdict_rows == published.verdict_rows
    assert mine.metrics == published.metrics
    assert {v.kind for v in mine.verdicts} == {"identify", "verify", "key", "content"}
    assert mine.registry.characters == published.registry.characters
    # What it is published as now is of the format of today, and the same run.
    write(collect([RunFolder(pulled.path)]), tmp_path / "again")
    fetch(tmp_path / "again", tmp_path / "third")
    for name in SAME:
        assert (tmp_path / "third" / name).read_bytes() == (pulled.path / name).read_bytes()
