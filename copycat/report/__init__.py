"""What a finished run looks like to a reader: the Markdown table, the page, the summary."""

from copycat.report.page import render_page
from copycat.report.table import table_markdown

__all__ = ["render_page", "table_markdown"]
