"""Whole studies: on the shipped model, whose training text is known, and on a server that speaks OpenAI's
API."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from copycat.cli.main import app
from copycat.errors import MissingRequirement, RunConflict, UnknownName, UserError
from copycat.io.cached import replies_path
from copycat.io.journal import Journal
from copycat.runtime.progress import Progress
from copycat.verbatim.text.corpora import load_corpus
from copycat.verbatim.text.rows import Written
from copycat.verbatim.text.settings import Settings
from copycat.verbatim.text.study import OUTPUTS, Study
from copycat.verbatim.text.write import Found, measure, write
from tests.helpers.loopback import Loopback, running

FEW = 60
"""Tokens of a text: about 35 words."""


def passages(folder: Path, *groups: str, each: int = 2) -> str:
    """A corpus of so many of the shipped model's passages of each group."""
    rows = [
        d
        for group in groups
        for d in [d for d in load_corpus("menagerie-lm").documents if d.group == group][:each]
    ]
    path = folder / "passages.jsonl"
    path.write_text("".join(f"{d.model_dump_json()}\n" for d in rows))
    return str(path)


def settings(corpus: str, **more: Any) -> Settings:
    return Settings(
        **{
            "model": "menagerie-lm",
            "corpora": (corpus,),
            "lengths": (25,),
            "max_tokens": FEW,
            "temperature": 0.0,
            **more,
        }
    )


def studied(chosen: Settings, out: Path, **more: Any) -> Found:
    study = Study(chosen, out, device="cpu", **more)
    ran = study.run(Progress())
    found = measure(chosen, ran)
    write(chosen, ran, found, out)
    return found


def test_what_was_copied_often_is_given_back_and_what_was_never_seen_is_not(tmp_path: Path) -> None:
    chosen = settings(passages(tmp_path, "never seen", "64 copies"))
    found = studied(chosen, tmp_path / "out")
    by = {c.group: c for c in found.cells}
    assert by["64 copies"].substring.value is not None
    assert by["never seen"].substring.value is not None
    assert by["64 copies"].substring.value > 20
    assert by["64 copies"].similarity.value == pytest.approx(1.0, abs=0.05)
    assert by["never seen"].substring.value < 6
    # No text is long enough for these rungs, so nothing is said about them.
    assert by["64 copies"].rungs["page"].value is None
    assert by["64 copies"].rungs["sentence"].value == 1
    page = (tmp_path / "out" / "verbatim.html").read_text()
    assert '<mark class="longest">' in page
    with (tmp_path / "out" / "verbatim.csv").open() as f:
        lines = list(csv.DictReader(f))
    assert {line["set"] for line in lines} == {"never seen", "64 copies", "all"}


def test_mitigations_stop_it_and_what_they_cost_is_told(tmp_path: Path) -> None:
    specs = ("none", "block[n=6]", "output-filter[at=sentence]", "block[n=6]+output-filter[at=phrase]")
    others = tmp_path / "others.jsonl"
    others.write_text(load_corpus("menagerie-lm-others").documents[0].model_dump_json() + "\n")
    chosen = settings(
        passages(tmp_path, "64 copies"), mitigations=specs, benign=(str(others),), temperature=0.2
    )
    found = studied(chosen, tmp_path / "out")
    protected = {c.mitigation: c for c in found.cells if c.role == "protected"}
    values = {spec: c.substring.value or 0 for spec, c in protected.items()}
    assert values["none"] > 20
    assert values["block[n=6]"] < 8
    assert values["output-filter[at=sentence]"] == 0
    assert protected["output-filter[at=sentence]"].withheld == 2
    texts = {spec: [s.written.text for s in found.scored if s.asked.mitigation == spec] for spec in specs}
    assert texts["output-filter[at=sentence]"] == texts["none"]
    assert texts[specs[3]] == texts["block[n=6]"]
    held = [s.written.held for s in found.scored if s.asked.mitigation == "block[n=6]"]
    assert min(held[:2]) > 0
    guards = {g.mitigation: g for g in found.guards}
    assert set(guards) == set(specs[1:])
    assert all(g.benign == 1 for g in guards.values())
    assert guards["output-filter[at=sentence]"].changed == 0
    assert guards["block[n=6]"].surprise is not None
    told = json.loads((tmp_path / "out" / "manifest.json").read_text())["facts"]["block[n=6]"]
    assert 0 <= told["false_positive_rate_measured"] < 0.01


