"""Prices between markets and over time: nothing is subtracted that cannot be, nothing is lost in silence."""

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import nimble_pandas
from nimble_pandas.errors import ConfigError, InputError
from nimble_pandas.local import Fault, serve, shop

MONDAY, TUESDAY, WEDNESDAY = pd.date_range("2026-11-16", periods=3, tz="UTC")


def snapshot(rows, day=MONDAY):
    """Return a frame as `batch` has it: sku, country, price, and what else is said."""
    frame = pd.DataFrame(rows)
    urls = "https://shop.example/p/" + frame["sku"]
    task = {"task_id": "t", "status": "ok", "http_status": 200, "fetched_at": day}
    left = frame[[name for name in ("sku", "country") if name in frame]]
    said = frame.drop(columns=left.columns).to_dict("series")
    return left.assign(url=urls, **task).assign(**said).fillna({"status": "ok"})


def prices_of(*pairs, **more):
    """Return a snapshot of (sku, country, price)."""
    return snapshot(
        [{"sku": sku, "country": country, "price": price, **more} for sku, country, price in pairs]
    )


MARKETS = prices_of(
    ("A", "US", "$10.00"),
    ("A", "DE", "9,00 €"),
    ("A", "JP", "¥1,500"),
    ("B", "US", "$5"),
    ("B", "DE", None),
    ("C", "JP", None),
)


def test_one_row_per_item_one_column_per_market():
    """Prices are converted, the ends named, and gaps stay gaps."""
    found = MARKETS.nimble.compare(index="sku", currency="USD", rates={"EUR": 1.2, "JPY": 0.008})
    expected = pd.DataFrame(
        {
            "name": pd.Series([None] * 3, dtype="str"),
            "US": [10.0, 5.0, None],
            "DE": [10.8, None, None],
            "JP": [12.0, None, None],
            "cheapest": pd.Series(["US", None, None], dtype="str"),
            "dearest": pd.Series(["JP", None, None], dtype="str"),
            "spread_pct": [20.0, None, None],
            "currency": pd.Series(["USD"] * 3, dtype="str"),
            "n_prices": [3, 1, 0],
            "n_no_currency": [0, 0, 0],
            "fetched_from": [MONDAY, MONDAY, pd.NaT],
            "fetched_to": [MONDAY, MONDAY, pd.NaT],
            "rates_date": pd.Series([pd.NaT] * 3, dtype="datetime64[us]"),
        }
    ).set_axis(pd.Index(["A", "B", "C"], name="sku"))
    assert_frame_equal(found, expected, check_dtype=False)


def test_currencies_are_never_compared_without_rates():
    """The error names them and what to type; a rate that is missing is named as well."""
    with pytest.raises(ConfigError, match="EUR, JPY and USD cannot be compared") as raised:
        MARKETS.nimble.compare(index="sku")
    assert 'currency="USD" and rates={"EUR": …, "JPY": …}' in str(raised.value)
    with pytest.raises(ConfigError, match="no rate for JPY in rates"):
        MARKETS.nimble.compare(index="sku", currency="USD", rates=pd.Series({"EUR": 1.2}))
    for wrong in ({"EUR": 0}, {"EUR": float("nan")}, {"USD": 2}, "yesterday"):
        with pytest.raises(ConfigError):
            MARKETS.nimble.compare(index="sku", currency="USD", rates=wrong)
    with pytest.raises(ConfigError, match="no ISO 4217"):
        MARKETS.nimble.compare(index="sku", currency="dollars")
    alone = MARKETS[MARKETS["country"] == "US"].nimble.compare(index="sku")
    assert alone["currency"].tolist() == ["USD", "USD"]


def test_a_price_without_a_currency_is_counted_and_not_compared():
    """It may be in any; if all are so, the error says what to type."""
    frame = prices_of(("A", "US", "$10"), ("A", "XX", 7.0), ("B", "XX", 7.0))
    found = frame.nimble.compare(index="sku")
    assert found[["US", "XX"]].notna().to_numpy().tolist() == [[True, False], [False, False]]
    assert found["n_no_currency"].tolist() == [1, 1]
    with pytest.raises(ConfigError, match="Nothing says the currency") as raised:
        frame[frame["sku"] == "B"].nimble.compare(index="sku")
    assert 'frame.assign(country="US")' in str(raised.value)
    joined = frame.nimble.prices(currency="USD", join=True)
    assert joined.nimble.compare(index="sku")["XX"].tolist() == [7.0, 7.0]


