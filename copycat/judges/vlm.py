"""A vision-language model of transformers as judge."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Sequence
from threading import Lock
from typing import Any, cast

import torch
import transformers
from PIL import Image

from copycat.cards.judges import JudgeCard
from copycat.errors import BadFile, UserError, first_line
from copycat.judges.base import Judge, unscored, verdict
from copycat.judges.processors import load_processor
from copycat.judges.reading import PlainReading, Reading, SharedReading
from copycat.judges.rendering import Prepared, Renderer, render
from copycat.judges.replies import read_names
from copycat.judges.vision import Unshared, Vision
from copycat.judges.yes_no import MAX_NEW_TOKENS, scored, spellings
from copycat.records import Question, Verdict
from copycat.runtime.batching import AdaptiveBatch
from copycat.runtime.engines import batches

_LOG = logging.getLogger(__name__)


class VisionLanguageJudge(Judge):
    """Anything that AutoModelForImageTextToText loads and that has a chat template.

    Yes-or-no questions are scored as VQAScore does (Lin et al. 2024): P("Yes") of the first answer
    token, over the full vocabulary, in [0, 1].
    """

    shows_references = True
    shares_pictures: bool
    """Whether a picture is encoded once for all that is asked about it in one call."""

    def __init__(self, card: JudgeCard, device: str) -> None:
        self.identity, self.batch_size = card.identity(), card.batch_size
        self._wants_score = card.style == "paper"
        self._batches = AdaptiveBatch(card.batch_size, what=f"The judge {card.name}")
        processor, self._model = _load(card, device)
        self._tokenizer = getattr(processor, "tokenizer", processor)
        self._tokenizing = Lock()
        # The last position must be the answer's for every row of a batch.
        self._tokenizer.padding_side = "left"
        self._yes, self._no = self._tokens("yes"), self._tokens("no")
        if not self._yes or not self._no or set(self._yes) & set(self._no):
            raise BadFile(f"The judge {card.name} has no single tokens for Yes and No in its vocabulary.")
        if card.references:
            self._try_references(card, processor)
        # All positions of a batch over a large vocabulary would take more memory than the model.
        takes = inspect.signature(self._model.forward).parameters
        self._last: dict[str, Any] = {"logits_to_keep": 1} if "logits_to_keep" in takes else {}
        self._reading = self._read(card, device, processor)
        self.shares_pictures = isinstance(self._reading, SharedReading)

    def _try_references(self, card: JudgeCard, processor: Any) -> None:
        """Refuse a model whose processor or context does not take several pictures."""
        blank = Image.new("RGB", (64, 64))
        shown = [[*[blank] * card.references, blank]]
        try:
            tokens = render(processor, shown, ["Answer Yes or No."], self._model.dtype)["input_ids"].shape[1]
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

    def _read(self, card: JudgeCard, device: str, processor: Any) -> Reading:
        """Questions that share their pictures' features, where this model can be given them."""
        dtype, pad = self._model.dtype, self._tokenizer.pad_token_id or 0
        try:
            vision = Vision(self._model, device, card.batch_size, f"the judge {card.name}")
            vision.check(processor, dtype)
        except Unshared as e:
            _LOG.warning("The judge %s encodes a picture anew for each question (%s).", card.name, e)
            return PlainReading(processor, dtype, device, self._tokenizing)
        return SharedReading(Renderer(processor, dtype), vision, device, pad, self._tokenizing)

    def prepare(self, questions: Sequence[Question], images: Sequence[Image.Image]) -> Prepared | None:
        return self._reading.prepare(questions, images)

    def ask(self, questions: Sequence[Question], images: Sequence[Image.Image]) -> list[Verdict]:
        return self._answers(questions, images, None)

    def ask_prepared(
        self, questions: Sequence[Question], images: Sequence[Image.Image], prepared: Any
    ) -> list[Verdict]:
        return self._answers(questions, images, prepared)

    def _answers(
        self, questions: Sequence[Question], images: Sequence[Image.Image], prepared: Prepared | None
    ) -> list[Verdict]:
        with torch.inference_mode():
            inputs = self._reading.open(questions, images, prepared)
            answers = {i: unscored(questions[i], self.identity, why) for i, why in inputs.failed.items()}
            rest = [i for i in range(len(questions)) if i not in answers]
            # Of one form, as they are answered differently, and with as many pictures, to be of a length.
            alike = batches(
                rest, max(len(rest), 1), key=lambda i: (questions[i].form, len(questions[i].references))
            )
            for places in alike:
                found = self._batches.map(
                    places,
                    lambda some: self._answer([questions[i] for i in some], inputs.of(some)),
                    lambda i, why: unscored(questions[i], self.identity, why),
                )
                answers.update(zip(places, found, strict=True))
        return [answers[i] for i in range(len(questions))]

    def _answer(self, questions: Sequence[Question], inputs: dict[str, Any]) -> list[Verdict]:
        """Verdicts on questions of one form."""
        forms = {"yes_no": self._yes_no, "names": self._names}
        return forms[questions[0].form](questions, inputs)

    def _yes_no(self, questions: Sequence[Question], inputs: dict[str, Any]) -> list[Verdict]:
        logits = self._model(**inputs, **self._last).logits[:, -1]
        p = torch.softmax(logits.float(), dim=-1)
        yes, no = (p[:, ids].sum(dim=-1).tolist() for ids in (self._yes, self._no))
        return [scored(q, self.identity, y, n) for q, y, n in zip(questions, yes, no, strict=True)]

    def _names(self, questions: Sequence[Question], inputs: dict[str, Any]) -> list[Verdict]:
        written = self._model.generate(**inputs, max_new_tokens=MAX_NEW_TOKENS, do_sample=False)
        new = written[:, inputs["input_ids"].shape[1] :].cpu()
        with self._tokenizing:
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

    def _tokens(self, word: str) -> list[int]:
        """Ids of the spellings of `word` that are one known token."""
        spaced = {s + v for s in ("", " ") for v in spellings(word)}
        found = (self._tokenizer.encode(s, add_special_tokens=False) for s in spaced)
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
