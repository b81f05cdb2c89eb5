"""The parser against pages written as real shops write them."""

import json
import subprocess
import sys

import pytest
from written_pages import KETTLE, MICRODATA, URL, jsonld, product, read

from nimble_pandas.local.parse import parse
from nimble_pandas.local.parse.offers import amount, currency_code, offer

IN_STOCK = "https://schema.org/InStock"


def test_shape():
    """The answer has the documented shape, and its entities say their type."""
    answer = parse(jsonld(KETTLE), url=URL, vendor=None)
    assert answer == {
        "status": "success",
        "entities": {
            "Product": [
                {
                    "entity_type": "Product",
                    "name": "Kettle",
                    "description": "Boils.",
                    "image": ["https://shop.example/img/k.jpg", "https://cdn.example/k2.jpg"],
                    "sku": "00417",
                    "gtin13": "0200000007919",
                    "mpn": "K-1",
                    "model": "K1",
                    "color": "Red",
                    "brand": "Olina",
                    "aggregateRating": {"ratingValue": 4.5, "reviewCount": 12},
                    "offers": {
                        "price": 19.99,
                        "priceCurrency": "USD",
                        "availability": IN_STOCK,
                        "url": "https://shop.example/p/kettle",
                    },
                }
            ]
        },
        "total_entities_count": 1,
        "entities_count": {"Product": 1},
        "metrics": {},
    }


@pytest.mark.parametrize(
    "html", ["", " ", "<p>hello", "no html at all", "<html></html>", "\x00", "<!--", "{}"]
)
def test_nothing(html):
    """A page without a product is a parse error in words."""
    answer = parse(html, url=URL, vendor="walmart")
    assert answer["status"] == "error"
    assert answer["error"]


@pytest.mark.parametrize(
    "text",
    [
        '{"@type":"Product","name":"Kettle","offers":{"price":5,},}',
        '<!-- {"@type":"Product","name":"Kettle","offers":{"price":5}} -->',
        '//<![CDATA[\n{"@type":"Product","name":"Kettle","offers":{"price":5}}\n//]]>',
        '/*<![CDATA[*/{"@type":"Product","name":"Kettle","offers":{"price":5}}/*]]>*/;',
        '/* made by a plugin */ {"@type":"Product", // the product\n"name":"Kettle","offers":{"price":5}}',
        '{"@type":"Product","name":"Kettle","description":"two\nlines\tand a tab","offers":{"price":5}}',
        "{&quot;@type&quot;:&quot;Product&quot;,&quot;name&quot;:&quot;Kettle&quot;,&quot;offers&quot;:{&quot;price&quot;:5}}",
        '{"@type":"Product","name":"Kettle","offers":{"price":5}}{"@type":"WebPage"}',
        '[[{"@type":"Product","name":"Kettle","offers":{"price":5}}]]',
        '{"@graph":[{"@type":"WebPage"},{"@type":["Product","Thing"],"name":"Kettle","offers":{"price":5}}]}',
        '{"@type":"ItemPage","mainEntity":{"@type":"http://schema.org/Product","name":"Kettle","offers":{"price":5}}}',
        '{"@type":"schema:Product","name":{"@value":"Kettle","@language":"en"},"offers":[{"price":5}]}',
        '{"@type":"Offer","price":5,"itemOffered":{"@type":"Product","name":"Kettle"}}',
        '{"@type":"Product","name":"Kettle","url":"http:\\/\\/x.example\\/a","offers":{"price":5}}',
    ],
)
def test_jsonld_in_the_wild(text):
    """JSON-LD is read however carelessly it was written."""
    found = product(jsonld(text))
    assert found["name"] == "Kettle"
    assert found["offers"]["price"] == 5


def test_broken_script_costs_only_itself():
    """One script beyond repair does not hide the product of the next."""
    assert product(jsonld('{"@type":"Product","name":', KETTLE))["name"] == "Kettle"


@pytest.mark.parametrize(
    "kind", ["application/ld+json; charset=utf-8", "APPLICATION/LD+JSON", " application/ld+json "]
)
def test_script_types(kind):
    """The script's type may carry a charset, capitals or spaces."""
    assert product(f'<script type="{kind}">{json.dumps(KETTLE)}</script>')["sku"] == "00417"


def test_escaped_text():
    """HTML entities inside JSON strings are undone once; what only looks like one in a link is left."""
    found = product(
        jsonld(
            {
                "@type": "Product",
                "name": "Salt &amp; Pepper &#8211; &quot;Duo&quot;",
                "url": "/p?a=1&copy=2&amp;b=3",
            }
        )
    )
    assert found["name"] == 'Salt & Pepper \u2013 "Duo"'
    assert found["url"] == "https://shop.example/p?a=1&copy=2&b=3"


