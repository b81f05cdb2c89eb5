"""Prices as pages write them: the number, or the reason why there is none; never another number."""

import json
from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from babel.numbers import format_currency, get_currency_precision
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

import nimble_pandas
from nimble_pandas.errors import ConfigError, InputError
from nimble_pandas.local import serve, shop
from nimble_pandas.pricing.items import in_stock, item_id
from nimble_pandas.pricing.money import Place, money
from nimble_pandas.pricing.territories import legal_tender, locales

DAY = date(2026, 11, 23)


def read(text, country=None, **known):
    """Return the ends of the price that a text says, and its currency."""
    found = money(text, Place(day=DAY, country=country, **known))
    return found.low, found.high, found.currency


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("$34.99", "US", (34.99, None, "USD")),
        ("$1,299", "US", (1299.0, None, "USD")),
        ("$1,299", "CA", (1299.0, None, "CAD")),
        ("$1.299", "CL", (1299.0, None, "CLP")),
        ("$1,299", None, (1299.0, None, None)),
        ("1.299,00 €", "DE", (1299.0, None, "EUR")),
        ("1.299,00 €", None, (1299.0, None, "EUR")),
        ("1.299 €", "DE", (1299.0, None, "EUR")),
        ("1\u202f299,00\u00a0€", "FR", (1299.0, None, "EUR")),
        ("1 299,00 zł", None, (1299.0, None, "PLN")),
        ("12 990 Ft", None, (12990.0, None, "HUF")),
        ("Rs. 1,29,999", "IN", (129999.0, None, "INR")),
        ("₹1,29,999.00", None, (129999.0, None, "INR")),
        ("R$ 1.234,56", None, (1234.56, None, "BRL")),
        ("R$ 1.234", None, (1234.0, None, "BRL")),
        ("CHF 1'299.–", None, (1299.0, None, "CHF")),
        ("CHF 1’299.90", "CH", (1299.9, None, "CHF")),
        ("499,- Kč", "CZ", (499.0, None, "CZK")),
        ("kr. 1.299,-", "DK", (1299.0, None, "DKK")),
        ("199:-", "SE", (199.0, None, "SEK")),
        ("¥1,200", "JP", (1200.0, None, "JPY")),
        ("¥1,200", "CN", (1200.0, None, "CNY")),
        ("¥ 1,200", None, (1200.0, None, None)),
        ("￥１６，２８０", "JP", (16280.0, None, "JPY")),
        ("1,299円(税込)", None, (1299.0, None, "JPY")),
        ("1.299", "JP", (1299.0, None, "JPY")),
        ("٣٤٫٩٩", None, (34.99, None, None)),
        ("٣٬٤٥٠٫٩٩ ر.س", None, (3450.99, None, "SAR")),
        ("12,5", None, (12.5, None, None)),
        ("USD 12", None, (12.0, None, "USD")),
        ("US $12.99", "DE", (12.99, None, "USD")),
        ("C$12 CAD", None, (12.0, None, "CAD")),
        ("35€99", "FR", (35.99, None, "EUR")),
        ("$.75", "US", (0.75, None, "USD")),
        ("99¢", "US", (0.99, None, "USD")),
        ("Rs.99", "IN", (99.0, None, "INR")),
        ("£1,299.00", None, (1299.0, None, "GBP")),
        ("£12", "US", (12.0, None, "GBP")),
        ("£12", "GI", (12.0, None, "GIP")),
        ("£12", "EG", (12.0, None, "EGP")),
        ("99p", "GB", (0.99, None, "GBP")),
        ("Rs. 1,29,999/-", "IN", (129999.0, None, "INR")),
        ("à partir de 12,99 €", "FR", (12.99, None, "EUR")),
        ("$12.99 ($0.81/fl oz)", "US", (12.99, None, "USD")),
        ("12,99 € inkl. MwSt. zzgl. Versandkosten", "DE", (12.99, None, "EUR")),
        ("$12.99 + shipping", "US", (12.99, None, "USD")),
        ("Options from $12.99 – $89.99", "US", (12.99, 89.99, "USD")),
        ("KWD 12.345", "KW", (12.345, None, "KWD")),
        ("£12 – £15", "GB", (12.0, 15.0, "GBP")),
        ("€1.50 - €2", None, (1.5, 2.0, "EUR")),
        ("from $5 to $9.50", "US", (5.0, 9.5, "USD")),
        ("from $5", "US", (5.0, None, "USD")),
        ("$12.99 ($0.41 / Ounce)", "US", (12.99, None, "USD")),
        ("$8 (20% off)", "US", (8.0, None, "USD")),
        ("Was $10 Now $8", "US", (8.0, None, "USD")),
        ("Free", "US", (0.0, None, "USD")),
        ("$0.00", "US", (0.0, None, "USD")),
        ("$5+", "US", (5.0, None, "USD")),
        ("12,50 EUR/Stück", "DE", (12.5, None, "EUR")),
        ("129.000đ", "VN", (129000.0, None, "VND")),
        ("MRP ₹1,499 ₹1,299", "IN", (1299.0, None, "INR")),
        ("12 990 – 15 990 Ft", "HU", (12990.0, 15990.0, "HUF")),
        ("$34.99", "DE", (34.99, None, None)),
        ("\u200e34,99 \u200fEUR", None, (34.99, None, "EUR")),
    ],
)
def test_what_can_mean_one_price_only_is_read(text, country, expected):
    """Numbers, ranges and currencies are those that a reader in that country sees."""
    assert read(text, country) == expected


