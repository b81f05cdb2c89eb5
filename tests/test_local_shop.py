"""The demo shop: stable products, prices by market, pages of every kind."""

import asyncio
import contextlib
import subprocess
import sys
import threading
import time
from decimal import Decimal
from html.parser import HTMLParser

import pytest
import requests
import uvicorn

from nimble_pandas.local import serve, shop
from nimble_pandas.local.fetch import Fetcher
from nimble_pandas.local.parse import parse
from nimble_pandas.local.shop.catalogue import STYLES, matching, products
from nimble_pandas.local.shop.markets import HOME, MARKETS, language_of, offer, written
from nimble_pandas.local.shop.stores import closest, sales_tax


@contextlib.contextmanager
def serve_shop(app):
    """Serve an application on loopback."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def shop_url():
    """Give the URL of a running shop."""
    with serve_shop(shop.application()) as url:
        yield url


def fetch(shop_url, urls, **place):
    """Fetch pages as the service does."""

    async def story():
        fetcher = Fetcher(shop_url=shop_url)
        try:
            return await asyncio.gather(*(fetcher.fetch(url, **place) for url in urls))
        finally:
            await fetcher.aclose()

    return asyncio.run(story())


def parsed(page):
    """Parse a page with no hint at its vendor."""
    return parse(page.html, url=page.url, vendor=None)


def name_of(entity):
    """Give a product's name, whatever the vendor calls it."""
    return entity.get("name") or entity.get("product_name")


def has_price(entity):
    """Say whether there is a price, whatever the vendor calls it."""
    return "price" in entity or "price" in entity.get("offers", {})


def test_catalogue():
    """Over 300 products, each number unique, SKUs with leading zeros, check digits that hold."""
    everything = products()
    assert len(everything) >= 300
    for numbers in (
        [item.sku for item in everything],
        [item.asin for item in everything],
        [item.item_id for item in everything],
        [item.gtin13 for item in everything],
    ):
        assert len(set(numbers)) == len(everything)
    for item in everything:
        assert item.sku.startswith("00")
        digits = [int(digit) for digit in item.gtin13]
        assert len(digits) == 13
        assert (sum(digits[::2]) + 3 * sum(digits[1::2])) % 10 == 0
    assert {item.style for item in everything} == set(STYLES)
    assert len({item.brand for item in everything}) > 30
    assert len({item.name for item in everything}) == len(everything)


def test_stable_in_another_process():
    """Another process, with another hash seed, makes the same products and prices."""
    code = (
        "from nimble_pandas.local.shop.catalogue import products;"
        "from nimble_pandas.local.shop.markets import MARKETS, offer;"
        "print([(p.sku, p.asin, p.item_id, str(offer(p, m, day=5).price)) "
        "for p in products() for m in MARKETS.values()])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    mine = [
        (item.sku, item.asin, item.item_id, str(offer(item, market, day=5).price))
        for item in products()
        for market in MARKETS.values()
    ]
    assert told.strip() == str(mine)


def test_first_product_stays():
    """The first product is the same in every version, so that documents can name it."""
    first = products()[0]
    assert (first.sku, first.name, first.asin) == (
        "00001041",
        "Norvane Pro Air Fryer, 5.8 qt, Matte Black",
        "B0KZHZDV7K",
    )
    assert offer(first, HOME).price == Decimal("107.98")


def test_every_product_page(shop_url):
    """Every listed product page parses to its own name, and to a price in US dollars."""
    urls = shop.product_urls(shop_url)
    pages = fetch(shop_url, urls)
    names = {item.name for item in products()}
    assert len(urls) >= 300
    for page in pages:
        product = parsed(page)["entities"]["Product"][0]
        assert name_of(product) in names
        assert has_price(product)
    assert len({name_of(parsed(page)["entities"]["Product"][0]) for page in pages}) == len(urls)


@pytest.mark.parametrize("style", STYLES)
def test_styles(shop_url, style):
    """Every kind of markup gives the same price as the shop's own books, in the market's currency."""
    by_name = {item.name: item for item in products()}
    urls = shop.product_urls(shop_url, 20, style=style)
    for country in ("US", "DE", "JP", "BR", "IN"):
        for page in fetch(shop_url, urls, country=country, locale="auto"):
            product = parsed(page)["entities"]["Product"][0]
            booked = offer(by_name[name_of(product)], MARKETS[country])
            if booked.price is None:
                assert not has_price(product)
            elif style == "amazon":
                language = MARKETS[country].locale.replace("-", "_")
                shown = written(
                    booked.price, booked.market.currency, "hi_IN" if country == "IN" else language
                )
                assert product["price"].replace("\xa0", " ") == shown.replace("\xa0", " ")
                assert product["currency"] == booked.market.currency
            else:
                found = product if style == "walmart" else product["offers"]
                assert Decimal(str(found["price"])) == booked.price
                assert found["priceCurrency"] == booked.market.currency


