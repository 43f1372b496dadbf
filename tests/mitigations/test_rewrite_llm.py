"""Rewriting by a language model: the real client against a loopback server, and a local model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from copycat.cli.main import app
from copycat.errors import BadFile, MissingRequirement, UnknownName, UserError
from copycat.io.cached import replies_path
from copycat.mitigations.rewrite_llm import SYSTEM, faults
from copycat.records import digest
from copycat.stages.plan import plan
from copycat.subjects.characters import Character
from tests.contracts.test_mitigations import CHARACTER, REGISTRY
from tests.helpers import tiny
from tests.helpers.loopback import Loopback, running

OTTER = "a tall grey otter in a green raincoat"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Loopback]:
    """Behind the card `writer`; replies are kept in the test's own folder."""
    monkeypatch.setattr("copycat.io.hosted.pace._FIRST", 0.01)
    monkeypatch.setenv("COPYCAT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COPYCAT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LOOPBACK_KEY", "k")
    with running() as loopback:
        _card(tmp_path, loopback.url)
        yield loopback


def _card(tmp_path: Path, url: str) -> None:
    api = {"base_url": url, "key_env": "LOOPBACK_KEY", "timeout": 2, "retries": 1}
    card = {"name": "writer", "kind": "openai-chat", "source": "writer-1", "batch_size": 2, "api": api}
    path = tmp_path / "home" / "llms" / "writer.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(card))


@pytest.fixture
def rewritten(config, server: Loopback):
    """The planned requests, by character."""

    def run(**given: object):
        made = config(**{"mitigations": ("rewrite-llm[model=writer]",), "seeds": (0, 1), **given})
        return {r.character: r for r in plan(made)}

    return run


def test_a_good_rewrite(rewritten, server: Loopback) -> None:
    zori = rewritten()["zori"]
    assert zori.prompt == OTTER
    assert zori.source_prompt == "Zori"
    assert zori.provenance[0].note == f"by writer@writer-1@{server.url}, attempt 1"
    sent = next(a for a in server.asked if "Zori" in a["messages"][1]["content"])
    assert (sent["model"], sent["temperature"]) == ("writer-1", 0)
    assert sent["messages"][0] == {"role": "system", "content": SYSTEM}
    assert sent["messages"][1]["content"] == (
        "Protected character: Zori, also called Zokin\n"
        "Marks that must not appear: red cape; star wand\n"
        "Request: Zori"
    )


def test_a_leak_is_told_and_mended(rewritten, server: Loopback) -> None:
    def say(body):
        return OTTER if len(body["messages"]) > 2 else 'Zokin the owl in a Red Cape, "dancing"'

    server.say = say
    zori = rewritten()["zori"]
    assert zori.prompt == OTTER
    assert zori.provenance[0].note.endswith("attempt 2 (before: Zokin, red cape)")
    told = next(
        a for a in server.asked if "red cape" in a["messages"][-1]["content"] and len(a["messages"]) == 4
    )
    assert told["messages"][2]["content"] == 'Zokin the owl in a Red Cape, "dancing"'


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ("Zori again", "Zori; Zori"),
        ("Kamo the frog", "Kamo; Kamo"),
        ("", "nothing at all"),
        ("well " * 100, "100 words"),
    ],
)
def test_who_keeps_leaking_is_replaced_by_the_lexicon(rewritten, server: Loopback, reply, why) -> None:
    server.say = lambda body: reply
    zori = rewritten(mitigations=("rewrite-llm[model=writer,tries=2]",), characters=("zori",))["zori"]
    assert zori.prompt == "an owl"
    assert zori.provenance[0].note.startswith("lexicon, since writer@")
    assert why in zori.provenance[0].note
    assert len(server.asked) == 2


@pytest.mark.parametrize(("reply", "why"), [("", "nothing at all"), ("Zori", "Zori")])
def test_three_replies_that_say_nothing_cost_nothing_else(
    config, server: Loopback, reply: str, why: str, tmp_path: Path
) -> None:
    server.say = lambda body: reply if "Request: Zori" in body["messages"][1]["content"] else OTTER
    made = config(mitigations=("rewrite-llm[model=writer]",), seeds=(0,))
    by = {r.character: r for r in plan(made)}
    assert by["zori"].prompt == "an owl"
    told = f"lexicon, since writer@writer-1@{server.url} did not keep the rules: {why}; {why}; {why}"
    assert by["zori"].provenance[0].note == told
    assert {by["kamo"].prompt, by["plitu"].prompt} == {OTTER}
    assert len(server.asked) == 5
    assert all(m["content"] for a in server.asked for m in a["messages"])
    assert {r.character: r for r in plan(made)} == by
    assert len(server.asked) == 5, "the replies are kept, the useless ones too"


