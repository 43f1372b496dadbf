"""What a run ran on: versions, commit, hardware."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

_PACKAGES = ("torch", "diffusers", "transformers", "tokenizers", "numpy", "pillow", "pydantic", "safetensors")


def packages() -> dict[str, str]:
    """Versions of what decides pixels and verdicts."""
    found = {}
    for name in _PACKAGES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def git_state(where: Path) -> tuple[str | None, bool | None]:
    """Commit and whether tracked files were changed; None when `where` is not the top of a git checkout.

    What is installed in an environment that lies in a checkout of something else is not of that commit.
    """

    def git(*args: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(where), *args], capture_output=True, text=True, check=True, timeout=20
        )
        return done.stdout.strip()

    try:
        if Path(git("rev-parse", "--show-toplevel")).resolve() != where.resolve():
            return None, None
        return git("rev-parse", "HEAD"), bool(git("status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.SubprocessError):
        return None, None


def hardware() -> dict[str, str]:
    """Processor, cores, memory; the GPU is added by the stage that uses it."""
    return {
        "cpu": _cpu_name(),
        "cores": str(os.cpu_count() or 1),
        "ram": f"{psutil.virtual_memory().total / 2**30:.1f} GiB",
    }


def _cpu_name() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def peak_rss_mb() -> float:
    """Highest resident memory of this process so far, in MB (10^6 bytes)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