@pytest.mark.parametrize(
    ("text", "country", "reason"),
    [
        ("1.299", None, "may be 1299 or 1.299"),
        ("1.299", "US", "may be 1299 or 1.299"),
        ("1,299", None, "may be 1299 or 1.299"),
        ("€1.299", None, "may be 1299 or 1.299"),
        ("€1,299", "DE", "may be 1299 or 1.299"),
        ("$12.345", "US", "may be 12345 or 12.345"),
        ("$12.345", None, "may be 12345 or 12.345"),
        ("1.299", "CH", "may be 1299 or 1.299"),
        ("KWD 1,299", "DE", "may be 1299 or 1.299"),
        ("1,299 KWD", None, "may be 1299 or 1.299"),
        ("$3.49/lb", "US", "a price per lb, not of the item"),
        ("5 € pro kg", "DE", "a price per kg, not of the item"),
        ("2 for $5", "US", "one price for several"),
        ("2/$5", "US", "one price for several"),
        ("3 x $5", "US", "one price for several"),
        ("-$5", "US", "negative"),
        ("$-5", "US", "negative"),
        ("($5.00)", "US", "in brackets"),
        ("$(5.00)", "US", "in brackets"),
        ("+$5", "US", "that is added"),
        ("$5 + $3", "US", "that is added"),
        ("$5 + $3 shipping", "US", "that is added"),
        ("20% off $5", "US", "besides the price"),
        ("£1.50p", "GB", "its hundredth"),
        ("99p", None, "is not understood"),
        ("①", "US", "raised digits"),
        ("12 .99", "US", "several numbers"),
        ("0", "US", "may mean that it is not known"),
        ("0.00", None, "may mean that it is not known"),
        ("1e3", "US", "'e' is not understood"),
        ("12K", "ZM", "is not understood"),
        ("3 Mio. €", "DE", "is not understood"),
        ("$34⁹⁹", "US", "raised digits"),
        ("½ $", "US", "fractions"),
        ("Save $5", "US", "besides the price"),
        ("$5 off", "US", "besides the price"),
        ("up to $5", "US", "only the highest"),
        ("Was $10", "US", "no longer holds"),
        ("20%", "US", "a percentage"),
        ("$5 $7", "US", "several numbers"),
        ("$34 99", "US", "several numbers"),
        ("$7 - $5", "US", "backwards"),
        ("5 USD - 6 EUR", None, "more than one currency"),
        ("1,299,99", None, "no number of any country"),
        ("1.2.3", None, "no number of any country"),
        ("00001041", None, "begins with 0"),
        ("USD.99", None, "is not understood"),
        ("Rs .99", "IN", "may belong to the sign"),
        ("iPhone 15", "US", "is not understood"),
        ("1234567890123456", None, "more digits"),
        ("See price in cart", "US", "no number in it"),
        ("", "US", "no number in it"),
        ("$" * 5000, "US", "too long"),
        ("9" * 150, "US", "more digits"),
    ],
)
def test_what_may_mean_another_price_is_missing_with_its_reason(text, country, reason):
    """There is no number rather than one that may be wrong."""
    found = money(text, Place(day=DAY, country=country))
    assert (found.low, found.high) == (None, None)
    assert reason in found.note


