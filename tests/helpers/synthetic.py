"""A small finished run made of real rows, for the pages: no model is involved."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

from PIL import Image, ImageDraw

from copycat.cards.judges import load_judge_card
from copycat.config import RunConfig
from copycat.measures import CONS, DETECT, Measure
from copycat.records import (
    ImageRow,
    Metric,
    Named,
    Outcome,
    Request,
    Sampling,
    Unscored,
    Verdict,
    YesNo,
    noise_seed,
)
from copycat.runs.data import RunData
from copycat.runs.manifest import Cited, Manifest
from copycat.subjects.characters import Character, Registry


def cited(judge: str) -> Cited:
    """The error rates of the menagerie's judge, as if `judge` had been calibrated on a run's own pictures."""
    known = load_judge_card("menagerie").measured() or {}
    rates = {k: v for k, v in known.items() if k not in {"models", "registry"}}
    return Cited(file="calibration.json", sha256="0", judge=judge, rates=rates)


NASTY = "<script>alert('x')</script> & \"Co\""


class SyntheticRun:
    """Builds a :class:`RunData`: rows in memory, pictures on disk.

    A test changes the lists and the manifest as it likes, then takes :meth:`data`. As in a journal, a later
    row about the same picture replaces an earlier one.
    """

    def __init__(self, path: Path, *, characters: int = 6, judge: str = "menagerie") -> None:
        self.path = path
        (path / "images").mkdir(parents=True, exist_ok=True)
        self.registry = Registry("test", 1, [self._character(i) for i in range(characters)])
        config = RunConfig(model="menagerie", registry="test", judge=judge)
        self.manifest = Manifest(config=config, model="m@1", packages={"nasty": NASTY})
        """Names no judge, so that the verdicts of all count."""
        self.requests: list[Request] = []
        self.image_rows: list[ImageRow] = []
        self.verdicts: list[Verdict] = []
        for c in self.registry.characters:
            for mitigation in ("none", "negprompt"):
                for seed in range(3):
                    self._add(c, mitigation, seed)
        self.metrics = self._metrics()

    def data(self) -> RunData:
        """The run as it is now."""
        return RunData(
            path=self.path,
            manifest=self.manifest,
            registry=self.registry,
            requests=list(self.requests),
            image_rows=list(self.image_rows),
            verdict_rows=list(self.verdicts),
            metrics=list(self.metrics),
        )

    def configure(self, **changes: object) -> None:
        """Change settings of the run, in its manifest."""
        config = self.manifest.config.model_copy(update=changes)
        self.manifest = self.manifest.model_copy(update={"config": config})

    @staticmethod
    def _character(i: int) -> Character:
        name = ("Pomkin", "Dusty Varn", "Quillo", "Brambet", "Ostrel", "Lumo", "Fennick", "Harrow Jane")[
            i % 8
        ]
        return Character(
            slug=f"c{i}",
            name=name if i < 8 else f"{name} {i}",
            owner=NASTY if i == 0 else "Tin Lantern Studio",
            key="owl",
            generic="an owl",
            training_images=2000 // (i + 1),
        )

    def _add(self, c: Character, mitigation: str, seed: int) -> None:
        number = int(c.slug[1:])
        request = Request(
            model="m@1",
            character=c.slug,
            prompt_set="name",
            run_seed=seed,
            seed=noise_seed(seed, c.slug, "name", 0, 0),
            mitigation=mitigation,
            source_prompt=c.name,
            prompt=c.name,
            negative=c.name if mitigation == "negprompt" else "",
            sampling=Sampling(steps=1, guidance=1, height=32, width=32),
        ).with_id()
        self.requests.append(request)
        special: dict[tuple[int, str, int], Outcome] = {
            (1, "none", 0): "refused_output",
            (2, "none", 1): "error",
        }
        outcome = special.get((number, mitigation, seed), "ok")
        if outcome != "ok":
            error = "out of memory" if outcome == "error" else None
            self.image_rows.append(ImageRow(request=request.id, outcome=outcome, error=error))
            return
        file = f"images/{request.id}.png"
        self._draw(self.path / file, number, seed)
        sha = hashlib.sha256((self.path / file).read_bytes()).hexdigest()
        self.image_rows.append(ImageRow(request=request.id, outcome="ok", file=file, sha256=sha))
        common = {
            "request": request.id,
            "image_sha256": sha,
            "judge": "menagerie@1",
            "question": "q",
            "question_hash": "h",
        }
        if (number, mitigation, seed) == (3, "none", 2):
            self.verdicts.append(Verdict(**common, kind="identify", answer=Unscored(reason="no answer")))
        else:
            hit = mitigation == "none" or number % 3 == 0
            names = (c.name,) if hit else ()
            self.verdicts.append(
                Verdict(**common, kind="identify", answer=Named(names=names), reply=", ".join(names))
            )
        self.verdicts.append(Verdict(**common, kind="key", answer=YesNo(p_yes=0.9, answer_probability=1.0)))

    @staticmethod
    def _draw(path: Path, number: int, seed: int) -> None:
        rng = random.Random(number)
        ink = tuple(rng.randrange(60, 230) for _ in range(3))
        picture = Image.new("RGB", (32, 32), (225 - 20 * seed, 232, 214))
        draw = ImageDraw.Draw(picture)
        draw.ellipse((8 + seed, 12, 24 + seed, 30), fill=ink)
        draw.ellipse((10 + seed, 5, 22 + seed, 17), fill=ink)
        draw.rectangle((11 + seed, 2, 21 + seed, 5), fill=(40, 30, 90))
        draw.point([(14 + seed, 10), (18 + seed, 10)], fill=(0, 0, 0))
        picture.save(path)

    def _metrics(self) -> list[Metric]:
        n = len(self.registry)

        def metric(
            measure: Measure, mitigation: str, value: float, sd: float, low: float, high: float
        ) -> Metric:
            scored, most = 3 * n - 3 * (mitigation == "none"), n if measure.counts else 1
            everything = value * scored / (3 * n)
            return Metric(
                metric=measure.name,
                mitigation=mitigation,
                prompt_set="name",
                value=value,
                sd=sd,
                low=low,
                high=high,
                fixed_low=(low + value) / 2,
                fixed_high=(high + value) / 2,
                all_low=everything,
                all_high=everything + most * (1 - scored / (3 * n)),
                characters=n,
                images=3 * n,
                scored=scored,
                unscored=int(mitigation == "none"),
                refused=int(mitigation == "none"),
                errors=int(mitigation == "none"),
                method="cluster bootstrap",
            )

        return [
            metric(DETECT, "none", n * 0.9, 0.6, n * 0.7, n),
            metric(CONS, "none", 0.912, 0.01, 0.88, 0.94),
            metric(DETECT, "negprompt", n * 0.34, 0.5, n * 0.1, n * 0.6),
            metric(CONS, "negprompt", 0.904, 0.012, 0.87, 0.93),
        ]
