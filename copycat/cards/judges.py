"""Judge cards: which weights, and how well they are known to judge."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import Field, ValidationInfo, field_validator

from copycat.cards.catalog import Catalog
from copycat.cards.folders import named_precision
from copycat.cards.weights import Card, NameOrPath
from copycat.errors import BadFile, UserError
from copycat.io.documents import parse_json
from copycat.io.paths import DATA, expand, locate
from copycat.io.yaml_file import file_of, read_yaml
from copycat.records import QuestionStyle

Vote = Literal["majority", "any", "all", "mean"]


class JudgeCard(Card):
    """One judge; see docs/add-a-judge.md."""

    kind: str = "transformers-vlm"
    """Name in the catalogue of judge kinds."""
    source: str = ""
    """As in every card; empty for a judge without weights, such as a panel."""
    gated: bool = False
    """Whether the hub asks for an account that accepted the licence."""
    members: tuple[NameOrPath, ...] = ()
    """Of a panel: the judges that are asked, by card name or folder."""
    vote: Vote = "majority"
    """Of a panel: how its members' answers become one."""
    registry: NameOrPath | None = None
    """The one registry whose characters it knows, by name or file; None for a judge of general knowledge."""
    questions: QuestionStyle | None = None
    """How it is asked who is shown; see :attr:`style` for what it is where it is left out."""
    references: int = Field(default=0, ge=0, le=3)
    """Reference pictures of the character that `verify` shows first."""
    max_images: int | None = Field(default=None, gt=0)
    """Pictures it can look at together; None when it was trained on several at a time."""
    top_logprobs: int | None = Field(default=None, ge=2, le=1000)
    """Of `kind: openai-logprobs`: the most likely tokens that the server is to list, 20 when left out."""
    at: str = "near-copy"
    """Of `kind: ladder`: the rung from which on it names whose picture is copied."""
    pictures: str | None = None
    """Of `kind: ladder`: a folder or Parquet file of pictures to compare with, absolute once read; the
    registry's reference pictures when left out."""
    thresholds: str | None = None
    """Of `kind: ladder`: JSON file that `copycat verbatim calibrate` wrote, absolute once read; they are
    measured when the judge is loaded where there is none, or where it is of other pictures."""
    calibration: str | None = None
    """JSON file of measured error rates, absolute once read: a calibration file, or rates alone."""

    @field_validator("calibration", "pictures", "thresholds")
    @classmethod
    def _locate_file(cls, value: str | None, info: ValidationInfo) -> str | None:
        file = file_of(info)
        return locate(value, file) if value and file else value

    @property
    def style(self) -> QuestionStyle:
        """How it is asked: as the card says, else `plain` where it knows one registry, whose judge learned
        the questions along with the names, and `name-and-work` where its knowledge is general."""
        return self.questions or ("plain" if self.registry else "name-and-work")

    def identity(self) -> str:
        """That of the weights, with the style of the questions unless it is `plain`: asked in another way,
        a judge errs in another way."""
        weights = super().identity()
        return weights if self.style == "plain" else f"{weights}:{self.style}"

    def asked(self) -> tuple[JudgeCard, ...]:
        """The cards of the judges that look at pictures: a panel's members, or this one."""
        return tuple(map(load_judge_card, self.members)) or (self,)

    def measured(self) -> dict[str, Any] | None:
        """What the file that `calibration` names holds; None without one."""
        if self.calibration is None or not (DATA / self.calibration).is_file():
            return None
        try:
            return dict(parse_json((DATA / self.calibration).read_text(encoding="utf-8")))
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
    try:
        return card.model_copy(update={"calibration": str(own)}) if own.is_file() else card
    except OSError as e:
        raise BadFile(f"{path} is not a valid card: its name can name no file ({e.strerror}).") from e


_OPTIONS = re.compile(r"(.+)\[([^\[\]]+)\]")

CATALOG: Catalog[JudgeCard] = Catalog("judges", singular="judge", folder=DATA / "judges", parse=_read)


def load_judge_card(name_or_folder: str) -> JudgeCard:
    """A card by name, or one made on the fly for a transformers folder, in the precision that it names.

    `NAME[references=2]` changes how many reference pictures it is shown, `NAME[questions=paper]` how it is
    asked, `NAME[at=copy]` the rung of a ladder; such a judge goes by that whole name, and the calibration of
    its card is not its own.
    """
    match = _OPTIONS.fullmatch(name_or_folder)
    if match:
        chosen = _options(match[2], name_or_folder)
        card = load_judge_card(match[1])
        if "at" in chosen and card.kind != "ladder":
            raise UserError(f"The judge {card.name} has no rungs; [at=…] is for cards of kind ladder.")
        told = ",".join(f"{k}={v}" for k, v in chosen.items())
        changes = {**chosen, "calibration": None, "name": f"{card.name}[{told}]"}
        return card.model_copy(update=changes)
    if name_or_folder.endswith("]"):
        raise _not_a_judge(name_or_folder)
    folder = expand(name_or_folder).resolve()
    if (folder / "config.json").is_file():
        precision = named_precision(folder)
        return JudgeCard(name=folder.name, source=str(folder), dtype=precision, batch_size=8)
    return CATALOG.get(name_or_folder)


def own_encoder(registry: str) -> JudgeCard | None:
    """The detector for the characters of `registry` whose weights are here: it makes vectors of pictures
    without any calibration. None where there is none."""
    cards = map(load_judge_card, CATALOG.names())
    own = (c for c in cards if c.kind == "embedding" and c.registry == registry)
    return next((c for c in own if c.folder is not None and c.folder.is_dir()), None)


def _options(text: str, whole: str) -> dict[str, Any]:
    """What stands in the brackets of `whole`; UserError where that cannot be chosen."""
    pairs = [part.partition("=")[::2] for part in text.split(",")]
    given = {k.strip(): v.strip() for k, v in pairs}
    allowed = {"references": ("1", "2", "3"), "questions": get_args(QuestionStyle)}
    rung = given.get("at", "")
    if rung:
        # Which rungs there are, the judge knows.
        allowed["at"] = (rung,)
    if len(given) < len(pairs) or any(v not in allowed.get(k, ()) for k, v in given.items()):
        raise _not_a_judge(whole)
    return {k: int(v) if k == "references" else v for k, v in given.items()}


def _not_a_judge(name: str) -> UserError:
    styles = ", ".join(get_args(QuestionStyle))
    return UserError(
        f"'{name}' is not a judge; the options are `references`, 1 to 3, and `questions`, one of {styles}: "
        "NAME[references=2] or NAME[questions=paper]."
    )
