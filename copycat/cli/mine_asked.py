"""`copycat mine describe` and `copycat mine keywords`: a language model writes about each character."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from copycat.cli.mine_sets import write_set

if TYPE_CHECKING:
    from copycat.mining.asking import Answer
    from copycat.mining.tasks import Task
    from copycat.subjects.characters import Registry

_Registry = Annotated[str, typer.Option(help="Character registry: a name or a YAML file.")]
_Model = Annotated[str, typer.Option(help="A language model (copycat ls llms) or a transformers folder.")]
_Tries = Annotated[int, typer.Option(min=1, help="Replies asked for before a character is left out.")]
_Temperature = Annotated[
    float | None, typer.Option(min=0, help="Of a hosted model; its card's when left out.")
]
_Characters = Annotated[str, typer.Option(help="A list of names, aliases or slugs; all when empty.")]
_MaxCost = Annotated[
    float | None, typer.Option("--max-cost", help="Dollars that the model's calls may cost in all.")
]
_Device = Annotated[str, typer.Option(help="cpu, cuda or mps, for a model on this machine.")]
_Fit = Annotated[
    str, typer.Option("--fit", help="Say which prompts are too long for this model's text encoder.")
]
_Out = Annotated[Path, typer.Option(help="Folder for the sets, and for the answers as they come.")]
OWN = typer.Option(
    False, "--own", help="Write into your own folder instead, where sets and lists go by name."
)
_MOST = 50
"""Words a character in the paper's lists of candidates."""


def describe(
    registry: _Registry = "menagerie",
    model: _Model = "gpt-4o-mini",
    words: int = typer.Option(60, min=10, help="About how many words a description has."),
    name: str = typer.Option("description", "--set", help="What the set is called."),
    characters: _Characters = "",
    tries: _Tries = 3,
    temperature: _Temperature = None,
    device: _Device = "auto",
    max_cost: _MaxCost = None,
    fit: _Fit = "",
    out: _Out = Path("mined"),
    own: bool = OWN,
) -> None:
    """Have a language model describe each character without naming it; what names somebody is asked again."""
    from copycat.mining.tasks import Describe
    from copycat.subjects.characters import load_registry
    from copycat.subjects.prompts import Prompt

    people = load_registry(registry)
    folder = folder_of(people, out, own)
    task = Describe(people, words)
    answers = _ask(task, people, model, folder, name, characters, tries, temperature, device, max_cost)
    told = f"`copycat mine describe`, about {words} words"
    prompts = [
        Prompt(set=name, character=slug, text=a.texts[0], provenance=f"{a.provenance}; {told}")
        for slug, a in answers.items()
        if a.texts
    ]
    write_set(folder, name, prompts, people, fit)
    _say_missing(answers, people, lambda _: "no description")


def keywords(
    registry: _Registry = "menagerie",
    model: _Model = "gpt-4o-mini",
    sizes: str = typer.Option("3,5,10,20,50", help="How many words the prompts have; one set each."),
    name: str = typer.Option("lm", "--set", help="The sets are called NAME3, NAME5, …"),
    characters: _Characters = "",
    tries: _Tries = 3,
    temperature: _Temperature = None,
    device: _Device = "auto",
    max_cost: _MaxCost = None,
    fit: _Fit = "",
    out: _Out = Path("mined"),
    own: bool = OWN,
) -> None:
    """Have a language model list words that evoke each character without naming it."""
    from copycat.cli.parsing import sizes as parse_sizes
    from copycat.subjects.characters import load_registry
    from copycat.subjects.keywords import CATALOG as KEYWORDS
    from copycat.subjects.keywords import Ranking, write_rankings
    from copycat.subjects.prompts import Prompt

    people, wanted = load_registry(registry), parse_sizes(sizes)
    folder = folder_of(people, out, own)
    answers = ask_keywords(
        people, model, folder, max(wanted), name, characters, tries, temperature, device, max_cost
    )
    for n in wanted:
        prompts = [
            Prompt(
                set=f"{name}{n}",
                character=slug,
                text=", ".join(a.texts[:n]),
                provenance=f"{a.provenance}; `copycat mine keywords`, the first {n} of {len(a.texts)}",
            )
            for slug, a in answers.items()
            if len(a.texts) >= n
        ]
        write_set(folder, f"{name}{n}", prompts, people, fit)
    listed = {slug: a.texts for slug, a in answers.items() if a.texts}
    if listed:
        target = KEYWORDS.own(people.name) if own else folder / f"{people.name}.yaml"
        told = f"language model {model}, ranked by how strongly a word evokes the {people.noun}"
        command = f"copycat mine keywords --registry {registry} --model {model}"
        write_rankings(target, people.name, {"lm": Ranking(source=told, keywords=listed)}, command)
        typer.echo(f"The list: {target}{', read by negprompt-lm' if own else ''}")
    _say_missing(answers, people, lambda a: f"{len(a.texts)} of {max(wanted)} words")


