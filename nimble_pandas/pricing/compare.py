"""One row per item, one column per market."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import pandas as pd

from nimble_pandas.errors import ConfigError
from nimble_pandas.frames.names import Names
from nimble_pandas.pricing.fields import has
from nimble_pandas.pricing.observed import ITEM, newest, observed
from nimble_pandas.pricing.rates import Conversion, Rates, conversion

_NO_MARKET = "unknown"
_ONE_MARKET = "price"


def comparison(
    frame: pd.DataFrame,
    *,
    index: Hashable | Sequence[Hashable] | None,
    columns: Hashable | None,
    currency: str | None,
    rates: Rates | None,
) -> pd.DataFrame:
    """Compare the prices of items between markets; see `compare`."""
    keys = key_labels(index)
    names = [str(key) for key in keys]
    seen, market = _of_markets(frame, keys, columns)
    has_price = seen["price"].notna()
    priced = seen[has_price & seen["currency"].notna()]
    unclear = seen[has_price & seen["currency"].isna()]
    if priced.empty and not unclear.empty:
        raise ConfigError(
            "Nothing says the currency of any price.",
            hint='Say where the pages are from, as frame.assign(country="US"), or name a currency: '
            'frame.nimble.prices(currency="USD", join=True).',
        )
    rate = conversion(set(priced["currency"]), currency, rates)
    priced = priced.assign(price=priced["price"] * priced["currency"].map(rate.factors).astype(float))
    chosen = newest(priced, [*names, market])
    items = seen.drop_duplicates(names).set_index(names)
    wide = _wide(chosen, items.index, names, market, list(dict.fromkeys(seen[market])))
    facts = _facts(wide, chosen, rate)
    for nth, (name, lines) in enumerate({"n_prices": priced, "n_no_currency": unclear}.items()):
        sizes = lines.groupby(names, dropna=False).size()
        facts.insert(4 + nth, name, sizes.reindex(wide.index, fill_value=0).astype("int64"))
    facts.columns = Names(wide, "_nimble").free(facts.columns)
    return pd.concat([items[["name"]].astype("str"), wide, facts], axis=1)


def _of_markets(
    frame: pd.DataFrame, keys: list[Hashable], columns: Hashable | None
) -> tuple[pd.DataFrame, str]:
    """Return what was seen, and which of its columns is the market; without one, all is one market."""
    if columns is None or (columns == "country" and not has(frame, columns)):
        return observed(frame, keys, "index").assign(_market=_ONE_MARKET), "_market"
    seen, market = observed(frame, [*keys, columns], "index"), str(columns)
    seen[market] = [_NO_MARKET if pd.isna(value) else str(value) for value in seen[market]]
    return seen, market


def key_labels(index: Hashable | Sequence[Hashable] | None) -> list[Hashable]:
    """Return the labels that tell items apart."""
    if index is None:
        return [ITEM]
    return list(index) if isinstance(index, list) else [index]


def _wide(
    chosen: pd.DataFrame, items: pd.Index, names: list[str], market: str, markets: list[str]
) -> pd.DataFrame:
    across = pd.Index(markets, dtype="str")
    values = np.full((len(items), len(across)), np.nan)
    rows = items.get_indexer_for(chosen.set_index(names).index)
    values[rows, across.get_indexer_for(pd.Index(chosen[market]))] = chosen["price"]
    return pd.DataFrame(values, index=items, columns=across)


def _facts(wide: pd.DataFrame, chosen: pd.DataFrame, rate: Conversion) -> pd.DataFrame:
    """Return what stands beside the prices: the ends, how far they are apart, and how old they are."""
    is_several = wide.notna().sum(axis=1) > 1
    several = wide[is_several]
    low, high = wide.min(axis=1), wide.max(axis=1)
    times = chosen.groupby(wide.index.names, dropna=False)["fetched_at"]
    return pd.DataFrame(
        {
            "cheapest": several.idxmin(axis=1).reindex(wide.index).astype("str"),
            "dearest": several.idxmax(axis=1).reindex(wide.index).astype("str"),
            "spread_pct": ((high - low) / low.where(low > 0) * 100).where(is_several),
            "currency": pd.Series(rate.currency, index=wide.index, dtype="str"),
            "fetched_from": times.min().reindex(wide.index),
            "fetched_to": times.max().reindex(wide.index),
            "rates_date": pd.Series(rate.day, index=wide.index, dtype="datetime64[us]"),
        }
    )