def test_markets_differ():
    """Prices abroad are not conversions: the same two products keep no fixed ratio."""
    first, second = (item for item in products()[:2])
    ratios = {
        country: offer(first, market).price / offer(second, market).price
        for country, market in MARKETS.items()
    }
    assert len({round(ratio, 3) for ratio in ratios.values()}) > 5


@pytest.mark.parametrize(
    ("amount", "currency", "language", "text"),
    [
        ("1299.00", "EUR", "de_DE", "1.299,00\xa0€"),
        ("1200", "JPY", "en", "¥1,200"),
        ("12.00", "GBP", "en_GB", "£12.00"),
    ],
)
def test_written(amount, currency, language, text):
    """Prices are written as readers of the language do."""
    assert written(Decimal(amount), currency, language) == text


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("fr-FR,fr;q=0.9,en;q=0.8", "fr_FR"),
        ("xx,de;q=0.5", "de"),
        ("en;q=0.1,ja", "ja"),
        (None, "de_DE"),
        (";q=,,\x00", "de_DE"),
        ("de;q=x,fr;q=0.2", "fr"),
    ],
)
def test_language(header, language):
    """The page's language is the most wanted one that is known, else the market's."""
    assert language_of(header, MARKETS["DE"]) == language


def test_unknown_market(shop_url):
    """A country without a market gets the prices of the US and is told so."""
    page = fetch(shop_url, shop.product_urls(shop_url, 1), country="CH")[0]
    assert "There is no shop for CH" in page.html
    assert parsed(page)["entities"]["Product"][0]["offers"]["priceCurrency"] == "USD"


def test_market_in_the_url(shop_url):
    """A person with a browser chooses the market in the URL, and the shop's links keep it."""
    page = requests.get(f"{shop_url}/?market=de", timeout=10)
    assert "?market=de" in page.text
    assert "€" in page.text
    assert page.headers["vary"].startswith("Accept-Language, Demo-Country")


def test_stores():
    """A zip, a city or a state chooses the closest store; no place chooses none."""
    assert closest(zip="02108", state=None, city=None).city == "Boston"
    assert closest(zip=None, state="IL", city="chicago").zip == "60614"
    assert closest(zip=None, state="ny", city="Nowhere").city == "New York"
    assert closest(zip="x", state="PR", city=None) is None
    assert closest(zip=None, state=None, city=None) is None
    assert sales_tax("OR") == 0


def test_zip_on_the_page(shop_url):
    """A zip names the store and its tax on the page, and moves the price of groceries."""
    urls = [f"{shop_url}/p/{matching('', aisle='grocery')[0].sku}"]
    pages = [fetch(shop_url, urls, country="US", zip=zip5)[0] for zip5 in ("02108", "90012")]
    assert "at Boston, MA 02118" in pages[0].html
    assert "6.25 % (MA)" in pages[0].html
    prices = [parsed(page)["entities"]["Product"][0]["offers"]["price"] for page in pages]
    assert prices[0] != prices[1]


def test_missing_gone_sold_out(shop_url):
    """Missing pages answer 404, discontinued ones 410; what is sold out says so in every markup."""
    assert {page.status_code for page in fetch(shop_url, shop.missing_urls(shop_url, 3))} == {404}
    gone = shop.gone_urls(shop_url)
    assert len(gone) > 3
    assert {page.status_code for page in fetch(shop_url, gone)} == {410}
    sold_out = fetch(shop_url, shop.out_of_stock_urls(shop_url))
    words = {"https://schema.org/OutOfStock", "OUT_OF_STOCK", "Currently unavailable."}
    for page in sold_out:
        product = parsed(page)["entities"]["Product"][0]
        told = (
            product.get("availability")
            or product.get("availabilityStatus")
            or product["offers"]["availability"]
        )
        assert told in words
    assert len(sold_out) > 10


def test_unsold(shop_url):
    """What a market does not sell has a name there and no price, and a price in the US."""
    urls = shop.unsold_urls(shop_url, "JP")
    assert len(urls) > 10
    assert not shop.unsold_urls(shop_url, "US")
    for abroad, home in zip(
        fetch(shop_url, urls, country="JP"), fetch(shop_url, urls, country="US"), strict=True
    ):
        assert not has_price(parsed(abroad)["entities"]["Product"][0])
        assert has_price(parsed(home)["entities"]["Product"][0])


def test_broken(shop_url):
    """Sloppy markup still gives its product with a price; broken markup gives a parse error."""
    for page in fetch(shop_url, shop.sloppy_urls(shop_url, 5)):
        assert has_price(parsed(page)["entities"]["Product"][0])
    for page in fetch(shop_url, shop.broken_urls(shop_url, 5)):
        assert page.status_code == 200
        assert parsed(page)["status"] == "error"


def test_robots_and_redirects(shop_url):
    """The private pages are kept from robots; the old links lead to products."""
    assert {page.error_type for page in fetch(shop_url, shop.disallowed_urls(shop_url, 2))} == {"robots"}
    for page in fetch(shop_url, shop.redirecting_urls(shop_url, 2)):
        assert page.url.startswith(f"{shop_url}/p/")
        assert has_price(parsed(page)["entities"]["Product"][0])
    assert fetch(shop_url, [f"{shop_url}/loop"])[0].error_type == "too_many_redirects"


