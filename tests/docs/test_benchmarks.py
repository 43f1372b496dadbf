"""Every benchmark can be started."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

from copycat.io.paths import ROOT

EXTRA = {"mutants", "mutant_sites", "mutant_tests"}
"""Those that need the extra `mutation`."""


def test_every_benchmark_can_be_imported() -> None:
    names = {p.stem for p in (ROOT / "benchmarks").glob("*.py")}
    assert {"faults", "gpu", "report_page", "erasure"} <= names
    if find_spec("cosmic_ray") is None:
        names -= EXTRA
    # Some are started as a script, with their own folder on the path, and some as a module.
    code = "import importlib, sys; sys.path.insert(0, 'benchmarks')\n" + "".join(
        f"importlib.import_module('benchmarks.{name}')\n" for name in sorted(names)
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-1000:]
