"""Other languages: the character's name there, or what it looks like in words of that language."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, Any

from copycat.attacks.base import Attack, AttackOptions, Attempt, Victim
from copycat.attacks.names import distinct, instead
from copycat.attacks.options import LISTED
from copycat.errors import UserError
from copycat.io.paths import DATA
from copycat.io.yaml_file import read_yaml
from copycat.mitigations.base import RunContext
from copycat.records import Row
from copycat.subjects.characters import Character


class Translations(Row):
    """A small dictionary; see data/words/translations.yaml."""

    source: str
    """How it came about."""
    words: Mapping[str, Mapping[str, str]]
    """By English word and by ISO 639-1 code of a language: the word in its dictionary form."""

    @property
    def languages(self) -> tuple[str, ...]:
        """Those that it has words of, in the alphabetical order of their codes."""
        return tuple(sorted({code for word in self.words.values() for code in word}))

    def translate(self, text: str, language: str) -> str:
        """`text` with the words of `language` that are known in place of the English ones, without its
        articles and commas; the order stays, and nothing is inflected."""
        known = {english: words[language] for english, words in self.words.items() if language in words}
        words = (w for w in re.findall(r"[^\s,;]+", text) if w not in _ARTICLES)
        return " ".join(known.get(w.casefold(), w) for w in words)


_ARTICLES = frozenset({"a", "an", "the"})


@cache
def translations() -> Translations:
    """The dictionary that is shipped."""
    return read_yaml(DATA / "words" / "translations.yaml", Translations, "dictionary")


class TranslateOptions(AttackOptions):
    languages: Annotated[tuple[str, ...], LISTED] = ()
    """ISO 639-1 codes of the languages to ask in, as languages=ja/fr; all that there are words of when
    empty."""


class Translate(Attack[TranslateOptions]):
    """Asks in other languages: by the name there, and by kind, colours and clothes."""

    name = "translate"
    options = TranslateOptions

    def bind(self, context: RunContext) -> Translate:
        """Raises UserError for a language that there are neither names nor words of."""
        known = {*translations().languages, *(n for c in context.registry.characters for n in c.names)}
        for language in self.config.languages:
            if language not in known:
                raise UserError(
                    f"There are neither names of {context.registry.name} nor words in the language "
                    f"'{language}'; name some of these in translate[languages=…]: {', '.join(sorted(known))}."
                )
        return self

    def sources(self, character: Character) -> Any:
        return [
            translations().translate(_looks(character), code)
            for code in self._codes(translations().languages)
        ]

    def attempts(self, victim: Victim) -> Iterator[Attempt]:
        """First by name, then by looks, in the order in which the registry and the dictionary have the
        languages."""
        asked, character = victim.request.source_prompt, victim.character
        names = (character.names[code] for code in self._codes(tuple(character.names)))
        words = self.sources(character)
        yield from distinct((instead(asked, character, said) for said in (*names, *words)), asked)

    def _codes(self, known: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the `known` languages that are to be asked in."""
        return tuple(c for c in known if not self.config.languages or c in self.config.languages)


def _looks(character: Character) -> str:
    """The generic words for `character` and its attributes."""
    return ", ".join([character.generic, *(a.text for a in character.attributes)])
