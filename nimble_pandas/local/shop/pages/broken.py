"""Markup that is broken, as it is found in the wild."""

from __future__ import annotations

import json
from html import escape

from nimble_pandas.local.shop.catalogue import Product
from nimble_pandas.local.shop.pages.generic import described_product
from nimble_pandas.local.shop.visit import Visit


def sloppy(visit: Visit, product: Product) -> str:
    """Write a page whose JSON-LD has comments and trailing commas and whose tags are never closed.

    Parameters
    ----------
    visit : Visit
        Who is looking.
    product : Product
        The product.

    Returns
    -------
    str
        HTML that a patient reader can still read.
    """
    written = json.dumps(described_product(visit, product), indent=1, ensure_ascii=False)
    spoilt = written.replace("<", "\\u003c").replace("\n}", ",\n}").replace('"sku"', '/* stock */ "sku"')
    return (
        f"<html><head><title>{escape(product.name)}<meta name=x></title>\n"
        f'<script type="application/ld+json">\n<!--\n{spoilt}\n//-->\n</script>\n'
        f"<body><div><p><b>{escape(product.name)}<div><table><td>{escape(product.brand)}<i>"
    )


def hopeless(visit: Visit, product: Product) -> str:
    """Write a page whose JSON-LD stops in the middle and which names no price elsewhere.

    Parameters
    ----------
    visit : Visit
        Who is looking.
    product : Product
        The product.

    Returns
    -------
    str
        HTML in which no product can be found.
    """
    written = json.dumps(described_product(visit, product)).replace("<", "\\u003c")
    return (
        f'<html><head><title>{escape(product.brand)}</title><script type="application/ld+json">'
        f"{written[: len(written) // 2]}</script></head><body><div class=price>"
    )
