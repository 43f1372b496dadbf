"""What a judge is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from PIL.Image import Image

from copycat.cards.calibration import read_calibration
from copycat.cards.catalog import Catalog
from copycat.cards.judges import JudgeCard, load_judge_card
from copycat.cards.metering import Charging
from copycat.cards.models import CATALOG as MODELS
from copycat.cards.prices import Call, Tariff
from copycat.errors import BadFile, UserError
from copycat.io.hosted import Batches, connect
from copycat.io.lifecycle import Closing
from copycat.io.paths import DATA
from copycat.io.words import whole
from copycat.judges.references import open_reference, reference_hash
from copycat.records import Answer, Question, Unscored, Verdict, digest, first_kind
from copycat.subjects.characters import Character, Registry, load_registry

REFUSED = "the judge refused"
"""How the reason begins where a judge would not answer, which is no failure of the judge."""


class InBatches(ABC):
    """How a hosted judge is asked in batches of its provider."""

    tariff: Tariff
    """What its calls cost there."""

    @abstractmethod
    def provider(self) -> Batches:
        """Where batches of its calls are sent; to be closed. Raises a UserError where it cannot be asked."""

    @abstractmethod
    def body(self, question: Question, image: Image) -> tuple[dict[str, Any], Call]:
        """What asks `question` about `image`, as the body of a call; and that call, for its price."""

    @abstractmethod
    def read(self, question: Question, body: Mapping[str, Any]) -> Verdict:
        """The verdict that an answer with this body comes to, with what it cost. Raises a UserError for one
        that shows that none will do."""


class Judge(Closing, Charging, ABC):
    """Looks at pictures and answers. Built from a judge card and a device; closed as
    :class:`copycat.io.lifecycle.Closing` says."""

    identity: str
    """Card name and weights identity, as :meth:`identify` gives it."""
    batch_size: int
    batches: ClassVar[bool] = False
    """Whether it can be asked in batches of its provider, see :meth:`in_batches`."""
    shows_references: ClassVar[bool] = False
    """Whether it can be shown reference pictures beside the one that it is asked about."""

    @abstractmethod
    def __init__(self, card: JudgeCard, device: str) -> None: ...

    @classmethod
    def identify(cls, card: JudgeCard) -> str:
        """Card name and hash of all that decides its answers; needs no weights in memory."""
        return card.identity()

    @classmethod
    def answers(cls, card: JudgeCard) -> frozenset[str] | None:  # noqa: ARG003
        """The kinds of questions that it is asked, where it knows nothing of others; None for any."""
        return None

    @classmethod
    def check(cls, card: JudgeCard) -> None:
        """Raise BadFile for a card that this kind of judge cannot be built from."""
        check_weights(card)

    @classmethod
    def reach(cls, card: JudgeCard) -> None:
        """Raise MissingRequirement where a hosted judge lacks its package or key; nothing is sent, unless the
        card asks to `probe` a server of one's own."""
        if card.api:
            connect(card.api, f"The judge {card.name}")

    @classmethod
    def call(cls, card: JudgeCard, question: Question, shown: Sequence[tuple[int, int]]) -> Call:  # noqa: ARG003
        """What a hosted judge is sent for `question`, for its price; `shown` are the width and height of each
        picture that goes along, references among them."""
        return Call.of((question.text,), shown=tuple(shown))

    @abstractmethod
    def ask(self, questions: Sequence[Question], images: Sequence[Image]) -> list[Verdict]:
        """One verdict a question, in order; what it could not answer is `unscored` with a reason.

        Question i is about image i. Of a judge whose card has `api` it is called from several threads.
        """

    def prepare(self, questions: Sequence[Question], images: Sequence[Image]) -> Any:  # noqa: ARG002
        """What can be made of `questions` and `images` without the device, such as a processor's tensors.

        It is called on another thread while the judge answers questions before, and its result is given to
        :meth:`ask_prepared` with the same questions and images. Nothing unless a judge has a use for it.
        """
        return None

    def ask_prepared(
        self,
        questions: Sequence[Question],
        images: Sequence[Image],
        prepared: Any,  # noqa: ARG002
    ) -> list[Verdict]:
        """What :meth:`ask` promises, from what :meth:`prepare` made of the same questions and images."""
        return self.ask(questions, images)

    def in_batches(self) -> InBatches | None:
        """How it is asked in batches of its provider, which cost less and take up to a day; None where it
        cannot be asked so."""
        return None

    def stop(self) -> None:
        """Begin nothing more; for a hosted judge, whose calls in flight are paid for and go on."""


CATALOG: Catalog[type[Judge]] = Catalog(
    "judge-kinds",
    singular="judge kind",
    builtin={
        "transformers-vlm": "copycat.judges.vlm:VisionLanguageJudge",
        "openai-chat": "copycat.judges.openai_chat:OpenAIChatJudge",
        "openai-logprobs": "copycat.judges.openai_logprobs:LogprobsJudge",
        "panel": "copycat.judges.panel:Panel",
        "embedding": "copycat.judges.embedding:EmbeddingDetector",
        "phash": "copycat.judges.phash:HashDetector",
        "ocr": "copycat.judges.ocr:NameReader",
        "ladder": "copycat.judges.ladder:LadderJudge",
    },
)


def check_weights(card: JudgeCard) -> None:
    """Raise BadFile for a card that names none."""
    if not card.source:
        raise BadFile(f"The card of the judge {card.name} names no weights; add `source`.")


