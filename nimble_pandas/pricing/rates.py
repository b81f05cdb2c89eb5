"""What one unit of each currency is worth in another."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import isfinite

import pandas as pd
from pandas.api.typing import NaTType

from nimble_pandas.errors import ConfigError
from nimble_pandas.pricing.territories import currencies

Rates = Mapping[str, float] | pd.Series | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """How prices become comparable.

    Parameters
    ----------
    currency : str or None
        What they are converted to; None where there is no price at all.
    factors : dict of str to float
        What one unit of each currency is worth in it.
    day : Timestamp or NaT
        The day of the rates, where they have one.
    """

    currency: str | None
    factors: dict[str, float]
    day: pd.Timestamp | NaTType


def conversion(found: Collection[str], currency: str | None, rates: Rates | None) -> Conversion:
    """Find out what prices are worth in one currency.

    Parameters
    ----------
    found : collection of str
        The currencies of the prices.
    currency : str or None
        What to convert to; their own, if they have one only.
    rates : Mapping, Series or "ecb", or None
        What one unit of each currency is worth in `currency`.

    Returns
    -------
    Conversion
        With a factor for each currency of `found`.

    Raises
    ------
    ConfigError
        There is no rate for one of them.
    """
    if currency is not None and currency not in currencies():
        raise ConfigError(f"currency={currency!r} is no ISO 4217 code.", hint='Give one such as "USD".')
    target = currency or (next(iter(found)) if len(found) == 1 else None)
    foreign = sorted(set(found) - {target})
    own = dict.fromkeys(filter(None, [target]), 1.0)
    if not foreign:
        return Conversion(currency=target, factors=own, day=pd.NaT)
    if target is None or rates is None:
        raise _without_rates(sorted(found), target or max(found))
    known, day = (
        _ecb(target) if isinstance(rates, str) and rates == "ecb" else (_given(rates, target), pd.NaT)
    )
    missing = [code for code in foreign if code not in known]
    if missing:
        of_day = "" if pd.isna(day) else f" of {day:%Y-%m-%d}"
        raise ConfigError(
            f"There is no rate for {_listed(missing)} in rates{of_day}.",
            hint=f"Give rates={_example(foreign)}: {target} for one unit of each.",
        )
    return Conversion(currency=target, factors=own | {code: known[code] for code in foreign}, day=day)


def _without_rates(found: list[str], target: str) -> ConfigError:
    foreign = [code for code in found if code != target]
    return ConfigError(
        f"Prices in {_listed(found)} cannot be compared without rates.",
        hint=f'Give currency="{target}" and rates={_example(foreign)}, {target} for one unit of each; or '
        'rates="ecb" for those of the European Central Bank.',
    )


def _known(rates: Rates, target: str) -> tuple[dict[str, float], pd.Timestamp | NaTType]:
    if isinstance(rates, str) and rates == "ecb":
        return _ecb(target)
    return _given(rates, target), pd.NaT


def _given(rates: Rates, target: str) -> dict[str, float]:
    """Check rates that the caller gives."""
    if isinstance(rates, str):
        raise ConfigError(f"rates={rates!r} is not known.", hint='Give a mapping, a Series, or "ecb".')
    known = {str(code): float(rate) for code, rate in rates.items()}
    wrong = [code for code, rate in known.items() if not (isfinite(rate) and rate > 0)]
    if wrong or known.get(target, 1.0) != 1.0:
        raise ConfigError(
            f"The rate of {_listed(wrong or [target])} cannot be.",
            hint=f"rates are {target} for one unit of each currency; one {target} is 1.",
        )
    return known


def _ecb(target: str) -> tuple[dict[str, float], pd.Timestamp]:
    """Return the latest reference rates that the package holds; it asks no network."""
    try:
        from currency_converter import SINGLE_DAY_CURRENCY_FILE, CurrencyConverter
    except ImportError:
        raise ConfigError(
            'rates="ecb" needs the package CurrencyConverter.', hint='pip install "nimble-pandas[rates]"'
        ) from None
    table = CurrencyConverter(SINGLE_DAY_CURRENCY_FILE)
    if target not in table.currencies:
        raise ConfigError(
            f"The European Central Bank has no rate for {target}.",
            hint="Give rates as a mapping of your own.",
        )
    day = table.bounds["EUR"].last_date
    rates = {code: float(table.convert(1, code, target, date=day)) for code in table.currencies}
    return rates, pd.Timestamp(day)


def _listed(codes: Collection[str]) -> str:
    *most, last = codes
    return f"{', '.join(most)} and {last}" if most else last


def _example(codes: Collection[str]) -> str:
    return "{" + ", ".join(f'"{code}": …' for code in codes) + "}"
