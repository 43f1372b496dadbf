"""The hub: a dataset's folder up, a pinned snapshot of one down, and its refusals in one sentence."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from copycat.errors import MissingRequirement, UserError, first_line
from copycat.io.hub import TIMEOUT, chain

_OURS = ["README.md", "publication.json", "croissant.json", "data/*.parquet"]
"""The files of a dataset, on the hub and in a folder."""
_LOGIN = "log in with `hf auth login` or set HF_TOKEN"
_PART = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?"
_NAME = re.compile(rf"({_PART}/{_PART})(?:@([^\s@]+))?")


@dataclass(frozen=True)
class HubDataset:
    """A dataset on the hub."""

    repository: str
    """`user/name`."""
    revision: str | None = None
    """A commit, branch or tag; None for the latest."""


def hub_dataset(text: str) -> HubDataset:
    """`user/name` or `user/name@revision`; UserError for anything else."""
    match = _NAME.fullmatch(text)
    if not match:
        raise UserError(f"'{text}' is not a dataset on the hub; write user/name or user/name@revision.")
    return HubDataset(match[1], match[2])


def page_of(repository: str) -> str:
    """The address of a dataset's page."""
    from huggingface_hub import constants

    return f"{constants.ENDPOINT}/datasets/{repository}"


def check_token() -> None:
    """Raise MissingRequirement where no token is at hand, before anything is prepared."""
    from huggingface_hub import get_token

    if get_token() is None:
        raise MissingRequirement(f"Publishing on the hub needs a token that may write: {_LOGIN}.")


def upload(folder: Path, repository: str, message: str, *, private: bool = False) -> str:
    """Make the dataset `repository` hold `folder`, in one commit, and return that commit.

    Data files of an earlier publication that are not in `folder` go. Raises MissingRequirement where the hub
    does not let us.
    """
    from huggingface_hub import HfApi

    check_token()
    with _told(repository, "written"):
        api = HfApi()
        api.create_repo(repository, repo_type="dataset", private=private or None, exist_ok=True)
        done = api.upload_folder(
            repo_id=repository,
            repo_type="dataset",
            folder_path=folder,
            commit_message=message,
            # What else lies in the folder is somebody's own.
            allow_patterns=_OURS,
            delete_patterns=["data/*.parquet"],
        )
        return str(done.oid)


def sizes(wanted: HubDataset) -> tuple[str, dict[str, int]]:
    """The commit that a dataset is at, and the bytes of each of its files; nothing of them is fetched.

    Raises MissingRequirement where the hub does not answer, or has no such dataset.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile

    with _told(wanted.repository, "read", wanted.revision):
        api = HfApi()
        commit = str(api.dataset_info(wanted.repository, revision=wanted.revision, timeout=TIMEOUT).sha)
        tree = api.list_repo_tree(wanted.repository, repo_type="dataset", revision=commit, recursive=True)
        return commit, {f.path: f.size for f in tree if isinstance(f, RepoFile)}


def download(wanted: HubDataset, files: Sequence[str] = _OURS) -> tuple[Path, str]:
    """A snapshot of a dataset and the commit that it is; from the cache where the hub cannot be reached.

    Of its files those that fit the patterns `files`, by default what copycat publishes.
    """
    from huggingface_hub import snapshot_download

    with _told(wanted.repository, "read", wanted.revision):
        found = snapshot_download(
            wanted.repository,
            repo_type="dataset",
            revision=wanted.revision,
            allow_patterns=list(files),
        )
    # Snapshots lie in folders called by their commit.
    return Path(found), Path(found).name


@contextmanager
def _told(repository: str, done: str, revision: str | None = None) -> Iterator[None]:
    """Turn what the hub refuses into one sentence."""
    try:
        yield
    except UserError:
        raise
    except Exception as e:
        raise MissingRequirement(_explain(e, repository, done, revision)) from e


def _explain(error: Exception, repository: str, done: str, revision: str | None) -> str:
    from huggingface_hub import errors

    causes = list(chain(error))
    status = next((e.response.status_code for e in causes if isinstance(e, errors.HfHubHTTPError)), None)

    def caused(*kinds: type[BaseException]) -> bool:
        return any(isinstance(e, kinds) for e in causes)

    if caused(errors.HFValidationError):
        return f"'{repository}' is not a name that the hub takes; write user/name."
    if caused(errors.GatedRepoError):
        return f"The dataset {repository} is gated: accept its terms on its page, then {_LOGIN}."
    if caused(errors.RevisionNotFoundError):
        return f"The dataset {repository} has no revision {revision}; leave it out for the latest."
    if caused(errors.LocalTokenNotFoundError):
        return f"Publishing on the hub needs a token that may write: {_LOGIN}."
    if status == 401 and done == "written":
        return f"The hub does not accept your token (wrong or expired); {_LOGIN} anew."
    if status == 403:
        verb = "write to" if done == "written" else "read"
        return f"Your token may not {verb} {repository}; use one that may, or choose another name."
    if caused(errors.RepositoryNotFoundError) or status == 401:
        return f"There is no dataset {repository} on the hub, or it is private; for a private one {_LOGIN}."
    if any(isinstance(e, OSError) and e.errno == errno.ENOSPC for e in causes):
        return f"The disk is full; make room for the dataset {repository}."
    reason = first_line(error)
    if status is not None:
        told = f"The hub answered with status {status} and {repository} was not {done}"
        return f"{told}; try again later ({reason})."
    return f"The hub cannot be reached, so {repository} was not {done}; check the network ({reason})."
