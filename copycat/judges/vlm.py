"""A vision-language model of transformers as judge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
import transformers
from PIL import Image

from copycat.cards.judges import JudgeCard
from copycat.errors import BadFile, UserError, first_line
from copycat.judges.base import Judge, ask_guarded, unscored, verdict
from copycat.judges.processors import load_processor
from copycat.judges.references import open_reference
from copycat.judges.replies import read_names
from copycat.records import Question, Verdict, YesNo

MIN_ANSWER_PROBABILITY = 0.5
"""Least P(yes) + P(no) for which a reply counts as an answer."""
MAX_NEW_TOKENS = 96
"""Enough for a name and a work, or for two sentences; a reply that is longer counts as cut off."""


class VisionLanguageJudge(Judge):
    """Anything that AutoModelForImageTextToText loads and that has a chat template.

    Yes-or-no questions are scored as VQAScore does (Lin et al. 2024): P("Yes") of the first answer
    token, over the full vocabulary, in [0, 1].
    """

    shows_references = True

    def __init__(self, card: JudgeCard, device: str) -> None:
        self.identity, self.batch_size = card.identity(), card.batch_size
        self._device, self._wants_score = device, card.style == "paper"
        self._processor, self._model = _load(card, device)
        self._tokenizer = getattr(self._processor, "tokenizer", self._processor)
        # The last position must be the answer's for every row of a batch.
        self._tokenizer.padding_side = "left"
        self._yes, self._no = self._tokens("yes"), self._tokens("no")
        if not self._yes or not self._no or set(self._yes) & set(self._no):
            raise BadFile(f"The judge {card.name} has no single tokens for Yes and No in its vocabulary.")
        if card.references:
            self._try_references(card)

    def _try_references(self, card: JudgeCard) -> None:
        """Refuse a model whose processor or context does not take several pictures."""
        blank = Image.new("RGB", (64, 64))
        text = "Answer Yes or No."
        try:
            tokens = self._render([[*[blank] * card.references, blank]], [text])["input_ids"].shape[1]
        except Exception as e:
            raise UserError(
                f"The judge {card.name} cannot be shown reference pictures ({first_line(e)})."
            ) from e
        config = self._model.config.get_text_config()
        longest = getattr(config, "max_position_embeddings", None)
        if longest and tokens >= longest:
            raise UserError(
                f"The judge {card.name} cannot be shown {card.references} reference pictures: with them a "
                f"question has {tokens} tokens or more, and it reads {longest}."
            )

    def ask(self, questions: Sequence[Question], images: Sequence[Image.Image]) -> list[Verdict]:
        answers: dict[int, Verdict] = {}
        for form, answer in (("yes_no", self._yes_no), ("names", self._names)):
            places = [i for i, q in enumerate(questions) if q.form == form]
            if places:
                mine, shown = [questions[i] for i in places], [images[i] for i in places]
                with torch.inference_mode():
                    found = ask_guarded(self.identity, answer, mine, shown)
                answers.update(zip(places, found, strict=True))
        return [answers[i] for i in range(len(questions))]

    def _yes_no(self, questions: Sequence[Question], images: Sequence[Image.Image]) -> list[Verdict]:
        logits = self._model(**self._inputs(questions, images)).logits[:, -1]
        p = torch.softmax(logits.float(), dim=-1)
        yes, no = (p[:, ids].sum(dim=-1).tolist() for ids in (self._yes, self._no))
        return [self._scored(q, y, y + n) for q, y, n in zip(questions, yes, no, strict=True)]

    def _scored(self, question: Question, yes: float, answered: float) -> Verdict:
        if not answered >= MIN_ANSWER_PROBABILITY:  # also true of NaN
            reason = f"not an answer: yes and no hold {answered:.2f} of the probability"
            return unscored(question, self.identity, reason)
        answer = YesNo(p_yes=min(yes, 1.0), answer_probability=min(answered, 1.0))
        return verdict(question, self.identity, answer)

    def _names(self, questions: Sequence[Question], images: Sequence[Image.Image]) -> list[Verdict]:
        inputs = self._inputs(questions, images)
        written = self._model.generate(**inputs, max_new_tokens=MAX_NEW_TOKENS, do_sample=False)
        new = written[:, inputs["input_ids"].shape[1] :]
        replies = [t.strip() for t in self._tokenizer.batch_decode(new, skip_special_tokens=True)]
        ended = [self._ended(row.tolist()) for row in new]
        return [
            verdict(q, self.identity, read_names(reply, cut_off=not end, scored=self._wants_score), reply)
            for q, reply, end in zip(questions, replies, ended, strict=True)
        ]

    def _ended(self, written: Sequence[int]) -> bool:
        """Whether a reply came to its end, and was not broken off at the limit."""
        stops = self._model.generation_config.eos_token_id
        ends = {*(stops if isinstance(stops, list) else [stops]), self._tokenizer.eos_token_id}
        return len(written) < MAX_NEW_TOKENS or not ends.isdisjoint(written)

    def _inputs(self, questions: Sequence[Question], images: Sequence[Image.Image]) -> dict[str, Any]:
        shown = [
            [*map(open_reference, q.references), image] for q, image in zip(questions, images, strict=True)
        ]
        return self._render(shown, [q.text for q in questions])

    def _render(self, shown: Sequence[Sequence[Image.Image]], texts: Sequence[str]) -> dict[str, Any]:
        """What the model is given for each list of pictures and its text."""
        messages = []
        for pictures, text in zip(shown, texts, strict=True):
            images = [{"type": "image", "image": picture} for picture in pictures]
            messages.append([{"role": "user", "content": [*images, {"type": "text", "text": text}]}])
        inputs = self._processor.apply_chat_template(
            messages,
            tokenize=True,
            add_generation_prompt=True,
            return_dict=True,
            return_tensors="pt",
            processor_kwargs={"padding": True},
        )
        return {
            k: v.to(self._device, self._model.dtype if v.is_floating_point() else v.dtype)
            for k, v in inputs.items()
            if isinstance(v, torch.Tensor)
        }

    def _tokens(self, word: str) -> list[int]:
        """Ids of the spellings of `word` that are one known token."""
        spellings = {s + v for s in ("", " ") for v in (word, word.capitalize(), word.upper())}
        found = (self._tokenizer.encode(s, add_special_tokens=False) for s in spellings)
        return sorted({ids[0] for ids in found if len(ids) == 1} - {self._tokenizer.unk_token_id})


def _load(card: JudgeCard, device: str) -> tuple[Any, Any]:
    source, revision = card.location, card.revision or "main"
    with card.loading(card.name, "a vision-language judge"):
        processor = load_processor(source, revision)
        model = transformers.AutoModelForImageTextToText.from_pretrained(
            source,
            revision=revision,
            dtype=card.torch_dtype(device),
            use_safetensors=True,
            trust_remote_code=False,
        )
    return processor, cast(Any, model).eval().to(device)
