"""Names of licences, and what parts ask for that the whole does not."""

from __future__ import annotations

import pytest

from copycat.audit.licences import Licence, freed, read_licence, texts


def known(name: str) -> Licence:
    found = read_licence(name)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "expression"),
    [
        ("cc-by-4.0", "CC-BY-4.0"),
        ("MIT", "MIT"),
        ("mit or gpl-3.0-only", "MIT OR GPL-3.0-only"),
        ("odc-by", "ODC-By-1.0"),
        ("https://creativecommons.org/licenses/by-nc-nd/4.0/", "CC-BY-NC-ND-4.0"),
        ("https://creativecommons.org/publicdomain/zero/1.0/", "CC0-1.0"),
        ("https://spdx.org/licenses/Apache-2.0", "Apache-2.0"),
        ("LicenseRef-harbour", "LicenseRef-harbour"),
    ],
)
def test_names_that_are_licences(name: str, expression: str) -> None:
    assert known(name).expression == expression


@pytest.mark.parametrize(
    "name", ["CC BY 4.0", "CC0", "CC-BY-SA", "other", "unknown", "open", "", "nan", "free to use"]
)
def test_names_that_are_none(name: str) -> None:
    assert read_licence(name) is None


@pytest.mark.parametrize(
    ("name", "is_open"),
    [
        ("CC0-1.0", True),
        ("CC-BY-SA-4.0", True),
        ("CC-BY-NC-4.0", False),
        ("CC-BY-ND-4.0", False),
        ("Apache-2.0", True),
        ("MIT OR CC-BY-NC-4.0", True),
        ("MIT AND CC-BY-NC-4.0", False),
        ("LicenseRef-harbour", None),
    ],
)
def test_whether_a_licence_is_open(name: str, is_open: bool | None) -> None:
    assert known(name).open is is_open


@pytest.mark.parametrize(
    ("whole", "part", "lost"),
    [
        ("CC-BY-4.0", "CC0-1.0", set()),
        ("CC0-1.0", "CC-BY-4.0", {"attribution"}),
        ("CC-BY-4.0", "CC-BY-NC-SA-4.0", {"non-commercial", "share-alike"}),
        ("CC-BY-NC-4.0", "MIT", set()),
        ("MIT", "LicenseRef-all-rights-reserved", {"non-commercial", "no-derivatives", "permission"}),
        ("MIT", "LicenseRef-harbour", set()),
    ],
)
def test_what_the_whole_would_give_away(whole: str, part: str, lost: set[str]) -> None:
    assert freed(known(whole), known(part)) == lost


def test_every_licence_whose_text_is_known_is_one() -> None:
    assert [n for n in texts() if known(n).conditions is None] == []
