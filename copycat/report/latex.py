"""Tables in LaTeX, with booktabs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_TEX = {
    **{c: f"\\{c}" for c in "&%$#_{}"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
    **{"±": r"$\pm$", "−": "$-$", "–": "--", "×": r"$\times$", "≥": r"$\geq$", "↓": r"$\downarrow$"},
    **{"↑": r"$\uparrow$", "κ": r"$\kappa$", "α": r"$\alpha$", "…": r"\ldots{}"},
    # Zero-width, put between two hyphens, which LaTeX would draw as one dash.
    **{"·": r"$\cdot$", "\u200b": "{}"},
    **{s: rf"\textsuperscript{{{i}}}" for i, s in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
}


def tex(text: str) -> str:
    """`text` with everything escaped that LaTeX would read as markup."""
    quoted = re.sub(r'"([^"]*)"', r"``\1''", " ".join(text.split()))
    return "".join(_TEX.get(c, c) for c in re.sub("-(?=-)", "-\u200b", quoted))


def tabular(columns: str, head: Sequence[str], lines: Iterable[Sequence[str]]) -> list[str]:
    """One `tabular`, as wide as the page. `head` is LaTeX already, `lines` are plain text."""
    return [
        r"\resizebox{\textwidth}{!}{%",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        *head,
        r"\midrule",
        *(" & ".join(map(tex, line)) + r" \\" for line in lines),
        r"\bottomrule",
        r"\end{tabular}}",
    ]


def floating(tabulars: Iterable[Sequence[str]], remarks: Iterable[str], caption: str, label: str) -> str:
    """`tabulars` in a `table*` environment, `remarks` below; needs the packages booktabs and graphicx."""
    out = [
        r"% \usepackage{booktabs,graphicx}",
        r"\begin{table*}",
        r"\centering",
        rf"\caption{{{tex(caption)}}}",
        rf"\label{{{label}}}",
    ]
    for one in tabulars:
        out += one
    out += [r"\footnotesize", *(rf"\par {tex(r)}" for r in remarks), r"\end{table*}"]
    return "\n".join(out) + "\n"
