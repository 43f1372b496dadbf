"""DETECT and CONS by hand."""

from __future__ import annotations

import math

import pytest

from copycat.judges.replies import read_names
from copycat.measures import CONS, DETECT, DETECT_TARGETED, Evidence
from copycat.measures.summary import summarise
from copycat.records import ImageRow, Metric, Named, Request, Sampling, Similarities, Unscored, Verdict, YesNo
from copycat.subjects.characters import Character, Registry, with_article
from tests.helpers.questions import answered


def character(slug: str) -> Character:
    return Character(
        slug=slug, name=slug.title(), aliases=(f"{slug}kin",), owner="o", key="owl", generic="an owl"
    )


def request(slug: str, seed: int) -> Request:
    return Request(
        model="m", character=slug, prompt_set="name", run_seed=seed, seed=seed, mitigation="none",
        source_prompt="p", prompt="p", sampling=Sampling(steps=1, guidance=1, height=8, width=8),
    ).with_id()  # fmt: skip


def identified(r: Request, *names: str, sha: str = "0") -> Verdict:
    return answered("identify", Named(names=names), request=r.id, image_sha256=sha)


PEOPLE = {s: character(s) for s in ("a1", "b1", "c1")}


def detect(requests, images, verdicts):
    return summarise(evidence(requests, {r: (row,) for r, row in images.items()}, verdicts))[0]


def evidence(requests, frames, verdicts):
    return Evidence(requests, frames, verdicts, Registry("r", 1, PEOPLE.values()))


def ok(requests):
    return {r.id: ImageRow(request=r.id, outcome="ok", file="f", sha256="0") for r in requests}


def test_detect_counts_characters():
    requests = [request(s, seed) for seed in (0, 1) for s in PEOPLE]
    says = ["A1", "b1kin", "nobody", "a1", "a1", "b1"]
    m = detect(requests, ok(requests), [identified(r, s) for r, s in zip(requests, says, strict=True)])
    assert m.value == pytest.approx(1.5)
    assert m.sd == pytest.approx(2**-0.5)
    assert (m.characters, m.images, m.scored) == (3, 6, 6)
    assert 0 <= m.low <= m.value <= m.high <= 3


def test_what_failed_is_not_undetected():
    requests = [request(s, 0) for s in PEOPLE]
    images = ok(requests)
    images[requests[1].id] = ImageRow(request=requests[1].id, outcome="refused_output")
    images[requests[2].id] = ImageRow(request=requests[2].id, outcome="error")
    m = detect(requests, images, [identified(requests[0], "a1")])
    assert m.value == 3, "the one that was scored was detected"
    assert (m.images, m.scored, m.unscored, m.refused, m.errors) == (3, 1, 0, 1, 1)
    assert m.low is None
    assert 0 < m.fixed_low < m.fixed_high == 3, "of the one character that is left"
    m = detect(
        requests,
        ok(requests),
        [answered("identify", Unscored(reason="?"), request=requests[0].id), identified(requests[1])],
    )
    assert (m.value, m.scored, m.unscored) == (0, 1, 2)


def test_bounds_over_all_that_was_asked_for_are_two_sums():
    requests = [request(s, seed) for seed in (0, 1) for s in PEOPLE]
    images = ok(requests)
    images[requests[1].id] = ImageRow(request=requests[1].id, outcome="refused_prompt")
    del images[requests[5].id]
    says = ["a1", "b1", "nobody", "a1", "b1", "c1"]
    m = detect(requests, images, [identified(r, s) for r, s in zip(requests, says, strict=True)])
    assert m.value == pytest.approx(2), "b1 and c1 by the one picture of each that is scored"
    assert (m.all_low, m.all_high) == (pytest.approx(1.5), pytest.approx(2.5))
    assert m.low <= m.fixed_low <= m.value <= m.fixed_high <= m.high
    whole = detect(requests, ok(requests), [identified(r, "a1") for r in requests])
    assert whole.all_low == whole.value == whole.all_high
    nothing = detect(requests, {}, [])
    assert (nothing.value, nothing.all_low, nothing.all_high) == (None, 0, 3)


