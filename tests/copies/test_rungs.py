"""What each rung tells apart, and that none takes a lesser one for itself."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from copycat.copies.index import Exact, cells, index_of
from copycat.copies.looks import SIDE, describe
from copycat.copies.rungs import CATALOG, rungs
from copycat.copies.ssim import ssim
from copycat.copies.variants import COPIES, photographs
from copycat.copies.views import parts
from copycat.errors import MissingRequirement
from tests.copies.pictures import Blurred, gallery, scene

HELD = gallery(range(40))


def likeness(image: Image.Image) -> dict[str, tuple[float, int]]:
    look = describe([image], Blurred(), mirror=True).one(0)
    found = {r.name: r.match(look, HELD) for r in rungs()}
    return {name: (m.likeness, m.reference) for name, m in found.items() if m is not None}


def test_the_rungs_stand_nearest_first() -> None:
    assert [r.name for r in rungs()] == ["exact", "perceptual", "near-copy", "copy"]
    assert sorted(CATALOG.names()) == sorted(r.name for r in rungs())


def test_a_picture_is_itself_on_every_rung() -> None:
    for name, (value, row) in likeness(scene(7)).items():
        assert row == 7, name
        assert value == pytest.approx(1.0, abs=1e-5), name


def test_one_other_pixel_is_no_exact_copy_and_still_a_near_one() -> None:
    pixels = np.asarray(scene(7)).copy()
    pixels[0, 0] ^= 1
    found = likeness(Image.fromarray(pixels))
    assert "exact" not in found
    assert found["near-copy"][1] == 7
    assert 0.99 < found["near-copy"][0] < 1


def test_the_file_does_not_matter_for_an_exact_copy() -> None:
    out = io.BytesIO()
    scene(3).save(out, "WEBP", lossless=True)
    assert likeness(Image.open(out).convert("RGB"))["exact"] == (1.0, 3)


@pytest.mark.parametrize("kind", [k for k in COPIES if k not in ("cropped by a tenth", "cut by a fifth")])
def test_what_was_saved_scaled_or_mirrored_is_found_by_its_hash(kind: str) -> None:
    value, row = likeness(COPIES[kind](scene(11)))["perceptual"]
    other, _ = likeness(scene(1000))["perceptual"]
    assert row == 11
    assert value > 0.9 > other


def test_what_was_cropped_is_a_near_copy_of_its_original() -> None:
    value, row = likeness(COPIES["cropped by a tenth"](scene(11)))["near-copy"]
    other, _ = likeness(scene(1000))["near-copy"]
    assert row == 11
    assert value > other + 0.3


def test_ssim_is_that_of_its_definition() -> None:
    """Window by window, in double precision."""
    a, b = (np.asarray(scene(s), float) for s in (1, 2))
    at = np.arange(11) - 5
    line = np.exp(-(at**2) / (2 * 1.5**2))
    window = np.outer(line, line) / line.sum() ** 2
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    values = []
    for c in range(3):
        for y in range(SIDE - 10):
            for x in range(SIDE - 10):
                p, q = a[y : y + 11, x : x + 11, c], b[y : y + 11, x : x + 11, c]
                mp, mq = (window * p).sum(), (window * q).sum()
                vp, vq = (window * (p - mp) ** 2).sum(), (window * (q - mq) ** 2).sum()
                both = (window * (p - mp) * (q - mq)).sum()
                top = (2 * mp * mq + c1) * (2 * both + c2)
                values.append(top / ((mp**2 + mq**2 + c1) * (vp + vq + c2)))
    stacked = np.stack([a, b]).astype(np.uint8)
    found = ssim(stacked[:1], stacked)
    assert found.shape == (1, 2)
    assert found[0, 0] == pytest.approx(1.0, abs=1e-5)
    assert found[0, 1] == pytest.approx(np.mean(values), abs=1e-3)


def test_the_first_part_of_a_thumbnail_is_the_whole() -> None:
    thumbs = np.stack([np.asarray(scene(s)) for s in range(3)])
    seen = parts(thumbs)
    assert seen.shape == (3, 11, SIDE, SIDE, 3)
    assert np.allclose(seen[:, 0], thumbs, atol=1e-3)
    # The middle, enlarged by Pillow.
    middle = Image.fromarray(thumbs[1]).resize(
        (SIDE, SIDE), Image.Resampling.BILINEAR, box=(1.28, 1.28, 30.72, 30.72)
    )
    assert np.abs(seen[1, 1] - np.asarray(middle, float)).mean() < 1.5


def test_mirrored_pictures_have_mirrored_hashes() -> None:
    looks = describe([scene(5), ImageOps.mirror(scene(5))], Blurred(), mirror=True)
    assert looks.hashes[0].tolist() == looks.hashes[1][::-1].tolist()
    assert looks.mirrored is not None
    assert np.array_equal(looks.mirrored[0], looks.vectors[1])


def test_a_picture_without_features_stands_on_other_rungs_alone() -> None:
    found = likeness(Image.new("RGB", (32, 32), (9, 9, 9)))
    assert "copy" not in found
    assert "perceptual" in found


def test_cells_find_what_exact_search_finds() -> None:
    faiss = pytest.importorskip("faiss")
    assert faiss is not None
    random = np.random.default_rng(0)
    vectors = random.normal(size=(30_000, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    asked = vectors[:50] + random.normal(size=(50, 16)).astype(np.float32) * 0.02
    asked /= np.linalg.norm(asked, axis=1, keepdims=True)
    some, all_ = cells(vectors, cell_count=64), Exact(vectors)
    same = [some.nearest(v, 1)[0][0] == all_.nearest(v, 1)[0][0] for v in asked]
    assert np.mean(same) > 0.95


def test_exact_search_gives_the_nearest_first_and_of_equals_the_first() -> None:
    vectors = np.array([[1, 0], [0, 1], [1, 0], [-1, 0]], np.float32)
    rows, cosines = Exact(vectors).nearest(np.array([1, 0], np.float32), 3)
    assert rows.tolist() == [0, 2, 1]
    assert cosines.tolist() == [1, 1, 0]
    assert Exact(vectors[:0]).nearest(vectors[0], 3)[0].tolist() == []


def test_many_references_without_faiss_are_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("copycat.copies.index.EXACT_UP_TO", 10)
    monkeypatch.setitem(__import__("sys").modules, "faiss", None)
    assert isinstance(index_of(np.zeros((10, 4), np.float32)), Exact)
    with pytest.raises(MissingRequirement, match=r"faiss-cpu.*Or give at most 10 references"):
        index_of(np.zeros((11, 4), np.float32))


def test_photographs_are_the_same_each_time_and_of_the_size_asked_for() -> None:
    first, again = photographs(3, 48), photographs(3, 48)
    assert [i.size for i in first] == [(48, 48)] * 3
    assert [i.tobytes() for i in first] == [i.tobytes() for i in again]