def ask_keywords(
    people: Registry,
    model: str,
    folder: Path,
    size: int = _MOST,
    name: str = "lm",
    characters: str = "",
    tries: int = 3,
    temperature: float | None = None,
    device: str = "auto",
    max_cost: float | None = None,
) -> dict[str, Answer]:
    """`size` words of each character from the language model `model`, by slug; see `Asking.answers`."""
    from copycat.mining.tasks import Keywords

    task = Keywords(people, size)
    return _ask(task, people, model, folder, name, characters, tries, temperature, device, max_cost)


def _ask(
    task: Task,
    people: Registry,
    model: str,
    folder: Path,
    name: str,
    characters: str,
    tries: int,
    temperature: float | None,
    device: str,
    max_cost: float | None,
) -> dict[str, Answer]:
    from copycat.cards.metering import check_capped
    from copycat.cli.parsing import items
    from copycat.io.atomic import disk_guard
    from copycat.io.journal import Journal
    from copycat.io.ledger import Ledger
    from copycat.llms import CATALOG, Chat, load_chat, load_llm_card
    from copycat.mining.asking import Answer, Asking
    from copycat.runtime.device import resolve_device
    from copycat.runtime.progress import for_stream

    chosen = people.select(items(characters) or None)
    card = load_llm_card(model)
    changes = {"max_tokens": max(card.max_tokens, task.tokens)}
    if temperature is not None:
        changes["temperature"] = temperature  # type: ignore[assignment]
    card = card.model_copy(update=changes)
    who = f"The language model {card.name}"
    on = "cpu" if card.api else resolve_device(device, who, card.min_gpu_gb)
    journal = Journal(folder / "answers" / f"{name}.jsonl", Answer)
    kind, ledger = CATALOG.get(card.kind), Ledger(journal.path.with_name("spending.jsonl"), max_cost)
    check_capped(card, kind, who, max_cost, kind.call(card, ()))
    with disk_guard(journal.path):
        journal.path.parent.mkdir(parents=True, exist_ok=True)

    def load() -> Chat:
        chat = load_chat(card, on)
        chat.charge(ledger)
        return chat

    return Asking(task, card, load, tries).answers(chosen, journal, for_stream())


def folder_of(people: Registry, out: Path, own: bool) -> Path:
    """Where sets of a registry go: `out`, or with `own` where its sets are found by name."""
    from copycat.subjects.prompts import CATALOG as PROMPTS

    return PROMPTS.own(f"{people.name}/x").parent if own else out


def _say_missing(answers: dict[str, Answer], people: Registry, what: Callable[[Answer], str]) -> None:
    """One line for each character that lacks something, and exit code 2."""
    lacking = [a for a in answers.values() if not a.whole]
    for a in lacking:
        typer.echo(f"{people[a.character].name}: {what(a)}, after these faults: {a.wrong}", err=True)
    if lacking:
        names = ", ".join(people[a.character].name for a in lacking)
        typer.echo(
            f"Missing for {len(lacking)} of {len(answers)}: {names}. The rest is written; the same command "
            "asks for these alone, and another --model or --temperature may know more.",
            err=True,
        )
        raise typer.Exit(2)
