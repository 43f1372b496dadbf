"""What calls cost: dated prices, a card's own price, tokens, and bounds that hold before a call."""

from __future__ import annotations

import random

import pytest

from copycat.cards.judges import CATALOG as JUDGES
from copycat.cards.judges import JudgeCard
from copycat.cards.llms import CATALOG as LLMS
from copycat.cards.llms import LLMCard
from copycat.cards.models import CATALOG as MODELS
from copycat.cards.models import ModelCard
from copycat.cards.prices import Call, Price, Rates, Tariff, Tiles, prices, tariff
from copycat.errors import MissingRequirement, UserError
from copycat.io.hosted import Api
from copycat.judges.base import load_judge
from copycat.llms.base import load_chat
from copycat.records import Usage
from copycat.stages.affordable import check_judge_affordable

SQUARE = (1024, 1024)


def hosted(name: str, **api: object) -> ModelCard:
    card = MODELS.get(name)
    assert card.api is not None
    return card.model_copy(update={"api": card.api.model_copy(update=api)})


def test_every_price_says_when_and_by_whom_and_names_a_model_once() -> None:
    for provider in prices().providers:
        names = [name for p in provider.prices for name in p.models]
        assert len(names) == len(set(names))
        for p in provider.prices:
            assert p.date.year >= 2025
            assert len(p.source) > 20
            assert p.per_million or p.per_picture


def test_every_price_of_batches_says_so_too_and_is_below_that_of_calls_alone() -> None:
    priced = 0
    for provider in prices().providers:
        names = [name for p in provider.batch_prices for name in p.models]
        assert len(names) == len(set(names))
        assert set(names) <= {name for p in provider.prices for name in p.models}
        for p in provider.batch_prices:
            assert p.date.year >= 2025
            assert len(p.source) > 20
            for name in p.models:
                alone, together = (provider.price(name, batch=b) for b in (False, True))
                assert alone is not None
                assert together is not None
                assert (together.date, together.source) == (p.date, p.source)
                assert together.per_million.input < alone.per_million.input
                assert together.per_million.output < alone.per_million.output
                assert together.tiles == alone.tiles, "a picture has as many tokens"
                priced += 1
    assert priced


def test_a_judges_call_in_a_batch_costs_half_and_none_where_nobody_was_quoted() -> None:
    card, call = JUDGES.get("gpt-4o"), Call(text=400, shown=(SQUARE,), most_out=200)
    alone, together = tariff(card), tariff(card, batch=True)
    assert together.most(call) == pytest.approx(alone.most(call) / 2)
    said = Usage(tokens_in=1000, tokens_cached=400, tokens_out=100)
    # Of the cache nothing is told there, so that all input counts in full.
    assert together.cost(said, call) == pytest.approx((1000 * 1.25 + 100 * 5) / 1e6)
    assert together.told != alone.told
    unknown = tariff(JUDGES.get("gpt-6-luna"), batch=True)
    assert not unknown.known
    assert unknown.most(call) is None
    fixed = card.model_copy(update={"api": Api(price_usd=0.01, ceiling_usd=0.02)})
    assert (tariff(fixed, batch=True).most(call), tariff(fixed, batch=True).cost(None, call)) == (0.02, 0.01)


def test_shipped_hosted_cards_are_priced_or_known_not_to_be() -> None:
    known = {}
    for catalog in (MODELS, JUDGES, LLMS):
        for card in map(catalog.get, catalog.names()):
            if card.api:
                known[f"{catalog.singular} {card.name}"] = tariff(card).known
    # What a provider behind HuggingFace asks is between it and the account.
    assert {name for name, priced in known.items() if not priced} == {
        "model flux1-schnell-hosted",
        "model sdxl-hosted",
    }


def test_a_picture_costs_its_tokens() -> None:
    found = tariff(MODELS.get("gpt-image-2"))
    call = Call.of(["a red fox"], drawn=SQUARE)
    said = Usage(tokens_in=10, tokens_out=1756)
    assert found.cost(said, call) == pytest.approx(10 * 5e-6 + 1756 * 30e-6)
    assert found.tokens_out(call) == 1756
    assert found.most(call) >= found.cost(said, call)  # type: ignore[operator]
    assert found.cost(None, call) is None
    assert "2026-09-18" in found.told


def test_quality_and_size_decide_and_what_is_chosen_elsewhere_counts_as_the_dearest() -> None:
    def tokens(size: tuple[int, int], **options: str) -> int | None:
        return tariff(hosted("gpt-image-2", options=options)).tokens_out(Call(drawn=size))

    assert tokens(SQUARE, quality="low") == 196
    assert tokens(SQUARE, quality="auto") == tokens(SQUARE) == tokens(SQUARE, quality="high") == 7024
    assert tokens((1536, 1024), quality="medium") == 1372
    assert tokens((640, 480), quality="medium") is None
    assert tokens(SQUARE, quality="unheard-of") is None


def test_a_price_by_the_picture() -> None:
    found = tariff(MODELS.get("dall-e-3"))
    assert found.cost(None, Call(drawn=SQUARE)) == found.most(Call(drawn=SQUARE)) == 0.04
    assert found.most(Call(drawn=(1792, 1024))) is None


def test_a_card_goes_before_the_table_and_another_address_has_no_price() -> None:
    assert tariff(hosted("gpt-image-2", price_usd=0.5)).cost(None, Call(drawn=SQUARE)) == 0.5
    elsewhere = tariff(hosted("gpt-image-2", base_url="https://elsewhere.example/v1"))
    assert not elsewhere.known
    assert elsewhere.most(Call(drawn=SQUARE)) is None
    at_home = tariff(hosted("gpt-image-2", base_url="https://api.openai.com/v1/"))
    assert at_home.known
    # Tokens of a picture by this model could not be quoted: what it cost is known, and no bound before.
    unbound = MODELS.get("gpt-image-2.5-sunburst")
    assert tariff(unbound).most(Call(drawn=SQUARE)) is None
    bound = tariff(hosted("gpt-image-2.5-sunburst", ceiling_usd=0.3))
    assert bound.most(Call(drawn=SQUARE)) == 0.3
    assert bound.cost(Usage(tokens_in=0, tokens_out=1000), Call(drawn=SQUARE)) == pytest.approx(0.03)


