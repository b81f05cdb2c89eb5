"""The shop's products, the same in every process."""

from __future__ import annotations

import itertools
import re
import unicodedata
from dataclasses import dataclass
from functools import cache

from nimble_pandas.local.shop.identifiers import asin, draw, gtin13, item_id, offer_id, share
from nimble_pandas.local.shop.words import AISLES, AWKWARD, Aisle, Kind

# The markup in which a product is at home, in turn.
STYLES = ("jsonld", "walmart", "microdata", "amazon", "opengraph")

_GENERIC = {"walmart": "jsonld", "amazon": "microdata"}
_N_KINDS = 8  # in each aisle
_N_BRANDS = 4
_PARTLY_SOLD = 9  # one product in so many is kept from some markets
_SOMEWHERE_ELSE = ("GB", "DE", "FR", "JP", "CA", "AU", "BR", "IN", "MX")
_OUT_OF_STOCK = 19
_DISCONTINUED = 53
_NOT_SLUG = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One product, before any market's price.

    Parameters
    ----------
    index : int
        Its place in the catalogue.
    name, brand, model, colour, description : str
        What it says on the box.
    aisle : str
        The slug of its category.
    price : float
        What it costs in US dollars before the markets' differences.
    """

    index: int
    name: str
    brand: str
    aisle: str
    price: float
    model: str
    colour: str
    description: str

    @property
    def sku(self) -> str:
        """Eight digits, the first ones zero."""
        return f"{self.index * 37 + 1041:08d}"

    @property
    def gtin13(self) -> str:
        """Thirteen digits with a valid check digit."""
        return gtin13(self.index + 1)

    @property
    def asin(self) -> str:
        """Amazon's number for it."""
        return asin(self.sku)

    @property
    def parent_asin(self) -> str:
        """Amazon's number for it and its variants."""
        return asin("parent", self.sku)

    @property
    def item_id(self) -> str:
        """Walmart's number for it."""
        return item_id(self.sku)

    @property
    def offer_id(self) -> str:
        """Walmart's number for its offer."""
        return offer_id(self.sku)

    @property
    def slug(self) -> str:
        """Its name as a part of a URL."""
        plain = unicodedata.normalize("NFKD", self.name).encode("ascii", "ignore").decode().lower()
        return _NOT_SLUG.sub("-", plain).strip("-") or "item"

    @property
    def style(self) -> str:
        """The markup in which it is at home."""
        return STYLES[(self.index + self.index // len(AISLES)) % len(STYLES)]  # all of them in each aisle

    @property
    def generic_style(self) -> str:
        """The markup of its page that is no vendor's."""
        return _GENERIC.get(self.style, self.style)

    @property
    def rating(self) -> float:
        """From 3.1 to 4.9 stars."""
        return 3.1 + draw("rating", self.sku, below=19) / 10

    @property
    def n_ratings(self) -> int:
        """How many have rated it."""
        return int(3 + 9000 * share("ratings", self.sku) ** 4)

    @property
    def is_discontinued(self) -> bool:
        """Its page is gone."""
        return self.index % _DISCONTINUED == _DISCONTINUED - 1

    @property
    def is_out_of_stock(self) -> bool:
        """Sold out everywhere."""
        return self.index % _OUT_OF_STOCK == 7  # noqa: PLR2004 - any remainder will do

    def is_sold_in(self, country: str) -> bool:
        """Say whether a market has it.

        Parameters
        ----------
        country : str
            The market; the US have everything.

        Returns
        -------
        bool
            Whether it is sold there.
        """
        if country not in _SOMEWHERE_ELSE or self.index % _PARTLY_SOLD != 4:  # noqa: PLR2004 - any remainder
            return True
        return draw("sold", self.sku, country, below=3) == 0


@cache
def products() -> tuple[Product, ...]:
    """List the whole catalogue.

    Returns
    -------
    tuple of Product
        Categories mixed, always in the same order.
    """
    mixed = itertools.product(range(_N_KINDS), range(_N_BRANDS), AISLES)
    regular = [_product(n, aisle, aisle.kinds[kind], brand) for n, (kind, brand, aisle) in enumerate(mixed)]
    return (*regular, *(_awkward(len(regular) + place, *line) for place, line in enumerate(AWKWARD)))


@cache
def by_number() -> dict[str, Product]:
    """Find products by SKU, item id or ASIN.

    Returns
    -------
    dict of str to Product
        The whole catalogue under each of its numbers.
    """
    return {number: item for item in products() for number in (item.sku, item.item_id, item.asin)}


def matching(words: str, *, aisle: str | None = None) -> list[Product]:
    """Search the catalogue.

    Parameters
    ----------
    words : str
        All of them must begin a word of the product's name or category.
    aisle : str, optional
        The slug of one category.

    Returns
    -------
    list of Product
        In catalogue order, without what is discontinued.
    """
    wanted = words.casefold().split()
    shelf = (item for item in products() if aisle in (None, item.aisle) and not item.is_discontinued)
    return [
        item
        for item in shelf
        if all(f" {word}" in f" {item.name} {item.aisle}".casefold() for word in wanted)
    ]


def _product(index: int, aisle: Aisle, kind: Kind, brand_no: int) -> Product:
    key = (aisle.slug, kind.noun, brand_no)
    brand = aisle.brands[brand_no]
    line = aisle.lines[draw("line", *key, below=len(aisle.lines))]
    variant_no = draw("variant", *key, below=len(kind.variants))
    variant = kind.variants[variant_no]
    colour = aisle.colours[draw("colour", *key, below=len(aisle.colours))]
    name = f"{brand} {line} {kind.noun}, {variant}" + (f", {colour}" if colour else "")
    level = (variant_no + share("price", *key)) / len(kind.variants)
    return Product(
        index=index,
        name=name,
        brand=brand,
        aisle=aisle.slug,
        price=round(kind.low + (kind.high - kind.low) * level, 2),
        model=f"{brand[:2].upper()}-{draw('model', *key, below=9000) + 1000}",
        colour=colour,
        description=_description(brand, kind.noun, variant, key),
    )


def _awkward(index: int, aisle: str, brand: str, name: str, price: float) -> Product:
    return Product(
        index=index,
        name=name,
        brand=brand,
        aisle=aisle,
        price=price,
        model=f"X{index:04d}",
        colour="",
        description=f"{name}: on the shelf so that nothing from page to table takes a name for markup.",
    )


_PRAISE = (
    "Made for every day, not for the cupboard.",
    "Quiet, sturdy and easy to clean.",
    "Our most returned-to product: people buy a second one for the cabin.",
    "Tested by our own staff for a year before it came to the shelf.",
    "Arrives in a box that holds nothing but paper.",
    "Spare parts are kept for ten years.",
)


def _description(brand: str, noun: str, variant: str, key: tuple[object, ...]) -> str:
    first = draw("praise", *key, below=len(_PRAISE))
    second = (first + 1 + draw("more", *key, below=len(_PRAISE) - 1)) % len(_PRAISE)
    return f"{brand} {noun} ({variant}). {_PRAISE[first]} {_PRAISE[second]}"
