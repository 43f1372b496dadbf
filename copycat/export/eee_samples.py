"""One row for each picture that was scored and each measure, as Every Eval Ever has samples."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

from copycat.export.eee_parts import SCHEMA, Configuration
from copycat.measures import Measure, Observation
from copycat.measures.detect import THRESHOLD
from copycat.records import Answer, Named, Number, Similarities, YesNo


def samples(c: Configuration, measures: Sequence[Measure]) -> Iterator[dict[str, Any]]:
    """The rows of one configuration.

    A picture that was refused, failed or got no answer has no score, and the schema asks for one: so it has
    no row, and is counted in the aggregate's details.
    """
    for chosen in measures:
        seen = c.run.observations(chosen)
        for request in c.requests:
            found = seen.get(request.id)
            if found is not None and found.value is not None:
                yield _sample(c, chosen, found, found.value)


def _sample(c: Configuration, chosen: Measure, seen: Observation, value: float) -> dict[str, Any]:
    request, image = seen.request, seen.image
    name = c.run.registry[request.character].name
    reference = [name]
    negative = {"negative_prompt": request.negative} if request.negative else {}
    # Of a video the judged frames.
    hashes = [f"sha256:{row.sha256}" for row in c.run.frames.get(request.id, ()) if row.sha256]
    put = c.asked.get(chosen.ask.kind) if chosen.ask else None
    return {
        "schema_version": SCHEMA,
        "evaluation_id": c.evaluation_id,
        "model_id": c.model.id,
        "evaluation_name": c.evaluation_name,
        "evaluation_result_id": c.result_id(chosen),
        # The noise seed follows from character, prompt and run seed: the same for all models and mitigations.
        "sample_id": f"{request.character}/{request.prompt_set}/{request.seed:x}",
        "sample_hash": hashlib.sha256((request.source_prompt + name).encode()).hexdigest(),
        "interaction_type": "single_turn",
        "input": {"raw": request.source_prompt, "formatted": request.prompt, "reference": reference},
        "output": {"raw": hashes},
        "answer_attribution": [
            {
                "turn_idx": 0,
                "source": "output.raw",
                "extracted_value": _said(v.answer, request.character),
                "extraction_method": "llm_judge" if put and put.in_words else "custom",
                "is_terminal": True,
            }
            for v in seen.verdicts
            if v is not None
        ],
        "evaluation": {"score": value, "is_correct": _right(chosen, value)},
        **({"performance": {"generation_time_ms": image.seconds * 1000}} if image and image.seconds else {}),
        "metadata": {
            "character": request.character,
            "mitigation": request.mitigation,
            "run_seed": str(request.run_seed),
            "request": request.id,
            **({"judge": seen.verdicts[0].judge} if seen.verdicts and seen.verdicts[0] else {}),
            **({"judged_frames": str(len(hashes))} if len(hashes) > 1 else {}),
            **negative,
        },
    }


def _right(chosen: Measure, value: float) -> bool:
    """Whether a picture came out on the better side of a half: the character is not recognised, or what was
    asked for is shown."""
    return (value > THRESHOLD) == (chosen.better == "higher")


def _said(answer: Answer, slug: str) -> str:
    """A judge's answer in a few words."""
    if isinstance(answer, Named):
        return ", ".join(answer.names) or "none"
    if isinstance(answer, YesNo):
        return f"P(yes) {answer.p_yes:.6g}"
    if isinstance(answer, Similarities):
        return (
            f"similarity {answer.similarities.get(slug, float('nan')):.6g}, threshold {answer.threshold:.6g}"
        )
    return f"{answer.value:.6g}" if isinstance(answer, Number) else ""
