"""How many workers of what size a Ray cluster has room for."""

from __future__ import annotations

from dataclasses import dataclass

from copycat.errors import MissingRequirement, UserError
from copycat.runtime.ray_cluster import Cluster

_ROUNDING = 1e-6
"""Three thirds of a GPU are one."""


@dataclass(frozen=True)
class Room:
    """What one worker takes of a cluster."""

    cpus: float = 1.0
    gpus: float = 0.0

    def __str__(self) -> str:
        told = [f"{self.cpus:g} CPU"] if self.cpus else []
        return " and ".join([*told, f"{self.gpus:g} GPU"] if self.gpus else told) or "nothing"


@dataclass(frozen=True)
class Places:
    """Where the workers of an engine are to run."""

    device: str
    """`cpu` or `cuda`."""
    workers: int
    room: Room


def place(
    cluster: Cluster,
    kind: str,
    workers: int | None,
    gpus_per_worker: float | None,
    what: str,
    min_gpu_gb: float | None,
    lighter: str = "",
) -> Places:
    """Places for `workers` on devices of `kind`: `auto`, `cpu` or `cuda`, where `auto` takes GPUs if any.

    Without a number one worker for each GPU, or each share `gpus_per_worker` of one; without GPUs one for
    each machine. Each of those that share a GPU needs `min_gpu_gb` GB on it, for `what`; `lighter` says how
    it would need less. Raises MissingRequirement where the cluster is too small, UserError for a share of a
    CPU.
    """
    if kind == "cpu" or (kind == "auto" and not cluster.gpus and gpus_per_worker is None):
        if gpus_per_worker is not None:
            raise UserError("--gpus-per-worker is about GPUs, and --device is cpu; leave one of them out.")
        if min_gpu_gb and kind != "cpu":
            raise MissingRequirement(
                f"{what} needs a GPU with {min_gpu_gb:g} GB and the {cluster.name} has none; "
                "--device cpu runs it anyway, at minutes a picture."
            )
        _refuse_fewer(cluster, "CPU", workers or 1, cluster.cpus)
        return Places("cpu", workers or min(len(cluster.nodes), cluster.cpus), Room())
    share = gpus_per_worker or 1.0
    on_one = int(1 / share + _ROUNDING)
    places = cluster.gpus * on_one
    if not places:
        raise MissingRequirement(f"The {cluster.name} has no GPU; use --device cpu or auto.")
    each = f" at --gpus-per-worker {share:g}" if share < 1 else ""
    _refuse_fewer(cluster, f"GPU{each}", workers or 1, places)
    _refuse_smaller(cluster, (min_gpu_gb or 0) * on_one, what, lighter)
    return Places("cuda", workers or places, Room(gpus=share))


def _refuse_fewer(cluster: Cluster, of: str, wanted: int, places: int) -> None:
    if wanted > places:
        raise MissingRequirement(
            f"--workers {wanted} needs a {of} for each, and the {cluster.name} has room for {places}; start "
            "more nodes first, or ask for fewer."
        )


def _refuse_smaller(cluster: Cluster, needed: float, what: str, lighter: str) -> None:
    for node in cluster.nodes:
        smallest = min(node.gpu_gb, default=None) if node.gpus else None
        if smallest is not None and smallest < needed:
            or_ = f"{lighter}, or " if lighter else ""
            raise MissingRequirement(
                f"{what} needs {needed:g} GB on each GPU and {node.host} has one with {smallest:.0f} GB; "
                f"{or_}leave that node out."
            )
