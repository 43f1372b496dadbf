"""copycat measures how readily image generators reproduce protected characters, and what stops them.

    >>> import copycat
    >>> run = copycat.run(model="menagerie", mitigations=["none", "negprompt"], limit=10)
    >>> run.metrics

See docs/python.md. The public interface is `copycat.api`, imported when a name of it is first used, so that
`import copycat` needs no model library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from copycat.io.version import __version__

if TYPE_CHECKING:
    from copycat.api import (
        Attack,
        Character,
        Generator,
        Judge,
        Measure,
        Mitigation,
        Run,
        RunConfig,
        load_run,
        run,
    )

__all__ = [
    "Attack",
    "Character",
    "Generator",
    "Judge",
    "Measure",
    "Mitigation",
    "Run",
    "RunConfig",
    "__version__",
    "load_run",
    "run",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'copycat' has no attribute '{name}'")
    from copycat import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return sorted(__all__)
