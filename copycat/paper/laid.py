"""A table that is one grid, as Markdown, CSV and LaTeX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from copycat.paper.base import Document
from copycat.report.files import csv_content
from copycat.report.latex import floating, tabular, tex
from copycat.report.markdown import escaped, grid


@dataclass(frozen=True)
class Laid:
    """One grid: what people read, the same as numbers, and what stands under it."""

    heads: Sequence[str]
    lines: Sequence[Sequence[str]]
    columns: Sequence[str]
    """Of the CSV file."""
    records: Sequence[Mapping[str, object]]
    """Of the CSV file; what a record lacks is empty there."""
    remarks: Sequence[str] = ()


def files(document: Document, laid: Laid) -> dict[str, bytes]:
    """The grid's files by their endings."""
    remarks = [document.published(), *document.notes, *laid.remarks]
    texts = {
        "md": _markdown(document, laid, remarks),
        "csv": csv_content(laid.columns, laid.records),
        "tex": _latex(document, laid, remarks),
    }
    return {ending: text.encode() for ending, text in texts.items()}


def _markdown(document: Document, laid: Laid, remarks: Sequence[str]) -> str:
    out = [f"# {document.called}: {document.title}", "", *grid(laid.heads, laid.lines)]
    return "\n".join([*out, *(f"- {escaped(r)}" for r in remarks)]) + "\n"


def _latex(document: Document, laid: Laid, remarks: Sequence[str]) -> str:
    head = [" & ".join(map(tex, laid.heads)) + r" \\"]
    body = tabular("l" + "r" * (len(laid.heads) - 1), head, laid.lines)
    return floating([body], remarks, document.title, f"tab:copycat-{document.stem}")
