"""Reading a reply to the question who is shown: whom it names, or why it is no answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from copycat.judges.replies.acts import begins_with_nobody, names_nobody
from copycat.judges.replies.declining import abstains
from copycat.judges.replies.prose import figures_in, of_prose
from copycat.judges.replies.structure import (
    Entry,
    Unclear,
    answer_part,
    broken_entries,
    entries_of,
    labelled,
    objects,
    plain,
    without_thoughts,
)
from copycat.records import Figure, Named, Unscored


def read_names(reply: str, *, cut_off: bool = False, scored: bool = False) -> Named | Unscored:
    """Whom `reply` names; Unscored, with the reason, for one that is no answer.

    `cut_off` says that it was broken off, at a limit of tokens or by a filter: what it had said in full by
    then counts. `scored` says that a score of 0 or 1 was asked for beside each name, and rules.
    """
    text, longer = answer_part(reply)
    if not re.search(r"\w|[\[{]\s*[\]}]", plain(text)):
        thought = bool(reply.strip()) and not without_thoughts(reply)
        return Unscored(reason="the reply ends while it is thinking" if thought else "the reply is empty")
    try:
        return _read(text, cut_off or longer, scored)
    except RecursionError:
        return Unscored(reason="the reply is not what was asked for (it is nested too deeply)")
    except ValueError as e:
        return Unscored(reason=f"the reply is not what was asked for ({e})")


def _read(text: str, cut_off: bool, scored: bool) -> Named | Unscored:
    if cut_off and text.count("{") + text.count("[") > text.count("}") + text.count("]"):
        return _of_entries(broken_entries(text), scored, partial=True)
    if found := objects(text):
        _refuse_several(found)
        return _of_entries([e for value in found for e in entries_of(value)], scored)
    if re.match(r"\W*(?:json)?\W*[{\[]", text) and '"' in text:
        whole = broken_entries(text)
        if not whole:
            raise Unclear("an object that cannot be read")
        return _of_entries(whole, scored)
    bare = plain(text)
    if scored and re.fullmatch(r"\W*[01]\W*", bare):
        return _of_entries([Entry(None, score=bare)], scored)
    entries = labelled(bare)
    if entries and cut_off:
        # The last value may go on where the reply does not.
        last, whole = entries[-1], entries[:-1]
        running = last.score is None and (
            scored or (not last.work and "\n" not in bare[bare.rfind(last.name or "") :])
        )
        if running:
            return _of_entries(whole, scored, partial=True)
    if entries:
        return _of_entries(entries, scored)
    if cut_off and re.match(r"\W*(?:work|works|series|franchise|source|origin)\s*:", bare, re.IGNORECASE):
        raise Unclear("it is cut off before a name")
    lines = [line.strip() for line in bare.split("\n") if line.strip()]
    if len(lines) == 2 and not cut_off and all(_is_short(line) for line in lines):
        # The two lines that were asked for, without their labels.
        return _of_entries([Entry(lines[0], lines[1])], scored=False)
    if scored and not cut_off and _is_short(bare) and not abstains(bare) and not begins_with_nobody(bare):
        raise Unclear("there is no score in it")
    return of_prose(bare, cut_off)


def _refuse_several(found: Sequence[object]) -> None:
    single = all(isinstance(v, dict) and not any(isinstance(x, list) for x in v.values()) for v in found)
    if len(found) > 1 and not single:
        raise Unclear("several objects that differ")


def _is_short(line: str) -> bool:
    return (
        len(line.split()) <= 6 and not re.match(r"\W*\d+[.)]|[-•*]", line) and not re.search(r"[.!?]\s", line)
    )


# --- fixed forms ---


def _of_entries(entries: Iterable[Entry], scored: bool, *, partial: bool = False) -> Named | Unscored:
    figures: list[Figure] = []
    declined = ""
    read = 0
    for entry in entries:
        read += 1
        shown = _shown(entry, scored)
        name = plain(entry.name or "")
        work = "" if names_nobody(plain(entry.work)) or abstains(entry.work) else plain(entry.work)
        if not shown or (name and (names_nobody(name) or begins_with_nobody(name))):
            continue
        if not name:
            figures += [Figure(name="", work=work)] if work else []
        elif abstains(name) and not re.search(r"\bbut\b", name):
            declined = name
        else:
            figures += figures_in(name, work)
    if declined and not figures:
        return Unscored(reason=f"the reply does not say who is shown ({declined[:60]})")
    if partial and not figures:
        raise Unclear("it is cut off before a name")
    return Named.of(figures, partial=partial)


def _shown(entry: Entry, scored: bool) -> bool:
    """Whether the entry's score, where it has one, is 1. Raises Unclear for another, or for none where one
    was asked for."""
    if entry.score is None:
        if scored:
            raise Unclear("there is no score in it")
        return True
    score = re.fullmatch(r"\W*([01])(?:\.0+)?\b(?:\W|\band\b)*", entry.score)
    if score is None:
        raise Unclear(f"the score is {entry.score.strip()!r}, not 0 or 1")
    name = plain(entry.name or "")
    if scored and score[1] == "1" and (not name or names_nobody(name)):
        raise Unclear("a score of 1 without a name")
    return score[1] == "1"
