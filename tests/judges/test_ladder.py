"""The ladder as a judge: whose reference a picture is a copy of."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pandas as pd
import pytest
import yaml
from PIL import Image

from copycat.cards.judges import load_judge_card
from copycat.copies.variants import COPIES
from copycat.errors import BadFile, UnknownName, UserError
from copycat.io.paths import DATA
from copycat.judges import ladder
from copycat.judges.base import identify, load_judge
from copycat.measures.questions import IDENTIFY
from copycat.menagerie.render import render
from copycat.menagerie.world import make_inhabitants
from copycat.records import Named, Question
from copycat.subjects.characters import load_registry

REGISTRY = load_registry("menagerie")
WHO = REGISTRY.characters[0]


def asked(images: list[Image.Image], name: str = "menagerie-ladder") -> list[tuple[str, ...]]:
    """Whom the judge names in each picture."""
    question = Question(
        kind=IDENTIFY.kind, form="names", request="r", file="", sha256="0",
        text=IDENTIFY.render(REGISTRY, WHO, None, 0, "plain"),
    )  # fmt: skip
    with load_judge(load_judge_card(name), "cpu") as judge:
        said = judge.ask([question] * len(images), images)
    assert all(isinstance(v.answer, Named) for v in said)
    return [v.answer.names for v in said if isinstance(v.answer, Named)]


def reference(k: int) -> Image.Image:
    return Image.open(DATA / WHO.references[k]).convert("RGB")


@pytest.fixture(autouse=True)
def measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shipped thresholds are those of the shipped references, so nothing is measured here."""
    monkeypatch.setattr("copycat.copies.build.calibrate", lambda *_: pytest.fail("thresholds are shipped"))


def test_it_names_whose_picture_is_copied_from_its_rung_on() -> None:
    copies = [COPIES[kind](reference(2)) for kind in ("saved as JPEG", "cropped by a tenth")]
    me, nobody = (WHO.name,), ()
    assert asked(copies) == [me, me]
    assert asked(copies, "menagerie-ladder[at=perceptual]") == [me, nobody]
    assert asked([*copies, reference(2)], "menagerie-ladder[at=exact]") == [nobody, nobody, me]


def test_a_character_drawn_anew_is_no_copy() -> None:
    pictures = [render(make_inhabitants()[0].figure, random.Random(seed))[0] for seed in range(8)]
    assert asked(pictures).count(()) >= 7


def test_who_it_is_depends_on_its_rung() -> None:
    names = ("menagerie-ladder", "menagerie-ladder[at=copy]", "menagerie-ladder[at=exact]")
    assert len({identify(load_judge_card(n)).partition("@")[2] for n in names}) == 3
    with pytest.raises(UnknownName, match="near-copy"):
        ladder.LadderJudge.check(load_judge_card("menagerie-ladder[at=near-coppy]"))
    with pytest.raises(UserError, match="menagerie has no rungs"):
        load_judge_card("menagerie[at=copy]")


def test_a_card_may_compare_with_other_pictures(tmp_path, monkeypatch) -> None:
    card = yaml.safe_load((DATA / "judges" / "menagerie-ladder.yaml").read_text(encoding="utf-8"))
    card |= {"name": "trained", "source": str(DATA / "menagerie" / "judge"), "pictures": "own.parquet"}
    del card["thresholds"]
    (tmp_path / "judges").mkdir()
    path = tmp_path / "judges" / "trained.yaml"
    path.write_text(yaml.safe_dump(card))
    monkeypatch.setenv("COPYCAT_HOME", str(tmp_path))
    with pytest.raises(BadFile, match=r"own.parquet of the judge trained are not there"):
        ladder.LadderJudge.check(load_judge_card("trained"))
    rows = [{"image": (DATA / r).read_bytes(), "character": WHO.slug} for r in WHO.references]
    pd.DataFrame(rows).to_parquet(tmp_path / "judges" / "own.parquet")
    ladder.LadderJudge.check(load_judge_card("trained"))
    one = identify(load_judge_card("trained"))
    pd.DataFrame(rows[1:]).to_parquet(tmp_path / "judges" / "own.parquet")
    assert identify(load_judge_card("trained")) != one


def card_of_its_own(home: Path, **changes: str) -> str:
    """A card called `own` under `home`; returns its name."""
    card = yaml.safe_load((DATA / "judges" / "menagerie-ladder.yaml").read_text(encoding="utf-8"))
    card |= {"name": "own", "source": str(DATA / "menagerie" / "judge"), **changes}
    (home / "judges").mkdir(exist_ok=True)
    (home / "judges" / "own.yaml").write_text(yaml.safe_dump(card))
    return "own"


def test_who_it_is_depends_on_where_its_rungs_begin_and_not_on_how_that_was_measured(
    tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("COPYCAT_HOME", str(tmp_path))
    shipped = json.loads((DATA / "judges" / "menagerie-ladder.json").read_text(encoding="utf-8"))
    file = tmp_path / "own.json"
    file.write_text(json.dumps(shipped))
    name = card_of_its_own(tmp_path, thresholds=str(file))
    first = identify(load_judge_card(name))
    file.write_text(json.dumps({**shipped, "command": "another", "commit": None}))
    assert identify(load_judge_card(name)) == first
    shipped["rungs"]["near-copy"]["value"] = 0.5
    file.write_text(json.dumps(shipped))
    assert identify(load_judge_card(name)) != first
    file.write_text("{}")
    with pytest.raises(BadFile, match="holds no thresholds of a ladder"):
        ladder.LadderJudge.check(load_judge_card(name))


def test_pictures_of_which_nobody_is_known_are_refused_since_nothing_would_be_withheld(
    tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("COPYCAT_HOME", str(tmp_path))
    table = tmp_path / "trained.parquet"
    pd.DataFrame([{"image": (DATA / r).read_bytes()} for r in WHO.references]).to_parquet(table)
    name = card_of_its_own(tmp_path, pictures=str(table))
    with pytest.raises(BadFile, match=r"could name nobody: .* add a column `character`"):
        ladder.LadderJudge.check(load_judge_card(name))
