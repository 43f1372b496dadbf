"""Memorisation against imitation: the doses, the corpus, and what pictures of known origin count as."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from copycat.errors import UnknownName
from copycat.menagerie.cli import app
from copycat.menagerie.dose.newcomers import newcomers
from copycat.menagerie.memorisation.corpus import corpus, unseen
from copycat.menagerie.memorisation.measure import Row, is_near, levels_of, rows_of
from copycat.menagerie.memorisation.recipe import RECIPES, Dose, MemorisationRecipe, recipe
from copycat.menagerie.memorisation.training import Drawn
from copycat.menagerie.world import make_inhabitants

TWO = MemorisationRecipe(
    name="two", doses=(Dose(pictures=2, copies=3), Dose(pictures=4, copies=1)), newcomers=1, trainings=2,
    epochs=1, replay=0.5, templates=1, seeds=4,
)  # fmt: skip


@pytest.mark.parametrize("name", RECIPES)
def test_every_dose_has_as_many_newcomers_and_over_all_trainings_nobody_the_same_twice(name: str) -> None:
    chosen = recipe(name)
    given = [[chosen.dose(i, t) for i in range(chosen.people)] for t in range(chosen.trainings)]
    for doses in given:
        assert {d: doses.count(d) for d in doses} == dict.fromkeys(chosen.doses, chosen.newcomers)
    for i in range(chosen.people):
        mine = [doses[i] for doses in given]
        assert len(set(mine)) == len(mine)
    assert len({p.slug for p in newcomers(chosen.people)}) == chosen.people
    with pytest.raises(UnknownName):
        recipe("huge")


def test_a_corpus_has_each_picture_as_often_as_its_dose_says_and_captions_that_name_it() -> None:
    made = corpus(TWO, 0)
    first, second = newcomers(2)
    assert [len(s) for s in made.seen] == [2, 4]
    assert len(made.pixels) == len(made.texts) == 10 + 5
    for k in range(2):
        same = [bool((p == made.seen[0][k]).all()) for p in made.pixels]
        assert sum(same) == 3
    assert all(first.name in t for t in made.texts[:6])
    assert all(second.name in t for t in made.texts[6:10])
    assert len(set(made.texts[:6])) > 1
    residents = {p.name for p in make_inhabitants()}
    assert not any(n in t for t in made.texts[10:] for n in (first.name, second.name))
    assert any(n in t for t in made.texts[10:] for n in residents)


def test_unseen_pictures_are_other_ones() -> None:
    made, who = corpus(TWO, 0), newcomers(2)[1]
    other = unseen(1, who, 4)
    assert other.shape == made.seen[1].shape
    assert not any((a == b).all() for a in other for b in made.seen[1])


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """Of a model that gives back what it learnt of the first newcomer, and draws the second anew."""
    learnt = corpus(TWO, 0)
    again, anew = learnt.seen[0][[0, 1, 0, 1]], unseen(1, newcomers(2)[1], 8)[4:]
    drawn = Drawn(np.stack([again, anew])[:, None], learnt.seen, 1, 1.0)
    found, held = rows_of(TWO.model_copy(update={"trainings": 1}), [drawn])
    assert set(held) == {(2, 3), (4, 1)}
    return found


def test_what_was_learnt_is_a_near_copy_and_what_is_drawn_anew_is_imitation(rows: list[Row]) -> None:
    memorised, imitated = rows[:4], rows[4:]
    assert [r.rung for r in memorised] == ["exact"] * 4
    assert all(r.near_copy for r in memorised)
    assert not any(r.by_chance for r in memorised)
    assert not any(r.rung == "exact" for r in imitated)
    assert sum(r.recognised for r in imitated) >= 3
    levels = levels_of(rows, {(2, 3): [0.0], (4, 1): [0.25]})
    assert [(v.pictures, v.copies) for v in levels] == [(4, 1), (2, 3)]
    assert levels[1].near_copy.value == 1
    assert levels[1].imitated.value == 0
    assert levels[0].held_out == 0.25


def test_rungs_from_near_copy_up_are_near() -> None:
    assert [is_near(r) for r in ("exact", "perceptual", "near-copy", "copy", "")] == [True] * 3 + [False] * 2


@pytest.mark.slow
def test_the_whole_experiment_runs_and_runs_again(tmp_path: Path) -> None:
    asked = ["memorisation", "--recipe", "smoke", "--work", str(tmp_path / "w"), "--out", str(tmp_path / "o")]
    assert CliRunner().invoke(app, asked).exit_code == 0
    table = (tmp_path / "o" / "memorisation.csv").read_text(encoding="utf-8")
    assert len(table.splitlines()) == 1 + len(RECIPES["smoke"].doses)
    trained = (tmp_path / "w" / "memorisation-smoke" / "training-0" / "pictures.npz").stat().st_mtime_ns
    assert CliRunner().invoke(app, asked).exit_code == 0
    again = (tmp_path / "w" / "memorisation-smoke" / "training-0" / "pictures.npz").stat().st_mtime_ns
    assert again == trained
    assert (tmp_path / "o" / "memorisation.csv").read_text(encoding="utf-8") == table
