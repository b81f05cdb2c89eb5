"""What is asked of a frame of pages: signatures and docstrings; what they do is loaded when it is called."""

from __future__ import annotations

from collections.abc import Hashable

import pandas as pd


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
        `currency` is no currency.

    See Also
    --------
    batch : Fetch the pages.

    Notes
    -----
    A sign that several currencies share, such as ``$`` or ``kr``, is what the page's currency field or the
    country's legal tender says, and missing otherwise. A single dot or comma before exactly three digits
    parts thousands where the country, the locale or the currency leaves no other reading. Every word beside
    the number must be known: a price per pound, for two, or with a coupon is not the price of the item.

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
    from nimble_pandas.pricing.table import Question, joined, price_table

    arguments = locals()
    columns = {name: value for name, value in arguments.items() if name.endswith("_col")}
    question = Question(columns=columns, country=country, locale=locale, currency=currency)
    read = price_table(frame, question)
    return joined(frame, read) if join else read
