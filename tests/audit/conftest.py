"""Audits of data sets that are made in memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from copycat.audit.dataset import Dataset
from copycat.audit.results import Report
from copycat.audit.run import audit
from tests.audit.twins import Twin


@pytest.fixture
def audited(tmp_path: Path) -> Callable[[Twin], Report]:
    """The audit of a data set, written to a folder of the test."""

    def run(twin: Twin) -> Report:
        return audit(Dataset(twin.write(tmp_path / "dataset"), "dataset"))

    return run
