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

    # Within a hook of git, variables name a repository, whatever folder is asked about.
    plain = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}

    def git(*args: str) -> str:
        command = ["git", "-C", str(where), *args]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20, env=plain)
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


def gpus() -> list[tuple[str, float]]:
    """Name and memory in GB (10^9 bytes) of each NVIDIA GPU of this machine, whoever may use it; empty where
    there is none, or no `nvidia-smi` to tell."""
    command = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout
        lines = [line.rpartition(",") for line in told.splitlines() if line.strip()]
        return [(name.strip(), round(float(mib) * 2**20 / 1e9, 1)) for name, _, mib in lines]
    except (OSError, ValueError, subprocess.SubprocessError):
        return []


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
