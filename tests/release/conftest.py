"""copycat's own data set, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from copycat.release.declared import shipped_release
from copycat.release.write import write

CONTACT = "removal@lantern-archive.org"


@pytest.fixture(scope="session")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the data set as it would be published."""
    folder = tmp_path_factory.mktemp("own") / "dataset"
    write(shipped_release(), folder, CONTACT)
    return folder