@pytest.mark.parametrize("value", [True, float("inf"), -3.0, -1, 0, 0.0, [1], b"5", 1 + 2j])
def test_values_that_are_no_price(value):
    """What is neither a text nor a number that a price can be has a reason, too."""
    found = money(value, Place(day=DAY))
    assert found.low is None
    assert found.note


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({"field": "CAD"}, ("CAD", "field", None)),
        ({"field": "$", "country": "MX"}, ("MXN", "country", None)),
        ({"default": "AUD"}, ("AUD", "argument", None)),
        ({"country": "NZ"}, ("NZD", "country", None)),
        ({"country": "JP"}, (None, None, "the currency may be")),
        ({"field": "EUR"}, (None, None, "the currency field EUR")),
        ({"country": "ZZ"}, (None, None, "the currency may be")),
    ],
)
def test_a_sign_of_many_currencies_is_told_by_what_stands_beside_it(known, expected):
    """``$`` is the field's or the country's; a contradiction is nobody's."""
    found = money("$5", Place(day=DAY, **known))
    assert found.low == 5
    assert (found.currency, found.source) == expected[:2]
    assert (expected[2] or "") in (found.note or "")


def test_a_currency_that_has_changed_goes_by_the_day():
    """Bulgaria and Croatia have the euro since a day; before it they had their own."""
    before, after = date(2022, 6, 1), DAY
    for country, code in (("HR", "HRK"), ("BG", "BGN")):
        assert money(5, Place(day=before, country=country)).currency == code
        assert money(5, Place(day=after, country=country)).currency == "EUR"


COUNTRIES = """US GB CA AU IN JP CN KR TW HK DE AT CH FR BE NL ES IT PT BR MX AR CL CO PE CR SE NO DK FI IS PL
    CZ HU RO BG RS UA RU TR IL EG SA AE KW TN MA IR PK BD LK NP TH VN ID MY PH ZA NG KE ZM KZ GE"""
LOCALES = [str(spoken) for country in COUNTRIES.split() for spoken in locales(country, None)]


def formatted(locale, cents, with_code):
    """Return an amount, and how readers of a locale write it in their country's currency."""
    currency = legal_tender(locale.rpartition("_")[2], DAY)[0]
    amount = Decimal(cents).scaleb(-get_currency_precision(currency))
    text = format_currency(amount, currency, locale=locale, format_type="standard")
    return amount, currency, f"{amount:,} {currency}" if with_code else text


@given(st.sampled_from(LOCALES), st.integers(0, 10**10), st.booleans())
@settings(max_examples=300, deadline=None)
@example("de_CH", 129900, False)
@example("ar_EG", 129900, False)
@example("ar_KW", 1299, False)
@example("en_IN", 12999900, False)
@example("fa_IR", 1299, False)
def test_an_amount_as_a_country_writes_it_is_that_amount_or_none(locale, cents, with_code):
    """Whether or not the country is known, no other number is ever read, and no other currency."""
    amount, currency, text = formatted(locale, cents, with_code)
    for known in ({"country": locale.rpartition("_")[2]}, {"locale": locale}, {}):
        low, high, code = read(text, **known)
        assert low in (None, float(amount)), (text, known)
        assert high is None
        assert code in (None, currency), (text, known)


@given(st.sampled_from(LOCALES), st.sampled_from(LOCALES), st.integers(0, 10**8))
@settings(max_examples=200, deadline=None)
def test_a_page_written_as_elsewhere_is_read_rightly_or_not(locale, other, cents):
    """A shop of one country, fetched from another, never gives a number that is off."""
    amount, _, text = formatted(locale, cents, with_code=False)
    low, _, _ = read(text, country=other.rpartition("_")[2])
    assert low in (None, float(amount)), text


@pytest.mark.parametrize(
    "locale", ["en_US", "en_GB", "de_DE", "fr_FR", "ja_JP", "en_CA", "pt_BR", "en_IN", "es_MX", "pl_PL"]
)
@pytest.mark.parametrize("cents", [5, 99, 3499, 129900, 123456789])
def test_the_large_markets_are_read(locale, cents):
    """What is honest is useful as well: with the country known, nothing is missing."""
    amount, currency, text = formatted(locale, cents, with_code=False)
    assert read(text, country=locale[-2:]) == (float(amount), None, currency)


