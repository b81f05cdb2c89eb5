"""The demo shop: a few hundred invented products in ten markets, for everything to run offline.

A fetcher says where it wants to be in the headers ``Demo-Country``, ``Demo-State``, ``Demo-City`` and
``Demo-Zip``; a person in a browser with ``?market=DE``. ``Accept-Language`` decides how prices are written.
"""

from __future__ import annotations

from nimble_pandas.local.shop.site import application
from nimble_pandas.local.shop.urls import (
    broken_urls,
    disallowed_urls,
    gone_urls,
    missing_urls,
    out_of_stock_urls,
    product_urls,
    redirecting_urls,
    search_urls,
    sloppy_urls,
    slow_urls,
    unsold_urls,
)

__all__ = [
    "application",
    "broken_urls",
    "disallowed_urls",
    "gone_urls",
    "missing_urls",
    "out_of_stock_urls",
    "product_urls",
    "redirecting_urls",
    "search_urls",
    "sloppy_urls",
    "slow_urls",
    "unsold_urls",
]
