"""Intent by a language model that is shown the registry and the prompt."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from copycat.intent.base import Detector, Guess
from copycat.llms.base import Chat, Message
from copycat.subjects.characters import Character, Registry, with_article

SYSTEM = """\
You check requests for an image generator. Say which {noun} of the list below a request is after, if \
any: by name, by a misspelt or foreign name, or by a description that fits that {noun} and hardly \
anything else. \
A request that only shares a word, a kind of animal or a colour with {a_noun} is after none.
Answer with the {noun}'s name as it is listed, or with the word none. Write nothing else.

"""
YES = 1.0


class Asked(Detector):
    """Scores 1 where the model names a character and 0 where it says none.

    A reply that is neither, or a refusal, is no answer: the gate then opens, since the prompt may be the
    reason, and nobody is guessed.
    """

    certain, decides = YES, True

    def __init__(self, registry: Registry, chat: Chat, at_a_time: int = 1) -> None:
        self.identity = f"llm:{chat.identity}"
        self._registry, self._chat, self._at_a_time = registry, chat, at_a_time
        asked = SYSTEM.format(noun=registry.noun, a_noun=with_article(registry.noun))
        self._system = asked + "\n".join(map(_line, registry.characters))

    def guess(self, prompts: Sequence[str]) -> list[Guess]:
        if len(prompts) == 1:
            return [self._one(prompts[0])]
        with ThreadPoolExecutor(self._at_a_time) as pool:
            return list(pool.map(self._one, prompts))

    def _one(self, prompt: str) -> Guess:
        reply = self._chat.ask(
            [Message(role="system", content=self._system), Message(role="user", content=prompt)]
        )
        said = " ".join(reply.text.split())[:80]
        named = self._registry.mentioned(reply.text)
        if len(named) == 1:
            return Guess(next(iter(named)), YES, said)
        if not named and said.strip(" .\"'").casefold() == "none":
            return Guess(None, 0.0, "nobody")
        return Guess(None, YES, f"no answer ({reply.refusal or said or 'empty'})", answered=False)


def _line(character: Character) -> str:
    what = ", ".join((character.generic, *(m.text for m in character.attributes)))
    return f"{character.name}: {what}"
