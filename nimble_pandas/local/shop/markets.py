"""Markets: what a product costs where, and how its price is written."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import NamedTuple

from babel import Locale, UnknownLocaleError
from babel.numbers import format_currency

from nimble_pandas.local.shop.catalogue import Product
from nimble_pandas.local.shop.identifiers import draw, share
from nimble_pandas.local.shop.stores import Store


class Market(NamedTuple):
    """One country's shop.

    ``rate`` is what a US dollar costs (rounded, late 2025), ``level`` what is left of a difference after
    conversion: taxes inside the price, wages, competition. Prices go up in steps of ``step``, less ``off``.
    """

    country: str
    title: str
    currency: str
    locale: str
    rate: float
    level: float
    step: str
    off: str
    tax: str


MARKETS = {
    market.country: market
    for market in (
        Market("US", "United States", "USD", "en-US", 1.0, 1.0, "1", "0.02", "plus sales tax"),
        Market("GB", "United Kingdom", "GBP", "en-GB", 0.76, 1.08, "1", "0.01", "incl. 20 % VAT"),
        Market("DE", "Germany", "EUR", "de-DE", 0.86, 1.11, "1", "0.01", "incl. 19 % VAT"),
        Market("FR", "France", "EUR", "fr-FR", 0.86, 1.16, "1", "0.10", "incl. 20 % VAT"),
        Market("JP", "Japan", "JPY", "ja-JP", 152.0, 0.93, "100", "20", "incl. 10 % consumption tax"),
        Market("CA", "Canada", "CAD", "en-CA", 1.4, 0.98, "1", "0.03", "plus GST/HST"),
        Market("AU", "Australia", "AUD", "en-AU", 1.53, 1.07, "1", "0.05", "incl. 10 % GST"),
        Market("BR", "Brazil", "BRL", "pt-BR", 5.35, 1.38, "1", "0.10", "impostos incl."),
        Market("IN", "India", "INR", "en-IN", 88.5, 0.74, "10", "1", "incl. of all taxes"),
        Market("MX", "Mexico", "MXN", "es-MX", 18.5, 1.04, "1", "0", "IVA incl."),
    )
}
HOME = MARKETS["US"]

_CHANGE_EVERY = 9  # days, on average
_LONGEST_PRICE_DAYS = 60
_SAME_ABROAD = 0.12  # how far a category's and a product's price wander from the market's level


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A product in one market.

    Parameters
    ----------
    product : Product
        What is sold.
    market : Market
        Where.
    price : Decimal or None
        What it costs; missing where it is not sold.
    former_price : Decimal or None
        What it cost before a sale.
    n_left : int
        How many are left.
    store : Store or None
        The store that was chosen.
    """

    product: Product
    market: Market
    price: Decimal | None
    former_price: Decimal | None
    n_left: int
    store: Store | None = None

    @property
    def availability(self) -> str:
        """In schema.org's words."""
        return "InStock" if self.n_left else "OutOfStock"


def offer(product: Product, market: Market, *, day: int = 0, store: Store | None = None) -> Offer:
    """Price a product.

    Parameters
    ----------
    product : Product
        What is sold.
    market : Market
        Where.
    day : int, default 0
        The day; prices of day 0 never move.
    store : Store, optional
        The store, in the US.

    Returns
    -------
    Offer
        The same for the same arguments, always.
    """
    if not product.is_sold_in(market.country):
        return Offer(product=product, market=market, price=None, former_price=None, n_left=0)
    price = _price(product, market, day, store)
    former = (
        _rounded(float(price) * 1.25, market)
        if draw("sale", product.sku, market.country, below=6) == 0
        else None
    )
    return Offer(
        product=product,
        market=market,
        price=price,
        former_price=former,
        n_left=_n_left(product, market, store),
        store=store,
    )


def written(amount: Decimal, currency: str, language: str) -> str:
    """Write a price as readers of a language do.

    Parameters
    ----------
    amount : Decimal
        The price.
    currency : str
        Its ISO 4217 code.
    language : str
        A locale that Babel knows, such as ``de_DE``.

    Returns
    -------
    str
        Such as ``1.299,00 €``.
    """
    return str(format_currency(amount, currency, locale=language))


@lru_cache(maxsize=256)
def language_of(header: str | None, market: Market) -> str:
    """Choose the language of a page.

    Parameters
    ----------
    header : str or None
        ``Accept-Language``.
    market : Market
        Whose language is taken where the header names none that is known.

    Returns
    -------
    str
        A locale that Babel knows.
    """
    known = (_locale(tag) for tag in _preferred(header or ""))
    return next((name for name in known if name), _locale(market.locale) or "en")


def _price(product: Product, market: Market, day: int, store: Store | None) -> Decimal:
    abroad = market is not HOME
    level = market.level * _around(_SAME_ABROAD, "aisle", product.aisle, market.country) if abroad else 1.0
    level *= _around(_SAME_ABROAD / 2, "product", product.sku, market.country) if abroad else 1.0
    amount = product.price * market.rate * level * _moved(product, market, day)
    if store and product.aisle == "grocery":  # priced to the cent by each store
        return Decimal(str(round(amount * _around(0.04, "store", store.number), 2))).quantize(Decimal("0.01"))
    return _rounded(amount, market)


def _moved(product: Product, market: Market, day: int) -> float:
    """Find the last day on which the price changed, and by how much it differs from day 0."""
    for past in range(day, max(day - _LONGEST_PRICE_DAYS, 0), -1):
        if draw("moves", product.sku, market.country, past, below=_CHANGE_EVERY) == 0:
            return _around(0.15, "move", product.sku, market.country, past)
    return 1.0


def _around(width: float, *key: object) -> float:
    return 1 + width * (2 * share(*key) - 1)


def _rounded(amount: float, market: Market) -> Decimal:
    """Up to the next step, and a little less: 12.99, ¥1,280, ₹1,299."""
    step, off = Decimal(market.step), Decimal(market.off)
    steps = (Decimal(str(round(amount, 2))) / step).to_integral_value(rounding=ROUND_HALF_UP)
    rounded = max(steps, Decimal(1)) * step - off
    return rounded if market.currency == "JPY" else rounded.quantize(Decimal("0.01"))


def _n_left(product: Product, market: Market, store: Store | None) -> int:
    if product.is_out_of_stock:
        return 0
    place = store.number if store else market.country
    return (
        draw("left", product.sku, place, below=60)
        if store
        else 1 + draw("left", product.sku, place, below=400)
    )


def _preferred(header: str) -> list[str]:
    """Tags of an Accept-Language header, the most wanted first."""
    weighed = []
    for part in header[:500].split(","):
        tag, _, weight = part.strip().partition(";q=")
        weighed.append((-_weight(weight), tag.strip()))
    return [tag for _, tag in sorted(weighed, key=lambda pair: pair[0]) if tag]


def _weight(text: str) -> float:
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0


def _locale(tag: str) -> str | None:
    try:
        return str(Locale.parse(tag, sep="-"))
    except (UnknownLocaleError, ValueError, TypeError):
        return None