def test_rates_of_the_central_bank_have_their_day():
    """They come from the package's own table, and the day stands in each row."""
    found = MARKETS.nimble.compare(index="sku", currency="USD", rates="ecb")
    day = found["rates_date"].unique()
    assert len(day) == 1
    assert pd.Timestamp("2026-01-01") < day[0] < pd.Timestamp("2100-01-01")
    assert 9 < found.loc["A", "DE"] < 13
    lev = prices_of(("A", "BG", "12.00 BGN"), ("A", "US", "$5"))
    with pytest.raises(ConfigError, match=r"no rate for BGN in rates of 20\d\d-\d\d-\d\d"):
        lev.nimble.compare(index="sku", currency="USD", rates="ecb")


def test_of_several_prices_the_newest_counts_and_of_those_the_lowest():
    """The rule is the same in any order of the rows, and how many there were is shown."""
    rows = [
        ("A", "US", "$9", MONDAY),
        ("A", "US", "$12", TUESDAY),
        ("A", "US", "$11", TUESDAY),
        ("A", "US", None, WEDNESDAY),
    ]
    frame = snapshot(
        [{"sku": sku, "country": land, "price": price, "fetched_at": day} for sku, land, price, day in rows]
    )
    for _ in range(4):
        found = frame.nimble.compare(index="sku")
        assert found.loc["A", ["US", "n_prices", "fetched_to"]].tolist() == [11.0, 3, TUESDAY]
        frame = pd.concat([frame.iloc[1:], frame.iloc[:1]])


def test_any_keys_and_indexes():
    """Several keys, index levels, missing keys and markets, frames without rows, other dtypes, Parquet."""
    levels = MARKETS.set_index(["sku", "country"])
    rates = {"EUR": 1.2, "JPY": 0.008}
    plain = MARKETS.nimble.compare(index="sku", currency="USD", rates=rates)
    assert_frame_equal(levels.nimble.compare(index="sku", currency="USD", rates=rates), plain)
    for backend in ("numpy_nullable", "pyarrow"):
        other = MARKETS.convert_dtypes(dtype_backend=backend)
        found = other.nimble.compare(index="sku", currency="USD", rates=rates)
        assert_frame_equal(found, plain, check_index_type=False)
    several = MARKETS.nimble.compare(index=["sku", "url"], currency="USD", rates=rates)
    assert several.index.names == ["sku", "url"]
    assert_frame_equal(several.droplevel("url"), plain)
    gaps = prices_of((None, "US", "$1"), ("A", None, "$2 USD"), (None, "CA", "2 USD"))
    found = gaps.assign(url="u").nimble.compare(index="sku")
    assert found[["US", "unknown", "CA"]].to_numpy()[0].tolist()[::2] == [1.0, 2.0]
    assert found["n_prices"].tolist() == [2, 1]
    assert MARKETS.iloc[:0].nimble.compare(index="sku").empty
    assert pd.DataFrame({"country": []}).nimble.compare().empty
    with pytest.raises(InputError, match="vendor"):
        MARKETS.nimble.compare(index="sku", columns="vendor")


def test_results_write_to_parquet(tmp_path):
    """And read back as they were."""
    before = prices_of(("A", "US", "$10"), ("B", "US", None))
    tables = [
        MARKETS.nimble.compare(currency="USD", rates="ecb"),
        MARKETS.nimble.compare(index=["sku", "url"], currency="USD", rates={"EUR": 1, "JPY": 0.1}),
        MARKETS.nimble.changes(before),
        MARKETS.nimble.changes(before, on="sku"),
        MARKETS.iloc[:0].nimble.changes(before.iloc[:0], on="sku"),
        MARKETS.nimble.prices(join=True),
    ]
    for table in tables:
        table.to_parquet(tmp_path / "table.parquet")
        assert_frame_equal(pd.read_parquet(tmp_path / "table.parquet"), table, check_index_type=False)


def words(found):
    """Return the change of each item."""
    return dict(zip(found.index.get_level_values(0), found["change"], strict=True))