def test_references():
    """A bare @id stands for the object of that name, also in another script."""
    found = product(
        jsonld(
            {
                "@graph": [
                    {
                        "@type": "Product",
                        "@id": "#p",
                        "name": "Kettle",
                        "offers": [{"@id": "#o"}],
                        "brand": {"@id": "#b"},
                    }
                ]
            },
            {"@id": "#o", "@type": "Offer", "price": 5, "seller": {"@id": "#s"}},
            {"@id": "#b", "@type": "Brand", "name": "Olina"},
            {"@id": "#s", "@type": "Organization", "name": "Shop"},
            {"@id": "#p", "@type": "Product", "aggregateRating": {"ratingValue": 4}},
        )
    )
    assert found["brand"] == "Olina"
    assert found["offers"] == {"price": 5, "seller": {"name": "Shop"}}
    assert found["aggregateRating"] == {"ratingValue": 4}


def test_circular_references():
    """Objects that hold each other end somewhere."""
    found = product(
        jsonld(
            {"@id": "#p", "@type": "Product", "name": "Kettle", "review": {"@id": "#r"}},
            {"@id": "#r", "@type": "Review", "itemReviewed": {"@id": "#p"}, "author": "A"},
        )
    )
    assert found["review"] == {"itemReviewed": "#p", "author": "A"}


def test_several_offers():
    """Several offers stay a list, with the lowest and highest price and what they share."""
    offered = [
        {"@type": "Offer", "price": "7,50", "priceCurrency": "EUR", "availability": "InStock"},
        {"@type": "Offer", "price": 5, "priceCurrency": "EUR", "availability": "InStock"},
    ]
    found = product(jsonld(KETTLE | {"offers": offered}))["offers"]
    assert [item["price"] for item in found.pop("offers")] == [7.5, 5]
    assert found == {
        "lowPrice": 5,
        "highPrice": 7.5,
        "priceCurrency": "EUR",
        "availability": IN_STOCK,
        "offerCount": 2,
    }


def test_aggregate_offer():
    """An aggregate keeps its own low and high price, and one price where they are the same."""
    aggregate = {"@type": "AggregateOffer", "lowPrice": "10.00", "highPrice": "12.50", "priceCurrency": "GBP"}
    found = product(jsonld(KETTLE | {"offers": aggregate}))["offers"]
    assert found == {"lowPrice": 10, "highPrice": 12.5, "priceCurrency": "GBP"}
    found = product(jsonld(KETTLE | {"offers": aggregate | {"highPrice": 10}}))["offers"]
    assert found["price"] == 10


def test_offers_inside_an_aggregate():
    """The offers that an aggregate holds are read too."""
    inner = [{"@type": "Offer", "price": "$5.00"}, {"@type": "Offer", "price": "$7.00"}]
    found = product(jsonld(KETTLE | {"offers": {"@type": "AggregateOffer", "offers": inner}}))["offers"]
    assert [item["price"] for item in found["offers"]] == [5, 7]
    assert (found["lowPrice"], found["highPrice"]) == (5, 7)


def test_price_specification():
    """A price in a specification counts, the list price beside it does not."""
    specified = [
        {"@type": "UnitPriceSpecification", "priceType": "https://schema.org/ListPrice", "price": 30},
        {"@type": "UnitPriceSpecification", "price": "25.00", "priceCurrency": "CAD"},
    ]
    found = product(jsonld(KETTLE | {"offers": {"@type": "Offer", "priceSpecification": specified}}))[
        "offers"
    ]
    assert (found["price"], found["priceCurrency"]) == (25, "CAD")


def test_variants():
    """A group gives one product per variant, with what is said of all; the page's own comes first."""
    group = {
        "@type": "ProductGroup",
        "productGroupID": "G1",
        "name": "Shirt",
        "brand": {"name": "Olina"},
        "variesBy": ["size"],
        "hasVariant": [
            {"@type": "Product", "sku": "1", "size": "S", "url": "/s", "offers": {"price": 5}},
            {
                "@type": "Product",
                "sku": "2",
                "name": "Shirt M",
                "size": "M",
                "url": "/m",
                "offers": {"price": 6},
            },
            {"url": "/elsewhere"},
        ],
    }
    found = read(jsonld(group), url="https://shop.example/m")["Product"]
    assert [(item["sku"], item["name"], item["brand"]) for item in found] == [
        ("2", "Shirt M", "Olina"),
        ("1", "Shirt", "Olina"),
    ]
    assert {item["inProductGroupWithID"] for item in found} == {"G1"}


