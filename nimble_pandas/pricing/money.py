"""What a page says of one price becomes numbers and a currency, or the reason why not."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import lru_cache
from math import isfinite
from numbers import Real

from nimble_pandas.pricing.numerals import Custom, number
from nimble_pandas.pricing.reading import Mention, Sentence, sentence
from nimble_pandas.pricing.signs import codes
from nimble_pandas.pricing.territories import decimal_marks, legal_tender, n_decimals

_MAX_NAMED = 4
# the pound of the world at large: elsewhere the page, or its country, says which
_POUND = "GBP"
# shops write a bare 0 where they have no price to show
_ZERO = "zero, which may mean that it is not known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What is known of where a price was read.

    Parameters
    ----------
    day : date
        When the page was fetched.
    country : str, optional
        The page's, as `territory` gives it.
    unread_country : str, optional
        What the frame says of the country, where that is no code of one.
    locale : str, optional
        The page's.
    field : str, optional
        What the page's own currency field says.
    default : str, optional
        The currency where nothing else says one, as the caller has it.
    is_plain : bool, default False
        Whether the field is written for machines.
    """

    day: date
    country: str | None = None
    unread_country: str | None = None
    locale: str | None = None
    field: str | None = None
    default: str | None = None
    is_plain: bool = False


@lru_cache(maxsize=4096)
def at(place: Place, field: str | None, *, is_plain: bool) -> Place:
    """Return a place with what one of its fields says."""
    return replace(place, field=field, is_plain=is_plain)


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """A price that was read.

    Parameters
    ----------
    low : float, optional
        The price, or the lowest of several.
    high : float, optional
        The highest of several.
    former : float, optional
        What the same text says that it cost before.
    currency : str, optional
        ISO 4217 code.
    source : str, optional
        What says the currency: ``text``, ``field``, ``argument`` or ``country``.
    note : str, optional
        Why something is missing, or what to know.
    """

    low: float | None = None
    high: float | None = None
    former: float | None = None
    currency: str | None = None
    source: str | None = None
    note: str | None = None


def money(value: object, place: Place) -> Money:
    """Read a price.

    Parameters
    ----------
    value : object
        A number or a text.
    place : Place
        Where it stands.

    Returns
    -------
    Money
        Without a price where it could mean more than one.
    """
    if isinstance(value, str):
        return _from_text(value, place)
    if isinstance(value, bool) or not isinstance(value, Real | Decimal) or not isfinite(value):
        return Money(note="neither a number nor a text")
    if value < 0:
        return Money(note="negative, so no price")
    if value == 0:
        return Money(note=_ZERO)
    currency, source, note = _currency(frozenset(), place)
    return Money(low=float(value), currency=currency, source=source, note=note)


@lru_cache(maxsize=20_000)
def _from_text(text: str, place: Place) -> Money:
    said = sentence(text, place.country)
    mentions = [mention for mention in (said.low, said.high, said.former) if mention]
    signs = [codes(sign, place.country) for mention in mentions for sign in mention.signs]
    shown = frozenset.intersection(*signs) if signs else frozenset()
    if signs and not shown:
        return Money(note="more than one currency in it")
    currency, source, note = _currency(shown, place)
    if said.is_free:
        return Money(low=0.0, currency=currency, source=source, note="free")
    if said.low is None:
        return Money(note=said.note)
    custom = _custom([currency] if currency else _candidates(shown, place), place)
    read = [_amount(mention, custom) for mention in mentions]
    reason = next((amount for amount in read if isinstance(amount, str)), None)
    if reason:
        return Money(currency=currency, source=source, note=reason)
    if not shown and read[0] == 0:
        return Money(note=_ZERO)
    found = Money(currency=currency, source=source, note="; ".join(filter(None, (said.note, note))) or None)
    return _with_amounts(found, said, [amount for amount in read if isinstance(amount, Decimal)])


def _with_amounts(found: Money, said: Sentence, amounts: list[Decimal]) -> Money:
    low, *others = map(float, amounts)
    high = others.pop(0) if said.high else None
    former = others.pop(0) if said.former else None
    if high is not None and high < low:
        return replace(found, note="a range that runs backwards")
    return replace(found, low=low, high=high, former=former, note=found.note or _of_zero(low))


def _amount(mention: Mention, custom: Custom) -> Decimal | str:
    amount = number(mention.numeral, custom)
    is_cents = any("¢" in sign or sign == "p" for sign in mention.signs)
    if is_cents and len(mention.signs) > 1:
        return "a currency and its hundredth beside one number"
    return amount / 100 if is_cents and isinstance(amount, Decimal) else amount


def _of_zero(amount: float) -> str | None:
    return "zero" if amount == 0 else None


def _candidates(shown: Collection[str], place: Place) -> Collection[str]:
    tender = legal_tender(place.country, place.day) if place.country else ()
    return shown or tender


def _custom(currencies: Collection[str], place: Place) -> Custom:
    """Return how numbers are written: in the country and locale, or else where the currency is at home."""
    marks = decimal_marks(place.country, place.locale)
    # a page of another country's shop may write numbers as that country does
    at_home = place.country is None or set(currencies) <= set(_candidates((), place))
    is_certain = bool(marks) and len(currencies) == 1 and at_home
    if not marks:
        # the first two letters of a code are its country's
        marks = frozenset(mark for code in currencies for mark in decimal_marks(code[:2], None))
    return Custom(
        marks=marks,
        n_decimals=max(map(n_decimals, currencies), default=None),
        is_certain=is_certain,
        is_plain=place.is_plain,
    )


def _currency(shown: frozenset[str], place: Place) -> tuple[str | None, str | None, str | None]:
    """Return the currency, what says it, and why it is not known."""
    told = codes(place.field, place.country) if place.field else frozenset()
    for possible, source in ((shown, "text"), (told, "field")):
        if len(possible) == 1:
            return _unless_contradicted(next(iter(possible)), source, shown, told)
    tender = frozenset(legal_tender(place.country, place.day) if place.country else ())
    local = (shown or told) & tender if shown or told else tender
    if place.default and (not (shown or told) or place.default in (shown or told)):
        return place.default, "argument", None
    if len(local) == 1:
        return next(iter(local)), "country", None
    if _POUND in (shown or told) and not local and not place.unread_country:
        return _POUND, "text" if shown else "field", None
    return None, None, _unknown(shown or told, tender, place)


def _unless_contradicted(
    code: str, source: str, shown: frozenset[str], told: frozenset[str]
) -> tuple[str | None, str | None, str | None]:
    if shown and told and not shown & told:
        return None, None, f"the text says {_listed(shown)}, the currency field {_listed(told)}"
    return code, source, None


def _unknown(possible: frozenset[str], tender: frozenset[str], place: Place) -> str:
    if place.unread_country:
        return f"country {place.unread_country!r} is no ISO 3166-1 alpha-2 code, such as 'DE'"
    if possible:
        return f"the currency may be {_listed(possible)}{_how_to_tell(place)}"
    if len(tender) > 1:
        return f"{place.country} has {_listed(tender)}"
    return f"nothing says the currency{_how_to_tell(place)}"


def _how_to_tell(place: Place) -> str:
    return "" if place.country else ": give country= or currency=, or the column with one"


def _listed(possible: frozenset[str]) -> str:
    named = sorted(possible)
    return ", ".join(named[:_MAX_NAMED]) + (", …" if len(named) > _MAX_NAMED else "")
