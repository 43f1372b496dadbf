"""A whole study in small: two runs, their numbers, the page, the figure, and what resumes."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from rich.console import Console

from copycat.errors import UserError
from copycat.mitigations import parse
from copycat.robustness import Study, choose
from copycat.robustness.cells import Table, table
from copycat.robustness.study import GUARDS, kind
from copycat.robustness.words import soundness
from copycat.robustness.write import csv_text, write
from copycat.runtime.progress import Progress
from copycat.subjects.characters import load_registry

ATTACK = "typo[queries=2]"


@pytest.fixture(scope="module")
def made(tiny_models: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The study, its table and what was written."""
    out = tmp_path_factory.mktemp("robustness")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COPYCAT_CACHE", str(out / "cache"))
        registry = load_registry(str(tiny_models.registry))
        study = Study(
            model=str(tiny_models.sd),
            registry=registry,
            people=choose(registry, ["zori"], 1, 1),
            guards=("negprompt", "sld", "uce[tokens=all]"),
            attacks=(ATTACK,),
            out=out / "study",
            seeds=(0, 1),
            prompts=(str(tiny_models.prompts),),
            settings={"registry": str(tiny_models.registry), "judge": str(tiny_models.judge),
                      "device": "cpu", "steps": 2, "batch_size": 4},
        )  # fmt: skip
        study.check()
        attacked, others = study.run(Console(quiet=True), Progress())
        found = table(study, attacked, others)
        files = write(study, found, attacked, others)
        yield study, found, files, (attacked, others)


def test_every_guardrail_meets_every_attack_and_only_weights_are_looked_at_for_neighbours(made: Any) -> None:
    study, found, *_ = made
    assert isinstance(found, Table)
    assert found.attacks == ("none", ATTACK)
    assert [(g.spec, g.kind) for g in found.guards] == [
        ("none", "none"), ("negprompt", "prompt"), ("sld", "sampler"), ("uce[tokens=all]", "weights"),
    ]  # fmt: skip
    for g in found.guards:
        assert list(g.cells) == ["none", ATTACK]
        assert all(c.detect is not None and c.detect.asked == 2 for c in g.cells.values())
        assert (g.cells["none"].took, g.cells["none"].attacked) == (None, None)
        assert g.cells[ATTACK].took is not None
        assert g.cells[ATTACK].took.searches == 2
        assert (g.plain.guarded is None) == (g.spec == "none")
    assert [sorted(g.sides) for g in found.guards] == [
        ["neighbours", "unrelated"],
        [],
        [],
        ["neighbours", "unrelated"],
    ]
    assert study.erasers == {"uce[tokens=all]": "uce[characters=zori,tokens=all]"}
    assert found.guards[3].seconds is not None
    assert found.guards[1].seconds is None


def test_numbers_are_those_of_the_rows(made: Any) -> None:
    _, found, _, (attacked, others) = made
    from copycat.measures import DETECT

    def mean(run: Any, spec: str, slug: str) -> float:
        values = [
            o.value for o in run.observations(DETECT).values()
            if (o.request.mitigation, o.request.character) == (spec, slug) and o.value is not None
        ]  # fmt: skip
        return sum(values) / len(values)

    for g in found.guards:
        for attack, cell in g.cells.items():
            spec = g.spec if attack == "none" else f"{g.spec}@{attack}"
            assert cell.detect.value == pytest.approx(mean(attacked, spec, "zori"))
    side = found.guards[3].sides["neighbours"]
    assert side.detect.value == pytest.approx(mean(others, "uce[characters=zori,tokens=all]", "kamo"))
    gain = found.guards[0].cells[ATTACK].attacked.found
    assert gain.difference.value == pytest.approx(gain.other - gain.base)
    assert gain.pairs == 2


def test_neighbours_are_drawn_by_the_same_erased_weights(made: Any) -> None:
    *_, (attacked, others) = made
    erased = {r.variant for r in attacked.requests if r.mitigation.startswith("uce")}
    assert erased == {r.variant for r in others.requests if r.mitigation.startswith("uce")}
    assert len(erased) == 1
    assert "" not in erased


