"""Tables of other things than DETECT and CONS: each from what runs, raters and filters left behind."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from copycat.cards.calibration import Calibration, Confusion, Judged, Pair, Rater, Raters, Share
from copycat.errors import BadFile, UnknownName, UserError
from copycat.intent.evaluate import GateReport, SetResult
from copycat.mitigations.parse import rewrites
from copycat.paper import CATALOG, load
from copycat.paper.base import Filter, Measured, Sources
from copycat.paper.document import document, needed, open_sources
from copycat.paper.fill import fill
from copycat.paper.published import PaperTable
from copycat.paper.write import csv_text, markdown
from copycat.runs.folder import RunFolder
from copycat.runs.manifest import StageRecord
from copycat.stats.t_test import Group, naive_t, one_tailed
from tests.helpers.synthetic import SyntheticRun
from tests.paper.test_paper import another, table


def read(which: str, **given: Any) -> tuple[str, list[dict[str, str]]]:
    """The table's Markdown, and its CSV."""
    made = document(load(which), Sources(**given))
    return made["md"].decode(), list(csv.DictReader(io.StringIO(made["csv"].decode())))


def share(hits: int, n: int) -> Share:
    return Share(hits=hits, n=n, low=0.1, high=0.9)


def calibration(registry: str = "copycat") -> Calibration:
    def one(judge: str, question: str, right: int) -> Judged:
        return Judged(
            judge=judge,
            question=question,
            counts=Confusion(tp=right, fp=0, tn=40, fn=60 - right),
            accuracy=share(right + 40, 100),
            kappa=0.71,
            kappa_low=0.6,
            kappa_high=0.8,
            tpr=share(right, 60),
            fpr=share(0, 40),
            fpr_lookalike=share(0, 0),
            unscored=0,
            parts=(),
        )

    return Calibration(
        runs=("r",),
        models=("m@1",),
        registry=registry,
        labels="labels.csv",
        labels_sha256="0",
        truth=("ann", "bob"),
        items=100,
        positives=60,
        ties=0,
        unanswered=0,
        unknown_labels=0,
        unknown_images=0,
        raters=Raters(
            raters=tuple(Rater(name=n, labels=100, missing=0, makes_truth=True) for n in ("ann", "bob")),
            items=100,
            unanimous=share(90, 100),
            fleiss=0.8,
            alpha=0.8,
            alpha_low=0.7,
            alpha_high=0.9,
            pairs=(Pair(raters=("ann", "bob"), kappa=0.8123, agree=share(90, 100)),),
        ),
        judges=(one("q@1", "identify", 50), one("q@1", "verify", 40), one("cy", "label", 30)),
        command="copycat calibrate",
        commit=None,
        copycat="0",
    )


def gate(**changes: Any) -> GateReport:
    one = {"set": "description", "prompts": 50, "auc": 0.9, "tpr_at_1": 0.5, "tpr_at_5": 0.8}
    sets = (SetResult(**one, guessed=0.7, told=0.6, reached=0.88),)
    report = GateReport(
        registry="copycat",
        version=1,
        detector="lexical@1",
        neutral=100,
        threshold=0.5,
        unanswered=0,
        false_positives=(("a", "mario", 0.9), ("b", "elsa", 0.8)),
        fpr_plain=0.01,
        fpr_near=0.03,
        fpr_held_out=0.02,
        sets=sets,
    )
    return report.model_copy(update=changes)


def test_every_table_of_the_paper_stands_here_alone_too() -> None:
    names = {f"table{i}" for i in range(1, 10)} | {f"fig{i}" for i in (3, 6, 9, 10, 11)}
    assert names <= set(CATALOG.names())
    for name in sorted(names):
        made = document(load(name), Sources())
        assert "arXiv 2406.14526" in made["md"].decode()
        assert "not run" in made["md"].decode(), name


@pytest.mark.parametrize(
    ("base", "other", "naive", "corrected"),
    [((30.33, 1.89), (20.67, 0.47), 8.59, 7.01), ((14.33, 2.62), (4.33, 0.47), 6.51, 5.31)],
)
def test_the_papers_t_values_are_those_of_population_sds(
    base: tuple[float, float], other: tuple[float, float], naive: float, corrected: float
) -> None:
    a, b = Group(*base, 3), Group(*other, 3)
    assert round(naive_t(a, b) or 0, 2) == naive
    test = one_tailed(a, b)
    assert test is not None
    assert round(test.t, 2) == corrected
    assert 0 < test.p < 0.02
    back = one_tailed(b, a)
    assert back is not None
    assert back.p > 0.98


