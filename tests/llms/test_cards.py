"""What every shipped language-model card keeps to."""

from __future__ import annotations

import pytest

from copycat.cards.llms import CATALOG
from copycat.io.paths import DATA
from copycat.llms import CATALOG as KINDS
from copycat.llms import Chat


@pytest.mark.parametrize("name", CATALOG.names())
def test_card(name):
    card = CATALOG.get(name)
    assert card.name == name
    assert issubclass(KINDS.get(card.kind), Chat)
    assert card.licence != "unknown"
    # None where the model takes no temperature.
    assert card.temperature == 0 or name == "gpt-6-luna"
    shipped = card.folder is not None and card.folder.is_relative_to(DATA)
    if not card.api and not shipped:
        assert len(card.revision or "") == 40, "a hub model is pinned to a commit"
