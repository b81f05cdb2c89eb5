"""The prices of a frame, row by row."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas.api.extensions import no_default
from pandas.api.typing import NoDefault

from nimble_pandas.errors import ConfigError
from nimble_pandas.frames import types_mapper
from nimble_pandas.frames.names import Names, labels
from nimble_pandas.frames.text import as_text, without_surrogates
from nimble_pandas.pricing import fields as known
from nimble_pandas.pricing.fields import Fields
from nimble_pandas.pricing.items import availability, in_stock, item_id
from nimble_pandas.pricing.money import Money, Place, at, money
from nimble_pandas.pricing.offers import offers
from nimble_pandas.pricing.signs import codes
from nimble_pandas.pricing.territories import territory

_SCHEMA = pa.schema(
    {
        "item_id": pa.large_string(),
        "name": pa.large_string(),
        "price": pa.float64(),
        "price_high": pa.float64(),
        "list_price": pa.float64(),
        "currency": pa.large_string(),
        "currency_from": pa.large_string(),
        "in_stock": pa.bool_(),
        "availability": pa.large_string(),
        "price_text": pa.large_string(),
        "list_price_text": pa.large_string(),
        "price_note": pa.large_string(),
    }
)
#: What a row says of itself where no price could be looked for.
STATUSES = frozenset(
    "ok failed empty not_delivered unreadable mismatch unknown expired invalid pending".split()
)
_MAX_SHOWN = 40
_NOT_PARSED = "the pages are there as HTML: fetch them with parse=True"
_NO_COLUMN = "no column is known to hold prices: name it with price_col="
_HIGH = {"lowprice": "highprice", "minprice": "maxprice", "price": "pricehigh"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a caller knows of the frame, besides the frame.

    Parameters
    ----------
    columns : Mapping of str to label
        Argument, such as ``price_col``, and the column that it names; None where it was not given.
    country : str, optional
        Of rows that name none.
    locale : str, optional
        Of rows that name none.
    currency : str, optional
        Of prices that name none.
    """

    columns: Mapping[str, Hashable | None]
    country: str | None = None
    locale: str | None = None
    currency: str | None = None


def price_table(frame: pd.DataFrame, question: Question) -> pd.DataFrame:
    """Read the price of each row.

    Parameters
    ----------
    frame : pandas.DataFrame, length n
        As `batch` returned it, or as it was read back.
    question : Question
        What else is known.

    Returns
    -------
    pandas.DataFrame, length n
        One row for each, in their order and under their index.

    Raises
    ------
    InputError
        A column that was named is not there.
    ConfigError
        A country or currency that was given is none.
    """
    rows = _Rows(frame, question)
    found = [rows.read(row) for row in range(len(frame))]
    table = pa.Table.from_pylist(found, _SCHEMA)
    read: pd.DataFrame = table.to_pandas(types_mapper=types_mapper(backend(frame)))
    read.index = frame.index
    return read


def item_keys(frame: pd.DataFrame) -> list[str | None]:
    """Name the item of each row: by its id, or else by its URL, or else by its name."""
    rows = _Rows(frame, Question(columns={}))
    return [rows.key(row) for row in range(len(frame))]


def joined(frame: pd.DataFrame, read: pd.DataFrame) -> pd.DataFrame:
    """Put new columns beside a frame's own, under names that are free."""
    new = read.set_axis(Names(frame, "_nimble").free(list(read.columns)), axis=1)
    both = pd.concat([frame.set_flags(allows_duplicate_labels=True), new], axis=1)
    both.columns = labels(frame.columns, list(new.columns))
    return both


def backend(frame: pd.DataFrame) -> str | NoDefault:
    """Return the dtype backend that a frame's new columns have, as `types_mapper` takes it."""
    dtypes = [
        frame.dtypes.iloc[position] for position, label in enumerate(frame.columns) if "task_id" in str(label)
    ]
    dtypes = dtypes or list(frame.dtypes)
    if dtypes and all(isinstance(dtype, pd.ArrowDtype) for dtype in dtypes):
        return "pyarrow"
    if any(isinstance(dtype, pd.StringDtype) and dtype.na_value is pd.NA for dtype in dtypes):
        return "numpy_nullable"
    return no_default


