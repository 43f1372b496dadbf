"""A vision-language model of transformers as judge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
import transformers
from PIL import Image

from copycat.errors import BadFile, UserError
from copycat.hub import loading
from copycat.judges.base import Judge, unscored, verdict
from copycat.judges.card import JudgeCard
from copycat.judges.processors import load_processor
from copycat.judges.questions import evades, parse_names
from copycat.judges.references import open_reference
from copycat.loading import quiet_loading
from copycat.records import Question, Verdict

MIN_MASS = 0.5
"""Least P(yes) + P(no) for which a reply counts as an answer."""
MAX_NEW_TOKENS = 16
"""Enough for a name."""


class VisionLanguageJudge(Judge):
    """Anything that AutoModelForImageTextToText loads and that has a chat template.

    Yes-or-no questions are scored as VQAScore does (Lin et al. 2024): P("Yes") of the first answer
    token, over the full vocabulary, in [0, 1].
    """

    shows_references = True

    def __init__(self, card: JudgeCard, device: str) -> None:
        self.identity, self.batch_size = card.identity(), card.batch_size
        self._device = device
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
            reason = (str(e).strip() or type(e).__name__).splitlines()[0].rstrip(".:")
            raise UserError(f"The judge {card.name} cannot be shown reference pictures ({reason}).") from e
        config = self._model.config.get_text_config()
        longest = getattr(config, "max_position_embeddings", None)
        if longest and tokens >= longest:
            raise UserError(
                f"The judge {card.name} cannot be shown {card.references} reference pictures: with them a "
                f"question has {tokens} tokens or more, and it reads {longest}."
            )

    def ask(self, questions: Sequence[Question], images: Sequence[Image.Image]) -> list[Verdict]:
        answers: dict[int, Verdict] = {}
        for kinds, answer in ((("target", "key", "content"), self._yes_no), (("which",), self._which)):
            places = [i for i, q in enumerate(questions) if q.kind in kinds]
            found = self._guarded([questions[i] for i in places], [images[i] for i in places], answer)
            answers.update(zip(places, found, strict=True))
        return [answers[i] for i in range(len(questions))]

    def _guarded(
        self,
        questions: Sequence[Question],
        images: Sequence[Image.Image],
        answer: Callable[[Sequence[Question], Sequence[Image.Image]], list[Verdict]],
    ) -> list[Verdict]:
        """A batch that raises is asked again one by one; each failing question is unscored."""
        if not questions:
            return []
        try:
            with torch.inference_mode():
                return answer(questions, images)
        except Exception as e:  # noqa: BLE001  whatever a model raises becomes a row
            if len(questions) == 1:
                return [unscored(questions[0], self.identity, f"{type(e).__name__}: {e}")]
        return [v for q, i in zip(questions, images, strict=True) for v in self._guarded([q], [i], answer)]

    def _yes_no(self, questions: Sequence[Question], images: Sequence[Image.Image]) -> list[Verdict]:
        logits = self._model(**self._inputs(questions, images)).logits[:, -1]
        p = torch.softmax(logits.float(), dim=-1)
        yes, no = (p[:, ids].sum(dim=-1).tolist() for ids in (self._yes, self._no))
        return [self._scored(q, y, y + n) for q, y, n in zip(questions, yes, no, strict=True)]

    def _scored(self, question: Question, yes: float, mass: float) -> Verdict:
        if not mass >= MIN_MASS:  # also true of NaN
            reason = f"not an answer: yes and no hold {mass:.2f} of the probability"
            return unscored(question, self.identity, reason).model_copy(
                update={"mass": mass if mass == mass else None}
            )
        return verdict(question, self.identity, status="scored", score=min(yes, 1.0), mass=min(mass, 1.0))

    def _which(self, questions: Sequence[Question], images: Sequence[Image.Image]) -> list[Verdict]:
        inputs = self._inputs(questions, images)
        written = self._model.generate(**inputs, max_new_tokens=MAX_NEW_TOKENS, do_sample=False)
        new = written[:, inputs["input_ids"].shape[1] :]
        replies = [t.strip() for t in self._tokenizer.batch_decode(new, skip_special_tokens=True)]
        return [
            verdict(q, self.identity, status="scored", names=parse_names(reply), reply=reply)
            if not evades(reply)
            else unscored(q, self.identity, "the reply is neither a name nor None").model_copy(
                update={"reply": reply}
            )
            for q, reply in zip(questions, replies, strict=True)
        ]

    def _inputs(self, questions: Sequence[Question], images: Sequence[Image.Image]) -> dict[str, Any]:
        shown = [
            [*map(open_reference, q.references), image] for q, image in zip(questions, images, strict=True)
        ]
        return self._render(shown, [q.text for q in questions])

    def _render(self, shown: Sequence[Sequence[Image.Image]], texts: Sequence[str]) -> dict[str, Any]:
        """What the model is given for each list of pictures and its text."""
        messages = [
            [
                {
                    "role": "user",
                    "content": [
                        *({"type": "image", "image": picture} for picture in pictures),
                        {"type": "text", "text": text},
                    ],
                }
            ]
            for pictures, text in zip(shown, texts, strict=True)
        ]
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
    source = str(card.folder) if card.folder else card.source
    revision = card.revision or "main"
    dtype = getattr(torch, "float32" if device == "cpu" and card.dtype == "float16" else card.dtype)
    with loading(card.folder, card.source, card.name, "a vision-language judge"), quiet_loading():
        processor = load_processor(source, revision)
        model = transformers.AutoModelForImageTextToText.from_pretrained(
            source, revision=revision, dtype=dtype, use_safetensors=True
        )
    return processor, cast(Any, model).eval().to(device)
