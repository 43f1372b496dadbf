"""How fast copycat is at real sizes, against the same models without it, side by side in one run.

`python -m benchmarks.gpu` builds models of the shapes of SDXL, FLUX.1 [dev] and Qwen2.5-VL-7B with random
weights, runs `plan`, `generate` and `judge` on them as `copycat run` does, and prints a table; docs/gpu.md
says what is in it. It is meant to take about eight minutes and 60 GB of disk on a card of the H100's class.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from benchmarks.gpu_models import SIZES
from benchmarks.gpu_parts import Bench, flux, judging, sdxl, start
from benchmarks.gpu_table import Row, as_json, print_table
from copycat.errors import UserError
from copycat.io.lifecycle import free_memory
from copycat.io.version import __version__
from copycat.runtime.device import resolve_device

PARTS = ("sdxl", "judge", "start", "flux")
MEASURE: dict[str, Callable[[Bench], None]] = {"sdxl": sdxl, "judge": judging, "start": start, "flux": flux}
NEEDS = {
    "sdxl": ("sdxl", "judge"),
    "judge": ("judge",),
    "start": ("sdxl", "judge"),
    "flux": ("flux", "judge"),
}


def lacking(bench: Bench, part: str) -> str:
    """Why `part` is left out, as a sentence; empty where it is not."""
    spent = (time.monotonic() - bench.began) / 60
    if spent > bench.minutes:
        return f"{spent:.0f} minutes were over before it began (--minutes)"
    missing = [m for m in NEEDS[part] if not (bench.work / "models" / f"{m}-{bench.size}").is_dir()]
    disk, free_disk = (
        sum(bench.shapes.gigabytes[m] for m in missing),
        shutil.disk_usage(bench.work).free / 1e9,
    )
    if disk > free_disk:
        return (
            f"its models take {disk:g} GB of disk and {free_disk:.0f} GB are free; name a folder with --work"
        )
    if bench.device.startswith("cuda"):
        need, there = (
            max(bench.shapes.gpu[m] for m in NEEDS[part]),
            torch.cuda.mem_get_info(bench.device)[0] / 1e9,
        )
        if need > there:
            return f"it needs {need:g} GB of GPU memory and {there:.0f} GB are free"
    return ""


def measure(bench: Bench, parts: Sequence[str]) -> None:
    """All of `parts`; one that cannot be measured is a row that says why."""
    for part in PARTS:
        if part not in parts:
            bench.add(part, part, None, "left out (--only)")
            continue
        why = lacking(bench, part)
        if not why:
            try:
                MEASURE[part](bench)
            except (UserError, RuntimeError, ValueError) as e:  # memory that runs out is a RuntimeError
                why = f"{type(e).__name__}: {e}"
        if why:
            bench.say(f"{part} was not measured: {why}")
            bench.add(part, part, None, why)
        free_memory()


def main(arguments: Sequence[str] | None = None) -> list[Row]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--size", choices=SIZES, default="full")
    parser.add_argument(
        "--only", help=f"some of {','.join(PARTS)}, with commas between", default=",".join(PARTS)
    )
    parser.add_argument("--device", default="auto", help="cpu, cuda or cuda:N")
    parser.add_argument("--work", type=Path, help="where models and runs go; models are kept and used again")
    parser.add_argument("--minutes", type=float, default=9, help="no part is begun after so many")
    parser.add_argument(
        "--server", help="base URL of an OpenAI-compatible server with a judge, ending in /v1"
    )
    parser.add_argument("--served", default="judge", help="what the server calls the judge")
    parser.add_argument("--json", type=Path, help="write the rows there too")
    chosen = parser.parse_args(arguments)
    parts = chosen.only.split(",")
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        parser.error(f"there is no part {unknown[0]}; there are {', '.join(PARTS)}")
    device = resolve_device(chosen.device, "benchmarks.gpu")
    if chosen.work:
        chosen.work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=chosen.work) as own:
        work = chosen.work or Path(own)
        bench = Bench(chosen.size, device, work, chosen.minutes, chosen.server, chosen.served)
        shutil.rmtree(work / "runs", ignore_errors=True)
        # Nothing is taken from earlier runs of anybody, while the two starts share what the first leaves.
        os.environ |= {"COPYCAT_CACHE": str(Path(own) / "cache"), "COPYCAT_HOME": str(Path(own) / "home")}
        measure(bench, parts)
    on = torch.cuda.get_device_name(device) if device.startswith("cuda") else device
    machine = {"device": on, "size": chosen.size, "torch": torch.__version__, "copycat": __version__}
    print_table(bench.rows, f"{on}, --size {chosen.size}", bench.barred)
    if chosen.json:
        chosen.json.write_text(
            json.dumps(as_json(bench.rows, machine, bench.barred), indent=2), encoding="utf-8"
        )
    return bench.rows


if __name__ == "__main__":
    main()
