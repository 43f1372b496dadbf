"""What a judge's reply says: its structure, whether it answers, and who is named in it."""

from copycat.judges.replies.names import read_names
from copycat.judges.replies.verify import read_yes_no

__all__ = ["read_names", "read_yes_no"]
