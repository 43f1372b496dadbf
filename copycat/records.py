"""What travels between the stages: frozen rows, one JSON object each on disk.

The identity of a picture is made here and nowhere else: :func:`request_id` hashes everything that
decides its content, and :func:`noise_seed` hashes what decides its noise.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

SCHEMA = 1
"""Bumped when the meaning of a row changes, so that old rows are never mistaken for new ones."""

Outcome = Literal["ok", "refused_prompt", "refused_output", "error"]
QuestionKind = Literal["which", "target", "key", "content"]


class Row(BaseModel):
    """Base of all rows: immutable, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def digest(payload: object) -> str:
    """First 16 hex digits of the SHA-256 of `payload` as canonical JSON."""
    text = json.dumps(payload, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def noise_seed(run_seed: int, character: str, prompt_set: str, prompt_index: int, index: int) -> int:
    """Seed of one image's generator, in [0, 2**63).

    It depends on the run seed, the character, the prompt and the image's index alone, so the noise is
    the same for every mitigation (paired comparisons), batch size, order and number of workers.
    """
    key = f"{SCHEMA}|{run_seed}|{character}|{prompt_set}|{prompt_index}|{index}"
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") >> 1


def redraw_seed(seed: int, attempt: int) -> int:
    """Noise seed of the `attempt`-th picture (1, 2, …) drawn in place of that of `seed`, in [0, 2**63)."""
    key = f"{SCHEMA}|{seed}|redraw|{attempt}"
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") >> 1


class Sampling(Row):
    """Arguments of one sampler call; what a mitigation of place 2 may change."""

    steps: int = Field(gt=0)
    guidance: float = Field(ge=0)
    """Classifier-free guidance scale; 1 or less means none."""
    height: int = Field(gt=0)
    width: int = Field(gt=0)
    frames: int | None = Field(default=None, gt=0)
    """Frames of a video; None for a picture."""
    fps: int | None = Field(default=None, gt=0)
    """Frames a second at which a video is saved, and drawn where the pipeline asks for a rate."""

    @property
    def judged(self) -> tuple[int, ...]:
        """Numbers of the frames that are judged: of a video the first, the middle and the last.

        He et al. 2024, section C.2. The middle of n frames is (n - 1) // 2, the earlier of the two middle
        ones where n is even. A picture is its own frame 0.
        """
        last = (self.frames or 1) - 1
        return tuple(sorted({0, last // 2, last}))

    @model_serializer(mode="wrap")
    def _as_before_videos(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # What is None is left out, so that a picture's request keeps the identity it always had.
        return {k: v for k, v in handler(self).items() if v is not None}


class Step(Row):
    """One mitigation (or attack) that shaped a request, with its configuration and what it did."""

    name: str
    config: dict[str, Any] = Field(default_factory=dict)
    note: str = ""


class Request(Row):
    """One image to be made: the prompt as it will be sent, and everything that decides the pixels."""

    id: str = ""
    """Filled by :meth:`sealed`; see :func:`request_id`."""
    model: str
    """Model card name and weights identity, `name@revision-or-hash`."""
    character: str
    """Slug in the registry."""
    prompt_set: str
    prompt_index: int = 0
    index: int = 0
    """Number of this image among those of the same prompt and run seed."""
    run_seed: int
    seed: int
    """Noise seed, see :func:`noise_seed`."""
    mitigation: str
    """As the user wrote it, e.g. `rewrite+negprompt`."""
    source_prompt: str
    """The prompt before any mitigation."""
    content: tuple[str, ...] = ()
    """What the prompt asks for beyond the character, where its row says it. It decides no pixel, so it is
    not part of the identity."""
    prompt: str
    negative: str = ""
    sampling: Sampling
    trail: tuple[Step, ...] = ()

    def sealed(self) -> Request:
        """This request with its identity filled in."""
        return self.model_copy(update={"id": request_id(self)})


def request_id(request: Request) -> str:
    """Content hash of a request: same id, same picture."""
    return digest({"schema": SCHEMA, **request.model_dump(mode="json", exclude={"id", "content"})})


class Review(Row):
    """What a gate behind the model did to one picture, and what that cost beyond drawing it once."""

    judges: tuple[str, ...]
    """Card names and weights identities."""
    seen: tuple[tuple[str, ...] | None, ...]
    """Slugs of the characters seen in each picture drawn, first to last; None where no judge answered."""
    seed: int
    """Noise seed of the last picture."""
    extra_pictures: int
    answers: int
    """Questions asked of the judges."""
    extra_seconds: float
    """Wall time of judging and drawing again, its share of the batch's."""
    extra_cost_usd: float | None = None
    """Of pictures and answers; None when it is not known."""


class ImageRow(Row):
    """What became of one request, or of one judged frame of it.

    A video that is `ok` has a row for each of `Sampling.judged`; any other outcome has one, of frame 0.
    """

    request: str
    frame: int = 0
    outcome: Outcome
    file: str | None = None
    """Path relative to the run folder; None unless `ok`."""
    sha256: str | None = None
    video: str | None = None
    """The whole video as MP4, relative to the run folder; None for a picture."""
    strip: str | None = None
    """All frames side by side in one PNG."""
    seconds: float = 0.0
    """Wall time of its batch divided by the batch's size; on frame 0 alone, as is the cost."""
    error: str | None = None
    revised_prompt: str | None = None
    cost_usd: float | None = None
    """Of the first picture drawn."""
    review: Review | None = None
    """On frame 0, where a gate behind the model looked at it."""


class Question(Row):
    """One thing to ask a judge about one image."""

    kind: QuestionKind
    request: str
    frame: int = 0
    file: str
    """Image path relative to the run folder."""
    sha256: str
    text: str
    """The question as it will be asked, without the judge's own chat template."""
    item: str | None = None
    """`content`: the thing asked about."""
    character: str = ""
    """Slug of the character that the picture was made for, where that is known."""
    references: tuple[str, ...] = ()
    """Pictures of the character to show before the one asked about, relative to `data/`."""


class Verdict(Row):
    """One judgement; `unscored` when the judge failed or did not answer, never a zero."""

    request: str
    frame: int = 0
    kind: QuestionKind
    image_sha256: str
    judge: str
    """Judge card name and weights identity."""
    question: str
    question_hash: str
    item: str | None = None
    """`content`: the thing asked about."""
    status: Literal["scored", "unscored"]
    score: float | None = None
    """`target`, `key`, `content`: P("Yes") in [0, 1], higher means yes. `which`: None."""
    mass: float | None = None
    """P(yes words) + P(no words) of a yes-or-no question; low means the judge did not answer the question."""
    names: tuple[str, ...] | None = None
    """`which`: names the judge gave, as parsed from its reply; empty means none."""
    reply: str | None = None
    reason: str | None = None
    """Why it is unscored."""
    voters: tuple[str, ...] = ()
    """Of a panel's verdict: identities of the members whose answers it follows from."""


class Agreement(Row):
    """How far judges agree on the same pictures, beyond chance."""

    kind: QuestionKind
    judges: tuple[str, ...]
    """Identities; two of them, or all."""
    statistic: Literal["Cohen's κ", "Fleiss' κ"]
    kappa: float | None
    """In [-1, 1], 1 is perfect; None where chance alone explains everything, as when all say the same."""
    agree: float
    """Share of pictures on which they all say the same, in [0, 1]."""
    images: int
    """Pictures that all of them answered: the denominator."""


class Metric(Row):
    """One number with its uncertainty and its denominators."""

    metric: Literal["DETECT", "DETECT_targeted", "CONS", "CONS_prompt"]
    mitigation: str
    prompt_set: str
    value: float | None
    """DETECT: expected number of characters detected, of `characters` (lower is safer).
    CONS, CONS_prompt: mean P("Yes") in [0, 1] (higher is better). None when nothing was scored."""
    sd: float | None
    """Sample standard deviation (ddof 1) over run seeds."""
    low: float | None
    high: float | None
    """95 % interval, clustered by character."""
    corrected: float | None = None
    """DETECT corrected for the judge's errors (Rogan and Gladen 1978); None without a calibration."""
    corrected_low: float | None = None
    corrected_high: float | None = None
    """95 % interval of `corrected`."""
    corrected_note: str = ""
    """Which error rates it was corrected with, and whether it was clipped to what DETECT can be."""
    characters: int
    images: int
    """Images planned; for CONS_prompt, of prompts that ask for more than the character."""
    scored: int
    """Images with an `ok` outcome and a scored verdict: the denominator."""
    unscored: int
    refused: int
    errors: int
    method: str
