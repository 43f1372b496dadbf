"""Which engine a run's settings ask for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from copycat.cards.catalog import Catalog
from copycat.cards.judges import JudgeCard
from copycat.cards.weights import Card
from copycat.config import RunConfig
from copycat.errors import UserError
from copycat.io.hosted import threads_for
from copycat.runtime.concurrent import Concurrent
from copycat.runtime.device import resolve_device
from copycat.runtime.engines import Engine, InProcess, Processes


@dataclass(frozen=True)
class Wanted:
    """What an engine is wanted for."""

    device: str
    """As the user wrote it: `auto`, `cpu`, `cuda[:n]` or `mps`."""
    config: RunConfig
    what: str
    """Who is to run there, for messages."""
    min_gpu_gb: float | None
    """GPU memory, in GB, that each worker needs."""
    lighter: str = ""
    """How it would need less."""
    folder: Path = Path()
    """The run folder, begun or not."""


CATALOG: Catalog[Callable[[Wanted], Engine]] = Catalog(
    "engines",
    singular="engine",
    builtin={"local": "copycat.stages.engine:local_engine", "ray": "copycat.stages.engine:ray_engine"},
)
"""What makes an engine of a :class:`Wanted`, or raises UserError for one that cannot be had. Each gives the
bits that `local` gives on the same processors."""


def choose_engine(
    wanted: str,
    config: RunConfig,
    what: str,
    min_gpu_gb: float | None,
    lighter: str = "",
    folder: Path | None = None,
) -> Engine:
    """The engine that `config` names, for `what`, which needs that much GPU memory in GB for each worker.

    On `wanted`, shared by the workers of `config`, unless that is `auto` and `config` names devices. Raises
    UserError for devices that are not there, too small or of several kinds; `lighter` says how `what` would
    need less. `folder` is the run's own, which every worker must see.
    """
    make = CATALOG.get(config.engine)
    return make(Wanted(wanted, config, what, min_gpu_gb, lighter, folder or Path()))


def local_engine(wanted: Wanted) -> Engine:
    """This process, or processes of this machine."""
    config = wanted.config
    idle = {"--address": config.address, "--gpus-per-worker": config.gpus_per_worker}
    if given := [option for option, value in idle.items() if value is not None]:
        raise UserError(f"{given[0]} is about a Ray cluster; add --engine ray, or leave it out.")
    what, gb, lighter = wanted.what, wanted.min_gpu_gb, wanted.lighter
    if wanted.device == "auto" and config.devices:
        # One that stands several times has as many workers, and each holds the model.
        on = Counter(config.devices)
        devices = [resolve_device(d, what, (gb or 0) * on[d], lighter) for d in config.devices]
        kinds = sorted({d.partition(":")[0] for d in devices})
        if len(kinds) > 1:
            raise UserError(
                f"--devices names {' and '.join(kinds)}, whose pictures differ by rounding; name devices of "
                "one kind."
            )
        return Processes(devices)
    # Each worker holds the model.
    workers = config.workers or 1
    what = f"{what} in {workers} processes" if workers > 1 else what
    device = resolve_device(wanted.device, what, (gb or 0) * workers, lighter)
    return InProcess(device) if workers == 1 else Processes([device] * workers)


def ray_engine(wanted: Wanted) -> Engine:
    """Actors on a Ray cluster, which is joined here. Ray chooses their places."""
    import torch

    from copycat.runtime.ray_cluster import join, warn_of_mixture
    from copycat.runtime.ray_engine import RayEngine
    from copycat.runtime.ray_room import place

    config = wanted.config
    kind = wanted.device.partition(":")[0]
    if kind not in {"auto", "cpu", "cuda"}:
        raise UserError(
            f"--engine ray takes --device auto, cpu or cuda, and '{wanted.device}' is none of them."
        )
    if wanted.device == "auto" and config.devices:
        raise UserError(
            "--engine ray chooses devices itself; leave --devices out, and say with --workers how many."
        )
    cluster = join(config.address, wanted.folder, config.workers or 1)
    places = place(
        cluster,
        kind,
        config.workers,
        config.gpus_per_worker,
        wanted.what,
        wanted.min_gpu_gb,
        wanted.lighter,
    )
    warn_of_mixture(cluster, on_gpus=places.device == "cuda")
    # As many threads as here, since sums are rounded by how they are shared out.
    return RayEngine(places.device, places.workers, places.room, threads=torch.get_num_threads())


def engine_for(
    card: Card, wanted: str, config: RunConfig, what: str, lighter: str = "", folder: Path | None = None
) -> Engine:
    """An engine for `what`, the model of `card`: threads where it runs elsewhere, else as
    :func:`choose_engine` says."""
    if card.api is None:
        return choose_engine(wanted, config, what, card.min_gpu_gb, lighter, folder)
    # The device is that of a filter's judge, which may run here.
    first = first_device(wanted, config)
    # An attempt that is in hand when something fails is waited for.
    return Concurrent(resolve_device(first, what, None), threads_for(card.at_a_time), card.api.timeout)


def first_device(wanted: str, config: RunConfig) -> str:
    """Where something computes alone in this process: on `wanted`, or where that is `auto` the first of the
    devices that `config` names."""
    return config.devices[0] if wanted == "auto" and config.devices else wanted


def encoder_device(card: JudgeCard, wanted: str, config: RunConfig) -> str:
    """Where the encoder of `card` computes, alone in this process whatever the engine: on `wanted`, or where
    that is `auto` the first of the devices that `config` names.

    Raises UserError for a device that is not there or too small for it. Where workers are elsewhere, what
    this machine lacks is no reason to refuse them, and it takes as long as it takes.
    """
    on = first_device(wanted, config)
    here = config.engine == "local"
    return resolve_device(on, f"The encoder {card.name}", card.min_gpu_gb if here else None)


def unused_workers(config: RunConfig, card: Card, what: str) -> str:
    """A sentence where `config` asks for processes, which the model of `card` has no use for; else empty."""
    asked = {
        f"--engine {config.engine}": config.engine != "local",
        "--workers": (config.workers or 1) > 1,
        "--devices": len(config.devices) > 1,
    }
    idle = [option for option, given in asked.items() if given]
    if card.api is None or not idle:
        return ""
    return (
        f"{what} runs elsewhere, so threads of one process call it, {card.at_a_time} at a time "
        f"(--concurrency), and {idle[0]} does nothing for it."
    )
