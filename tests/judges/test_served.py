"""A judge behind a server of one's own: the menagerie's, really run behind the interface of vLLM, against the
same judge in this process; and servers that cannot be a judge."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from openai.types.chat.chat_completion import Choice
from PIL import Image

from copycat.cards.judges import load_judge_card
from copycat.errors import MissingRequirement, UserError
from copycat.io.hosted import Api
from copycat.io.paths import DATA
from copycat.judges import yes_no
from copycat.judges.base import CATALOG, identify, load_judge
from copycat.judges.first_token import NoProbabilities, apart, first_token, share
from copycat.records import Question, Unscored, YesNo
from copycat.resolve import resolve_settings
from copycat.runs.folder import RunFolder
from copycat.stages.generate import generate
from copycat.stages.judge import judge
from copycat.stages.plan import prepare
from copycat.stages.score import score
from copycat.subjects.characters import load_registry
from tests.helpers.questions import question
from tests.helpers.served import JUDGE, Served, listed, program, serving

MENAGERIE = load_registry("menagerie")


@pytest.fixture
def served() -> Iterator[Served]:
    with serving(Served()) as server:
        yield server


@pytest.fixture
def card(served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Writes a judge card for the server to the user's folder, with changes; returns its name."""
    monkeypatch.setenv("COPYCAT_HOME", str(tmp_path / "home"))
    folder = tmp_path / "home/judges"
    folder.mkdir(parents=True)

    def write(*, api: dict[str, Any] | None = None, **changes: Any) -> str:
        told = {
            "name": "served", "kind": "openai-logprobs", "source": JUDGE, "registry": "menagerie",
            "batch_size": 4, "api": {"base_url": served.url, "retries": 0, "probe": True, **(api or {})},
            **changes,
        }  # fmt: skip
        (folder / "served.yaml").write_text(yaml.safe_dump(told))
        return "served"

    return write


def _questions() -> tuple[list[Question], list[Image.Image]]:
    """Of four characters who is shown, whether it is the one, and whether it is another."""
    people = MENAGERIE.characters[:4]
    asked, shown = [], []
    for i, c in enumerate(people):
        other = people[i - 1]
        for q in (
            question("identify", "Which character is in this picture? Answer with the name, or None."),
            question("verify", f"Is {c.name} in this picture? Answer Yes or No.", c.slug),
            question("verify", f"Is {other.name} in this picture? Answer Yes or No.", other.slug),
        ):
            asked.append(q)
            shown.append(Image.open(DATA / c.references[0]).convert("RGB"))
    return asked, shown


def test_it_answers_as_the_same_weights_do_in_this_process(card: Any, served: Served) -> None:
    asked, shown = _questions()
    with load_judge(load_judge_card("menagerie"), "cpu") as local:
        expected = [local.ask([q], [p])[0] for q, p in zip(asked, shown, strict=True)]
    with load_judge(load_judge_card(card()), "cpu") as asking:
        found = asking.ask(asked, shown)
    scores = []
    for one, other in zip(expected, found, strict=True):
        if isinstance(one.answer, YesNo):
            assert isinstance(other.answer, YesNo)
            assert other.answer.p_yes == pytest.approx(one.answer.p_yes, abs=1e-5)
            scores.append(one.answer.p_yes)
            # What is not listed is no part of the bound.
            assert other.answer.answer_probability <= one.answer.answer_probability + 1e-5
        else:
            assert other.answer == one.answer
            assert other.reply == one.reply
    assert max(scores) > 0.9
    assert min(scores) < 0.1
    sent = served.asked[-12:]
    assert all(body["messages"][0]["content"][0]["type"] == "image_url" for body in sent), "picture first"
    assert all("response_format" not in body and body["temperature"] == 0 for body in sent)
    assert sorted({body["max_tokens"] for body in sent}) == [1, yes_no.MAX_NEW_TOKENS]


def test_a_run_is_judged_by_it_and_has_the_figures_of_the_local_judge(
    card: Any, served: Served, tmp_path: Path
) -> None:
    found = []
    for name in (card(), "menagerie"):
        run = resolve_settings(
            model="menagerie", judge=name, mitigations=("none",), limit=2, seeds=(0,), steps=4,
            out=tmp_path / name,
        )  # fmt: skip
        folder = prepare(run)
        generate(folder, run)
        judge(folder, run.judging)
        found.append((score(folder), folder.data()))
    (here, data), (there, _) = found
    assert [(m.metric, m.scored) for m in here] == [(m.metric, m.scored) for m in there]
    assert [m.value for m in here] == pytest.approx([m.value for m in there], abs=1e-5)
    assert data.manifest.judge == f"served@{JUDGE}@{served.url}:logprobs"
    assert {v.cost_usd for v in data.verdicts} == {0.0}, "a server of one's own costs nothing"


