"""Which device a model runs on. Imports torch when called, not before."""

from __future__ import annotations

from copycat.errors import MissingRequirement, UserError


def resolve_device(wanted: str, what: str, min_gpu_gb: float | None = None, lighter: str = "") -> str:
    """`cpu`, `cuda[:n]` or `mps` for `wanted`, where `auto` takes the best there is.

    `min_gpu_gb` is the GPU memory, in GB, that `what` needs; only an explicit `cpu` overrides it.
    `lighter` says how it would need less.
    """
    import torch

    kind, _, number = wanted.partition(":")
    if kind not in {"auto", "cpu", "cuda", "mps"} or (number and not number.isdigit()):
        raise UserError(f"Unknown device '{wanted}'. Known: auto, cpu, cuda, cuda:N, mps.")
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if kind == "cuda" and (not cuda or int(number or 0) >= torch.cuda.device_count()):
        raise MissingRequirement(f"There is no device {wanted} on this machine; use --device cpu or auto.")
    if kind == "mps" and not mps:
        raise MissingRequirement("There is no Apple GPU (mps) on this machine; use --device cpu or auto.")
    device = wanted if kind != "auto" else "cuda" if cuda else "mps" if mps else "cpu"
    if min_gpu_gb and kind != "cpu":
        if device == "cpu":
            raise MissingRequirement(
                f"{what} needs a GPU with {min_gpu_gb:g} GB and this machine has none; "
                "--device cpu runs it anyway, at minutes a picture."
            )
        if device.startswith("cuda"):
            there = torch.cuda.get_device_properties(device).total_memory / 1e9
            if there < min_gpu_gb:
                or_ = f"{lighter}, and " if lighter else ""
                raise MissingRequirement(
                    f"{what} needs a GPU with {min_gpu_gb:g} GB and {device} has {there:.0f} GB; "
                    f"{or_}--device cpu runs it anyway, at minutes a picture."
                )
    return device
