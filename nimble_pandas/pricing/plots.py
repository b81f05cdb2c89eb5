"""Plots of prices and statuses, on matplotlib's axes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any

import pandas as pd

from nimble_pandas.errors import ConfigError, InputError
from nimble_pandas.pricing.compare import comparison, key_labels
from nimble_pandas.pricing.fields import Fields, column, has, listed
from nimble_pandas.pricing.observed import observed
from nimble_pandas.pricing.rates import Rates, conversion
from nimble_pandas.pricing.table import statuses

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Told apart by the colour-blind: M. Okabe and K. Ito, "Color Universal Design" (2008), black aside.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F", "#B8A900")
_MARKERS = "osD^vPX*"
_GREY = "#B0B0B0"
_OF_STATUS = {
    "ok": "#009E73",
    "empty": "#56B4E9",
    "failed": "#D55E00",
    "not_delivered": "#E69F00",
    "unreadable": "#B8A900",
    "mismatch": "#CC79A7",
    "unknown": "#7F7F7F",
    "expired": "#5B4A8A",
    "invalid": "#3D3D3D",
    "pending": "#D9D9D9",
}
_MAX_CHARACTERS = 44
_MAX_LABELS = 60  # beside that many dots, names are still read
_MAX_RATIO = 20  # from there on a linear axis squeezes the cheap ones together
_MAX_BARS = 30
_NOT_MARKETS = {"name", "cheapest"}


def dot_plot(
    frame: pd.DataFrame,
    *,
    index: Hashable | Sequence[Hashable] | None,
    columns: Hashable | None,
    currency: str | None,
    rates: Rates | None,
    max_items: int | None,
    ax: Axes | None,
) -> Axes:
    """Draw a line for each item and a dot for each market; see `plot_prices`."""
    table = frame
    if not _is_comparison(frame):
        table = comparison(frame, index=index, columns=columns, currency=currency, rates=rates)
    markets = _markets(table)
    priced = table[table[markets].notna().any(axis=1).to_numpy(dtype=bool)]
    widest = priced.sort_values("spread_pct", ascending=False, kind="stable", na_position="last")
    shown = widest.iloc[:max_items][::-1]
    is_dense = len(shown) > _MAX_LABELS
    if is_dense:
        shown = shown.iloc[shown[markets].astype("float64").median(axis=1).argsort(kind="stable")]
    rows = shown[markets].astype("float64")
    ax = ax or _axes((9, 12 if is_dense else 1.6 + 0.27 * max(len(shown), 3)))
    _draw_dots(ax, rows, markets, is_dense=is_dense)
    _name_rows(ax, _item_names(shown))
    _scale(ax, "x", rows.min().min(), rows.max().max())
    ax.set_xlabel(_unit(listed(table["currency"])))
    which = _of(len(shown), len(priced), "the widest spreads")
    _head(ax, "Prices by market", which, _left_out(len(table) - len(priced), "a price"))
    return ax


def history_plot(
    frame: pd.DataFrame,
    *,
    index: Hashable | Sequence[Hashable] | None,
    columns: Hashable | None,
    currency: str | None,
    rates: Rates | None,
    max_items: int,
    ax: Axes | None,
) -> Axes:
    """Draw a line for each item and market over time; see `plot_history`."""
    keys = key_labels(index)
    if columns is not None and (columns != "country" or has(frame, columns)):
        keys = [*keys, columns]
    if len(frame) and Fields(frame).task("fetched_at") is None:
        raise InputError(
            "The frame has no column fetched_at.", hint="Give frames that batch returned, put together."
        )
    seen = observed(frame, keys, "index").dropna(subset=["fetched_at"])
    known = conversion(set(seen.loc[seen["price"].notna(), "currency"].dropna()), currency, rates)
    factors = seen["currency"].map(known.factors).astype("float64")
    seen = seen.assign(price=seen["price"] * factors).sort_values("fetched_at", kind="stable")
    groups = seen.groupby([str(key) for key in keys], sort=False, dropna=False)
    lines = [(_line_name(key, line), line) for key, line in groups if line["price"].notna().any()]
    lines.sort(key=lambda pair: -pair[1]["price"].max() / max(pair[1]["price"].min(), 1e-9))
    ax = ax or _axes((9, 5))
    _draw_lines(ax, lines, max_items)
    prices = [line["price"] for _, line in lines]
    _scale(ax, "y", min((p.min() for p in prices), default=1), max((p.max() for p in prices), default=1))
    _date_axis(ax)
    ax.set_ylabel(_unit([known.currency]))
    _head(ax, "Prices over time", _left_out(groups.ngroups - len(lines), "a price"))
    return ax


def status_plot(frame: pd.DataFrame, *, by: Hashable | None, ax: Axes | None) -> Axes:
    """Draw how many rows have which status; see `plot_status`."""
    words = statuses(Fields(frame))
    if words is None:
        raise InputError(
            "The frame has no column with the status of its rows.", hint="Give a frame that batch returned."
        )
    groups = (
        words if by is None else ["none" if value is None else str(value) for value in _values(frame, by)]
    )
    counts = pd.crosstab(pd.Index(groups, name="group"), pd.Index(words, name="status"))
    order = [word for word in _OF_STATUS if word in counts]
    n_bad = (counts.sum(axis=1) - counts.get("ok", 0)).sort_values(ascending=False, kind="stable")
    shown = counts.loc[(order if by is None else n_bad.index[:_MAX_BARS])[::-1], order]
    ax = ax or _axes((8, 1.3 + 0.33 * max(len(shown), 3)))
    _draw_bars(ax, shown, n_bad if by is not None else None)
    ax.set_xlabel("rows")
    which = _of(len(shown), len(counts), f"those of {by!r} with the most that are not ok")
    _head(ax, f"Status of {len(words):,} rows", which)
    if by is None and (legend := ax.get_legend()):
        legend.remove()  # the bars have the same names
    return ax


def _values(frame: pd.DataFrame, by: Hashable) -> list[object]:
    return listed(column(frame, by, "by"))


def _axes(figsize: tuple[float, float]) -> Axes:
    """Return the axes of a new figure, as pandas does where it is given none."""
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        raise ConfigError("Plots need matplotlib.", hint='pip install "nimble-pandas[plot]"') from None
    _, ax = plt.subplots(figsize=figsize, layout="constrained")
    return ax


def _is_comparison(frame: pd.DataFrame) -> bool:
    return {"cheapest", "dearest", "spread_pct", "n_prices"} <= set(frame.columns)


def _markets(table: pd.DataFrame) -> list[str]:
    """Return the columns between the name and the cheapest."""
    labels = list(table.columns)
    return labels[labels.index("name") + 1 : labels.index("cheapest")]


def _item_names(table: pd.DataFrame) -> list[str]:
    """Name each row: by its name, and its key too where others are called the same."""
    keys = [", ".join(map(str, key)) if isinstance(key, tuple) else str(key) for key in table.index]
    names = [_short(name or key) for name, key in zip(listed(table["name"]), keys, strict=True)]
    counted = Counter(names)
    return [
        name if counted[name] == 1 else f"{_short(full or key, 28)} {_short(key[-14:])}"
        for name, full, key in zip(names, listed(table["name"]), keys, strict=True)
    ]


def _line_name(key: Any, line: pd.DataFrame) -> str:  # noqa: ANN401 -- as pandas groups
    item, *others = key if isinstance(key, tuple) else (key,)
    name = next(iter(line["name"].dropna()), None)
    called = _short(item) if name is None else f"{_short(name, 28)} {_short(str(item)[-14:])}"
    return ", ".join([called, *map(_short, others)])


def _short(name: object, length: int = _MAX_CHARACTERS) -> str:
    text = " ".join(str(name).split())
    cut = text if len(text) <= length else text[: length - 1].rstrip() + "…"
    return cut.replace("$", r"\$")  # between two of them, matplotlib sees a formula


def _styles() -> Iterator[tuple[str, str]]:
    return (
        (_COLOURS[n % len(_COLOURS)], _MARKERS[(n + n // len(_COLOURS)) % len(_MARKERS)]) for n in count()
    )


def _draw_dots(ax: Axes, rows: pd.DataFrame, markets: list[str], *, is_dense: bool) -> None:
    heights = range(len(rows))
    ax.hlines(
        heights, rows.min(axis=1), rows.max(axis=1), color=_GREY, linewidth=0.6 if is_dense else 1.2, zorder=1
    )
    for market, (colour, marker) in zip(markets, _styles(), strict=False):
        ax.scatter(
            rows[market],
            heights,
            s=9 if is_dense else 34,
            color=colour,
            marker=marker,
            label=_short(market),
            zorder=2,
            linewidths=0,
            alpha=0.85,
        )


def _name_rows(ax: Axes, names: list[str]) -> None:
    ax.set_ylim(-0.7, max(len(names), 1) - 0.3)
    if len(names) > _MAX_LABELS:
        ax.set_yticks([])
        ax.set_ylabel(f"{len(names):,} items, the dearest on top")
        return
    ax.set_yticks(range(len(names)), names, fontsize="small")
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", color="#E5E5E5", zorder=0)
    ax.set_axisbelow(True)


def _draw_lines(ax: Axes, lines: list[tuple[str, pd.DataFrame]], max_items: int) -> None:
    chosen, others = lines[:max_items], lines[max_items:]
    for number, (_, line) in enumerate(others):
        label = None if number else f"{len(others):,} others, which moved less"
        ax.plot(
            line["fetched_at"], line["price"], color=_GREY, linewidth=0.6, alpha=0.6, label=label, zorder=1
        )
    for (name, line), (colour, marker) in zip(chosen, _styles(), strict=False):
        ax.plot(
            line["fetched_at"], line["price"], color=colour, marker=marker, markersize=4, label=name, zorder=2
        )
    ax.grid(axis="y", color="#E5E5E5")
    ax.set_axisbelow(True)


def _draw_bars(ax: Axes, counts: pd.DataFrame, n_bad: pd.Series | None) -> None:
    left = pd.Series(0, index=counts.index)
    for word in counts.columns:
        ax.barh(range(len(counts)), counts[word], left=left, color=_OF_STATUS[word], label=word, height=0.75)
        left += counts[word]
    bads = [0] * len(counts) if n_bad is None else n_bad.reindex(counts.index).tolist()
    for height, (total, n) in enumerate(zip(left, bads, strict=True)):
        bad = f", {n:,} not ok" if n else ""
        ax.annotate(f" {total:,}{bad}", (total, height), va="center", fontsize="small")
    ax.set_yticks(range(len(counts)), [_short(label) for label in counts.index])
    ax.tick_params(axis="y", length=0)
    ax.margins(x=0.22)


def _scale(ax: Axes, axis: str, low: float, high: float) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    along = ax.xaxis if axis == "x" else ax.yaxis
    if low > 0 and high / low > _MAX_RATIO:
        (ax.set_xscale if axis == "x" else ax.set_yscale)("log")
        along.set_major_locator(LogLocator(subs=(1, 2, 5)))
        along.set_minor_formatter(NullFormatter())
    along.set_major_formatter(
        FuncFormatter(lambda value, _: f"{value:,.6g}" if value < 1e6 else f"{value:,.0f}")
    )


def _date_axis(ax: Axes) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=3, maxticks=8, tz="UTC")  # type: ignore[no-untyped-call]
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz="UTC"))  # type: ignore[no-untyped-call]
    ax.set_xlabel("fetched at (UTC)")


def _head(ax: Axes, title: str, *more: str) -> None:
    """Write the title, with what the plot leaves out, and the legend beside it."""
    ax.set_title("; ".join(filter(None, [title, *more])), fontsize="medium")
    handles, _ = ax.get_legend_handles_labels()
    if handles:
        ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize="small")
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)


def _unit(currencies: Sequence[object]) -> str:
    known = next((code for code in currencies if code), None)
    return f"price ({known})" if known else "price"


def _of(shown: int, total: int, which: str) -> str:
    return f"{shown} of {total:,}, {which}" if shown < total else ""


def _left_out(missing: int, what: str) -> str:
    return f"{missing:,} without {what} left out" if missing else ""
