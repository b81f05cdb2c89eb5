"""The parser against any text, any JSON and pages made to cost much: nothing raises or takes long."""

import json
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from written_pages import KETTLE, MICRODATA, URL, jsonld, next_data

from nimble_pandas.local.parse import parse


def assert_plain_json(answer):
    """Check that an answer can be written as strict JSON in UTF-8."""
    json.dumps(answer, allow_nan=False, ensure_ascii=False).encode()
    assert answer["status"] in ("success", "error")


@settings(max_examples=150, deadline=None)
@given(st.text())
@example("\ud800<p>")
@example('<a href="http://[">')
def test_any_text(text):
    """No text raises."""
    assert_plain_json(parse(text, url=text, vendor=text))


_NAMES = [
    "@id",
    "@type",
    "@graph",
    "@value",
    "name",
    "offers",
    "price",
    "priceCurrency",
    "availability",
    "hasVariant",
    "itemListElement",
    "item",
    "position",
    "image",
    "brand",
    "isVariantOf",
    "url",
    "mainEntity",
    "priceSpecification",
    "itemOffered",
    "lowPrice",
    "highPrice",
]
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("#1"),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(_NAMES),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


@settings(max_examples=200, deadline=None)
@given(_JSON, st.sampled_from(["Product", "ProductGroup", "ItemList", "Offer", "Book"]))
def test_any_jsonld(value, kind):
    """No JSON-LD raises, whatever stands where schema.org wants something else."""
    body = {
        "@id": "#1",
        "@type": kind,
        "name": "x",
        "offers": value,
        "hasVariant": value,
        "itemListElement": value,
    }
    answer = parse(jsonld(body, value), url=URL, vendor=None)
    assert_plain_json(answer)
    assert "could not be parsed" not in answer.get("error", "")


@settings(max_examples=100, deadline=None)
@given(_JSON)
def test_any_next_data(value):
    """No Walmart JSON raises, whatever stands where its fields should."""
    initial = {
        "data": {"product": value},
        "searchResult": {"itemStacks": [{"items": [value, {"name": value, "id": value}]}]},
    }
    answer = parse(next_data(initial), url=URL, vendor="walmart")
    assert_plain_json(answer)
    assert "could not be parsed" not in answer.get("error", "")


HOSTILE = {
    "attributes": "<a " + " ".join(f"b{n}" for n in range(100_000)) + ">x",
    "depth": "<div>" * 200_000,
    "json depth": jsonld("[" * 500_000),
    "object depth": jsonld('{"@type":"Product","name":"x","brand":' * 900 + "1" + "}" * 900),
    "reference bomb": jsonld(
        {"@type": "Product", "name": "x", "review": [{"@id": "#0"}] * 10},
        *({"@id": f"#{n}", "@type": "Q", "a": [{"@id": f"#{n + 1}"}] * 10} for n in range(30)),
    ),
    "big reference": jsonld(
        {"@type": "Product", "name": "x", "offers": [{"@id": "#o"}] * 20_000},
        {"@id": "#o", "@type": "Offer", "description": "y" * 100_000},
    ),
    "inheritance": jsonld(
        {
            "@type": "ProductGroup",
            "name": "g",
            "description": "d" * 500_000,
            "hasVariant": [{"sku": str(n)} for n in range(9999)],
        }
    ),
    "scripts": jsonld(*['{"@type":"Product",'] * 5000),
    "digits": jsonld('{"@type":"Product","name":"x","offers":{"price":' + "9" * 100_000 + "}}"),
    "itemref": '<p itemscope itemtype="http://schema.org/Product" itemref="'
    + "a " * 50_000
    + '"><b id=a itemprop=x>',
    "properties": "<div itemscope itemtype='http://schema.org/Product' itemprop=x>" * 200
    + "<b itemprop=y>z</b>" * 20_000,
    "prices": "<b id=productTitle>x</b><div id=centerCol>"
    + '<b class="a-price">' * 200
    + "<i>x</i>" * 20_000,
    "comments": jsonld('{"a":' + "/* x */" * 30_000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile(name):
    """A page made to cost much costs little, and gives plain JSON."""
    started = time.process_time()
    answer = parse(HOSTILE[name], url=URL, vendor="amazon")
    assert time.process_time() - started < 10  # without its bound each of these takes minutes
    assert_plain_json(answer)
    assert len(json.dumps(answer)) < 25_000_000


def test_small_page_is_quick():
    """A small page costs a few milliseconds of CPU."""
    html = jsonld(KETTLE, body=MICRODATA + "<p>words and words</p>" * 300)
    parse(html, url=URL, vendor=None)
    started = time.process_time()
    for _ in range(20):
        parse(html, url=URL, vendor=None)
    assert (time.process_time() - started) / 20 < 0.05
