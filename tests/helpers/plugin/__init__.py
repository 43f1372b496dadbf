"""A package that extends copycat by entry points alone, as an installer would leave it on disk.

Nothing is downloaded and pip is not involved: `copycat_plugin` and its metadata are written to a folder, and
that folder is put on Python's path.
"""

from __future__ import annotations

import importlib
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

ENTRY_POINTS = """\
[copycat.measures]
HAT = copycat_plugin.hat:HAT

[copycat.mitigations]
bareheaded = copycat_plugin.bareheaded:Bareheaded

[copycat.attacks]
shouting = copycat_plugin.shouting:Shouting

[copycat.judge-kinds]
redness = copycat_plugin.redness:Redness

[copycat.judges]
redness = copycat_plugin.redness:CARD

[copycat.generators]
plain = copycat_plugin.plain:Plain

[copycat.models]
plain = copycat_plugin.plain:CARD
"""
METADATA = "Metadata-Version: 2.1\nName: copycat-plugin\nVersion: 1.0\n"


def install(site: Path) -> Path:
    """Write the package and its metadata to the folder `site`, which is made; returns it."""
    package = site / "copycat_plugin"
    shutil.copytree(Path(__file__).parent / "copycat_plugin", package)
    colours = np.array([[200, 20, 20], [20, 200, 20], [90, 60, 90], [250, 0, 0]], dtype=np.uint8)
    # Weights lie in a folder of their own: none is loaded from a folder with program code.
    (package / "weights").mkdir()
    save_file({"colours": colours}, package / "weights" / "palette.safetensors")
    info = site / "copycat_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(METADATA)
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    return site


@contextmanager
def activated(site: Path) -> Iterator[None]:
    """The package in `site` is found, here and by processes that are started meanwhile."""
    before, path = os.environ.get("PYTHONPATH"), [str(site), os.environ.get("PYTHONPATH", "")]
    sys.path.insert(0, str(site))
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, path))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(site))
        del os.environ["PYTHONPATH"]
        if before is not None:
            os.environ["PYTHONPATH"] = before
        for name in [n for n in sys.modules if n.partition(".")[0] == "copycat_plugin"]:
            del sys.modules[name]
