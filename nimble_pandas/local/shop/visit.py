"""Who is looking: the market, language, store and day of one request."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import urlencode

from starlette.requests import Request

from nimble_pandas.local.shop.catalogue import Product
from nimble_pandas.local.shop.markets import HOME, MARKETS, Market, Offer, language_of, offer, written
from nimble_pandas.local.shop.stores import Store, closest


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What a page depends on besides its product.

    Parameters
    ----------
    market : Market
        Whose prices are shown.
    asked : str
        The country that was asked for, where the shop has no market for it; else empty.
    language : str
        A locale that Babel knows.
    store : Store or None
        The chosen store, in the US.
    day : int
        The day of the prices.
    root_url : str
        Where the shop is, without a slash at the end.
    kept : dict of str to str
        What the shop's own links carry on, for a person who chose a market in the browser.
    query : dict of str to str
        The page's own query.
    """

    market: Market
    asked: str
    language: str
    store: Store | None
    day: int
    root_url: str
    kept: dict[str, str]
    query: dict[str, str]

    def offer(self, product: Product) -> Offer:
        """Price a product for this visit.

        Parameters
        ----------
        product : Product
            What is sold.

        Returns
        -------
        Offer
            In this market, store and day.
        """
        return offer(product, self.market, day=self.day, store=self.store)

    def written(self, amount: Decimal) -> str:
        """Write an amount in this visit's currency and language.

        Parameters
        ----------
        amount : Decimal
            The amount.

        Returns
        -------
        str
            Such as ``$12.98``.
        """
        return written(amount, self.market.currency, self.language)

    def link(self, path: str, **query: str) -> str:
        """Link inside the shop.

        Parameters
        ----------
        path : str
            Such as ``/p/00001041``.
        **query : str
            What to add.

        Returns
        -------
        str
            An absolute URL that keeps the chosen market.
        """
        wanted = {name: value for name, value in (self.kept | query).items() if value}
        return f"{self.root_url}{path}" + (f"?{urlencode(wanted)}" if wanted else "")

    def product_link(self, product: Product, style: str = "") -> str:
        """Link to a product.

        Parameters
        ----------
        product : Product
            The product.
        style : str, optional
            The markup of the page; the product's own by default.

        Returns
        -------
        str
            An absolute URL.
        """
        return self.link(product_path(product, style or product.style))


def product_path(product: Product, style: str) -> str:
    """Say where a product's page lies.

    Parameters
    ----------
    product : Product
        The product.
    style : str
        ``walmart``, ``amazon`` or any other: the page that is no vendor's.

    Returns
    -------
    str
        The path.
    """
    if style == "walmart":
        return f"/walmart/ip/{product.slug}/{product.item_id}"
    return f"/amazon/dp/{product.asin}" if style == "amazon" else f"/p/{product.sku}"


def visit(request: Request) -> Visit:
    """Read what a request says about its place.

    Parameters
    ----------
    request : Request
        Its ``Demo-Country``, ``Demo-State``, ``Demo-City`` and ``Demo-Zip`` headers come from a fetcher; the
        query's ``market``, ``state``, ``city`` and ``zip`` from a person, and go first.

    Returns
    -------
    Visit
        The market of the country, or that of the US where the shop has none.
    """
    query = request.query_params
    said = {name: query.get(name) or request.headers.get(f"demo-{name}") for name in ("state", "city", "zip")}
    country = (query.get("market") or request.headers.get("demo-country") or HOME.country).upper()[:20]
    market = MARKETS.get(country, HOME)
    day = request.app.state.day
    return Visit(
        market=market,
        asked="" if market.country == country else country,
        language=language_of(request.headers.get("accept-language"), market),
        store=closest(**said) if market is HOME else None,
        day=day() if callable(day) else day,
        root_url=str(request.base_url).rstrip("/"),
        kept={name: query[name] for name in ("market", "state", "city", "zip") if query.get(name)},
        query=dict(query),
    )
