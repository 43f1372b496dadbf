"""What a measure is: the question that it asks of a judge, and how answers become a number."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, final

import numpy as np

from copycat.cards.catalog import Catalog
from copycat.errors import UnknownName
from copycat.io.columns import Floats
from copycat.measures.evidence import Evidence, Observation
from copycat.measures.observing import choose, observe
from copycat.measures.questions import Ask
from copycat.records import Answer, ImageRow, Question, QuestionStyle, Request, Unscored, Verdict, YesNo
from copycat.subjects.characters import Character, Registry
from copycat.subjects.innocents import is_innocent


class Measure(ABC):
    """One number about a model under a guardrail.

    It is a mean over the scored pictures of each character and then over characters, times
    :meth:`scale`. A subclass says what it asks and how it reads an answer; tables, the page, comparisons,
    published datasets and the leaderboard know it through this class alone.
    """

    name: str
    """As in `metrics.json`, e.g. `CONS`."""
    title: str
    """What it counts, in a few words."""
    about: str
    """One sentence for a reader of a table: what the number is, its range, and which direction is better."""
    ask: Ask | None = None
    """The question; None for a measure of the rows alone, which overrides :meth:`observe`."""
    better: Literal["lower", "higher"] = "higher"
    counts: bool = False
    """Whether it counts characters, out of all that were asked for, rather than being a mean in [0, 1]."""
    corrected: bool = False
    """Whether the judge's error rates for the question correct it (Rogan and Gladen 1978)."""
    compared: bool = True
    """Whether judges are compared on it, as raters of yes and no."""
    tabled: bool = True
    """Whether short tables show it; files for other programs have every measure."""
    apart: bool = True
    """Whether tables show its own denominator, because not every picture is asked about."""

    innocent: bool = False
    """Whether it is about pictures of innocent prompts (`subjects/innocents.py`) too."""
    guilty: bool = True
    """Whether it is about pictures of the other prompts, which ask for a character."""

    def concerns(self, request: Request) -> bool:
        """Whether it is about the pictures of such requests. It is asked once for all requests that have the
        prompt before any mitigation in common, so nothing else of a request may matter."""
        return self.innocent if is_innocent(request.prompt_set) else self.guilty

    @abstractmethod
    def read(self, answer: Answer, character: Character) -> float | None:
        """The number in an answer about a picture made for `character`, in [0, 1]; None where it has none."""

    def read_all(self, p_yes: Floats) -> Floats | None:  # noqa: ARG002
        """What :meth:`read` gives for answers of yes or no with these P("Yes"), shape (answers,), whomever
        they are about. None, as by default, where each has to be read by itself, which takes longer."""
        return None

    @property
    def settled_by(self) -> Measure | None:
        """The measure whose answer from the same judge about the same picture takes the place of one that
        :meth:`doubts`; None where there is none."""
        return None

    def doubts(self, answer: Answer, character: Character) -> bool:  # noqa: ARG002
        """Whether an answer about a picture made for `character` leaves open what its number is."""
        return False

    def items(self, request: Request, character: Character) -> tuple[str | None, ...]:  # noqa: ARG002
        """The things asked about in one picture: by default one, without a name. A request without any is
        left out. As with :meth:`concerns`, only the prompt before any mitigation may matter."""
        return (None,)

    @property
    def places(self) -> int:
        """Decimals to show: one for counts of characters, three for a mean in [0, 1]."""
        return 1 if self.counts else 3

    @property
    def heading(self) -> str:
        """Name with an arrow that points to the better side."""
        return f"{self.name} {'↓' if self.better == 'lower' else '↑'}"

    def caption(self, character: Character) -> str:  # noqa: ARG002
        """What the number beside one picture made for `character` is called."""
        return self.title

    def degree(self, seen: Observation) -> float | None:
        """The number beside one picture: its value, or what was rounded to a yes or no."""
        return seen.value

    @property
    def binary(self) -> bool:
        """Whether a picture's value is 0 or 1."""
        return self.counts

    def scale(self, characters: int) -> float:
        """What the mean over that many characters is multiplied with."""
        return float(characters) if self.counts else 1.0

    def questions(
        self,
        request: Request,
        row: ImageRow,
        registry: Registry,
        references: int = 0,
        style: QuestionStyle = "plain",
    ) -> list[Question]:
        """What a judge is asked about one `ok` picture; nothing for a measure without a question.

        In the words that `style` has for it. With `references`, a question that has words for it shows that
        many reference pictures of the character first. Raises ValueError for a row without a picture.
        """
        if row.file is None or row.sha256 is None:
            raise ValueError("only an ok picture can be asked about")
        if self.ask is None or not self.concerns(request):
            return []
        character = registry[request.character]
        shown = references if self.ask.shown else 0
        return [
            Question(
                kind=self.ask.kind,
                form=self.ask.form,
                request=row.request,
                frame=row.frame,
                file=row.file,
                sha256=row.sha256,
                text=self.ask.render(registry, character, item, shown, style),
                item=item,
                character=character.slug,
                references=character.references[:shown],
            )
            for item in self.items(request, character)
        ]

    def observe(self, evidence: Evidence) -> Sequence[Observation]:
        """One observation a request that has something to ask about, in the plan's order.

        The value is the mean over the items. With an item unscored there is none: a mean over the others
        would be of another question.
        """
        return observe(self, evidence)

    @final
    def decide(
        self,
        rows: Sequence[ImageRow],
        answers: Mapping[tuple[str, int, str | None], Verdict],
        character: Character,
        item: str | None = None,
        settling: Mapping[tuple[str, int, str | None], Verdict] | None = None,
    ) -> Verdict | None:
        """The verdict that speaks for all `rows` of a request: that of the frame with the highest value.

        In place of one that leaves the number open stands that of `settling`, where there is one of the same
        judge; these are answers about `character` to the question of :attr:`settled_by`.

        The maximum over frames is taken as He et al. 2024 (section C.2) do for DETECT, and for every other
        measure alike: what a video shows in one frame, it shows. A frame without a scored verdict might be
        the highest, so then the request is unscored (its verdict or None is returned), unless another frame
        has 1 already, which nothing exceeds.
        """
        judged: list[Verdict | None] = []
        for row in rows:
            answer = answers.get((row.request, row.frame, item))
            # A verdict on other pixels than those in the row says nothing about this picture.
            fits = row.outcome == "ok" and answer is not None and answer.image_sha256 == row.sha256
            other = settling.get((row.request, row.frame, item)) if settling and fits else None
            if answer and other and answer.scored and self.doubts(answer.answer, character):
                same = (other.judge, other.image_sha256) == (answer.judge, answer.image_sha256)
                answer = other if same else answer
            judged.append(answer if fits else None)
        values = [self.value(v, character) for v in judged]
        known = np.array([[np.nan if v is None else v for v in values]], float)
        return judged[choose(known, np.ones_like(known, bool))[0]] if judged else None

    @final
    def value(self, verdict: Verdict | None, character: Character) -> float | None:
        """The number in a verdict; None where there is none, or the judge gave no answer."""
        if verdict is None or isinstance(verdict.answer, Unscored):
            return None
        by = self.settled_by
        settled = by and by.ask and by.ask.kind == verdict.kind
        return (by if by and settled else self).read(verdict.answer, character)


