"""The Hugging Face hub: which commit a branch is at, whether a repository can be had, and why not."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from copycat.errors import MissingRequirement, first_line

TIMEOUT = 10.0
"""Seconds to wait for the hub's answer before anything is fetched."""


_VARIANT = re.compile(r"\.(?:fp16|bf16|fp32|non_ema|ema)[.-]")


@lru_cache(maxsize=64)
def commit_of(repository: str, branch: str) -> str:
    """The commit that `branch` is at; of the local cache where the hub cannot be asked, else `branch`."""
    from huggingface_hub import HfApi, constants

    # Offline, gated or gone: `check_repository` says which.
    with suppress(Exception):
        sha = HfApi().model_info(repository, revision=branch, timeout=TIMEOUT).sha
        if sha:
            return sha
    cached = Path(constants.HF_HUB_CACHE) / f"models--{repository.replace('/', '--')}" / "refs" / branch
    return cached.read_text(encoding="utf-8").strip() if cached.is_file() else branch


def is_cached(repository: str, revision: str) -> bool:
    """Whether a snapshot of the repository at `revision`, a commit or a branch, is on this machine."""
    return any(snapshot_of(repository, revision).glob("*"))


def snapshot_of(repository: str, revision: str) -> Path:
    """Where the files of the repository at `revision`, a commit or a branch, lie on this machine, as far as
    they are here; the hub is not asked."""
    from huggingface_hub import constants

    folder = Path(constants.HF_HUB_CACHE) / f"models--{repository.replace('/', '--')}"
    branch = folder / "refs" / revision
    commit = branch.read_text(encoding="utf-8").strip() if branch.is_file() else revision
    return folder / "snapshots" / commit


def is_logged_in() -> bool:
    """Whether there is an account's token here; the hub is not asked whether it is good."""
    from huggingface_hub import get_token

    return get_token() is not None


def told_gated(what: str, repository: str) -> str:
    """What to do about a repository that asks for an account which accepted its licence."""
    return (
        f"{what} is gated: accept its licence at https://huggingface.co/{repository}, then log in with "
        "`hf auth login` or set HF_TOKEN."
    )


def check_repository(repository: str, revision: str, file: str, what: str) -> None:
    """Ask the hub for one `file`, unless it is here already; MissingRequirement says why it cannot be had."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url, try_to_load_from_cache

    if isinstance(try_to_load_from_cache(repository, file, revision=revision), str):
        return
    try:
        get_hf_file_metadata(hf_hub_url(repository, file, revision=revision), timeout=TIMEOUT)
    except Exception as e:
        raise MissingRequirement(explain(e, repository, what)) from e


def download_gb(repository: str, revision: str, variant: str | None = None) -> float | None:
    """GB of the safetensors that loading would fetch: in each folder those of `variant` where there are some,
    else those of none. What is cached counts 0; None where the hub does not answer."""
    from huggingface_hub import HfApi, try_to_load_from_cache

    info = None
    # Offline, gated or gone: `check_repository` says which.
    with suppress(Exception):
        info = HfApi().model_info(repository, revision=revision, files_metadata=True, timeout=TIMEOUT)
    if info is None:
        return None
    files = [f for f in info.siblings or () if f.rfilename.endswith(".safetensors")]
    folders: dict[str, list[tuple[str, int]]] = {}
    for f in files:
        folders.setdefault(f.rfilename.rpartition("/")[0], []).append((f.rfilename, f.size or 0))
    if len(folders) > 1:
        # Of a pipeline the file beside the folders is the same weights once more.
        folders.pop("", None)
    total = 0
    for found in folders.values():
        chosen = [x for x in found if variant and f".{variant}." in x[0]]
        plain = [x for x in found if not _VARIANT.search(x[0])]
        for name, size in chosen or plain or found:
            cached = try_to_load_from_cache(repository, name, revision=revision)
            total += 0 if isinstance(cached, str) else size
    return total / 1e9


def explain(error: BaseException, repository: str, what: str) -> str:
    """One sentence on why `repository` could not be loaded, and what to do about it."""
    from huggingface_hub import errors

    causes = list(chain(error))
    if any(isinstance(e, errors.GatedRepoError) for e in causes):
        return told_gated(what, repository)
    if any(isinstance(e, errors.RevisionNotFoundError) for e in causes):
        return f"The revision of {what} is not in {repository}; correct `revision` in its card."
    if any(isinstance(e, errors.RepositoryNotFoundError) for e in causes):
        return (
            f"{repository} is not on the hub, or it is private; for a private one log in with "
            "`hf auth login` or set HF_TOKEN."
        )
    if any(isinstance(e, OSError) and e.errno == errno.ENOSPC for e in causes):
        return f"The disk is full; make room for the weights of {what} ({repository})."
    return (
        f"The weights of {what} are not on this machine and {repository} cannot be fetched from the hub; "
        f"check the network and the disk ({first_line(error)})."
    )


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and all it was raised from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
