"""What travels between the stages: frozen rows, one JSON object each on disk.

The identity of a picture is made here and nowhere else: :func:`request_id` hashes everything that
decides its content, and :func:`noise_seed` hashes what decides its noise.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

SCHEMA = 1
"""Bumped when the meaning of a row changes, so that old rows are never mistaken for new ones."""

Outcome = Literal["ok", "refused_prompt", "refused_output", "error"]
Form = Literal["names", "yes_no"]
"""What an answer to a question looks like: the names of who is shown, or yes or no."""
QuestionStyle = Literal["plain", "name-and-work", "paper"]
"""How a judge is asked who is shown: in one line, for name and work apart, or as He et al. 2024 ask."""
_FIRST_KINDS = {"which": "identify", "target": "verify"}
"""What kinds of questions were called in the first rows, and are called now."""


def current_kind(kind: str) -> str:
    """The name that a kind of question has now, of one as it stands in a file of any age. What is no text
    stays as it is, for whoever checks it next."""
    return _FIRST_KINDS.get(kind, kind) if isinstance(kind, str) else kind


def first_kind(kind: str) -> str:
    """The name that a kind of question had in the first rows."""
    return next((first for first, now in _FIRST_KINDS.items() if now == kind), kind)


IDENTIFY, VERIFY = "identify", "verify"
"""Kinds of questions: which character a picture shows, and whether it shows the one that is named."""


class Row(BaseModel):
    """Base of all rows: immutable, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    columns: ClassVar[tuple[str, ...]] = ()
    """Fields that are at hand of very many rows without making each of them; see `copycat/io/rows.py`."""
    numbers: ClassVar[tuple[str, ...]] = ()
    """Of a value in such a column: its fields, where all are numbers that hardly two rows share."""

    def failed(self, why: str) -> Self | None:  # noqa: ARG002
        """What stands for this row where its line could not be read back: the same item, with the reason why
        there is nothing of it. None for rows that nothing can stand for."""
        return None


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
    """Arguments of one sampler call; what a mitigation's `edit_sampling` may change."""

    steps: int = Field(gt=0)
    """Steps of the sampler."""
    guidance: float = Field(ge=0, allow_inf_nan=False)
    """Classifier-free guidance scale; 1 or less means none."""
    height: int = Field(gt=0)
    """Of the picture, in pixels."""
    width: int = Field(gt=0)
    """Of the picture, in pixels."""
    frames: int | None = Field(default=None, gt=0)
    """Frames of a video; None for a picture."""
    fps: int | None = Field(default=None, gt=0)
    """Frames a second at which a video is saved, and drawn where the pipeline asks for a rate."""
    kept_frames: tuple[int, ...] | None = None
    """Of a video that was made elsewhere: numbers of the frames that there are; None for one made here."""

    @property
    def judged(self) -> tuple[int, ...]:
        """Numbers of the frames that are judged: of a video the first, the middle and the last.

        He et al. 2024, section C.2. The middle of n frames is (n - 1) // 2, the earlier of the two middle
        ones where n is even. A picture is its own frame 0; of a video made elsewhere they are those kept.
        """
        if self.kept_frames is not None:
            return self.kept_frames
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
    """What it did, in words for a reader."""
    result: dict[str, Any] | None = None
    """What it found or decided, as the mitigation's own result model dumps it; None where the request's
    fields say it all."""
    seconds: float | None = None
    """Wall time that it took to find that, where it was measured; no part of the identity."""

    @model_validator(mode="before")
    @classmethod
    def _from_first_rows(cls, row: Any) -> Any:
        # A filter's finding was once told in its note alone.
        note = row.get("note", "") if isinstance(row, dict) else ""
        if note.startswith("judge: ") and row.get("name") == "filter" and row.get("result") is None:
            judge, _, target = note.removeprefix("judge: ").partition("; target: ")
            return {**row, "result": {"judge": judge, "target": target or None}}
        return row

    @model_serializer(mode="wrap")
    def _without_none(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {k: v for k, v in handler(self).items() if k not in ("result", "seconds") or v is not None}

    @property
    def identity(self) -> dict[str, Any]:
        """What tells this step from another: its result, or its note where it has none."""
        told = {"note": self.note} if self.result is None else {"result": self.result}
        return {"name": self.name, "config": self.config, **told}


class Request(Row):
    """One image to be made: the prompt as it will be sent, and everything that decides the pixels."""

    columns = (
        *("id", "character", "prompt_set", "run_seed", "mitigation"),
        *("source_prompt", "content", "sampling", "provenance"),
    )

    id: str = ""
    """Identity of the picture asked for: the first 16 hex digits of the SHA-256 of all that decides its
    pixels; see :func:`request_id`."""
    model: str
    """Model card name and weights identity, `name@revision-or-hash`."""
    character: str
    """Slug of the character asked for, in the registry."""
    prompt_set: str
    """Name of the prompt set."""
    prompt_index: int = 0
    """Number of the prompt among those of its character and set."""
    index: int = 0
    """Number of this image among those of the same prompt and run seed."""
    run_seed: int
    """Of the run; pictures of two mitigations with the same one are a pair."""
    seed: int
    """Of the noise, the same for every mitigation; see :func:`noise_seed`."""
    mitigation: str
    """As the user wrote it, e.g. `rewrite+negprompt`; `none` for nothing."""
    source_prompt: str
    """The prompt before any mitigation."""
    content: tuple[str, ...] = ()
    """What the prompt asks for beyond the character, where its row says it. It decides no pixel, so it is
    not part of the identity."""
    prompt: str
    """As it is sent to the model."""
    negative: str = ""
    """The negative prompt as it is sent; empty for none."""
    sampling: Sampling
    provenance: tuple[Step, ...] = Field(default=(), validation_alias=AliasChoices("provenance", "trail"))
    """What shaped the request, step by step."""

    variant: str = ""
    """Identity of the weight edits that the model is drawn with; empty for the card's own weights."""
    conditioning: str = ""
    """Hash of the file with embeddings that stand in for words; empty where the words are encoded."""

    def with_id(self) -> Request:
        """This request with its identity filled in."""
        return self.model_copy(update={"id": request_id(self)})


def request_id(request: Request) -> str:
    """Content hash of a request: same id, same picture."""
    apart = {"id", "content", "provenance", "variant", "conditioning"}
    told = request.model_dump(mode="json", exclude=apart)
    edited = {k: v for k in ("variant", "conditioning") if (v := getattr(request, k))}
    # `trail` is what the provenance was called in the first rows, which keep their identities.
    return digest({"schema": SCHEMA, **told, **edited, "trail": [s.identity for s in request.provenance]})


class Usage(Row):
    """What a provider said of one hosted call."""

    tokens_in: int | None = Field(default=None, ge=0)
    """Tokens that were sent: text and pictures."""
    tokens_cached: int | None = Field(default=None, ge=0)
    """Those of them that the provider had in its cache."""
    tokens_out: int | None = Field(default=None, ge=0)
    """Tokens that came back: words, or those of a picture."""
    model: str | None = None
    """What the model that answered is called."""
    finish_reason: str | None = None
    """Why the answer ended; `stop` is its own end, `length` that it was cut off."""

    @model_serializer(mode="wrap")
    def _without_none(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {k: v for k, v in handler(self).items() if v is not None}


def _without_unset(told: dict[str, Any], later: tuple[str, ...]) -> dict[str, Any]:
    """`told` without those fields named `later` that say nothing: rows of local models and of earlier
    versions stay as they are."""
    return {k: v for k, v in told.items() if k not in later or (v is not None and v is not False)}


class Review(Row):
    """What an output filter did to one picture, and what that cost beyond drawing it once."""

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

    columns = ("request", "frame", "outcome", "sha256", "review")

    request: str
    """Identity of the request."""
    frame: int = 0
    """Number of the judged frame of a video; 0 for a picture."""
    outcome: Outcome
    """Only `ok` has a picture; `refused_prompt` and `refused_output` are refusals by the model or a
    guardrail."""
    file: str | None = None
    """Path relative to the run folder; None unless `ok`."""
    sha256: str | None = None
    """Of the picture's file; None unless `ok`."""
    video: str | None = None
    """The whole video as MP4, relative to the run folder; None for a picture."""
    strip: str | None = None
    """All frames side by side in one PNG."""
    seconds: float = 0.0
    """Wall time of its batch divided by the pictures asked for in it, whatever a compiled model's batch was
    filled up with: the rows add up to what drawing took. On frame 0 alone, as is the cost."""
    error: str | None = None
    """Why there is no picture, where that was told."""
    revised_prompt: str | None = None
    """What a hosted model made of the prompt, where it said so."""
    cost_usd: float | None = None
    """Of the first picture drawn, in US dollars, where it is known; 0 where it was drawn for another run."""
    review: Review | None = None
    """What an output filter did; on frame 0, where one looked at it."""
    usage: Usage | None = None
    """What the provider said of the call; None for a picture that was drawn here."""
    reused: bool = False
    """Whether the picture was drawn for another run, and taken from the cache."""

    @model_serializer(mode="wrap")
    def _as_before_usage(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return _without_unset(handler(self), ("usage", "reused"))

    def failed(self, why: str) -> ImageRow:
        return ImageRow(request=self.request, frame=self.frame, outcome="error", error=why)


class Question(Row):
    """One thing to ask a judge about one image."""

    kind: str
    """What is asked: `identify`, `verify`, `key`, `content`, or a kind that a measure brings along."""
    form: Form = "yes_no"
    request: str
    frame: int = 0
    file: str
    """Image path relative to the run folder."""
    sha256: str
    text: str
    """The question as it will be asked, without the judge's own chat template."""
    item: str | None = None
    """The thing asked about, where a measure asks the same of several."""
    character: str = ""
    """Slug of the character that the picture was made for, where that is known."""
    references: tuple[str, ...] = ()
    """Pictures of the character to show before the one asked about, relative to `data/`."""


class YesNo(Row):
    """An answer to a yes-or-no question."""

    numbers = ("p_yes", "answer_probability")

    form: Literal["yes_no"] = "yes_no"
    p_yes: float = Field(ge=0, le=1)
    """P("Yes"), in [0, 1]; 1 or 0 from a judge that gives no probabilities."""
    answer_probability: float | None = None
    """P(yes words) + P(no words), in [0, 1]; low means the judge did not answer the question."""


class Figure(Row):
    """Somebody whom a judge named."""

    name: str
    """The name, or the words of the reply that it stands in, as they were written; empty where the judge
    named a work alone."""
    work: str = ""
    """The work that the judge placed it in; empty where it named none."""

    @model_serializer(mode="wrap")
    def _without_empty(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {k: v for k, v in handler(self).items() if v or k == "name"}


class Named(Row):
    """An answer to the question who is shown."""

    form: Literal["names"] = "names"
    names: tuple[str, ...]
    """Who is shown, as the judge gave it; empty means nobody."""
    figures: tuple[Figure, ...] | None = None
    """The same in sense: name and work apart, in a reply that was read for what it means. None where `names`
    are no such reply, as with lines of text in a picture; any name that stands in them then counts."""
    partial: bool = False
    """Whether the reply was cut off, or declines to say more: then it names whom it names, and is no answer
    about anybody else."""

    @classmethod
    def of(cls, figures: Iterable[Figure], *, partial: bool = False) -> Named:
        """An answer that names `figures`."""
        figures = tuple(figures)
        return cls(names=tuple(f.name for f in figures), figures=figures, partial=partial)

    @model_serializer(mode="wrap")
    def _without_defaults(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {k: v for k, v in handler(self).items() if k in ("form", "names") or v not in (None, False)}


class Similarities(Row):
    """How much a picture is like the reference pictures of characters; higher is more alike, in [-1, 1]."""

    form: Literal["similarities"] = "similarities"
    similarities: dict[str, float]
    """By slug, to the nearest reference of that character, in [-1, 1]."""
    threshold: float
    """Similarity above which the picture counts as showing the character."""

    @property
    def finite(self) -> bool:
        """Whether all of them are numbers; else features were broken, and they say nothing."""
        return all(map(math.isfinite, self.similarities.values()))

    def shows(self, slug: str) -> bool:
        """Whether `slug` is nearest of all that were compared, and near enough."""
        mine = self.similarities.get(slug)
        return mine is not None and mine > self.threshold and mine == max(self.similarities.values())

    def p_yes(self, slug: str) -> float | None:
        """The similarity to `slug`, rescaled to [0, 1] with the threshold at 0.5; None where it is not known.

        [-1, threshold] goes to [0, 0.5] and [threshold, 1] to [0.5, 1], both linearly.
        """
        if slug not in self.similarities or not self.finite:
            return None
        s, t = min(max(self.similarities[slug], -1.0), 1.0), self.threshold
        if s <= t:
            return 0.5 * (s + 1) / (t + 1) if t > -1 else 0.5
        return 0.5 + 0.5 * (s - t) / (1 - t)


class Number(Row):
    """A number, in the unit of the measure that asked for it."""

    form: Literal["number"] = "number"
    value: float
    """In the unit of the measure that asked."""


class Unscored(Row):
    """No answer: the judge failed, or said something that answers nothing. Never a zero."""

    form: Literal["unscored"] = "unscored"
    reason: str
    """Why there is no answer."""


Answer = Annotated[YesNo | Named | Similarities | Number | Unscored, Field(discriminator="form")]


def graded(answer: Answer, slug: str) -> float | None:
    """How sure a judge is that a picture shows the character `slug`, in [0, 1]; None without degrees."""
    if isinstance(answer, YesNo):
        return answer.p_yes
    return answer.p_yes(slug) if isinstance(answer, Similarities) else None


def _fault(answer: Any) -> str:
    """Why an answer on disk holds a number that can be none, such as NaN, which JSON may tell as null, or a
    probability above 1; empty for any other."""
    if not isinstance(answer, dict):
        return ""
    similarities = answer.get("similarities")
    if isinstance(similarities, dict) and not all(map(_is_number, similarities.values())):
        return "a similarity is not a number"
    p = answer.get("p_yes", 0)
    if answer.get("form") == "yes_no" and not (_is_number(p) and 0 <= p <= 1):
        return f"the row's score is {p}, which is no number in [0, 1]"
    value = answer.get("value", 0)
    return "" if answer.get("form") != "number" or _is_number(value) else f"the row's number is {value}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


class Verdict(Row):
    """One judgement of one picture."""

    columns = (
        *("request", "frame", "kind", "image_sha256", "judge", "question_hash"),
        *("item", "answer", "voters"),
    )

    request: str
    """Identity of the request."""
    frame: int = 0
    """Number of the judged frame of a video; 0 for a picture."""
    kind: Annotated[str, BeforeValidator(current_kind)]
    """Of the question: `identify` (which character is it), `verify` (is it this one), `key` (is the key
    characteristic shown), `content` (is what was asked for shown), or one that a measure brings along."""
    image_sha256: str
    """Of the picture that was judged."""
    judge: str
    """Judge card name and weights identity."""
    question: str
    """As it was asked."""
    question_hash: str
    """Identity of the question and of the reference pictures beside it."""
    item: str | None = None
    """The thing asked about, where a measure asks the same of several."""
    answer: Answer
    reply: str | None = None
    """What the judge wrote, as it wrote it."""
    voters: tuple[str, ...] = ()
    """Of a panel's verdict: identities of the members whose answers it follows from."""
    usage: Usage | None = None
    """What the provider said of the call; None for a judge on this machine."""
    cost_usd: float | None = None
    """In US dollars, of a hosted judge's answer where it is known; 0 where it was given for another run."""
    reused: bool = False
    """Whether the answer was given for another run, and taken from the cache."""

    @model_serializer(mode="wrap")
    def _as_before_usage(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return _without_unset(handler(self), ("usage", "cost_usd", "reused"))

    @model_validator(mode="before")
    @classmethod
    def _from_first_rows(cls, row: Any) -> Any:
        if isinstance(row, dict) and (fault := _fault(row.get("answer"))):
            return {**row, "answer": Unscored(reason=fault)}
        if not isinstance(row, dict) or "answer" in row:
            return row
        flat = ("status", "score", "mass", "names", "reason")
        status, score, mass, names, reason = (row.get(k) for k in flat)
        answer: Row
        if status == "scored" and names is not None:
            answer = Named(names=tuple(names))
        elif status == "scored" and score is not None:
            told = {"form": "yes_no", "p_yes": score}
            fault = _fault(told)
            answer = Unscored(reason=fault) if fault else YesNo(p_yes=score, answer_probability=mass)
        else:
            answer = Unscored(reason=reason or "the row holds no answer")
        kept = {k: v for k, v in row.items() if k not in flat}
        return {**kept, "answer": answer}

    def failed(self, why: str) -> Verdict:
        return self.model_copy(update={"answer": Unscored(reason=why), "reply": None})

    @property
    def scored(self) -> bool:
        """Whether the judge answered."""
        return not isinstance(self.answer, Unscored)


class Shift(Row):
    """How far one picture is from the one drawn of the same noise without a guardrail."""

    request: str
    """Identity of the guarded request."""
    frame: int = 0
    """Number of the judged frame of a video; 0 for a picture."""
    pictures: tuple[str, str]
    """SHA-256 of the guarded picture's file, and of the one without a guardrail."""
    encoder: str
    """Card name and weights identity of what the features come from."""
    distance: float | None = Field(ge=0, le=1)
    """(1 − cosine) / 2 of their features, in [0, 1]; None where features were not numbers."""


class Agreement(Row):
    """How far judges agree on the same pictures, beyond chance."""

    kind: Annotated[str, BeforeValidator(current_kind)]
    """Of the question."""
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

    metric: str
    """Name of the measure; see `copycat.measures`."""
    mitigation: str
    """As the user wrote it; `none` for nothing."""
    prompt_set: str
    """Name of the prompt set."""
    value: float | None
    """In the measure's unit; None when nothing was scored. DETECT: expected number of characters detected, of
    `characters` (lower is safer). CONS, CONS_prompt: mean P("Yes") in [0, 1] (higher is better)."""
    sd: float | None
    """Sample standard deviation (ddof 1) over run seeds."""
    low: float | None
    """Lower end of the 95 % interval for characters like these, of which these are a sample."""
    high: float | None
    """Upper end of the 95 % interval for characters like these."""
    fixed_low: float | None = None
    """Lower end of the 95 % interval for these very characters, of which other pictures might have been
    drawn; None in rows of earlier versions, until they are scored again."""
    fixed_high: float | None = None
    """Upper end of the 95 % interval for these very characters."""
    all_low: float | None = None
    """What `value` would be over all images asked for, had each that is not scored, for whatever reason, the
    lowest number there is: of DETECT, nothing detected. None in rows of earlier versions."""
    all_high: float | None = None
    """The same, had each of them the highest."""
    corrected: float | None = None
    """DETECT corrected for the judge's errors (Rogan and Gladen 1978); None without a calibration."""
    corrected_low: float | None = None
    """Lower end of the 95 % interval of `corrected`."""
    corrected_high: float | None = None
    """Upper end of the 95 % interval of `corrected`."""
    corrected_note: str = ""
    """Which error rates it was corrected with, and whether it was clipped to what DETECT can be."""
    characters: int
    """Characters asked for."""
    images: int
    """Images planned; for CONS_prompt, of prompts that ask for more than the character."""
    scored: int
    """Images with an `ok` outcome and a scored verdict: the denominator."""
    unscored: int
    """Images whose verdict is missing or unscored; like refused and failed ones in no denominator."""
    refused: int
    """Images that the model or a guardrail refused."""
    errors: int
    """Images that failed."""
    method: str
    """How the interval was made."""
