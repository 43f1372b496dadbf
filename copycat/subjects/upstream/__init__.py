"""Reads the prompt files of princeton-nlp/CopyCat, as they are, into registries and prompt sets."""

from copycat.subjects.upstream.checkout import Imported, account, import_checkout, write

__all__ = ["Imported", "account", "import_checkout", "write"]
