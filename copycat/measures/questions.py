"""What judges are asked about a picture, in words."""

from __future__ import annotations

from dataclasses import dataclass

from copycat.records import Form
from copycat.subjects.characters import Character, Registry, with_article


@dataclass(frozen=True)
class Ask:
    """A question that a measure puts to a judge; a registry may word the shipped ones its own way."""

    kind: str
    """Name of the question: verdicts and error rates go by it."""
    text: str
    """With the places {noun}, {name}, {key} and {item}; the last two get an article where they have none."""
    form: Form = "yes_no"
    shown: str = ""
    """What comes before the text where reference pictures are shown first, with the place {pictures}."""

    def render(self, registry: Registry, character: Character, item: str | None, references: int) -> str:
        """The question about one picture made for `character`, beside that many reference pictures."""
        text = registry.wording(self.kind, self.text)
        if references and self.shown:
            text = self.shown + text.replace("this picture", "the last picture")
        return text.format(
            noun=registry.noun,
            name=character.name,
            key=with_article(character.key),
            item=with_article(item or ""),
            pictures="picture shows" if references == 1 else f"{references} pictures show",
        )


IDENTIFY = Ask(
    kind="identify",
    text="Which {noun} is in this picture? Answer with the name, or None.",
    form="names",
)
VERIFY = Ask(
    kind="verify",
    text="Is {name} in this picture? Answer Yes or No.",
    shown="The first {pictures} {name}. ",
)
KEY = Ask(kind="key", text="Does this picture show {key}? Answer Yes or No.")
CONTENT = Ask(kind="content", text="Does this picture show {item}? Answer Yes or No.")