def test_a_verdict_on_other_pixels_does_not_count():
    requests = [request("a1", 0)]
    m = detect(requests, ok(requests), [identified(requests[0], "a1", sha="9")])
    assert (m.value, m.scored, m.unscored) == (None, 0, 1)


def test_pictures_never_drawn_are_planned_only():
    m = detect([request("a1", 0)], {}, [])
    assert (m.value, m.images, m.scored, m.unscored) == (None, 1, 0, 0)


@pytest.mark.parametrize(("reply", "hit"), [("A1kin.", 1), ("it is A1!", 1), ("a12", 0), ("None", 0)])
def test_names_match_whole_words(reply, hit):
    said = answered("identify", read_names(reply), request=request("a1", 0).id)
    assert DETECT.value(said, character("a1")) == hit


def doubtful(r: Request, **more: object) -> Verdict:
    return answered("identify", read_names("A1 or B1"), request=r.id, **more)


def verified(r: Request, p: float, **more: object) -> Verdict:
    return answered("verify", YesNo(p_yes=p), request=r.id, **more)


@pytest.mark.parametrize(("p", "hit"), [(0.9, 1), (0.1, 0)])
def test_a_doubtful_answer_is_settled_by_the_question_about_the_character(p, hit):
    r = request("a1", 0)
    m = detect([r], ok([r]), [doubtful(r), verified(r, p)])
    assert (m.metric, m.value, m.scored) == ("DETECT", hit, 1)


def test_a_doubtful_answer_that_nothing_settles_is_unscored():
    r, other = request("a1", 0), request("b1", 0)
    nothing = [verified(other, 0.9), verified(r, 0.9, judge="another"), verified(r, 0.9, image_sha256="9")]
    for said in nothing:
        m = detect([r], ok([r]), [doubtful(r), said])
        assert (m.value, m.scored, m.unscored) == (None, 0, 1)


def test_a_plain_answer_is_not_overruled():
    r = request("a1", 0)
    assert detect([r], ok([r]), [identified(r, "a1"), verified(r, 0.1)]).value == 1


def test_similarities_that_are_no_numbers_are_unscored():
    broken = Similarities(similarities={"a1": 0.9, "b1": math.nan}, threshold=0.5)
    for measure in (DETECT, DETECT_TARGETED):
        assert measure.value(answered("identify", broken), character("a1")) is None
    row = answered("identify", broken).model_dump_json()
    assert isinstance(Verdict.model_validate_json(row).answer, Unscored)


def test_articles():
    assert [with_article(w) for w in ("owl", "cat", "the moon")] == ["an owl", "a cat", "the moon"]


RATES = {"tpr": 0.9, "fpr": 0.2, "positives": 500, "negatives": 500, "command": "copycat calibrate x"}


def test_detect_is_corrected_for_the_judges_errors_and_the_raw_count_stays():
    requests = [request(s, seed) for seed in (0, 1) for s in PEOPLE]
    says = ["A1", "b1kin", "nobody", "a1", "a1", "b1"]
    verdicts = [identified(r, s) for r, s in zip(requests, says, strict=True)]
    frames = {r: (row,) for r, row in ok(requests).items()}
    plain, (m,) = (summarise(evidence(requests, frames, verdicts), rates) for rates in (None, RATES))
    assert plain[0].corrected is plain[0].corrected_low is None
    assert plain[0].corrected_note == ""
    assert (m.value, m.low, m.high) == (plain[0].value, plain[0].low, plain[0].high)
    assert m.corrected == pytest.approx(3 * (0.5 + 0.8 - 1) / 0.7)
    assert 0 <= m.corrected_low < m.corrected < m.corrected_high <= 3
    assert "TPR 0.9000 and FPR 0.2000 on 500 and 500 pictures" in m.corrected_note
    assert "copycat calibrate x" in m.corrected_note
    row = m.model_dump(mode="json")
    old = {k: v for k, v in row.items() if not k.startswith("corrected")}
    assert Metric.model_validate(old).corrected is None, "numbers of earlier versions still load"


