"""The corpus's pictures in a file of references."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from copycat.cli.main import app
from copycat.copies.references import references_at
from copycat.errors import UnknownName, UserError
from copycat.io.paths import DATA
from copycat.menagerie import pictures
from copycat.menagerie.corpus import Sample, draw_all
from copycat.menagerie.world import make_inhabitants
from copycat.subjects.characters import load_registry


def test_the_file_holds_the_very_pictures_with_whom_they_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = pd.read_parquet(DATA / "menagerie" / "corpus.parquet")
    some = pd.concat([whole[whole.kind == k].iloc[:3] for k in ("character", "stray", "generic")])
    monkeypatch.setattr(pd, "read_parquet", lambda path: some)
    told: list[tuple[int, int]] = []
    path = tmp_path / "deep" / "refs.parquet"
    n = pictures.write_pictures(path, ("character", "stray"), 1, lambda *now: told.append(now))
    assert (n, told) == (6, [(6, 6)])
    assert [p.name for p in path.parent.iterdir()] == ["refs.parquet"]
    found = references_at(path, load_registry("menagerie"))
    # A mislabelled picture bears a name and does not show whose it is.
    assert [r.character for r in found.known] == [*some.character.iloc[:3], "", "", ""]
    first = make_inhabitants()[0]
    assert some.character.iloc[0] == first.slug
    pixels, _ = draw_all([Sample(int(some.seed.iloc[0]), 0, "character")], workers=1)
    assert np.array_equal(np.asarray(next(found.images([0]))[1]), pixels[0])


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"call it so: .*refs.parquet"):
        pictures.write_pictures(tmp_path / "refs.png", ("character",), 1, lambda *_: None)


def test_no_kind_of_picture_is_a_mistake_and_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "refs.parquet"
    done = CliRunner().invoke(app, ["menagerie", "pictures", "--kinds", "", "--out", str(path)])
    assert isinstance(done.exception, UnknownName)
    assert not path.exists()