BEFORE = snapshot(
    [
        {"sku": "same", "price": "$5", "availability": "In Stock"},
        {"sku": "dearer", "price": "$5.10", "availability": "In Stock"},
        {"sku": "cheaper", "price": "$5", "availability": "In Stock"},
        {"sku": "gone", "price": "$5", "availability": "In Stock"},
        {"sku": "404", "price": "$5", "availability": "In Stock"},
        {"sku": "sold out", "price": "$5", "availability": "In Stock"},
        {"sku": "back", "price": None, "availability": "Out of Stock"},
        {"sku": "never there", "price": None, "availability": "Out of Stock"},
        {"sku": "lost", "price": "$5", "availability": "In Stock"},
        {"sku": "blocked", "price": "$5", "availability": "In Stock"},
        {"sku": "moved", "price": "$5", "availability": "In Stock"},
        {"sku": "unclear", "price": "$5", "availability": "In Stock"},
        {"sku": "found again", "price": None, "status": "failed"},
    ]
).assign(country="US")
AFTER = snapshot(
    [
        {"sku": "same", "price": "$5.00", "availability": "In Stock"},
        {"sku": "dearer", "price": "$5.61", "availability": "In Stock"},
        {"sku": "cheaper", "price": "$4", "availability": "In Stock"},
        {"sku": "404", "price": None, "status": "empty", "http_status": 404},
        {"sku": "sold out", "price": "$5", "availability": "Out of Stock"},
        {"sku": "back", "price": "$6", "availability": "In Stock"},
        {"sku": "never there", "price": None, "availability": "Out of Stock"},
        {"sku": "lost", "price": "$1", "status": "failed"},
        {"sku": "blocked", "price": None, "status": "empty", "http_status": 503},
        {"sku": "moved", "price": "€4", "availability": "In Stock"},
        {"sku": "unclear", "price": "2 for $5", "availability": "In Stock"},
        {"sku": "found again", "price": "$7", "availability": "In Stock"},
        {"sku": "added", "price": "$7", "availability": "In Stock"},
    ],
    TUESDAY,
).assign(country="US")
EXPECTED = {
    "same": "unchanged",
    "dearer": "up",
    "cheaper": "down",
    "404": "removed",
    "sold out": "out of stock",
    "back": "restocked",
    "never there": "unchanged",
    "lost": "failed",
    "blocked": "failed",
    "moved": "currency changed",
    "unclear": "incomparable",
    "found again": "incomparable",
    "added": "new",
    "gone": "removed",
}


@pytest.mark.parametrize("backend", [None, "numpy_nullable", "pyarrow"])
def test_each_change_has_its_word(backend):
    """With the amounts, where both prices are in one currency."""
    frames = [frame.convert_dtypes(dtype_backend=backend) if backend else frame for frame in (AFTER, BEFORE)]
    found = frames[0].nimble.changes(frames[1], on="sku")
    assert words(found) == EXPECTED
    amounts = found["difference"].dropna().to_dict()
    assert amounts == {"same": 0.0, "dearer": 0.51, "cheaper": -1.0, "sold out": 0.0}
    assert found.loc["dearer", "percent"] == pytest.approx(10)
    assert found.loc["moved", ["price", "previous_price", "currency", "previous_currency"]].tolist() == [
        4,
        5,
        "EUR",
        "USD",
    ]
    assert found.loc["lost", ["previous_price", "price_note"]].tolist() == [5.0, "failed"]
    assert (found["previous_fetched_at"].dropna() == MONDAY).all()


def test_three_snapshots_each_with_the_one_before():
    """Not with the first; an item that is back after it was gone is new."""
    days = [prices_of(("A", "US", price), ("B", "US", "$1")) for price in ("$10", "$12", "$11")]
    days[1] = days[1][days[1]["sku"] == "A"]
    first = days[1].nimble.changes(days[0], on="sku")
    second = days[2].nimble.changes(days[1], on="sku")
    third = days[2].nimble.changes(days[:2], on="sku")
    assert (words(first), words(second)) == ({"A": "up", "B": "removed"}, {"A": "down", "B": "new"})
    assert_frame_equal(second, third)
    assert second.loc["A", "difference"] == -1


def test_a_page_that_failed_in_the_middle_is_compared_with_the_one_before_that():
    """If all snapshots are given; with the failed one alone there is nothing to compare with."""
    monday, wednesday = prices_of(("A", "US", "$10")), prices_of(("A", "US", "$11"))
    tuesday = prices_of(("A", "US", None), status="failed")
    assert words(tuesday.nimble.changes(monday, on="sku")) == {"A": "failed"}
    assert words(wednesday.nimble.changes(tuesday, on="sku")) == {"A": "incomparable"}
    found = wednesday.nimble.changes([monday, tuesday], on="sku")
    assert found.loc["A", ["change", "difference", "previous_fetched_at"]].tolist() == ["up", 1.0, MONDAY]


