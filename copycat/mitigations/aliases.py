"""Short names for mitigations with options: the negative prompts of He et al. 2024, Table 1."""

from __future__ import annotations

import re

AT = re.compile(r"@(?![^\[]*\])")
"""Stands between guardrails and the attack on them; inside of brackets it is part of a name."""
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


def canonical(spec: str) -> str:
    """A mitigation in its long form, without blanks and idle `none`s, options sorted: equal for equal
    guardrails, and for equal attacks on them."""
    guard, *attack = AT.split(spec)
    return "@".join(["+".join(parts(guard)) or "none", *map(_part, attack)])


def parts(spec: str) -> list[str]:
    """The parts of a mitigation from left to right, each in its canonical form; empty for `none`."""
    found = [_part(expand(p)) for p in re.split(r"\+(?![^\[]*\])", spec)]
    return [p for p in found if p != "none"]


def _part(text: str) -> str:
    name, _, inside = text.strip().removesuffix("]").partition("[")
    options = sorted(re.sub(r"\s*=\s*", "=", o.strip()) for o in inside.split(",") if o.strip())
    return name.strip() + (f"[{','.join(options)}]" if options else "")
