"""Keys are kept out of all that is written."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path

import pytest

from copycat.cards.models import load_card
from copycat.errors import BadFile
from copycat.io import secrets
from copycat.io.hosted import Api, explain, key
from copycat.io.journal import Journal
from copycat.io.secrets import clean, clean_all, redact
from copycat.llms.base import Reply
from copycat.llms.replies import Kept
from copycat.records import ImageRow, Named, Verdict, YesNo

KEY = 'sk-canary"7f\\3a/9c+1d=5b'
URL = "https://here.example/v1"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.setattr(secrets, "_variables", set(secrets._KNOWN))
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


@pytest.mark.parametrize(
    "form",
    [
        KEY,
        json.dumps(KEY)[1:-1],
        "sk-canary%227f%5C3a%2F9c%2B1d%3D5b",
        base64.b64encode(KEY.encode()).decode(),
    ],
)
def test_a_key_is_found_as_it_is_written(form: str) -> None:
    found = redact(f"your key {form} is wrong")
    assert found.startswith("your key [redacted]")
    assert found.rstrip("=").endswith(" is wrong")


def test_a_key_that_is_cut_off_is_found() -> None:
    assert redact(f"your key {KEY[:-4]}") == "your key [redacted]"
    assert redact(f"your key {KEY[:7]}") == f"your key {KEY[:7]}"


def test_names_and_passwords_in_urls_are_not_kept() -> None:
    assert redact("no route to https://me:pa55@here.example/v1") == (
        "no route to https://[redacted]@here.example/v1"
    )
    assert redact("http://token@here.example") == "http://[redacted]@here.example"
    for plain in ("https://here.example/@me", "mail me@here.example", "https://here.example?to=me@there"):
        assert redact(plain) == plain


def test_which_variables_hold_keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    held = {
        "HF_TOKEN": "hf_abcdefgh", "MY_API_KEY": "0123456789abcdef", "DB_PASSWORD": "correct-horse-7-battery",
    }  # fmt: skip
    plain = {
        "TOKENIZERS_PARALLELISM": "true-0-1-2-3-4-5-6", "KEY_FILE": "/home/me/0-1-2-3-4-5-6",
        "SECRET_WORD": "detective", "MY_TOKEN": "abcdefghijklmnopqrst", "PROVIDER": "grey-01-23-45-67-89",
    }  # fmt: skip
    for name, value in {**held, **plain}.items():
        monkeypatch.setenv(name, value)
    for value in held.values():
        assert redact(f"a {value} b") == "a [redacted] b"
    for value in plain.values():
        assert redact(f"a {value} b") == f"a {value} b"
    (tmp_path / "token").write_text("hf_from_the_login\n")
    assert redact("hf_from_the_login") == "[redacted]"
    # A card that takes its key from there tells that it is one.
    Api(key_env="PROVIDER")
    assert redact(plain["PROVIDER"]) == "[redacted]"
    monkeypatch.setattr(secrets, "_variables", set())
    key(Api.model_construct(key_env="PROVIDER"), "a worker's model")
    assert redact(plain["PROVIDER"]) == "[redacted]", "a process of its own is handed the card"


def test_rows_are_cleaned_in_every_text() -> None:
    row = ImageRow(request="r", outcome="error", error=f"no: {KEY}", revised_prompt=f"{KEY} {KEY}")
    assert (clean(row).error, clean(row).revised_prompt) == ("no: [redacted]", "[redacted] [redacted]")
    common = {"request": "r", "kind": "identify", "image_sha256": "0", "judge": "j", "question": "q"}
    named = Verdict(**common, question_hash="0", answer=Named(names=("Zori", KEY)), reply=KEY)
    assert clean(named).answer == Named(names=("Zori", "[redacted]"))
    assert clean(named).reply == "[redacted]"
    plain = Verdict(**common, question_hash="0", answer=YesNo(p_yes=0.1 + 0.2))
    assert clean(plain) is plain


def test_a_journal_keeps_no_key(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "replies.jsonl", Kept)
    journal.append([Kept(key="k", model="m", asked=(), reply=Reply(text=f"it is {KEY}"))])
    assert "canary" not in journal.path.read_text()
    assert journal.rows() == Journal(journal.path, Kept).rows()
    assert journal.rows()[0].reply.text == "it is [redacted]"


def test_an_error_is_cleaned_before_it_is_shortened() -> None:
    found = explain(RuntimeError(f"{'x' * 290} {KEY}"))
    assert "canary" not in found
    assert "sk-c" not in found


def test_many_rows_take_no_time() -> None:
    rows = [ImageRow(request=f"r{i}", outcome="ok", file=f"images/r{i}.png") for i in range(2000)]
    began = time.perf_counter()
    assert clean_all(rows) == rows
    assert time.perf_counter() - began < 5


@pytest.mark.parametrize(
    ("api", "hint"),
    [
        ({"base_url": "https://me:canary@here.example/v1"}, "a user's name or a password.*key_env"),
        ({"base_url": "https://canary@here.example/v1"}, "a user's name or a password"),
        ({"base_url": f"{URL}?api_key=canary"}, "holds a query.*key_env"),
        ({"base_url": f"{URL}#canary"}, "a query or a fragment"),
        ({"base_url": "here.example/canary"}, "must begin with https://"),
        ({"base_url": "file:///canary"}, "must begin with https://"),
        ({"base_url": "https:///canary"}, "name a server"),
        ({"base_url": "https://[canary/v1"}, "api.base_url"),
        ({"key_env": "sk-canary-123"}, "not the key"),
    ],
)
def test_a_card_holds_no_key(
    api: dict[str, str], hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "models" / "hosted.yaml"
    path.parent.mkdir()
    monkeypatch.setenv("COPYCAT_HOME", str(tmp_path))
    card = {
        "name": "hosted", "title": "H", "kind": "openai-images", "source": "m", "api": api,
        "sampling": {"steps": 1, "guidance": 0, "height": 16, "width": 16},
    }  # fmt: skip
    path.write_text(json.dumps(card))
    with pytest.raises(BadFile, match=hint) as told:
        load_card("hosted")
    assert "canary" not in str(told.value)


def test_ordinary_addresses_are_taken() -> None:
    for url in (URL, "http://127.0.0.1:8000/v1", "http://[::1]:8000/v1", None):
        assert Api(base_url=url, key_env=None).base_url == url
