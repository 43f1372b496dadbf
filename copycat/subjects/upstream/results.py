"""A results folder of princeton-nlp/CopyCat: what its scripts wrote, and what their flags are called here.

`main.py` writes `MODEL/PROMPTS/run-N/neg_prompt_FLAG/log.json` and `images/ROW.png` beside it, or
`images/ROW_FRAME.png` for a video; `detect_score/gpt4v_eval.py` puts `binary_result.json` there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from copycat.errors import BadFile, UserError, first_fault
from copycat.io.documents import parse_json
from copycat.subjects.upstream.checkout import SOURCES

LOG, VERDICTS, PICTURES = "log.json", "binary_result.json", "images"
FRAMES = (0, 6, 15)
"""The frames of a video of 16 that the scripts keep and judge."""
VIDEO_FRAMES = 16
_FLAG, _RUN = re.compile(r"neg_prompt_(.+)"), re.compile(r"run-(\d+)")


@dataclass(frozen=True)
class Flag:
    """One value of `--neg_prompt`, and our name for what it sends."""

    ours: str | None
    """The mitigation; None where there is none like it here."""
    sends: str


def _noname(words: str, k: int = 5) -> str:
    return f"negprompt[{'' if k == 5 else f'k={k},'}of=nothing,words={words}]"


def _named(words: str, k: int = 5) -> str:
    return f"negprompt[{'' if k == 5 else f'k={k},'}words={words}]"


FLAGS: Mapping[str, Flag] = {
    "none": Flag("none", "an empty negative prompt"),
    "copyright": Flag("negprompt[of=generic]", '"copyrighted character"'),
    "target": Flag("negprompt", "the name"),
    **{f"keyword-{k}": Flag(_named("lm", k), f"the name, {k} LM words") for k in (1, 3, 5, 10)},
    "keyword-5-greedy": Flag(_named("lm"), "the name, 5 LM words"),
    "keyword-5-embedding": Flag(_named("emb"), "the name, 5 EmbSim words"),
    "keyword-5-laion": Flag(_named("cooc"), "the name, 5 LAION words"),
    "keyword-5-greedy-and-laion-5": Flag(None, "the name, 5 LM and 5 LAION words"),
    "keyword-5-and-laion-5": Flag(None, "the name, 5 LM and 5 LAION words"),
    **{f"keyword-{k}-noname": Flag(_noname("lm", k), f"{k} LM words") for k in (1, 3, 5, 10)},
    "keyword-5-greedy-noname": Flag(_noname("lm"), "5 LM words"),
    "keyword-5-embedding-noname": Flag(_noname("lm"), "5 LM words, and not the EmbSim words of its name"),
    "keyword-5-laion-noname": Flag(_noname("lm"), "5 LM words, and not the LAION words of its name"),
    "keyword-5-greedy-and-laion-5-noname": Flag(None, "5 LM and 5 LAION words"),
}
"""What each flag sends by the code of `main.py`, which is not always what it says;
docs/reproduce-the-paper.md has the same table."""


class _Written(BaseModel):
    # What a later version of the scripts adds is none of our business.
    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class Entry(_Written):
    """One row of `log.json`: a picture that was asked for."""

    target: str
    prompt: str
    negative: str = Field(default="", alias="negative prompt")
    image_path: str = ""
    """Relative to where the script ran; of a video with a place for the frame. Empty after an error."""
    has_error: bool = False


class Judgement(_Written):
    """One row of `binary_result.json`: what was read out of a judge's reply."""

    id: str
    """The picture's file; of a video that of the frame with the highest score."""
    character: str = ""
    score: Any = ""
    """1 for a character, 0 for none; anything else is no answer."""
    has_error: bool = False
    error_msg: str = ""


W = TypeVar("W")
_ENTRIES, _JUDGEMENTS = TypeAdapter(list[Entry]), TypeAdapter(list[Judgement])