def test_a_t_test_needs_runs_that_vary() -> None:
    assert one_tailed(Group.of([3.0]), Group.of([1.0])) is None
    same = Group.of([3.0, 3.0])
    assert one_tailed(same, Group.of([1.0, 1.0])) is None
    assert naive_t(same, same) is None
    with pytest.raises(ValueError, match="needs a run"):
        Group.of([])


def test_table_3_tests_the_seeds_of_a_run(tmp_path: Path) -> None:
    made = another(tmp_path, rename={"negprompt": "negprompt[words=emb-cooc]"})
    # By another judge than asked last there are no rows to test.
    assert "name | not run" in read("3", runs=[made])[0]
    run = replace(made, manifest=made.manifest.model_copy(update={"judge": "menagerie@1"}))
    text, lines = read("3", runs=[run])
    printed = [x for x in lines if x["whose"] == "published"]
    assert [x["t_printed"] for x in printed] == ["8.59", "6.51"]
    assert [f"{float(x['t_ddof0']):.2f}" for x in printed] == [x["t_printed"] for x in printed]
    (ours,) = (x for x in lines if x["whose"] == "ours")
    assert (ours["row"], ours["seeds"]) == ("name", "3")
    # By hand: six characters, two of which are detected under the guardrail, always.
    assert float(ours["other"]) == pytest.approx(2.0)
    assert float(ours["other_sd"]) == 0
    assert float(ours["base"]) == pytest.approx(6.0)
    assert "rewritten | not run" in text


def test_tables_4_and_5_are_times_of_rows(tmp_path: Path) -> None:
    made = SyntheticRun(tmp_path)
    made.configure(model="sdxl")
    made.image_rows = [r.model_copy(update={"seconds": 2.0 + (i % 2)}) for i, r in enumerate(made.image_rows)]
    answers = len(made.verdicts)
    stage = StageRecord(status="complete", started="", seconds=answers * 0.5)
    made.manifest = made.manifest.model_copy(
        update={"stages": {"judge": stage}, "hardware": {"cpu": "a chip"}}
    )
    text, lines = read("4", runs=[made.data()])
    (ours,) = (x for x in lines if x["whose"] == "ours" and x["seconds"])
    assert (ours["row"], ours["hardware"]) == ("SDXL", "a chip")
    assert 2.0 < float(ours["seconds"]) < 3.0
    assert int(ours["n"]) == sum(r.outcome == "ok" for r in made.image_rows)
    assert "| SDXL | 36.4 |" in text
    text, lines = read("5", runs=[made.data()])
    (ours,) = (x for x in lines if x["whose"] == "ours" and x["seconds"])
    assert float(ours["seconds"]) == pytest.approx(0.5)
    assert "< 0.1" in text
    # What was never timed has no time, and no zero.
    made.image_rows = [r.model_copy(update={"seconds": 0.0}) for r in made.image_rows]
    made.manifest = made.manifest.model_copy(update={"stages": {}})
    for which, why in (("4", "no picture was drawn and timed"), ("5", "no judge was asked and timed")):
        text, lines = read(which, runs=[made.data()])
        assert not [x for x in lines if x["whose"] == "ours" and x["seconds"]]
        assert why in text


def test_judges_stand_beside_people(tmp_path: Path) -> None:
    given = [Measured(tmp_path / "c.json", calibration())]
    text, lines = read("6", calibrations=given)
    ours = [(x["judge"], x["question"], x["accuracy"]) for x in lines if x["whose"] == "ours"]
    assert ours == [("q@1", "identify", "0.9"), ("q@1", "verify", "0.8")]
    assert "82.5%" in text
    assert "majority of 2 raters" in text
    # Table 7 is about other characters.
    text, lines = read("7", calibrations=given)
    assert {x["whose"] for x in lines} == {"published"}
    assert "about unseen" in text
    text, lines = read("7", calibrations=[Measured(tmp_path / "u.json", calibration("unseen"))])
    assert {x["whose"] for x in lines} == {"published", "ours"}
    text, lines = read("fig6", calibrations=given)
    assert [(x["first"], x["second"], x["kappa"]) for x in lines] == [
        ("ann", "bob", "0.8123"),
        ("q@1 (identify)", "the majority", "0.71"),
        ("q@1 (verify)", "the majority", "0.71"),
        ("cy", "the majority", "0.71"),
    ]


def test_filters_stand_beside_detectors(tmp_path: Path) -> None:
    text, lines = read("9", filters=[Filter(tmp_path / "g.json", gate())])
    ours = lines[-1]
    assert (ours["whose"], ours["tpr"], ours["fpr"]) == ("ours", "0.88", "0.02")
    assert float(ours["accuracy"]) == pytest.approx((0.88 * 50 + 98) / 150)
    old = gate(sets=(gate().sets[0].model_copy(update={"reached": None}),))
    text, lines = read("9", filters=[Filter(tmp_path / "g.json", old)])
    assert lines[-1]["accuracy"] == ""
    assert "run `copycat gate` again" in text


