"""Thresholds from pairs of known relation, and the level of chance."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from copycat.copies import build as building
from copycat.copies import calibration
from copycat.copies.build import build, read_thresholds
from copycat.copies.calibration import STYLE, calibrate, chosen, sizes
from copycat.copies.gallery import Gallery
from copycat.copies.looks import describe
from copycat.copies.references import Files, Reference, references_at
from copycat.copies.rungs import rungs
from copycat.errors import BadFile, UserError
from copycat.io.paths import cache_folder
from copycat.subjects.characters import load_registry
from tests.copies.pictures import Blurred, gallery, scene

N = 44
REGISTRY = load_registry("menagerie")


@pytest.fixture(scope="module")
def measured():
    rows = chosen(N)
    return calibrate(gallery(range(N)), [scene(i) for i in rows], rows, Blurred(), "blurred@1")


def test_copies_reach_their_rungs_and_other_pictures_do_not(measured) -> None:
    for name, rung in measured.rungs.items():
        if name != STYLE:
            assert rung.fpr <= 0.05, name
            assert rung.by_kind["the same"] == 1.0, name
    assert measured.rungs["exact"].by_kind["saved as JPEG"] == 0
    assert measured.rungs["perceptual"].by_kind["mirrored"] == 1
    assert measured.rungs["near-copy"].by_kind["cropped by a tenth"] > 0.9
    assert measured.found > 0.9
    assert measured.found_by_kind["cropped by a tenth"] > 0.9
    # Every higher rung's cases are among those of a lower one.
    chance = list(measured.chance.values())
    assert chance == sorted(chance)
    assert chance[0] == 0


def test_rates_are_of_the_half_that_was_put_aside(measured) -> None:
    originals, others = sizes(N)
    assert measured.rungs["near-copy"].positives == (originals // 2) * 7
    assert measured.rungs["near-copy"].negatives == (others // 2) * 5
    assert measured.kept_out == others
    rows = chosen(N)
    assert len(set(rows)) == len(rows) == originals + others


def test_references_that_are_alike_by_themselves_raise_the_level_of_chance(measured) -> None:
    """Each scene twice, but for one pixel: what is kept out has a near copy left, which nobody made of it."""
    pictures = [scene(i // 2) for i in range(N)]
    for i in range(0, N, 2):
        pictures[i].putpixel((0, 0), (i, 0, 0))
    looks = describe(pictures, Blurred())
    twice = Gallery(looks, tuple(map(str, range(N))), tuple("ab"[i % 2] for i in range(N)))
    rows = chosen(N)
    found = calibrate(twice, [pictures[i] for i in rows], rows, Blurred(), "blurred@1")
    assert found.chance["near-copy"] > measured.chance["near-copy"] + 0.3


def test_few_references_cannot_be_measured() -> None:
    with pytest.raises(UserError, match="40 references or more, and there are 39"):
        calibrate(gallery(range(39)), [], [], Blurred(), "blurred@1")


def files(home, n: int):
    for i in range(n):
        folder = home / REGISTRY.characters[i % 2].slug
        folder.mkdir(parents=True, exist_ok=True)
        scene(i).save(folder / f"{i:02}.png")
    return home


def test_a_gallery_is_made_once_and_what_cannot_be_opened_is_named(tmp_path) -> None:
    home = files(tmp_path / "refs", 44)
    broken = home / REGISTRY.characters[0].slug / "00.png"
    broken.write_bytes(b"no picture")
    source = references_at(home, REGISTRY)
    built = build(source, "blurred@1", Blurred)
    assert len(built.gallery) == 43
    assert [b for b in built.broken if "00.png" in b and "not a picture" in b]
    assert set(built.gallery.characters) == {c.slug for c in REGISTRY.characters[:2]}
    gone = next(i for i, r in enumerate(source.known) if r.name.endswith("/00.png"))
    assert built.rows == tuple(i for i in range(44) if i != gone)
    again = build(references_at(home, REGISTRY), "blurred@1", lambda: pytest.fail("it is in the cache"))
    assert again.thresholds == built.thresholds
    assert again.gallery.digest == built.gallery.digest
    # Another picture in a file makes another gallery.
    scene(99).save(broken)
    assert len(build(references_at(home, REGISTRY), "blurred@1", Blurred).gallery) == 44


def test_thresholds_that_were_measured_before_are_taken_for_these_references_alone(
    tmp_path, monkeypatch
) -> None:
    home = files(tmp_path / "refs", 44)
    before = build(references_at(home, REGISTRY), "blurred@1", Blurred).thresholds
    path = tmp_path / "thresholds.json"
    path.write_text(before.model_dump_json())
    assert read_thresholds(path) == before
    monkeypatch.setattr(building, "calibrate", lambda *_: pytest.fail("they are known"))
    kept = build(references_at(home, REGISTRY), "other@1", Blurred, measured=before)
    assert kept.thresholds == before
    with pytest.raises(pytest.fail.Exception, match="they are known"):
        build(references_at(home, REGISTRY), "other@2", Blurred, measured=before)
    path.write_text("{}")
    with pytest.raises(BadFile, match="holds no thresholds of a ladder"):
        read_thresholds(path)


def test_thresholds_that_were_measured_anew_are_taken_in_place_of_those_in_the_cache(tmp_path) -> None:
    source = references_at(files(tmp_path / "refs", 44), REGISTRY)
    before = build(source, "blurred@1", Blurred).thresholds
    assert build(source, "blurred@1", Blurred, measured=before).thresholds == before
    copy = before.rungs["copy"].model_copy(update={"value": 0.123})
    after = before.model_copy(update={"rungs": {**before.rungs, "copy": copy}})
    assert build(source, "blurred@1", Blurred, measured=after).thresholds.value("copy") == 0.123


def test_another_process_that_makes_the_same_gallery_disturbs_nothing(tmp_path, monkeypatch) -> None:
    source = references_at(files(tmp_path / "refs", 44), REGISTRY)
    first = build(source, "blurred@1", Blurred)
    (home,) = (cache_folder() / "references").iterdir()
    save = np.save

    def meanwhile(path, values) -> None:
        # Another process makes room for its own, as this one does.
        shutil.rmtree(home, ignore_errors=True)
        save(path, values)

    monkeypatch.setattr(building.np, "save", meanwhile)
    monkeypatch.setattr(building, "calibrate", lambda *_: first.thresholds)
    build(source, "blurred@1", Blurred, anew=True)
    assert list(home.parent.iterdir()) == [home]
    again = build(source, "blurred@1", lambda: pytest.fail("it is in the cache"))
    assert again.gallery.digest == first.gallery.digest


def test_what_is_measured_anew_is_not_read_from_the_cache(tmp_path, monkeypatch) -> None:
    source = references_at(files(tmp_path / "refs", 44), REGISTRY)
    build(source, "blurred@1", Blurred)
    monkeypatch.setattr(building, "calibrate", lambda *_: pytest.fail("it is measured"))
    build(source, "blurred@1", Blurred)
    with pytest.raises(pytest.fail.Exception, match="it is measured"):
        build(source, "blurred@1", Blurred, anew=True)


def test_a_rung_that_was_added_is_measured(tmp_path, monkeypatch) -> None:
    source = references_at(files(tmp_path / "refs", 44), REGISTRY)
    all_of_them = rungs()
    for module in (building, calibration):
        monkeypatch.setattr(module, "rungs", lambda: all_of_them[1:])
    before = build(source, "blurred@1", Blurred).thresholds
    assert "exact" not in before.rungs
    for module in (building, calibration):
        monkeypatch.setattr(module, "rungs", lambda: all_of_them)
    assert "exact" in build(source, "blurred@1", Blurred).thresholds.rungs
    assert "exact" in build(source, "blurred@1", Blurred, measured=before).thresholds.rungs


def test_too_few_that_open_are_refused_with_the_first_reason(tmp_path) -> None:
    known = [(Reference(f"{i}.png", ""), tmp_path / f"{i}.png") for i in range(45)]
    for _, path in known[:20]:
        scene(1).save(path)
    with pytest.raises(UserError, match=r"20 pictures are too few .*25 cannot be opened"):
        build(Files("some", known), "blurred@1", Blurred)


def test_what_has_no_features_is_left_out(tmp_path) -> None:
    from PIL import Image

    home = files(tmp_path / "refs", 44)
    Image.new("RGB", (32, 32)).save(home / REGISTRY.characters[0].slug / "plain.png")
    built = build(references_at(home, REGISTRY), "blurred@1", Blurred)
    assert len(built.gallery) == 44
    assert "has no features" in built.broken[0]
    assert np.isfinite(built.gallery.looks.vectors).all()
