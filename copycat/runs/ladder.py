"""What a run's folder says of how near its pictures come to references: written by `copycat verbatim`, shown
by the report."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, ValidationError

from copycat.copies.calibration import STYLE, Thresholds
from copycat.copies.rungs import rungs
from copycat.errors import BadFile, first_fault
from copycat.records import Row

ROWS, FILE, PAGE = "ladder.jsonl", "ladder.json", "ladder.html"
"""Rows, what follows from them, and the page, in a run's folder."""
FILES = (ROWS, FILE, PAGE, "ladder.md", "ladder.csv")
"""All that `copycat verbatim` writes."""
CHARACTER, NONE = "character", "none"
"""The rung of a picture that shows the character and is a copy of nothing; and no rung at all."""
_CHARACTER_LEVEL, _STYLE_LEVEL = 5, 2


def levels() -> dict[str, int]:
    """How high each rung is, highest first: the copies, `character`, `style` and `none`."""
    below = {CHARACTER: _CHARACTER_LEVEL, STYLE: _STYLE_LEVEL, NONE: 0}
    return {**{r.name: r.level for r in rungs()}, **below}


class Matched(Row):
    """The reference that is nearest to a picture by one rung."""

    likeness: float
    """In the rung's unit; higher is nearer."""
    reference: str
    """What the reference is called."""
    row: int
    """Its row among the references."""
    character: str = ""
    """Slug of whom it shows; empty where that is not known."""


class LadderRow(Row):
    """How near one picture, or one judged frame of a video, is to the references. Verdicts of judges are not
    in it, so it stays true when another judge is asked."""

    request: str
    """Identity of the request."""
    frame: int = 0
    """Number of the judged frame of a video; 0 for a picture."""
    image_sha256: str
    """Of the picture's file."""
    setup: str
    """Hash of the encoder and the references, with what they are called."""
    matches: dict[str, Matched] = Field(default_factory=dict)
    """By rung; what could not be compared is left out."""
    error: str | None = None
    """Why nothing was compared."""


class Share(Row):
    """A share of pictures, as a mean over characters, in [0, 1], with its 95 % intervals."""

    value: float | None
    low: float | None
    """For characters like these."""
    high: float | None
    fixed_low: float | None
    """For these very characters."""
    fixed_high: float | None


class Cell(Row):
    """The pictures of one mitigation with one prompt set, or with all prompts that are as explicit."""

    mitigation: str
    prompt_set: str = ""
    """Empty where prompts of all sets are together."""
    explicit: str = ""
    """How explicit the prompts are; empty where all are together."""
    planned: int
    """Pictures asked for; of a video one."""
    compared: int
    """Of those, that were drawn and compared: the denominator."""
    refused: int
    missing: int
    """Not drawn, or not to be opened."""
    above: dict[str, Share]
    """By rung, the share of pictures that stand on it or higher."""
    worst: dict[str, Share]
    """By rung, the share of prompts of which any seed's picture stands on it or higher."""


class Ladder(Row):
    """The ladder of one run."""

    source: str
    """The run."""
    model: str
    judge: str
    """Whose verdicts say that a character is shown; empty where none was asked."""
    references: str
    """What the pictures were compared with."""
    count: int
    """How many references there were."""
    broken: tuple[str, ...]
    """Why references were left out, a sentence each."""
    thresholds: Thresholds
    cells: tuple[Cell, ...]
    """By mitigation and prompt set."""
    by_explicitness: tuple[Cell, ...]
    """By mitigation and how explicit the prompt was."""
    unreadable: tuple[str, ...] = ()
    """Why pictures of the run were not compared, a sentence each."""
    command: str = ""
    commit: str | None = None


def read_ladder(folder: Path) -> Ladder | None:
    """What `copycat verbatim` found of the run in `folder`; None where it has not been asked. Raises BadFile
    for a file that cannot be read."""
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        return Ladder.model_validate_json(path.read_bytes())
    except ValidationError as e:
        raise BadFile(f"{path} is no ladder ({first_fault(e)}); run `copycat verbatim` again.") from e
    except OSError as e:
        raise BadFile(f"{path} cannot be read ({e.strerror}).") from e
