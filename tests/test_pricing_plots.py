"""Plots: what is on the axes is what is in the frame, for five items and for five hundred."""

import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from nimble_pandas.errors import ConfigError, InputError

mpl.use("Agg")
from matplotlib import pyplot as plt

RATES = {"currency": "USD", "rates": {"EUR": 1.16, "JPY": 0.0066}}
CURRENCIES = {"US": "USD", "DE": "EUR", "JP": "JPY"}


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def snapshots(n, days=1):
    """Return n items in three markets on some days: names that are long and full of signs, gaps, failures."""
    lines = [
        {
            "url": f"https://www.walmart.com/ip/thing/{100_000 + item}",
            "country": country,
            "task_id": "t",
            "status": "failed" if (item + day) % 13 == 5 else "ok",
            "fetched_at": pd.Timestamp("2026-11-01", tz="UTC") + pd.Timedelta(days=day, seconds=item),
            "name": f"A very long name of a thing, ($5 off, was $9) with {item} batteries"
            if item % 3
            else None,
            "price": None
            if item % 7 == 6
            else (item % 40 + 1) * (1.5 + day % 3) * 1.1**nth / RATES["rates"].get(code, 1),
            "priceCurrency": code,
        }
        for day in range(days)
        for item in range(n)
        for nth, (country, code) in enumerate(CURRENCIES.items())
    ]
    return pd.DataFrame(lines)


def drawn(ax):
    """Draw for real, and return the texts on the axes."""
    ax.figure.canvas.draw()
    legend = ax.get_legend()
    labels = [text.get_text() for text in legend.get_texts()] if legend else []
    return [label.get_text() for label in ax.get_yticklabels()], labels, ax.get_title()


@pytest.mark.parametrize(("n", "n_shown"), [(5, 5), (500, 40)])
def test_prices_by_market(n, n_shown):
    """A row per item, named apart, a dot per price, the unit, and what is left out in the title."""
    frame = snapshots(n)
    table = frame.nimble.compare(**RATES)
    ax = frame.nimble.plot_prices(**RATES)
    names, legend, title = drawn(ax)
    assert legend == ["US", "DE", "JP"]
    assert ax.get_xlabel() == "price (USD)"
    assert len(names) == len(set(names)) == n_shown
    assert max(map(len, names)) < 60
    dots = np.ma.concatenate([dots.get_offsets()[:, 0] for dots in ax.collections[1:]]).compressed()
    widest = table.sort_values("spread_pct", ascending=False, kind="stable").dropna(subset="spread_pct")[
        :n_shown
    ]
    assert sorted(dots[np.isfinite(dots)]) == pytest.approx(
        sorted(widest[["US", "DE", "JP"]].melt()["value"].dropna())
    )
    if n == 500:
        n_priced = int(table[["US", "DE", "JP"]].notna().any(axis=1).sum())
        assert f"{n_shown} of {n_priced}, the widest spreads" in title
        assert f"{n - n_priced} without a price left out" in title


def test_a_comparison_can_be_drawn_and_all_of_it():
    """What `compare` returned needs no rates again; where names would not be read, their number is."""
    table = snapshots(100).nimble.compare(**RATES)
    ax = table.nimble.plot_prices(max_items=None)
    names, _, title = drawn(ax)
    assert names == []
    n_priced = int(table["US"].notna().sum())
    assert ax.get_ylabel() == f"{n_priced} items, the dearest on top"
    assert title == f"Prices by market; {100 - n_priced} without a price left out"


def test_axes_go_in_and_come_out():
    """As in pandas: nothing else is drawn on, and no new figure is made."""
    frame = snapshots(5, days=3)
    _, axes = plt.subplots(1, 3)
    assert frame.nimble.plot_prices(ax=axes[0], **RATES) is axes[0]
    assert frame.nimble.plot_history(ax=axes[1], **RATES) is axes[1]
    assert frame.nimble.plot_status(ax=axes[2]) is axes[2]
    assert len(plt.get_fignums()) == 1
    with pytest.raises(ConfigError, match="cannot be compared without rates"):
        frame.nimble.plot_prices()
    with pytest.raises(ConfigError, match="cannot be compared without rates"):
        frame.nimble.plot_history()


