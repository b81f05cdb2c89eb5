"""Numbers that products go by, and the stable draws that they are made from."""

from __future__ import annotations

from hashlib import blake2b

_ASIN_LETTERS = "0123456789BCDFGHJKLMNPQRSTVWXYZ"


def draw(*key: object, below: int) -> int:
    """Draw a number that depends on nothing but the key.

    Parameters
    ----------
    *key : object
        What the number belongs to.
    below : int
        The number of outcomes.

    Returns
    -------
    int
        From 0 to ``below - 1``; the same in every process and Python version.
    """
    text = "\x1f".join(str(part) for part in key)
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") % below


def share(*key: object) -> float:
    """Draw a number from 0 up to 1 that depends on nothing but the key.

    Parameters
    ----------
    *key : object
        What the number belongs to.

    Returns
    -------
    float
        In steps of a ten-thousandth.
    """
    return draw(*key, below=10_000) / 10_000


def gtin13(index: int) -> str:
    """Give a product a GTIN-13.

    Parameters
    ----------
    index : int
        The product's place in the catalogue.

    Returns
    -------
    str
        Thirteen digits, the first ones zero as in a UPC, the last one the check digit.

    Notes
    -----
    The prefixes 020 to 029 are for use inside one company (GS1 General Specifications, 1.4.2): these numbers
    are nobody's.
    """
    digits = f"02{index * 7919 % 10**10:010d}"
    weighted = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return f"{digits}{-weighted % 10}"


def asin(*key: object) -> str:
    """Give a product a number as Amazon does.

    Parameters
    ----------
    *key : object
        What the number belongs to.

    Returns
    -------
    str
        ``B0`` and eight letters or digits.
    """
    n_letters = len(_ASIN_LETTERS)
    return "B0" + "".join(_ASIN_LETTERS[draw("asin", place, *key, below=n_letters)] for place in range(8))


def item_id(*key: object) -> str:
    """Give a product a number as Walmart does.

    Parameters
    ----------
    *key : object
        What the number belongs to.

    Returns
    -------
    str
        Nine or ten digits.
    """
    return str(100_000_000 + draw("item", *key, below=5_000_000_000))


def offer_id(*key: object) -> str:
    """Give an offer a number as Walmart does.

    Parameters
    ----------
    *key : object
        What the number belongs to.

    Returns
    -------
    str
        Thirty-two hexadecimal digits in capitals.
    """
    text = "\x1f".join(str(part) for part in ("offer", *key))
    return blake2b(text.encode(), digest_size=16).hexdigest().upper()
