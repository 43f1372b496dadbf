"""What a mitigation is: hooks at the places where a model can be guarded, from the prompt to the picture.

A mitigation overrides the hooks it needs, and each of them that does something leaves a step in the request's
provenance. How several act together is in `composition.py`, how a name is read in `parse.py`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, Self, TypeVar

from pydantic import ConfigDict

from copycat.cards.catalog import Catalog
from copycat.cards.hooks import Conditioning, DenoiseStep, WeightEdit
from copycat.cards.llms import LLMCard
from copycat.intent.embedding import Embed
from copycat.llms.base import Chat
from copycat.records import Request, Row, Step
from copycat.subjects.characters import Character, Registry

if TYPE_CHECKING:
    from torch import Tensor


Action = Literal["keep", "redraw", "refuse"]
"""What an output filter does with a picture."""


class Options(Row):
    """A mitigation's configuration: frozen, no unknown keys, no numbers that are none."""

    model_config = ConfigDict(allow_inf_nan=False)


O = TypeVar("O", bound=Options)  # noqa: E741


@dataclass(frozen=True)
class RunContext:
    """The run that a mitigation is part of."""

    registry: Registry
    judge: str = ""
    """The run's own judge: a card's name or a folder."""
    identify: Callable[[str], str] | None = None
    """Card name and weights identity of a judge; raises a UserError for one that cannot be asked here. None
    where no picture is made."""
    encoder: str = ""
    """Identity of the model that draws, whose text encoder `embed` is."""
    embed: Callable[[], Embed] | None = None
    """Loads the text encoder; None where it is not open, as that of a hosted model."""
    chat: Callable[[LLMCard], Chat] | None = None
    """A language model, which is loaded when it is first asked; None where none may be asked."""
    characters: tuple[Character, ...] = ()
    """Those that the run is about."""
    erasers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Options of erasers that suit the model that draws, by the eraser's name, as its card says."""
    hosted: bool = False
    """Whether the model that draws runs elsewhere, so that its weights, embeddings and denoiser are out of
    reach."""


@dataclass(frozen=True)
class JudgeFinding:
    """What a judge sees in a finished picture."""

    characters: frozenset[str] | None
    """Slugs of the registry's characters that it named; None when it did not answer."""
    redrawn: int
    """How many pictures were drawn before this one and thrown away."""


