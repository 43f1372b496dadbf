"""What an eraser is: a mitigation that changes the weights of the model, once for all requests."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from pydantic import ValidationError

from copycat.cards.hooks import WeightEdit
from copycat.cards.models import ModelCard
from copycat.errors import UserError, first_fault
from copycat.mitigations.base import Mitigation, Options, RunContext
from copycat.mitigations.erasure.task import ErasureTask, Preserved, chosen, erasure_task
from copycat.runtime.progress import Lines, Progress

if TYPE_CHECKING:
    from torch import Tensor


class EraserOptions(Options):
    """What every eraser is told."""

    characters: str = ""
    """Slugs or names of the characters to erase, separated by semicolons; empty for those of the run."""
    prompts: str = ""
    """Prompt sets of the registry, separated by semicolons, such as `description;keywords`: their prompts for
    the characters are erased beside the names. Measure on other sets, since it learns on these."""
    preserve: Preserved = "generic"
    """What is kept explicitly: generic nouns of the registry's characters, the other characters too, or
    nothing."""


@dataclass(frozen=True)
class Work:
    """Where an eraser tells how far it is, and where it keeps what it would need to go on."""

    progress: Progress
    checkpoint: Path
    """A file beside the result; missing where nothing was begun."""
    every: float = 60.0
    """Seconds between two checkpoints."""


E = TypeVar("E", bound=EraserOptions)


@dataclass(frozen=True)
class Erased:
    """What an eraser changed."""

    weights: Mapping[str, Tensor]
    """By part and parameter, as :func:`copycat.mitigations.erasure.delta.parameters` names them."""
    losses: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """By name, over the iterations; none for closed forms."""


class Eraser(Mitigation[E]):
    """Erases characters from the weights. Made where it is first used, and kept by its content."""

    version: ClassVar[int] = 1
    """Raised when the same options give other weights."""
    needs_target = False

    def __init__(self, config: E, task: ErasureTask | None = None) -> None:
        super().__init__(config)
        self._task = task

    def bind(self, context: RunContext) -> Self:
        config = self._suited(context.erasers.get(self.name, {}))
        erased = chosen(context.registry, config.characters, context.characters)
        sets = [name.strip() for name in config.prompts.split(";") if name.strip()]
        return type(self)(config, erasure_task(context.registry, erased, config.preserve, sets))

    def _suited(self, suiting: Mapping[str, Any]) -> E:
        """The options that the user named, then those that suit the model, then the method's own."""
        try:
            named = self.config.model_dump(exclude_unset=True)
            return type(self.config).model_validate({**suiting, **named})
        except ValidationError as e:
            raise UserError(
                f"The model's card sets options of {self.name} that it does not have ({first_fault(e)}); "
                "mend them under `erasers` of the card."
            ) from e

    def edit_model(self, base: str) -> Erasure:
        if self._task is None:
            raise RuntimeError(f"{self.name} must be bound to a run first")
        settings = self.config.model_dump(mode="json", exclude={"characters", "prompts", "preserve"})
        told = {**settings, "task": self._task.model_dump(mode="json")}
        return Erasure(f"{self.name}-{self.version}", told, base, eraser=self, task=self._task)

    @property
    def needs_adapters(self) -> bool:
        """Whether what it makes is added beside the weights, so that it is no model of its own."""
        return False

    def place(self, pipeline: Any, weights: Mapping[str, Tensor], folder: Path) -> None:
        """Put what :meth:`erase` returned, and was read from `folder`, into `pipeline`. Raises UserError for
        weights that do not fit it."""
        from copycat.mitigations.erasure.delta import put_weights

        put_weights(pipeline, weights, folder)

    @abstractmethod
    def erase(self, pipeline: Any, card: ModelCard, task: ErasureTask, work: Work) -> Erased:
        """Change the weights of `pipeline`, which is ready to draw as `card` says. Raises UserError for a
        pipeline that the method cannot be used with, saying which methods can."""


@dataclass(frozen=True)
class Erasure(WeightEdit):
    """What an eraser does to one model."""

    eraser: Eraser[Any] = field(kw_only=True, compare=False)
    task: ErasureTask = field(kw_only=True, compare=False)

    def make(self, pipeline: Any, folder: Path, card: ModelCard) -> None:
        # They bring torch.
        from copycat.mitigations.erasure.delta import ErasureCard, write_delta

        began = time.monotonic()
        # Lines, since the bar of a stage may be on the screen.
        work = Work(Lines(), self.folder.with_suffix(".part"))
        erased = self.eraser.erase(pipeline, card, self.task, work)
        told = ErasureCard(
            method=self.method,
            options=dict(self.options),
            base=self.base,
            identity=self.identity,
            seconds=round(time.monotonic() - began, 2),
            trained=sum(w.numel() for w in erased.weights.values()),
            losses={name: tuple(values) for name, values in erased.losses.items()},
        )
        write_delta(folder, erased.weights, told)
        work.checkpoint.unlink(missing_ok=True)

    def apply(self, pipeline: Any, folder: Path) -> None:
        from copycat.mitigations.erasure.delta import read_delta

        self.eraser.place(pipeline, read_delta(folder, self.identity), folder)