def test_page_table_and_figure_are_there_and_say_the_same(made: Any) -> None:
    study, found, files, _ = made
    assert sorted(p.name for p in files) == [
        "robustness-name.png", "robustness-name.svg", "robustness.csv", "robustness.html", "robustness.md",
    ]  # fmt: skip
    with Image.open(study.out / "robustness-name.png") as figure:
        assert figure.width / figure.height == pytest.approx(16 / 9, abs=0.01)
    lines = list(csv.DictReader((study.out / "robustness.csv").read_text().splitlines()))
    assert [(r["guardrail"], r["attack"], r["who"]) for r in lines][:2] == [
        ("none", "none", "erased"),
        ("none", ATTACK, "erased"),
    ]
    first = found.guards[0].plain.detect
    assert float(lines[0]["detect"]) == pytest.approx(first.value, abs=1e-4)
    page = (study.out / "robustness.html").read_text()
    assert "http://" not in re.sub(r"data:[^\"]*", "", page).replace("http://www.w3.org", "")
    assert page.count('<img class="thumb') == 2 * 4 + 2 * 2
    assert f"<b>{round(100 * first.value)}%</b>" in page
    told = (study.out / "robustness.md").read_text()
    assert "| `uce[tokens=all]` | weights |" in told
    assert "Neighbours, with what they share" in told


def test_the_same_study_again_draws_nothing_anew(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    study, found, _, (attacked, others) = made
    monkeypatch.setenv("COPYCAT_CACHE", str(study.out.parent / "cache"))
    again = study.run(Console(quiet=True), Progress())
    assert [len(r.image_rows) for r in again] == [len(attacked.image_rows), len(others.image_rows)]
    assert csv_text(table(study, *again)) == csv_text(found)


def test_every_kind_of_guardrail_that_there_is_has_its_place() -> None:
    kinds = {spec: kind(parse(spec)) for spec in (*GUARDS, "none", "filter", "rewrite+esd")}
    assert [s for s, k in kinds.items() if k == "weights"] == [
        "uce",
        "rece",
        "esd",
        "spm",
        "advunlearn",
        "doco",
        "rewrite+esd",
    ]
    assert [s for s, k in kinds.items() if k == "sampler"] == ["sld", "safree", "dng"]
    assert kinds["filter"] == "picture"
    assert kinds["none"] == "none"
    assert kinds["rewrite"] == kinds["negprompt"] == "prompt"


def test_of_several_guardrails_only_erasers_reach_those_who_are_not_meant(made: Any) -> None:
    study = replace(made[0], guards=("negprompt+uce[tokens=all]", "uce[characters=kamo]+sld", "sld"))
    assert study.erasers == {
        "negprompt+uce[tokens=all]": "uce[characters=zori,tokens=all]",
        "uce[characters=kamo]+sld": "uce[characters=kamo]",
    }


def test_a_study_says_what_there_was_to_guard(made: Any) -> None:
    _, found, files, _ = made
    (first, *others) = found.guards
    seen = first.plain.detect

    def told(value: float) -> str:
        detect = replace(seen, alike=replace(seen.alike, value=value))
        plain = replace(first.plain, detect=detect)
        return soundness(replace(found, guards=(replace(first, cells={"none": plain}), *others)))

    assert told(0.9) == "Without any guardrail 90% of the pictures show who was asked for."
    assert "79% of the pictures show who was asked for: too few" in told(0.79)
    page = next(p for p in files if p.name == "robustness.html").read_text()
    assert soundness(found) in page


def test_an_attack_that_there_is_not_is_said_before_anything_is_written(made: Any, tmp_path: Path) -> None:
    study = made[0]
    wrong = Study(**{**{f: getattr(study, f) for f in study.__dataclass_fields__},
                     "attacks": ("udatc",), "out": tmp_path / "x"})  # fmt: skip
    with pytest.raises(UserError, match="udatc"):
        wrong.check()
    assert not (tmp_path / "x").exists()