def test_instructions_of_ones_own(
    rewritten, server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "rules.txt"
    file.write_text("\nSay otter.\n")
    spec = ("rewrite-llm[model=writer,prompt=rules.txt]",)
    plain = rewritten(characters=("zori",))["zori"].provenance[0]
    first = rewritten(mitigations=spec, characters=("zori",))["zori"].provenance[0]
    assert [a["messages"][0]["content"] for a in server.asked] == [SYSTEM, "Say otter."]
    assert plain.config == {"model": "writer", "tries": 3}, "as before there were such files"
    assert first.config == {**plain.config, "prompt": f"rules.txt@{digest('Say otter.')}"}
    file.write_text("Say stoat.")
    second = rewritten(mitigations=spec, characters=("zori",))["zori"].provenance[0]
    assert second.identity != first.identity
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    ("content", "message"), [(None, "cannot be read"), (b" \n", "is empty"), (b"\xff\xfe", "cannot be read")]
)
def test_instructions_that_cannot_be_read(
    config, tmp_path: Path, content: bytes | None, message: str
) -> None:
    file = tmp_path / "rules.txt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(BadFile, match=message) as caught:
        config(mitigations=(f"rewrite-llm[prompt={file}]",))
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("mood", ["refuse", "decline", "sorry"])
def test_a_refusal_is_an_answer(rewritten, server: Loopback, mood) -> None:
    server.behave = {"Zori": mood}
    if mood == "sorry":
        server.say = lambda body: "I'm sorry, but I can't help with that."
    for _ in range(2):
        zori = rewritten(characters=("zori",))["zori"]
        assert zori.prompt == "an owl"
        assert "refused" in zori.provenance[0].note
    assert len(server.asked) == 1


@pytest.mark.parametrize("mood", ["busy once", "broken once"])
def test_a_passing_trouble_passes(rewritten, server: Loopback, mood) -> None:
    server.behave = {"Kamo": mood}
    assert rewritten()["kamo"].prompt == OTTER
    assert len(server.asked) == 4


@pytest.mark.parametrize("mood", ["broken", "no key", "no money", "slow"])
def test_a_lasting_trouble_writes_no_run_and_loses_no_reply(
    config, rewritten, server: Loopback, mood, tmp_path: Path
) -> None:
    server.behave = {"Plitu": mood}
    with pytest.raises(MissingRequirement, match="the same command"):
        rewritten()
    assert not (tmp_path / "run").exists()
    kept = len(replies_path().read_text().splitlines())
    server.behave = {}
    server.asked.clear()
    assert {r.prompt for r in rewritten().values()} == {OTTER}
    assert len(server.asked) == 3 - kept
    assert kept >= 1


def test_nobody_there_is_one_line(rewritten, server: Loopback, tmp_path: Path) -> None:
    _card(tmp_path, "http://127.0.0.1:9/v1")
    with pytest.raises(MissingRequirement, match="did not answer"):
        rewritten()


def test_a_missing_key_and_an_unknown_model(
    config, rewritten, server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UnknownName, match="Did you mean writer"):
        config(mitigations=("rewrite-llm[model=wirter]",))
    monkeypatch.delenv("LOOPBACK_KEY")
    with pytest.raises(MissingRequirement, match="LOOPBACK_KEY"):
        rewritten()
    assert server.asked == []


def test_a_guardrail_that_could_not_act_is_refused_before_anything_is_paid(
    rewritten, server: Loopback
) -> None:
    with pytest.raises(UserError, match="without classifier-free guidance"):
        rewritten(mitigations=("rewrite-llm[model=writer]+negprompt",), guidance=0)
    assert server.asked == []


