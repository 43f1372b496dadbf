"""What a call of a hosted model costs: by its card, or by the dated prices of `data/prices.yaml`."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import Field

from copycat.cards.weights import Card
from copycat.io.paths import DATA
from copycat.io.yaml_file import read_yaml
from copycat.records import Row, Usage

_MILLION = 1_000_000
_FRAME = 128
"""More than the tokens that a provider puts around a message: OpenAI's images API 6, chat below 20."""
_FITTED, _SHORT_SIDE, _TILE = 2048, 768, 512
"""Pixels: how a picture is fitted before it is cut into tiles, as OpenAI's vision guide tells it."""

Table = Mapping[str, Mapping[str, float]]
"""Something by quality and size, as in `{medium: {1024x1024: 1756}}`."""


class Rates(Row):
    """Dollars for a million tokens."""

    input: float = Field(ge=0)
    cached: float | None = Field(default=None, ge=0)
    """Of input that the provider had in its cache; that of all input where it is left out."""
    written: float | None = Field(default=None, ge=0)
    """Of input that the provider writes into its cache, where that costs more. How much it writes is not
    known, so all that was not in the cache counts with it."""
    output: float = Field(ge=0)

    @property
    def fresh(self) -> float:
        """The most of input that was not in the cache."""
        return self.input if self.written is None else max(self.input, self.written)


class Tiles(Row):
    """Input tokens of a picture that is shown."""

    base: int = Field(ge=0)
    tile: int = Field(ge=0)
    """Of each tile of 512×512 pixels."""

    def tokens(self, width: int, height: int) -> int:
        """Those of a picture of so many pixels, in full detail."""
        fit = min(1.0, _FITTED / max(width, height))
        w, h = width * fit, height * fit
        shorter = min(1.0, _SHORT_SIDE / min(w, h))
        return self.base + self.tile * math.ceil(w * shorter / _TILE) * math.ceil(h * shorter / _TILE)


class Price(Row):
    """What one model, under all its names, cost on a date; see data/prices.yaml."""

    models: tuple[str, ...]
    date: dt.date
    source: str
    """Who says so, in words."""
    per_million: Rates | None = None
    picture_tokens: Table = Field(default_factory=dict)
    per_picture: Table = Field(default_factory=dict)
    tiles: Tiles | None = None


class BatchPrice(Row):
    """What calls of one model, under all its names, cost where they are sent in a batch."""

    models: tuple[str, ...]
    date: dt.date
    source: str
    """Who says so, in words."""
    per_million: Rates


class Provider(Row):
    """One provider's prices."""

    name: str
    kinds: tuple[str, ...]
    """Kinds of cards that reach it where they name no other address."""
    base_url: str
    options: frozenset[str] = frozenset()
    """Those of a call that leave its prices as they are told here."""
    prices: tuple[Price, ...]
    batch_prices: tuple[BatchPrice, ...] = ()
    """Of models that are among `prices`, which also tell the tokens of a picture."""

    def price(self, model: str, *, batch: bool) -> Price | None:
        """What a call of `model` costs, alone or in a batch; None where nobody was quoted for it."""
        alone = next((p for p in self.prices if model in p.models), None)
        if alone is None or not batch:
            return alone
        together = next((p for p in self.batch_prices if model in p.models), None)
        if together is None:
            return None
        told = {"date": together.date, "source": together.source, "per_million": together.per_million}
        return alone.model_copy(update={**told, "per_picture": {}})


class Prices(Row):
    """The whole table."""

    providers: tuple[Provider, ...]


@cache
def prices() -> Prices:
    """The table that is shipped."""
    return read_yaml(DATA / "prices.yaml", Prices, "table of prices")


@dataclass(frozen=True)
class Call:
    """One call before it is made."""

    text: int = 0
    """Bytes of all text that is sent, in UTF-8. No tokenizer that works on bytes makes more tokens of it."""
    shown: tuple[tuple[int, int], ...] = ()
    """Width and height of each picture that is sent along."""
    drawn: tuple[int, int] | None = None
    """Width and height of the picture that is asked for; None for an answer in words."""
    most_out: int | None = None
    """The most tokens that an answer may have."""

    @classmethod
    def of(cls, texts: Iterable[str], **more: Any) -> Call:
        """The call that sends `texts`."""
        return cls(text=sum(len(t.encode("utf-8", "surrogatepass")) for t in texts), **more)


