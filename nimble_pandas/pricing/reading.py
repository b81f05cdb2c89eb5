"""The text of a price is read, or it is said why not."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from nimble_pandas.pricing import words
from nimble_pandas.pricing.numerals import NUMERAL
from nimble_pandas.pricing.signs import SYMBOL, codes

_MAX_CHARACTERS = 200
_TOKEN = re.compile(
    rf"(?P<sign>{SYMBOL})|(?P<numeral>{NUMERAL})|(?P<dash>[-–—~〜])|(?P<word>[^\W\d_]+(?:[.'’][^\W\d_]+)*\.?)"
    r"|(?P<gap>(?:[\s:;!*()\[\]|]|[.,](?!\d))+)|(?P<plus>\+)|(?P<other>.)"
)
_PERCENT = re.compile(
    r"[(\[]?[-–+]?\s?\d+(?:[.,]\d+)?\s?%(?:\s?(?:off|rabatt)\b(?![^\w]*\d))?[)\]]?", re.IGNORECASE
)
# 35€99 is what French shops write for 35,99 €
_EURO_BETWEEN = re.compile(r"(\d)€(\d{2})(?!\d)")
# what is paid besides, where it is not said how much
_BESIDES = re.compile(
    r"[\s,;(]*(?:\+|\b(?:zzgl\.?|plus|excl\.?|exkl\.?|excluding|hors))"
    r"\s*(?:versand(?:kosten)?|shipping(?: costs?)?|delivery|postage|p&p|(?:frais de )?(?:livraison|port))"
    r"[\s).*]*$",
    re.IGNORECASE,
)
_UNIT_OF_TWO_WORDS = re.compile(r"\b(fl|sq|cu)\.? (?=(?:oz|ft|in|yd|m)\b)", re.IGNORECASE)

Role = Literal["current", "former", "unit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A numeral in a text, with what stands around it."""

    numeral: str
    signs: tuple[str, ...] = ()
    role: Role = "current"
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """The numerals of a text that is understood, or why it is not.

    Parameters
    ----------
    low : Mention, optional
        The price, or the lowest of a range.
    high : Mention, optional
        The highest of a range.
    former : Mention, optional
        The price that no longer holds.
    note : str, optional
        Why there is no price, or what to know of it.
    is_free : bool, default False
        Whether the text says that nothing is to be paid.
    """

    low: Mention | None = None
    high: Mention | None = None
    former: Mention | None = None
    note: str | None = None
    is_free: bool = False


@lru_cache(maxsize=20_000)
def sentence(text: str, country: str | None = None) -> Sentence:
    """Find the price in a text; every word of it must be known.

    Parameters
    ----------
    text : str
        As the page has it.
    country : str, optional
        Whose signs are known as well.

    Returns
    -------
    Sentence
        With a `note`, and no price, where the text may say something else than a price.
    """
    if len(text) > _MAX_CHARACTERS:
        return Sentence(note="too long for a price")
    if any(unicodedata.category(character) in ("No", "Nl") for character in text):
        return Sentence(note="it has raised digits, fractions or the like")
    plain = normalised(text)
    if plain.casefold().strip(" .!") in words.FREE:
        return Sentence(is_free=True, note="free")
    rest = _BESIDES.sub("", _PERCENT.sub(" ", plain))
    if not any(map(str.isdigit, rest)):
        return Sentence(note="a percentage" if any(map(str.isdigit, plain)) else "no number in it")
    if not any(map(str.isdigit, re.sub(r"\(.*?\)", "", rest))):
        return Sentence(note="in brackets, as a loss is written")
    return _Reader(country).read(rest)


def normalised(text: str) -> str:
    """Return a text with digits, spaces and signs as ASCII has them, where it has them."""
    plain = re.sub(r"[\u200b-\u200f\u061c\u202a-\u202e\u2060-\u2069\ufeff\u00ad]", "", text)
    plain = "".join(_digit(character) for character in unicodedata.normalize("NFKC", plain))
    plain = re.sub(r"[’‘ʼ′`´＇]", "'", plain).replace("\u2212", "-")
    plain = re.sub(r"(\d)(?::|\s?/)-(?!\d)", r"\1,-", plain)  # Swedish for no öre, Indian for no paise
    plain = _UNIT_OF_TWO_WORDS.sub(r"\1", plain)
    return _EURO_BETWEEN.sub(r"\1.\2€", re.sub(r"\s+", " ", plain).strip())


def _digit(character: str) -> str:
    return str(unicodedata.digit(character)) if unicodedata.category(character) == "Nd" else character


class _NotAPriceError(Exception):
    """What is read says something else than a price."""


