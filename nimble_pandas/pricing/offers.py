"""Schema.org's offers that stand in one cell, as JSON or as Arrow gives them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from nimble_pandas.pricing.money import Money, Place, money

_FORMER = ("ListPrice", "StrikethroughPrice", "SRP", "MSRP")
# UN/CEFACT's codes of what is the item itself
_PIECES = ("", "C62", "EA", "H87", "PCE", "NMP")
_MAX_OFFERS = 1_000
_MAX_DEPTH = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    """What several offers of one item say together."""

    price: Money
    availability: str | None = None


def offers(value: object, place: Place) -> Offers | None:
    """Read offers.

    Parameters
    ----------
    value : object
        A list of offers or price specifications, or its JSON.
    place : Place
        Where they stand.

    Returns
    -------
    Offers or None
        The lowest price and, where another is higher, the highest; None where no offer is in it.
    """
    found = list(_opened(_decoded(value)))[:_MAX_OFFERS]
    read = [_offer(offer, place) for offer in found]
    if not read:
        return None
    said = {str(offer["availability"]) for offer in found if offer.get("availability")}
    return Offers(price=_together(read), availability=said.pop() if len(said) == 1 else None)


def _decoded(value: object) -> object:
    if isinstance(value, str):
        try:
            return json.loads(value) if value.lstrip()[:1] in "[{" else None
        except (ValueError, RecursionError):
            return None
    return value


def _opened(value: object, depth: int = 0) -> Iterator[Mapping[str, object]]:
    """Go through the single offers, those inside an aggregate too, but past prices and those per kilogram."""
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, list | tuple | np.ndarray):
        for item in value:
            yield from _opened(item, depth + 1)
    elif isinstance(value, Mapping):
        inner = [value.get(name) for name in ("offers", "priceSpecification")]
        if not any(_has_price(value)):
            for item in inner:
                yield from _opened(item, depth + 1)
        elif not _is_former(value) and not _is_per_unit(value):
            yield value


def _is_former(offer: Mapping[str, object]) -> bool:
    return str(offer.get("priceType", "")).rsplit("/", 1)[-1] in _FORMER


def _is_per_unit(offer: Mapping[str, object]) -> bool:
    per = offer.get("referenceQuantity")
    unit = (per.get("unitCode") or per.get("unitText") or "") if isinstance(per, Mapping) else ""
    return str(unit).upper() not in _PIECES


def _has_price(offer: Mapping[str, object]) -> Iterator[bool]:
    return (offer.get(name) not in (None, "") for name in ("price", "lowPrice", "minPrice"))


def _offer(offer: Mapping[str, object], place: Place) -> Money:
    field = offer.get("priceCurrency")
    here = replace(place, field=str(field) if field else place.field, is_plain=True)
    names = [name for name in ("price", "lowPrice", "minPrice") if offer.get(name) not in (None, "")]
    low = money(offer[names[0]], here)
    high = next(
        (offer[name] for name in ("highPrice", "maxPrice") if offer.get(name) not in (None, "")), None
    )
    if names[0] == "price" or high is None:
        return low
    return _together([low, money(high, here)])


def _together(read: list[Money]) -> Money:
    """Return the range that prices span, if all of them were read and are in one currency."""
    first = read[0]
    missing = next((price for price in read if price.low is None), None)
    if missing:
        return Money(currency=missing.currency, source=missing.source, note=missing.note)
    if len({price.currency for price in read}) > 1:
        return Money(note="offers in several currencies")
    ends = [end for price in read for end in (price.low, price.high) if end is not None]
    return replace(first, low=min(ends), high=max(ends) if max(ends) > min(ends) else None)
