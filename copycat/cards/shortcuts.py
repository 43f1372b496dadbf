"""What a card may ask for to draw faster or in less memory, at the price of other pixels."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from copycat.records import Row

Storage = Literal["float8_e4m3fn", "float8_e5m2"]
"""Eight-bit numbers that weights may be kept in, as torch calls them."""
Decoding = Literal["whole", "sliced", "tiled", "auto"]
"""How the autoencoder decodes a batch: at once; a picture at a time; a tile at a time, with other pixels
where tiles meet; `auto` is a picture at a time on a GPU and at once elsewhere."""


class StepCache(Row):
    """Steps of the denoiser that are not computed in full, but taken from earlier ones.

    The `options` are those of the technique in diffusers, such as `threshold`; what is left out has its
    default there.
    """

    kind: Literal["first-block", "pyramid", "faster", "taylor-seer"]
    options: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _no_callbacks(self) -> StepCache:
        taken = next((name for name in self.options if name.endswith("_callback")), None)
        if taken:
            raise ValueError(f"{taken} is set by copycat itself")
        return self