class _Rows:
    """Reads one row after the other, from columns that were looked up once."""

    def __init__(self, frame: pd.DataFrame, question: Question) -> None:
        self._fields = Fields(frame)
        self._question = question
        self._default = _code(question.currency)
        if question.country is not None and territory(question.country) is None:
            raise ConfigError(
                f"country={question.country!r} is no ISO 3166-1 alpha-2 code; nothing was read.",
                hint='Give one such as "DE".',
            )
        self._prices = self._columns(known.PRICE, "price_col")
        self._lists = self._columns(known.PRICE_LISTS) if question.columns.get("price_col") is None else {}
        self._why_nothing = self._of_no_price()
        self._texts = self._columns(known.PRICE_TEXTS)
        self._highs = {name: self._columns([_high_of(name)]) for name in self._prices}
        self._list_prices = self._columns(known.LIST_PRICE, "list_price_col")
        self._currencies = self._columns(known.CURRENCY, "currency_col")
        self._stocks = self._columns(known.AVAILABILITY, "availability_col")
        self._names = self._columns(known.NAME, "name_col")
        self._own_urls = self._columns(known.OWN_URL)
        self._own_ids = self._columns(known.OWN_ID)
        self._notes = self._columns(["pricenote"])
        self._pages = self._columns([], "url_col") or {"url": self._fields.urls() or [None] * len(frame)}
        self._types = self._fields.task("entity_type") or [None] * len(frame)
        self._statuses = statuses(self._fields) or ["ok"] * len(frame)
        self._known_places: dict[tuple[object, ...], Place] = {}
        self._places = self._of_each_row(len(frame))

    def _of_no_price(self) -> str:
        if self._prices or self._lists:
            return "no price on the page"
        return _NOT_PARSED if self._fields.task("html_content") else _NO_COLUMN

    def read(self, row: int) -> dict[str, object]:
        """Return what the frame says of one row, under the names of the columns."""
        status = self._statuses[row]
        stock = availability(_first(self._stocks, row)) if status == "ok" else None
        found = {"item_id": self._item_id(row), "name": _as_text(_first(self._names, row))}
        if status != "ok":
            return found | {"price_note": status}
        place = at(self._places[row], _as_text(_first(self._currencies, row)), is_plain=False)
        price, text, said = self._price(row, place)
        former, former_text, reason = self._former(row, place, price)
        stock = stock or availability(said)
        known = _as_text(_first(self._notes, row)) if price.low is None else None
        notes = [known or price.note, reason]
        return found | {
            "price": price.low,
            "price_high": price.high,
            "list_price": former,
            "currency": price.currency,
            "currency_from": price.source,
            "in_stock": in_stock(stock),
            "availability": stock,
            "price_text": text,
            "list_price_text": former_text,
            "price_note": "; ".join(dict.fromkeys(filter(None, notes))) or None,
        }

    def _price(self, row: int, place: Place) -> tuple[Money, str | None, str | None]:
        """Return the price, its text and its offers' availability: of the first field that can be read."""
        failed: tuple[Money, str | None, str | None] | None = None
        for name, values in self._prices.items():
            if values[row] is not None:
                here = at(place, place.field, is_plain=name.startswith("offers."))
                found = self._with_sign(
                    row, self._with_high(row, name, money(values[row], here), here), place
                )
                if found.low is not None:
                    return found, _as_text(values[row]), None
                failed = failed or (found, _as_text(values[row]), None)
        for values in self._lists.values():
            if found_offers := offers(values[row], place):
                together = found_offers.price, _as_text(values[row]), found_offers.availability
                if found_offers.price.low is not None:
                    return together
                failed = failed or together
        return failed or (Money(note=self._why_nothing), None, None)

    def _with_high(self, row: int, name: str, low: Money, place: Place) -> Money:
        """Add the upper end of a range that stands in a field of its own."""
        value = _first(self._highs[name], row)
        if value is None or low.low is None or low.high is not None:
            return low
        high = money(value, place)
        if high.low is None or high.currency != low.currency:
            return replace(low, note=low.note or "the highest price is not read")
        return replace(low, high=high.low) if high.low > low.low else low

    def _with_sign(self, row: int, price: Money, place: Place) -> Money:
        """Take the currency from the text that shows the same price, where the number has none of its own."""
        if price.low is None or price.source in ("text", "field"):
            return price
        for values in self._texts.values():
            shown = money(values[row], place) if isinstance(values[row], str) else Money()
            if shown.low == price.low:
                return replace(price, currency=shown.currency, source=shown.source, note=shown.note)
        return price

    def _former(self, row: int, place: Place, price: Money) -> tuple[float | None, str | None, str | None]:
        value = _first(self._list_prices, row)
        if value is None:
            return price.former, None, None
        found = money(value, at(place, price.currency or place.field, is_plain=False))
        text = _as_text(value)
        if found.low is None:
            return None, text, f"list price: {found.note}"
        if found.currency != price.currency and price.low is not None:
            return None, text, f"list price: in {found.currency or 'a currency that is not known'}"
        return found.low, text, None

    def key(self, row: int) -> str | None:
        """Return what tells the row's item from others."""
        name = _as_text(_first(self._names, row))
        return self._item_id(row) or next(iter(self._urls(row)), None) or name

    def _item_id(self, row: int) -> str | None:
        found = (item_id(url) for url in self._urls(row))
        return next(filter(None, found), None) or _as_text(_first(self._own_ids, row))

    def _urls(self, row: int) -> list[str]:
        """Return the row's page, if it is the item's own, and what the page calls the item's URL."""
        pages = self._pages if self._types[row] in (None, "Product") else {}
        values = [column[row] for column in (*pages.values(), *self._own_urls.values())]
        return [value for value in values if isinstance(value, str)]

    def _columns(self, names: Sequence[str], argument: str | None = None) -> dict[str, list[object]]:
        """Return the columns that the caller names, or else those that have the known names."""
        label = self._question.columns.get(argument) if argument else None
        if argument and label is not None:
            return {str(label).casefold(): self._fields.chosen(label, argument)}
        found = self._fields.positions(names)
        return {self._fields.name(position): self._fields.values(position) for position in found}

    def _of_each_row(self, n: int) -> list[Place]:
        countries, locales = (self._of_place(name, n) for name in ("country", "locale"))
        today = datetime.now(UTC).date()
        days = self._fields.task("fetched_at") or [None] * n
        known = (
            (
                day.date() if isinstance(day, datetime) else today,
                _as_text(country),
                _as_text(locale),
            )
            for country, locale, day in zip(countries, locales, days, strict=True)
        )
        return [self._place(*facts) for facts in known]

    def _place(self, day: date, country: str | None, locale: str | None) -> Place:
        """Return one object for all rows of one place, so that what is read there is found again."""
        facts = (day, country, locale)
        if facts not in self._known_places:
            code = territory(country) if country is not None else None
            unread = None if code or not country else country[:_MAX_SHOWN]
            self._known_places[facts] = Place(
                day=day, country=code, unread_country=unread, locale=locale, default=self._default
            )
        return self._known_places[facts]

    def _of_place(self, name: str, n: int) -> list[object]:
        """Return each row's country or locale: its column's, or else the default."""
        argument, default = f"{name}_col", getattr(self._question, name)
        label = self._question.columns.get(argument)
        if label is None and known.has(self._fields.frame, name):
            label = name
        values = self._fields.chosen(label, argument) if label is not None else [None] * n
        return [default if value is None else value for value in values]


def statuses(fields: Fields) -> list[object] | None:
    """Return each row's status, or None where the frame has no such column."""
    found = fields.task("status")
    if found is None or not set(found) <= STATUSES | {None}:
        return None
    return [status or "ok" for status in found]


def _code(currency: str | None) -> str | None:
    if currency is None:
        return None
    found = codes(currency)
    if len(found) != 1:
        raise ConfigError(
            f"currency={currency!r} is no ISO 4217 code; nothing was read.", hint='Give one such as "USD".'
        )
    return next(iter(found))


def _high_of(name: str) -> str:
    path, dot, leaf = name.rpartition(".")
    return f"{path}{dot}{_HIGH.get(leaf, '')}"


def _first(columns: Mapping[str, Sequence[object]], row: int) -> object:
    return next((values[row] for values in columns.values() if values[row] is not None), None)


def _as_text(value: object) -> str | None:
    if isinstance(value, list | dict | np.ndarray):
        value = as_text(value.tolist() if isinstance(value, np.ndarray) else value)
    return None if value is None else without_surrogates(str(value))
