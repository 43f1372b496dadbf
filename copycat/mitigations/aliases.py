"""Short names for mitigations with options: the negative prompts of He et al. 2024, Table 1."""

from __future__ import annotations

_RANKINGS = ("lm", "emb", "cooc", "emb-cooc")

ALIASES: dict[str, str] = {
    "negprompt-cc": "negprompt[of=generic]",
    **{f"negprompt-cc-{r}": f"negprompt[of=generic,words={r}]" for r in _RANKINGS},
    **{f"negprompt-{r}": f"negprompt[words={r}]" for r in _RANKINGS},
    **{f"negprompt-{r}-noname": f"negprompt[of=nothing,words={r}]" for r in _RANKINGS},
}
"""Name to what it stands for. `cc` is "Copyrighted character", `noname` the words alone; five words a
ranking unless `k` says otherwise."""


def expand(spec: str) -> str:
    """One part of a mitigation in its long form."""
    return ALIASES.get(spec.strip(), spec)
