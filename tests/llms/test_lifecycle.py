"""Language models that are closed are gone from memory."""

from __future__ import annotations

import weakref
from pathlib import Path

import torch

from copycat.llms import Message, load_chat, load_llm_card
from copycat.llms.replies import CachedChat, Replies
from tests.helpers import tiny

ASKED = [Message(role="user", content="an owl ?")]


def test_what_is_closed_is_gone(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    card = load_llm_card(str(tiny.llm(tmp_path))).model_copy(update={"max_tokens": 4})
    with load_chat(card, "cpu") as chat:
        chat.ask(ASKED)
        held = weakref.ref(chat._model)
    assert held() is None
    assert chat.identity == card.identity()


def test_kept_replies_outlast_the_model_and_a_missing_one_loads_it_again(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    card = load_llm_card(str(tiny.llm(tmp_path / "llm"))).model_copy(update={"max_tokens": 4})
    with CachedChat(card, lambda: load_chat(card, "cpu"), Replies(tmp_path / "replies.jsonl")) as chat:
        first = chat.ask(ASKED)
        held = weakref.ref(chat._model._model)
    assert held() is None
    assert chat.ask(ASKED) == first
    assert chat._model is None, "the reply was kept"
    assert chat.ask([Message(role="user", content="a frog ?")])
    assert chat._model is not None
    chat.close()
