"""What every kind of generator keeps to, those of other packages too.

Pipelines are tiny ones of real classes; an API is a server on this machine. That each pipeline class of the
model cards draws is tested in tests/generators.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL.Image import Image

from copycat.cards.hooks import Conditioning, WeightEdit
from copycat.cards.models import ModelCard, load_card
from copycat.errors import UnknownName, UserError
from copycat.generators.base import CATALOG, Generator, ImageOutcome, load_generator
from copycat.io.hosted import Api
from copycat.records import Request, Sampling
from tests.conftest import Tiny
from tests.helpers.loopback import Loopback, running
from tests.helpers.tiny_pipelines import build
from tests.helpers.tiny_video import video_card

NAMES = [*CATALOG.names(), "plain"]
PROMPTS = ("Zori", "Kamo the frog", "a cat")

pytestmark = pytest.mark.usefixtures("plugin")


@dataclass(frozen=True)
class Ground:
    """What cards are made of here."""

    folder: Path
    tiny: Tiny
    server: Loopback

    def hosted(self, kind: str) -> ModelCard:
        sampling = Sampling(steps=1, guidance=2, height=16, width=16)
        api = Api(base_url=self.server.url, key_env=None, retries=0)
        return ModelCard(
            name="hosted", title="Hosted", kind=kind, source="drawer-1", sampling=sampling, api=api,
            batch_size=2, negative_prompt=kind != "openai-images",
        )  # fmt: skip

    def cascade(self) -> ModelCard:
        like = load_card("deepfloyd-if")
        first, *further = [
            str(build(part.pipeline, self.folder / f"stage{i}"))
            for i, part in enumerate((like, *like.stages))
        ]
        stages = [
            stage.model_copy(update={"source": source, "revision": None, "variant": None, "steps": 2})
            for stage, source in zip(like.stages, further, strict=True)
        ]
        sampling = like.sampling.model_copy(update={"steps": 2, "height": 64, "width": 64})
        return like.model_copy(
            update={
                "source": first, "revision": None, "variant": None, "dtype": "float32",
                "stages": tuple(stages),
                "sampling": sampling, "offload": "none", "min_gpu_gb": None, "batch_size": 2, "packages": (),
                # What cleans captions may be missing here.
                "call": {**like.call, "clean_caption": False},
            }
        )  # fmt: skip


CARDS: dict[str, Callable[[Ground], ModelCard]] = {
    "diffusers-cascade": Ground.cascade,
    "diffusers-image": lambda ground: load_card(str(ground.tiny.sd)),
    "diffusers-video": lambda ground: video_card("TextToVideoSDPipeline", ground.folder / "video"),
    "inference-providers": lambda ground: ground.hosted("inference-providers"),
    "openai-images": lambda ground: ground.hosted("openai-images"),
    "plain": lambda ground: load_card("plain"),
}
"""A card of each kind."""


@pytest.fixture(scope="module")
def ground(tiny_models: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    torch.set_num_threads(1)
    with running() as server:
        yield Ground(tmp_path_factory.mktemp("ground"), tiny_models, server)


@pytest.fixture(scope="module")
def made() -> dict[str, ModelCard]:
    return {}


@pytest.fixture(params=NAMES)
def card(request: Any, ground: Ground, made: dict[str, ModelCard]) -> ModelCard:
    """One of each kind; its weights are built once."""
    kind: str = request.param
    if kind not in made:
        made[kind] = CARDS[kind](ground)
    return made[kind]


def requests(card: ModelCard, prompts: tuple[str, ...] = PROMPTS, **more: Any) -> list[Request]:
    sampling = card.sampling.model_copy(update={"steps": min(card.sampling.steps, 2)})
    common = {"model": card.identity(), "prompt_set": "name", "run_seed": 0, "mitigation": "none"}
    return [
        Request(
            **common, character="zori", seed=i + 1, source_prompt=p, prompt=p, sampling=sampling, **more
        ).with_id()
        for i, p in enumerate(prompts)
    ]


def pixels(outcome: ImageOutcome) -> list[bytes]:
    return [i.tobytes() for i in (outcome.image, *outcome.frames) if i is not None]


class Nothing(WeightEdit):
    """An edit that changes nothing."""

    def apply(self, pipeline: Any, folder: Path) -> None:
        """Nothing."""


def test_every_kind_is_here() -> None:
    assert sorted(NAMES) == sorted(CARDS) == CATALOG.names()


def test_who_it_is_is_known_before_it_is_loaded_and_after_it_is_closed(card: ModelCard) -> None:
    kind = CATALOG.get(card.kind)
    assert issubclass(kind, Generator)
    kind.check(card)
    kind.reach(card)
    before = card.identity()
    with load_generator(card, "cpu") as generator:
        assert generator.identity == before
        assert generator.batch_size >= 1
    generator.close()
    assert generator.identity == before, "what is closed keeps its name"
    assert [name for name in vars(generator) if name.startswith("_")] == []
    with pytest.raises(AttributeError):
        generator.generate(requests(card)[:1])
    assert before.startswith(f"{card.name}@")
    other = card.model_copy(update={"name": "other"})
    assert other.identity() != before


def test_it_makes_one_outcome_a_request_in_order(card: ModelCard) -> None:
    asked = requests(card)
    with load_generator(card, "cpu") as generator:
        made = generator.generate(asked)
        again = generator.generate(asked)
        turned = generator.generate(asked[::-1])[::-1]
        told = generator.cut_off(asked)
    assert len(made) == len(asked)
    for request, outcome in zip(asked, made, strict=True):
        assert outcome.outcome == "ok", outcome.error
        assert outcome.error is None
        assert isinstance(outcome.image, Image)
        assert outcome.image.mode == "RGB"
        if request.sampling.frames:
            assert len(outcome.frames) == request.sampling.frames
            assert outcome.frames[0].tobytes() == outcome.image.tobytes()
        else:
            assert outcome.frames == ()
        if card.api is None:
            for image in (outcome.image, *outcome.frames):
                assert image.size == (request.sampling.width, request.sampling.height)
    assert [pixels(o) for o in made] == [pixels(o) for o in again], "same requests, same bits"
    assert all(isinstance(sentence, str) for sentence in told)
    if card.api is None:
        assert len({tuple(pixels(o)) for o in made}) == len(made), "each its own picture"
        for a, b in zip(made, turned, strict=True):
            assert a.image is not None
            assert b.image is not None
            difference = max(abs(x - y) for x, y in zip(a.image.tobytes(), b.image.tobytes(), strict=True))
            assert difference <= 2, "in another order the same, but for rounding"


def test_the_noise_and_the_prompt_decide_the_picture(card: ModelCard) -> None:
    if card.api:
        pytest.skip("the server draws the same for everybody")
    (first, *_) = requests(card)
    others = [first.model_copy(update=change) for change in ({"seed": 4}, {"prompt": "a frog"})]
    with load_generator(card, "cpu") as generator:
        drawn = [pixels(generator.generate([r])[0]) for r in (first, *others)]
    assert drawn[0] not in drawn[1:]


def test_a_picture_that_fails_takes_no_neighbour_along(card: ModelCard, ground: Ground) -> None:
    asked = requests(card, ("Zori", "an unspeakable owl", "Kamo"))
    ground.server.behave = {"unspeakable": "broken"}
    try:
        with load_generator(card, "cpu") as generator:
            made = generator.generate(asked)
    finally:
        ground.server.behave = {}
    assert [o.outcome for o in made][::2] == ["ok", "ok"]
    failed = made[1]
    assert (failed.image is None) == (failed.outcome != "ok") == (failed.error is not None)
    if card.api or card.kind == "plain":
        assert failed.outcome == "error"


def test_edits_conditionings_and_hooks_act_or_are_refused(card: ModelCard) -> None:
    kind = CATALOG.get(card.kind)
    asked = requests(card)[:1]
    if kind.open_weights:
        with load_generator(card, "cpu") as generator:
            plain = generator.generate(asked)
            hooked = generator.generate(asked, denoise=lambda step: step.predict() * 0.5)
            after = generator.generate(asked)
        assert pixels(plain[0]) != pixels(hooked[0])
        assert pixels(plain[0]) == pixels(after[0]), "a hook is there for one call"
        return
    with pytest.raises(UserError, match="out of reach"):
        load_generator(card, "cpu", [Nothing("nothing", {}, card.identity())])
    given = Conditioning(embeds={"prompt_embeds": torch.zeros(1, 4)})
    with load_generator(card, "cpu") as generator:
        with pytest.raises(UserError):
            generator.generate(asked, conditionings={given.sha: given})
        with pytest.raises(UserError):
            generator.generate(asked, denoise=lambda step: step.predict())


def test_a_kind_that_is_not_there_is_named(ground: Ground) -> None:
    card = load_card(str(ground.tiny.sd)).model_copy(update={"kind": "no-such"})
    with pytest.raises(UnknownName, match="no-such"):
        load_generator(card, "cpu")
