"""What every measure keeps to, those of other packages too."""

from __future__ import annotations

import json

import pytest
import yaml

from copycat.measures import CATALOG, Evidence, Measure, measure, measures
from copycat.measures.summary import summarise
from copycat.records import (
    Answer,
    ImageRow,
    Metric,
    Named,
    Number,
    Question,
    Request,
    Sampling,
    Similarities,
    Unscored,
    YesNo,
)
from copycat.subjects.characters import Character, Registry
from tests.helpers.questions import answered
from tests.helpers.tiny import WORLD

NAMES = [*CATALOG.names(), "HAT"]
ASKING = [n for n in NAMES if n not in ("FALSE_ALARM", "MOVED")]
PEOPLE = [Character.model_validate(c) for c in yaml.safe_load(WORLD)["characters"]]
REGISTRY = Registry("tiny", 1, PEOPLE)
ZORI = REGISTRY["zori"]
SHOWN: list[Answer] = [
    YesNo(p_yes=1.0),
    YesNo(p_yes=0.0, answer_probability=0.9),
    Named(names=()),
    Named(names=("Zori", "a dog")),
    Similarities(similarities={"zori": 0.9, "kamo": 0.1}, threshold=0.5),
    Similarities(similarities={"kamo": -1.0}, threshold=0.5),
    Number(value=0.25),
]
"""An answer of every form that is one."""

pytestmark = pytest.mark.usefixtures("plugin")


def request(slug: str = "zori", seed: int = 0) -> Request:
    return Request(
        model="m@0", character=slug, prompt_set="name", run_seed=seed, seed=seed, mitigation="none",
        source_prompt="Zori with red cape", prompt="Zori with red cape", content=("a red cape", "a moon"),
        sampling=Sampling(steps=1, guidance=1, height=8, width=8),
    ).with_id()  # fmt: skip


def picture(r: Request) -> ImageRow:
    return ImageRow(request=r.id, outcome="ok", file="f", sha256="0")


def asked(m: Measure, r: Request, references: int = 0) -> list[Question]:
    return m.questions(r, picture(r), REGISTRY, references)


def evidence(m: Measure, requests: list[Request], answer: Answer) -> Evidence:
    """Every question of `m` about every picture has that answer."""
    said = [answered(q.kind, answer, request=q.request, item=q.item) for r in requests for q in asked(m, r)]
    return Evidence(requests, {r.id: (picture(r),) for r in requests}, said, REGISTRY)


def test_all_of_the_catalogue_is_here() -> None:
    assert sorted(NAMES) == CATALOG.names()
    assert {m.name for m in measures()} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_it_says_what_it_is(name: str) -> None:
    m = measure(name)
    assert m is CATALOG.get(name), "the one object"
    assert m.name == name
    assert m.title == m.title.strip() != ""
    assert m.about[0].isupper()
    assert m.about.endswith((".", ".)"))
    assert m.better in ("lower", "higher")
    assert m.heading == f"{name} {'↓' if m.better == 'lower' else '↑'}"
    assert f"{m.better}" in m.about or "safer" in m.about, "a reader is told which direction is better"
    assert 0 <= m.places <= 6
    assert m.scale(1) == 1, "one character is counted as one"
    assert m.scale(7) == (7 if m.counts else 1)


@pytest.mark.parametrize("name", ASKING)
def test_its_questions_can_be_put(name: str) -> None:
    m = measure(name)
    found = asked(m, request())
    assert found, "here is something to ask about"
    assert m.ask is not None
    for q in found:
        assert (q.kind, q.form) == (m.ask.kind, m.ask.form)
        assert (q.request, q.file, q.sha256) == (request().id, "f", "0")
        assert q.text.strip()
        assert not set("{}") & set(q.text), "no place is left open"
        assert q.references == ()
    assert len({(q.kind, q.item) for q in found}) == len(found), "nothing is asked twice"
    assert found == asked(m, request()), "the same question each time, or a judge is asked again"
    # A kind of question is a name in files and of an API's schema.
    assert m.ask.kind.replace("_", "").replace("-", "").isalnum()
    lost = ImageRow(request=request().id, outcome="error", error="?")
    with pytest.raises(ValueError, match="only an ok picture"):
        m.questions(request(), lost, REGISTRY)


