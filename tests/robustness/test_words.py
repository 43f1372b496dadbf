"""What guardrails and attacks are called, and how numbers are written."""

from __future__ import annotations

import pytest

from copycat.robustness.words import chance, count, labels


@pytest.mark.parametrize(
    ("specs", "wanted"),
    [
        (["none", "esd[lr=1e-4,steps=20]"], ["none", "esd"]),
        (["arc[recipe=flip,weight=1]", "arc[recipe=difference,weight=1]"], ["arc flip", "arc difference"]),
        (["uce", "uce[tokens=all]"], ["uce", "uce all"]),
        (["gate+negprompt[keywords=2]"], ["gate+negprompt"]),
        (["esd[lr=1,steps=2]", "esd[lr=3,steps=4]"], ["esd 1 2", "esd 3 4"]),
    ],
)
def test_specifications_are_called_by_their_names_and_by_what_tells_them_apart(
    specs: list[str], wanted: list[str]
) -> None:
    assert labels(specs) == dict(zip(specs, wanted, strict=True))


def test_numbers_in_words() -> None:
    assert [count(n, "seed") for n in (1, 3)] == ["1 seed", "3 seeds"]
    assert [chance(p) for p in (0.0004, 0.04)] == ["<0.001", "0.040"]
