"""Reads what princeton-nlp/CopyCat has, as it is: its prompt files, and the results of its scripts."""

from copycat.subjects.upstream.checkout import Imported, account, import_checkout, write
from copycat.subjects.upstream.rankings import rankings
from copycat.subjects.upstream.results import Batch, is_results, read_results

__all__ = [
    "Batch",
    "Imported",
    "account",
    "import_checkout",
    "is_results",
    "rankings",
    "read_results",
    "write",
]
