"""Rows as commit 2e261a6 wrote them: they are read as today's types, and keep their identities."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from copycat.records import (
    Agreement,
    Figure,
    Named,
    Request,
    Step,
    Unscored,
    Usage,
    Verdict,
    YesNo,
    request_id,
)

# Lines of a requests.jsonl and a verdicts.jsonl, whole.
PLAIN = '{"id":"97ab1a8a7d0ff0a9","model":"menagerie@d94992588188","character":"hupgroqui","prompt_set":"name","prompt_index":0,"index":0,"run_seed":0,"seed":3040351456720833758,"mitigation":"none","source_prompt":"Hupgroqui","content":[],"prompt":"Hupgroqui","negative":"","sampling":{"steps":20,"guidance":4.0,"height":32,"width":32},"trail":[]}'  # noqa: E501
NEGATIVE = '{"id":"4739651164efe19f","model":"menagerie@d94992588188","character":"hupgroqui","prompt_set":"name","prompt_index":0,"index":0,"run_seed":0,"seed":3040351456720833758,"mitigation":"negprompt","source_prompt":"Hupgroqui","content":[],"prompt":"Hupgroqui","negative":"Hupgroqui","sampling":{"steps":20,"guidance":4.0,"height":32,"width":32},"trail":[{"name":"negprompt","config":{"keywords":0},"note":"negative: Hupgroqui"}]}'  # noqa: E501
FILTERED = '{"id":"be5ae6c4b6d5df43","model":"menagerie@d94992588188","character":"hupgroqui","prompt_set":"name","prompt_index":0,"index":0,"run_seed":0,"seed":3040351456720833758,"mitigation":"rewrite+filter","source_prompt":"Hupgroqui","content":[],"prompt":"a black bear","negative":"","sampling":{"steps":20,"guidance":4.0,"height":32,"width":32},"trail":[{"name":"rewrite","config":{},"note":"rewritten"},{"name":"filter","config":{"action":"regenerate","tries":3,"judge":"menagerie","of":"any"},"note":"judge: menagerie@c273c6127ca5"}]}'  # noqa: E501
WHICH = '{"request":"d37d1343555c6b20","frame":0,"kind":"which","image_sha256":"f7df39e63751bbb0d8d4eddfd42fa87b3b70b1af846757cf489f271b611e836d","judge":"menagerie@c273c6127ca5","question":"Which character is in this picture? Answer with the name, or None.","question_hash":"5a277f0072becd4a","item":null,"status":"scored","score":null,"mass":null,"names":["Jesgro"],"reply":"Jesgro","reason":null,"voters":[]}'  # noqa: E501
TARGET = '{"request":"97ab1a8a7d0ff0a9","frame":0,"kind":"target","image_sha256":"724a5f91da9b914a9ea9f37df64906574d28f8b02f1b2d9cb1c50283dd7cc764","judge":"menagerie@c273c6127ca5","question":"Is Hupgroqui in this picture? Answer Yes or No.","question_hash":"d4f623ff4db4a6a7","item":null,"status":"scored","score":0.0002723209036048502,"mass":0.999961542285746,"names":null,"reply":null,"reason":null,"voters":[]}'  # noqa: E501
CONTENT = '{"request":"b54aa5a4389e9a17","frame":0,"kind":"content","image_sha256":"f0fd59037c66e8445f8a82a4c9efd1e98962ddba768e23d19fec73b83c5605cf","judge":"menagerie@c273c6127ca5","question":"Does this picture show a black bear? Answer Yes or No.","question_hash":"9dd8c86abb01bf1b","item":"black bear","status":"scored","score":0.9214045405387878,"mass":0.9998553022742271,"names":null,"reply":null,"reason":null,"voters":[]}'  # noqa: E501


@pytest.mark.parametrize("line", [PLAIN, NEGATIVE])
def test_a_request_without_results_and_variants_keeps_its_identity(line: str) -> None:
    request = Request.model_validate_json(line)
    assert request_id(request) == request.id == json.loads(line)["id"]
    assert [s.name for s in request.provenance] == [s["name"] for s in json.loads(line)["trail"]]
    again = Request.model_validate_json(request.model_dump_json())
    assert again == request
    assert request_id(again) == request.id


def test_whatever_decides_the_picture_decides_the_identity() -> None:
    request = Request.model_validate_json(NEGATIVE)
    (step,) = request.provenance
    changes = [
        {"variant": "edited"},
        {"conditioning": "0" * 64},
        {"negative": ""},
        {"provenance": ()},
        {"provenance": (step.model_copy(update={"result": {"found": 1}}),)},
    ]
    ids = {request_id(request.model_copy(update=change)) for change in changes}
    assert len(ids | {request.id}) == len(changes) + 1


def test_a_step_with_a_result_is_told_from_others_by_it_and_not_by_its_words() -> None:
    request = Request.model_validate_json(NEGATIVE)
    (step,) = request.provenance
    ids = {
        request_id(request.model_copy(update={"provenance": (step.model_copy(update=told),)}))
        for told in (
            {"result": {"n": 1}, "note": "one"},
            {"result": {"n": 1}, "note": "a single one"},
            {"result": {"n": 2}, "note": "one"},
        )
    }
    assert len(ids) == 2


def test_what_a_filter_told_in_its_note_is_a_result() -> None:
    rewrite, filtered = Request.model_validate_json(FILTERED).provenance
    assert rewrite.result is None
    assert filtered.result == {"judge": "menagerie@c273c6127ca5", "target": None}
    step = Step.model_validate({"name": "filter", "note": "judge: seer@1; target: zori"})
    assert step.result == {"judge": "seer@1", "target": "zori"}
    assert Step.model_validate_json(step.model_dump_json()) == step
    kept = Step.model_validate({"name": "filter", "note": "judge: seer@1", "result": {"judge": "other"}})
    assert kept.result == {"judge": "other"}, "a result that is there stands"
    assert Step.model_validate({"name": "mine", "note": "judge: seer@1"}).result is None


@pytest.mark.parametrize(
    ("line", "kind", "answer"),
    [
        (WHICH, "identify", Named(names=("Jesgro",))),
        (
            TARGET,
            "verify",
            YesNo(p_yes=0.0002723209036048502, answer_probability=0.999961542285746),
        ),
        (CONTENT, "content", YesNo(p_yes=0.9214045405387878, answer_probability=0.9998553022742271)),
    ],
)
def test_a_flat_verdict_gets_its_answer(line: str, kind: str, answer: Named | YesNo) -> None:
    verdict, flat = Verdict.model_validate_json(line), json.loads(line)
    assert (verdict.kind, verdict.answer, verdict.scored) == (kind, answer, True)
    untouched = ("request", "frame", "image_sha256", "judge", "question", "question_hash", "item", "reply")
    assert {k: getattr(verdict, k) for k in untouched} == {k: flat[k] for k in untouched}
    row = verdict.model_dump_json()
    assert not {"status", "score", "mass", "names", "reason"} & json.loads(row).keys()
    assert Verdict.model_validate_json(row) == verdict


def test_nobody_named_is_an_answer() -> None:
    verdict = Verdict.model_validate({**json.loads(WHICH), "names": []})
    assert verdict.answer == Named(names=())
    assert verdict.scored


@pytest.mark.parametrize("line", [WHICH, TARGET, CONTENT])
@pytest.mark.parametrize("reason", ["it slept", None])
def test_an_unscored_verdict_stays_unscored(line: str, reason: str | None) -> None:
    told = {"status": "unscored", "score": None, "mass": None, "names": None, "reason": reason}
    verdict = Verdict.model_validate({**json.loads(line), **told})
    assert isinstance(verdict.answer, Unscored)
    assert not verdict.scored
    assert verdict.answer.reason == (reason or "the row holds no answer")


def test_a_scored_row_that_holds_no_answer_is_unscored() -> None:
    assert not Verdict.model_validate({**json.loads(TARGET), "score": None}).scored


def test_an_answer_that_is_none_of_the_forms_is_refused() -> None:
    row = json.loads(Verdict.model_validate_json(TARGET).model_dump_json())
    for answer in ({"form": "song"}, {"p_yes": 0.5}):
        with pytest.raises(ValidationError):
            Verdict.model_validate({**row, "answer": answer})


def test_the_kinds_in_an_agreement_are_called_as_now() -> None:
    told = {"judges": ["a", "b"], "statistic": "Cohen's κ", "kappa": 0.5, "agree": 0.75, "images": 4}
    kinds = {"which": "identify", "target": "verify", "key": "key", "hat": "hat"}
    assert {k: Agreement.model_validate({**told, "kind": k}).kind for k in kinds} == kinds


def test_a_work_without_a_name_is_read_back() -> None:
    answer = Named.of([Figure(name="", work="Frozen"), Figure(name="Elsa")], partial=True)
    assert Named.model_validate_json(answer.model_dump_json()) == answer


@pytest.mark.parametrize("field", ["tokens_in", "tokens_cached", "tokens_out"])
def test_nobody_is_told_of_fewer_tokens_than_none(field: str) -> None:
    assert Usage.model_validate({field: 0})
    with pytest.raises(ValidationError, match="greater than or equal to 0"):
        Usage.model_validate({field: -1})


def test_a_cost_of_nothing_is_kept_and_is_not_an_unknown_one() -> None:
    said = {"request": "a", "kind": "identify", "image_sha256": "0" * 64, "judge": "j"}
    answer = {"form": "unscored", "reason": "x"}
    row = Verdict.model_validate({**said, "question": "q", "question_hash": "h", "answer": answer})
    free = row.model_copy(update={"cost_usd": 0.0})
    assert Verdict.model_validate_json(free.model_dump_json()).cost_usd == 0.0
    assert "cost_usd" not in row.model_dump_json()
