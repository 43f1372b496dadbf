"""Doing without the oracle: a guess from the prompt in place of the character that is really meant.

He et al. 2024 assume that a guardrail knows which character a prompt is after (their footnote 5.2). A
deployed one does not; `--no-oracle` gives it what intent detection makes of the prompt.
"""

from __future__ import annotations

from copycat.characters import Character
from copycat.intent.embedding import Embedding
from copycat.intent.lexical import Lexical
from copycat.intent.neutral import load_neutral
from copycat.intent.threshold import DEFAULT_FPR, measured_threshold
from copycat.mitigations.base import World
from copycat.mitigations.gate import Senses, told
from copycat.records import Request, Step

NAME = "intent"
"""Of its step in the trail."""


class NoOracle:
    """Names and marks first, then the target model's text encoder where that is open and the registry has
    neutral prompts. They share the false-positive rate of a gate, 5 %: half of it each."""

    def __init__(self, world: World) -> None:
        name = world.registry.name
        neutral = load_neutral(name)
        detectors: list[Lexical | Embedding] = [Lexical(world.registry)]
        if world.embed is not None and neutral:
            detectors.append(Embedding(world.registry, world.embed(), world.encoder))
        fpr = DEFAULT_FPR / len(detectors)
        self._asked = [
            (Senses(world.registry, d), measured_threshold(d, neutral, name, fpr)) for d in detectors
        ]
        self._config = {s.detector.identity: threshold for s, threshold in self._asked}

    def __call__(self, request: Request) -> tuple[Step, Character | None]:
        """The step to leave in the trail, and the guess; the request's own character is not looked at."""
        for senses, threshold in self._asked:
            guess, who = senses(request.prompt)
            if who and guess.score >= threshold:
                by = senses.detector.identity.partition(":")[0]
                return self._step(f"{by}: {told(guess, who)}"), who
        return self._step("nobody found; what needs to know the character is not applied"), None

    def _step(self, note: str) -> Step:
        return Step(name=NAME, config={"thresholds": self._config}, note=note)
