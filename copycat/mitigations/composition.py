"""Several mitigations together: every hook is asked from left to right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, Self

from copycat.cards.hooks import Conditioning, Denoise, Steering, WeightEdit, chain, variant_identity
from copycat.errors import UserError
from copycat.mitigations.base import InputFilter, Mitigation, RunContext
from copycat.records import Request, Row, Step, digest
from copycat.subjects.characters import Character

TargetGuesser = Callable[[Request], tuple[Step, Character | None]]
"""Guesses from the prompt alone who is meant; the step says how."""

_NOBODY = Character(slug="nobody", name="nobody", owner="nobody", key="nothing", generic="nothing")
"""What a part that needs no target is told when none is known."""


class HookResult(Row):
    """Result of a step that reaches into the model."""

    hook: Literal["edit_model", "edit_conditioning", "denoise"]
    identity: str = ""
    """Of the weight edit, or the conditioning's sha."""


class Composition:
    """Mitigations applied together, as the user wrote them."""

    def __init__(self, spec: str, parts: Sequence[Mitigation[Any]]) -> None:
        self.spec, self.parts = spec, tuple(parts)

    def bind(self, context: RunContext) -> Self:
        """The same parts, each bound to `context`. Raises UserError for one that reaches into a model which
        runs elsewhere."""
        hooks = ("edit_model", "edit_conditioning", "denoise")
        inner = next((p for p in self.everyone if overrides(p, *hooks)), None)
        if inner and context.hosted:
            raise UserError(
                f"{inner.name} changes the weights, the embeddings or the denoising of a model, and this one "
                "runs elsewhere; use a mitigation that acts on the prompt or on the finished picture."
            )
        return self.with_parts([part.bind(context) for part in self.parts])

    @property
    def everyone(self) -> tuple[Mitigation[Any], ...]:
        """All that act on a picture, in the order in which they wrap the denoiser: the last is outermost."""
        return self.parts

    def with_parts(self, parts: Sequence[Mitigation[Any]]) -> Self:
        """The same with other guardrails."""
        return type(self)(self.spec, parts)

    def apply(
        self,
        request: Request,
        character: Character,
        guess: TargetGuesser | None = None,
        keep: Callable[[Conditioning], None] = lambda _: None,
        given: Conditioning | None = None,
    ) -> Request:
        """The request as it will be sent; `keep` is given the conditioning that it names by its sha. `given`
        is the conditioning that `request` names already.

        With `guess` nobody knows `character`: the parts are told whom it guesses, or whom the last input
        filter before them does, and where nobody is guessed those that need a target do not act. Weight edits
        are there in any case.
        """
        request = self._with_edits(request)
        target: Character | None = None if guess else character
        asks = (p for p in self.parts if p.needs_target or isinstance(p, InputFilter))
        if guess and not isinstance(next(asks, None), InputFilter | None):
            step, target = guess(request)
            request = request.model_copy(update={"provenance": (*request.provenance, step)})
        acting: list[tuple[Mitigation[Any], Character]] = []
        for part in self.parts:
            if isinstance(part, InputFilter):
                decision = part.decide(request)
                request = part.with_step(request, decision.note, decision.result)
                if not decision.open:
                    break
                target = decision.character if guess else target
            elif target or not part.needs_target:
                acting.append((part, target or _NOBODY))
                request = part.edit_prompt(request, target or _NOBODY)
        for part, known in acting:
            request = part.edit_sampling(request, known)
        conditioning = None
        for part, known in acting:
            made = part.edit_conditioning(request, known, conditioning or given)
            if made is not None:
                conditioning, sha = made, made.sha
                result = HookResult(hook="edit_conditioning", identity=sha)
                request = part.with_step(request, f"embeddings {sha}", result, conditioning=sha)
        if conditioning is not None:
            keep(conditioning)
        for part, _ in acting:
            if overrides(part, "denoise"):
                request = part.with_step(request, "wraps the denoiser", HookResult(hook="denoise"))
        return request

    def weight_edits(self, model: str) -> tuple[WeightEdit, ...]:
        """The edits of all parts in order, where `model` is the identity of the weights as they come."""
        return tuple(edit for _, edit in self._edits(model))

    def _edits(self, model: str) -> list[tuple[Mitigation[Any], WeightEdit]]:
        found = []
        for part in self.parts:
            edit = part.edit_model(model)
            if edit is not None:
                found.append((part, edit))
                model = f"{model}+{edit.identity}"
        return found

    def _with_edits(self, request: Request) -> Request:
        edits = self._edits(request.model)
        for part, edit in edits:
            result = HookResult(hook="edit_model", identity=edit.identity)
            request = part.with_step(request, f"weights {edit.identity}", result)
        return request.model_copy(update={"variant": variant_identity([edit for _, edit in edits])})

    def denoiser(self, request: Request) -> Denoise | None:
        """The hook that the request's picture is drawn with; None where no part wraps the denoiser."""
        parts = [p for p in self.everyone if denoiser_key(request, p)]
        if not parts:
            return None
        hook = chain([p.denoise for p in parts])
        if not any(overrides(p, "texts") for p in parts):
            return hook
        return Steering(hook, lambda r: self.further_texts(r, parts))

    def further_texts(self, request: Request, parts: Sequence[Mitigation[Any]]) -> list[str]:
        """Those that `parts` need encoded while this request's picture is drawn."""
        return [text for part in parts for text in part.texts(request)]

    @property
    def wraps_denoiser(self) -> bool:
        """Whether any part acts in each step while a picture is drawn."""
        return any(overrides(part, "denoise") for part in self.everyone)

    def while_drawing(self) -> Self:
        """Those parts that act while pictures are drawn: on weights, denoiser or finished pictures."""
        acting = [p for p in self.parts if p.judge is not None or overrides(p, "edit_model", "denoise")]
        return self.with_parts(acting)

    def reviewers(self, request: Request) -> tuple[Mitigation[Any], ...]:
        """The parts that look at this request's picture."""
        return tuple(p for p in self.parts if p.reviews(request))


def denoiser_key(request: Request, part: Mitigation[Any] | None = None) -> str:
    """What tells denoisers apart: "" without one, else a digest of the steps that wrap it, all or `part`'s.

    Requests of a batch must have the same.
    """
    steps = request.provenance if part is None else part.steps(request)
    found = [[s.name, s.config] for s in steps if s.result == HookResult(hook="denoise").model_dump()]
    return digest(found) if found else ""


def overrides(part: Mitigation[Any], *hooks: str) -> bool:
    """Whether it has any of these hooks of its own."""
    return any(getattr(type(part), hook) is not getattr(Mitigation, hook) for hook in hooks)
