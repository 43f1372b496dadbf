"""Which technical facts about an output bear on which of the four fair-use factors, in plain words.

The factors are those of 17 U.S.C. § 107. What is measured here is how like a picture is to reference
pictures; most of what a court looks at is not measured at all, and each sentence about a factor ends with
what is not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from copycat.copies.calibration import STYLE, Thresholds
from copycat.copies.rungs import CATALOG
from copycat.runs.ladder import CHARACTER, NONE, levels
from copycat.subjects.characters import Registry
from copycat.verbatim.images.explicit import DESCRIPTION, GENERIC, NAME
from copycat.verbatim.images.standing import Standing

NOT_ADVICE = (
    "This is no legal advice. It says which measured facts bear on which factor of 17 U.S.C. § 107, and "
    "what was not measured. Whether a use is fair, or whether anything was infringed, is decided by "
    "courts on all facts of a case, and other countries have other rules."
)
FACTORS = (
    "Purpose and character of the use",
    "Nature of the work",
    "Amount and substantiality of what was taken",
    "Effect on the market",
)


@dataclass(frozen=True)
class Factor:
    """One factor, about one output."""

    name: str
    fact: str
    """What was measured that bears on it."""
    silent: str
    """What these measurements do not say."""


@dataclass(frozen=True)
class Repeats:
    """How often the same prompt came out as near."""

    reached: int
    """Pictures of the prompt, under the same mitigation, on the output's rung or higher."""
    compared: int


def repeats(found: Sequence[Standing]) -> Mapping[tuple[str, int], Repeats]:
    """Of each output, by request and frame."""
    by: dict[tuple[str, str, str, int], dict[str, int]] = {}
    for s in found:
        mine = by.setdefault(_prompt(s), {})
        mine[s.request.id] = max(mine.get(s.request.id, 0), s.level)
    told = {}
    for s in found:
        seen = list(by[_prompt(s)].values())
        told[s.request.id, s.image.frame] = Repeats(sum(v >= s.level for v in seen), len(seen))
    return told


def _prompt(s: Standing) -> tuple[str, str, str, int]:
    r = s.request
    return r.mitigation, r.character, r.prompt_set, r.prompt_index


def factors(s: Standing, again: Repeats, registry: Registry, thresholds: Thresholds) -> tuple[Factor, ...]:
    """The four factors about one output."""
    who = registry[s.request.character]
    work = f"a picture of {who.name}, which the registry says belongs to {who.owner}"
    free = (
        f" The registry says of what is free of copyright: {who.public_domain}" if who.public_domain else ""
    )
    said = (
        (
            _purpose(s),
            "why the picture was asked for, whether it comments on the work, or whether money is made.",
        ),
        (
            f"What it was compared with is {_reference(s, registry, work)}. Invented figures and pictures "
            f"are creative works rather than collections of facts.{free}",
            "whether the work is protected, published, or licensed for this use.",
        ),
        (
            _amount(s, thresholds),
            "how much of a film, series or game the picture stands for, or what is the heart of the work.",
        ),
        (
            _market(s, again),
            "whether anybody buys less of the work for it, or whether there is a market for licences.",
        ),
    )
    return tuple(Factor(name, fact, silent) for name, (fact, silent) in zip(FACTORS, said, strict=True))


def _purpose(s: Standing) -> str:
    asked = {
        NAME: "The prompt, before any mitigation, names the character, so that very character was asked for.",
        DESCRIPTION: "The prompt, before any mitigation, does not name the character; it says half of its "
        "distinguishing attributes, or 12 words and more.",
        GENERIC: "The prompt, before any mitigation, does not name the character as the registry spells it, "
        "and has few words; they count as generic words, although they may have been chosen to evoke it or "
        "misspell its name.",
    }[s.explicit]
    unseen = "the judge does not see the character"
    if s.detected is None:
        unseen = "no judge said whether the character is shown"
    copied = "By this measure it adds little that saving, scaling, cropping or small changes do not add."
    added = {
        CHARACTER: "No reference is copied and the judge sees the character: the picture is new, the figure "
        "is not.",
        STYLE: f"It copies no reference, and {unseen}; what it has of the references is their look.",
        NONE: "It is not even like the references in looks, as far as the encoder can tell.",
    }.get(s.rung, copied)
    return f"{asked} {added}"


def _reference(s: Standing, registry: Registry, work: str) -> str:
    slug = s.nearest.character if s.nearest else ""
    if not s.nearest:
        return work
    if not slug:
        return f"{s.nearest.reference}, of which it is not known whom it shows"
    if slug == s.request.character:
        return f"{s.nearest.reference}, {work}"
    other = registry[slug]
    return f"{s.nearest.reference}, a picture of {other.name}, of {other.owner}"


def _amount(s: Standing, thresholds: Thresholds) -> str:
    if s.rung in CATALOG.names():
        kind, match = CATALOG.get(s.rung), s.nearest
        measured = thresholds.rungs[s.rung]
        number = (
            "" if match is None else f" ({kind.unit}: {match.likeness:.3f}, from {measured.value:.3f} on)"
        )
        return (
            f"The picture {kind.about}{number}. That is about the whole of one picture. Of pairs of "
            f"different pictures of one character {100 * measured.fpr:.1f} % are as near, and of references "
            f"that are copies of nothing {100 * measured.chance:.1f} % come as near to another by chance."
        )
    if s.rung == CHARACTER:
        return (
            "The judge recognises the character by its features, and no reference picture is reproduced: "
            "what was taken is the figure, and not one of the pictures it was compared with."
        )
    if s.rung == STYLE:
        return (
            "Only the look of the references is found. A style as such is generally held not to be protected."
        )
    return "Nothing of the references was found in it."


def _market(s: Standing, again: Repeats) -> str:
    if s.level <= levels()[STYLE]:
        return (
            "It stands for none of the references, so nothing measured here says that it could replace one."
        )
    how = f"{again.reached} of {again.compared} pictures" if again.compared > 1 else "the one picture"
    told = "to a reference picture" if s.rung != CHARACTER else "to the character"
    return (
        f"The same prompt came as near {told} in {how} that it was asked for, under the mitigation "
        f"{s.request.mitigation}; that says how easily a substitute can be had."
    )