@given(st.text(max_size=40))
@settings(max_examples=100, deadline=None)
def test_any_text_has_a_price_or_a_reason(text):
    """Nothing that a page may hold is an error."""
    found = money(text, Place(day=DAY, country="US"))
    assert found.low is not None or found.note


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://www.amazon.com/Some-Thing/dp/B0ABCDEFGH/ref=sr_1?x=1", "B0ABCDEFGH"),
        ("https://www.amazon.de/gp/product/3161484100", "3161484100"),
        ("/dp/b0abcdefgh", "B0ABCDEFGH"),
        ("https://www.amazon.com/sspa/click?url=%2FThing%2Fdp%2FB0ABCDEFGH%2Fref", "B0ABCDEFGH"),
        ("https://www.amazon.com/dp/B0ABCDEFGHI", None),
        ("https://www.walmart.com/ip/Some-Thing/0012345?x=1", "0012345"),
        ("https://www.walmart.com/ip/12345#reviews", "12345"),
        ("https://www.homedepot.com/p/Some-Drill/305678901", "305678901"),
        ("https://shop.example/p/305678901", None),
        ("https://www.walmart.com/search?q=ip", None),
        ("http://[bad", None),
    ],
)
def test_item_ids_stand_in_urls(url, expected):
    """They are text, with their zeros."""
    assert item_id(url) == expected


def test_stock_is_known_words_only():
    """What is not understood is neither in stock nor out of it."""
    assert [
        in_stock(said) for said in ("InStock", "IN_STOCK", "Only 3 left in stock - order soon.", "Auf Lager")
    ] == [True] * 4
    assert [in_stock(said) for said in ("Currently unavailable.", "OUT_OF_STOCK", "SoldOut", "PreOrder")] == [
        False
    ] * 4
    assert [in_stock(said) for said in (None, "", "In stock on May 3")] == [None] * 3


def test_every_shape_of_offers():
    """Offer, AggregateOffer, price specifications and lists of offers, as columns or as JSON."""
    frame = pd.DataFrame(
        {
            "offers.price": [5.5, None, None, None, None, "1.299"],
            "offers.lowPrice": [None, 3, None, None, None, None],
            "offers.highPrice": [None, 4, None, None, None, None],
            "offers.priceCurrency": ["USD", "USD", None, None, None, "EUR"],
            "offers.offers": [
                None, None, '[{"price": "9.50", "priceCurrency": "EUR"}, {"price": 8}]', None, None, None
            ],
            "offers.priceSpecification": [
                None, None, None,
                '[{"priceType": "ListPrice", "price": 9}, {"price": 7, "priceCurrency": "GBP"}]',
                '[{"price": 7, "priceCurrency": "GBP"}, {"price": 7, "priceCurrency": "USD"}]', None,
            ],
            "country": ["US", "US", "DE", "GB", "GB", "DE"],
        }
    )  # fmt: skip
    found = frame.nimble.prices()
    expected = pd.DataFrame(
        {
            "price": [5.5, 3.0, 8.0, 7.0, None, None],
            "price_high": [None, 4.0, 9.5, None, None, None],
            "currency": ["USD", "USD", "EUR", "GBP", None, "EUR"],
            "price_note": [
                None,
                None,
                None,
                None,
                "offers in several currencies",
                "'1.299' may be 1299 or 1.299",
            ],
        }
    )
    assert_frame_equal(found[list(expected)], expected.astype(found[list(expected)].dtypes))


def test_a_note_says_what_to_give():
    """Pages that were not parsed, and a ``$`` from nowhere, name the argument that is missing."""
    pages = pd.DataFrame({"url": ["https://shop.example"], "task_id": "t", "html_content": "<html>"})
    assert pages.nimble.prices()["price_note"].str.contains("parse=True").all()
    alone = pd.DataFrame({"price": ["$5", 5]}).nimble.prices()
    assert alone["price_note"].str.contains("country= or currency=").all()


def test_a_price_per_unit_is_not_the_items():
    """What an offer asks for a kilogram is left out; for a piece, it is the price."""
    said = '{"price": 7, "priceCurrency": "EUR", "referenceQuantity": {"value": 1, "unitCode": "%s"}}'
    found = pd.DataFrame({"priceSpecification": [said % "KGM", said % "C62"]}).nimble.prices()
    assert found["price"].isna().tolist() == [True, False]