def test_group_without_variants():
    """A group whose variants are only links is one product."""
    found = product(
        jsonld(
            {"@type": "ProductGroup", "name": "Shirt", "hasVariant": [{"url": "/s"}], "offers": {"price": 5}}
        )
    )
    assert (found["name"], found["offers"]["price"]) == ("Shirt", 5)


def test_variant_of():
    """A variant takes from its group what it does not say itself."""
    group = {"@type": "ProductGroup", "productGroupID": "G", "name": "Shirt", "description": "Cotton"}
    found = product(jsonld({"@type": "Product", "name": "Shirt M", "isVariantOf": group}))
    assert (found["name"], found["description"], found["inProductGroupWithID"]) == ("Shirt M", "Cotton", "G")


def test_item_list():
    """Item lists give search results: links, list items, products and offers; menus do not."""
    entries = [
        "/p/1",
        {"@type": "ListItem", "position": "2", "url": "/p/2", "name": "Two"},
        {
            "@type": "ListItem",
            "position": 3,
            "item": {"@type": "Product", "name": "Three", "offers": {"price": "3.00"}},
        },
        {"@type": "Product", "name": "Four", "url": "/p/4"},
        {"@type": "ListItem", "position": 5, "item": "/p/5"},
        {"@type": "ListItem", "position": 6, "item": {"@id": "/p/6", "name": "Six"}},
        {"@type": "Offer", "price": 7, "itemOffered": {"@type": "Product", "name": "Seven"}},
    ]
    menu = {
        "@type": "ItemList",
        "itemListElement": [{"@type": "SiteNavigationElement", "name": "Home", "url": "/"}],
    }
    crumbs = {
        "@type": "BreadcrumbList",
        "itemListElement": [{"@type": "ListItem", "position": 1, "name": "Home"}],
    }
    entities = read(jsonld({"@type": "ItemList", "itemListElement": entries}, menu, crumbs))
    assert list(entities) == ["SearchResult"]
    found = [(item["position"], item.get("name"), item.get("url")) for item in entities["SearchResult"]]
    site = "https://shop.example/p"
    assert found == [
        (1, None, f"{site}/1"),
        (2, "Two", f"{site}/2"),
        (3, "Three", None),
        (4, "Four", f"{site}/4"),
        (5, None, f"{site}/5"),
        (6, "Six", f"{site}/6"),
        (7, "Seven", None),
    ]
    assert [item["offers"]["price"] for item in entities["SearchResult"] if "offers" in item] == [3, 7]


def test_book():
    """A work is a product where an offer says that it is sold, and nowhere else."""
    book = {
        "@type": "Book",
        "name": "Dune",
        "isbn": "9780441013593",
        "author": {"@type": "Person", "name": "Herbert"},
    }
    found = product(jsonld(book | {"offers": {"price": 9}}))
    assert (found["isbn"], found["author"]) == ("9780441013593", {"name": "Herbert"})
    assert parse(jsonld(book), url=URL, vendor=None)["status"] == "error"


def test_microdata():
    """Microdata gives the same fields as JSON-LD, prices for people read as numbers."""
    assert product(MICRODATA) == {
        "entity_type": "Product",
        "name": "Copper Kettle",
        "image": "https://shop.example/de/p/k.jpg",
        "sku": "00417",
        "brand": "Olina",
        "aggregateRating": {"ratingValue": 4.2, "bestRating": 5, "reviewCount": 31},
        "offers": {
            "price": 1299.0,
            "priceCurrency": "EUR",
            "availability": "https://schema.org/OutOfStock",
        },
    }


def test_microdata_offers():
    """Several offers in microdata stay a list."""
    body = '<p itemscope itemtype="https://schema.org/Product"><b itemprop="name">Kettle</b>'
    body += "".join(
        '<i itemprop="offers" itemscope itemtype="https://schema.org/Offer">'
        f'<u itemprop="price" content="{price}">x</u></i>'
        for price in (5, 7)
    )
    assert [item["price"] for item in product(body)["offers"]["offers"]] == [5, 7]


@pytest.mark.parametrize("key", ["property", "name"])
def test_open_graph(key):
    """Open Graph alone is enough, under either attribute and outside the head."""
    told = {
        "og:type": "product",
        "og:title": "Kettle",
        "og:image": "/k.jpg",
        "og:url": "/p/kettle",
        "product:price:amount": "1,299.00",
        "product:price:currency": "usd",
        "product:availability": "oos",
        "product:retailer_item_id": "0042",
        "product:brand": "Olina",
    }
    metas = "".join(f'<meta {key}="{name}" content="{value}">' for name, value in told.items())
    assert product(f"<html><head><div>{metas}</div>") == {
        "entity_type": "Product",
        "name": "Kettle",
        "image": "https://shop.example/k.jpg",
        "url": "https://shop.example/p/kettle",
        "sku": "0042",
        "brand": "Olina",
        "offers": {"price": 1299.0, "priceCurrency": "USD", "availability": "https://schema.org/OutOfStock"},
    }


