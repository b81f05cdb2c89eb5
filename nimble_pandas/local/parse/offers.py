"""Offers: prices as numbers, currencies as ISO codes, availability in schema.org's words."""

from __future__ import annotations

import re

from price_parser import Price

from nimble_pandas.local.parse.entities import Entity, Json

_PRICES = ("price", "lowPrice", "highPrice", "minPrice", "maxPrice")
_LONGEST_PRICE = 60
_PLAIN = re.compile(r"-?\d+(\.\d{1,2}|\.\d{4,})?")
_ISO = re.compile(r"[A-Z]{3}")
_THREE_DECIMALS = ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND")  # ISO 4217
# Signs that mean one currency only: "$" and "kr" do not, "¥" is also China's.
_SIGNS = {"€": "EUR", "£": "GBP", "₹": "INR", "R$": "BRL", "zł": "PLN", "Kč": "CZK", "₩": "KRW", "₺": "TRY"}
_SCHEMA = "https://schema.org/"
_AVAILABILITY = {
    "instock": "InStock",
    "available": "InStock",
    "availablefororder": "InStock",
    "outofstock": "OutOfStock",
    "oos": "OutOfStock",
    "soldout": "SoldOut",
    "unavailable": "OutOfStock",
    "preorder": "PreOrder",
    "presale": "PreSale",
    "backorder": "BackOrder",
    "backordered": "BackOrder",
    "pending": "PreOrder",
    "discontinued": "Discontinued",
    "limitedavailability": "LimitedAvailability",
    "instoreonly": "InStoreOnly",
    "onlineonly": "OnlineOnly",
    "madetoorder": "MadeToOrder",
    "reserved": "Reserved",
}


def offers(found: list[Entity]) -> Entity:
    """Put a product's offers into one object.

    Parameters
    ----------
    found : list of dict
        The offers as the page has them.

    Returns
    -------
    dict
        A single offer as it is; several under ``offers``, with ``lowPrice``, ``highPrice`` and what is
        the same for all of them.
    """
    read = [tidy for item in found if (tidy := offer(item))]
    if len(read) > 1:
        return _with_single_price(_spread(read) | {"offers": read})
    return _with_single_price(_opened(read[0])) if read else {}


def offer(found: Entity) -> Entity:
    """Tidy one offer.

    Parameters
    ----------
    found : dict
        The offer as the page has it.

    Returns
    -------
    dict
        The same with prices as numbers where they can be read, the currency's code, and availability and
        condition as schema.org URLs.
    """
    tidy = _specified(found) | {name: value for name, value in found.items() if value not in (None, "")}
    currency = currency_code(tidy.get("priceCurrency"))
    for name in _PRICES:
        if name in tidy:
            tidy[name], sign = amount(_first(tidy[name]), currency)
            currency = currency or sign
    tidy |= {"priceCurrency": currency} if currency else {}
    for name in ("availability", "itemCondition"):
        if isinstance(tidy.get(name), str):
            tidy[name] = _schema_word(tidy[name])
    return tidy


def amount(price: Json, currency: str | None = None) -> tuple[Json, str | None]:
    """Read a price.

    Parameters
    ----------
    price : object
        A number, or text such as ``"1.299,00 €"``.
    currency : str, optional
        The currency's ISO code, which says how many decimals to expect.

    Returns
    -------
    tuple of (object, str or None)
        The number, or what was given where no number is in it; and the currency that the text shows.
    """
    if not isinstance(price, str):
        return price, None
    text = price.strip()
    if _PLAIN.fullmatch(text) or (currency in _THREE_DECIMALS and re.fullmatch(r"\d+\.\d{3}", text)):
        return _number(text), None
    if len(text) > _LONGEST_PRICE:
        return price, None
    parsed = Price.fromstring(text)
    return (price if parsed.amount is None else float(parsed.amount)), _SIGNS.get(parsed.currency or "") or (
        currency_code(parsed.currency)
    )


def currency_code(currency: Json) -> str | None:
    """Read a currency.

    Parameters
    ----------
    currency : object
        Its ISO code or a sign that means one currency only.

    Returns
    -------
    str or None
        The ISO 4217 code; missing where none was given, and what was given where it is no code.
    """
    if not isinstance(currency, str) or not currency.strip():
        return None
    text = currency.strip()
    return _SIGNS.get(text) or (text.upper() if _ISO.fullmatch(text.upper()) else None)


def _opened(tidy: Entity) -> Entity:
    """Tidy the single offers that an aggregate holds, and fill from them what it does not say."""
    inner = tidy.get("offers")
    held = [offer(item) for item in (inner if isinstance(inner, list) else [inner]) if isinstance(item, dict)]
    if not held:
        return tidy
    return (
        {"offers": held} | _spread(held) | {name: value for name, value in tidy.items() if name != "offers"}
    )


def _first(value: Json) -> Json:
    return value[0] if isinstance(value, list) and value else value


def _number(text: str) -> float | str:
    return float(text) if len(text) <= _LONGEST_PRICE else text


def _schema_word(text: str) -> str:
    """``http://schema.org/InStock``, ``in stock`` and ``instock`` are one thing."""
    word = text.strip().rstrip("/").rsplit("/", 1)[-1]
    known = _AVAILABILITY.get(re.sub(r"[\s_-]+", "", word).lower()[:40])
    if known:
        return _SCHEMA + known
    return _SCHEMA + word if "schema.org/" in text else text


def _specified(found: Entity) -> Entity:
    """Take the price from a ``priceSpecification``, list and strike-through prices aside."""
    if found.get("price") not in (None, ""):
        return {}
    specified = found.get("priceSpecification")
    for item in specified if isinstance(specified, list) else [specified]:
        if isinstance(item, dict) and item.get("price") not in (None, "") and not _is_former(item):
            return {
                name: item[name] for name in ("price", "priceCurrency") if item.get(name) not in (None, "")
            }
    return {}


def _is_former(specification: Entity) -> bool:
    return str(specification.get("priceType", "")).rsplit("/", 1)[-1] in (
        "ListPrice",
        "StrikethroughPrice",
        "SRP",
        "MSRP",
    )


def _spread(read: list[Entity]) -> Entity:
    prices = [item["price"] for item in read if isinstance(item.get("price"), int | float)]
    shared = {
        name: read[0][name]
        for name in ("priceCurrency", "availability", "itemCondition")
        if name in read[0] and all(item.get(name) == read[0][name] for item in read)
    }
    return (
        ({"lowPrice": min(prices), "highPrice": max(prices)} if prices else {})
        | shared
        | {"offerCount": len(read)}
    )


def _with_single_price(tidy: Entity) -> Entity:
    """Where the lowest and highest price are the same there is one price."""
    low = tidy.get("lowPrice")
    if "price" not in tidy and low is not None and low == tidy.get("highPrice"):
        return tidy | {"price": low}
    return tidy
