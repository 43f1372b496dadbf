"""A Ray cluster: joining one or starting one here, and what its nodes have. Imports Ray when called."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from copycat.errors import MissingRequirement, UserError, first_line, require
from copycat.runtime.ray_nodes import Node, cores, look_at, shared_token

_ANSWER = 10.0
"""Seconds that an address has to take a connection."""
_JOIN = 60.0
"""Seconds that a cluster has to let a process join it."""
_STARTS = 2
"""Attempts to start a cluster on this machine."""
_STORE = 512 * 2**20
"""Bytes of the object store of a cluster that is started here; what goes through it is small."""
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Cluster:
    """The cluster that this process is in."""

    name: str
    """For messages."""
    nodes: tuple[Node, ...]

    @property
    def cpus(self) -> int:
        return int(sum(n.cpus for n in self.nodes))

    @property
    def gpus(self) -> int:
        return int(sum(n.gpus for n in self.nodes))


def load_ray() -> Any:
    """The package; MissingRequirement says how to install it."""
    return require("ray", "ray>=2.56", "--engine ray")


def join(address: str | None, folder: Path, cpus: int = 1) -> Cluster:
    """Join the cluster at `address`, where this process is not in one already, and look at its nodes.

    `address` is `host:port` of its head, or `auto` for the one that runs on this machine. Where it is None,
    the variable RAY_ADDRESS says it, else a cluster of this machine alone is started, with at least `cpus`
    slots, which ends with this process. `folder` is a run folder, begun or not, that every node must share.

    Raises MissingRequirement, within about a minute and a half, for an address that does not answer, and for
    a node that does not report, has other versions of what decides pixels than this process, or does not
    share `folder`.
    """
    ray = load_ray()
    address = address or os.environ.get("RAY_ADDRESS") or None
    if not ray.is_initialized():
        _start(ray, address, cpus)
    name = f"Ray cluster at {address}" if address else "Ray cluster on this machine"
    with shared_token(folder) as token:
        return Cluster(name, tuple(look_at(ray, name, token)))


def _start(ray: Any, address: str | None, cpus: int) -> None:
    common: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": True}
    if address is None:
        # Nobody is told of a cluster that lives on one machine for the length of a run.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        # As the workers of the other engines, which nothing else on the machine goes before.
        os.environ.setdefault("RAY_worker_niceness", "0")
        here = {"num_cpus": max(cpus, cores()), "include_dashboard": False, "object_store_memory": _STORE}
        _start_here(ray, {**here, **common})
        return
    _check_address(address)
    try:
        ray.init(address=address, **common)
    except (ConnectionError, RuntimeError, ValueError, OSError) as e:
        raise MissingRequirement(f"The Ray cluster at {address} cannot be joined: {first_line(e)}.") from e


def _start_here(ray: Any, told: Mapping[str, Any]) -> None:
    """A cluster of this machine alone. Ray gives its parts half a minute, which a busy machine may pass."""
    for left in reversed(range(_STARTS)):
        try:
            ray.init(address="local", **told)
            return
        except Exception as e:
            ray.shutdown()
            if not left:
                raise MissingRequirement(
                    f"No Ray cluster could be started on this machine: {first_line(e)}. Try again when less "
                    "runs here, or start one with `ray start --head` and use --address auto."
                ) from e


def _check_address(address: str) -> None:
    """Say in one line, within a bounded time, why `address` cannot be joined.

    The attempt is made by another process: in the one that makes it, Ray may wait for minutes, or end the
    process.
    """
    if "://" in address:
        raise UserError(
            f"--address {address}: copycat itself must run on a machine of the cluster; start it there, with "
            "`ray job submit` (docs/scale.md), and give host:port of the head node."
        )
    if address != "auto":
        host, _, port = address.rpartition(":")
        if not host or not port.isdigit():
            raise UserError(f"--address {address} is no address; write host:port, such as 10.0.0.1:6379.")
        try:
            socket.create_connection((host, int(port)), timeout=_ANSWER).close()
        except (OSError, OverflowError) as e:
            why = getattr(e, "strerror", None) or first_line(e)
            raise MissingRequirement(
                f"No Ray cluster answers at {address} ({why}); start one there with `ray start --head`, or "
                "leave --address out for one on this machine."
            ) from e
    attempt = "import sys, ray; ray.init(address=sys.argv[1], log_to_driver=False)"
    try:
        done = subprocess.run(
            [sys.executable, "-c", attempt, address], capture_output=True, text=True, timeout=_JOIN
        )
    except subprocess.TimeoutExpired as e:
        raise MissingRequirement(
            f"What answers at {address} did not let a process join within {_JOIN:.0f} s: it is no Ray "
            "cluster, or one that hangs."
        ) from e
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        raise MissingRequirement(
            f"The Ray cluster at {address} cannot be joined: {said[-1] if said else 'no reason told'}"
        )


def warn_of_mixture(cluster: Cluster, *, on_gpus: bool) -> None:
    """Log a warning where workers would run on processors of several models, which round differently."""
    models = {name for n in cluster.nodes for name in (n.gpu_names if on_gpus else (n.cpu_name,))} - {""}
    if len(models) > 1:
        _LOG.warning(
            "The %s has processors of several models (%s), which round differently: which of them draws a "
            "picture changes its bits.",
            cluster.name,
            ", ".join(sorted(models)),
        )