def test_what_the_machine_lacks_is_told_before_anything_is_paid(
    server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    done = CliRunner().invoke(app, ["run", "--model", "sdxl", "--mitigation", "rewrite-llm[model=writer]"])
    assert isinstance(done.exception, UserError)
    assert "GPU" in str(done.exception)
    assert server.asked == []


def test_each_question_is_asked_once(rewritten, server: Loopback) -> None:
    """Three characters; two seeds, two mitigations and another plan ask nothing more."""
    both = ("rewrite-llm[model=writer]", "rewrite-llm[model=writer]+negprompt")
    first = rewritten(mitigations=both)
    assert len(server.asked) == 3
    assert rewritten(mitigations=both) == first
    assert len(server.asked) == 3


def test_a_torn_line_costs_one_question(rewritten, server: Loopback) -> None:
    rewritten()
    content = replies_path().read_bytes()
    replies_path().write_bytes(content[:-40])
    server.asked.clear()
    assert {r.prompt for r in rewritten().values()} == {OTTER}
    assert len(server.asked) == 1
    assert len(replies_path().read_bytes().splitlines()) == 3
    replies_path().write_bytes(b"{}\n" + content)
    with pytest.raises(BadFile, match="line 1"):
        rewritten()


def test_another_model_or_wording_is_another_question(rewritten, server: Loopback, tmp_path: Path) -> None:
    rewritten(characters=("zori",))
    path = tmp_path / "home" / "llms" / "writer.yaml"
    path.write_text(path.read_text().replace("writer-1", "writer-2"))
    rewritten(characters=("zori",))
    assert [a["model"] for a in server.asked] == ["writer-1", "writer-2"]


def test_a_dry_run_asks_nobody(tiny_models, server: Loopback, tmp_path: Path) -> None:
    done = CliRunner().invoke(
        app,
        [
            "run", "--dry-run", "--model", str(tiny_models.sd), "--registry", str(tiny_models.registry),
            "--prompts", str(tiny_models.prompts), "--judge", str(tiny_models.judge), "--seeds", "2",
            "--mitigation", "none,rewrite-llm[model=writer]", "--out", str(tmp_path / "run"),
        ],
    )  # fmt: skip
    assert done.exception is None, done.output
    assert "12 images" in done.output
    assert "asked about 3 prompts; none was" in done.output
    assert server.asked == []
    assert not (tmp_path / "cache").exists()
    assert not (tmp_path / "run").exists()


def test_a_local_model(config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPYCAT_CACHE", str(tmp_path / "cache"))
    folder = tiny.llm(tmp_path / "speaker")
    made = config(mitigations=(f"rewrite-llm[model={folder},tries=1]",), seeds=(0,), device="cpu")
    first = plan(made)
    assert all("speaker@" in r.provenance[0].note for r in first)
    assert not any(REGISTRY.mentioned(r.prompt) for r in first)
    replies_path().unlink()
    assert plan(made) == first


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (OTTER, []),
        ("Zorinda in a red caper", []),
        ("ZÓRI, with the star-wand", ["Zori", "star wand"]),
        ("a frog in a red silk cape, with wands", ["red silk cape"]),
        ("a frog whose wand is a star, whose cape is red", ["cape is red"]),
        ("a frog called Kamo", ["Kamo"]),
        ("  ", ["nothing at all"]),
    ],
)
def test_faults(text, found) -> None:
    character: Character = CHARACTER
    assert faults(text, character, REGISTRY) == found


def test_a_gate_by_language_model(rewritten, server: Loopback) -> None:
    spec = ("gate[by=llm,model=writer]+negprompt",)
    answers = {"Zori": "Zori", "Kamo": "None.", "Plitu": "Perhaps Plitu, or Kamo?"}
    server.say = lambda body: answers[body["messages"][-1]["content"]]
    by = rewritten(mitigations=spec)
    assert [(by[s].negative, by[s].provenance[0].note) for s in ("zori", "kamo", "plitu")] == [
        ("Zori", "open: Zori (1.000: Zori)"),
        ("", "shut: nobody"),
        ("Plitu", "open: no answer (Perhaps Plitu, or Kamo?)"),
    ]
    assert "Plitu: a cat" in server.asked[0]["messages"][0]["content"]
    # Without an oracle nobody was named, so nothing can be kept away from.
    assert rewritten(mitigations=spec, oracle=False)["plitu"].negative == ""
    assert len(server.asked) == 3