def test_the_same_again_resumes_and_gives_the_same_texts(tmp_path: Path) -> None:
    chosen = settings(passages(tmp_path, "8 copies"), temperature=1.0, samples=2)
    first = studied(chosen, tmp_path / "out")
    file = tmp_path / "out" / OUTPUTS
    whole = file.read_text()
    studied(chosen, tmp_path / "out")
    assert file.read_text() == whole
    # The last text was lost, and is written anew, letter for letter.
    file.write_text("".join(whole.splitlines(keepends=True)[:-1]))
    again = studied(chosen, tmp_path / "out")
    assert [s.written.text for s in again.scored] == [s.written.text for s in first.scored]
    texts = {s.written.text for s in first.scored}
    assert len(texts) == len(first.scored)


def test_a_prompt_longer_than_the_model_takes_is_an_error_of_its_own(tmp_path: Path) -> None:
    long, short = load_corpus("austen").documents[0], load_corpus("menagerie-lm").documents[0]
    file = tmp_path / "both.jsonl"
    file.write_text("".join(f"{d.model_dump_json()}\n" for d in (long, short)))
    chosen = settings(str(file), lengths=(25, 200))
    found = studied(chosen, tmp_path / "out")
    failed = [s for s in found.scored if s.written.outcome == "error"]
    assert [(s.asked.length, s.close) for s in failed] == [(200, None)]
    assert "the model takes 256" in failed[0].written.reason
    assert [c.failed for c in found.cells if c.length == 200] == [1, 1]


def test_mistakes_are_one_sentence_before_anything_is_loaded(tmp_path: Path) -> None:
    corpus = passages(tmp_path, "64 copies")
    with pytest.raises(UnknownName, match="kind of prompt"):
        settings(corpus, prompts=("prefixes",))
    with pytest.raises(UnknownName, match="language model"):
        settings(corpus, model="no-such-model")
    with pytest.raises(UserError, match="--translator"):
        settings(corpus, prompts=("translation",))
    with pytest.raises(UnknownName, match="language model"):
        settings(corpus, prompts=("translation",), translator="no-such-model")
    with pytest.raises(UserError, match="temperature 0"):
        settings(corpus, samples=3)
    with pytest.raises(UserError, match="leave it out of one"):
        settings(corpus, benign=(corpus,)).others  # noqa: B018
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "mine.doc").write_text("x")
    with pytest.raises(RunConflict):
        Study(settings(corpus), tmp_path / "there")
    with pytest.raises(UserError, match="None of the documents"):
        Study(settings(corpus, lengths=(250,)), tmp_path / "new").plan()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    monkeypatch.setenv("COPYCAT_HOME", str(tmp_path / "home"))
    (tmp_path / "home" / "llms").mkdir(parents=True)
    with running() as found:
        card = tmp_path / "home" / "llms" / "there.yaml"
        card.write_text(
            f"name: there\nkind: openai-chat\nsource: x\nbatch_size: 4\napi: {{base_url: '{found.url}', "
            "retries: 0, price_usd: 0.01}\n"
        )
        yield found


def _knows(corpus: str) -> Any:
    """A chat model that knows the corpus by heart."""
    documents = load_corpus(corpus).documents

    def say(body: dict[str, Any]) -> str:
        content = body["messages"][-1]["content"]
        asked = content if isinstance(content, str) else content[0]["text"]
        for d in documents:
            if asked.startswith(d.text[:40]):
                return d.text[len(asked) :]
        return "I know nothing of that."

    return say


