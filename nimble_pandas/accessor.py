"""``df.nimble`` and ``series.nimble``: the verbs, on the frame or on the column of URLs itself."""

from __future__ import annotations

import difflib
import functools
import inspect
import re
from collections.abc import Callable, Hashable, Iterable
from typing import Any

import pandas as pd

from nimble_pandas import pricing, verbs
from nimble_pandas.options import Options


def _method(verb: Callable[..., Any], *, given: Iterable[str] = ()) -> Callable[..., Any]:
    """Return a verb as a method, with the signature and the documentation that it has as a function.

    Parameters
    ----------
    verb : callable
        Takes a frame, and arguments by name.
    given : iterable of str
        Arguments that the object itself gives.
    """
    name = verb.__name__
    signature = inspect.signature(verb)
    first, *keywords = signature.parameters.values()
    keywords = [keyword for keyword in keywords if keyword.name not in given]
    names = [keyword.name for keyword in keywords]
    by_name = all(keyword.kind is keyword.KEYWORD_ONLY for keyword in keywords)

    @functools.wraps(verb)
    def method(self: NimbleAccessor | NimbleSeriesAccessor, *others: Any, **arguments: Any) -> Any:  # noqa: ANN401 -- as the verb
        if others and by_name:
            raise TypeError(f"{name}() takes its arguments by name.{_example(name, names, others[0])}")
        for argument in arguments.keys() - set(names):
            raise TypeError(
                f"{name}() got an unexpected keyword argument {argument!r}.{_meant(argument, names)}"
            )
        if "storage_options" in arguments:
            # tracebacks show local variables
            arguments["storage_options"] = Options(arguments["storage_options"])
        return verb(self._frame, *others, **self._given, **arguments)

    this = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    method.__signature__ = signature.replace(parameters=[this, *keywords])  # type: ignore[attr-defined]
    method.__doc__ = _without(verb.__doc__ or "", [first.name, *given])
    return method


def _without(document: str, names: Iterable[str]) -> str:
    for name in names:
        document = re.sub(rf"\n {{4}}{name} : .*?(?=\n {{4}}\w+ : )", "", document, flags=re.DOTALL)
    return document


def _example(verb: str, names: list[str], given: object) -> str:
    column = "url" if str(given).startswith(("http://", "https://")) else "url_col"
    if column not in names:
        return f' Such as {verb}(vendor="walmart").'
    return f" Such as {verb}({column}={given!r})." if isinstance(given, str) else ""


def _meant(argument: str, names: list[str]) -> str:
    close = difflib.get_close_matches(argument, names, n=2)
    return f" Did you mean {' or '.join(map(repr, close))}?" if close else ""


class _Verbs:
    """What both accessors say of themselves."""

    def __repr__(self) -> str:
        verbs = [name for name in dir(type(self)) if not name.startswith("_")]
        return f"The verbs of nimble_pandas: {', '.join(verbs)}. help() of any of them says more."


@pd.api.extensions.register_dataframe_accessor("nimble")
class NimbleAccessor(_Verbs):
    """The verbs of nimble_pandas on a frame: `plan`, `submit` and `batch`, and what comes next.

    Parameters
    ----------
    frame : pandas.DataFrame, shape (n, k)
        The rows; never changed.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        # nothing else: an error here would break tab completion of every frame
        self._frame = frame

    _given: dict[str, Hashable] = {}  # noqa: RUF012 -- nothing: a frame has many columns

    plan = _method(verbs.plan)
    submit = _method(verbs.submit)
    batch = _method(verbs.batch)
    prices = _method(pricing.prices)
    compare = _method(pricing.compare)
    changes = _method(pricing.changes)
    plot_prices = _method(pricing.plot_prices)
    plot_history = _method(pricing.plot_history)
    plot_status = _method(pricing.plot_status)


@pd.api.extensions.register_series_accessor("nimble")
class NimbleSeriesAccessor(_Verbs):
    """The verbs of nimble_pandas on a column of URLs: `plan`, `submit` and `batch`.

    The rows are those of a frame with this one column, under its name (``url`` if it has none) and its
    index. Columns for other parameters may be index levels.

    Parameters
    ----------
    urls : pandas.Series, length n
        The pages; never changed.

    Examples
    --------
    >>> import pandas as pd, nimble_pandas
    >>> urls = pd.Series(["https://www.walmart.com/ip/1", "https://www.walmart.com/ip/2"])
    >>> urls.nimble.plan(vendor="walmart").n_requests
    2
    """

    def __init__(self, urls: pd.Series) -> None:
        # nothing else, as above
        self._urls = urls

    @property
    def _frame(self) -> pd.DataFrame:
        return self._urls.to_frame("url") if self._urls.name is None else self._urls.to_frame()

    @property
    def _given(self) -> dict[str, Hashable]:
        return {"url_col": "url" if self._urls.name is None else self._urls.name}

    plan = _method(verbs.plan, given=["url_col", "url"])
    submit = _method(verbs.submit, given=["url_col", "url"])
    batch = _method(verbs.batch, given=["url_col", "url"])
