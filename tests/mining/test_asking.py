"""A language model describes characters and lists words; leaks are asked again, and nothing is lost."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from copycat.cards.llms import CATALOG as LLM_CARDS
from copycat.cli.main import app
from copycat.errors import MissingRequirement, UserError
from copycat.io.journal import Journal
from copycat.llms.base import Message, Reply
from copycat.mining.asking import Answer, Asking
from copycat.mining.tasks import Describe, Keywords, split_list
from copycat.subjects.characters import load_registry
from copycat.subjects.franchises import names_of
from copycat.subjects.keywords import ranking
from copycat.subjects.prompts import check, load_prompts
from tests.helpers.loopback import Loopback, running

WORDS = [f"{a} {b}" for a in ("teal", "ochre", "mauve") for b in ("coat", "mitten", "stilt", "pail", "quill")]
FIT = "a stout creature with teal fur, an ochre coat and long mauve mittens, drawn in soft chalk"


@pytest.fixture
def server() -> Iterator[Loopback]:
    with running() as made:
        yield made


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Loopback) -> Path:
    """A registry of three that no file knows, and a hosted writer."""
    home = tmp_path / "home"
    monkeypatch.setenv("COPYCAT_HOME", str(home))
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    (home / "llms").mkdir(parents=True)
    (home / "llms" / "writer.yaml").write_text(
        f"name: writer\nkind: openai-chat\nsource: some-writer\nbatch_size: 2\n"
        f"api: {{base_url: '{server.url}'}}\n"
    )
    (tmp_path / "mine.yaml").write_text(
        "registry: mine\nversion: 1\ncharacters:\n"
        "- {slug: vella, name: Vella, aliases: [The Grey Lady], owner: Blue Sky Press, generic: a heron,\n"
        "   origin: {work: Songs of Vellamar, medium: book, country: FI, year: 1999}}\n"
        "- {slug: brimo, name: Brimo, owner: Blue Sky Press, generic: a badger}\n"
        "- {slug: tosk, name: Tosk, owner: Blue Sky Press, generic: a yak}\n"
    )
    return tmp_path / "mine.yaml"


def mine(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["mine", *arguments])
    if isinstance(done.exception, UserError):
        raise done.exception
    return done.exit_code, done.output


def about(body: dict[str, Any]) -> str:
    """The name that the first question is about."""
    return str(body["messages"][1]["content"]).split(" is ")[1].split(",")[0].split(".")[0]


def scripted(by_name: dict[str, Sequence[str]]) -> Callable[[dict[str, Any]], str]:
    """The nth reply about a name; the last one from then on."""

    def say(body: dict[str, Any]) -> str:
        turn = sum(m["role"] == "assistant" for m in body["messages"])
        replies = by_name.get(about(body), [FIT])
        return replies[min(turn, len(replies) - 1)]

    return say


def test_a_leak_is_asked_again_and_what_fails_is_named_and_asked_for_alone(
    world: Path, server: Loopback, tmp_path: Path
) -> None:
    leaks = [f"{FIT}, as in Songs of Vellamar", f"{FIT}, the Grey Lady herself", FIT]
    server.say = scripted({"Vella": leaks, "Brimo": [""], "Tosk": ["Tosk"]})
    out = tmp_path / "out"
    command = (
        "describe", "--registry", str(world), "--model", "writer", "--words", "16", "--out", str(out),
        "--temperature", "0.5",
    )  # fmt: skip
    code, told = mine(*command)
    assert code == 2
    assert "Brimo: no description, after these faults: nothing at all; nothing at all; nothing at all" in told
    assert "Tosk: no description, after these faults: the name 'Tosk', 1 words" in told
    assert "Missing for 2 of 3: Brimo, Tosk." in told.replace("\n", " ")
    (prompt,) = load_prompts(str(out / "description.jsonl"), "mine")
    assert prompt.text == FIT
    assert "written by writer@some-writer" in prompt.provenance
    assert "at temperature 0.5, attempt 3 (before: the name 'songs of vellamar'" in prompt.provenance
    assert len(server.asked) == 9
    server.say = scripted({})
    code, told = mine(*command)
    assert code == 0
    assert {about(body) for body in server.asked[9:]} == {"Brimo", "Tosk"}
    prompts = load_prompts(str(out / "description.jsonl"), "mine")
    assert [p.character for p in prompts] == ["vella", "brimo", "tosk"]
    # A third time nobody is asked.
    before = len(server.asked)
    assert mine(*command)[0] == 0
    assert len(server.asked) == before


def test_a_key_that_the_server_sends_back_gets_into_no_file(
    world: Path, server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-0123456789")
    server.say = scripted({"Vella": [f"{FIT} beside sk-canary-0123456789"]})
    out = tmp_path / "out"
    assert (
        mine("describe", "--registry", str(world), "--model", "writer", "--words", "20", "--out", str(out))[0]
        == 0
    )
    assert "beside [redacted]" in (out / "description.jsonl").read_text()
    assert not any("canary" in p.read_text() for p in out.rglob("*.jsonl"))


def test_a_list_is_filled_up_and_its_sets_go_by_name(world: Path, server: Loopback) -> None:
    short = "1. Teal coat\n2. coat\n3. Vella's hat\n4. ochre coat;mauve quill"
    server.say = scripted(
        {"Vella": [short, ", ".join(WORDS)], "Brimo": [", ".join(WORDS)], "Tosk": ["stilt"]}
    )
    code, told = mine("keywords", "--registry", str(world), "--model", "writer", "--sizes", "1,3,8", "--own")
    assert code == 2
    assert "Tosk: 1 of 8 words" in told
    registry = load_registry(str(world))
    sets = {n: load_prompts(f"lm{n}", "mine") for n in (1, 3, 8)}
    assert {n: [p.character for p in ps] for n, ps in sets.items()} == {
        1: ["vella", "brimo", "tosk"], 3: ["vella", "brimo"], 8: ["vella", "brimo"],
    }  # fmt: skip
    first = sets[8][0].text.split(", ")
    # "coat" stands in the word before it, and the name is left out; the second reply goes on from there.
    assert first[:3] == ["teal coat", "ochre coat", "mauve quill"]
    assert len(first) == len(set(first)) == 8
    assert check([p for ps in sets.values() for p in ps], registry) == []
    assert ranking("lm", registry).keywords["vella"] == tuple(first)
    # Negative prompts have their words at once.
    assert "language model writer" in ranking("lm", registry).source


def test_candidates_may_be_asked_for(world: Path, server: Loopback, tmp_path: Path) -> None:
    fifty = ", ".join(f"{w} {c}" for w in WORDS for c in "xyzw")
    server.say = scripted({name: [fifty] for name in ("Vella", "Brimo", "Tosk")})
    (tmp_path / "captions.txt").write_text("Vella in a mauve quill x\n" * 3 + "Vella, teal coat y\n" * 2)
    out = ("--out", str(tmp_path / "out"), "--sizes", "2")
    told = mine(
        "cooccurrence",
        str(tmp_path / "captions.txt"),
        "--registry",
        str(world),
        "--candidates",
        "writer",
        *out,
    )[1]
    assert "50 words asked of writer" in told
    (prompt,) = load_prompts(str(tmp_path / "out" / "cooc2.jsonl"), "mine")
    assert prompt.text == "teal coat y"


def test_nothing_is_lost_when_the_server_breaks(world: Path, server: Loopback, tmp_path: Path) -> None:
    server.behave["Tosk"] = "no money"
    out = tmp_path / "out"
    with pytest.raises(UserError):
        mine("describe", "--registry", str(world), "--model", "writer", "--words", "16", "--out", str(out))
    server.behave.clear()
    kept = {
        json.loads(x)["character"] for x in (out / "answers" / "description.jsonl").read_text().splitlines()
    }
    before = len(server.asked)
    server.say = scripted({})
    code, _ = mine(
        "describe", "--registry", str(world), "--model", "writer", "--words", "16", "--out", str(out)
    )
    assert code in (0, 2)
    assert not {about(b) for b in server.asked[before:]} & {load_registry(str(world))[s].name for s in kept}


def test_a_part_that_came_before_the_server_broke_is_kept(world: Path, tmp_path: Path) -> None:
    """Two of three words are paid for: they are on disk, and are what there is if nothing better comes."""
    fails = True

    class Writer:
        def __enter__(self) -> Writer:
            return self

        def __exit__(self, *_: object) -> None: ...

        def ask(self, messages: Sequence[Message]) -> Reply:
            if len(messages) <= 2:
                return Reply(text="teal coat, brass horn" if fails else "teal coat")
            if fails:
                raise MissingRequirement("no money")
            return Reply(refusal="no more")

    registry = load_registry(str(world))
    card = LLM_CARDS.get("writer").model_copy(update={"batch_size": 1})
    asking = Asking(Keywords(registry, 3), card, Writer, tries=2)  # type: ignore[arg-type]
    path = tmp_path / "answers.jsonl"
    only = registry.characters[:1]
    with pytest.raises(MissingRequirement, match="no money"):
        asking.answers(only, Journal(path, Answer))
    (kept,) = Journal(path, Answer).rows()
    assert (kept.texts, kept.whole) == (("teal coat", "brass horn"), False)
    assert ", attempt 1" in kept.provenance
    fails = False
    assert asking.answers(only, Journal(path, Answer))[only[0].slug].texts == kept.texts


def test_a_cap_is_kept_and_a_model_without_a_price_is_refused_with_one(
    world: Path, server: Loopback, tmp_path: Path
) -> None:
    asked = "describe", "--registry", str(world), "--model", "writer", "--out", str(tmp_path / "out")
    with pytest.raises(UserError, match="--max-cost is a number of dollars above 0, and inf is none"):
        mine(*asked, "--max-cost", "inf")
    assert not (tmp_path / "out").exists()
    with pytest.raises(UserError, match="--max-cost 1 cannot be kept"):
        mine(*asked, "--max-cost", "1")
    assert not server.asked
    card = tmp_path / "home" / "llms" / "writer.yaml"
    card.write_text(card.read_text().replace("api: {", "api: {price_usd: 0.04, "))
    with pytest.raises(UserError, match=r"could pass --max-cost 0\.05"):
        mine(*asked, "--max-cost", "0.05")
    assert len(server.asked) == 1


def test_replies_are_read() -> None:
    registry = load_registry("copycat")
    mario = registry["mario"]
    task = Describe(registry, 16)
    assert task.read(FIT, (), mario) == ((FIT,), [])
    for text in (f"{FIT} by Nintendo", f"{FIT} with Bowser", f"{FIT} like Pikachu", "short", FIT * 4, "  "):
        assert task.read(text, (), mario)[0] == (), text
    assert Keywords(registry, 2).read("red cap, cap, Mario, moustache", (), mario)[0] == (
        "red cap",
        "moustache",
    )
    assert split_list("- a b\n* **c**\n3) d.") == ["a b", "c", "d"]
    # Everyday words of an owner's name are no leak.
    assert names_of(registry).found("a video game on television", "pikachu") == []


def test_a_registry_in_another_script_is_not_misspelt_for_ever(tmp_path: Path) -> None:
    (tmp_path / "ja.yaml").write_text(
        "registry: ja\nversion: 1\ncharacters:\n- {slug: a, name: アトム, owner: x, generic: a robot}\n",
        encoding="utf-8",
    )
    told = mine("variants", "--registry", str(tmp_path / "ja.yaml"), "--out", str(tmp_path / "out"))[1]
    assert "misspelt1: nothing" in told
    assert (tmp_path / "out" / "actions.jsonl").exists()
    assert not (tmp_path / "out" / "misspelt3.jsonl").exists()


def test_what_is_answered_while_a_call_ends_the_command_is_kept(world: Path, tmp_path: Path) -> None:
    failed = threading.Event()

    class Writer:
        def __enter__(self) -> Writer:
            return self

        def __exit__(self, *_: object) -> None: ...

        def ask(self, messages: Sequence[Message]) -> Reply:
            if " is Tosk" in messages[1].content:
                failed.set()
                raise MissingRequirement("no money")
            # Answered once the other has failed.
            failed.wait(5)
            return Reply(text=FIT)

    registry = load_registry(str(world))
    card = LLM_CARDS.get("writer").model_copy(update={"batch_size": 3})
    asking = Asking(Describe(registry, 16), card, Writer)  # type: ignore[arg-type]
    path = tmp_path / "answers.jsonl"
    with pytest.raises(MissingRequirement, match="no money"):
        asking.answers(registry.characters, Journal(path, Answer))
    kept = Journal(path, Answer).rows()
    assert sorted(a.character for a in kept) == ["brimo", "vella"]
    assert all(a.whole for a in kept)