def test_a_hosted_model_is_asked_and_paid_for_once(tmp_path: Path, server: Loopback) -> None:
    corpus = passages(tmp_path, "64 copies", "never seen")
    server.say = _knows(corpus)
    chosen = settings(corpus, model="there", mitigations=("none", "output-filter"))
    study = Study(chosen, tmp_path / "out", max_cost=1.0)
    assert study.estimate(study.plan()) == pytest.approx(0.04)
    found = studied(chosen, tmp_path / "out", max_cost=1.0)
    assert {(s.asked.mitigation, s.written.outcome) for s in found.scored} == {
        ("none", "ok"),
        ("output-filter", "withheld"),
    }
    assert all(s.close and s.close.substring > 50 for s in found.scored if s.asked.mitigation == "none")
    asked = len(server.asked)
    studied(chosen, tmp_path / "out", max_cost=1.0)
    assert (asked, len(server.asked)) == (4, 4)
    spent = [json.loads(line) for line in (tmp_path / "out" / "ledger.jsonl").read_text().splitlines()]
    assert sum(e["usd"] for e in spent if e["ended"]) == pytest.approx(0.04)


def test_a_filter_that_is_added_later_sees_the_texts_that_are_there(tmp_path: Path, server: Loopback) -> None:
    corpus = passages(tmp_path, "64 copies")
    server.say = _knows(corpus)
    first = studied(settings(corpus, model="there"), tmp_path / "out")
    asked = len(server.asked)
    more = settings(corpus, model="there", mitigations=("none", "output-filter", "output-filter[at=page]"))
    assert Study(more, tmp_path / "out").estimate(Study(more, tmp_path / "out").plan()) == 0
    found = studied(more, tmp_path / "out")
    assert len(server.asked) == asked
    texts = {s.written.text for s in first.scored}
    for spec, outcome in (("output-filter", "withheld"), ("output-filter[at=page]", "ok")):
        mine = [s.written for s in found.scored if s.asked.mitigation == spec]
        assert {w.outcome for w in mine} == {outcome}
        assert {w.text for w in mine} == texts


def test_the_time_that_a_filter_looks_is_part_of_what_it_costs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from copycat.verbatim.text.mitigations.output_filter import OutputFilter

    monkeypatch.setattr(OutputFilter, "reviewer", lambda *_: lambda _: time.sleep(0.1) or "")
    found = studied(
        settings(passages(tmp_path, "64 copies"), mitigations=("none", "output-filter")), tmp_path / "out"
    )
    (guard,) = found.guards
    assert guard.seconds is not None
    without, with_it = guard.seconds
    assert with_it - without > 100 * 0.1 / FEW


def test_a_rung_counts_only_texts_that_have_room_for_it(tmp_path: Path) -> None:
    # 105 words follow the prompt, and the model's 256 tokens leave room for about 200 behind it.
    roomy = studied(settings(passages(tmp_path, "never seen"), max_tokens=120), tmp_path / "a").cells[0]
    tight = studied(settings(passages(tmp_path, "never seen"), max_tokens=90), tmp_path / "b").cells[0]
    assert (roomy.rungs["verbatim"].value, tight.rungs["verbatim"].value) == (0, None)
    document = load_corpus("austen").documents[0]
    file = tmp_path / "long.jsonl"
    file.write_text(document.model_dump_json())
    # There is much of the work left, but the context ends before a passage could.
    full = studied(settings(str(file), lengths=(130,), max_tokens=512), tmp_path / "c")
    assert full.scored[0].written.most is not None
    assert full.scored[0].written.most < 100
    assert full.cells[0].rungs["verbatim"].value is None


def test_a_model_that_repeats_its_prompt_gives_nothing_back(tmp_path: Path, server: Loopback) -> None:
    server.say = lambda body: str(body["messages"][-1]["content"])
    chosen = settings(passages(tmp_path, "64 copies"), model="there", lengths=(50,))
    found = studied(chosen, tmp_path / "out")
    assert all(s.close and s.close.substring < 8 for s in found.scored)


