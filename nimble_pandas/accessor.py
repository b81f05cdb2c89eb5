"""``df.nimble``: the verbs, on the frame itself."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable
from typing import Any

import pandas as pd

from nimble_pandas import pricing, verbs
from nimble_pandas.options import Options


def _method(verb: Callable[..., Any]) -> Callable[..., Any]:
    """Return a verb as a method, with the signature and the documentation that it has as a function."""

    @functools.wraps(verb)
    def method(self: NimbleAccessor, *others: Any, **arguments: Any) -> Any:  # noqa: ANN401 -- as the verb
        if "storage_options" in arguments:
            # tracebacks show local variables
            arguments["storage_options"] = Options(arguments["storage_options"])
        return verb(self._frame, *others, **arguments)

    signature = inspect.signature(verb)
    _, *keywords = signature.parameters.values()
    this = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    method.__signature__ = signature.replace(parameters=[this, *keywords])  # type: ignore[attr-defined]
    method.__qualname__ = f"NimbleAccessor.{verb.__name__}"
    method.__doc__ = re.sub(r"\n {4}frame : .*?(?=\n {4}\w+ : )", "", verb.__doc__ or "", flags=re.DOTALL)
    return method


@pd.api.extensions.register_dataframe_accessor("nimble")
class NimbleAccessor:
    """The verbs of nimble_pandas on a frame: `plan`, `submit` and `batch`, and what comes next.

    Parameters
    ----------
    frame : pandas.DataFrame, shape (n, k)
        The rows; never changed.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        # nothing else: an error here would break tab completion of every frame
        self._frame = frame

    plan = _method(verbs.plan)
    submit = _method(verbs.submit)
    batch = _method(verbs.batch)
    prices = _method(pricing.prices)