class _Reader:
    """Goes through a text once, from left to right."""

    def __init__(self, country: str | None) -> None:
        self._country = country
        self._found: list[Mention] = []
        self._signs: tuple[str, ...] = ()
        self._role: Role = "current"
        self._links: set[int] = set()
        self._is_open = False  # whether a sign still belongs to the last numeral
        self._wants_unit = False
        self._is_lowest = False
        self._is_at_end = False

    def read(self, text: str) -> Sentence:
        try:
            for token in _TOKEN.finditer(text):
                self._take(str(token.lastgroup), token.group().strip())
            return self._sentence()
        except _NotAPriceError as error:
            return Sentence(note=str(error))

    def _take(self, kind: str, text: str) -> None:
        if self._is_at_end and kind != "gap":
            raise _NotAPriceError("an amount that is added to")
        getattr(self, f"_{kind}")(text)

    def _sign(self, sign: str) -> None:
        if not codes(sign, self._country):
            raise _NotAPriceError(f"{sign!r} is not understood")
        if self._wants_unit:
            raise _NotAPriceError("one price for several")
        if self._is_open:
            self._found[-1] = replace(self._found[-1], signs=(*self._found[-1].signs, sign))
        else:
            self._signs += (sign,)

    def _numeral(self, numeral: str) -> None:
        if self._wants_unit:  # as in "per 100 g"
            return
        if numeral[0] in ".," and any(map(str.isalpha, self._signs[-1:])):
            raise _NotAPriceError(f"{self._signs[-1] + numeral!r}: the dot may belong to the sign")
        self._found.append(Mention(numeral=numeral, signs=self._signs, role=self._role))
        self._signs, self._role, self._is_open = (), "current", True

    def _dash(self, dash: str) -> None:
        if dash in "~〜" and not self._found:
            raise _NotAPriceError("approximate")
        if not self._found or self._signs:
            raise _NotAPriceError("negative, so no price")
        self._link()

    def _link(self) -> None:
        self._links.add(len(self._found))
        self._is_open = False

    def _gap(self, gap: str) -> None:
        if ";" in gap or "|" in gap or "," in gap:
            self._is_open = False

    def _plus(self, _: str) -> None:
        if not self._found or self._is_lowest:
            raise _NotAPriceError("an amount that is added")
        self._is_lowest, self._is_open = True, False
        self._is_at_end = True

    def _other(self, other: str) -> None:
        if other == "/" and self._found:
            self._wants_unit, self._is_open = True, False
        else:
            raise _NotAPriceError(f"{other!r} is not understood")

    def _word(self, word: str) -> None:
        bare = word.casefold().replace(".", "")
        if self._wants_unit:
            if bare not in words.EACH:
                self._found[-1] = replace(self._found[-1], role="unit", unit=bare)
            self._wants_unit = False
        elif codes(word, self._country) and not (
            word.endswith(".") and word[:-1].isupper() and len(word) == 4
        ):
            self._sign(word)
        else:
            self._plain_word(bare)

    def _plain_word(self, bare: str) -> None:
        self._is_open = False
        if bare in words.OTHER:
            raise _NotAPriceError(f"{bare!r}: an amount besides the price")
        if bare in words.UP_TO and not self._found:
            raise _NotAPriceError(f"{bare!r}: only the highest price is known")
        if bare in words.TO and self._found:
            self._link()
        elif bare in words.PER and self._found:
            self._wants_unit = True
        elif bare in words.FORMER:
            self._role = "former"
        elif bare in words.FROM and not self._found:
            self._is_lowest = True
        elif bare in words.SEVERAL:
            raise _NotAPriceError("one price for several")
        elif bare not in words.PLAIN:
            raise _NotAPriceError(f"{bare!r} is not understood")

    def _sentence(self) -> Sentence:
        if self._signs or self._role == "former" or self._wants_unit or len(self._found) in self._links:
            raise _NotAPriceError("it ends in the middle")
        current = [mention for mention in self._found if mention.role == "current"]
        former = [mention for mention in self._found if mention.role == "former"]
        if not current:
            raise _NotAPriceError(_without_price(self._found))
        is_range = len(current) == 2 and self._found.index(current[1]) in self._links
        if len(former) > 1 or not (len(current) == 1 or is_range):
            raise _NotAPriceError("several numbers")
        return Sentence(
            low=current[0],
            high=current[1] if is_range else None,
            former=former[0] if former else None,
            note="the lowest of several" if self._is_lowest and not is_range else None,
        )


def _without_price(found: list[Mention]) -> str:
    units = [mention.unit for mention in found if mention.role == "unit"]
    return f"a price per {units[0]}, not of the item" if units else "only a price that no longer holds"