def test_a_country_that_is_no_code_is_named():
    """``$`` in "Canada" has no currency, and £ in "Egypt" is not sterling: the note says what is missed."""
    frame = pd.DataFrame({"price": ["$5", "£5"], "country": ["Canada", "Egypt"]})
    found = frame.nimble.prices()
    assert found["currency"].isna().all()
    assert found["price_note"].str.contains("'(?:Canada|Egypt)' is no ISO 3166-1").all()


def test_the_callers_own_price_is_not_the_pages():
    """What stands left of the task columns is the caller's, whatever its name."""
    frame = pd.DataFrame(
        {"price": [1.0], "task_id": ["t"], "status": ["ok"], "price_nimble": ["$2"], "currency": ["$"]}
    )
    assert frame.nimble.prices(country="US")["price"].tolist() == [2.0]
    assert frame.drop(columns="price_nimble").nimble.prices()["price_note"].tolist() == [
        "no column is known to hold prices: name it with price_col="
    ]


def test_rows_that_are_not_ok_have_their_status_as_the_reason():
    """A price of a page that failed would be somebody else's."""
    frame = pd.DataFrame(
        {"task_id": list("abc"), "status": ["ok", "failed", "pending"], "price": [1.0, 2.0, 3.0]}
    )
    found = frame.nimble.prices(currency="USD")
    assert found["price"].tolist()[0] == 1.0
    assert found["price"].isna().tolist() == [False, True, True]
    assert found["price_note"].tolist()[1:] == ["failed", "pending"]


def test_columns_and_countries_can_be_named():
    """What is not found by its name is pointed at; one that is not there is named."""
    frame = pd.DataFrame({"cost": ["1.299"], "before": ["1.499"], "land": ["de"], "what": ["Lamp"]})
    found = frame.nimble.prices(
        price_col="cost", list_price_col="before", country_col="land", name_col="what"
    )
    assert found[["price", "list_price", "currency", "name"]].iloc[0].tolist() == [
        1299.0,
        1499.0,
        "EUR",
        "Lamp",
    ]
    assert frame.nimble.prices(price_col="cost", locale="de-DE", currency="EUR")["price"].tolist() == [1299.0]
    with pytest.raises(InputError, match=r"price_col='prize': the frame has no such column\.\n.*'cost'"):
        frame.nimble.prices(price_col="prize")
    with pytest.raises(ConfigError, match="no ISO 4217 code"):
        frame.nimble.prices(currency="dollar")
    with pytest.raises(ConfigError, match="country='Germany' is no ISO 3166"):
        frame.nimble.prices(country="Germany")


def test_any_index_and_columns():
    """Repeated labels, several levels, no rows: the index comes back, and the frame is not changed."""
    frame = pd.DataFrame({"price": ["$1", "$2", None]})
    levels = pd.MultiIndex.from_tuples([("US", 1), ("US", 1), ("CA", 2)], names=["country", None])
    for index in (pd.Index([7, 7, 8]), levels, pd.Index(["a", None, "b"], name="price")):
        given_ = frame.set_axis(index)
        before = given_.copy()
        found = given_.nimble.prices(join=True)
        assert found.index.equals(index)
        assert_frame_equal(given_, before)
        assert_frame_equal(found[["price"]], given_)
    assert frame.set_axis(levels).nimble.prices()["currency"].tolist()[:2] == ["USD", "USD"]
    assert frame.iloc[:0].nimble.prices().dtypes.equals(frame.nimble.prices().dtypes)
    assert pd.DataFrame().nimble.prices().empty
    two_levels = pd.DataFrame({("task_id", ""): ["t"], ("price", ""): ["$5"]})
    assert two_levels.nimble.prices(country="US", join=True)[("price_nimble", "")].tolist() == [5.0]


def test_cells_of_any_kind():
    """Lists, arrays, decimals, NumPy's numbers, categories and lone surrogates: read, and kept as text."""
    offers = [{"price": 3, "priceCurrency": "EUR"}, {"price": "4", "priceCurrency": "EUR"}]
    cells = [offers, np.array(offers), "[" * 5000, None]
    found = pd.DataFrame({"offers": cells}).nimble.prices()
    assert found["price"].tolist()[:2] == [3.0, 3.0]
    assert found["price_high"].tolist()[:2] == [4.0, 4.0]
    assert [json.loads(text) for text in found["price_text"][:2]] == [offers, offers]
    assert found["price"].isna().tolist()[2:] == [True, True]
    numbers = [Decimal("34.99"), np.float32(34.5), np.int64(3), "34.99\udc00", pd.NA]
    found = pd.DataFrame({"price": numbers}, dtype=object).nimble.prices(country="US")
    assert found["price"].tolist()[:3] == [34.99, 34.5, 3.0]
    assert found["price_text"].tolist()[:4] == ["34.99", "34.5", "3", "34.99\ufffd"]
    assert found["price"].isna().tolist()[3:] == [True, True]
    kinds = pd.DataFrame({"price": ["$5", "$6"], "country": pd.Categorical(["US", "CA"])})
    assert kinds.nimble.prices()["currency"].tolist() == ["USD", "CAD"]


