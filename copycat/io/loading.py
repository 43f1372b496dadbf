"""What loading weights needs, and doing it without the libraries' own bars, which would tear ours."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from copycat.errors import BadFile, MissingRequirement, first_line
from copycat.io.hub import explain


@contextmanager
def quiet_loading() -> Iterator[None]:
    """Hide bars and warnings of diffusers and transformers, and put them back as they were."""
    from diffusers.utils import logging as diffusers_logging
    from transformers.utils import logging as transformers_logging

    libraries = (diffusers_logging, transformers_logging)
    before = [(library.is_progress_bar_enabled(), library.get_verbosity()) for library in libraries]
    for library in libraries:
        library.disable_progress_bar()
        library.set_verbosity_error()
    try:
        yield
    finally:
        for library, (bars, verbosity) in zip(libraries, before, strict=True):
            if bars:
                library.enable_progress_bar()
            library.set_verbosity(verbosity)


@contextmanager
def loading(folder: Path | None, repository: str, what: str, kind: str) -> Iterator[None]:
    """Load weights quietly, and turn what goes wrong into one sentence.

    BadFile for a local `folder` that is not `kind` ("a vision model"), else MissingRequirement for `what`.
    """
    try:
        with quiet_loading():
            yield
    except ImportError as e:
        reason = " ".join(str(e).split())[:200]
        raise MissingRequirement(f"{what} needs a package that is missing: {reason}") from e
    except Exception as e:
        if folder:
            raise BadFile(f"{folder} does not load as {kind} ({first_line(e)}).") from e
        raise MissingRequirement(explain(e, repository, what)) from e


def check_packages(names: Iterable[str], what: str) -> None:
    """Refuse when one of the distributions that `what` needs is not installed."""
    missing = [name for name in names if not _installed(name)]
    if missing:
        raise MissingRequirement(
            f"{what} needs {', '.join(missing)}; install with "
            f"`{sys.executable} -m pip install {' '.join(missing)}`."
        )


def _installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True
