"""Published thresholds load, and tell of corpus, model and kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from copycat.errors import BadFile
from copycat.subjects.thresholds import CATALOG


def test_every_published_threshold_is_of_one_model_and_domain() -> None:
    for name in CATALOG.names():
        found = CATALOG.get(name)
        assert "arXiv" in found.source
        keys = [(r.corpus, r.model, r.domain) for r in found.rows]
        assert len(set(keys)) == len(keys)
    rows = {(r.model, r.domain): r.change_points[0] for r in CATALOG.get("mimetic2").rows}
    # The claim of the paper's first version.
    assert all(100 < n < 600 for n in rows.values())
    assert rows["SD 1.5", "celebrities"] == rows["SD 1.1", "celebrities"] == 364


def test_change_points_that_do_not_rise_are_refused(tmp_path: Path) -> None:
    head = "source: s\nunit: u\nrule: r\nrows:\n"
    (tmp_path / "x.yaml").write_text(head + "- {corpus: c, model: m, domain: d, change_points: [9, 3]}\n")
    with pytest.raises(BadFile, match="do not rise"):
        CATALOG.read(tmp_path / "x.yaml")
