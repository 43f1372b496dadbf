"""Code that a data set was made with: links to it in the documents, and files beside the data."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from copycat.audit.dataset import Dataset
from copycat.audit.results import Evidence, Outcome, failed, passed

_LINK = re.compile(
    r"\]\(\s*<?([^)\s>]+)>?[^)]*\)|(?<![\w(<])(https?://[^\s)>\]]+)|`([\w./-]+\.(?:py|sh|ipynb|r|js|ts|jl|go|rs|pl))`"
)
_CODE = re.compile(r"\.(?:py|sh|ipynb|r|js|ts|jl|go|rs|pl|java|scala|sql)$", re.I)
_FORGE = re.compile(
    r"https?://(?:[\w.-]*\.)?(?:github\.com|gitlab\.[\w.]+|codeberg\.org|bitbucket\.org|sr\.ht|zenodo\.org|code\.[\w.-]+)/[\w.-]+/[\w.-]+"
)
_ISSUES = re.compile(r"/(?:issues|discussions|pulls?|wiki)\b")
_FILTERS = re.compile(r"filter|clean|dedup|preprocess|process|select|curat", re.I)


@dataclass(frozen=True)
class Link:
    """A link to code in a document."""

    target: str
    evidence: Evidence
    filters: bool
    """Whether it is to code that filters, by its name or the sentence before it."""
    there: bool
    """False for a file beside the data that is missing; addresses are not looked up."""


def links(dataset: Dataset) -> Iterator[Link]:
    """Every link to code."""
    for document in dataset.documents:
        for part in document.parts:
            for sentence in part.sentences():
                for match in _LINK.finditer(sentence):
                    target = (match[1] or match[2] or match[3]).rstrip(".,;")
                    far = target.startswith(("http://", "https://"))
                    if far and (not (_FORGE.match(target) or _CODE.search(target)) or _ISSUES.search(target)):
                        continue
                    local = target.partition("#")[0].removeprefix("./")
                    if not far and not _CODE.search(local):
                        continue
                    near = sentence[max(0, match.start() - 60) : match.start()] if far else local
                    yield Link(
                        target,
                        Evidence(file=document.file, found=target),
                        _FILTERS.search(near) is not None,
                        far or local in dataset.files,
                    )


def files(dataset: Dataset, *, filters: bool) -> list[Evidence]:
    """Files of code beside the data; with `filters` those whose name says that they filter."""
    found = [f for f in dataset.files if _CODE.search(f)]
    return [Evidence(file=f, found="code") for f in found if not filters or _FILTERS.search(f)]


def acquisition_code(dataset: Dataset) -> Outcome:
    """Whether the code that the data was acquired with is there."""
    return _outcome(dataset, filters=False)


def filter_code(dataset: Dataset) -> Outcome:
    """Whether the code of the filters is there."""
    return _outcome(dataset, filters=True)


def _outcome(dataset: Dataset, *, filters: bool) -> Outcome:
    what = "filters" if filters else "acquires the data"
    found = [link for link in links(dataset) if link.filters == filters]
    missing = [link.evidence for link in found if not link.there]
    if missing:
        return failed(f"Code that {what} is linked and not there.", *missing)
    if found:
        return passed(f"Code that {what} is linked.", *(link.evidence for link in found))
    beside = files(dataset, filters=filters)
    if beside:
        return passed("Code lies beside the data.", *beside)
    return failed(f"No code that {what} is linked, and none lies beside the data.")
