"""What every judge keeps to: each shipped card and each kind, and those of other packages.

Weights that are not in this repository are those of tiny models of the same classes; an API is a server on
this machine.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from PIL import Image

from copycat.cards.judges import CATALOG as CARDS
from copycat.cards.judges import JudgeCard, load_judge_card
from copycat.errors import UnknownName
from copycat.io.paths import DATA
from copycat.judges import yes_no
from copycat.judges.base import CATALOG as KINDS
from copycat.judges.base import Judge, answers, check_judge, identify, load_judge, question_hash
from copycat.measures import measures
from copycat.records import ImageRow, Named, Question, Request, Sampling, Similarities, Unscored, YesNo
from copycat.subjects.characters import load_registry
from tests.helpers.loopback import Loopback, running
from tests.helpers.vlm_families import FAMILIES

NAMES = [*CARDS.names(), "redness"]
MENAGERIE = load_registry("menagerie")
SLUGS = ("hupgroqui", "bexdra")
FORMS = {"names": (Named, Similarities), "yes_no": (YesNo, Similarities)}

pytestmark = pytest.mark.usefixtures("plugin")


@pytest.fixture(scope="module")
def server() -> Iterator[Loopback]:
    with running() as loopback:
        yield loopback


@pytest.fixture(scope="module")
def tiny_families(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {family: tmp_path_factory.mktemp("families") / family for family in FAMILIES}


@pytest.fixture
def cards(
    server: Loopback, tiny_families: dict[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Any:
    """Cards by name, with weights, a server and a program that are here."""
    # Random weights do not know that yes and no are the only answers.
    monkeypatch.setattr(yes_no, "MIN_ANSWER_PROBABILITY", 0.0)
    tesseract = SimpleNamespace(get_tesseract_version=lambda: "5", image_to_string=lambda image: "Zori\n\n?")
    monkeypatch.setitem(sys.modules, "pytesseract", tesseract)
    monkeypatch.setenv("COPYCAT_HOME", str(tmp_path))

    def card(name: str) -> JudgeCard:
        found = load_judge_card(name)
        if found.api:
            api = found.api.model_copy(update={"base_url": server.url, "key_env": None, "retries": 0})
            return found.model_copy(update={"api": api})
        if found.revision is None:
            return found
        family = next(f for f in FAMILIES if name.startswith(f))
        if family == "smolvlm2":
            pytest.importorskip("num2words", reason="the processor of SmolVLM writes numbers in words")
        if not tiny_families[family].exists():
            torch.manual_seed(1)
            FAMILIES[family](tiny_families[family])
        return found.model_copy(
            update={"source": str(tiny_families[family]), "revision": None, "dtype": "float32"}
        )

    return card


def picture(slug: str) -> Image.Image:
    return Image.open(DATA / MENAGERIE[slug].references[0]).convert("RGB")


def asked(slug: str) -> list[Question]:
    """All that all measures ask about a picture of a character."""
    request = Request(
        id=slug, model="m@0", character=slug, prompt_set="name", run_seed=0, seed=0, mitigation="none",
        source_prompt="p", prompt="p", content=("orange cap",),
        sampling=Sampling(steps=1, guidance=1, height=32, width=32),
    )  # fmt: skip
    row = ImageRow(request=slug, outcome="ok", file=f"{slug}.png", sha256=slug)
    return [q for m in measures() for q in m.questions(request, row, MENAGERIE)]


def questions(card: JudgeCard) -> list[Question]:
    """What `card`'s judge is asked about pictures of two characters, in turn."""
    both = [q for pair in zip(*map(asked, SLUGS), strict=True) for q in pair]
    return [q for q in both if answers(card, q.kind)]


def test_every_card_and_every_kind_is_here(cards: Any) -> None:
    assert sorted(NAMES) == CARDS.names()
    # A kind that no card is of would not be tested.
    assert {load_judge_card(name).kind for name in NAMES} == set(KINDS.names())
    assert {q.kind for q in asked(SLUGS[0])} == {m.ask.kind for m in measures() if m.ask}