def load_judge(card: JudgeCard, device: str) -> Judge:
    """The judge that `card` asks for, on `device` (resolved, not `auto`)."""
    return CATALOG.get(card.kind)(card, device)


def identify(card: JudgeCard) -> str:
    """What the verdicts of `card`'s judge are signed with."""
    return CATALOG.get(card.kind).identify(card)


def answers(card: JudgeCard, kind: str) -> bool:
    """Whether `card`'s judge is asked that kind of question."""
    known = CATALOG.get(card.kind).answers(card)
    return known is None or kind in known


def check_judge(card: JudgeCard, registry: Registry, characters: Iterable[Character]) -> None:
    """Refuse, before anything is loaded, a judge that could not answer about `characters` of `registry`.

    Raises UnknownName for a kind or a member that does not exist, BadFile for a card that is not whole,
    UserError for one that knows other characters only or cannot be shown the references that it asks for.
    """
    if card.members and card.references:
        raise UserError(f"{card.name} is a panel; ask its members for references: NAME[references=2].")
    characters = tuple(characters)
    if card.members:
        CATALOG.get(card.kind).check(card)
    for member in card.asked():
        if member.members and member is not card:
            raise BadFile(
                f"{member.name} is a panel and cannot be a member of {card.name}; name its members."
            )
        _check_references(member, characters)
        CATALOG.get(member.kind).check(member)
        if not knows(member, registry):
            raise UserError(
                f"The judge {member.name} knows only the characters of {member.registry}, not those of "
                f"{registry.name}; choose another with --judge (copycat ls judges)."
            )


def _check_references(card: JudgeCard, characters: Sequence[Character]) -> None:
    if not card.references:
        return
    at_once = card.max_images if CATALOG.get(card.kind).shows_references else 1
    if at_once is not None and card.references >= at_once:
        raise UserError(
            f"The judge {card.name} looks at {at_once} picture{'' if at_once == 1 else 's'} at a time and "
            f"cannot be shown {card.references} references as well; leave them out, or choose another."
        )
    bare = [c.name for c in characters if len(c.references) < card.references]
    if bare:
        raise UserError(
            f"The judge {card.name} is to be shown {card.references} reference pictures, and {bare[0]} has "
            "fewer; add `references` to the registry, or leave the character out with --characters."
        )
    for c in characters:
        for path in c.references[: card.references]:
            open_reference(path)


def question_hash(question: Question) -> str:
    """Identity of what is asked and of the reference pictures shown, whatever picture it is about."""
    shown = {"references": [reference_hash(r) for r in question.references]} if question.references else {}
    return digest({"kind": first_kind(question.kind), "text": question.text, **shown})


def verdict(
    question: Question, judge: str, answer: Answer, reply: str | None = None, voters: tuple[str, ...] = ()
) -> Verdict:
    """The verdict on `question`."""
    return Verdict(
        request=question.request,
        frame=question.frame,
        kind=question.kind,
        image_sha256=question.sha256,
        judge=judge,
        question=question.text,
        item=question.item,
        question_hash=question_hash(question),
        answer=answer,
        reply=reply if reply is None else whole(reply),
        voters=voters,
    )


def unscored(question: Question, judge: str, reason: str, reply: str | None = None) -> Verdict:
    """The verdict of a judge that failed or did not answer."""
    return verdict(question, judge, Unscored(reason=whole(reason)), reply)


def ask_guarded(
    judge: str,
    answer: Callable[[Sequence[Question], Sequence[Image]], list[Verdict]],
    questions: Sequence[Question],
    images: Sequence[Image],
) -> list[Verdict]:
    """What `answer` makes of a batch. One that raises is asked again one by one; each question that fails
    alone is unscored, with the reason."""
    try:
        return answer(questions, images)
    except Exception as e:  # noqa: BLE001  whatever a model raises becomes a row
        if len(questions) == 1:
            return [unscored(questions[0], judge, f"{type(e).__name__}: {e}")]
    asked = zip(questions, images, strict=True)
    return [v for q, i in asked for v in ask_guarded(judge, answer, [q], [i])]


def knows(card: JudgeCard, registry: Registry) -> bool:
    """Whether `card`'s judge can be asked about `registry`'s characters."""
    if card.registry is None or card.registry == registry.name:
        return True
    return bool(Path(card.registry).suffix) and load_registry(card.registry).name == registry.name


def usual_judge(registry: Registry) -> str:
    """The judge of the models that are asked for `registry`, else of any whose judge knows it.

    Raises UserError where there is none.
    """
    cards = [MODELS.get(name) for name in MODELS.names()]
    own = [c.judge for c in cards if c.registry == registry.name]
    able = [c.judge for c in cards if knows(load_judge_card(c.judge), registry)]
    found = own or able
    if not found:
        raise UserError(f"No judge knows the characters of {registry.name}; name one with --judge.")
    return Counter(found).most_common(1)[0][0]


def error_rates(card: JudgeCard) -> dict[str, Any] | None:
    """The measured error rates of `card`'s judge; None when it was not calibrated.

    `question` (`identify` unless it says otherwise) with `kappa`, `tpr`, `fpr`, `fpr_lookalike` and `n`,
    `positives` and `negatives`, the pictures that `tpr` and `fpr` are of; those of further questions
    under `questions`. A calibration file of other weights than these says nothing.
    """
    found = card.measured()
    if found is None or "schema_version" not in found:
        return found
    return read_calibration(DATA / str(card.calibration)).rates(identify(card))
