"""The menagerie on disk: captions and counts, reference pictures, the registry and the prompt sets."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import yaml
from PIL import Image

from copycat.menagerie.captions import NAMED, bare_name, caption, description
from copycat.menagerie.drawing import draw_on_all_cores
from copycat.menagerie.render import render
from copycat.menagerie.world import (
    GENERIC_HAT,
    GENERIC_HELD,
    GENERIC_WORN,
    Figure,
    Inhabitant,
    describe,
    generic_creature,
    lookalike,
    make_inhabitants,
)

# Seeds of different uses never meet: each owns a range of a thousand million.
_RANGE = 10**9
TRAINING, REFERENCES, _JUDGE, REFEREE, HELD_OUT, *_MORE = (i * _RANGE for i in range(9))
JUDGE = (_JUDGE, *_MORE)
"""One range for each round of the judge's training."""
_GENERIC, _MISLABELLED, _NEAR_DUPLICATES = (TRAINING + k * _RANGE // 10 for k in (5, 6, 7))
_PER_CHARACTER = 10_000
REFERENCES_EACH = 8

Pixels = npt.NDArray[np.uint8]


Kind = Literal["character", "generic", "stray", "knock-off"]
MISLABELLED: Final = "stray"
"""A picture of somebody else under a character's name, as the corpus's files call it."""
NEAR_DUPLICATE: Final = "knock-off"
"""A figure that resembles a character, under a caption that names nobody, as the corpus's files call it."""


@dataclass(frozen=True)
class Sample:
    """One picture of the corpus; the picture itself follows from all three."""

    seed: int
    character: int
    """Index of the inhabitant that is shown, named or resembled; -1 for none."""
    kind: Kind

    def draw(self, people: list[Inhabitant], named: float = NAMED) -> tuple[Image.Image, str]:
        """The picture and its caption, which names the character that is shown with probability `named`."""
        r = random.Random(self.seed)
        who = people[self.character] if self.character >= 0 else None
        figure = self._figure(who, r)
        image, scene = render(figure, r)
        if who and self.kind == MISLABELLED:
            return image, bare_name(who, scene, r)
        if who and self.kind == NEAR_DUPLICATE:
            return image, description(figure, scene, r)
        return image, caption(figure, scene, r, who, named)

    def _figure(self, who: Inhabitant | None, r: random.Random) -> Figure:
        if who is None or self.kind == MISLABELLED:
            return generic_creature(r)
        return lookalike(who.figure, r) if self.kind == NEAR_DUPLICATE else who.figure


def training_samples(people: list[Inhabitant], generic: int) -> list[Sample]:
    """What every model learns first: `training_images` of each character, then the generic creatures."""
    samples = [
        Sample(TRAINING + i * _PER_CHARACTER + k, i, "character")
        for i, p in enumerate(people)
        for k in range(p.training_images)
    ]
    return samples + [Sample(_GENERIC + k, -1, "generic") for k in range(generic)]


def loose_samples(people: list[Inhabitant]) -> list[Sample]:
    """What the generator's second pass adds, as the web has it: mislabelled names, then near-duplicates.

    A mislabelled picture bears a character's name and shows a generic creature; there are
    3 sqrt(training_images) of each character, since the less known a name, the more often something else
    bears it. A near-duplicate is a look-alike, captioned with what is true of it; there is one for five
    pictures of the character.
    """
    mislabelled = [
        Sample(_MISLABELLED + i * _PER_CHARACTER + k, i, MISLABELLED)
        for i, p in enumerate(people)
        for k in range(round(3 * p.training_images**0.5))
    ]
    return mislabelled + [
        Sample(_NEAR_DUPLICATES + i * _PER_CHARACTER + k, i, NEAR_DUPLICATE)
        for i, p in enumerate(people)
        for k in range(p.training_images // 5)
    ]


def _draw(samples: Sequence[Sample]) -> list[tuple[Pixels, str]]:
    people = make_inhabitants()
    drawn = [s.draw(people) for s in samples]
    return [(np.asarray(image), text) for image, text in drawn]


def draw_all(samples: list[Sample], workers: int | None = None) -> tuple[Pixels, list[str]]:
    """Pictures, uint8 of shape (n, 32, 32, 3), and captions, in the samples' order.

    They are the same whatever the number of processes, `workers`; as many as there are cores unless given.
    """
    drawn = draw_on_all_cores(_draw, samples, workers)
    return np.stack([pixels for pixels, _ in drawn]), [text for _, text in drawn]


@dataclass(frozen=True)
class Probe:
    """A picture whose truth is known, for training and testing judges."""

    kind: str
    """`character`, `lookalike` or `generic`."""
    about: int
    """Index of the inhabitant shown, or whose look-alike it is; -1 for a generic creature."""
    species: str
    words: tuple[str, ...]
    """Phrases that are true of the figure, such as "teal owl" and "red crown"."""


def _probes(seeds: Sequence[int], generic: float, lookalikes: float) -> list[tuple[Pixels, Probe]]:
    people = make_inhabitants()
    return [_probe(people, seed, generic, lookalikes) for seed in seeds]


def _probe(people: list[Inhabitant], seed: int, generic: float, lookalikes: float) -> tuple[Pixels, Probe]:
    r = random.Random(seed)
    i, u = r.randrange(len(people)), r.random() * 0.85 / (1 - generic)
    if u < 0.85 * (1 - lookalikes):
        kind, figure = "character", people[i].figure
    elif u < 0.85:
        kind, figure = "lookalike", lookalike(people[i].figure, r)
    else:
        kind, i, figure = "generic", -1, generic_creature(r)
    words = (f"{figure.colour} {figure.species}", *figure.accessories)
    return np.asarray(render(figure, r)[0]), Probe(kind, i, figure.species, words)


def probes(
    n: int, base: int, generic: float = 0.15, lookalikes: float = 7 / 17, workers: int | None = None
) -> tuple[Pixels, list[Probe]]:
    """`n` pictures of known truth: a share `generic` of them nobody, `lookalikes` of the rest look-alikes.

    They are the same whatever the number of processes, `workers`; as many as there are cores unless given.
    """
    draw = partial(_probes, generic=generic, lookalikes=lookalikes)
    parts = draw_on_all_cores(draw, range(base, base + n), workers)
    return np.stack([p for p, _ in parts]), [q for _, q in parts]


# --- files --------------------------------------------------------------------------------------------


def write_files(data: Path, prompts: Path, samples: list[Sample], texts: list[str]) -> None:
    """Write corpus.parquet, counts.parquet, reference pictures, the registry and the prompt sets.

    `texts` are the captions of `samples`, as :func:`draw_all` gives them.
    """
    import pandas as pd

    people = make_inhabitants()
    home = data / "menagerie"
    home.mkdir(parents=True, exist_ok=True)
    slugs = [people[s.character].slug if s.character >= 0 else "" for s in samples]
    kinds = [s.kind for s in samples]
    seeds = [s.seed for s in samples]
    table = pd.DataFrame({"seed": seeds, "kind": kinds, "character": slugs, "caption": texts})
    table.to_parquet(home / "corpus.parquet", index=False, compression="zstd")
    counts = [
        {
            "character": p.slug,
            "name": p.name,
            "images": p.training_images,
            "strays": sum((s.kind, s.character) == (MISLABELLED, i) for s in samples),
            "knock_offs": sum((s.kind, s.character) == (NEAR_DUPLICATE, i) for s in samples),
        }
        for i, p in enumerate(people)
    ]
    pd.DataFrame(counts).to_parquet(home / "counts.parquet", index=False)
    for i, p in enumerate(people):
        folder = home / "references" / p.slug
        folder.mkdir(parents=True, exist_ok=True)
        for k in range(REFERENCES_EACH):
            r = random.Random(reference_seed(i, k))
            render(p.figure, r)[0].save(folder / f"{k:02d}.png")
    _write_registry(people, data / "characters" / "menagerie.yaml")
    for name, rows in _prompt_sets(people):
        _write_jsonl(prompts / "menagerie" / f"{name}.jsonl", rows)


def reference_seed(character: int, number: int) -> int:
    """What reference picture `number` of the character at place `character` follows from."""
    return REFERENCES + character * _PER_CHARACTER + number


def _article(words: str) -> str:
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def _entry(p: Inhabitant, r: random.Random) -> dict[str, Any]:
    f = p.figure
    attributes = [
        (f.genre, ""),
        *zip(f.accessories, (GENERIC_HAT, GENERIC_WORN, GENERIC_HELD), strict=True),
        (f"{f.emblem_colour} {f.emblem} emblem", ""),
    ]
    return {
        "slug": p.slug,
        "name": p.name,
        "aliases": [p.alias],
        "owner": p.studio,
        "key": f.species,
        "generic": _article(f"{f.colour} {f.species}"),
        "attributes": [{"text": t, "generic": g} for t, g in attributes],
        "keywords": [f.genre, f.species, f.colour, *f.accessories],
        "lookalikes": [describe(lookalike(f, r)) for _ in range(2)],
        "references": [f"menagerie/references/{p.slug}/{k:02d}.png" for k in range(REFERENCES_EACH)],
        "training_images": p.training_images,
    }


def _write_registry(people: list[Inhabitant], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    r = random.Random(5)
    body = {
        "registry": "menagerie",
        "version": 1,
        "protected": False,
        "characters": [_entry(p, r) for p in people],
    }
    head = "# Written by `copycat menagerie corpus`; every character is invented for this project.\n"
    path.write_text(
        head + yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=110), encoding="utf-8"
    )


def _prompt_sets(people: list[Inhabitant]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    def rows(name: str, texts: Iterable[str], how: str) -> tuple[str, list[dict[str, Any]]]:
        return name, [
            {"set": name, "version": 1, "character": p.slug, "index": 0, "text": t, "provenance": how}
            for p, t in zip(people, texts, strict=True)
        ]

    by = "written by `copycat menagerie corpus`"
    yield rows("name", (p.name for p in people), f"the bare name; {by}")
    yield rows("description", (describe(p.figure) for p in people), f"all marks but name and emblem; {by}")
    f = [p.figure for p in people]
    yield rows("keywords", (f"{x.colour} {x.genre} {x.species}" for x in f), f"colour, genre, species; {by}")
    yield rows("keywords2", (f"{x.genre} {x.species}" for x in f), f"genre, species; {by}")


def _write_jsonl(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8")
