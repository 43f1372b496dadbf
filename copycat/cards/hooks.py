"""What a guardrail may change in a model: its weights, the embeddings it is given, and its predictions."""

from __future__ import annotations

import hashlib
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from copycat.errors import BadFile, UserError
from copycat.io.atomic import write_bytes
from copycat.io.cached import EDITS
from copycat.io.paths import cache_folder
from copycat.records import Request, digest

if TYPE_CHECKING:
    from torch import Tensor

    from copycat.cards.models import ModelCard


@dataclass(frozen=True)
class WeightEdit(ABC):
    """One change to the weights of a model, such as the erasure of a concept."""

    method: str
    """What is done, with a version to be raised when the result changes: `uce-1`."""
    options: Mapping[str, Any]
    """Everything else that decides the result; plain JSON."""
    base: str
    """Identity of the weights that are changed."""

    @property
    def identity(self) -> str:
        """Digest of method, options and base: the same identity, the same weights. 16 hex digits."""
        return digest({"method": self.method, "options": dict(self.options), "base": self.base})

    @property
    def folder(self) -> Path:
        """Where :meth:`make` left its result, in the user's cache; missing before it is made."""
        return cache_folder() / EDITS / self.identity

    def make(self, pipeline: Any, folder: Path, card: ModelCard) -> None:  # noqa: B027
        """Compute what :meth:`apply` needs and write it to `folder`, which is empty. Done once: the result
        is kept in the cache.

        `pipeline` is ready to draw as `card` says, on the run's device, with the edits that come before this
        one. It is thrown away afterwards, so it may be changed.
        """

    @abstractmethod
    def apply(self, pipeline: Any, folder: Path) -> None:
        """Change the weights of `pipeline`, which was just read and lies in main memory; nothing is offloaded
        or compiled yet. `folder` holds what :meth:`make` wrote."""


def variant_identity(edits: Sequence[WeightEdit]) -> str:
    """ "" for no edits, else a digest of their identities in order."""
    return digest([e.identity for e in edits]) if edits else ""


@dataclass(frozen=True, eq=False)
class Conditioning:
    """Embeddings for one prompt, of one of two kinds. Raises UserError unless it holds exactly one kind."""

    embeds: Mapping[str, Tensor] = field(default_factory=dict)
    """Prompt embeddings, by the name that the pipeline's call gives them: `prompt_embeds`,
    `pooled_prompt_embeds`, `negative_prompt_embeds`, … They take the place of the prompt's words, and of
    the negative prompt's where they name negative embeddings. Shapes are those of one picture, without
    the batch's dimension."""
    tokens: Mapping[str, Mapping[str, Tensor]] = field(default_factory=dict)
    """Token embeddings: by text encoder (`text_encoder`, `text_encoder_2`, …) and token, vectors of the
    encoder's width. They take the place of the token's own row while prompt and negative prompt are
    encoded."""

    def __post_init__(self) -> None:
        if bool(self.embeds) == bool(self.tokens):
            raise UserError("A conditioning holds either prompt embeddings or token embeddings.")

    @property
    def sha(self) -> str:
        """First 32 hex digits of the SHA-256 of all names, types, shapes and numbers."""
        import torch

        content = hashlib.sha256()
        for name, tensor in sorted(self._flat().items()):
            content.update(f"{name}|{tensor.dtype}|{tuple(tensor.shape)}|".encode())
            content.update(tensor.flatten().view(torch.uint8).numpy().tobytes())
        return content.hexdigest()[:32]

    def write(self, folder: Path) -> Path:
        """The file `SHA.safetensors` in `folder`, which is made if need be."""
        path = _path(folder, self.sha)
        if not path.is_file():
            from safetensors.torch import save

            write_bytes(path, save(self._flat()))
        else:
            # As if written now, so that `copycat prune` leaves it to the run that is being planned.
            with suppress(OSError):
                os.utime(path)
        return path

    @classmethod
    def read(cls, folder: Path, sha: str) -> Conditioning:
        """The conditioning that was written to `folder`. Raises BadFile for a file that is missing, cannot be
        read, or holds something else than its name says."""
        from safetensors.torch import load

        path = _path(folder, sha)
        try:
            flat = load(path.read_bytes())
            embeds: dict[str, Tensor] = {}
            tokens: dict[str, dict[str, Tensor]] = {}
            for name, tensor in flat.items():
                kind, where, *token = name.split("/", 2)
                if kind == "embeds":
                    embeds[where] = tensor
                else:
                    tokens.setdefault(where, {})[token[0]] = tensor
            found = cls(embeds, tokens)
        except Exception as e:
            raise BadFile(f"{path} cannot be read as a conditioning ({type(e).__name__}: {e}).") from e
        if found.sha != sha:
            raise BadFile(f"{path} does not hold what its name says; delete it and plan the run again.")
        return found

    def _flat(self) -> dict[str, Tensor]:
        flat = {f"embeds/{name}": tensor for name, tensor in self.embeds.items()}
        for encoder, vectors in self.tokens.items():
            flat |= {f"tokens/{encoder}/{token}": vector for token, vector in vectors.items()}
        return {name: tensor.detach().cpu().contiguous() for name, tensor in flat.items()}


