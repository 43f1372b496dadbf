"""Signals of programs that a test starts."""

from __future__ import annotations

import signal


def listen_to_ctrl_c() -> None:
    """For `preexec_fn`: Ctrl-C ends the child, whatever started the tests. What a shell starts in the
    background ignores it, and so do that one's children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