def test_sources_are_told_by_what_they_hold(tmp_path: Path) -> None:
    def opened(name: str) -> RunFolder:
        raise UnknownName("run", name, [])

    (tmp_path / "c.json").write_text(calibration().model_dump_json())
    (tmp_path / "g.json").write_text(gate().model_dump_json())
    (tmp_path / "x.json").write_text(json.dumps({"question": "which"}))
    found = open_sources([str(tmp_path / "c.json"), str(tmp_path / "g.json")], opened)
    assert (len(found.calibrations), len(found.filters), len(found.runs)) == (1, 1, 0)
    with pytest.raises(BadFile, match="neither a calibration file"):
        open_sources([str(tmp_path / "x.json")], opened)
    with pytest.raises(UserError, match=r"There is no Table 10; there are tables 1 to 9, and fig10, fig11"):
        load("10")
    with pytest.raises(UnknownName):
        open_sources(["nowhere"], opened)
    with pytest.raises(UserError, match="Table 1 is filled from run folders"):
        document(load("1"), found)
    with pytest.raises(UserError, match="copycat calibrate RUN"):
        document(load("6"), Sources(runs=[another(tmp_path / "run")]))
    with pytest.raises(UserError, match="Table 4 is no list of prompts"):
        needed(load("4"), "prompts", lambda _: True)


def test_any_rewriter_fills_the_rewritten_cells_and_is_named(tmp_path: Path) -> None:
    one = load("1")
    assert isinstance(one, PaperTable)
    llm = another(
        tmp_path / "llm", rename={"negprompt": "rewrite-llm[model=gpt-4o]+negprompt", "none": "rewrite-llm"}
    )
    text = markdown(fill(one, [llm]))
    assert "by rewrite-llm[model=gpt-4o] |" in text
    told = "rewrite-llm[model=gpt-4o]+negprompt on name, in place of rewrite+negprompt on name."
    assert f"name, rewritten, menagerie: {told}" in text
    # Asked for, it is no second choice, whatever its options; and it goes before the usual one.
    usual = another(tmp_path / "usual", rename={"negprompt": "rewrite+negprompt", "none": "rewrite"})
    text = markdown(fill(one, [usual, llm], "rewrite-llm"))
    assert "in place of" not in text
    assert "by rewrite-llm |" in text
    assert f"Not shown: rewrite on name of {usual.path}" in text
    assert "by rewrite |" in markdown(fill(one, [llm, usual]))
    # Prompts that were rewritten elsewhere say so.
    theirs = another(tmp_path / "theirs", rename={"name": "upstream-rewritten-name"})
    text = markdown(fill(one, [theirs]))
    assert "by the paper's GPT-4 |" in text
    assert "in place of" in text
    assert "in place of" not in markdown(fill(one, [theirs], "upstream-rewritten-name"))
    lines = list(csv.DictReader(io.StringIO(csv_text(fill(one, [theirs])))))
    assert {x["rewritten_by"] for x in lines if x["ours"]} == {"the paper's GPT-4"}


def test_what_is_no_rewriter_fills_no_rewritten_cell(tmp_path: Path) -> None:
    gated = another(tmp_path, rename={"negprompt": "gate+rewrite"})
    text = markdown(fill(load("1"), [gated]))  # type: ignore[arg-type]
    assert "Not shown: gate+rewrite on name" in text
    assert [
        rewrites(p) for p in ("rewrite", "rewrite-llm[model=x]", "negprompt", "gate", "nonesuch", "")
    ] == [
        *(True, True),
        *(False,) * 4,
    ]


def test_needs_take_a_rewriter() -> None:
    usual = table("1", "--needs", "mitigations")
    assert "rewrite+negprompt," in usual
    assert table("1", "--needs", "mitigations", "--rewriter", "rewrite-llm") == usual.replace(
        "rewrite", "rewrite-llm"
    )
    theirs = ("--rewriter", "upstream-rewritten-name")
    assert table("1", "--needs", "prompts", *theirs) == "name,upstream-rewritten-name\n"
    assert "rewrite" not in table("1", "--needs", "mitigations", *theirs)
    assert table("3", "--needs", "mitigations").startswith("none,negprompt[words=emb-cooc],rewrite,")
    with pytest.raises(UserError, match="rewrites no prompt"):
        table("1", "--needs", "mitigations", "--rewriter", "negprompt")
