"""Folders and tables of references."""

from __future__ import annotations

import io
import os

import pytest
from PIL import Image

from copycat.copies.references import of_registry, references_at
from copycat.errors import BadFile
from copycat.records import digest
from copycat.subjects.characters import load_registry
from tests.copies.pictures import scene

REGISTRY = load_registry("menagerie")
WHO = REGISTRY.characters[3]


def png(seed: int) -> bytes:
    out = io.BytesIO()
    scene(seed).save(out, "PNG")
    return out.getvalue()


def test_a_registry_brings_its_own() -> None:
    found = of_registry(REGISTRY)
    assert len(found.known) == 400
    assert found.known[0].character == REGISTRY.characters[0].slug
    assert not found.known[0].name.startswith("/")
    _, first = next(found.images([0]))
    assert isinstance(first, Image.Image)


def test_folders_are_called_as_characters_and_a_broken_file_is_a_reason(tmp_path) -> None:
    (tmp_path / WHO.name).mkdir()
    scene(1).save(tmp_path / WHO.name / "a.png")
    (tmp_path / "b.jpg").write_bytes(b"no")
    (tmp_path / "notes.txt").write_text("no picture")
    found = references_at(tmp_path, REGISTRY)
    assert [(r.name, r.character) for r in found.known] == [(f"{WHO.name}/a.png", WHO.slug), ("b.jpg", "")]
    opened = dict(found.images())
    assert isinstance(opened[0], Image.Image)
    assert "b.jpg" in str(opened[1])
    with pytest.raises(BadFile, match="holds no pictures"):
        references_at(_empty(tmp_path), REGISTRY)


def test_a_file_called_in_another_encoding_has_a_name_that_can_be_written(tmp_path) -> None:
    scene(1).save(tmp_path / "a.png")
    try:
        os.rename(os.fsencode(tmp_path / "a.png"), os.fsencode(tmp_path) + b"/b\xff.png")  # noqa: PTH104
    except OSError:
        pytest.skip("this file system takes names in UTF-8 alone")
    found = references_at(tmp_path, REGISTRY)
    assert found.known[0].name == "b\ufffd.png"
    assert digest(found.stamp)
    assert isinstance(dict(found.images())[0], Image.Image)


def _empty(tmp_path):
    (tmp_path / "empty").mkdir()
    return tmp_path / "empty"


@pytest.mark.parametrize("nested", [False, True])
def test_a_table_holds_bytes_or_what_data_sets_have(tmp_path, nested: bool) -> None:
    import pandas as pd

    cells = [png(1), b"no picture", None, png(2)]
    images = [{"bytes": c, "path": None} for c in cells] if nested else cells
    path = tmp_path / "refs.parquet"
    pd.DataFrame({"image": images, "character": [WHO.name, "", None, "nobody"]}).to_parquet(path)
    found = references_at(path, REGISTRY)
    assert [r.character for r in found.known] == [WHO.slug, "", "", ""]
    assert next(r.name for r in found.known) == "refs.parquet:1"
    opened = dict(found.images())
    assert [isinstance(opened[i], Image.Image) for i in range(4)] == [True, False, False, True]
    assert "refs.parquet:2" in str(opened[1])
    assert "holds no picture" in str(opened[2])
    assert [i for i, _ in found.images([3])] == [3]


def test_what_is_no_set_of_references_is_said_in_a_sentence(tmp_path) -> None:
    import pandas as pd

    with pytest.raises(BadFile, match="a folder of pictures, or a Parquet file"):
        references_at(tmp_path / "nothing", REGISTRY)
    path = tmp_path / "words.parquet"
    pd.DataFrame({"caption": ["a"]}).to_parquet(path)
    with pytest.raises(BadFile, match=r"no column with pictures; call it image .*has: caption"):
        references_at(path, REGISTRY)
    path.write_bytes(b"PAR1 but not really")
    with pytest.raises(BadFile, match="cannot be read as a Parquet file"):
        references_at(path, REGISTRY)