class YesNoMeasure(Measure):
    """The mean P("Yes") to a yes-or-no question, in [0, 1]; the base of most further measures."""

    def read(self, answer: Answer, character: Character) -> float | None:  # noqa: ARG002
        return answer.p_yes if isinstance(answer, YesNo) else None

    def read_all(self, p_yes: Floats) -> Floats | None:
        # A subclass that reads otherwise has the last word.
        return p_yes if type(self).read is YesNoMeasure.read else None


CATALOG: Catalog[Measure] = Catalog(
    "measures",
    singular="measure",
    builtin={
        "DETECT": "copycat.measures.detect:DETECT",
        "DETECT_targeted": "copycat.measures.detect:DETECT_TARGETED",
        "CONS": "copycat.measures.cons:CONS",
        "CONS_prompt": "copycat.measures.cons:CONS_PROMPT",
        "MOVED": "copycat.measures.innocent:MOVED",
        "FALSE_ALARM": "copycat.measures.innocent:FALSE_ALARM",
    },
)


def measures(names: Iterable[str] | None = None) -> tuple[Measure, ...]:
    """Those called `names`, or all there are: the built-in ones as they are listed, then others by name.

    Raises UnknownName.
    """
    known = CATALOG.names() if names is None else list(names)
    first = list(CATALOG.builtin)
    ordered = sorted(known, key=lambda n: (first.index(n) if n in first else len(first), n))
    return tuple(CATALOG.get(n) for n in ordered)


class ForeignMeasure(YesNoMeasure):
    """Stands for a measure that is not installed here, in a run that was made elsewhere."""

    title = "a measure that is not installed here"
    about = "A measure that is not installed here."
    compared = False

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def heading(self) -> str:
        """Its name alone: which side is better is not known here."""
        return self.name

    def observe(self, evidence: Evidence) -> Sequence[Observation]:  # noqa: ARG002
        """None: how to read its answers is not known here."""
        return []


def measure(name: str) -> Measure:
    """The one called `name`, or a :class:`ForeignMeasure` where none of that name is installed here."""
    try:
        return CATALOG.get(name)
    except UnknownName:
        return ForeignMeasure(name)
