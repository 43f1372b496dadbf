"""Judges against labels, on rows made by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from copycat.calibration.calibrate import calibrate
from copycat.calibration.join import LabelledPicture, join
from copycat.calibration.labels import Label
from copycat.calibration.measure import of_each_other, of_judges, of_raters
from copycat.cards.calibration import Judged, Subgroup, without_counts
from copycat.errors import BadFile, UnknownName, UserError
from copycat.measures import Evidence
from copycat.records import Answer, ImageRow, Named, Request, Sampling, Similarities, Unscored, Verdict, YesNo
from copycat.subjects.characters import Character, Registry

PEOPLE = Registry(
    "test",
    1,
    [
        Character(slug=s, name=s.title(), aliases=(f"{s}kin",), owner="o", key="owl", generic="an owl")
        for s in ("zori", "kamo")
    ],
)
FILES = ("images/a.png", "images/../b.png", "images/🦉 <b>.png", "images/d.png")
"""Names are strings and nothing more."""


def request(i: int, character: str = "zori", frames: int | None = None) -> Request:
    sampling = Sampling(steps=1, guidance=1, height=8, width=8, frames=frames, fps=8 if frames else None)
    return Request(
        model="m@1", character=character, prompt_set="name", run_seed=i, seed=i, sampling=sampling,
        mitigation="none" if i % 2 else "negprompt", source_prompt="p", prompt="p",
    ).with_id()  # fmt: skip


def sha(i: int) -> str:
    return f"{i:064x}"


def world(n: int, character: str = "zori") -> tuple[list[Request], dict[str, tuple[ImageRow, ...]]]:
    requests = [request(i, character) for i in range(n)]
    files = [*FILES, *(f"images/{i}.png" for i in range(len(FILES), n))]
    return requests, {
        r.id: (ImageRow(request=r.id, outcome="ok", file=f, sha256=sha(i)),)
        for i, (r, f) in enumerate(zip(requests, files, strict=False))
    }


def said(r: Request, kind: Any, i: int, answer: Any, judge: str = "j@1", frame: int = 0) -> Verdict:
    """`answer`: names for `identify`, P(Yes) for `verify`, None for no answer."""
    told: Answer
    if answer is None:
        told = Unscored(reason="no answer")
    else:
        told = Named(names=answer) if kind == "identify" else YesNo(p_yes=answer)
    return Verdict(
        request=r.id, frame=frame, kind=kind, image_sha256=sha(i), judge=judge, question="q",
        question_hash="h", answer=told,
    )  # fmt: skip


def labels(rater: str, answers: dict[str, Any], **more: Any) -> list[Label]:
    return [
        Label.model_validate({"image": f, "character": "zori", "rater": rater, "label": a, **more})
        for f, a in answers.items()
    ]


def measured(
    verdicts: list[Verdict], items: tuple[LabelledPicture, ...], truth: tuple[str, ...]
) -> dict[str, Judged]:
    return {
        f"{j.judge} {j.question}": j for j, _ in of_judges(Evidence([], {}, verdicts, PEOPLE), items, truth)
    }


def test_names_of_files_are_strings_and_the_majority_is_true() -> None:
    requests, frames = world(4)
    told = [
        *labels("ann", dict(zip(FILES, (True, True, False, None), strict=True))),
        *labels("bo <b>", dict(zip(FILES, (True, False, False, None), strict=True))),
        *labels("cy", {FILES[0]: False, "images/elsewhere.png": True, "images/elsewhere too.png": False}),
        *labels("dee", {"images/elsewhere.png": True}),
    ]
    joined = join(told, Evidence(requests, frames, [], PEOPLE))
    assert [i.rows[0].file for i in joined.items] == list(FILES)
    assert joined.raters == ("ann", "bo <b>", "cy")
    assert (joined.unknown_labels, len(joined.unknown_images)) == (3, 2)
    everyone = joined.raters
    # Two of three; a tie; both no; nobody answered.
    assert [i.truth(everyone) for i in joined.items] == [True, None, False, None]
    assert [len(i.votes(everyone)) for i in joined.items] == [3, 2, 2, 0]
    assert [i.truth(["ann"]) for i in joined.items] == [True, True, False, None]
    agreed = of_each_other(joined.items, joined.raters, ("ann",))
    assert [(r.labels, r.missing, r.makes_truth) for r in agreed.raters] == [
        (3, 1, True), (3, 1, False), (1, 3, False),
    ]  # fmt: skip
    assert (agreed.items, agreed.pairs) == (0, ()), "one rater agrees with nobody, whoever else labelled"
    agreed = of_each_other(joined.items, joined.raters, everyone)
    assert (agreed.unanimous.hits, agreed.unanimous.n) == (1, 3)
    assert {p.raters: (p.agree.hits, p.agree.n) for p in agreed.pairs}["ann", "bo <b>"] == (2, 3)
    (bo, cy) = of_raters(joined.items, joined.raters, ("ann",))
    assert (bo.judge, bo.question, bo.counts.tp, bo.counts.fn, bo.counts.tn) == ("bo <b>", "label", 1, 1, 1)
    assert (cy.counts.n, cy.counts.fn) == (1, 1)


def test_what_cannot_be_matched_is_refused() -> None:
    requests, frames = world(2)
    other = labels("ann", {FILES[0]: True}, sha256=sha(7))
    with pytest.raises(BadFile, match=r"1 of 2 labels are of other pixels.*images/a\.png"):
        join([*other, *labels("bo", {FILES[1]: True})], Evidence(requests, frames, [], PEOPLE))
    with pytest.raises(UserError, match=r"None of the 1 labels.*'nowhere\.png'"):
        join(labels("ann", {"nowhere.png": True}), Evidence(requests, frames, [], PEOPLE))
    stranger = Label(image=FILES[0], character="zorri", rater="ann", label=True)
    with pytest.raises(UnknownName, match="Did you mean zori"):
        join([stranger], Evidence(requests, frames, [], PEOPLE))
    # An alias is the same character, and a hash the same picture, so these two contradict each other.
    twice = [
        Label(image=FILES[0], character="Zorikin", rater="ann", label=True),
        Label(image="moved.png", character="zori", rater="ann", label=False, sha256=sha(0).upper()),
    ]
    with pytest.raises(BadFile, match=r"ann says both yes and no of images/a\.png"):
        join(twice, Evidence(requests, frames, [], PEOPLE))
    (item,) = join(twice[1:], Evidence(requests, frames, [], PEOPLE)).items
    assert item.rows[0].file == FILES[0], "a picture that was moved is known by its hash"


def test_counts_by_hand_and_what_is_in_none_of_them() -> None:
    requests, frames = world(8)
    files = [rows[0].file or "" for rows in frames.values()]
    truth = [True, True, True, False, False, False, False, True]
    saw = ["zori", "", "Zori", "look-alike", "kamo", "none", "", ""]
    told = [
        Label(image=f, character="zori", rater="ann", label=t, saw=s)
        for f, t, s in zip(files, truth, saw, strict=True)
    ]
    # Also about another character than the one that the pictures were made for.
    told.append(Label(image=files[0], character="kamo", rater="ann", label=False))
    joined = join(told, Evidence(requests, frames, [], PEOPLE))
    names = [("Zori",), ("zorikin",), (), ("Zori",), ("Kamo", "Zori"), (), (), None]
    scores = [0.9, 0.8, 0.5, 0.6, 0.2, 0.1, 0.4, None]
    verdicts = [said(r, "identify", i, a) for i, (r, a) in enumerate(zip(requests, names, strict=True))]
    verdicts += [said(r, "verify", i, a) for i, (r, a) in enumerate(zip(requests, scores, strict=True))]
    # On other pixels than those in the row, and of another kind of question.
    verdicts += [said(requests[0], "verify", 5, 0.1, judge="stale@1"), said(requests[0], "key", 0, 0.9)]
    found = measured(verdicts, joined.items, ("ann",))
    assert set(found) == {"j@1 identify", "j@1 verify"}
    identify, verify = found["j@1 identify"], found["j@1 verify"]
    assert identify.counts.model_dump() == {"tp": 2, "fp": 2, "tn": 3, "fn": 1}, "kamo is not in the first"
    assert verify.counts.model_dump() == {"tp": 2, "fp": 1, "tn": 3, "fn": 1}, "a half is not above a half"
    assert (identify.unscored, verify.unscored) == (1, 1)
    assert (identify.not_asked, verify.not_asked) == (0, 1)
    assert (verify.fpr_lookalike.hits, verify.fpr_lookalike.n) == (1, 2)
    assert (verify.tpr.hits, verify.tpr.n, verify.fpr.hits, verify.fpr.n) == (2, 3, 1, 4)
    assert verify.kappa == pytest.approx(
        cohen_kappa_score([1, 1, 1, 0, 0, 0, 0], [1, 1, 0, 1, 0, 0, 0]), abs=1e-6
    )
    assert identify.scores is None
    assert verify.scores is not None
    # Of 12 pairs, 0.5 loses to 0.6 only.
    assert verify.scores.auroc == pytest.approx(11 / 12, abs=1e-6)
    assert verify.scores.tpr_at_1_fpr is None, "four negatives do not tell 1 %"
    seen = {p.name: (p.tp, p.fp, p.n) for p in verify.parts if p.by == "seen"}
    assert seen == {
        "the character": (2, 0, 3), "look-alike": (0, 1, 1), "another character": (0, 0, 1),
        "nobody": (0, 0, 1), "not told": (0, 0, 1),
    }  # fmt: skip
    mitigations = {p.name: (p.tp, p.fp, p.tn, p.fn) for p in verify.parts if p.by == "mitigation"}
    assert mitigations == {"negprompt": (1, 0, 2, 1), "none": (1, 1, 1, 0)}
    assert {p.name for p in identify.parts if p.by == "character"} == {"zori", "kamo"}
    assert not [p for p in identify.parts if p.by == "model"], "one model is no breakdown"
    rates = verify.rates()
    assert (rates["positives"], rates["negatives"], rates["n"]) == (3, 4, 7)
    assert rates["fpr"] == 0.25


def test_thresholds_are_measured_on_the_other_half() -> None:
    requests, frames = world(400)
    files = [rows[0].file or "" for rows in frames.values()]
    r = np.random.default_rng(2)
    truth = [i % 4 < 2 for i in range(400)]
    scores = [float(np.clip(r.normal(0.65 if t else 0.35, 0.15), 0, 1)) for t in truth]
    joined = join(labels("ann", dict(zip(files, truth, strict=True))), Evidence(requests, frames, [], PEOPLE))
    verdicts = [said(q, "verify", i, s) for i, (q, s) in enumerate(zip(requests, scores, strict=True))]
    scored = measured(verdicts, joined.items, ("ann",))["j@1 verify"].scores
    assert scored is not None
    cuts = {t.rule: t for t in scored.thresholds}
    low = cuts["at most 1 % false positives"]
    assert low.fpr.hits == 2
    assert low.tpr.value == scored.tpr_at_1_fpr
    assert low.held_out_tpr is not None
    assert low.held_out_fpr is not None
    # Each half on its own, under the threshold of the other.
    hits = [0, 0]
    for mine, theirs in ((0, 1), (1, 0)):
        cut = sorted((s for s, t in list(zip(scores, truth, strict=True))[theirs::2] if not t), reverse=True)[
            1
        ]
        for s, t in list(zip(scores, truth, strict=True))[mine::2]:
            hits[not t] += s > cut
    assert [low.held_out_tpr.hits, low.held_out_fpr.hits] == hits
    assert (low.held_out_tpr.n, low.held_out_fpr.n) == (200, 200)
    assert cuts["in use"].held_out_tpr is None
    assert sum(b.yes.n for b in scored.bins) == 400


def test_a_label_of_a_video_is_about_its_frames_and_one_of_a_frame_is_not() -> None:
    r = request(0, frames=8)
    rows = tuple(
        ImageRow(request=r.id, frame=f, outcome="ok", file=f"f{f}.png", sha256=sha(f), strip="s.png",
                 video="v.mp4")
        for f in (0, 3, 7)
    )  # fmt: skip
    verdicts = [said(r, "verify", f, s, frame=f) for f, s in ((0, 0.1), (3, 0.9), (7, 0.2))]
    for image, yes in (("s.png", True), ("v.mp4", True), ("f0.png", False), ("f3.png", True)):
        joined = join(labels("ann", {image: True}), Evidence([r], {r.id: rows}, [], PEOPLE))
        (found,) = measured(verdicts, joined.items, ("ann",)).values()
        assert (found.counts.tp, found.counts.fn) == (yes, not yes), image
    told = [*labels("ann", {"s.png": True}), *labels("bo", {"v.mp4": True})]
    both = join(told, Evidence([r], {r.id: rows}, [], PEOPLE))
    assert len(both.items) == 1, "both names are of one video"


def test_a_calibration_of_before_is_read_under_the_names_of_today() -> None:
    requests, frames = world(4)
    told = labels("ann", dict(zip(FILES, (True, True, False, False), strict=True)))
    joined = join(told, Evidence(requests, frames, [], PEOPLE))
    (found,) = measured(
        [said(r, "verify", i, 0.9) for i, r in enumerate(requests)], joined.items, ("ann",)
    ).values()
    old = found.model_dump_json().replace('"verify"', '"target"')
    assert Judged.model_validate_json(old) == found


def test_a_similarity_is_a_yes_above_its_threshold_and_has_degrees() -> None:
    requests, frames = world(4)
    told = labels("ann", dict(zip(FILES, (True, True, False, False), strict=True)))
    joined = join(told, Evidence(requests, frames, [], PEOPLE))
    verdicts = []
    for i, (r, own) in enumerate(zip(requests, (0.9, 0.7, 0.85, 0.2), strict=True)):
        v = said(r, "verify", i, 0.0)
        for kind, similar in (("verify", {"zori": own}), ("identify", {"zori": own, "kamo": 0.8})):
            answer = Similarities(similarities=similar, threshold=0.75)
            verdicts.append(v.model_copy(update={"kind": kind, "answer": answer}))
    found = measured(verdicts, joined.items, ("ann",))
    for judged in found.values():
        assert judged.counts.model_dump() == {"tp": 1, "fp": 1, "tn": 1, "fn": 1}
    assert found["j@1 identify"].scores is None
    assert found["j@1 verify"].scores is not None
    assert found["j@1 verify"].scores.auroc == 0.75


def test_counts_by_character_and_mitigation_and_how_rates_move_with_the_raters() -> None:
    requests, frames = world(8)
    files = [rows[0].file or "" for rows in frames.values()]
    truth = [True, True, True, True, False, False, False, False]
    told = labels("ann", dict(zip(files, truth, strict=True)))
    told += labels("bo", dict(zip(files, [True, True, True, False, False, False, False, True], strict=True)))
    joined = join(told, Evidence(requests, frames, [], PEOPLE))
    verdicts = [said(r, "verify", i, float(i in (0, 1, 3, 7))) for i, r in enumerate(requests)]
    (found,) = measured(verdicts, joined.items, ("ann", "bo")).values()
    cells = {c.mitigation: (c.character, c.tp, c.fp, c.fn, c.tn) for c in found.cells}
    # They disagree on the fourth and the last.
    assert cells == {"negprompt": ("zori", 1, 0, 1, 2), "none": ("zori", 1, 0, 0, 1)}
    assert found.rates()["cells"] == [["zori", "negprompt", 1, 0, 1, 2], ["zori", "none", 1, 0, 0, 1]]
    # Ann alone (1 in 4): 3 of 4, 1 of 4. Bo alone: 3 of 4, 1 of 4. Both (1 in 2): 2 of 3, 0 of 3.
    assert found.reference is not None
    assert found.reference.tpr_sd == pytest.approx((2 * (0.5 * (3 / 4 - 2 / 3)) ** 2) ** 0.5, abs=1e-5)
    assert found.reference.fpr_sd == pytest.approx((2 * (0.5 * (1 / 4 - 0)) ** 2) ** 0.5, abs=1e-5)
    (alone,) = measured(verdicts, joined.items, ("ann",)).values()
    assert alone.reference is None, "one rater tells nothing of what others would say"
    assert alone.tpr.effective is not None
    # A file of before: the characters' counts are there, their mitigations are not.
    old = found.model_copy(
        update={"cells": (), "parts": (Subgroup(by="character", name="zori", tp=2, fp=0, fn=1, tn=3),)}
    )
    assert old.rates()["cells"] == [["zori", "", 2, 0, 1, 3]]
    assert "cells" not in found.model_copy(update={"cells": (), "parts": ()}).rates()
    assert "cells" not in (without_counts(found.rates()) or {})


def test_labels_of_innocent_pictures_count_nowhere() -> None:
    requests, frames = world(3)
    innocent = requests[2].model_copy(update={"prompt_set": "also:neutral"}).with_id()
    frames[innocent.id] = tuple(r.model_copy(update={"request": innocent.id}) for r in frames[requests[2].id])
    verdicts = [said(requests[i], "identify", i, ("Zori",) if i else ()) for i in range(2)]
    run = Evidence([*requests[:2], innocent], frames, verdicts, PEOPLE)
    known = {"source": "l.csv", "command": "c", "commit": None}
    found = calibrate(
        {Path("run"): run}, labels("ann", {FILES[0]: False, FILES[1]: True, FILES[2]: False}), **known
    ).calibration
    assert (found.items, found.positives) == (2, 1)
    (judge,) = found.judges
    assert judge.unscored == 0
    assert found.raters.raters[0].labels == 2
    with pytest.raises(UserError, match="innocent prompts"):
        calibrate({Path("run"): run}, labels("ann", {FILES[2]: False}), **known)
