"""Results of many runs on one page: the rows that are committed, and the site made of them."""

from copycat.leaderboard.entry import Entry, Pictures, entries
from copycat.leaderboard.site import site
from copycat.leaderboard.store import add, read

__all__ = ["Entry", "Pictures", "add", "entries", "read", "site"]
