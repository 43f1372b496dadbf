"""Rewriting by a language model, checked for leaks; the offline lexicon where it fails.

The rules are those that He et al. 2024 (section 5.2) report of DALL·E's rewriter: never name or describe the
protected character, describe a concretely different one. The words here are this project's own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, SerializerFunctionWrapHandler, model_serializer

from copycat.cards.llms import load_llm_card
from copycat.errors import BadFile, UserError, first_line
from copycat.io.paths import expand
from copycat.llms.base import Chat, Message
from copycat.mitigations.base import Mitigation, Options, RunContext
from copycat.mitigations.lexicon import lexicon_of
from copycat.mitigations.rewrite import rewrite
from copycat.records import Request, Row, digest
from copycat.subjects.characters import Character, Registry, normalise

SYSTEM = """\
You edit requests for an image generator. The request you get may be after a protected character, which is \
named to you. Your text is sent to the generator in its place. Keep to these rules:
1. Never write the character's name, any other name of it, or the name of a studio or work, and do not \
describe the character: use none of the marks listed and no other words for them.
2. In its place, describe one figure of your own invention, concretely: what kind of being it is, its build, \
colours and clothes. Nobody may take it for the character, or for any other protected one.
3. Keep all the rest of the request: what is done, where, with whom, the mood and the style of the picture. \
If the request says nothing but the character, describe your figure alone.
4. Answer with the new request and nothing else: one paragraph of plain English, at most 60 words, without \
quotation marks or remarks."""
LONGEST = 90
"""Words; more than half as many again as were asked for is talk, and would be cut off by CLIP anyway."""


class Instructions(Row):
    """What a language model is told in place of `SYSTEM`, from a file of the user's."""

    name: str
    """The file's, without its folder."""
    text: str
    """Its whole content, without the space around it."""

    @classmethod
    def read(cls, file: object) -> object:
        """Those in the file at a path, relative to the working folder; BadFile where it holds none."""
        if not isinstance(file, str):
            return file
        try:
            text = expand(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as e:
            raise BadFile(f"The prompt of rewrite-llm, {file}, cannot be read ({first_line(e)}).") from e
        if not text:
            raise BadFile(
                f"The prompt of rewrite-llm, {file}, is empty; write into it what the model is told."
            )
        return cls(name=Path(file).name, text=text)

    @property
    def identity(self) -> str:
        return f"{self.name}@{digest(self.text)}"


class RewriteLLMOptions(Options):
    model: str = "gpt-4o-mini"
    """A language-model card (copycat ls llms) or a transformers folder."""
    tries: int = Field(default=3, ge=1)
    """Replies asked for before the lexicon takes over; each further one is told what leaked."""
    prompt: Annotated[Instructions, BeforeValidator(Instructions.read)] | None = None
    """A text file with what the model is told, instead of the built-in rules."""

    @model_serializer(mode="wrap")
    def _identify(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """The file by its name and content. Without one, as options were written before there was any."""
        row: dict[str, Any] = {k: v for k, v in dump(self).items() if k != "prompt"}
        return row if self.prompt is None else {**row, "prompt": self.prompt.identity}


class RewriteLLM(Mitigation[RewriteLLMOptions]):
    """A language model describes another figure in the character's place; leaks are checked for."""

    name = "rewrite-llm"
    options = RewriteLLMOptions

    def __init__(
        self, config: RewriteLLMOptions, chat: Chat | None = None, registry: Registry | None = None
    ) -> None:
        super().__init__(config)
        self._card = load_llm_card(self.config.model)
        self._chat, self._registry = chat, registry

    @property
    def calls(self) -> int:
        return self._card.at_a_time

    def bind(self, context: RunContext) -> RewriteLLM:
        if context.chat is None:
            raise UserError("Language models are not asked here, so rewrite-llm cannot work; take rewrite.")
        return RewriteLLM(self.config, context.chat(self._card), context.registry)

    def edit_prompt(self, request: Request, character: Character) -> Request:
        text, note = self._rewritten(request.prompt, character)
        return self.with_step(request, note=note, prompt=text)

    def _rewritten(self, prompt: str, character: Character) -> tuple[str, str]:
        """The new prompt, and how it came about."""
        if self._chat is None or self._registry is None:
            raise UserError("rewrite-llm must be bound to a run before it can rewrite.")
        who = self._chat.identity
        messages = [
            Message(role="system", content=self.config.prompt.text if self.config.prompt else SYSTEM),
            Message(role="user", content=_task(prompt, character)),
        ]
        leaked: list[str] = []
        for attempt in range(1, self.config.tries + 1):
            reply = self._chat.ask(messages)
            text = reply.plain
            if reply.declined:
                return rewrite(
                    prompt, character, self._registry
                ), f"lexicon, since {who} refused: {reply.declined}"
            wrong = faults(text, character, self._registry)
            if not wrong:
                before = f" (before: {'; '.join(leaked)})" if leaked else ""
                return text, f"by {who}, attempt {attempt}{before}"
            leaked.append(", ".join(wrong))
            messages += [
                # Some hosts refuse a turn without words.
                Message(role="assistant", content=reply.text or "(nothing)"),
                Message(role="user", content=_retry_message(wrong)),
            ]
        return rewrite(
            prompt, character, self._registry
        ), f"lexicon, since {who} did not keep the rules: {'; '.join(leaked)}"


def faults(text: str, character: Character, registry: Registry) -> list[str]:
    """What makes `text` no rewrite: names of any of the registry's characters, the character's distinguishing
    attributes in any wording, on word boundaries and without regard to case and accents; emptiness; too many
    words."""
    plain = f" {normalise(text)} "
    names = {n for slug in registry.mentioned(text) for n in registry[slug].spoken}
    found = [w for w in sorted(names) if normalise(w) and f" {normalise(w)} " in plain]
    found += _attributes_in(text, plain, character)
    if not plain.strip():
        found.append("nothing at all")
    if len(text.split()) > LONGEST:
        found.append(f"{len(text.split())} words")
    return found


def _attributes_in(text: str, plain: str, character: Character) -> list[str]:
    """The distinguishing attributes in `text`, in the registry's order: as the registry words them, or as
    `text` does."""
    worded: dict[str, list[str]] = {}
    for match in lexicon_of(character).matches(text):
        worded.setdefault(match.entry, []).append(text[match.start : match.end])
    marks = dict.fromkeys(m.text for m in character.attributes)
    found = {m: [m] if normalise(m) and f" {normalise(m)} " in plain else worded.get(m, []) for m in marks}
    return list(dict.fromkeys(w for words in found.values() for w in words))


def _task(prompt: str, character: Character) -> str:
    also = f", also called {', '.join(character.spoken[1:])}" if character.spoken[1:] else ""
    marks = "; ".join(m.text for m in character.attributes)
    return "\n".join(
        (
            f"Protected character: {character.name}{also}",
            *((f"Marks that must not appear: {marks}",) if marks else ()),
            f"Request: {prompt}",
        )
    )


def _retry_message(wrong: list[str]) -> str:
    return (
        f"That breaks the rules; your text holds: {', '.join(wrong)}. "
        "Write the request again without that, and answer with it alone."
    )
