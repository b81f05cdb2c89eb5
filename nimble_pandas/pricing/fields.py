"""Which columns of a frame hold what, under the names that pages are known to use."""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Iterable, Sequence

import pandas as pd

from nimble_pandas.errors import InputError

_MAX_NAMED = 30
_SUFFIX = "_nimble"  # of a new column whose name was taken, as `frames` gives it

#: Squashed names, the most telling first. What stands under ``offers`` is schema.org's.
PRICE = (
    "price", "currentprice", "saleprice", "finalprice", "productprice", "priceinfo.currentprice.price",
    "currentprice.price", "price.value", "price.amount", "price.current", "price.raw", "product.price",
    "salesprice", "discountedprice", "specialprice", "buyboxprice", "buyboxwinner.price.value",
    "pricespecification.price", "offers.price",
    "offers.lowprice", "lowprice",
    "minprice", "offers.minprice", "offers.pricespecification.price",
    "offers.pricespecification.minprice", "offers.offers.price",
    "offers.offers.lowprice", "webprice", "pricestring", "lineprice", "displayprice", "priceinfo.lineprice",
    "priceinfo.currentprice.pricestring",
)  # fmt: skip
PRICE_LISTS = ("offers.offers", "offers.pricespecification", "offers", "pricespecification")
PRICE_TEXTS = (
    "pricestring",
    "lineprice",
    "displayprice",
    "priceinfo.lineprice",
    "priceinfo.currentprice.pricestring",
    "price.raw",
)
LIST_PRICE = (
    "listprice", "oldprice", "wasprice", "originalprice", "regularprice", "strikethroughprice",
    "formerprice", "initialprice", "msrp",
    "rrp", "offers.listprice", "priceinfo.wasprice.price", "priceinfo.listprice.price",
)  # fmt: skip
CURRENCY = (
    "pricecurrency", "currency", "currencycode", "currencyunit", "currencysymbol", "price.currency",
    "price.currencycode", "price.symbol", "price.currencysymbol",
    "buyboxwinner.price.currency", "pricespecification.pricecurrency",
    "offers.pricecurrency",
    "offers.pricespecification.pricecurrency", "offers.offers.pricecurrency",
    "priceinfo.currentprice.currencyunit",
)  # fmt: skip
AVAILABILITY = (
    "availability", "availabilitystatus", "availabilitystatusv2.value", "offers.availability",
    "offers.offers.availability",
    "instock", "stockstatus", "stock.status",
)  # fmt: skip
NAME = ("name", "productname", "title", "producttitle", "offers.itemoffered.name")
OWN_URL = ("producturl", "canonicalurl", "itemurl", "offers.url", "url", "link")
OWN_ID = ("asin", "usitemid", "itemid")


class Fields:
    """Finds columns by what they hold.

    The page's fields stand to the right of the task columns: what stands left of them is the caller's,
    whatever its name.

    Parameters
    ----------
    frame : pandas.DataFrame, length n
        As `batch` returned it, as it was read back, or any other.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame
        labels = [_text(label) for label in frame.columns]
        self._labels = labels
        task = self._task_position("task_id")
        self._start = 0 if task is None else task + 1
        self._named: dict[str, int] = {}
        for position in range(self._start, len(labels)):
            name = labels[position]
            has_twin = f"{name}{_SUFFIX}" in labels
            if not has_twin:
                self._named.setdefault(_squashed(name.removesuffix(_SUFFIX)), position)

    def positions(self, names: Sequence[str]) -> list[int]:
        """Return the columns that are there, the most telling first."""
        return [self._named[name] for name in names if name in self._named]

    def name(self, position: int) -> str:
        """Return the squashed name of a column."""
        return _squashed(self._labels[position].removesuffix(_SUFFIX))

    def values(self, position: int) -> list[object]:
        """Return a column's values, what is missing as None."""
        return listed(self.frame.iloc[:, position])

    def chosen(self, label: Hashable, argument: str) -> list[object]:
        """Return the values of a column, or index level, that the caller names."""
        return listed(column(self.frame, label, argument))

    def task(self, name: str) -> list[object] | None:
        """Return a task column, or None where the frame has lost it."""
        position = self._task_position(name)
        return None if position is None else self.values(position)

    def urls(self) -> list[object] | None:
        """Return the caller's column of pages: ``url``, or else the first that holds addresses."""
        columns = range(self._start or len(self._labels))
        named = [position for position in columns if self._labels[position] == "url"]
        found = (position for position in [*named, *columns] if _has_addresses(self.frame.iloc[:, position]))
        position = next(found, None)
        return None if position is None else self.values(position)

    def _task_position(self, name: str) -> int | None:
        names = [label for label in (f"{name}{_SUFFIX}", name) if label in self._labels]
        return self._labels.index(names[0]) if names else None


def column(frame: pd.DataFrame, label: Hashable, argument: str) -> pd.Series:
    """Return a column, or an index level.

    Parameters
    ----------
    frame : pandas.DataFrame
        The caller's.
    label : Hashable
        The column, or the index level.
    argument : str
        What named it.

    Returns
    -------
    pandas.Series
        Under the frame's index.

    Raises
    ------
    InputError
        There is none, or more than one; nothing was changed.
    """
    at = [position for position, found in enumerate(frame.columns) if found == label]
    if len(at) == 1:
        return frame.iloc[:, at[0]]
    if not at and label in frame.index.names:
        return pd.Series(frame.index.get_level_values(frame.index.names.index(label)), index=frame.index)
    named = ", ".join(map(repr, frame.columns[:_MAX_NAMED]))
    close = difflib.get_close_matches(
        str(label), [each for each in frame.columns if isinstance(each, str)], 1
    )
    raise InputError(
        f"{argument}={label!r}: the frame has {len(at) or 'no'} such column{'s' if at else ''}.",
        hint=f"Did you mean {close[0]!r}?"
        if close and not at
        else f"Its columns are {named}{', …' if len(frame.columns) > _MAX_NAMED else ''}.",
    )


def has(frame: pd.DataFrame, label: Hashable) -> bool:
    """Return whether a frame has a column, or an index level, of that name."""
    return label in frame.columns or label in frame.index.names


def listed(values: Iterable[object]) -> list[object]:
    """Return values as a list, what is missing as None."""
    series = values if isinstance(values, pd.Series) else pd.Series(values, dtype=object)
    missing = series.isna().to_numpy(dtype=bool)
    return [None if gap else value for value, gap in zip(series.tolist(), missing, strict=True)]


def _has_addresses(series: pd.Series) -> bool:
    if not (
        isinstance(series.dtype, pd.CategoricalDtype)
        or pd.api.types.is_string_dtype(series.dtype)
        or series.dtype == object
    ):
        return False
    first = next((value for value in series.dropna().head(1)), None)
    return isinstance(first, str) and first.startswith(("http://", "https://"))


def _text(label: Hashable) -> str:
    # on columns with several levels, what `batch` adds stands on the first
    if isinstance(label, tuple) and label and not any(label[1:]):
        return str(label[0])
    return str(label)


def _squashed(name: str) -> str:
    return name.replace("_", "").replace("-", "").replace(" ", "").casefold()