@dataclass(frozen=True)
class Batch:
    """One folder of a results folder: a model's pictures of one prompt file under one flag."""

    path: Path
    model: str
    prompts: str
    """Name of the prompt set, as `copycat import-upstream` calls it for a checkout."""
    seed: int
    flag: str
    entries: Sequence[Entry]
    judgements: Mapping[str, Judgement] | None
    """By picture; None where nothing was judged."""

    @property
    def called(self) -> str:
        """Its path from the model on, for a sentence."""
        return f"{self.model}/{self.path.parents[1].name}/run-{self.seed}/{self.path.name}"

    @property
    def video(self) -> bool:
        """Whether it holds frames of videos."""
        return any("{}" in e.image_path for e in self.entries)

    @property
    def mitigation(self) -> str:
        """Our name for what the flag sends; of what has none, the flag's own. The negative prompt of a
        video is never sent."""
        known = FLAGS.get(self.flag)
        if known is None or known.ours is None or (self.video and self.flag != "none"):
            return f"upstream-{self.flag}"
        return known.ours

    def count(self) -> int | None:
        """DETECT as the scripts count it: names given with score 1 anywhere in the folder, in which a target
        occurs. None where nothing was judged."""
        if self.judgements is None:
            return None
        given = [j.character.lower() for j in self.judgements.values() if j.score == 1 and j.character]
        return sum(any(t.lower() in name for name in given) for t in {e.target for e in self.entries})


def is_results(path: Path) -> bool:
    """Whether there is a log of the scripts at `path` or below it, and no checkout, which may hold some."""
    checkout = any((path / p / "targets.csv").is_file() for p in ("prompts", "."))
    return not checkout and next(path.rglob(LOG), None) is not None


def read_results(path: Path) -> list[Batch]:
    """Every folder with a log at `path` or below it, by path.

    Raises BadFile for a log or a record of verdicts that is none, and for a folder that is not where the
    scripts put it; UserError where the folders are of several models.
    """
    found = [_batch(log.parent) for log in sorted(path.resolve().rglob(LOG))]
    models = list(dict.fromkeys(b.model for b in found))
    if len(models) > 1:
        raise UserError(
            f"{path} has results of {len(models)} models ({', '.join(models[:3])}); a run is of one, so "
            "import the folder of each, and set them side by side with `copycat table`."
        )
    return found


def _batch(folder: Path) -> Batch:
    flag, run = _FLAG.fullmatch(folder.name), _RUN.fullmatch(folder.parent.name)
    if not flag or not run or len(folder.parts) < 5:
        raise BadFile(
            f"{folder / LOG} does not lie where main.py puts it, in MODEL/PROMPTS/run-N/neg_prompt_FLAG; the "
            "folders' names say which model, prompts, run and negative prompt it is about."
        )
    verdicts = folder / VERDICTS
    judged = _read(verdicts, _JUDGEMENTS) if verdicts.is_file() else None
    return Batch(
        path=folder,
        model=folder.parents[2].name,
        prompts=_prompt_set(folder.parents[1].name),
        seed=int(run[1]),
        flag=flag[1],
        entries=_read(folder / LOG, _ENTRIES),
        judgements=None if judged is None else {j.id: j for j in judged},
    )


def _prompt_set(stem: str) -> str:
    """Our name for the prompts of the file `stem`.csv; for one that is not theirs, its own."""
    for source in SOURCES:
        match = re.fullmatch(source.path.pattern.rpartition("/")[2], f"{stem}.csv")
        if match and source.set:
            return source.set.format(*match.groups())
    return f"upstream-{stem}"


def _read(path: Path, rows: TypeAdapter[list[W]]) -> list[W]:
    try:
        return rows.validate_python(parse_json(path.read_text(encoding="utf-8")))
    except ValidationError as e:
        raise BadFile(f"{path} is not what the scripts write ({first_fault(e)}).") from e
    except (OSError, ValueError) as e:
        raise BadFile(f"{path} cannot be read as JSON ({e}).") from e
