"""A guardrail under attack: what is asked is the attacker's, what stands in the way is the guardrail's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from copycat.attacks.base import Attack, Found
from copycat.cards.hooks import Conditioning
from copycat.mitigations.aliases import AT
from copycat.mitigations.base import Mitigation, RunContext
from copycat.mitigations.composition import Composition, HookResult, TargetGuesser, overrides
from copycat.records import Request
from copycat.subjects.characters import Character


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a search came to, with the embeddings that it may have found, and what it took."""

    found: Found
    conditioning: Conditioning | None = None
    seconds: float = 0.0


class Attacked(Composition):
    """Guardrails with one attack on them.

    The attacker's prompt and embeddings go in first, and the guardrails see them as they would any user's;
    weights are the guardrails'; the attacker's hook on the denoiser is around theirs. The attacker always
    knows whom the picture is to show.
    """

    def __init__(self, spec: str, parts: Sequence[Mitigation[Any]], attack: Attack[Any]) -> None:
        super().__init__(spec, parts)
        self.attack = attack

    @property
    def everyone(self) -> tuple[Mitigation[Any], ...]:
        return (*self.parts, self.attack)

    @property
    def guard(self) -> Composition:
        """The guardrails alone."""
        return Composition(AT.split(self.spec)[0].strip(), self.parts)

    def bind(self, context: RunContext) -> Self:
        bound = super().bind(context)
        return type(self)(bound.spec, bound.parts, self.attack.bind(context))

    def with_parts(self, parts: Sequence[Mitigation[Any]]) -> Self:
        return type(self)(self.spec, parts, self.attack)

    def further_texts(self, request: Request, parts: Sequence[Mitigation[Any]]) -> list[str]:
        # What an attack has the model asked, it is asked through the guardrails, as a prompt would be.
        asked = [t for part in parts if part is self.attack for t in part.texts(request)]
        prompts = [request, *(request.model_copy(update={"prompt": t}) for t in asked)]
        guards = [part for part in parts if part is not self.attack]
        return [*asked, *(t for r in prompts for t in super(Attacked, self).further_texts(r, guards))]

    def apply(
        self,
        request: Request,
        character: Character,
        guess: TargetGuesser | None = None,
        keep: Callable[[Conditioning], None] = lambda _: None,
        given: Conditioning | None = None,
    ) -> Request:
        """As :meth:`strike`, for an attack that does not search."""
        if self.attack.searches:
            raise RuntimeError(f"{self.attack.name} must search before a request is shaped")
        return self._shaped(request, character, guess, keep, given)

    def strike(
        self,
        request: Request,
        character: Character,
        outcome: Outcome,
        guess: TargetGuesser | None = None,
        keep: Callable[[Conditioning], None] = lambda _: None,
    ) -> Request:
        """The request as it will be sent, asked as `outcome` says. `guess` is for the guardrails alone."""
        found, given = outcome.found, outcome.conditioning
        changes: dict[str, Any] = {} if found.prompt is None else {"prompt": found.prompt}
        if given is not None:
            keep(given)
            changes["conditioning"] = given.sha
        seconds = round(outcome.seconds, 2)
        request = self.attack.with_step(request, _told(found), found, seconds=seconds, **changes)
        return self._shaped(request, character, guess, keep, given)

    def _shaped(
        self,
        request: Request,
        character: Character,
        guess: TargetGuesser | None,
        keep: Callable[[Conditioning], None],
        given: Conditioning | None,
    ) -> Request:
        attack = self.attack
        request = attack.edit_prompt(request, character)
        request = attack.edit_sampling(request, character)
        made = attack.edit_conditioning(request, character, given)
        if made is not None:
            given = made
            keep(made)
            result = HookResult(hook="edit_conditioning", identity=made.sha)
            request = attack.with_step(request, f"embeddings {made.sha}", result, conditioning=made.sha)
        request = super().apply(request, character, guess, keep, given)
        if overrides(attack, "denoise"):
            request = attack.with_step(request, "wraps the denoiser", HookResult(hook="denoise"))
        return request


def _told(found: Found) -> str:
    """A search in words."""
    how = "succeeded" if found.success else "failed"
    what = " with the plain prompt" if found.clean else ""
    steps = f", {found.steps} steps" if found.steps else ""
    return f"{how}{what}: {found.queries} queries{steps}"
