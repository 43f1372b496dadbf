"""Our results laid out as a paper's tables and figures, beside the published numbers."""

from copycat.paper.base import Document
from copycat.paper.catalog import CATALOG, load

__all__ = ["CATALOG", "Document", "load"]