def test_prices_of_prices_are_the_same():
    """Joined, written down and read again, nothing is read as something else."""
    frame = pd.DataFrame({"price": ["$1,299", "1.299", "£12 – £15"], "country": ["US", None, "GB"]})
    once = frame.nimble.prices()
    again = once.assign(country=frame["country"]).nimble.prices()
    same = ["price", "price_high", "currency", "price_note"]
    assert_frame_equal(once[same], again[same])


@pytest.fixture(scope="module")
def service():
    """Give the local service with its shop."""
    with serve() as running:
        yield running


@pytest.fixture
def fetched(service, tmp_path):
    """Give a function that fetches pages of the shop."""

    def fetch(urls, *, vendor, **arguments):
        options = {
            "parse": True,
            "progress": "none",
            "locale": "auto",
            "ledger": nimble_pandas.Ledger(tmp_path),
        }
        pages = pd.DataFrame({"url": urls})
        return pages.nimble.batch(
            url_col="url", vendor=vendor, client=service.client(), **options | arguments
        )

    return fetch


@pytest.mark.parametrize("style", ["walmart", "amazon", "opengraph"])
def test_the_shop_in_three_markets(service, fetched, style, tmp_path):
    """In every markup each price is that of its country, whatever the dtypes, also from Parquet."""
    vendor = "amazon" if style == "amazon" else "walmart"
    urls = shop.product_urls(service.shop_url, 4, style=style) + shop.missing_urls(service.shop_url, 1)
    frame = fetched(urls, vendor=vendor, country=["US", "DE", "JP"])
    found = frame.nimble.prices()
    assert found.index.equals(frame.index)
    sold = found["price"].notna()
    codes = {"US": "USD", "DE": "EUR", "JP": "JPY"}
    assert (found["currency"] == frame["country"].map(codes))[sold].all()
    assert found["price_note"][~sold].isin(["empty", "no price on the page"]).all()
    assert sold.groupby(frame["country"]).sum().min() >= 2
    if style != "opengraph":
        assert found["in_stock"][sold].notna().all()
    if style in ("walmart", "amazon"):
        assert found["item_id"][sold].str.fullmatch(r"\d+" if style == "walmart" else r"[A-Z0-9]{10}").all()
        base = found.loc[sold & (frame["country"] == "US"), "price"]
        ratio = found.loc[sold & (frame["country"] == "JP"), "price"] / base
        assert ratio.dropna().between(60, 300).all()
    for number, backend in enumerate((None, "numpy_nullable", "pyarrow")):
        path = tmp_path / f"{number}.parquet"
        frame.to_parquet(path)
        options = {"dtype_backend": backend} if backend else {}
        again = pd.read_parquet(path, **options).nimble.prices()
        assert again["price"].astype(float).tolist() == pytest.approx(found["price"].tolist(), nan_ok=True)
        again.to_parquet(path)
        assert_frame_equal(pd.read_parquet(path, **options), again)


@pytest.mark.parametrize("style", ["walmart", "amazon", "jsonld"])
def test_the_shops_searches(service, fetched, style):
    """Exploded, each result has its own price and its own id."""
    vendor = "amazon" if style == "amazon" else "walmart"
    frame = fetched(
        shop.search_urls(service.shop_url, 2, style=style), vendor=vendor, country=["US", "DE"], explode=True
    )
    found = frame.nimble.prices(join=True)
    assert len(found) == len(frame) > 8
    assert found.iloc[:, len(frame.columns) :]["price_note"].isna().all()
    read_again = frame.nimble.prices()
    assert read_again["price"].notna().all()
    assert set(read_again["currency"]) == {"USD", "EUR"}
    if style != "jsonld":
        ids = read_again["item_id"][(frame["country"] == "US").to_numpy()]
        assert ids.notna().all()
        assert ids.nunique() > len(ids) / 2
