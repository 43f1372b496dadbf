"""What judges are asked, and how their words are read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from copycat.characters import Character, normalise
from copycat.records import ImageRow, Question

WHICH = "Which character is in this picture? Answer with the name, or None."
TARGET = "Is {name} in this picture? Answer Yes or No."
TARGET_SHOWN = "The first {which} {name}. Is {name} in the last picture? Answer Yes or No."
"""With reference pictures before the one that is asked about."""
KEY = "Does this picture show {key}? Answer Yes or No."

_PARTS = re.compile(r"[,;\n]|(?<=\w{4})\.\s|\bbut\b")
"""Between the names of a reply, or its sentences; "Mr. Krabs" and "Monkey D. Luffy" stay whole."""
_SAID = re.compile(
    r"\b(?:not|isn t|never|says?|said|saying|text|written|writing|reads|caption|labell?ed|instructions?|"
    r"told|answer|ignore)\b"
)
"""Words, normalised, of a reply that denies or reports rather than names."""
_NOBODY = {"none", "no character", "no one", "nobody", "no", "unknown", "n a"}


def with_article(noun: str) -> str:
    """`noun` with "a" or "an", unless it has an article already."""
    if re.match(r"(?:an?|the)\s", noun, re.IGNORECASE):
        return noun
    return f"{'an' if noun[:1].lower() in set('aeiou') else 'a'} {noun}"


def questions(
    row: ImageRow, character: Character, content: Sequence[str] = (), references: int = 0
) -> tuple[Question, ...]:
    """The questions about one `ok` picture, whose target is `character`.

    `content` is what the prompt asked for beyond it; one question each, as TIFA does (Hu et al. 2023).
    With `references`, `target` shows that many reference pictures of the character first.
    """
    if row.file is None or row.sha256 is None:
        raise ValueError("only an ok picture can be asked about")
    common: dict[str, Any] = {
        "request": row.request,
        "frame": row.frame,
        "file": row.file,
        "sha256": row.sha256,
        "character": character.slug,
    }
    return (
        Question(kind="which", text=WHICH, **common),
        Question(
            kind="target",
            text=_target(character.name, references),
            references=character.references[:references],
            **common,
        ),
        Question(kind="key", text=KEY.format(key=with_article(character.key)), **common),
        *(Question(kind="content", text=KEY.format(key=with_article(c)), item=c, **common) for c in content),
    )


def _target(name: str, references: int) -> str:
    if not references:
        return TARGET.format(name=name)
    which = "picture shows" if references == 1 else f"{references} pictures show"
    return TARGET_SHOWN.format(name=name, which=which)


def parse_names(reply: str) -> tuple[str, ...]:
    """Names in a reply to WHICH, as given; empty for "None" and its like.

    A reply that begins with None names nobody, whatever follows, and a part that denies ("it is not …")
    or reports ("the text says …") is no name: what a picture has written on it is not who is in it.
    """
    names = [re.sub(r"^[\s\W_]+|[\s\W_]+$", "", part) for part in _PARTS.split(reply)]
    if names and normalise(names[0]) in _NOBODY:
        return ()
    return tuple(n for n in names if n and normalise(n) not in _NOBODY and not _SAID.search(normalise(n)))


def evades(reply: str) -> bool:
    """Whether a reply to WHICH says something, but neither a name nor that there is none."""
    first = _PARTS.split(reply.strip())[0]
    return not parse_names(reply) and normalise(first) not in _NOBODY
