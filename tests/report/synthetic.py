"""A small finished run made of real rows, for the pages: no model is involved."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw
from pydantic import BaseModel

from copycat.characters import Character, Registry
from copycat.records import ImageRow, Metric, Outcome, Request, Sampling, Verdict, noise_seed

NASTY = "<script>alert('x')</script> & \"Co\""


class Facts(BaseModel):
    config: dict[str, Any]
    judge: str | None = None
    note: str = NASTY


class SyntheticRun:
    """Rows in memory, pictures on disk; the interface that reports read."""

    def __init__(self, path: Path, *, characters: int = 6, judge: str = "menagerie") -> None:
        self.path = path
        (path / "images").mkdir(parents=True, exist_ok=True)
        self._judge = judge
        self._registry = Registry("test", 1, [self._character(i) for i in range(characters)])
        self._requests: list[Request] = []
        self._images: dict[str, ImageRow] = {}
        self._verdicts: list[Verdict] = []
        for c in self._registry.characters:
            for mitigation in ("none", "negprompt"):
                for seed in range(3):
                    self._add(c, mitigation, seed)

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
        ).sealed()
        self._requests.append(request)
        special: dict[tuple[int, str, int], Outcome] = {
            (1, "none", 0): "refused_output",
            (2, "none", 1): "error",
        }
        outcome = special.get((number, mitigation, seed), "ok")
        if outcome != "ok":
            row = ImageRow(
                request=request.id, outcome=outcome, error="out of memory" if outcome == "error" else None
            )
            self._images[request.id] = row
            return
        file = f"images/{request.id}.png"
        self._draw(self.path / file, number, seed)
        sha = hashlib.sha256((self.path / file).read_bytes()).hexdigest()
        self._images[request.id] = ImageRow(request=request.id, outcome="ok", file=file, sha256=sha)
        common = {
            "request": request.id,
            "image_sha256": sha,
            "judge": "menagerie@1",
            "question": "q",
            "question_hash": "h",
        }
        if (number, mitigation, seed) == (3, "none", 2):
            self._verdicts.append(Verdict(**common, kind="which", status="unscored", reason="no answer"))
        else:
            hit = mitigation == "none" or number % 3 == 0
            names = (c.name,) if hit else ()
            self._verdicts.append(
                Verdict(**common, kind="which", status="scored", names=names, reply=", ".join(names))
            )
        self._verdicts.append(Verdict(**common, kind="key", status="scored", score=0.9, mass=1.0))

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

    def requests(self) -> list[Request]:
        return self._requests

    def images(self) -> dict[str, ImageRow]:
        return self._images

    def frames(self) -> dict[str, tuple[ImageRow, ...]]:
        return {request: (row,) for request, row in self._images.items()}

    def verdicts(self) -> list[Verdict]:
        return self._verdicts

    def registry(self) -> Registry:
        return self._registry

    def manifest(self) -> Facts:
        return Facts(
            config={
                "model": "menagerie",
                "judge": self._judge,
                "mitigations": ["none", "negprompt"],
                "prompts": ["name"],
            }
        )

    def metrics(self) -> list[Metric]:
        n = len(self._registry)

        def metric(name: Any, mitigation: str, value: float, sd: float, low: float, high: float) -> Metric:
            return Metric(
                metric=name,
                mitigation=mitigation,
                prompt_set="name",
                value=value,
                sd=sd,
                low=low,
                high=high,
                characters=n,
                images=3 * n,
                scored=3 * n - 3 * (mitigation == "none"),
                unscored=int(mitigation == "none"),
                refused=int(mitigation == "none"),
                errors=int(mitigation == "none"),
                method="cluster bootstrap",
            )

        return [
            metric("DETECT", "none", n * 0.9, 0.6, n * 0.7, n),
            metric("CONS", "none", 0.912, 0.01, 0.88, 0.94),
            metric("DETECT", "negprompt", n * 0.34, 0.5, n * 0.1, n * 0.6),
            metric("CONS", "negprompt", 0.904, 0.012, 0.87, 0.93),
        ]
