"""Our results laid out as a paper's tables and figures, beside the published numbers."""

from copycat.paper.published import CATALOG, Figure, PaperTable, load

__all__ = ["CATALOG", "Figure", "PaperTable", "load"]