def test_a_translation_is_translated_back_before_it_is_compared(tmp_path: Path, server: Loopback) -> None:
    corpus = passages(tmp_path, "64 copies", each=1)
    (document,) = load_corpus(corpus).documents

    def say(body: dict[str, Any]) -> str:
        first, last = body["messages"][0]["content"], body["messages"][-1]["content"]
        if "into French" in first and "Translate" in first:
            return f"FR {last}"
        if "into English" in first:
            return str(last).removeprefix("FR ")
        shown = str(last).rpartition("FR ")[2]
        return f"FR {document.text[document.text.find(shown) + len(shown) :]}"

    server.say = say
    chosen = settings(corpus, model="there", prompts=("translation",), translator="there")
    (scored,) = studied(chosen, tmp_path / "out").scored
    assert scored.written.text.startswith("FR ")
    assert scored.close is not None
    assert scored.close.substring > 50
    assert "translated back" in (tmp_path / "out" / "verbatim.html").read_text()


def test_what_the_translator_declines_is_named_and_the_rest_goes_on(tmp_path: Path, server: Loopback) -> None:
    corpus = passages(tmp_path, "64 copies", each=3)
    first, second, third = load_corpus(corpus).documents

    def say(body: dict[str, Any]) -> str:
        task, last = body["messages"][0]["content"], str(body["messages"][-1]["content"])
        if "into French" in task and "Translate" in task:
            return "" if first.text.startswith(last) else f"FR {last}"
        if "into English" in task:
            return "" if last in second.text else f"EN {last}"
        return next(d.text[-80:] for d in (second, third) if d.text[:40] in last)

    server.say = say
    chosen = settings(corpus, model="there", prompts=("translation",), translator="there")
    study = Study(chosen, tmp_path / "out")
    ran = study.run(Progress())
    assert [s.where for s in ran.plan.unaskable] == [f"{first.title}, translation 25"]
    outcome = {a.document: ran.written[a.id] for a in ran.plan.asked}
    assert outcome[third.id].restored == f"EN {third.text[-80:]}"
    # It is no score, and what the model wrote is not asked again.
    assert outcome[second.id].outcome == "error"
    assert outcome[second.id].text == second.text[-80:]
    asked = len(server.asked)
    studied(chosen, tmp_path / "out")
    assert len(server.asked) == asked


def test_a_dry_run_knows_the_translations_that_are_kept(tmp_path: Path, server: Loopback) -> None:
    corpus = passages(tmp_path, "64 copies", each=3)
    declined, *_ = load_corpus(corpus).documents
    words = ["verbatim", "text", "--model", "there", "--corpus", corpus, "--prompts", "translation"]
    words += [
        "--translator",
        "there",
        "--lengths",
        "25",
        "--max-tokens",
        "20",
        "--out",
        str(tmp_path / "out"),
    ]

    def dry() -> str:
        asked = len(server.asked)
        done = CliRunner().invoke(app, [*words, "--dry-run"])
        assert done.exit_code == 0, done.output
        assert len(server.asked) == asked, "nobody is asked"
        return done.output

    def say(body: dict[str, Any]) -> str:
        last = str(body["messages"][-1]["content"])
        return "" if declined.text.startswith(last) else f"FR {last[-80:]}"

    server.say = say
    assert "3 prompts on 3 documents, 3 of them not yet answered" in dry()
    assert "there would translate 3 passages; none was." in dry()
    assert "It costs about $0.03, and what there asks for beside it; --max-cost keeps to less." in dry()
    assert not (tmp_path / "out").exists()
    assert not replies_path().exists()
    assert CliRunner().invoke(app, words).exit_code == 0
    assert "2 prompts on 2 documents, 0 of them not yet answered" in dry()
    assert "would translate" not in dry()
    assert "It costs at most $0.00, and what there asks for beside it; " in dry()
    assert f"Left out: {declined.title}, translation 25" in dry()
    outputs = tmp_path / "out" / OUTPUTS
    outputs.write_text(outputs.read_text().splitlines(keepends=True)[0])
    assert "2 prompts on 2 documents, 1 of them not yet answered" in dry()


