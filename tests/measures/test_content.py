"""CONS_prompt: what the prompt asked for beyond the character, by hand."""

from __future__ import annotations

import pytest

from copycat.measures import CONS_PROMPT, Evidence
from copycat.measures.summary import summarise
from copycat.mitigations import parse
from copycat.records import ImageRow, Metric, Request, Sampling, Unscored, Verdict, YesNo, request_id
from copycat.subjects.characters import Character, Registry, load_registry
from copycat.subjects.content import asked_for
from copycat.subjects.prompts import load_prompts
from tests.helpers.questions import answered, questions

WHO = load_registry("menagerie")["hupgroqui"]


def request(prompt: str, seed: int = 0, content: tuple[str, ...] = ()) -> Request:
    return Request(
        model="m", character=WHO.slug, prompt_set="s", run_seed=seed, seed=seed, mitigation="none",
        source_prompt=prompt, prompt=prompt, content=content,
        sampling=Sampling(steps=1, guidance=1, height=8, width=8),
    ).with_id()  # fmt: skip


def verdicts(r: Request, **scores: float | None) -> list[Verdict]:
    return [
        answered(
            "content",
            Unscored(reason="?") if s is None else YesNo(p_yes=s),
            request=r.id, question_hash=item, item=item.replace("_", " "),
        )
        for item, s in scores.items()
    ]  # fmt: skip


def measured(requests: list[Request], said: list[Verdict]) -> Metric | None:
    images = {r.id: ImageRow(request=r.id, outcome="ok", file="f", sha256="0") for r in requests}
    frames = {r: (row,) for r, row in images.items()}
    found = summarise(Evidence(requests, frames, said, Registry("r", 1, [WHO])))
    return next((m for m in found if m.metric == CONS_PROMPT.name), None)


@pytest.mark.parametrize(
    ("prompt", "items"),
    [
        ("Hupgroqui", ()),
        ("fairytale bear", ()),
        ("black fairytale bear", ("black bear",)),
        (
            "black fairytale bear with orange cap and teal scarf and balloon",
            ("black bear", "orange cap", "teal scarf", "balloon"),
        ),
        ("a bear with a TEAL scarf, balloons", ("teal scarf",)),
    ],
)
def test_what_the_registry_can_tell(prompt: str, items: tuple[str, ...]) -> None:
    assert asked_for(request(prompt), WHO) == items


def test_a_rewritten_request_is_asked_for_what_the_user_wanted() -> None:
    raw = request("Hupgroqui eating a burger with teal scarf", content=("a figure eating a burger",))
    rewritten = parse("rewrite").apply(raw, WHO)
    assert "teal scarf" not in rewritten.prompt
    assert asked_for(rewritten, WHO) == ("a figure eating a burger",)
    twice = request("Hupgroqui", content=("burger", "a Burger", "two"))
    assert asked_for(twice, WHO) == ("burger", "two")
    # What is asked about a picture does not decide its pixels.
    assert request_id(raw) == request_id(raw.model_copy(update={"content": ()}))


def test_one_question_an_item_in_words_a_judge_can_read() -> None:
    row = ImageRow(request="r", outcome="ok", file="f", sha256="0")
    asked = [q for q in questions(row, WHO, ("orange cap", "a figure dancing")) if q.kind == "content"]
    assert [(q.item, q.text) for q in asked] == [
        ("orange cap", "Does this picture show an orange cap? Answer Yes or No."),
        ("a figure dancing", "Does this picture show a figure dancing? Answer Yes or No."),
    ]


def test_a_picture_counts_with_all_its_items_or_not_at_all() -> None:
    whole, half, bare = (
        request("teal scarf, balloon"),
        request("teal scarf, balloon", 1),
        request("Hupgroqui"),
    )
    said = [*verdicts(whole, teal_scarf=1.0, balloon=0.5), *verdicts(half, teal_scarf=1.0, balloon=None)]
    m = measured([whole, half, bare], said)
    assert m is not None
    assert m.value == pytest.approx(0.75)
    assert (m.images, m.scored, m.unscored) == (2, 1, 1), "a bare name asks for nothing"
    assert measured([bare], []) is None


@pytest.mark.parametrize("registry", ["copycat", "unseen"])
def test_every_action_says_what_it_wants(registry: str) -> None:
    people: dict[str, Character] = {c.slug: c for c in load_registry(registry).characters}
    for p in load_prompts("actions", registry):
        (wanted,) = p.content
        assert wanted == f"a figure{p.text.removeprefix(people[p.character].name)}"
