"""Which engine a run's settings ask for."""

from __future__ import annotations

from copycat.config import RunConfig
from copycat.errors import UserError
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
        devices = [resolve_device(d, what, min_gpu_gb, lighter) for d in config.devices]
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
