"""From a name to a model, and how a model on this machine writes."""

from __future__ import annotations

import numpy as np
import pytest
from transformers import AutoTokenizer

from copycat.errors import UnknownName
from copycat.verbatim.text.mitigations import TokenBlock
from copycat.verbatim.text.rows import Asked
from copycat.verbatim.text.writers import card_of, open_writer


def asked(prompt: str, **more: object) -> Asked:
    told = {
        **{"model": "m", "role": "protected", "document": "d", "title": "T", "group": "", "kind": "text"},
        **{
            "prompts": "prefix",
            "instructs": False,
            "length": 5,
            "begin": 0,
            "end": 5,
            "behind": 90,
            "mitigation": "none",
        },
        **{"guarded": "", "sample": 0, "seed": 1, "temperature": 1.0, "max_tokens": 12, "prompt": prompt},
    }
    return Asked.model_validate({**told, **more})


def test_a_name_is_a_card_a_folder_or_a_repository_of_the_hub() -> None:
    assert card_of("menagerie-lm").folder is not None
    assert card_of(card_of("menagerie-lm").location).name == "lm"
    hub = card_of("owner/name@0123abc")
    assert (hub.name, hub.source, hub.revision, hub.folder) == ("name", "owner/name", "0123abc", None)
    assert card_of("owner/name").revision == "main"
    with pytest.raises(UnknownName):
        card_of("menagerie-ml")
    # A folder that is not there is no repository either.
    with pytest.raises(UnknownName):
        card_of("./menagerie")


def test_a_text_has_its_own_seed_whatever_stands_beside_it() -> None:
    with open_writer(card_of("menagerie-lm"), "cpu") as writer:
        prompts = [asked("She was", seed=s) for s in (1, 2)] + [asked("It is a truth universally", seed=3)]
        together = writer.write(prompts, [])
        alone = [writer.write([p], [])[0] for p in prompts]
        cold = writer.write([asked("She was", seed=s, temperature=0.0) for s in (1, 2)], [])
    assert [d.text for d in together] == [d.text for d in alone]
    assert together[0].text != together[1].text
    assert cold[0].text == cold[1].text
    assert all(d.tokens and d.surprise is not None and d.surprise > 0 for d in together)


def test_what_is_forbidden_is_never_written_and_counted() -> None:
    class NoE:
        """Forbids every token that holds the letter e."""

        def __init__(self, spelled: list[str]) -> None:
            self.mask = np.array(["e" in word for word in spelled])

        def forbidden(self, before: object) -> object:
            return self.mask

        def facts(self) -> dict[str, float]:
            return {}

    with open_writer(card_of("menagerie-lm"), "cpu") as writer:
        tokenizer = AutoTokenizer.from_pretrained(card_of("menagerie-lm").location)
        block: TokenBlock = NoE([tokenizer.decode([i]) for i in range(writer.vocabulary or 0)])  # type: ignore[assignment]
        prompts = [asked("She was a lady of", temperature=t, max_tokens=40) for t in (0.0, 1.0)]
        plain = [writer.write([p], [])[0] for p in prompts]
        (cold,), (warm,) = (writer.write([p], [block]) for p in prompts)
    assert all("e" in d.text for d in plain)
    assert not any("e" in d.text for d in (cold, warm))
    assert min(cold.held, warm.held) > 0
    assert {d.held for d in plain} == {0}
