"""A causal language model of transformers, on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import Any

import jinja2
import torch
import transformers

from copycat.cards.llms import LLMCard
from copycat.errors import BadFile, MissingRequirement, first_line
from copycat.llms.base import Chat, Message, Reply


class LocalChat(Chat):
    """Anything that AutoModelForCausalLM loads and that has a chat template; greedy decoding."""

    def __init__(self, card: LLMCard, device: str) -> None:
        self.identity = card.identity()
        self._device, self._max_tokens = device, card.max_tokens
        self._tokenizer, self._model = _load(card, device)
        self._turn = Lock()

    def ask(self, messages: Sequence[Message]) -> Reply:
        try:
            with self._turn, torch.inference_mode():
                return Reply(text=self._written(messages))
        except (RuntimeError, ValueError, IndexError) as e:
            raise MissingRequirement(f"{self.identity} failed to answer ({first_line(e)}).") from e

    def _written(self, messages: Sequence[Message]) -> str:
        inputs = self._inputs(messages)
        pad = self._tokenizer.pad_token_id
        written = self._model.generate(
            **inputs,
            max_new_tokens=self._max_tokens,
            do_sample=False,
            pad_token_id=self._tokenizer.eos_token_id if pad is None else pad,
        )
        new = written[0, inputs["input_ids"].shape[1] :]
        return str(self._tokenizer.decode(new, skip_special_tokens=True)).strip()

    def _inputs(self, messages: Sequence[Message]) -> Any:
        def render(turns: Sequence[Message]) -> Any:
            return self._tokenizer.apply_chat_template(
                [m.model_dump() for m in turns],
                tokenize=True,
                add_generation_prompt=True,
                return_dict=True,
                return_tensors="pt",
            ).to(self._device)

        try:
            return render(messages)
        except jinja2.TemplateError:
            # Some templates know no system turn; its text then opens the first question.
            system, first, *rest = messages
            return render([Message(role="user", content=f"{system.content}\n\n{first.content}"), *rest])


def _load(card: LLMCard, device: str) -> tuple[Any, Any]:
    source, revision = card.location, card.revision or "main"
    with card.loading(card.name, "a language model"):
        tokenizer: Any = transformers.AutoTokenizer.from_pretrained(
            source, revision=revision, trust_remote_code=False
        )
        model: Any = transformers.AutoModelForCausalLM.from_pretrained(
            source,
            revision=revision,
            dtype=card.torch_dtype(device),
            use_safetensors=True,
            trust_remote_code=False,
        )
    if not tokenizer.chat_template:
        raise BadFile(f"The language model {card.name} has no chat template; take an instruction-tuned one.")
    # The folder's own sampling settings would only be warned about, since decoding is greedy.
    model.generation_config.temperature = model.generation_config.top_p = model.generation_config.top_k = None
    return tokenizer, model.eval().to(device)
