"""Where a clause begins, and pieces of patterns for what stands around a name in it."""

from __future__ import annotations

import re

_BREAK = re.compile(
    r"[;:!?…\n]|(?<!\bmr)(?<!\bdr)(?<!\bst)\.\s|\s[—–-]+\s"
    # "anyone but Mario" goes on; "not Luigi but Mario" does not.
    r"|(?<!anyone )(?<!anything )(?<!everyone )(?<!nothing )(?<!nobody )(?<!none )(?<!one )(?<!all )\bbut\b"
    r"|\b(?:sino|sondern)\b|\b(?:however|whereas|yet|though|although|while)\b"
    r"|,\s(?:and\s|so\s)?(?:it|this|that|he|she|they|there|the\s\w+)(?:\s\w+)?\s"
    r"(?:is|are|was|has|looks|shows|appears|does)\b|,\s(?:and\s|so\s)?(?:it|this|that)'s\b",
    re.IGNORECASE,
)


def find(pattern: str) -> re.Pattern[str]:
    """`pattern`, compiled, in any case of letters."""
    return re.compile(pattern, re.IGNORECASE)


def clause(before: str) -> str:
    """What comes before a name, since the last place where what was said came to an end."""
    last = 0
    for match in _BREAK.finditer(before):
        last = match.end()
    return before[last:]


OPEN = r"[\s\"'“‘(*\[«]*"
DET = rf"{OPEN}(?:(?:an?|the|its|his|her|their|this|that|some|any|another|actual|real)\s+)?{OPEN}"
LIST = rf"(?:[\w'’.-]+{OPEN}(?:,|/|&|\band\b|\bor\b|\bnor\b)\s*)*"
"""Other names of a list before the one looked at."""
PROPER = r"[A-Z0-9][\w'’.&-]*"
AT_END = rf"{DET}$"