def _path(folder: Path, sha: str) -> Path:
    return folder / f"{sha}.safetensors"


@dataclass(frozen=True)
class DenoiseStep:
    """One call of the denoiser: what it is given, and what it makes of it."""

    latents: Tensor
    """Shape (rows, channels, …). Under classifier-free guidance most pipelines ask for all pictures twice in
    one call, first with the negative prompts and then with the prompts; others make two calls."""
    timestep: Any
    """As the pipeline gives it: a number or a tensor, on the pipeline's own scale."""
    requests: tuple[Request, ...]
    """The request of each row."""
    arguments: Mapping[str, Any]
    """Everything else that the denoiser is given, by name, as `encoder_hidden_states`."""
    model: Callable[[DenoiseStep], Tensor]
    said: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What the model's text encoders make of further texts, those that :class:`Steering` names, by text: the
    denoiser's arguments for one row."""
    memory: dict[str, Any] = field(default_factory=dict)
    """What a hook keeps from one step to the next, while the same pictures are drawn."""
    places: Mapping[str, Sequence[range]] = field(default_factory=dict)
    """By text of those: for each of its words the rows that its tokens have in what the text encoder makes of
    it. A text is missing where several text encoders split it unlike each other."""
    scheduler: Any = None
    """The pipeline's, which knows how noisy latents are at a time step."""

    def predict(self, **changes: Any) -> Tensor:
        """The prediction for this step, with `changes` to its fields; may be called several times.

        It is what the denoiser returns, of the latents' shape (twice the channels where it predicts the
        variance too).
        """
        return self.model(replace(self, **changes))


Denoise = Callable[[DenoiseStep], "Tensor"]
"""Makes the prediction that the sampler will see; `lambda step: step.predict()` changes nothing."""


@dataclass(frozen=True)
class Steering:
    """A denoiser's hook that needs further texts encoded."""

    hook: Denoise
    texts: Callable[[Request], Sequence[str]]
    """Those that it needs for a request."""

    def __call__(self, step: DenoiseStep) -> Tensor:
        return self.hook(step)


@dataclass(frozen=True)
class Hooks:
    """What acts inside a model while one batch is drawn."""

    conditionings: Mapping[str, Conditioning] = field(default_factory=dict)
    """Those that the batch's requests name, by sha."""
    denoise: Denoise | None = None
    """Wraps the denoiser."""


def chain(hooks: Sequence[Denoise]) -> Denoise:
    """One hook of several: what one predicts is the model of the next."""
    first, *others = hooks
    for hook in others:
        first = _around(first, hook)
    return first


def _around(inner: Denoise, outer: Denoise) -> Denoise:
    def both(step: DenoiseStep) -> Tensor:
        return outer(replace(step, model=lambda changed: inner(replace(changed, model=step.model))))

    return both