@pytest.mark.parametrize(("n", "n_others"), [(2, 0), (30, 22)])
def test_prices_over_time(n, n_others):
    """Those that moved most have a colour and a name; a failed page is a gap; dates are read."""
    frame = snapshots(n, days=8)
    frame = frame[frame["country"] == "US"]
    ax = frame.nimble.plot_history()
    _, legend, _ = drawn(ax)
    n_lines = frame[frame["price"].notna() & (frame["status"] == "ok")]["url"].nunique()
    assert len(ax.lines) == n_lines
    named = [label for label in legend if "others" not in label]
    assert len(named) == len(set(named)) == min(8, n_lines)
    assert any("others, which moved less" in label for label in legend) == bool(n_others)
    assert ax.get_ylabel() == "price (USD)"
    assert ax.get_xlabel() == "fetched at (UTC)"
    dates = [label.get_text() for label in ax.get_xticklabels()]
    assert 3 <= len(dates) <= 10
    assert any(np.isnan(line.get_ydata()).any() for line in ax.lines)


@pytest.mark.parametrize("by", [None, "country", "url"])
def test_status_of_the_rows(by):
    """Bars add up to the rows; of many groups those with the most that are not ok."""
    frame = snapshots(100)
    ax = frame.nimble.plot_status(by=by)
    names, legend, title = drawn(ax)
    n_bars = {None: 2, "country": 3, "url": 30}[by]
    assert len(names) == n_bars
    assert legend == ([] if by is None else ["ok", "failed"])
    assert title.startswith("Status of 300 rows")
    total = sum(patch.get_width() for patch in ax.patches)
    assert total == (90 if by == "url" else 300)


def test_frames_without_anything_to_draw():
    """No rows, no prices, no times: axes that say so, or an error that says what is missing."""
    frame = snapshots(3)
    empty = frame.assign(price=None)
    for given in (empty, frame.iloc[:0]):
        assert given.nimble.plot_prices().get_title().startswith("Prices by market")
        assert given.nimble.plot_history().get_title().startswith("Prices over time")
        assert given.nimble.plot_status().get_title() == f"Status of {len(given)} rows"
        drawn(given.nimble.plot_status(by="country"))
    with pytest.raises(InputError, match="no column with the status"):
        frame.drop(columns="status").nimble.plot_status()
    with pytest.raises(InputError, match="no column fetched_at"):
        frame.drop(columns="fetched_at").nimble.plot_history()
    with pytest.raises(InputError, match="by='shop'"):
        frame.nimble.plot_status(by="shop")
    for backend in ("numpy_nullable", "pyarrow"):
        drawn(frame.convert_dtypes(dtype_backend=backend).nimble.plot_prices(**RATES))


def test_without_the_extras_the_error_says_what_to_install():
    """Nothing else needs them: prices are read all the same."""
    code = """if True:
        import sys
        sys.modules["matplotlib"] = sys.modules["currency_converter"] = None
        import pandas as pd, nimble_pandas
        frame = pd.DataFrame({"price": ["5 USD", "5 EUR"], "country": ["US", "DE"], "status": "ok"})
        assert frame.nimble.prices()["price"].tolist() == [5, 5]
        for verb, arguments in (("plot_status", {}), ("compare", {"currency": "USD", "rates": "ecb"})):
            try:
                getattr(frame.nimble, verb)(**arguments)
            except nimble_pandas.ConfigError as error:
                print(error)
    """
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert 'pip install "nimble-pandas[plot]"' in ran.stdout, ran.stderr
    assert 'pip install "nimble-pandas[rates]"' in ran.stdout
