"""Pages from the web, politely: robots.txt, limits, and a place to ask from."""

from nimble_pandas.local.fetch.fetcher import Fetcher
from nimble_pandas.local.fetch.page import Page

__all__ = ["Fetcher", "Page"]
