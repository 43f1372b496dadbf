"""Attacking: the searches that attacks make while a run is planned; a part of plan.

A search draws single pictures of the guarded model, as the run would, and asks a judge about them. What it
came to is kept in the user's cache at once, by all that decides it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from copycat.attacks import Attack, Attacked, Outcome, kept
from copycat.attacks.search import Tally, search
from copycat.cards.hooks import variant_identity
from copycat.cards.judges import load_judge_card
from copycat.io.ledger import Ledger
from copycat.judges.base import identify
from copycat.mitigations.composition import TargetGuesser
from copycat.records import Request, digest, noise_seed
from copycat.resolve import ResolvedRun
from copycat.runtime.progress import Progress
from copycat.stages.victims import Guarded, Models


class Searches:
    """The searches of one run: which there are, what is kept of them, and those that are left to make."""

    def __init__(
        self,
        run: ResolvedRun,
        attacked: Iterable[Attacked],
        guess: TargetGuesser | None,
        ledger: Ledger | None,
    ) -> None:
        """`attacked` are bound to the run; `guess` is what guardrails without the oracle guess by."""
        self._run, self._guess, self._ledger = run, guess, ledger
        self._attacked = {a.spec: a for a in attacked if a.attack.searches}
        self._outcomes: dict[str, Outcome] = {}
        self._keys: dict[Request, str] = {}

    def make(self, raws: Sequence[Request], progress: Progress) -> None:
        """Search for what is not kept yet of `raws`, requests before their mitigations; in the order of the
        guardrails' weights, since only one set of them is in memory."""
        models: Models | None = None
        try:
            for spec, attacked in sorted(self._attacked.items(), key=lambda item: self._variant(item[1])):
                left = {self.key(r): r for r in raws if r.mitigation == spec and self.kept(r) is None}
                if left:
                    models = models or Models(self._run, self._attacked, self._ledger)
                    self._make(attacked, left, models, progress)
        finally:
            if models is not None:
                models.close()

    def _make(
        self, attacked: Attacked, left: Mapping[str, Request], models: Models, progress: Progress
    ) -> None:
        """The searches for the requests that are `left`, by their keys."""
        judge = self._judge(attacked.attack)
        models.guarded(attacked)  # what is erased is erased before searches are timed
        progress.start(f"search for {attacked.spec}", len(left))
        try:
            for key, raw in left.items():
                tally = Tally(attacked.attack.config.seconds)
                asked = self._asked(attacked, raw)
                victim = Guarded(self._run, attacked, asked, models, judge, tally, self._guess)
                self._keep(key, attacked, raw, search(attacked.attack, victim, tally))
                progress.advance(1)
        finally:
            progress.done()

    def kept(self, raw: Request) -> Outcome | None:
        """What was found for `raw`, here or in another run; None where it is still to be searched."""
        key = self.key(raw)
        if key not in self._outcomes:
            found = kept.read(key)
            if found is None:
                return None
            self._outcomes[key] = found
        return self._outcomes[key]

    def concerns(self, raw: Request) -> bool:
        """Whether `raw` is under an attack that searches."""
        return raw.mitigation in self._attacked

    def key(self, raw: Request) -> str:
        """The same key, the same search: made of the picture as the guardrails alone would have it drawn, the
        attack, the character, and who judges."""
        if raw not in self._keys:
            self._keys[raw] = self._key(raw)
        return self._keys[raw]

    def _key(self, raw: Request) -> str:
        attacked = self._attacked[raw.mitigation]
        asked, attack = self._asked(attacked, raw), attacked.attack
        who = self._run.registry[raw.character]
        plain = asked.model_copy(update={"mitigation": attacked.guard.spec})
        return digest(
            {
                "plain": attacked.guard.apply(plain, who, self._guess).with_id().id,
                "attack": [attack.name, attack.version, attack.config.model_dump(mode="json")],
                "character": who.model_dump(mode="json"),
                "judge": identify(load_judge_card(self._judge(attack))),
            }
        )

    def _asked(self, attacked: Attacked, raw: Request) -> Request:
        """The picture that is searched with: of an attack that does not look at the noise always the same."""
        if attacked.attack.seeded:
            return raw
        seed = noise_seed(0, raw.character, raw.prompt_set, raw.prompt_index, 0)
        return raw.model_copy(update={"run_seed": 0, "index": 0, "seed": seed})

    def _keep(self, key: str, attacked: Attacked, raw: Request, outcome: Outcome) -> None:
        attack = attacked.attack
        kept.write(
            key,
            outcome,
            attack=f"{attack.name}-{attack.version} {attack.config.model_dump_json()}",
            model=raw.model,
            guard=attacked.guard.spec,
            character=raw.character,
            asked=raw.source_prompt,
        )
        self._outcomes[key] = outcome

    def _judge(self, attack: Attack[Any]) -> str:
        return attack.config.judge or self._run.config.judge

    def _variant(self, attacked: Attacked) -> str:
        return variant_identity(attacked.weight_edits(self._run.model))
