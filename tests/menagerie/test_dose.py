"""Newcomers in chosen numbers: who gets how many, that all else is the same, and that a stopped experiment
goes on."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from copycat.errors import UnknownName, UserError
from copycat.imitation.estimate import Settings, estimate
from copycat.imitation.filtering import Cuts
from copycat.imitation.scores import Scored, read_scores
from copycat.imitation.write import record, write
from copycat.menagerie.cli import app
from copycat.menagerie.corpus import MISLABELLED
from copycat.menagerie.dose import measure, observed, training
from copycat.menagerie.dose.agreement import agreement
from copycat.menagerie.dose.experiment import Where, experiment, observe
from copycat.menagerie.dose.newcomers import draw, everybody, newcomers, prompts, references, samples_of
from copycat.menagerie.dose.observed import close_pairs
from copycat.menagerie.dose.recipe import RECIPES, DoseRecipe, recipe
from copycat.menagerie.dose.together import side_by_side
from copycat.menagerie.train.denoiser import build
from copycat.menagerie.world import describe, make_inhabitants
from copycat.runs.imitation import Imitation, Point, read_imitation
from copycat.runtime.progress import Progress

FULL, SMOKE = RECIPES["full"], RECIPES["smoke"]


def test_every_training_has_each_count_once_and_no_newcomer_one_twice() -> None:
    table = [FULL.counts(t) for t in range(FULL.trainings)]
    assert all(sorted(counts) == list(FULL.levels) for counts in table)
    for i in range(len(FULL.levels)):
        assert len({counts[i] for counts in table}) == FULL.trainings
    assert Counter(n for counts in table for n in counts) == dict.fromkeys(FULL.levels, FULL.trainings)


def test_a_recipe_that_is_none_is_refused() -> None:
    with pytest.raises(UnknownName, match="Unknown recipe 'ful'"):
        recipe("ful")


def test_newcomers_are_nobody_who_is_there() -> None:
    residents, new = make_inhabitants(), newcomers(10)
    said = {text for p in residents for text in (p.name, p.alias, p.slug)}
    assert len({p.slug for p in new}) == 10
    assert not {text for p in new for text in (p.name, p.alias, p.slug)} & said
    bodies = {(p.figure.species, p.figure.colour) for p in residents}
    assert not {(p.figure.species, p.figure.colour) for p in new} & bodies


def test_a_training_has_the_counts_that_were_chosen() -> None:
    counts = FULL.counts(1)
    samples = samples_of(FULL, 1)
    new = [s for s in samples if s.character >= 50]
    shown = Counter(s.character - 50 for s in new if s.kind == "character")
    assert tuple(shown.get(i, 0) for i in range(10)) == counts
    wrong = Counter(s.character - 50 for s in new if s.kind == MISLABELLED)
    assert tuple(wrong.get(i, 0) for i in range(10)) == tuple(round(3 * n**0.5) for n in counts)
    assert len(samples) == 2 * len(new)


def test_all_else_is_the_same_in_every_training() -> None:
    others = [[s for s in samples_of(FULL, t) if s.character < 50] for t in range(FULL.trainings)]
    assert all(o == others[0] for o in others)
    assert len({len(samples_of(FULL, t)) for t in range(FULL.trainings)}) == 1


def test_a_larger_count_holds_the_pictures_of_a_smaller_one() -> None:
    small = DoseRecipe(name="x", levels=(3, 9), trainings=2)
    seeds = [
        {s.seed for s in samples_of(small, t) if s.character == 50 and s.kind == "character"} for t in (0, 1)
    ]
    assert [len(s) for s in seeds] == [3, 9]
    assert seeds[0] < seeds[1]
    old = {s.seed for s in samples_of(small, 0) if s.character < 50}
    assert not old & seeds[1]


def test_pictures_show_whom_they_are_of() -> None:
    samples = [s for s in samples_of(SMOKE, 0) if s.character == 51 and s.kind == "character"]
    pixels, texts = draw(samples, 2, workers=1)
    assert pixels.shape == (8, 32, 32, 3)
    who = newcomers(2)[1]
    assert any(who.name in t for t in texts)
    assert everybody(SMOKE.counts(0))[51].training_images == 8
    held_out = references(2)[who.slug]
    assert held_out.shape == (24, 32, 32, 3)
    seen = {p.tobytes() for p in pixels}
    assert not any(p.tobytes() in seen for p in held_out)


def test_prompts_begin_as_captions_do() -> None:
    who = newcomers(1)[0]
    assert prompts(who, 2) == [who.name, f"a picture of {who.name}"]
    (described,) = prompts(who, 1, "description")
    assert described == describe(who.figure)
    assert who.name not in described


def test_captions_name_newcomers_as_often_as_the_recipe_says() -> None:
    small = DoseRecipe(name="x", levels=(0, 400), trainings=1)
    samples = [s for s in samples_of(small, 0) if s.kind == "character"]
    new, old = [s for s in samples if s.character == 51], [s for s in samples if 0 <= s.character < 50][:20]
    who = newcomers(2)[1]
    share, usual = {}, draw(old, 2, workers=1)[1]
    for named in (0.0, 0.4, 0.8, 1.0):
        _, texts = draw([*new, *old], 2, workers=1, named=named)
        assert texts[len(new) :] == usual
        share[named] = np.mean([who.name in t or who.alias in t for t in texts[: len(new)]])
    assert (share[0.0], share[1.0]) == (0, 1)
    assert share[0.4] == pytest.approx(0.4, abs=0.08)
    assert share[0.8] == pytest.approx(0.8, abs=0.06)


def test_pictures_are_the_same_however_often_they_are_named() -> None:
    small = DoseRecipe(name="x", levels=(0, 5), trainings=1)
    samples = [s for s in samples_of(small, 0) if s.character == 51]
    assert np.array_equal(draw(samples, 2, 1, 0.0)[0], draw(samples, 2, 1, 1.0)[0])


def test_a_generator_is_built_as_wide_as_the_recipe_says() -> None:
    shipped, small = build(RECIPES["scratch"].width), build(RECIPES["small"].width)
    assert shipped.config == build().config
    weights = [sum(p.numel() for p in u.parameters()) for u in (small, shipped)]
    assert weights[0] < weights[1] / 3
    assert [r.name for r in RECIPES.values() if r.varied] == [
        "close-named", "close-half", "close-described", "close-unnamed", "small"
    ]  # fmt: skip


def test_what_is_asked_changes_no_training() -> None:
    for r in RECIPES.values():
        assert r.trained == RECIPES[r.trainings_of or r.name].trained


def test_agreement_is_of_newcomers_with_the_same_count(tmp_path: Path) -> None:
    rows = _rows({n: 0.2 + 0.5 * (n >= 100) for n in FULL.levels}, trainings=2)
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text(measure.csv_of(rows), encoding="utf-8")
    lower = [replace(r, score=r.score - 0.1) for r in rows if r.training == 1]
    second.write_text(measure.csv_of(lower), encoding="utf-8")
    both = agreement(first, second)
    assert both is not None
    assert (both.difference.characters, both.pairs) == (10, 10)
    assert both.difference.value == pytest.approx(-0.1)
    assert both.distance == pytest.approx(0.1)
    assert both.correlation == pytest.approx(1)
    second.write_text(measure.csv_of([replace(r, count=r.count + 1) for r in lower]), encoding="utf-8")
    assert agreement(first, second) is None
    second.write_text(first.read_text(encoding="utf-8"), encoding="utf-8")
    both = agreement(first, second)
    assert both is not None
    assert (both.difference.characters, both.pairs, both.distance) == (10, 20, 0)


def test_steps_follow_from_how_often_a_picture_is_seen() -> None:
    assert training.steps_of(FULL, 64_000) == 13_000
    assert training.steps_of(SMOKE, 1) == 2


def test_the_experiment_runs_and_resumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    where = Where(tmp_path / "work", tmp_path / "out")
    written = experiment(SMOKE, where, "copycat menagerie threshold --recipe smoke --seeds 0")
    assert all(p.is_file() for p in written)
    home = tmp_path / "out" / "causal-smoke"
    told = json.loads((home / "levels.json").read_text(encoding="utf-8"))
    assert [v["count"] for v in told["levels"]] == [0, 8]
    assert told["steps"][0] == training.steps_of(SMOKE, len(samples_of(SMOKE, 0)))
    scored = read_scores(home / "pictures.csv")
    assert {s.concept: (s.count, s.pictures) for s in scored} == {
        f"{newcomers(2)[0].slug}@0": (0.0, 2),
        f"{newcomers(2)[1].slug}@0": (8.0, 2),
    }

    def never(*_: object) -> None:
        raise AssertionError("a finished training is not repeated")

    monkeypatch.setattr(training, "_train", never)
    rows = (home / "pictures.csv").read_bytes()
    experiment(SMOKE, where, "copycat menagerie threshold --recipe smoke --seeds 0")
    assert (home / "pictures.csv").read_bytes() == rows
    described = {"name": "smoke-described", "asked": "description", "trainings_of": "smoke"}
    experiment(SMOKE.model_copy(update=described), where, "asks otherwise of the same training")
    assert (tmp_path / "out" / "causal-smoke-described" / "pictures.csv").read_bytes() != rows
    assert (home / "pictures.csv").read_bytes() == rows
    stamp = tmp_path / "work" / "dose-smoke" / "recipe.json"
    claimed = json.loads(stamp.read_text(encoding="utf-8"))
    del claimed["recipe"]["named"]
    stamp.write_text(json.dumps(claimed), encoding="utf-8")
    experiment(SMOKE, where, "one that was begun before recipes said who is named")
    other = SMOKE.model_copy(update={"epochs": 5.0})
    with pytest.raises(UserError, match="holds another experiment"):
        experiment(other, where, "x")


def test_the_shipped_model_is_observed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observed, "DOWNLOADED", 12)
    monkeypatch.setattr(observed, "TEMPLATES", observed.TEMPLATES[:1])
    where = Where(tmp_path / "work", tmp_path / "out")
    written = observe(1, where, "copycat menagerie threshold --recipe none --seeds 1", Progress(), limit=8)
    assert all(p.is_file() for p in written)
    told = json.loads((where.out / "observed" / "counts.json").read_text(encoding="utf-8"))
    true = {p.slug: p.training_images for p in make_inhabitants()}
    assert told["pictures"] == 8
    assert {row["concept"]: row["true"] for row in told["counts"]}.items() <= true.items()
    found = read_imitation(where.out / "observed")
    assert found is not None
    assert {p.concept for p in found.points} == {row["concept"] for row in told["counts"]}
    assert any("menagerie-phash" in c.choice for c in found.sensitivity)


def _rows(score: dict[int, float], trainings: int = 5) -> list[measure.Row]:
    """Ten newcomers, two pictures each, with a score by count."""
    random = np.random.default_rng(0)
    made = []
    for t in range(trainings):
        for i, n in enumerate(FULL.counts(t)):
            for seed in range(2):
                value = score[n] + float(random.normal(0, 0.02))
                made.append(measure.Row(t, f"n{i}@{t}", f"n{i}", n, "{name}", seed, value, n >= 100))
    return made


def test_the_causal_threshold_is_the_count_at_which_scores_jump() -> None:
    rows = _rows({n: 0.2 + 0.5 * (n >= 100) for n in FULL.levels})
    found = measure.causal_of(FULL, rows, [], Cuts(0.5, 0.5, 0.6, 0.4), "c", None)
    assert found.found is not None
    assert (found.found.threshold, found.found.below) == (100, 50)
    assert (found.found.chosen, found.found.unit) == (True, "training pictures")
    assert {p.group for p in found.found.points} == {f"n{i}" for i in range(10)}
    assert [v.count for v in found.levels] == list(FULL.levels)
    assert found.monotone
    for v in found.levels:
        scores = [np.mean([r.score for r in rows if (r.count, r.training) == (v.count, t)]) for t in range(5)]
        gap = 2.776 * np.std(scores, ddof=1) / 5**0.5
        assert (v.low, v.high) == pytest.approx((v.score - gap, v.score + gap), abs=1e-4)
    assert all(v.apart is not None and 0 < v.apart < 0.1 for v in found.levels)
    assert [v.recognised for v in found.levels] == [0.0] * 5 + [1.0] * 5


def test_a_curve_that_falls_is_not_called_monotone() -> None:
    rows = _rows({n: 0.7 - 0.5 * (n >= 100) for n in FULL.levels})
    assert measure.causal_of(FULL, rows, [], Cuts(0.5, 0.5, 0.6, 0.4), "c", None).monotone is False


def test_nothing_is_said_of_few_newcomers() -> None:
    rows = _rows({n: 0.2 + 0.5 * (n >= 100) for n in FULL.levels}, trainings=3)
    found = measure.causal_of(FULL, rows, [], Cuts(0.5, 0.5, 0.6, 0.4), "c", None)
    assert found.monotone is None
    assert {(v.low, v.high) for v in found.levels} == {(None, None)}


def test_close_pairs_are_those_of_neighbouring_counts() -> None:
    points = [(10, 0.5), (15, 0.3), (40, 0.9), (50, 0.8), (99, 0.1)]
    base = dict.fromkeys(
        ("threshold", "below", "interval", "reference", "step_p", "trend_p", "halfway", "curve")
    )
    found = Imitation(
        **base,
        rule="tested",
        penalty=1,
        reference_penalty=0.9,
        noise=0.1,
        smallest_step=0.1,
        levels=(),
        points=tuple(Point(concept=f"c{n}", count=n, score=s, spread=None, pictures=1) for n, s in points),
        outliers=(),
        sensitivity=(),
        left_out={},
        source="x",
    )
    told = close_pairs(found)
    assert told["pairs"] == 2
    assert told["mean"] == pytest.approx((0.2 + 0.1) / 2)
    assert told["mean_distance"] == pytest.approx(0.15)


@pytest.mark.parametrize(
    ("jump", "said"), [(100, "and 100. They overlap"), (1000, "and 100. They do not overlap")]
)
def test_observed_and_caused_stand_side_by_side(tmp_path: Path, jump: int, said: str) -> None:
    rows = _rows({n: 0.2 + 0.5 * (n >= 100) for n in FULL.levels})
    caused = measure.causal_of(FULL, rows, [], Cuts(0.5, 0.5, 0.6, 0.4), "c", None).found
    counts = [10.0 * (i + 1) for i in range(200)]
    seen = [Scored(f"c{n:g}", n, ((0.2 + 0.5 * (n >= jump),),)) for n in counts]
    observed = record(estimate(seen, Settings(draws=0)), [], [], {}, {"source": "x", "command": "copycat y"})
    assert caused is not None
    write(observed, tmp_path / "observed")
    for name in ("full", "close-half"):
        write(caused, tmp_path / f"causal-{name}")
    (page,) = side_by_side(tmp_path)
    text = page.read_text(encoding="utf-8")
    assert said in text
    assert "| caused, recipe full | 100 |" in text
    assert "`copycat y`" in text
    assert "those of scratch" not in text
    for name, change in (("full", 0.0), ("scratch", -0.1), ("close", 0.0), ("close-half", -0.2)):
        changed = [replace(r, score=r.score + change) for r in rows if r.training == 0]
        (tmp_path / f"causal-{name}").mkdir(exist_ok=True)
        (tmp_path / f"causal-{name}" / "pictures.csv").write_text(measure.csv_of(changed), encoding="utf-8")
    side_by_side(tmp_path)
    text = page.read_text(encoding="utf-8")
    assert "full less those of scratch: +0.100 on average" in text
    assert "close-half less those of close: −0.200 on average" in text


@pytest.mark.slow
def test_a_newcomer_of_many_pictures_is_imitated_and_one_of_none_is_not(tmp_path: Path) -> None:
    asked = ["threshold", "--recipe", "reduced"]
    where = ["--work", str(tmp_path / "work"), "--out", str(tmp_path)]
    assert CliRunner().invoke(app, [*asked, *where]).exit_code == 0
    told = json.loads((tmp_path / "causal-reduced" / "levels.json").read_text(encoding="utf-8"))
    levels = {v["count"]: v for v in told["levels"]}
    assert list(levels) == list(RECIPES["reduced"].levels)
    assert levels[0]["recognised"] == 0
    assert levels[300]["recognised"] > 0.5
    assert levels[300]["score"] > levels[0]["score"] + 0.3
    page = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert page.count("`copycat menagerie threshold") == 2
