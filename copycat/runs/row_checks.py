"""Whether the rows of a run fit one another: everything once, and about pictures of this run."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from copycat.records import ImageRow, Request, Shift, Verdict, request_id
from copycat.runs.findings import Finding, Lines, count, examples, fault, note

Place = tuple[str, int]
"""A picture: identity of its request, and number of its frame."""


def has_own_identity(request: Request) -> bool:
    """Whether a request is called what follows from its content, today or in the first rows, whose steps
    told their results in notes alone."""
    if request.id == request_id(request):
        return True
    steps = tuple(s.model_copy(update={"result": None}) for s in request.provenance)
    return request.id == request_id(request.model_copy(update={"provenance": steps}))


def check_requests(lines: Lines[Request], known: Iterable[str]) -> Iterator[Finding]:
    """Each request once, called what its content says, about a character among the `known` slugs."""
    again = "Begin the run anew in another folder, or put back the file as it was"
    requests, slugs = lines.values, set(known)
    if not requests:
        yield fault("requests.jsonl holds no request", again)
    twice = [i for i, n in Counter(r.id for r in requests).items() if n > 1]
    if twice:
        yield fault(f"{count(len(twice), 'request')} stand there more than once: {examples(twice)}", again)
    changed = [r.id for r in requests if not has_own_identity(r)]
    if changed:
        yield fault(
            f"{count(len(changed), 'request')} are not what their identity says: {examples(changed)}", again
        )
    strange = sorted({r.character for r in requests} - slugs)
    if slugs and strange:
        yield fault(
            f"The registry of the run does not know {examples(strange)}", "Put back the registry as it was"
        )


def is_final(row: ImageRow) -> bool:
    """Whether nothing is drawn in its place; an error is tried again."""
    return row.outcome != "error"


def check_images(
    lines: Lines[ImageRow], requests: Sequence[Request], *, hosted: bool = False
) -> Iterator[Finding]:
    """Each row of a request of this run and of a frame that is judged, whole, and no final one twice.

    A `hosted` model draws another picture in place of one whose file was lost, which gets a row of its own.
    """
    by_id = {r.id: r for r in requests}
    strange, torn, where = [], [], defaultdict[Place, list[int]](list)
    came: dict[int, tuple[str, str | None]] = {}
    for number, row in lines.rows:
        request = by_id.get(row.request)
        if request is None or row.frame not in (0, *request.sampling.judged):
            strange.append(number)
            continue
        if (row.outcome == "ok") != bool(row.file and row.sha256):
            torn.append(number)
        if is_final(row):
            where[row.request, row.frame].append(number)
            came[number] = (row.outcome, row.sha256)
    if strange:
        yield fault(
            f"images.jsonl tells of pictures that are not planned, in line {examples(strange)}",
            "Delete those lines",
        )
    if torn:
        yield fault(
            f"images.jsonl tells of pictures without a file or hash, or of files of what was not drawn, in "
            f"line {examples(torn)}",
            "Delete those lines and run the same command again",
        )
    doubled = {place: numbers for place, numbers in where.items() if len(numbers) > 1}
    anew = {
        place
        for place, numbers in doubled.items()
        if hosted and len({came[n] for n in numbers}) == len(numbers) and came[numbers[0]][0] == "ok"
    }
    if anew:
        yield note(
            f"{count(len(anew), 'picture')} were drawn anew by a hosted model after the file was lost; the "
            f"last row counts: {examples(request for request, _ in sorted(anew))}"
        )
    doubled = {place: numbers for place, numbers in doubled.items() if place not in anew}
    if doubled:
        earlier = [n for numbers in doubled.values() for n in numbers[:-1]]
        yield fault(
            f"{count(len(doubled), 'picture')} have more than one final row: "
            f"{examples(request for request, _ in doubled)}",
            f"The last of them counts; delete line {examples(sorted(earlier))} of images.jsonl",
        )


def _shas(rows: Iterable[ImageRow]) -> Mapping[Place, list[str]]:
    """The hashes of each picture, earlier ones first."""
    found: defaultdict[Place, list[str]] = defaultdict(list)
    for row in rows:
        if row.outcome == "ok" and row.sha256:
            found[row.request, row.frame].append(row.sha256)
    return found


def check_verdicts(lines: Lines[Verdict], images: Sequence[ImageRow]) -> Iterator[Finding]:
    """Each verdict about a picture of this run, and no question answered twice by one judge.

    A panel's verdict is counted anew when its members' change, so it may stand there more than once.
    """
    shas = _shas(images)
    strange: list[int] = []
    earlier: list[int] = []
    answered: defaultdict[tuple[object, ...], list[int]] = defaultdict(list)
    for number, v in lines.rows:
        drawn = shas.get((v.request, v.frame), [])
        if v.image_sha256 not in drawn:
            strange.append(number)
        elif v.image_sha256 != drawn[-1]:
            earlier.append(number)
        if v.scored and not v.voters:
            key = (v.request, v.frame, v.kind, v.item, v.judge, v.question_hash, v.image_sha256)
            answered[key].append(number)
    if strange:
        yield fault(
            f"verdicts.jsonl tells of pictures that are not this run's, in line {examples(strange)}",
            "Delete those lines and run `copycat judge` again",
        )
    if earlier:
        yield note(f"{count(len(earlier), 'verdict')} are about pictures that were drawn again since")
    doubled = [numbers for numbers in answered.values() if len(numbers) > 1]
    if doubled:
        yield fault(
            f"{count(len(doubled), 'question')} were answered more than once by the same judge",
            "The last answer counts; delete line "
            f"{examples(sorted(n for numbers in doubled for n in numbers[:-1]))} of verdicts.jsonl",
        )


def check_shifts(lines: Lines[Shift], images: Sequence[ImageRow]) -> Iterator[Finding]:
    """Each distance between two pictures of this run, measured once by each encoder."""
    shas = _shas(images)
    every = {sha for drawn in shas.values() for sha in drawn}
    strange = [
        number
        for number, s in lines.rows
        if s.pictures[0] not in shas.get((s.request, s.frame), []) or s.pictures[1] not in every
    ]
    if strange:
        yield fault(
            f"shifts.jsonl tells of pictures that are not this run's, in line {examples(strange)}",
            "Delete those lines and run the same command again",
        )
    measured = Counter((s.request, s.frame, s.pictures, s.encoder) for s in lines.values)
    doubled = [place[0] for place, n in measured.items() if n > 1]
    if doubled:
        yield fault(
            f"{count(len(doubled), 'distance')} were measured more than once: {examples(doubled)}",
            "Delete all but one of the lines in shifts.jsonl",
        )
