"""Digits and marks become a number, where they can mean only one."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from price_parser import Price

# what a float holds exactly
_MAX_DIGITS = 15
_WHOLE_GROUPS = re.compile(r"[1-9]\d{0,2}(?:([ '٬.,])\d{3})(?:\1\d{3})*|[1-9]\d?(?:,\d{2})+,\d{3}")

#: Digits with marks between them; ``,-`` and the like at the end stand for no cents. Matches normalised text.
NUMERAL = r"(?:\d+(?:[.,'٫٬]\d+|[ ]\d{3}(?!\d))*(?:[.,](?:-{1,2}|[–—])(?!\d))?|(?<![\w.,])[.,]\d+)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Custom:
    """What is known of how the numbers around a numeral are written.

    Parameters
    ----------
    marks : collection of str, default ()
        What parts whole from fraction there; empty where nothing is known.
    n_decimals : int, optional
        The most decimals that prices have there.
    is_certain : bool, default False
        Whether that is known of the place itself, rather than guessed from the currency.
    is_plain : bool, default False
        Whether the field is written for machines, which part decimals with a dot.
    """

    marks: Collection[str] = ()
    n_decimals: int | None = None
    is_certain: bool = False
    is_plain: bool = False


def number(numeral: str, custom: Custom) -> Decimal | str:
    """Read a numeral.

    A single mark before exactly three digits may part thousands or decimals: it is read only where what
    is known leaves one meaning.

    Parameters
    ----------
    numeral : str
        As `NUMERAL` matches it.
    custom : Custom
        How numbers are written there.

    Returns
    -------
    Decimal or str
        The number, or why it is not read.
    """
    text, n_cut = re.subn(r"[.,][-–—]+$", "", numeral)
    if sum(character.isdigit() for character in text) > _MAX_DIGITS:
        return f"{numeral!r} has more digits than a price"
    if re.match(r"0\d", text):
        return f"{numeral!r} begins with 0, as no price does"
    marks = re.findall(r"[^\d]", text)
    mark = marks[-1] if marks else ""
    if n_cut or not mark or marks.count(mark) > 1 or mark in " '٬":
        return _whole(text) if not mark or _WHOLE_GROUPS.fullmatch(text) else _unreadable(numeral)
    whole, _, fraction = text.rpartition(mark)
    if len(set(marks)) > 1 or mark == "٫":
        return _with_fraction(whole, fraction) if _is_whole(whole) else _unreadable(numeral)
    return _single_mark(numeral, whole, mark, fraction, custom)


def _single_mark(numeral: str, whole: str, mark: str, fraction: str, custom: Custom) -> Decimal | str:
    """Read what has one dot, or one comma, and nothing else between its digits."""
    cannot_group = len(whole) > 3 or whole in ("", "0")
    if len(fraction) != 3 or cannot_group:
        if mark == "," and len(fraction) > 3:
            return _unreadable(numeral)
        return _with_fraction(whole, fraction)
    if _is_thousands(mark, custom):
        return _whole(whole + fraction)
    if custom.n_decimals == 3 and custom.is_certain and set(custom.marks) == {mark}:
        return _with_fraction(whole, fraction)
    return f"{numeral!r} may be {whole}{fraction} or {whole}.{fraction}"


def _is_thousands(mark: str, custom: Custom) -> bool:
    if custom.n_decimals == 0:
        return True
    if not custom.marks or custom.n_decimals is None or custom.n_decimals > 2:
        return False
    if mark == "." and custom.is_plain:
        return False
    # a price has no three decimals there, but machines write a dot before any number of them
    return mark not in custom.marks or (mark == "," and "." in custom.marks)


def _is_whole(text: str) -> bool:
    return text.isdigit() or _WHOLE_GROUPS.fullmatch(text) is not None


def _whole(text: str) -> Decimal:
    return _parsed(re.sub(r"\D", "", text))


def _with_fraction(whole: str, fraction: str) -> Decimal:
    digits = re.sub(r"\D", "", whole)
    return _parsed(f"{digits or 0}.{fraction}")


def _parsed(plain: str) -> Decimal:
    amount = Price.fromstring(plain, decimal_separator=".").amount
    return Decimal(plain) if amount is None else amount


def _unreadable(numeral: str) -> str:
    return f"{numeral!r} is no number of any country"
