"""The shop as a web application."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from nimble_pandas.local.shop.catalogue import Product, by_number, matching
from nimble_pandas.local.shop.pages import amazon, broken, generic, shelves, walmart
from nimble_pandas.local.shop.pages.drawing import drawing
from nimble_pandas.local.shop.pages.layout import TITLES
from nimble_pandas.local.shop.visit import Visit, product_path, visit

Writer = Callable[[Visit, Product], str]

_PAGE = 20
_SLOWEST = 10.0
_ROBOTS = "User-agent: *\nDisallow: /private/\nAllow: /\n"
_GENERIC: dict[str, Writer] = {
    "jsonld": generic.jsonld,
    "microdata": generic.microdata,
    "opengraph": generic.opengraph,
}


def application(*, day: int | Callable[[], int] = 0) -> Starlette:
    """Build the demo shop.

    Parameters
    ----------
    day : int or callable, default 0
        The day of its prices, or what tells it: about one price in nine moves each day.
        ``application.state.day`` can be set while the shop is open.

    Returns
    -------
    Starlette
        An ASGI application; it needs nothing from outside and keeps nothing.
    """
    routes = [
        Route("/", _front),
        Route("/robots.txt", _robots),
        Route("/p/{number}", _own(_generic)),
        Route("/walmart/ip/{slug}/{number}", _own(walmart.product_page)),
        Route("/walmart/ip/{number}", _own(walmart.product_page)),
        Route("/amazon/dp/{number}", _own(amazon.product_page)),
        Route("/amazon/{slug}/dp/{number}", _own(amazon.product_page)),
        Route("/c/{aisle}", _aisle),
        Route("/search", _search),
        Route("/walmart/search", _searching("q", walmart.search_page)),
        Route("/amazon/s", _searching("k", amazon.search_page)),
        Route("/broken/{number}", _own(broken.sloppy)),
        Route("/hopeless/{number}", _own(broken.hopeless)),
        Route("/private/{number}", _own(_generic)),
        Route("/slow/{number}", _slow),
        Route("/r/{number}", _redirect),
        Route("/loop", _loop),
        Route("/img/{sku}.svg", _picture),
    ]
    app = Starlette(routes=routes, exception_handlers={404: _missing})
    app.state.day = day
    return app


def _generic(seen: Visit, product: Product) -> str:
    return _GENERIC[product.generic_style](seen, product)


def _own(write: Writer) -> Callable[[Request], Response]:
    """Make an endpoint of what writes a product's page."""

    def endpoint(request: Request) -> Response:
        seen = visit(request)
        product = by_number().get(request.path_params["number"])
        if product is None:
            return _missing(request, None)
        if product.is_discontinued:
            text = f"{product.name} has been discontinued."
            return _html(seen, shelves.notice_page(seen, title="Gone for good", text=text), 410)
        return _html(seen, write(seen, product))

    return endpoint


def _searching(name: str, write: Callable[..., str]) -> Callable[[Request], Response]:
    """Make an endpoint of what writes a vendor's search page, and its parameter's name."""

    def endpoint(request: Request) -> Response:
        seen, words = visit(request), _words(request, name)
        everything = matching(words)
        found = _cut(everything, _page_number(request))
        return _html(seen, write(seen, title=words or "All products", found=found, total=len(everything)))

    return endpoint


def _front(request: Request) -> Response:
    seen = visit(request)
    return _html(seen, shelves.front_page(seen))


def _aisle(request: Request) -> Response:
    slug = request.path_params["aisle"]
    if slug not in TITLES:
        return _missing(request, None)
    return _shelf(request, title=TITLES[slug], everything=matching("", aisle=slug))


def _search(request: Request) -> Response:
    words = _words(request, "q")
    return _shelf(request, title=f"Results for “{words}”", everything=matching(words))


def _shelf(request: Request, *, title: str, everything: list[Product]) -> Response:
    seen, number = visit(request), _page_number(request)
    asked = {"q": request.query_params.get("q", ""), "page": str(number + 1)}
    more = seen.link(request.url.path.removeprefix(request.scope.get("root_path", "")), **asked)
    html = shelves.shelf_page(
        seen,
        title=title,
        found=_cut(everything, number),
        total=len(everything),
        more=more if number * _PAGE < len(everything) else "",
    )
    return _html(seen, html)


async def _slow(request: Request) -> Response:
    """Answer after ``?seconds=``, at most ten."""
    await asyncio.sleep(_seconds(request.query_params.get("seconds")))
    return _own(_generic)(request)


def _redirect(request: Request) -> Response:
    """Send old links, one permanent and one temporary step, to the product."""
    product = by_number().get(request.path_params["number"])
    if product is None:
        return _missing(request, None)
    seen, moved = visit(request), request.query_params.get("moved")
    here = seen.link(f"/r/{product.sku}", moved="1")
    return (
        RedirectResponse(seen.link(product_path(product, "own")), 302)
        if moved
        else RedirectResponse(here, 301)
    )


def _loop(request: Request) -> Response:
    return RedirectResponse(visit(request).link("/loop"), 302)


def _picture(request: Request) -> Response:
    product = by_number().get(request.path_params["sku"])
    if product is None:
        return _missing(request, None)
    return Response(drawing(product), media_type="image/svg+xml", headers={"cache-control": "max-age=3600"})


def _robots(_request: Request) -> Response:
    return PlainTextResponse(_ROBOTS)


def _missing(request: Request, _error: Exception | None) -> Response:
    seen = visit(request)
    text = "There is no such product in this shop."
    return _html(seen, shelves.notice_page(seen, title="Page not found", text=text), 404)


def _html(seen: Visit, html: str, status_code: int = 200) -> Response:
    headers = {
        "content-language": seen.language.replace("_", "-"),
        "vary": "Accept-Language, Demo-Country, Demo-State, Demo-City, Demo-Zip",
        "cache-control": "no-store",
    }
    return HTMLResponse(html, status_code, headers=headers)


def _words(request: Request, name: str) -> str:
    return request.query_params.get(name, "")[:200].strip()


def _page_number(request: Request) -> int:
    text = request.query_params.get("page", "1")[:6]
    return max(int(text), 1) if text.isascii() and text.isdigit() else 1


def _cut(everything: list[Product], number: int) -> list[Product]:
    return everything[(number - 1) * _PAGE : number * _PAGE]


def _seconds(text: str | None) -> float:
    try:
        wanted = float(text or 1)
    except ValueError:
        wanted = 1.0
    return min(max(wanted, 0.0), _SLOWEST) if wanted == wanted else 0.0  # noqa: PLR0124 - NaN is not itself