def test_results_of_a_search_page_that_failed_are_not_removed():
    """They were not looked at; those of a page that came, and are not on it, have gone."""
    frame = prices_of(("A", "US", "$1"), ("B", "US", "$2"), ("C", "US", "$3"))
    before = frame.assign(
        url=["https://s.example/?q=1"] * 2 + ["https://s.example/?q=2"], entity_type="SearchResult"
    )
    lost = before.iloc[:1].assign(sku="?", status="failed", price=None, entity_type=None)
    came = before.iloc[2:].assign(sku="D")
    now = pd.concat([lost, came])
    assert words(now.nimble.changes(before, on="sku")) == {
        "?": "failed",
        "D": "new",
        "A": "failed",
        "B": "failed",
        "C": "removed",
    }
    assert words(before.nimble.changes([before, now], on="sku"))["A"] == "unchanged"


def test_items_are_told_apart_by_their_id_and_country():
    """If nothing is named: the id in the URL, or the URL; in each country by itself."""
    before, after = (
        prices_of(("A", "US", "$1"), ("A", "CA", "$2")),
        prices_of(("A", "US", "$1"), ("A", "CA", "$1")),
    )
    found = after.nimble.changes(before)
    assert found.index.names == ["item", "country"]
    assert found["change"].tolist() == ["unchanged", "down"]
    item = [
        frame.assign(url=f"https://www.amazon.com/{n}/dp/B0ABCDEFGH")
        for n, frame in enumerate((before, after))
    ]
    assert item[1].nimble.changes(item[0]).index.tolist() == [("B0ABCDEFGH", "US"), ("B0ABCDEFGH", "CA")]


def test_the_shop_from_one_day_to_the_next(tmp_path):
    """Real pages: two markets compared, and a page that fails on the second day."""
    options = {"vendor": "amazon", "country": ["US", "DE"], "parse": True, "progress": "none"}
    days = []
    for faults in ([], [Fault("failed", task=1)]):
        with serve(faults=faults) as service:
            options["ledger"] = nimble_pandas.Ledger(tmp_path / str(len(days)))
            pages = pd.DataFrame({"url": shop.product_urls(service.shop_url, 3, style="amazon")})
            days.append(pages.nimble.batch(url_col="url", client=service.client(), **options))
    first, second = days
    table = first.nimble.compare(currency="EUR", rates="ecb")
    assert table[["US", "DE"]].notna().all(axis=None)
    assert (table["spread_pct"] > 0).all()
    found = second.nimble.changes(first)["change"]
    assert sorted(found) == ["failed"] + ["unchanged"] * 5


def test_a_frame_without_countries_is_one_market():
    """Nothing is to be named where there is nothing to tell apart; the column says what is in it."""
    frame = prices_of(("A", "US", "US$10"), ("A", "US", "US$9"), ("B", "US", "US$5"))
    found = frame.drop(columns="country").nimble.compare(index="sku")
    assert found["price"].tolist() == [9.0, 5.0]
    assert found["cheapest"].isna().all()
    assert_frame_equal(frame.nimble.compare(index="sku", columns=None), found)


def test_changes_never_choose_between_currencies():
    """Where one key has prices in several currencies, none is the lowest, and the note says what to name."""
    frame = prices_of(("A", "US", "$10"), ("A", "DE", "9,00 €"), ("B", "US", "$5"))
    found = frame.nimble.changes(frame, on="sku")
    assert found["change"].tolist() == ["incomparable", "unchanged"]
    assert "country" in found.loc["A", "price_note"]


def test_changes_need_keys_of_one_kind_and_an_earlier_frame():
    """Numbers never match text: that is refused rather than told as all new and all removed."""
    frame = prices_of(("0012", "US", "$10"))
    with pytest.raises(InputError, match=r"on='sku': text in one frame.*\n.*read_csv"):
        frame.nimble.changes(frame.assign(sku=12), on="sku")
    for nothing in ([], "monday.parquet"):
        with pytest.raises(InputError, match="at least one earlier frame"):
            frame.nimble.changes(nothing)


def test_a_misspelt_column_is_guessed():
    """Of a frame with fifty columns, the message names the one that was meant."""
    with pytest.raises(InputError, match=r"index='skuu'.*\nDid you mean 'sku'\?"):
        MARKETS.nimble.compare(index="skuu")
