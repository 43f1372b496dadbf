"""Which registries a judge can be asked about."""

from __future__ import annotations

from pathlib import Path

from copycat.cards.judges import JudgeCard, load_judge_card
from copycat.judges.base import knows
from copycat.subjects.characters import load_registry, registry_yaml


def test_a_judge_of_a_registry_in_a_file_knows_that_registry_alone(tmp_path: Path) -> None:
    menagerie, paper = load_registry("menagerie"), load_registry("copycat")
    file = tmp_path / "somebody.yaml"
    file.write_text(registry_yaml(menagerie), encoding="utf-8")
    card = JudgeCard(name="mine", source="nowhere", registry=str(file))
    assert knows(card, load_registry(str(file)))
    assert knows(card, load_registry("menagerie")), "a registry goes by its name, wherever it lies"
    assert not knows(card, paper)


def test_a_judge_of_general_knowledge_knows_any_registry() -> None:
    card = load_judge_card("gpt-4o")
    assert all(knows(card, load_registry(name)) for name in ("menagerie", "copycat"))
    assert not knows(load_judge_card("menagerie"), load_registry("copycat"))
