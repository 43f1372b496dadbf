"""What a finished run looks like to a reader: tables, figures, the page, the summary."""

from copycat.report.figures import figures
from copycat.report.page import render_page
from copycat.report.table import table_markdown, tables

__all__ = ["figures", "render_page", "table_markdown", "tables"]
