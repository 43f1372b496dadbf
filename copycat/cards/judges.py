"""Judge cards: which weights, and how well they are known to judge."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from copycat.cards.catalog import Catalog
from copycat.cards.folders import named_precision
from copycat.cards.weights import Card, NameOrPath
from copycat.errors import BadFile, UserError
from copycat.io.paths import DATA, locate
from copycat.io.yaml_file import file_of, read_yaml

Vote = Literal["majority", "any", "all", "mean"]


class JudgeCard(Card):
    """One judge; see docs/add-a-judge.md."""

    kind: str = "transformers-vlm"
    """Name in the catalogue of judge kinds."""
    source: str = ""
    """As in every card; empty for a judge without weights, such as a panel."""
    members: tuple[NameOrPath, ...] = ()
    """Of a panel: the judges that are asked, by card name or folder."""
    vote: Vote = "majority"
    """Of a panel: how its members' answers become one."""
    registry: NameOrPath | None = None
    """The one registry whose characters it knows, by name or file; None for a judge of general knowledge."""
    references: int = Field(default=0, ge=0, le=3)
    """Reference pictures of the character that `verify` shows first."""
    max_images: int | None = Field(default=None, gt=0)
    """Pictures it can look at together; None when it was trained on several at a time."""
    calibration: str | None = None
    """JSON file of measured error rates, absolute once read: a calibration file, or rates alone."""

    @field_validator("calibration")
    @classmethod
    def _locate_calibration(cls, value: str | None, info: ValidationInfo) -> str | None:
        file = file_of(info)
        return locate(value, file) if value and file else value

    def asked(self) -> tuple[JudgeCard, ...]:
        """The cards of the judges that look at pictures: a panel's members, or this one."""
        return tuple(map(load_judge_card, self.members)) or (self,)

    def measured(self) -> dict[str, Any] | None:
        """What the file that `calibration` names holds; None without one."""
        if self.calibration is None or not (DATA / self.calibration).is_file():
            return None
        try:
            return dict(json.loads((DATA / self.calibration).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as e:
            raise BadFile(f"The calibration {DATA / self.calibration} cannot be read ({e}).") from e


def threshold_file(name: str) -> Path:
    """Where `copycat calibrate` keeps the threshold of the detector `name`, in the user's folder.

    It goes before the file that the card names.
    """
    return CATALOG.own(name, ".json")


def _read(path: Path) -> JudgeCard:
    card = read_yaml(path, JudgeCard, "valid card")
    own = threshold_file(card.name)
    return card.model_copy(update={"calibration": str(own)}) if own.is_file() else card


_SHOWN = re.compile(r"(.+)\[\s*references\s*=\s*([1-3])\s*\]")

CATALOG: Catalog[JudgeCard] = Catalog("judges", singular="judge", folder=DATA / "judges", parse=_read)


def load_judge_card(name_or_folder: str) -> JudgeCard:
    """A card by name, or one made on the fly for a transformers folder, in the precision that it names.

    `NAME[references=2]` changes how many reference pictures it is shown; such a judge goes by that whole
    name, and the calibration of its card is not its own.
    """
    match = _SHOWN.fullmatch(name_or_folder)
    if match:
        card = load_judge_card(match[1])
        name = f"{card.name}[references={match[2]}]"
        return card.model_copy(update={"references": int(match[2]), "calibration": None, "name": name})
    if name_or_folder.endswith("]"):
        raise UserError(
            f"'{name_or_folder}' is not a judge; the one option is `references`, 1 to 3: NAME[references=2]."
        )
    folder = Path(name_or_folder).expanduser().resolve()
    if (folder / "config.json").is_file():
        precision = named_precision(folder)
        return JudgeCard(name=folder.name, source=str(folder), dtype=precision, batch_size=8)
    return CATALOG.get(name_or_folder)
