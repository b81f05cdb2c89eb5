"""What a country tells about its prices: the currency, its decimals, and how numbers are written."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.languages import get_official_languages
from babel.numbers import get_currency_precision, get_territory_currencies, list_currencies

# Later than the tables of some releases of Babel: Council Decision (EU) 2025/1407.
_EURO_SINCE = {"BG": date(2026, 1, 1)}
_ALIASES = {"UK": "GB", "EL": "GR"}


@lru_cache(maxsize=1)
def currencies() -> frozenset[str]:
    """Return the ISO 4217 codes that Babel knows, past ones too; not those of no currency."""
    return frozenset(list_currencies()) - {"XXX", "XTS"}


@lru_cache(maxsize=1024)
def territory(country: object) -> str | None:
    """Read a country code.

    Parameters
    ----------
    country : object
        ISO 3166-1 alpha-2, whatever its case; ``UK`` is read as ``GB``.

    Returns
    -------
    str or None
        The code in capitals; None for anything else.
    """
    code = str(country).strip().upper()
    code = _ALIASES.get(code, code)
    return code if len(code) == 2 and code in get_global("territory_currencies") else None


@lru_cache(maxsize=4096)
def legal_tender(country: str, day: date) -> tuple[str, ...]:
    """List the currencies of a country.

    Parameters
    ----------
    country : str
        As `territory` gives it.
    day : date
        When.

    Returns
    -------
    tuple of str
        ISO 4217 codes; more than one where a country has several.
    """
    if country in _EURO_SINCE and day >= _EURO_SINCE[country]:
        return ("EUR",)
    return tuple(get_territory_currencies(country, day, day, tender=True, non_tender=False))


@lru_cache(maxsize=512)
def n_decimals(currency: str) -> int:
    """Count the decimals that prices in a currency have."""
    return int(get_currency_precision(currency))


@lru_cache(maxsize=512)
def decimal_marks(country: str | None, locale: str | None) -> frozenset[str]:
    """List what may part whole from fraction on pages of a country, or in a locale.

    Parameters
    ----------
    country : str or None
        As `territory` gives it: each of its official languages has a say.
    locale : str or None
        Such as ``"en-US"``; what Babel does not know, such as ``"auto"``, says nothing.

    Returns
    -------
    frozenset of str
        Of ``"."`` and ``","``; empty where nothing is known.
    """
    return frozenset(mark for spoken in locales(country, locale) for mark in _marks(spoken))


@lru_cache(maxsize=256)
def local_signs(country: str | None) -> dict[str, frozenset[str]]:
    """Return the signs of a country's currencies in its own languages, as Babel has them.

    Parameters
    ----------
    country : str or None
        As `territory` gives it.

    Returns
    -------
    dict of str to frozenset of str
        Sign → the ISO 4217 codes that it stands for there.
    """
    now = [entry for entry in get_global("territory_currencies").get(country or "", ()) if entry[2] is None]
    found: dict[str, frozenset[str]] = {}
    for spoken in locales(country, None):
        for code in (code for code, _, _, is_tender in now if is_tender):
            sign = re.sub(r"[\u200e\u200f\s]", "", spoken.currency_symbols.get(code, code))
            found[sign] = found.get(sign, frozenset()) | {code}
    # "12K" is twelve thousand, also where K is a kwacha
    return {
        sign: codes for sign, codes in found.items() if len(sign) > 1 or not (sign.islower() or sign in "KM")
    }


@lru_cache(maxsize=512)
def locales(country: str | None, locale: str | None) -> tuple[Locale, ...]:
    """Return the locales of a country's official languages, and the one that is named."""
    languages = get_official_languages(country, de_facto=True) if country else ()
    tags = [f"{language}_{country}" for language in languages]
    tags += [locale.replace("-", "_")] if locale else []
    return tuple(filter(None, map(_parsed, tags)))


def _parsed(tag: str) -> Locale | None:
    try:
        return Locale.parse(tag)
    except (UnknownLocaleError, ValueError, TypeError):
        return None


def _marks(spoken: Locale) -> set[str]:
    symbols = spoken.number_symbols.get("latn", {})
    return {symbols[name] for name in ("decimal", "currencyDecimal") if symbols.get(name)} & {".", ","}
