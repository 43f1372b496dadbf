"""Attacking: the searches that attacks make while a run is planned; a part of plan.

A search draws single pictures of the guarded model, as the run would, and asks a judge about them. What it
came to is kept in the user's cache at once, by all that decides it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from copycat.attacks import Attack, Attacked, Outcome, kept
from copycat.attacks.fitness import refuse_unfit
from copycat.attacks.search import Tally, Undecided, search
from copycat.cards.hooks import variant_identity
from copycat.cards.judges import load_judge_card
from copycat.io.ledger import Ledger
from copycat.judges.base import identify
from copycat.mitigations.composition import TargetGuesser
from copycat.records import Request, digest, noise_seed
from copycat.resolve import ResolvedRun
from copycat.runtime.progress import Progress
from copycat.stages.attack_models import AttackModels
from copycat.stages.victim import GuardedVictim


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
        guardrails' weights, since only one set of them is in memory.

        Raises UserError for an attack that the model cannot take, before weights are made or loaded for it.
        A search that is undecided is not kept, and raised after all others are made.
        """
        left = {spec: self._left(spec, raws) for spec in sorted(self._attacked, key=self._variant)}
        left = {spec: mine for spec, mine in left.items() if mine}
        if not left:
            return
        attacks = [self._attacked[spec].attack for spec in left]
        for attack in attacks:
            refuse_unfit(attack, self._run.card, ask=True)
        undecided: list[Undecided] = []
        models = AttackModels(self._run, self._attacked, self._ledger)
        try:
            for attack in attacks:
                if attack.examines:
                    attack.examine(self._run.card, models.original().pipeline)
            for spec, mine in left.items():
                undecided += self._make(self._attacked[spec], mine, models, progress)
        finally:
            models.close()
        if undecided:
            more = f" The same holds for {len(undecided) - 1} further searches." if undecided[1:] else ""
            raise Undecided(f"{undecided[0]}{more} What all others found is kept.") from undecided[0]

    def _left(self, spec: str, raws: Sequence[Request]) -> dict[str, Request]:
        """One request for each search of `spec` that is not kept, by its key."""
        return {self.key(r): r for r in raws if r.mitigation == spec and self.kept(r) is None}

    def _make(
        self, attacked: Attacked, left: Mapping[str, Request], models: AttackModels, progress: Progress
    ) -> list[Undecided]:
        """The searches for the requests that are `left`, by their keys; those that are undecided are
        returned."""
        undecided = []
        judge = self._judge(attacked.attack)
        models.guarded(attacked)  # what is erased is erased before searches are timed
        progress.start(f"search for {attacked.spec}", len(left))
        try:
            for key, raw in left.items():
                tally = Tally(attacked.attack.config.seconds)
                asked = self._representative(attacked, raw)
                victim = GuardedVictim(self._run, attacked, asked, models, judge, tally, self._guess)
                try:
                    self._keep(key, attacked, raw, search(attacked.attack, victim, tally))
                except Undecided as e:
                    undecided.append(e)
                progress.advance(1)
        finally:
            progress.done()
        return undecided

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
        asked, attack = self._representative(attacked, raw), attacked.attack
        who = self._run.registry[raw.character]
        plain = asked.model_copy(update={"mitigation": attacked.guard.spec})
        sources = attack.sources(who)
        return digest(
            {
                "plain": attacked.guard.apply(plain, who, self._guess).with_id().id,
                "attack": [attack.name, attack.version, attack.config.model_dump(mode="json")],
                "character": who.model_dump(mode="json"),
                "judge": identify(load_judge_card(self._judge(attack))),
                # Only then, so that searches of attacks that read nothing are found by what they ever were.
                **({} if sources is None else {"sources": sources}),
            }
        )

    def _representative(self, attacked: Attacked, raw: Request) -> Request:
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

    def _variant(self, spec: str) -> str:
        return variant_identity(self._attacked[spec].weight_edits(self._run.model))