@pytest.mark.parametrize("name", NAMES)
def test_who_it_is_is_known_before_it_is_loaded_and_after_it_is_closed(
    name: str, cards: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = cards(name)
    assert issubclass(KINDS.get(card.kind), Judge)
    check_judge(card, MENAGERIE, [MENAGERIE[s] for s in SLUGS])
    with monkeypatch.context() as unloaded:
        for member in (card, *card.asked()):
            unloaded.setattr(KINDS.get(member.kind), "__init__", None)
        before = identify(card)
        with pytest.raises(TypeError):
            load_judge(card, "cpu")
    with load_judge(card, "cpu") as judge:
        assert judge.identity == before
        assert before.partition("@")[0] == card.name
        assert before.partition("@")[2]
        assert judge.batch_size >= 1
    judge.close()
    assert judge.identity == before, "what is closed keeps its name"
    assert [name for name in vars(judge) if name.startswith("_")] == []
    if card.kind != "redness":  # which holds nothing, and needs nothing
        question = questions(card)[0]
        with suppress(AttributeError):
            assert not any(v.scored for v in judge.ask([question], [picture(question.character)]))
    other = card.model_copy(update={"name": "other"})
    assert identify(other) != before, "another card is another judge"


@pytest.mark.parametrize("name", NAMES)
def test_it_answers_each_question_in_order_and_in_its_form(name: str, cards: Any) -> None:
    card = cards(name)
    mine = questions(card)
    pictures = [picture(q.character) for q in mine]
    with load_judge(card, "cpu") as judge:
        said = judge.ask(mine, pictures)
        again = judge.ask(mine, pictures)
        alone = [judge.ask([q], [p])[0] for q, p in zip(mine, pictures, strict=True)]
    assert mine, "it is asked something"
    signed = identify(card)
    for v, q in zip(said, mine, strict=True):
        told = (v.request, v.frame, v.kind, v.image_sha256, v.question, v.item)
        assert told == (q.request, q.frame, q.kind, q.sha256, q.text, q.item)
        assert v.question_hash == question_hash(q)
        assert v.judge == signed
        assert isinstance(v.answer, (*FORMS[q.form], Unscored))
        for m in measures():
            value = m.value(v, MENAGERIE[q.character]) if m.ask and m.ask.kind == q.kind else None
            assert value is None or 0 <= value <= 1
    assert any(v.scored for v in said), [v.answer for v in said]
    assert said == again, "the same question has the same answer"
    for v, one in zip(said, alone, strict=True):
        assert v.answer.form == one.answer.form, "whatever its neighbours"
        if isinstance(v.answer, YesNo) and isinstance(one.answer, YesNo):
            assert v.answer.p_yes == pytest.approx(one.answer.p_yes, abs=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_what_it_cannot_answer_is_unscored_and_takes_no_neighbour_along(name: str, cards: Any) -> None:
    card = cards(name)
    mine = questions(card)
    broken = Image.new("RGB", (8, 8))
    broken.close()
    pictures = [broken if i == 1 else picture(q.character) for i, q in enumerate(mine)]
    with load_judge(card, "cpu") as judge:
        said = judge.ask(mine, pictures)
        whole = judge.ask(mine[:1], pictures[:1])
        # A kind of question that it does not know is answered with a reason too, and not with an error.
        odd = mine[0].model_copy(update={"kind": "odd", "form": "yes_no", "character": "nobody"})
        (strange,) = judge.ask([odd], pictures[:1])
    assert isinstance(said[1].answer, Unscored)
    assert said[1].answer.reason.strip()
    assert said[0].answer.form == whole[0].answer.form
    assert said[2:] == [] or any(v.scored for v in said[2:])
    assert isinstance(strange.answer, YesNo | Unscored)


def test_a_kind_that_is_not_there_is_named() -> None:
    with pytest.raises(UnknownName, match="no-such"):
        load_judge(JudgeCard(name="x", kind="no-such"), "cpu")
