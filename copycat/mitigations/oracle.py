"""Doing without the oracle: a guess from the prompt in place of the character that is really meant.

He et al. 2024 assume that a guardrail knows which character a prompt is after (their footnote 5.2). A
deployed one does not; `--no-oracle` gives it what intent detection makes of the prompt.
"""

from __future__ import annotations

from copycat.intent.embedding import Embedding
from copycat.intent.lexical import Lexical
from copycat.intent.threshold import DEFAULT_FPR, measured_threshold
from copycat.mitigations.base import RunContext
from copycat.mitigations.gate import GuessResult, TargetDetector, describe
from copycat.records import Request, Step
from copycat.subjects.characters import Character
from copycat.subjects.neutral import load_neutral

NAME = "intent"
"""Of its step in the provenance."""


class NoOracle:
    """Names and marks first, then the target model's text encoder where that is open and the registry has
    neutral prompts. They share the false-positive rate of a gate, 5 %: half of it each."""

    def __init__(self, context: RunContext) -> None:
        name = context.registry.name
        neutral = load_neutral(name)
        detectors: list[Lexical | Embedding] = [Lexical(context.registry)]
        if context.embed is not None and neutral:
            detectors.append(Embedding(context.registry, context.embed(), context.encoder))
        fpr = DEFAULT_FPR / len(detectors)
        self._asked = [
            (TargetDetector(context.registry, d), measured_threshold(d, neutral, name, fpr))
            for d in detectors
        ]
        self._config = {s.detector.identity: threshold for s, threshold in self._asked}

    def __call__(self, request: Request) -> tuple[Step, Character | None]:
        """The step for the provenance, and the guess; the request's own character is not looked at."""
        for target_detector, threshold in self._asked:
            guess, who = target_detector(request.prompt)
            if who and guess.score >= threshold:
                by = target_detector.detector.identity.partition(":")[0]
                result = GuessResult(open=True, slug=guess.slug, score=guess.score)
                return self._step(f"{by}: {describe(guess, who)}", result), who
        nobody = GuessResult(open=False, slug=None, score=guess.score)
        return self._step("nobody found; what needs to know the character is not applied", nobody), None

    def _step(self, note: str, result: GuessResult) -> Step:
        return Step(
            name=NAME, config={"thresholds": self._config}, note=note, result=result.model_dump(mode="json")
        )
