"""Which engine a run's settings ask for."""

from __future__ import annotations

from collections import Counter

from copycat.cards.weights import Card
from copycat.config import RunConfig
from copycat.errors import UserError
from copycat.io.hosted import threads_for
from copycat.runtime.concurrent import Concurrent
from copycat.runtime.device import resolve_device
from copycat.runtime.engines import Engine, InProcess, Processes


def choose_engine(
    wanted: str, config: RunConfig, what: str, min_gpu_gb: float | None, lighter: str = ""
) -> Engine:
    """An engine for `what`, which needs that much GPU memory in GB on each device.

    On `wanted`, shared by the workers of `config`, unless that is `auto` and `config` names devices. Raises
    UserError for devices that are not here, too small or of several kinds; `lighter` says how `what` would
    need less.
    """
    if wanted == "auto" and config.devices:
        # One that stands several times has as many workers, and each holds the model.
        on = Counter(config.devices)
        devices = [resolve_device(d, what, (min_gpu_gb or 0) * on[d], lighter) for d in config.devices]
        kinds = sorted({d.partition(":")[0] for d in devices})
        if len(kinds) > 1:
            raise UserError(
                f"--devices names {' and '.join(kinds)}, whose pictures differ by rounding; name devices of "
                "one kind."
            )
        return Processes(devices)
    # Each worker holds the model.
    device = resolve_device(wanted, what, (min_gpu_gb or 0) * config.workers, lighter)
    return InProcess(device) if config.workers == 1 else Processes([device] * config.workers)


def engine_for(card: Card, wanted: str, config: RunConfig, what: str) -> Engine:
    """An engine for `what`, the model of `card`: threads where it runs elsewhere, else as
    :func:`choose_engine` says."""
    if card.api is None:
        return choose_engine(wanted, config, what, card.min_gpu_gb)
    # The device is that of a filter's judge, which may run here.
    first = config.devices[0] if wanted == "auto" and config.devices else wanted
    # An attempt that is in hand when something fails is waited for.
    return Concurrent(resolve_device(first, what, None), threads_for(card.at_a_time), card.api.timeout)


def unused_workers(config: RunConfig, card: Card, what: str) -> str:
    """A sentence where `config` asks for processes, which the model of `card` has no use for; else empty."""
    if card.api is None or (config.workers == 1 and len(config.devices) < 2):
        return ""
    option = "--workers" if config.workers > 1 else "--devices"
    return (
        f"{what} runs elsewhere, so threads of one process call it, {card.at_a_time} at a time "
        f"(--concurrency), and {option} does nothing for it."
    )
