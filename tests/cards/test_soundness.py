"""What `copycat validate` finds in cards beyond what reading them tells."""

from __future__ import annotations

from pathlib import Path

import pytest

from copycat.cards.judges import CATALOG as JUDGES
from copycat.cards.llms import CATALOG as LLMS
from copycat.cards.models import CATALOG as MODELS
from copycat.stages.soundness import of_cards, unpinned

MODEL = """\
name: {name}
title: Mine
pipeline: {pipeline}
source: someone/mine
sampling: {{steps: 1, guidance: 1, height: 8, width: 8}}
{more}
"""


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("COPYCAT_HOME", str(tmp_path))
    for kind in ("models", "judges", "llms"):
        (tmp_path / kind).mkdir()
    return tmp_path


def told(catalog: object, name: str) -> str:
    return " ".join(of_cards({name: catalog.get(name)}))  # type: ignore[attr-defined]


def test_shipped_cards_are_sound() -> None:
    for catalog in (MODELS, JUDGES, LLMS):
        cards = {name: catalog.get(name) for name in catalog.names()}
        assert list(of_cards(cards)) == []


def test_licences_of_judges_are_told_but_where_nobody_is_sure() -> None:
    unknown = {name for name in JUDGES.names() if JUDGES.get(name).licence == "unknown"}
    assert unknown == {"internvl3-2b", "internvl3-8b"}
    assert JUDGES.get("qwen2.5-vl-3b").licence == "Qwen Research License"


@pytest.mark.parametrize(
    ("told_as", "pipeline", "more", "fault"),
    [
        ("other", "StableDiffusionPipeline", "revision: abc", "names itself other"),
        ("mine", "StableDiffusionPipeline", "", "someone/mine does not exist. A repository of the hub needs"),
        ("mine", "NoSuchPipeline", "revision: abc", "NoSuchPipeline is no pipeline"),
        ("mine", "FluxPipeline", "revision: abc\nscheduler: NoScheduler", "NoScheduler is no scheduler"),
        ("mine", "FluxPipeline", "revision: abc\njudge: nobody", "Unknown judge 'nobody'"),
        ("mine", "FluxPipeline", "revision: abc\nregistry: nowhere", "'nowhere'"),
        ("mine", "FluxPipeline", "revision: abc\nkind: no-kind", "Unknown generator kind"),
        ("mine", "FluxPipeline", "revision: abc\npresets: {x: {scheduler: None2}}", "None2 is no scheduler"),
        (
            "mine",
            "FluxPipeline",
            "revision: abc\nstages: [{pipeline: NoStage, source: a/b, revision: c, steps: 1, guidance: 1}]",
            "NoStage is no pipeline",
        ),
        (
            "mine",
            "FluxPipeline",
            "revision: abc\nmotion_adapter: {source: gone}",
            "models/gone does not exist",
        ),
    ],
)
def test_what_is_wrong_with_a_model_card_is_found(
    home: Path, told_as: str, pipeline: str, more: str, fault: str
) -> None:
    card = MODEL.format(name=told_as, pipeline=pipeline, more=more)
    (home / "models" / "mine.yaml").write_text(card)
    found = told(MODELS, "mine")
    assert fault in found
    assert found.count("The card mine") == 1


def test_a_branch_is_a_warning_and_no_fault(home: Path) -> None:
    card = MODEL.format(name="mine", pipeline="FluxPipeline", more="revision: main")
    (home / "models" / "mine.yaml").write_text(card)
    assert told(MODELS, "mine") == ""
    [warning] = unpinned({"mine": MODELS.get("mine")})
    assert "takes what someone/mine holds at main" in warning
    assert not list(unpinned({"sdxl": MODELS.get("sdxl"), "gpt-image-1": MODELS.get("gpt-image-1")}))


def test_what_is_wrong_with_judges_and_language_models_is_found(home: Path) -> None:
    (home / "judges" / "mine.yaml").write_text("name: mine\nsource: a/b\ncalibration: gone.json\n")
    found = told(JUDGES, "mine")
    assert "a/b does not exist. A repository of the hub needs" in found
    assert "gone.json does not exist" in found
    (home / "judges" / "bench.yaml").write_text("name: bench\nkind: panel\nmembers: [menagerie, nobody]\n")
    assert "Unknown judge 'nobody'" in told(JUDGES, "bench")
    (home / "llms" / "mine.yaml").write_text("name: yours\nsource: a/b\nkind: odd\n")
    found = told(LLMS, "mine")
    for fault in ("names itself yours", "llms/a/b does not exist", "Unknown language-model kind"):
        assert fault in found
