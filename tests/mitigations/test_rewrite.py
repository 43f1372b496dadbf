"""The rewriter's words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copycat.mitigations.rewrite import rewrite
from copycat.subjects.characters import Registry
from tests.contracts.test_mitigations import CHARACTER


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Zori", "an owl"),
        ("ZORI, Zokin", "an owl, an owl"),
        ("a picture of Zori", "a picture of an owl"),
        ("a Zori in the snow", "an owl in the snow"),
        ("blue owl with red cape and star wand", "blue owl with cape"),
        ("blue owl with star wand and red cape", "blue owl with cape"),
        ("blue owl with star wand", "blue owl"),
        ("star wand", "an owl"),
        ("Zorinda with a red caper", "Zorinda with a red caper"),
    ],
)
def test_rewrite(before, after):
    assert rewrite(before, CHARACTER) == after


@given(st.lists(st.sampled_from(["Zori", "zokin", "red cape", "star wand", "with", "and", ",", "owl", "a"])))
def test_no_name_survives_and_rewriting_twice_is_rewriting_once(words):
    once = rewrite(" ".join(words), CHARACTER)
    assert once
    assert not Registry("r", 1, [CHARACTER]).mentioned(once)
    assert rewrite(once, CHARACTER) == once
