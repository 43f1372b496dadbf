"""The world follows from seeds, and what ships is what the seeds give."""

from __future__ import annotations

import random

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from copycat.io.paths import DATA, PROMPTS
from copycat.menagerie import corpus
from copycat.menagerie.render import render
from copycat.menagerie.world import EMBLEMS, Inhabitant, lookalike, make_inhabitants
from copycat.subjects.characters import load_registry
from copycat.subjects.prompts import check, load_prompts

PEOPLE = make_inhabitants()


def test_fifty_distinct_characters_with_log_uniform_counts() -> None:
    assert len(PEOPLE) == 50
    assert len({n for p in PEOPLE for n in (p.name, p.alias)}) == 100
    assert len({(p.figure.species, p.figure.colour) for p in PEOPLE}) == 50
    assert len({p.studio for p in PEOPLE}) == 18
    counts = sorted(p.training_images for p in PEOPLE)
    assert (counts[0], counts[-1]) == (10, 2000)
    steps = np.diff(np.log(counts))
    assert steps.std() < 0.1, "counts are not log-uniform"


@pytest.mark.parametrize("seed", range(20))
def test_a_lookalike_keeps_the_body_and_changes_two_marks_emblem_among_them(seed: int) -> None:
    figure = PEOPLE[seed].figure
    other = lookalike(figure, random.Random(seed))
    assert (other.species, other.colour) == (figure.species, figure.colour)
    assert other.emblem != figure.emblem
    assert any(getattr(other, m) != getattr(figure, m) for m in ("hat", "worn", "held"))


def test_a_picture_follows_from_its_seed() -> None:
    first, second = (render(PEOPLE[3].figure, random.Random(9))[0].tobytes() for _ in range(2))
    assert first == second
    assert first != render(PEOPLE[3].figure, random.Random(10))[0].tobytes()


def test_every_emblem_looks_different() -> None:
    from dataclasses import replace

    shown = {
        render(replace(PEOPLE[0].figure, emblem=e), random.Random(1), "room")[0].tobytes() for e in EMBLEMS
    }
    assert len(shown) == len(EMBLEMS)


def test_the_shipped_corpus_is_what_the_seeds_give() -> None:
    table = pd.read_parquet(DATA / "menagerie" / "corpus.parquet")
    index = {p.slug: i for i, p in enumerate(PEOPLE)}
    for row in table.sample(40, random_state=0).itertuples():
        sample = corpus.Sample(row.seed, index.get(row.character, -1), row.kind)
        assert sample.draw(PEOPLE)[1] == row.caption
    counted = table[table.kind == "character"].groupby("character").size()
    assert counted.to_dict() == {p.slug: p.training_images for p in PEOPLE}
    assert table.seed.is_unique


def test_mislabelled_pictures_bear_a_name_and_near_duplicates_resemble_one_and_bear_none() -> None:
    registry = load_registry("menagerie")
    loose = corpus.loose_samples(PEOPLE)
    least, most = min(PEOPLE, key=_known), max(PEOPLE, key=_known)
    for who, mislabelled, near_duplicates in ((least, 9, 2), (most, 134, 400)):
        mine = [s.kind for s in loose if PEOPLE[s.character] is who]
        counted = mine.count(corpus.MISLABELLED), mine.count(corpus.NEAR_DUPLICATE)
        assert counted == (mislabelled, near_duplicates)
    for sample in loose[::200]:
        who = registry.characters[sample.character]
        said = registry.mentioned(sample.draw(PEOPLE)[1])
        assert said == ({who.slug} if sample.kind == corpus.MISLABELLED else set())
        assert (
            sample.draw(PEOPLE)[0].tobytes()
            != render(PEOPLE[sample.character].figure, random.Random(sample.seed))[0].tobytes()
        )


def _known(p: Inhabitant) -> int:
    return p.training_images


def test_references_are_disjoint_from_training_and_render_again_bit_for_bit() -> None:
    registry = load_registry("menagerie")
    for i in (0, 17, 49):
        character = registry.characters[i]
        assert len(character.references) >= 8
        for k, file in enumerate(character.references):
            r = random.Random(corpus.REFERENCES + i * 10_000 + k)
            assert Image.open(DATA / file).tobytes() == render(PEOPLE[i].figure, r)[0].tobytes()
    seeds = {s.seed for s in corpus.training_samples(PEOPLE, 1000) + corpus.loose_samples(PEOPLE)}
    assert not seeds & set(range(corpus.REFERENCES, corpus.REFERENCES + 500_000))


@pytest.mark.parametrize("name", ["name", "description", "keywords", "keywords2"])
def test_prompt_sets_cover_all_characters_and_leak_no_name(name: str) -> None:
    registry = load_registry("menagerie")
    prompts = load_prompts(name, "menagerie")
    assert {p.character for p in prompts} == {c.slug for c in registry.characters}
    leaking = [p for p in prompts if registry.mentioned(p.text)]
    assert len(leaking) == (50 if name == "name" else 0)
    assert (PROMPTS / "menagerie" / f"{name}.jsonl").is_file()
    assert isinstance(check(prompts, registry), list)