MISFITS = [
    ({"logprobs": False}, "did not give them .*no `logprobs`"),
    ({"most_logprobs": 5}, "did not give them .*at most 5 top_logprobs.* gives 20 of them"),
    ({"pictures": "refused"}, "does not take pictures .*not a multimodal model"),
    ({"pictures": "ignored"}, "does not look at pictures.*answers alike"),
    ({"models": ("llama-3", "qwen-3")}, f"serves llama-3, qwen-3 and not {JUDGE}"),
    ({"key": "secret"}, "refuses the key"),
]


@pytest.mark.parametrize(("fault", "says"), MISFITS)
def test_a_server_that_cannot_judge_is_one_clear_line_before_anything_is_written(
    fault: dict[str, Any],
    says: str,
    card: Any,
    served: Served,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in fault.items():
        setattr(served, name, value)
    out = tmp_path / "run"
    told = ["run", "--model", "menagerie", "--limit", "1", "--seeds", "1", "--out", str(out)]
    assert program(*told, "--judge", card()) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert re.search(says, line)
    assert not out.exists()
    # What asks without a check before it, as `copycat judge` does, is told the same.
    with load_judge(load_judge_card("served"), "cpu") as asking:
        for _ in range(2):
            with pytest.raises(MissingRequirement, match=says):
                asking.ask([question("verify")], [Image.new("RGB", (32, 32))])


def test_a_model_that_is_not_served_is_told_where_models_are_not_listed(card: Any, served: Served) -> None:
    served.models = ()
    with load_judge(load_judge_card(card()), "cpu") as asking:
        asking.ask([question("verify")], [Image.new("RGB", (32, 32))])
    served.chat = lambda body: (404, {"error": {"message": "The model does not exist."}})  # type: ignore[method-assign]
    with pytest.raises(MissingRequirement, match=r"cannot be used .*The model does not exist"):
        CATALOG.get("openai-logprobs").reach(load_judge_card("served"))


def test_a_server_that_is_not_there_is_named(card: Any) -> None:
    name = card(api={"base_url": "http://127.0.0.1:9/v1"})
    with pytest.raises(MissingRequirement, match=r"no server answers at http://127.0.0.1:9/v1 .*start it"):
        CATALOG.get("openai-logprobs").reach(load_judge_card(name))


def test_without_a_probe_the_first_answer_without_probabilities_stops_the_judging(
    card: Any, served: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    served.logprobs = False
    out = tmp_path / "run"
    told = ["run", "--model", "menagerie", "--mitigation", "none", "--limit", "3", "--steps", "4"]
    told += ["--out", str(out)]
    assert program(*told, "--judge", card(api={"probe": False})) == 2
    assert "did not give them (the reply has no `logprobs`)" in " ".join(capsys.readouterr().err.split())
    data = RunFolder(out).open().data()
    assert {row.outcome for row in data.images.values()} == {"ok"}, "what is drawn is kept"
    yes_no_asked = [body for body in served.asked if body["max_tokens"] == 1]
    assert 1 <= len(yes_no_asked) <= 8, "it stopped early"
    served.logprobs = True
    assert program(*told, "--judge", "served") == 0
    assert all(v.scored for v in RunFolder(out).open().data().verdicts)


def test_doctor_says_whether_a_server_is_there(card: Any, served: Served, capsys: Any) -> None:
    card()
    assert program("doctor") == 0
    told = capsys.readouterr().out.splitlines()
    assert next(line for line in told if line.startswith("served ")).endswith("can run here")
    served.models = ("another",)
    assert program("doctor") == 0
    told = capsys.readouterr().out.splitlines()
    assert "serves another and not" in next(line for line in told if line.startswith("served "))
    assert "no server answers" in next(line for line in told if line.startswith("vllm-qwen2.5-vl-7b"))
    assert program("ls", "judges") == 0


def test_its_identity_is_of_its_weights_and_of_how_it_scores(card: Any, served: Served) -> None:
    here = identify(load_judge_card(card()))
    schema = identify(load_judge_card(card(kind="openai-chat")))
    assert here == f"{schema}:logprobs"
    assert served.url in here
    assert identify(load_judge_card(card(top_logprobs=5))) == f"{here}5"
    pinned = [
        identify(load_judge_card(card(api={"revision": "cc59489", "base_url": url})))
        for url in (served.url, "http://elsewhere:1/v1")
    ]
    assert pinned[0] == pinned[1] == f"served@{JUDGE}@cc59489:logprobs"
    asked_otherwise = identify(load_judge_card(card(questions="paper")))
    assert asked_otherwise == f"{schema}:paper:logprobs"


def test_a_server_on_this_machine_needs_no_key_and_costs_nothing() -> None:
    assert Api(base_url="http://localhost:8000/v1").key_env is None
    assert Api(base_url="http://127.0.0.1:8000/v1", key_env="MINE").key_env == "MINE"
    assert Api(base_url="https://api.example.com/v1").key_env == "OPENAI_API_KEY"
    assert Api(base_url="http://gpu7:8000/v1", probe=True).price_usd == 0
    for wrong, says in (({"price_usd": 0.01}, "cost nothing"), ({"base_url": None}, "base_url")):
        with pytest.raises(ValueError, match=says):
            Api(**{"base_url": "http://gpu7:8000/v1", "probe": True, **wrong})


def test_options_that_decide_the_score_are_copycats_own(card: Any) -> None:
    name = card(api={"options": {"temperature": 1}})
    with pytest.raises(UserError, match="temperature, which copycat sets itself"):
        load_judge(load_judge_card(name), "cpu")


def choice(logprobs: Any) -> Choice:
    message = SimpleNamespace(content="Yes", refusal=None)
    return Choice.construct(index=0, finish_reason="length", message=message, logprobs=logprobs)


@pytest.mark.parametrize("sent", [True, False])
def test_spellings_are_counted_however_a_server_writes_spaces(sent: bool) -> None:
    tokens = listed(
        ("Yes", 0.4), (" yes", 0.2), ("▁YES", 0.1), ("ĠNo", 0.05), ("no", 0.05), ("Yes!", 0.1), ("yEs", 0.05),
        sent=sent,
    )  # fmt: skip
    top = first_token(choice(tokens))
    assert share(top, "yes") == pytest.approx(0.7)
    assert share(top, "no") == pytest.approx(0.1)


def test_bytes_go_before_what_a_token_is_written_as_and_tokens_of_one_text_are_summed() -> None:
    tokens = listed(("Yes", 0.3), ("Yes", 0.3), ("No", 0.2))
    for token in tokens["content"][0]["top_logprobs"]:
        token["token"] = "token_id:17"
    assert first_token(choice(tokens)) == pytest.approx({"Yes": 0.6, "No": 0.2})
    half = tokens["content"][0]["top_logprobs"][2]
    half.update(token="�", bytes=[0xE2, 0x96])
    assert first_token(choice(tokens))["�"] == pytest.approx(0.2)


def test_what_is_not_listed_is_neither_yes_nor_no(card: Any, served: Served) -> None:
    shown = Image.new("RGB", (32, 32))
    with load_judge(load_judge_card(card(api={"probe": False})), "cpu") as asking:

        def answer(*tokens: tuple[str, float]) -> Any:
            body = {"index": 0, "message": {"role": "assistant", "content": ""}, "finish_reason": "length"}
            reply = {"id": "1", "object": "chat.completion", "created": 1, "model": "m"}
            logprobs = listed(*tokens) if tokens else {"content": []}
            served.chat = lambda _: (200, {**reply, "choices": [{**body, "logprobs": logprobs}]})  # type: ignore[method-assign]
            return asking.ask([question("verify")], [shown])[0].answer

        bound = answer(("Yes", 0.6), ("Maybe", 0.1))
        assert (bound.p_yes, bound.answer_probability) == pytest.approx((0.6, 0.6))
        assert answer(("No", 0.97)).p_yes == 0.0
        little = answer(("Yes", 0.3), ("No", 0.1), ("Well", 0.5))
        assert isinstance(little, Unscored)
        assert "hold 0.40" in little.reason
        assert answer() == Unscored(reason="the answer is empty")


def test_how_far_apart_two_answers_are_is_told_by_tokens_that_both_give_a_chance() -> None:
    assert apart({"Yes": 0.8, "No": 0.1, "Well": 0.0}, {"Yes": 0.4, "No": 0.0, "Well": 0.2}) == pytest.approx(
        math.log(2)
    )
    assert apart({"Yes": 0.5, "No": 0.0}, {"Yes": 0.0, "No": 0.5}) == math.inf


@pytest.mark.parametrize("wrong", [0.5, math.nan, "x", None, True])
def test_numbers_that_are_no_probabilities_are_no_answer(wrong: Any) -> None:
    tokens = listed(("Yes", 0.5), ("No", 0.5))
    tokens["content"][0]["top_logprobs"][0]["logprob"] = wrong
    with pytest.raises(ValueError, match="log probability that is none"):
        first_token(choice(tokens))
    with pytest.raises(ValueError, match="sum to more than 1"):
        first_token(choice(listed(("Yes", 0.9), ("No", 0.9))))


@pytest.mark.parametrize("odd", [None, {}, {"content": None}, {"content": [{"token": "Yes"}]}, "x", 7])
def test_a_reply_without_probabilities_is_told_apart(odd: Any) -> None:
    with pytest.raises(NoProbabilities):
        first_token(choice(odd))


def test_answers_are_compared_by_what_both_list() -> None:
    assert apart({"a": 0.5, "b": 0.5}, {"a": 0.5, "c": 0.5}) == 0
    assert apart({"a": 0.5}, {"a": 0.25}) == pytest.approx(math.log(2))
    assert apart({"a": 0.5}, {"b": 0.5}) == math.inf
