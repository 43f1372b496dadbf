"""A local language model, really generating."""

from __future__ import annotations

import pytest
import torch

from copycat.errors import BadFile
from copycat.llms import Message, load_chat, load_llm_card
from tests.helpers import tiny

ASKED = [Message(role="system", content="which frog"), Message(role="user", content="an owl ?")]


def test_the_reply_is_what_greedy_decoding_gives(tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    card = load_llm_card(str(tiny.llm(tmp_path))).model_copy(update={"max_tokens": 6})
    reply = load_chat(card, "cpu").ask(ASKED)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    model = AutoModelForCausalLM.from_pretrained(tmp_path)
    ids = tokenizer("system: which frog user: an owl ? assistant:", return_tensors="pt").input_ids
    start = ids.shape[1]
    for _ in range(6):
        with torch.inference_mode():
            nearest = model(ids).logits[0, -1].argmax()
        ids = torch.cat([ids, nearest[None, None]], dim=1)
        if nearest == tokenizer.eos_token_id:
            break
    assert reply.text == tokenizer.decode(ids[0, start:], skip_special_tokens=True).strip()
    assert reply.text
    assert card.identity().startswith(tmp_path.name)


def test_a_template_without_a_system_turn_gets_its_text_all_the_same(tmp_path):
    card = load_llm_card(str(tiny.llm(tmp_path))).model_copy(update={"max_tokens": 4})
    chat = load_chat(card, "cpu")
    chat._tokenizer.chat_template = (
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}"
        + chat._tokenizer.chat_template
    )
    assert chat._tokenizer.decode(chat._inputs(ASKED)["input_ids"][0]) == (
        "user : which frog an owl ? assistant :"
    )
    assert chat.ask(ASKED)


def test_what_cannot_be_asked_is_one_line(tmp_path):
    with pytest.raises(BadFile, match="no chat template"):
        load_chat(load_llm_card(str(tiny.llm(tmp_path / "plain", template=False))), "cpu")
    (tiny.llm(tmp_path / "broken") / "config.json").write_text("{}")
    with pytest.raises(BadFile, match="does not load as a language model"):
        load_chat(load_llm_card(str(tmp_path / "broken")), "cpu")
