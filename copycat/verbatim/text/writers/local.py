"""A causal language model of transformers, on this machine: batched, with a seed for each text."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import torch
import transformers

from copycat.cards.llms import LLMCard
from copycat.errors import first_line
from copycat.verbatim.text.mitigations import TokenBlock
from copycat.verbatim.text.rows import Asked
from copycat.verbatim.text.writers.base import Draft, Writer


class LocalWriter(Writer):
    """Anything that AutoModelForCausalLM loads. What a text is does not depend on the others of its batch but
    by rounding, and by a limit on length: that of the longest prompt of the batch."""

    def __init__(self, card: LLMCard, device: str) -> None:
        self._device = device
        with card.loading(card.name, "a causal language model"):
            self._tokenizer: Any = transformers.AutoTokenizer.from_pretrained(
                card.location, revision=card.revision or "main", trust_remote_code=False, padding_side="left"
            )
            self._model: Any = transformers.AutoModelForCausalLM.from_pretrained(
                card.location,
                revision=card.revision or "main",
                dtype=card.torch_dtype(device),
                use_safetensors=True,
                trust_remote_code=False,
            )
        self._model.eval().to(device)
        self.vocabulary = int(self._model.config.get_text_config().vocab_size)
        self._longest = getattr(self._model.config.get_text_config(), "max_position_embeddings", None)
        ends = self._model.generation_config.eos_token_id
        self._ends = [] if ends is None else [ends] if isinstance(ends, int) else list(ends)
        # The folder's own sampling settings, such as a penalty on repetitions, would change what is measured.
        self._model.generation_config = transformers.GenerationConfig(
            eos_token_id=ends, pad_token_id=self._pad, do_sample=False
        )

    @property
    def _pad(self) -> int:
        pad = self._tokenizer.pad_token_id
        return int(pad if pad is not None else self._ends[0] if self._ends else 0)

    def encode(self, text: str) -> Sequence[int]:
        return list(self._tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])

    def write(self, asked: Sequence[Asked], blocks: Sequence[TokenBlock]) -> list[Draft]:
        prompts = [self._prompt(a) for a in asked]
        room = [None if self._longest is None else self._longest - len(p) for p in prompts]
        fitting = [i for i, left in enumerate(room) if left is None or left > 0]
        found = {
            i: Draft("error", reason=f"the prompt has {len(p)} tokens, and the model takes {self._longest}")
            for i, p in enumerate(prompts)
            if i not in fitting
        }
        if fitting:
            try:
                drafts = self._written([asked[i] for i in fitting], [prompts[i] for i in fitting], blocks)
            except (RuntimeError, ValueError, IndexError) as e:
                if isinstance(e, torch.OutOfMemoryError):
                    raise
                drafts = [Draft("error", reason=f"the model failed ({first_line(e)})")] * len(fitting)
            found |= dict(zip(fitting, drafts, strict=True))
        return [found[i] for i in range(len(asked))]

    def _prompt(self, asked: Asked) -> list[int]:
        if asked.instructs and self._tokenizer.chat_template:
            turn = [{"role": "user", "content": asked.prompt}]
            text = self._tokenizer.apply_chat_template(turn, tokenize=False, add_generation_prompt=True)
            return list(self._tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])
        return list(self._tokenizer(asked.prompt, verbose=False)["input_ids"])

    @torch.inference_mode()
    def _written(
        self, asked: Sequence[Asked], prompts: Sequence[list[int]], blocks: Sequence[TokenBlock]
    ) -> list[Draft]:
        began = time.monotonic()
        longest = max(map(len, prompts))
        most = min(a.max_tokens for a in asked)
        if self._longest is not None:
            most = min(most, self._longest - longest)
        pads = [longest - len(p) for p in prompts]
        ids = torch.tensor([[self._pad] * n + p for n, p in zip(pads, prompts, strict=True)])
        mask = torch.tensor([[0] * n + [1] * len(p) for n, p in zip(pads, prompts, strict=True)])
        blocking = _Blocking(blocks, pads, longest, self._ends)
        sampling = _SeededSampling([a.seed for a in asked], asked[0].temperature)
        written = self._model.generate(
            input_ids=ids.to(self._device),
            attention_mask=mask.to(self._device),
            max_new_tokens=most,
            # In this order, so that what is sampled is never what is forbidden.
            logits_processor=transformers.LogitsProcessorList([sampling, blocking]),
        )
        new = [self._until_end(row) for row in written[:, longest:].tolist()]
        seconds = (time.monotonic() - began) / len(asked)
        return [
            Draft(
                "ok",
                text=str(self._tokenizer.decode(tokens, skip_special_tokens=True)),
                tokens=len(tokens),
                most=most,
                held=held,
                surprise=self._surprise(prompt, tokens),
                seconds=seconds,
            )
            for prompt, tokens, held in zip(prompts, new, blocking.held, strict=True)
        ]

    def _until_end(self, tokens: list[int]) -> list[int]:
        """Up to and with the first token that ends a text."""
        end = next((i for i, t in enumerate(tokens) if t in self._ends), len(tokens))
        return tokens[: end + 1]

    def _surprise(self, prompt: list[int], new: list[int]) -> float | None:
        if not new or not prompt:
            return None
        ids = torch.tensor([prompt + new], device=self._device)
        logits = self._model(input_ids=ids).logits[0, len(prompt) - 1 : -1].float()
        lost = torch.nn.functional.cross_entropy(logits, ids[0, len(prompt) :])
        value = float(lost)
        return round(value, 5) if value == value and value != float("inf") else None


class _SeededSampling(transformers.LogitsProcessor):
    """Makes the likeliest token one that is drawn at a temperature, by adding Gumbel noise: of each text from
    a generator of its own, on the CPU. At temperature 0 it changes nothing."""

    def __init__(self, seeds: Sequence[int], temperature: float) -> None:
        self._temperature = temperature
        self._generators = [torch.Generator().manual_seed(s) for s in seeds]

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:  # noqa: ARG002
        if not self._temperature:
            return scores
        uniform = torch.stack(
            [torch.rand(scores.shape[1], generator=g, dtype=torch.float64) for g in self._generators]
        )
        noise = -torch.log(-torch.log(uniform.clamp(1e-300, 1 - 1e-16)))
        return scores.float() / self._temperature + noise.to(scores.device, torch.float32)


class _Blocking(transformers.LogitsProcessor):
    """Forbids what any of the blocks does, and counts how often the token was among it that was to come."""

    def __init__(
        self, blocks: Sequence[TokenBlock], pads: Sequence[int], begin: int, ends: Sequence[int]
    ) -> None:
        self._blocks, self._pads, self._begin, self._ends = blocks, pads, begin, set(ends)
        self.held = [0] * len(pads)

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        if not self._blocks:
            return scores
        scores = scores.clone()
        for row, tokens in enumerate(input_ids.tolist()):
            if self._ends & set(tokens[self._begin :]):
                continue  # this text has ended, and others of its batch have not
            before = tokens[self._pads[row] :]
            forbidden = self._blocks[0].forbidden(before)
            for block in self._blocks[1:]:
                forbidden = forbidden | block.forbidden(before)
            if forbidden.all():
                continue
            chosen = int(scores[row].argmax())
            self.held[row] += int(chosen < len(forbidden) and forbidden[chosen])
            mask = torch.from_numpy(forbidden).to(scores.device)
            scores[row, : len(forbidden)].masked_fill_(mask, float("-inf"))
        return scores
