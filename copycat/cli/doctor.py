"""`copycat doctor`: what this machine can run, and what is missing."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from copycat.cards.catalog import Catalog

GB = 1e9


def doctor() -> None:
    """Say what this machine can run, what is missing, and how to install it."""
    for line in (*_machine(), "", *_packages(), *_cards()):
        typer.echo(line)


def _machine() -> Iterator[str]:
    import psutil

    yield f"Python      {platform.python_version()} ({sys.executable})"
    cores = os.cpu_count()
    yield f"Processor   {cores} cores, {platform.machine()}"
    yield f"Memory      {psutil.virtual_memory().total / GB:.1f} GB"
    yield f"Disk        {shutil.disk_usage(Path.cwd()).free / GB:.1f} GB free here"
    yield f"Cache       {_cached()}"
    gpu = gpu_gb()
    yield "GPU         " + (f"{gpu:.0f} GB (CUDA)" if gpu else "none found")


def _cached() -> str:
    """What is kept for other runs, by its kind."""
    from copycat.io.cached import KINDS, entries

    kept = {kind: [e.size for e in entries(kind) if e.whole] for kind in KINDS}
    counts = ", ".join(f"{len(sizes)} {KINDS[kind].title}" for kind, sizes in kept.items() if sizes)
    return f"{counts or 'nothing'} for other runs, {sum(map(sum, kept.values())) / GB:.2f} GB (copycat prune)"


def gpu_gb() -> float | None:
    """Memory of the largest NVIDIA GPU in GB; None without one. Asks the driver, so needs no torch."""
    try:
        asked = subprocess.run(
            ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
        # MiB, one line a GPU.
        return max(float(line) * 1024**2 / GB for line in asked.stdout.split("\n") if line.strip())
    except (OSError, subprocess.SubprocessError, ValueError):
        return None


def _packages() -> Iterator[str]:
    missing = missing_packages()
    if missing:
        yield f"Missing     {', '.join(missing)}"
        quoted = " ".join(f"'{m}'" for m in missing)
        yield f"            {sys.executable} -m pip install {quoted}"
    else:
        yield "Packages    all there"
    try:
        yield f"PyTorch     {version('torch')}"
    except PackageNotFoundError:
        yield "PyTorch     missing"


def missing_packages() -> list[str]:
    """Required distributions that are absent or too old, as pip would be asked for them."""
    from packaging.requirements import Requirement

    try:
        wanted = [Requirement(r) for r in requires("copycat-eval") or ()]
    except PackageNotFoundError:
        return []
    absent = []
    for requirement in wanted:
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            if requirement.specifier.contains(version(requirement.name), prereleases=True):
                continue
        except PackageNotFoundError:
            pass
        absent.append(f"{requirement.name}{requirement.specifier}")
    return absent


def _cards() -> Iterator[str]:
    """Every model, judge and language model: that it can run here, or all that stands in its way."""
    from copycat.cards.judges import CATALOG as JUDGES
    from copycat.cards.llms import CATALOG as LLMS
    from copycat.cards.models import CATALOG as MODELS

    gpu = gpu_gb()
    kinds: tuple[tuple[str, Catalog[Any]], ...] = (
        ("Models", MODELS),
        ("Judges", JUDGES),
        ("Language models", LLMS),
    )
    for heading, catalog in kinds:
        names = catalog.names()
        width = max(map(len, names), default=0) + 2
        yield from ("", heading)
        for name in names:
            first, *others = _told(catalog, name, gpu)
            yield f"{name:<{width}}{first}"
            yield from (f"{'':<{width}}{other}" for other in others)


def _told(catalog: Catalog[Any], name: str, gpu: float | None) -> list[str]:
    """What is to be said of one card, a line each."""
    from copycat.errors import UserError
    from copycat.stages.obstacles import obstacles, to_fetch

    try:
        card = catalog.get(name)
        found = obstacles(card, gpu)
        missing = [] if card.is_gone() else to_fetch(card)
        ending = "" if card.is_gone() else card.end()
    except UserError as e:
        return [f"cannot run: {e}"]
    fetched = f"the first run fetches its weights: {', '.join(missing)}" if missing else ""
    if not found:
        return ["; ".join(filter(None, ("can run here", fetched, f"it {ending}" if ending else "")))]
    return [*found, *filter(None, (fetched, f"it {ending}" if ending else ""))]
