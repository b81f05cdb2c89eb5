"""Pictures of products, drawn."""

from __future__ import annotations

from html import escape

from nimble_pandas.local.shop.catalogue import Product
from nimble_pandas.local.shop.identifiers import draw
from nimble_pandas.local.shop.words import AISLES

_HUES = {aisle.slug: 25 + 36 * place for place, aisle in enumerate(AISLES)}


def drawing(product: Product) -> str:
    """Draw a product.

    Parameters
    ----------
    product : Product
        The product.

    Returns
    -------
    str
        SVG: shapes in the hue of its category, and its brand's initial.
    """
    hue = _HUES[product.aisle]
    shapes = "".join(_shape(product, place, hue) for place in range(4))
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 300">'
        f'<rect width="400" height="300" fill="hsl({hue} 45% 93%)"/>{shapes}'
        '<text x="200" y="182" font-size="92" font-weight="700" text-anchor="middle" '
        f'font-family="sans-serif" fill="hsl({hue} 55% 24%)">{escape(product.brand[0])}</text></svg>'
    )


def _shape(product: Product, place: int, hue: int) -> str:
    x, y = draw("x", product.sku, place, below=300), draw("y", product.sku, place, below=220)
    size = draw("size", product.sku, place, below=90)
    look = f'fill="hsl({hue + 12 * place} 50% {62 + 6 * place}%)" opacity=".6"'
    if draw("round", product.sku, place, below=2):
        return f'<circle cx="{x + 50}" cy="{y + 40}" r="{size // 2 + 26}" {look}/>'
    return f'<rect x="{x}" y="{y}" width="{size + 50}" height="{size + 40}" rx="18" {look}/>'