@dataclass(frozen=True)
class Tariff:
    """What calls of one card cost."""

    who: str
    """The card's name."""
    fixed: float | None = None
    """Dollars for each picture or answer, by the card."""
    ceiling: float | None = None
    """The most dollars that a call costs, by the card."""
    price: Price | None = None
    options: Mapping[str, Any] | None = None
    """What the card passes on with every call."""
    unpriced: tuple[str, ...] = ()
    """Those of the options that may change the price in ways not known here, so that there is none."""

    @property
    def told(self) -> str:
        """Where the price comes from, with its date; empty where it is not known."""
        if self.fixed is not None:
            return f"the card of {self.who}"
        return f"{self.price.source} ({self.price.date})" if self.price else ""

    @property
    def known(self) -> bool:
        """Whether what a call cost can be told once it is answered."""
        return self.fixed is not None or self.price is not None

    def cost(self, usage: Usage | None, call: Call) -> float | None:
        """Dollars for a `call` that was answered with this `usage`; None where that is not known."""
        if self.fixed is not None:
            return self.fixed
        if self.price is None:
            return None
        if call.drawn and self.price.per_picture:
            return self._of_picture(self.price.per_picture, call.drawn)
        rates = self.price.per_million
        if rates is None or usage is None or usage.tokens_in is None or usage.tokens_out is None:
            return None
        cached = min(usage.tokens_cached or 0, usage.tokens_in)
        fresh = usage.tokens_in - cached
        cheap = rates.input if rates.cached is None else rates.cached
        return round((fresh * rates.fresh + cached * cheap + usage.tokens_out * rates.output) / _MILLION, 9)

    def most(self, call: Call) -> float | None:
        """The most dollars that `call` can cost; None where no bound is known."""
        if self.ceiling is not None or self.fixed is not None:
            return self.ceiling if self.ceiling is not None else self.fixed
        if self.price is None:
            return None
        if call.drawn and self.price.per_picture:
            return self._of_picture(self.price.per_picture, call.drawn)
        rates, tokens_out = self.price.per_million, self.tokens_out(call)
        shown = self._tokens_shown(call)
        if rates is None or tokens_out is None or shown is None:
            return None
        return ((call.text + _FRAME + shown) * rates.fresh + tokens_out * rates.output) / _MILLION

    def tokens_in(self, call: Call) -> int | None:
        """About how many tokens `call` sends: one for four bytes of text, and those of its pictures; None
        where the latter are not known."""
        shown = self._tokens_shown(call)
        return None if shown is None else math.ceil(call.text / 4) + shown

    def tokens_out(self, call: Call) -> int | None:
        """The most tokens that come back; None where that is not known."""
        if call.drawn is None:
            return call.most_out
        most = self._of_picture(self.price.picture_tokens, call.drawn) if self.price else None
        return None if most is None else round(most)

    def _tokens_shown(self, call: Call) -> int | None:
        if not call.shown:
            return 0
        tiles = self.price.tiles if self.price else None
        return sum(tiles.tokens(w, h) for w, h in call.shown) if tiles else None

    def _of_picture(self, table: Table, size: tuple[int, int]) -> float | None:
        """What `table` says of a picture of `size` in the card's quality; the most of all where the provider
        chooses."""
        key, quality = f"{size[0]}x{size[1]}", str((self.options or {}).get("quality", ""))
        if quality in table:
            return table[quality].get(key)
        found = [sizes.get(key) for sizes in table.values()] if quality in ("", "auto") else []
        known = [x for x in found if x is not None]
        return max(known) if known and len(known) == len(found) else None


def tariff(card: Card, *, batch: bool = False) -> Tariff:
    """What calls of the model of `card` cost, where they are sent in a `batch` or alone; of a model on this
    machine nothing. What the card itself says of a call holds for both."""
    api = card.api
    if api is None:
        return Tariff(card.name, fixed=0.0)
    provider = _provider(api.base_url, str(getattr(card, "kind", "")))
    found = provider.price(card.source, batch=batch) if provider else None
    unpriced = tuple(sorted(api.options.keys() - provider.options)) if provider and found else ()
    return Tariff(
        card.name, api.price_usd, api.ceiling_usd, None if unpriced else found, api.options, unpriced
    )


def _provider(base_url: str | None, kind: str) -> Provider | None:
    for provider in prices().providers:
        here = base_url is None or base_url.rstrip("/") == provider.base_url
        if here and kind in provider.kinds:
            return provider
    return None