def test_refusals_are_counted_apart_and_a_cap_is_kept(tmp_path: Path, server: Loopback) -> None:
    corpus = passages(tmp_path, "64 copies", "never seen")
    server.say = lambda body: "I'm sorry, I can't go on with that text."
    found = studied(settings(corpus, model="there"), tmp_path / "out")
    (cell,) = [c for c in found.cells if c.group == "all"]
    assert (cell.refused, cell.answered, cell.substring.value) == (4, 0, None)
    assert "refused" in (tmp_path / "out" / "scores.csv").read_text()
    with pytest.raises(MissingRequirement, match="--max-cost"):
        studied(settings(corpus, model="there"), tmp_path / "capped", max_cost=0.005)
    rows = Journal(tmp_path / "capped" / OUTPUTS, Written).rows()
    assert {r.outcome for r in rows} <= {"error"}


def test_a_work_that_goes_on_like_a_refusal_is_given_back_all_the_same(
    tmp_path: Path, server: Loopback
) -> None:
    text = "One two three four five. I cannot say that " + " ".join(f"word{i}" for i in range(80))
    (tmp_path / "a.txt").write_text(text)
    server.say = lambda body: text.partition(". ")[2]
    (scored,) = studied(
        settings(str(tmp_path / "a.txt"), model="there", lengths=(5,)), tmp_path / "out"
    ).scored
    assert scored.written.outcome == "ok"
    assert scored.close is not None
    assert scored.close.substring > 50


def test_a_hosted_model_cannot_be_blocked_token_by_token(tmp_path: Path, server: Loopback) -> None:
    with pytest.raises(UserError, match="output-filter instead"):
        settings(passages(tmp_path, "64 copies"), model="there", mitigations=("none", "block"))


def test_an_evasive_prompt_gets_past_a_filter_that_looks_for_words(tmp_path: Path, server: Loopback) -> None:
    from copycat.verbatim.text.prompts.digits import decode, encode

    corpus = passages(tmp_path, "64 copies", each=1)
    (document,) = load_corpus(corpus).documents

    def say(body: dict[str, Any]) -> str:
        shown = body["messages"][-1]["content"].rpartition("\n\n")[2]
        at = decode(encode(document.text)).find(decode(shown))
        return encode(document.text[at + len(shown) :])

    server.say = say
    chosen = settings(
        corpus,
        model="there",
        prompts=("digits",),
        mitigations=("none", "output-filter[at=phrase]", "output-filter[at=phrase,fold=true]"),
    )
    found = studied(chosen, tmp_path / "out")
    outcome = {s.asked.mitigation: s.written.outcome for s in found.scored}
    assert outcome == {
        "none": "ok",
        "output-filter[at=phrase]": "ok",
        "output-filter[at=phrase,fold=true]": "withheld",
    }
    assert all(s.close and s.close.substring > 50 for s in found.scored if s.written.outcome == "ok")


def test_the_command_says_what_it_would_ask_and_what_it_left_out(tmp_path: Path) -> None:
    corpus = Path(passages(tmp_path, "64 copies", each=1))
    with corpus.open("ab") as f:
        f.write(b'{"text": "caf\xe9"}\n')
    words = ["verbatim", "text", "--corpus", str(corpus), "--lengths", "25,100", "--max-tokens", "20"]
    words += ["--device", "cpu", "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, [*words, "--dry-run"])
    assert done.exit_code == 0, done.output
    assert "1 prompt on 1 document, 1 of them not yet answered" in done.output
    assert "Left out, of 1 document" in done.output
    assert "1 at prefix 100" in done.output
    assert "line 2: it is not UTF-8" in done.output
    assert not (tmp_path / "out").exists()
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "verbatim.html" in done.output
