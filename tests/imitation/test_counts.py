"""Counts are read from every kind of file, aliases are summed, and what is wrong is said in a line."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

import copycat.subjects.counts as counts_file
from copycat.errors import BadFile
from copycat.imitation.counts import Count, read_counts, registry_counts
from copycat.imitation.sources import find_counts
from copycat.subjects.characters import Character, Registry


def registry() -> Registry:
    people = [
        Character(
            slug="ada", name="Ada Fenn", aliases=("Fennie",), owner="x", generic="an owl", training_images=7
        ),
        Character(slug="bo", name="Bo", owner="x", generic="an owl"),
    ]
    return Registry("test", 1, people)


def test_dead_links_are_rescaled() -> None:
    # 300 captions, of which 120 could be had and 90 show it: three quarters of 300.
    assert Count(300, downloaded=120, passed=90).effective == 225
    assert Count(300, downloaded=120).effective == 300
    assert Count(300, downloaded=0, passed=0).effective == 300


def test_aliases_are_summed(tmp_path: Path) -> None:
    path = tmp_path / "counts.csv"
    path.write_text(
        "concept,alias,count,downloaded,passed\nada,,100,50,40\nada,Fennie,20,10,4\nbo,,5,,\n",
        encoding="utf-8",
    )
    found = read_counts(path)
    assert found.by_concept["ada"] == Count(120, 60, 44)
    assert found.by_concept["ada"].effective == 88
    assert found.by_concept["bo"] == Count(5)


@pytest.mark.parametrize("shape", ["mapping", "rows", "named"])
def test_a_file_with_a_head_says_where_the_counts_are_from(tmp_path: Path, shape: str) -> None:
    counts: object = {"ada": 10, "bo": 3}
    if shape == "rows":
        counts = [{"character": "ada", "captions": 10}, {"character": "bo", "captions": 3}]
    if shape == "named":
        counts = {"ada": {"captions": 10}, "bo": {"count": 3}}
    path = tmp_path / "counts.json"
    head = {"corpus": "LAION-2B-en", "date": "2026-11-01", "rule": "whole words"}
    path.write_text(json.dumps({**head, "counts": counts}), encoding="utf-8")
    found = read_counts(path)
    assert {k: v.effective for k, v in found.by_concept.items()} == {"ada": 10, "bo": 3}
    assert (found.corpus, found.date, found.rule) == ("LAION-2B-en", "2026-11-01", "whole words")


def test_a_file_that_has_more_to_say_of_each_character_is_read(tmp_path: Path) -> None:
    row = {"slug": "ada", "name": "Ada Fenn", "count": 83, "names": {"ada fenn": 76, "fennie": 7}}
    path = tmp_path / "counts.json"
    head = {
        "format": "copycat counts 1",
        "corpus": "c",
        "unit": "captions",
        "date": "2026-12-01",
        "rule": "r",
    }
    path.write_text(json.dumps({**head, "total": 37666, "counts": [row]}), encoding="utf-8")
    found = read_counts(path).of(registry())
    assert found.by_concept == {"ada": Count(83)}
    assert found.unit == "captions"
    assert not found.exact


def test_a_file_of_copycat_count_says_what_it_counted(tmp_path: Path) -> None:
    one = counts_file.Count(slug="ada", name="Ada", count=3)
    made = counts_file.Counts(
        corpus="c", date=date(2026, 12, 1), source="s", rule="r", total=9, characters=(one,)
    )
    path = tmp_path / "counts.json"
    counts_file.write_counts_file(path, made)
    assert read_counts(path).unit == "captions"
    # As it was written before.
    told = json.loads(path.read_text(encoding="utf-8"))
    assert told.pop("unit") == "captions"
    path.write_text(json.dumps(told), encoding="utf-8")
    assert read_counts(path).unit == "captions"


def test_what_may_mean_something_else_is_summed(tmp_path: Path) -> None:
    path = tmp_path / "counts.csv"
    path.write_text(
        "concept,alias,captions,doubtful\nada,,100,40\nada,Fennie,20,20\nbo,,5,\n", encoding="utf-8"
    )
    found = read_counts(path)
    assert found.by_concept["ada"] == Count(120, doubtful=60)
    assert found.by_concept["ada"].doubt == 0.5
    assert (found.by_concept["bo"].doubt, Count(0).doubt) == (0, 0)
    assert found.unit == "captions"


@pytest.mark.parametrize(
    ("head", "column", "unit"),
    [
        ({"unit": "distinct captions"}, "count", "distinct captions"),
        ({"unit": "pictures"}, "count", "training pictures"),
        ({}, "training_images", "training pictures"),
        ({}, "count", ""),
    ],
)
def test_what_is_counted_is_known(tmp_path: Path, head: dict[str, str], column: str, unit: str) -> None:
    path = tmp_path / "counts.json"
    path.write_text(json.dumps({**head, "counts": [{"concept": "ada", column: 3}]}), encoding="utf-8")
    found = read_counts(path).of(registry())
    assert found.unit == unit
    assert found.exact == (unit == "training pictures")


def test_names_become_slugs_and_strangers_are_named(tmp_path: Path) -> None:
    path = tmp_path / "counts.csv"
    path.write_text("concept,count\nAda Fenn,10\nFENNIE,5\nNobody,3\n", encoding="utf-8")
    found = read_counts(path).of(registry())
    assert found.by_concept == {"ada": Count(15)}
    assert found.unknown == ("Nobody",)


def test_a_registry_says_what_it_knows() -> None:
    assert registry_counts(registry()).by_concept == {"ada": Count(7)}
    assert registry_counts(registry()).exact


def cited(tmp_path: Path, known: int | None) -> Registry:
    """A registry that cites two counts files, the first of which has nobody of it."""
    for name, slug in (("other", "zed"), ("own", "ada")):
        row = {"slug": slug, "name": slug, "count": 83, "doubtful": 9}
        head = {"corpus": name, "unit": "distinct captions", "date": "2026-12-01", "source": "s", "rule": "r"}
        (tmp_path / f"{name}.json").write_text(json.dumps({**head, "counts": [row]}), encoding="utf-8")
    ada = Character(slug="ada", name="Ada", owner="x", generic="an owl", training_images=known)
    return Registry("test", 1, [ada], counts=[str(tmp_path / f"{n}.json") for n in ("other", "own")])


def test_counts_that_a_registry_cites_are_taken(tmp_path: Path) -> None:
    found = find_counts(None, cited(tmp_path, None))
    assert found.by_concept == {"ada": Count(83, doubtful=9)}
    assert (found.corpus, found.unit, found.date, found.rule) == (
        *("own", "distinct captions"),
        *("2026-12-01", "r"),
    )


def test_training_pictures_go_before_counts_that_are_cited(tmp_path: Path) -> None:
    found = find_counts(None, cited(tmp_path, 7))
    assert (found.by_concept, found.unit) == ({"ada": Count(7)}, "training pictures")


def test_a_cited_file_that_is_gone_is_said(tmp_path: Path) -> None:
    registry = cited(tmp_path, None)
    (tmp_path / "other.json").unlink()
    with pytest.raises(BadFile, match="is not a counts file"):
        find_counts(None, registry)


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("c.csv", "concept,count\nada,many\n", "row 1: count is 'many', which is no number of 0 or more"),
        ("c.csv", "concept,count\nada,-3\n", "which is no number of 0 or more"),
        ("c.csv", "concept,count\nada,inf\n", "which is no number"),
        ("c.csv", "concept,count\nada,1\nada,2\n", "row 2: ada is there twice"),
        ("c.csv", "who,count\nada,1\n", "does not say which concept; add a column concept"),
        ("c.csv", "concept,score\nada,1\n", "has no number in a column count"),
        ("c.csv", "concept,count,downloaded,passed\nada,9,3,4\n", "more `passed` pictures than `downloaded`"),
        ("c.csv", "concept,count,downloaded\nada,9,3.5\n", "no whole number"),
        ("c.csv", "concept,count,doubtful\nada,9,10\n", "more of ada are `doubtful` than there are"),
        ("c.csv", "concept,count\n", "has no counts"),
        ("c.json", f'{{"counts": {{"ada": 1{"0" * 400}}}}}', "which is no number of 0 or more"),
        ("c.json", '{"counts": 3}', "is no file of counts"),
        ("c.json", "[1, 2]", "is no file of counts"),
        ("c.json", "{", "cannot be read as a file of counts"),
        ("c.yaml", "counts: [", "cannot be read as a file of counts"),
        ("c.txt", "ada 3", "is no table of counts"),
    ],
)
def test_what_is_no_count_is_refused(tmp_path: Path, name: str, text: str, why: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadFile) as e:
        read_counts(path)
    assert why in str(e.value)
    assert "\n" not in str(e.value)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    for name in ("none.csv", "none.json"):
        with pytest.raises(BadFile, match="cannot be read"):
            read_counts(tmp_path / name)