def test_an_option_that_may_have_its_own_price_leaves_none() -> None:
    call, said = Call(drawn=SQUARE), Usage(tokens_in=10, tokens_out=1756)
    dear = tariff(hosted("gpt-image-2", options={"quality": "medium", "service_tier": "priority"}))
    assert (dear.unpriced, dear.most(call), dear.cost(said, call), dear.known) == (
        ("service_tier",), None, None, False,
    )  # fmt: skip
    # What the card says itself holds, also of what a call did cost.
    capped = tariff(hosted("gpt-image-2", options={"service_tier": "priority"}, ceiling_usd=0.4))
    assert (capped.most(call), capped.cost(said, call)) == (0.4, None)
    fixed = tariff(hosted("gpt-image-2", options={"service_tier": "priority"}, price_usd=0.3))
    assert (fixed.most(call), fixed.cost(said, call)) == (0.3, 0.3)


def test_a_cap_is_refused_with_an_option_that_may_have_its_own_price() -> None:
    options = {"temperature": 0, "max_completion_tokens": 20, "service_tier": "priority"}
    judge = JUDGES.get("gpt-4o")
    assert judge.api is not None

    def with_api(**api: object) -> JudgeCard:
        return judge.model_copy(update={"api": judge.api.model_copy(update=api)})  # type: ignore[union-attr]

    with pytest.raises(MissingRequirement, match=r"sets service_tier, .*--max-cost 5 cannot.*ceiling_usd"):
        check_judge_affordable(with_api(options=options), 5)
    check_judge_affordable(with_api(options=options), None)
    check_judge_affordable(with_api(options=options, ceiling_usd=0.1), 5)
    del options["service_tier"]
    check_judge_affordable(with_api(options=options), 5)


@pytest.mark.parametrize("card", [*map(JUDGES.get, ["gpt-4o"]), *map(LLMS.get, ["gpt-4o-mini"])])
def test_several_answers_to_one_question_cannot_be_asked_for(
    card: JudgeCard | LLMCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    assert card.api is not None
    several = card.model_copy(update={"api": card.api.model_copy(update={"options": {"n": 8}})})
    with pytest.raises(UserError, match="sets n, which copycat sets itself"):
        load_judge(several, "cpu") if isinstance(several, JudgeCard) else load_chat(several, "cpu")


def test_what_is_on_this_machine_costs_nothing() -> None:
    card = MODELS.get("menagerie")
    assert tariff(card).most(Call(drawn=SQUARE)) == 0


def test_cached_tokens_are_cheaper() -> None:
    found = Tariff(
        "x",
        price=Price(
            models=("x",), date="2026-01-01", source="x", per_million=Rates(input=2, cached=1, output=4)
        ),
    )
    call = Call(most_out=10)
    assert found.cost(Usage(tokens_in=1000, tokens_cached=400, tokens_out=0), call) == pytest.approx(0.0016)
    assert found.cost(Usage(tokens_in=1000, tokens_out=100), call) == pytest.approx(0.0024)


@pytest.mark.parametrize(
    ("size", "tiles"),
    [((512, 512), 1), ((1024, 1024), 4), ((2048, 4096), 6), ((16, 16), 1), ((768, 1536), 6)],
)
def test_tokens_of_a_picture_that_is_shown(size: tuple[int, int], tiles: int) -> None:
    # The examples of OpenAI's vision guide: 765 tokens for 1024×1024, 1105 for 2048×4096.
    assert Tiles(base=85, tile=170).tokens(*size) == 85 + 170 * tiles


def test_the_bound_holds_for_any_answer_that_keeps_to_what_was_asked() -> None:
    found = tariff(JUDGES.get("gpt-4o"))
    chance = random.Random(0)
    for _ in range(200):
        text = "".join(chance.choice("aé字😀 ") for _ in range(chance.randint(0, 300)))
        call = Call.of([text], shown=(SQUARE,) * chance.randint(0, 3), most_out=chance.randint(1, 400))
        # A token is a byte or more.
        said = Usage(
            tokens_in=chance.randint(0, len(text.encode()) + 100) + 765 * len(call.shown),
            tokens_out=chance.randint(0, call.most_out or 0),
        )
        assert found.most(call) >= found.cost(said, call)  # type: ignore[operator]


def test_without_a_longest_answer_there_is_no_bound() -> None:
    assert tariff(JUDGES.get("gpt-4o")).most(Call.of(["who?"], shown=(SQUARE,))) is None


def test_a_price_below_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="greater"):
        Api(ceiling_usd=0)


def test_input_that_may_be_written_into_the_cache_counts_with_the_dearer_price() -> None:
    found = tariff(LLMS.get("gpt-6-luna"))
    usage = Usage(tokens_in=1_000_000, tokens_cached=400_000, tokens_out=100_000)
    assert found.cost(usage, Call()) == pytest.approx(0.6 * 0.125 + 0.4 * 0.01 + 0.1 * 0.5)
    asked = Call(text=1_000_000 - 128, most_out=100_000)
    assert found.most(asked) == pytest.approx(0.125 + 0.05)
    # How many tokens a picture has for it is not known.
    assert tariff(JUDGES.get("gpt-6-luna")).most(Call(shown=(SQUARE,), most_out=10)) is None
