"""Signs of currencies, and the codes that each may stand for."""

from __future__ import annotations

import re
from functools import lru_cache

from nimble_pandas.pricing.territories import currencies, local_signs

# A sign that several countries use is not one currency: the country, or a field of the page, must say which.
_SIGNS = {
    "$": "USD CAD AUD NZD SGD HKD TWD MXN ARS CLP COP UYU DOP JMD TTD BBD BSD BZD BMD KYD FJD NAD XCD",
    "£": "GBP EGP LBP SYP SDG SSP GIP FKP SHP",
    "¥": "JPY CNY",
    "kr": "SEK NOK DKK ISK",
    "rs": "INR PKR LKR NPR MUR SCR",
    "₨": "INR PKR LKR NPR MUR SCR",
    "ریال": "IRR SAR QAR OMR YER",  # what NFKC makes of U+FDFC
    "fr": "CHF XOF XAF XPF",
    "fcfa": "XOF XAF",
    "lei": "RON MDL",
    "leu": "RON MDL",
    "bs": "BOB VES",
    "din": "RSD",
    "r": "ZAR",
    "dh": "MAD AED",
    "dhs": "MAD AED",
    "sr": "SAR SCR",
    "¢": "USD CAD AUD NZD",
    "€": "EUR",
    "euro": "EUR",
    "euros": "EUR",
    "₹": "INR",
    "₩": "KRW",
    "₪": "ILS",
    "₫": "VND",
    "đ": "VND",
    "tk": "BDT",
    "ksh": "KES",
    "kd": "KWD",
    "gs": "PYG",
    "₺": "TRY",
    "tl": "TRY",
    "₽": "RUB",
    "руб": "RUB",
    "₴": "UAH",
    "грн": "UAH",
    "₸": "KZT",
    "₦": "NGN",
    "₱": "PHP",
    "฿": "THB",
    "บาท": "THB",
    "₡": "CRC",
    "₲": "PYG",
    "₵": "GHS",
    "₭": "LAK",
    "₮": "MNT",
    "₼": "AZN",
    "₾": "GEL",
    "֏": "AMD",
    "៛": "KHR",
    "৳": "BDT",
    "zł": "PLN",
    "kč": "CZK",
    "ft": "HUF",
    "лв": "BGN",
    "дин": "RSD",
    "rp": "IDR",
    "rm": "MYR",
    "s/": "PEN",
    "円": "JPY",
    "元": "CNY",
    "원": "KRW",
    "sfr": "CHF",
    "us$": "USD",
    "c$": "CAD",
    "ca$": "CAD",
    "a$": "AUD",
    "au$": "AUD",
    "nz$": "NZD",
    "hk$": "HKD",
    "nt$": "TWD",
    "s$": "SGD",
    "mx$": "MXN",
    "r$": "BRL",
    "ar$": "ARS",
    "cl$": "CLP",
    "rd$": "DOP",
    "cn¥": "CNY",
    "jp¥": "JPY",
    "rmb": "CNY",
    "dollars": "USD CAD AUD NZD SGD HKD",
    "pesos": "MXN ARS CLP COP UYU DOP PHP CUP",
    "د.إ": "AED",
    "ر.س": "SAR",
    "د.ك": "KWD",
    "ج.م": "EGP",
    "درهم": "AED MAD",
    "ريال": "SAR QAR OMR YER IRR",
    "جنيه": "EGP SDG",
}
# Codes that are words as well are codes in capitals only.
_IN_ANY_CASE = (
    "usd",
    "eur",
    "gbp",
    "chf",
    "jpy",
    "inr",
    "aud",
    "cad",
    "pln",
    "sek",
    "nok",
    "dkk",
    "brl",
    "mxn",
)
_SYMBOLS = "$¢£¥֏؋৲৳૱௹฿៛₠-⃀﷼"

#: What is written with a sign of its own, a prefix such as ``US`` included; matches normalised text.
SYMBOL = rf"(?:US|CA|AU|NZ|HK|MX)?[ ][{_SYMBOLS}]|[^\W\d_]{{0,3}}[{_SYMBOLS}]|[SB]/\.?|[円元원]"


@lru_cache(maxsize=4096)
def codes(sign: str, country: str | None = None) -> frozenset[str]:
    """List the currencies that a sign may stand for.

    Parameters
    ----------
    sign : str
        A code, a symbol or an abbreviation; a dot at its end does not matter.
    country : str, optional
        Whose own signs are known as well.

    Returns
    -------
    frozenset of str
        ISO 4217 codes; empty for what is no sign of a currency.
    """
    text = sign.strip().replace(" ", "")
    bare = text if text in local_signs(country) else text.rstrip(".")
    if bare == "p" and country == "GB":
        return frozenset(["GBP"])
    if bare in currencies():
        return frozenset([bare])
    if bare.casefold() in _IN_ANY_CASE:
        return frozenset([bare.upper()])
    with_code = re.fullmatch(rf"([A-Z]{{3}})[{_SYMBOLS}]", bare)
    if with_code and with_code[1] in currencies():
        return frozenset([with_code[1]])
    return _known(bare) | local_signs(country).get(bare, frozenset())


def _known(sign: str) -> frozenset[str]:
    # one capital alone is a sign; one small letter of everybody's is not
    if len(sign) == 1 and sign.islower() and sign.isascii():
        return frozenset()
    return frozenset(_SIGNS.get(sign.casefold(), "").split())
