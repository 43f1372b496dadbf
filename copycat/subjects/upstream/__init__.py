"""Reads the prompt files of princeton-nlp/CopyCat, as they are, into registries and prompt sets."""

from copycat.subjects.upstream.checkout import Imported, account, import_checkout, write
from copycat.subjects.upstream.rankings import rankings

__all__ = ["Imported", "account", "import_checkout", "rankings", "write"]