def test_open_graph_price_only():
    """A price makes a page a product's even where its og:type says website; without one it is none."""
    title = '<meta property="og:type" content="website"><meta property="og:title" content="Kettle">'
    assert product(title + '<meta property="og:price:amount" content="5">')["offers"] == {"price": 5}
    assert parse(title, url=URL, vendor=None)["status"] == "error"


def test_merge():
    """JSON-LD goes first, microdata and Open Graph fill its gaps field by field."""
    thin = {"@type": "Product", "name": "Kettle", "offers": {"@type": "Offer", "price": "5.00"}}
    metas = (
        '<meta property="og:title" content="Kettle | Shop"><meta property="og:description" content="Boils.">'
        '<meta property="product:price:amount" content="9">'
        '<meta property="product:price:currency" content="USD">'
    )
    found = product(jsonld(thin, head=metas, body=MICRODATA))
    assert (found["name"], found["sku"], found["description"]) == ("Kettle", "00417", "Boils.")
    assert found["offers"]["price"] == 5
    assert found["offers"]["availability"] == "https://schema.org/OutOfStock"


def test_open_graph_does_not_become_a_result():
    """On a page with several products Open Graph is not mixed into any of them."""
    metas = '<meta property="og:type" content="product"><meta property="og:description" content="Our shop">'
    found = read(jsonld({"@type": "Product", "name": "A"}, {"@type": "Product", "name": "B"}, head=metas))[
        "Product"
    ]
    assert [item["name"] for item in found] == ["A", "B"]
    assert all("description" not in item for item in found)


def test_main_product_first():
    """The product that the page is about comes before the ones beside it."""
    others = [{"@type": "Product", "name": f"Other {n}", "url": f"/o/{n}"} for n in range(3)]
    mine = {"@type": "Product", "name": "Kettle", "url": URL}
    assert read(jsonld(*others, mine))["Product"][0]["name"] == "Kettle"
    by_title = read(jsonld(*others, {"@type": "Product", "name": "Kettle"}, body="<h1>Kettle</h1>"))
    assert by_title["Product"][0]["name"] == "Kettle"


def test_base_url():
    """Relative links are read against the page's base."""
    html = jsonld({"@type": "Product", "name": "K", "image": "k.jpg"}, head='<base href="//cdn.example/a/">')
    assert product(html)["image"] == "https://cdn.example/a/k.jpg"


@pytest.mark.parametrize(
    ("text", "currency", "number"),
    [
        ("19.99", None, 19.99),
        ("1299", None, 1299),
        ("1,299.00", "USD", 1299),
        ("1.299,00 €", None, 1299),
        ("1.299", "EUR", 1299),
        ("12.345", "KWD", 12.345),
        ("19.9900", "USD", 19.99),
        ("1 299,90\xa0kr", None, 1299.9),
        ("¥1,200", None, 1200),
        ("￥12,800", None, 12800),
        ("R$ 1.299,90", None, 1299.9),
        ("₹1,29,900.00", None, 129900),
        ("From $5", None, 5),
        ("Free", None, 0),
        ("on request", None, "on request"),
        (5, None, 5),
        (None, None, None),
        ("9" * 500 + "x", None, "9" * 500 + "x"),
    ],
)
def test_amounts(text, currency, number):
    """Prices are read as people of many countries write them; what is none stays as it is."""
    assert amount(text, currency)[0] == number


@pytest.mark.parametrize(
    ("text", "code"), [("usd", "USD"), ("€", "EUR"), ("R$", "BRL"), ("$", None), ("", None), (5, None)]
)
def test_currencies(text, code):
    """A sign gives a currency only where it means one alone."""
    assert currency_code(text) == code


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("in stock", "InStock"),
        ("http://schema.org/SoldOut", "SoldOut"),
        ("https://schema.org/SomethingNew", "SomethingNew"),
        ("available for order", "InStock"),
        ("Out Of Stock", "OutOfStock"),
        ("pre-order", "PreOrder"),
    ],
)
def test_availability(text, word):
    """Availability is said in schema.org's words, whatever the page's."""
    assert offer({"availability": text})["availability"] == f"https://schema.org/{word}"


def test_availability_in_other_words():
    """Words of the shop's own stay as they are."""
    assert offer({"availability": "ships in 3 weeks"})["availability"] == "ships in 3 weeks"


def test_light_import():
    """Importing the parser does not import the slow half of the extraction library."""
    code = (
        "import sys, nimble_pandas.local.parse; sys.exit('extruct' in sys.modules or 'rdflib' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
