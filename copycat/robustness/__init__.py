"""Every guardrail under every attack, and what it costs characters that nobody erased."""

from copycat.robustness.people import People, choose
from copycat.robustness.study import Study

__all__ = ["People", "Study", "choose"]
