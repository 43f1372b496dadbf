"""What is asked of a model and what it wrote: one JSON object a line."""

from __future__ import annotations

import hashlib
from typing import Literal, Self

from pydantic import Field

from copycat.records import Row, digest
from copycat.verbatim.text.documents import Kind

Outcome = Literal["ok", "refused", "withheld", "error"]
"""Text that was delivered; a refusal of the model; text that a mitigation withheld; nothing, for a fault."""
Role = Literal["protected", "benign"]
"""Whether a prompt is from a work that is not to be given back, or from other text, to see what guarding
costs there."""


class Asked(Row):
    """One prompt to be answered once."""

    id: str = ""
    """The first 16 hex digits of the SHA-256 of all that decides the answer."""
    model: str
    """Identity of the model."""
    role: Role
    document: str
    """Content hash of the document."""
    title: str
    group: str
    """The document's set."""
    kind: Kind
    prompts: str
    """Kind of prompt."""
    instructs: bool
    """Whether the prompt is an instruction, for which a chat template is used where there is one."""
    length: int
    """Of what is shown, in the unit of the kind of prompt."""
    begin: int
    """First word of the document that is shown."""
    end: int
    """First word that is not."""
    behind: int
    """Words of the document from there on."""
    mitigation: str
    guarded: str
    """Content hash of the protected works; empty without a mitigation."""
    sample: int
    seed: int
    """Of the sampler: the same for every mitigation."""
    temperature: float
    max_tokens: int
    prompt: str

    def with_id(self) -> Self:
        """This row with its identity."""
        decides = self.model_dump(include=_DECIDES)
        return self.model_copy(update={"id": digest(decides)})

    @property
    def place(self) -> tuple[str, str, int, int]:
        """What samples and mitigations of one prompt have in common."""
        return self.document, self.prompts, self.length, self.begin


_DECIDES = {
    *("model", "document", "prompts", "instructs", "length", "begin", "mitigation", "guarded", "sample"),
    *("seed", "temperature", "max_tokens", "prompt"),
}


class Written(Row):
    """What became of a prompt."""

    asked: str
    """Identity of the prompt."""
    outcome: Outcome
    text: str = ""
    """As the model wrote it; of withheld text too, which only this folder's owner sees."""
    restored: str | None = None
    """Translated back, where the prompt was a translation."""
    reason: str = ""
    """Why there is no text, why it was withheld, or why it cannot be compared."""
    tokens: int | None = Field(default=None, ge=0)
    """That the model wrote; None where it did not say."""
    most: int | None = Field(default=None, ge=0)
    """Tokens that it might have had, where the model's context leaves room for fewer than were asked for."""
    held: int = Field(default=0, ge=0)
    """How often a token was forbidden that would have been written."""
    surprise: float | None = Field(default=None, allow_inf_nan=False)
    """Mean of −ln P of the written tokens by the model without mitigation; None for a hosted one."""
    seconds: float | None = None
    """That the writing took; of a batch, its share."""
    review_seconds: float = 0.0
    """That mitigations took to look at the finished text."""

    def failed(self, why: str) -> Self:
        return self.model_copy(update={"outcome": "error", "text": "", "restored": None, "reason": why})


def sampler_seed(run_seed: int, document: str, prompts: str, length: int, begin: int, sample: int) -> int:
    """In [0, 2**63); no mitigation changes it, so that outputs with and without one are pairs."""
    key = f"{run_seed}|{document}|{prompts}|{length}|{begin}|{sample}"
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") >> 1