@pytest.mark.parametrize(
    ("rates", "value", "says"),
    [
        ({**RATES, "positives": None}, 3 * 0.3 / 0.7, "no interval"),
        ({"tpr": 0.4, "fpr": 0.6}, None, "no better than chance"),
        ({"tpr": 0.9, "fpr": 0.7, "positives": 90, "negatives": 90}, 0, "clipped"),
        ({**RATES, "question": "verify"}, None, ""),
    ],
)
def test_a_correction_says_where_it_ends(rates, value, says):
    requests = [request(s, seed) for seed in (0, 1) for s in PEOPLE]
    says_ = ["A1", "b1kin", "nobody", "a1", "a1", "b1"]
    verdicts = [identified(r, s) for r, s in zip(requests, says_, strict=True)]
    frames = {r: (row,) for r, row in ok(requests).items()}
    (m,) = summarise(evidence(requests, frames, verdicts), rates)
    assert m.corrected == (None if value is None else pytest.approx(value))
    assert says in m.corrected_note
    if says == "no interval":
        assert m.corrected_low is None


def video(slug: str) -> Request:
    sampling = Sampling(steps=1, guidance=1, height=8, width=8, frames=8, fps=8)
    return request(slug, 0).model_copy(update={"sampling": sampling}).with_id()


def of_frames(r: Request, *scores: float | str | None) -> tuple[tuple[ImageRow, ...], list[Verdict]]:
    """Rows and verdicts of a video's three frames: P("Yes"), or what was named; None was not answered."""
    rows, verdicts = [], []
    for frame, score in zip((0, 3, 7), scores, strict=True):
        rows.append(ImageRow(request=r.id, frame=frame, outcome="ok", file="f", sha256=str(frame)))
        about = {"request": r.id, "frame": frame, "image_sha256": str(frame)}
        if score is None:
            verdicts += [answered(kind, Unscored(reason="?"), **about) for kind in ("identify", "key")]
        elif isinstance(score, str):
            verdicts.append(answered("identify", Named(names=(score,)), **about))
        else:
            verdicts.append(answered("key", YesNo(p_yes=score), **about))
    return tuple(rows), verdicts


@pytest.mark.parametrize(
    ("scores", "detect", "cons"),
    [
        (("a1", "x", "x"), 1.0, None),
        (("x", "x", "a1"), 1.0, None),
        (("x", "y", "z"), 0.0, None),
        (("x", None, "a1"), 1.0, None),  # whatever the middle shows, the video shows the character
        (("x", None, "y"), None, None),  # the middle might show it
        ((0.2, 0.9, 0.4), None, 0.9),
        ((0.2, None, 0.9), None, None),
        ((None, 1.0, 0.1), None, 1.0),
    ],
)
def test_a_video_shows_what_any_of_its_frames_shows(scores, detect, cons):
    r = video("a1")
    rows, verdicts = of_frames(r, *scores)
    seen = evidence([r], {r.id: rows}, verdicts)
    found = {m.metric: m for m in summarise(seen)}
    wanted = {DETECT.name: detect, CONS.name: cons}
    for name in wanted.keys() & found.keys():
        m = found[name]
        assert m.value == wanted[name]
        assert m.images == 1, "one video, not three pictures"
        assert (m.scored, m.unscored) == ((0, 1) if m.value is None else (1, 0))
        assert summarise(seen, RATES)[0].corrected is None, "rates of pictures"
    left_out = wanted.keys() - found.keys()
    assert all(wanted[name] is None for name in left_out), "only what nobody was asked about"
    other = [v.model_copy(update={"image_sha256": "9"}) for v in verdicts]
    stale = summarise(evidence([r], {r.id: rows}, other))
    assert all(m.value is None for m in stale), "verdicts on other pixels do not count"