class Mitigation(ABC, Generic[O]):
    """One guardrail with its options. The hooks are pure, and do nothing unless overridden."""

    name: ClassVar[str]
    needs_guidance: ClassVar[bool] = False
    """Whether it can act only where the model is asked with and without the prompt, as classifier-free
    guidance does."""
    options: ClassVar[type[Options]] = Options
    """The type of its options, which are checked when its name is read; the instance has them as `config`."""

    def __init__(self, config: O) -> None:
        self.config = config

    def bind(self, context: RunContext) -> Self:  # noqa: ARG002
        """This mitigation with what it needs of the run; raises a UserError for what is not there."""
        return self

    @property
    def needs_target(self) -> bool:
        """Whether it is told which character is meant, as the oracle of He et al. 2024 tells it."""
        return True

    @property
    def judge(self) -> str | None:
        """The judge to be asked which characters a finished picture shows; None for a hook not used."""
        return None

    def asks(self, registry: str, own: str) -> str | None:  # noqa: ARG002
        """The same of a run about `registry` whose own judge is `own`, known before it is bound."""
        return None if self.judge is None else self.judge or own

    @property
    def calls(self) -> int:
        """How many questions it may have open at a time with a language model; 0 when it asks none."""
        return 0

    def edit_prompt(self, request: Request, character: Character) -> Request:  # noqa: ARG002
        """The words. Returns `with_step`, with another `prompt`."""
        return request

    def edit_sampling(self, request: Request, character: Character) -> Request:  # noqa: ARG002
        """Negative prompt, sampler settings. Returns `with_step`, with another `negative` or `sampling`."""
        return request

    def edit_conditioning(
        self,
        request: Request,  # noqa: ARG002
        character: Character,  # noqa: ARG002
        conditioning: Conditioning | None,  # noqa: ARG002
    ) -> Conditioning | None:
        """The embeddings that the model is given: all of them, with those that parts to the left made, which
        are in `conditioning`. None for no change."""
        return None

    def edit_model(self, base: str) -> WeightEdit | None:  # noqa: ARG002
        """The weights, for all requests of the mitigation alike. `base` is the identity of the weights that
        it will find, with the edits to its left, and belongs into the edit's own."""
        return None

    def denoise(self, step: DenoiseStep) -> Tensor:
        """The denoiser's prediction, each time that it is asked. `step.predict()` is the model's own."""
        return step.predict()

    def texts(self, request: Request) -> tuple[str, ...]:  # noqa: ARG002
        """Further texts that :meth:`denoise` needs encoded for this request; the step has them in `said`."""
        return ()

    def reviews(self, request: Request) -> bool:  # noqa: ARG002
        """Whether it looks at this request's picture. Raises RunConflict when it would look differently
        from what the request was planned with."""
        return False

    def review(self, request: Request, seen: JudgeFinding) -> Action:  # noqa: ARG002
        """The finished picture, as `judge` sees it."""
        return "keep"

    def with_step(
        self,
        request: Request,
        note: str = "",
        result: Row | None = None,
        *,
        seconds: float | None = None,
        **changes: Any,
    ) -> Request:
        """`request` with `changes`, and a step in its provenance: a `note` for people, a `result` for
        programs, and the `seconds` that finding it took."""
        step = Step(
            name=self.name,
            config=self.config.model_dump(mode="json"),
            note=note,
            result=None if result is None else result.model_dump(mode="json"),
            seconds=seconds,
        )
        return request.model_copy(update={**changes, "provenance": (*request.provenance, step)})

    def steps(self, request: Request) -> tuple[Step, ...]:
        """The steps that it left in the provenance of `request`."""
        config = self.config.model_dump(mode="json")
        return tuple(s for s in request.provenance if (s.name, s.config) == (self.name, config))


@dataclass(frozen=True)
class InputDecision:
    """What an input filter makes of a request."""

    open: bool
    character: Character | None
    """Its guess of who is meant."""
    note: str
    result: Row


class InputFilter(Mitigation[O]):
    """A mitigation that looks at the prompt: the parts to its right act only where it opens for them.

    A change of the weights is not among that: it is there for all requests.
    """

    needs_target = False

    @abstractmethod
    def decide(self, request: Request) -> InputDecision:
        """From the prompt as it stands, and the registry."""


CATALOG: Catalog[type[Mitigation[Any]]] = Catalog(
    "mitigations",
    singular="mitigation",
    builtin={
        "filter": "copycat.mitigations.filter:Filter",
        "gate": "copycat.mitigations.gate:Gate",
        "ladder": "copycat.mitigations.ladder:Ladder",
        "none": "copycat.mitigations.none:NoMitigation",
        "negprompt": "copycat.mitigations.negprompt:NegativePrompt",
        "rewrite": "copycat.mitigations.rewrite:Rewrite",
        "rewrite-llm": "copycat.mitigations.rewrite_llm:RewriteLLM",
        "uce": "copycat.mitigations.erasure.uce:UCE",
        "rece": "copycat.mitigations.erasure.rece:RECE",
        "esd": "copycat.mitigations.erasure.esd:ESD",
        "spm": "copycat.mitigations.erasure.spm:SPM",
        "sld": "copycat.mitigations.sld:SLD",
        "safree": "copycat.mitigations.safree:SAFREE",
        "dng": "copycat.mitigations.dng:DNG",
        "advunlearn": "copycat.mitigations.erasure.advunlearn:AdvUnlearn",
        "doco": "copycat.mitigations.erasure.doco:DoCo",
    },
)