def test_measures_that_ask_the_same_ask_it_in_the_same_words() -> None:
    """A judge is asked once a kind, whichever measures want to know."""
    asks = [m.ask for m in measures() if m.ask]
    assert len({a.kind for a in asks}) == len(set(asks))


@pytest.mark.parametrize("name", ASKING)
def test_what_it_reads_is_a_share_or_nothing(name: str) -> None:
    m = measure(name)
    read = [m.read(answer, ZORI) for answer in SHOWN]
    assert any(value is not None for value in read), "some form of answer says something"
    for value in read:
        assert value is None or 0 <= value <= 1
        assert not m.binary or value in (None, 0, 1)


@pytest.mark.parametrize("name", ASKING)
def test_no_answer_is_no_number(name: str) -> None:
    m = measure(name)
    assert m.value(None, ZORI) is None
    assert m.value(answered("x", Unscored(reason="asleep")), ZORI) is None
    r = request()
    (seen,) = m.observe(evidence(m, [r], Unscored(reason="asleep")))
    assert (seen.request, seen.value) == (r, None)
    (unasked,) = m.observe(Evidence([r], {r.id: (picture(r),)}, [], REGISTRY))
    assert unasked.value is None
    (undrawn,) = m.observe(Evidence([r], {}, [], REGISTRY))
    assert (undrawn.image, undrawn.value) == (None, None)
    other = [v.model_copy(update={"image_sha256": "9"}) for v in evidence(m, [r], SHOWN[0]).verdicts]
    (stale,) = m.observe(Evidence([r], {r.id: (picture(r),)}, other, REGISTRY))
    assert stale.value is None, "an answer about other pixels is none about these"


@pytest.mark.parametrize("name", ASKING)
@pytest.mark.parametrize("answer", SHOWN, ids=lambda a: a.form)
def test_its_number_has_a_range_and_denominators(name: str, answer: Answer) -> None:
    m = measure(name)
    requests = [request("zori"), request("zori", 1), request("kamo")]
    seen = evidence(m, requests, answer)
    (metric,) = summarise(seen, chosen=[m])
    assert metric.metric == name
    assert metric.scored + metric.unscored + metric.refused + metric.errors == metric.images == 3
    scored = {o.request.character for o in m.observe(seen) if o.value is not None}
    assert (metric.value is None) == (not scored)
    assert (metric.low is None) == (metric.high is None) == (len(scored) < 2), "one character has no spread"
    if metric.value is not None:
        low, high = (metric.value if x is None else x for x in (metric.low, metric.high))
        assert 0 <= low <= metric.value <= high <= m.scale(metric.characters)
    assert Metric.model_validate(json.loads(metric.model_dump_json())) == metric


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ASKING])
def test_one_of_rows_alone_asks_nothing_and_keeps_to_its_pictures(name: str) -> None:
    m = measure(name)
    asked_for = [request("zori"), request("kamo")]
    innocent = [r.model_copy(update={"prompt_set": "also:neutral"}).with_id() for r in asked_for]
    requests = [*asked_for, *innocent]
    frames = {r.id: (picture(r),) for r in requests}
    seen = Evidence(requests, frames, [], REGISTRY, {r.id: 0.25 for r in requests})
    assert asked(m, innocent[0]) == []
    assert [o.request for o in m.observe(seen)] == [r for r in requests if m.concerns(r)] == innocent
    (metric,) = summarise(seen, chosen=[m])
    assert (metric.prompt_set, metric.images, metric.scored) == ("also:neutral", 2, 2)
    assert metric.value is not None
    assert metric.low is not None
    assert metric.high is not None
    assert 0 <= metric.low <= metric.value <= metric.high <= 1
    undrawn = Evidence(requests, {}, [], REGISTRY)
    assert m.observe(undrawn) == [], "no picture, no number"


def test_a_measure_that_is_not_installed_has_a_stand_in() -> None:
    absent = measure("BEARD")
    assert absent.name == "BEARD"
    assert absent.observe(Evidence([request()], {}, [], REGISTRY)) == []
    assert absent not in measures()
