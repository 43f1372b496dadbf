"""One task put to a language model about each character: answers are checked, asked for again, and kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass

from copycat.cards.llms import LLMCard
from copycat.io.journal import Journal
from copycat.io.secrets import clean
from copycat.llms.base import Chat, Message
from copycat.mining.tasks import Task
from copycat.records import Row, digest
from copycat.runtime.progress import Progress
from copycat.subjects.characters import Character


class Answer(Row):
    """What a language model wrote about one character."""

    key: str
    """Content hash of the model's identity and settings and of what it was asked."""
    character: str
    texts: tuple[str, ...]
    """One description, or words, most telling first."""
    whole: bool
    """Whether it is all that was asked for."""
    provenance: str
    wrong: str = ""
    """What was wrong with the attempts before, or with all of them."""


@dataclass(frozen=True)
class Asking:
    """One task put to one language model."""

    task: Task
    card: LLMCard
    chat: Callable[[], Chat]
    """Loads the model, when the first answer is missing."""
    tries: int = 3

    def answers(
        self, characters: Sequence[Character], journal: Journal[Answer], progress: Progress | None = None
    ) -> dict[str, Answer]:
        """The answer about each character, by slug; one without texts where no attempt gave anything.

        They are kept in `journal` as they come, and asked for only where that has no whole one.
        """
        found = self._kept(characters, journal)
        missing = [c for c in characters if c.slug not in found or not found[c.slug].whole]
        if not missing:
            return found
        bar = progress or Progress()
        bar.start(f"ask {self.card.name}", len(missing))
        pool = ThreadPoolExecutor(self.card.at_a_time)
        kept: set[Future[Answer]] = set()
        broken_off: list[Answer] = []
        try:
            with self.chat() as chat:
                asked = [pool.submit(self._ask, chat, c, broken_off) for c in missing]
                try:
                    for done in as_completed(asked):
                        answer = done.result()
                        journal.append([answer])
                        kept.add(done)
                        before = found.get(answer.character)
                        if before is None or len(answer.texts) > len(before.texts):
                            found[answer.character] = answer
                        bar.advance(1)
                finally:
                    # After a failure nothing more is asked; what was under way is paid, and kept.
                    pool.shutdown(cancel_futures=True)
                    late = [f.result() for f in asked if f not in kept and _answered(f)]
                    journal.append([*late, *broken_off])
        finally:
            bar.done()
        return {c.slug: found[c.slug] for c in characters}

    def _kept(self, characters: Sequence[Character], journal: Journal[Answer]) -> dict[str, Answer]:
        """The fullest answer to the same question about each character."""
        named = {c.slug: c for c in characters}
        keys = {self._key(c): c.slug for c in characters}
        kept: dict[str, Answer] = {}
        for row in journal.rows():
            slug = keys.get(row.key)
            # Names may have come to the registry since.
            if slug and any(self.task.names(text, named[slug]) for text in row.texts):
                continue
            if slug and len(row.texts) >= len(kept[slug].texts if slug in kept else ()):
                kept[slug] = row
        return kept

    def _key(self, character: Character) -> str:
        asked = [m.model_dump() for m in self.task.opening(character)]
        settings = [self.card.identity(), self.card.max_tokens, self.card.temperature, self.card.dtype]
        return digest({"settings": settings, "asked": asked})

    def _ask(self, chat: Chat, character: Character, broken_off: list[Answer]) -> Answer:
        """What `chat` answers. Where it fails after a part of that has come, which is paid, the part is among
        `broken_off` and the failure is raised."""
        messages = self.task.opening(character)
        kept: tuple[str, ...] = ()
        faults: list[str] = []
        for attempt in range(1, self.tries + 1):
            try:
                reply = clean(chat.ask(messages))
            except Exception:
                if kept:
                    broken_off.append(self._answer(character, kept, attempt - 1, faults, whole=False))
                raise
            if reply.declined:
                wrong = [f"a refusal ({reply.declined[:80]})"]
            else:
                kept, wrong = self.task.read(reply.text.strip(), kept, character)
            if self.task.whole(kept):
                return self._answer(character, kept, attempt, faults, whole=True)
            faults.append(", ".join(wrong))
            messages = [
                *messages,
                Message(role="assistant", content=reply.text or reply.declined or "(nothing)"),
                Message(role="user", content=self.task.again(wrong, kept)),
            ]
        return self._answer(character, kept, self.tries, faults, whole=False)

    def _answer(
        self,
        character: Character,
        texts: tuple[str, ...],
        attempt: int,
        faults: Sequence[str],
        *,
        whole: bool,
    ) -> Answer:
        heat = self.card.temperature if self.card.api else None
        how = "greedily" if heat is None else f"at temperature {heat:g}"
        before = f" (before: {'; '.join(faults)})" if faults and whole else ""
        return Answer(
            key=self._key(character),
            character=character.slug,
            texts=texts,
            whole=whole,
            provenance=f"written by {self.card.identity()}, {how}, attempt {attempt}{before}",
            wrong="; ".join(faults),
        )


def _answered(asked: Future[Answer]) -> bool:
    return asked.done() and not asked.cancelled() and asked.exception() is None
