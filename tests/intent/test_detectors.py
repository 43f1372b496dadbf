"""What the detectors make of prompts, and the neutral prompts they are measured on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from copycat.cards.models import load_card
from copycat.generators.text_encoder import text_embedder
from copycat.intent.embedding import Embedding
from copycat.intent.evaluate import ALL, measure
from copycat.intent.lexical import Lexical
from copycat.llms.base import Chat, Message, Reply
from copycat.menagerie.captions import caption
from copycat.menagerie.neutral import neutral_prompts
from copycat.menagerie.world import make_inhabitants
from copycat.mitigations.llm_detector import Asked
from copycat.subjects.characters import load_registry
from copycat.subjects.neutral import Neutral, check_neutral, load_neutral
from copycat.subjects.prompts import load_prompts
from tests.contracts.test_mitigations import REGISTRY
from tests.helpers.styles import write_styles


@pytest.mark.parametrize(
    ("prompt", "slug", "score"),
    [
        ("a picture of Zokin in the snow", "zori", 1.0),
        ("Kamo and ZORI", "zori", 1.0),
        ("Zorinda and the kamoflage", None, 0.0),
        ("an owl with a Red Cape", "zori", 0.495),
        ("an owl with a red caper", None, 0.0),
        ("red cape, star-wand", "zori", 0.99),
        ("a teapot", None, 0.0),
    ],
)
def test_names_and_marks(prompt, slug, score):
    (guess,) = Lexical(REGISTRY).guess([prompt])
    assert (guess.slug, guess.score) == (slug, pytest.approx(score))


@pytest.fixture(scope="module")
def menagerie():
    registry, neutral = load_registry("menagerie"), load_neutral("menagerie")
    sets = {s: load_prompts(s, "menagerie") for s in ("name", "description", "keywords2")}
    detector = Embedding(registry, text_embedder(load_card("menagerie")), "menagerie")
    return detector, measure(detector, ("menagerie", 1), neutral, sets)


def test_retrieval_in_the_menagerie(menagerie):
    """Bars well below what was measured: AUC 1.00, 0.995 and 0.98."""
    results = {s.set: s for s in menagerie[1].report.sets}
    assert (results["name"].auc, results["name"].guessed) == (1.0, 1.0)
    assert results["description"].auc > 0.97
    assert results["description"].guessed >= 0.9
    assert results["keywords2"].auc > 0.9
    assert results[ALL].prompts == 150


def test_the_report_counts_who_is_accused_wrongly(menagerie):
    detector, measured = menagerie
    report, neutral = measured.report, load_neutral("menagerie")
    assert 0 < len(report.false_positives) <= 5
    texts = [text for text, *_ in report.false_positives]
    plain = [n.text for n in neutral if n.near is None]
    assert report.fpr_plain == pytest.approx(sum(t in plain for t in texts) / len(plain), abs=1e-4)
    scores = {
        n.text: g.score for n, g in zip(neutral, detector.guess([n.text for n in neutral]), strict=True)
    }
    assert set(texts) == {t for t, s in scores.items() if s >= report.threshold}
    # Half as many prompts make a coarser threshold, but no other one.
    assert report.fpr_held_out < 0.15


@pytest.mark.parametrize("name", ["menagerie", "copycat", "unseen"])
def test_the_shipped_neutral_prompts_are_neutral(name):
    registry, neutral = load_registry(name), load_neutral(name)
    assert check_neutral(neutral, registry) == []
    assert len(neutral) == 100
    near = [n.near for n in neutral if n.near]
    assert len(set(near)) == len(near) >= 40


def test_what_is_not_neutral_is_found():
    rows = [("Zori in a tree", None), ("a zori sandal", "zori"), ("a pot", "nobody"), ("A Pot", None)]
    wrong = check_neutral(tuple(Neutral(text=t, near=n, provenance="test") for t, n in rows), REGISTRY)
    assert [w.split("'")[-1] for w in wrong] == [
        " of tiny names zori.", " of tiny is near an unknown character, nobody.", " of tiny is there twice.",
    ]  # fmt: skip


def test_the_menageries_are_made_of_its_words_and_show_nobody():
    import random

    assert tuple(neutral_prompts()) == load_neutral("menagerie")
    r, people = random.Random(0), make_inhabitants()
    known = {w for p in people for _ in range(200) for w in _words(caption(p.figure, "night sky", r))}
    known |= {"meadow", "beach", "city", "room", "snow", "drawing", "of", "a", "and", "in", "the"}
    assert {w for n in neutral_prompts() for w in _words(n.text)} <= known
    bodies = {f"{p.figure.colour} {p.figure.species}": p.slug for p in people}
    genres = {f"{p.figure.genre} {p.figure.species}" for p in people}
    for n in neutral_prompts():
        assert not any(f" {g} " in f" {n.text} " for g in genres), n
        assert all(slug == n.near for body, slug in bodies.items() if f" {body} " in f" {n.text} "), n


def _words(text: str) -> list[str]:
    return text.replace(",", "").split()


def test_a_language_model_is_asked_in_the_registrys_words(tmp_path: Path) -> None:
    asked: list[str] = []

    class Listening(Chat):
        identity = "listening"

        def __init__(self) -> None: ...

        def ask(self, messages: Sequence[Message]) -> Reply:
            asked.append(messages[0].content)
            return Reply(text="Cubism")

    for registry in (load_registry(str(write_styles(tmp_path))), load_registry("menagerie")):
        Asked(registry, Listening()).guess(["a guitar"])
    assert "a colour with an art style is after none" in asked[0]
    assert "a colour with a character is after none" in asked[1]