def test_slow(shop_url):
    """A slow page takes as long as it says, within bounds, and then is a product."""
    started = time.monotonic()
    page = fetch(shop_url, shop.slow_urls(shop_url, 1, seconds=0.2))[0]
    assert 0.2 <= time.monotonic() - started < 5
    assert page.status_code == 200
    assert requests.get(f"{shop_url}/slow/00001041?seconds=nan", timeout=5).status_code == 200


@pytest.mark.parametrize("style", ["jsonld", "walmart", "amazon"])
def test_search(shop_url, style):
    """Every search page lists what was searched for, with prices and links to the products."""
    for page in fetch(shop_url, shop.search_urls(shop_url, style=style)):
        results = parsed(page)["entities"]["SearchResult"]
        assert results
        assert all(has_price(result) for result in results)
    links = [
        result.get("url") or result.get("productUrl") or shop_url + result["canonicalUrl"]
        for result in results
    ]
    products_found = [parsed(found)["entities"]["Product"][0] for found in fetch(shop_url, links)]
    assert [name_of(found) for found in products_found] == [
        name_of(result) or result["productName"] for result in results
    ]


def test_shelves(shop_url):
    """A category is cut into pages whose links lead on to the end."""
    seen, page = 0, requests.get(f"{shop_url}/c/toys?market=FR", timeout=10).text
    while True:
        seen += parse(page, url=shop_url, vendor=None)["total_entities_count"]
        if 'rel="next"' not in page:
            break
        link = page.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
        assert "market=FR" in link
        page = requests.get(link, timeout=10).text
    assert seen == len(matching("", aisle="toys"))
    assert requests.get(f"{shop_url}/c/nothing", timeout=10).status_code == 404


class Tags(HTMLParser):
    """Collects the tags and the scripts' types of a page."""

    def __init__(self):
        super().__init__()
        self.tags = []

    def handle_starttag(self, tag, attrs):
        """Keep a tag."""
        self.tags.append((tag, dict(attrs)))


def test_awkward_names_are_escaped(shop_url):
    """No product's name becomes markup on any page."""
    awkward = [item for item in products() if any(mark in item.name for mark in "<>&\"'")]
    assert len(awkward) > 8
    for item in awkward:
        for path in (f"/p/{item.sku}", f"/walmart/ip/x/{item.item_id}", f"/amazon/dp/{item.asin}"):
            page = requests.get(shop_url + path, timeout=10)
            if page.status_code == 410:
                continue
            reader = Tags()
            reader.feed(page.text)
            assert not {"b", "ef"} & {
                tag for tag, _ in reader.tags[20:] if tag != "b" or "<BOLD" in page.text
            }
            assert "<script>alert" not in page.text
            assert name_of(parse(page.text, url=shop_url, vendor=None)["entities"]["Product"][0]) == item.name


def test_day_moves_prices():
    """Prices move with the day, some and not all, and day 0 never moves."""
    app = shop.application(day=0)
    with serve_shop(app) as url:
        urls = shop.product_urls(url, style="walmart")[:100]

        def prices():
            return [parsed(page)["entities"]["Product"][0]["price"] for page in fetch(url, urls)]

        before, again = prices(), prices()
        app.state.day = 3
        after = prices()
    assert before == again
    moved = sum(one != other for one, other in zip(before, after, strict=True))
    assert 5 < moved < 60


def test_the_services_clock_moves_prices():
    """In the shop of a service, a day that passes there moves prices, too."""
    with serve() as service:
        urls = shop.product_urls(service.shop_url, style="walmart")[:30]

        def prices():
            pages = fetch(service.shop_url, urls)
            return [parsed(page)["entities"]["Product"][0]["price"] for page in pages]

        before = prices()
        service.clock.advance(3 * 24 * 3600)
        assert prices() != before


def test_pictures(shop_url):
    """Every product has a picture that the shop draws itself."""
    page = requests.get(f"{shop_url}/img/{products()[-1].sku}.svg", timeout=10)
    assert page.headers["content-type"].startswith("image/svg")
    assert requests.get(f"{shop_url}/img/nothing.svg", timeout=10).status_code == 404


def test_nothing_from_outside(shop_url):
    """The pages name no resource of another host."""
    for path in ("/", "/c/toys", "/p/00001041", "/walmart/search?q=coffee"):
        page = requests.get(shop_url + path, timeout=10).text
        reader = Tags()
        reader.feed(page)
        links = [
            said.get("src") or said.get("href")
            for tag, said in reader.tags
            if tag in ("img", "script", "link")
        ]
        assert all(link.startswith(shop_url) for link in links if link)


@pytest.mark.parametrize(
    "query", ["page=-1", "page=99999999999", "page=x", "q=%00%ff", "market=%0d%0a", "zip=x"]
)
def test_nonsense_queries(shop_url, query):
    """Nonsense in the query is answered with a page."""
    assert requests.get(f"{shop_url}/search?{query}", timeout=10).status_code == 200
