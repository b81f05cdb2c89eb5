"""Which item a URL names, and whether it can be bought."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote, urlsplit

_ASIN = re.compile(
    r"/(?:dp|gp/product|gp/aw/d|gp/offer-listing|exec/obidos/asin)/([a-z0-9]{10})(?![a-z0-9])", re.IGNORECASE
)
_WALMART = re.compile(r"/ip/(?:[^/?#]+/)?(\d{1,15})(?![^/?#&])")
_HOMEDEPOT = re.compile(r"/p/(?:[^/?#]+/)?(\d{6,12})(?![^/?#&])")

_YES = frozenset(
    """instock available availablefororder limitedavailability onlineonly instoreonly madetoorder
    lowstock true yes
    auflager verfügbar lieferbar enstock disponible disponibile disponível""".split()
)
_NO = frozenset(
    """outofstock oos soldout unavailable currentlyunavailable temporarilyoutofstock discontinued
    notavailable false
    no nichtverfügbar derzeitnichtverfügbar ausverkauft rupturedestock indisponible agotado nodisponible
    esaurito
    nondisponibile esgotado indisponível preorder presale backorder backordered comingsoon
    retired""".split()
)
_SOME_LEFT = re.compile(
    r"^only \d+ left\b|\bleft in stock\b|\bin stock\b(?! (?:on|soon|from|by)\b)", re.IGNORECASE
)
_NONE_LEFT = re.compile(
    r"^(currently|temporarily) (unavailable|out of stock)\b|\bout of stock\b|\bnot in stock\b", re.IGNORECASE
)


@lru_cache(maxsize=20_000)
def item_id(url: str) -> str | None:
    """Find the shop's own name of an item.

    Parameters
    ----------
    url : str
        The item's page, absolute or not.

    Returns
    -------
    str or None
        The ASIN, or Walmart's or Home Depot's number, as text; None where the URL has none.
    """
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return None
    plain = unquote(url)
    patterns = [_ASIN, _WALMART, *([_HOMEDEPOT] if "homedepot." in host else [])]
    found = next((match for pattern in patterns if (match := pattern.search(plain))), None)
    return found[1].upper() if found else None


def availability(value: object) -> str | None:
    """Return what a page says of its stock, schema.org's address taken off.

    Parameters
    ----------
    value : object
        Text, or a boolean that says whether the item is in stock.

    Returns
    -------
    str or None
        Such as ``"InStock"`` or ``"Only 3 left in stock"``.
    """
    if value is None or isinstance(value, float):
        return None
    text = str(value).strip()
    return re.sub(r"^https?://schema\.org/", "", text).strip("/") or None


@lru_cache(maxsize=4096)
def in_stock(said: str | None) -> bool | None:
    """Say whether an item can be had now.

    Parameters
    ----------
    said : str or None
        As `availability` gives it.

    Returns
    -------
    bool or None
        None where the words are not known. What is only ordered ahead is not in stock.
    """
    word = re.sub(r"[\W_]+", "", said or "").casefold()
    if word in _YES | _NO:
        return word in _YES
    if _NONE_LEFT.search(said or ""):
        return False
    return True if _SOME_LEFT.search(said or "") else None
