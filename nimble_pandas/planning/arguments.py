"""From a verb's arguments to a plan."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import pandas as pd

from nimble_pandas.errors import InputError
from nimble_pandas.models import PARAMETERS, Delivery
from nimble_pandas.planning.plan import Plan
from nimble_pandas.planning.requests import make_plan
from nimble_pandas.planning.shown import shown


def plan_rows(
    frame: pd.DataFrame,
    *,
    columns: Mapping[str, Hashable | None],
    values: Mapping[str, object],
    params: Mapping[str, object] | None,
    param_cols: Mapping[str, Hashable] | None,
    delivery: Delivery,
) -> Plan:
    """Make the plan that the arguments of a verb describe.

    Parameters
    ----------
    frame : pandas.DataFrame, shape (n, k)
        The rows.
    columns, values : Mapping
        The column, and the default, of each parameter of the API's table.
    params, param_cols : Mapping or None
        The same for any other parameter.
    delivery : Delivery
        Where the outputs go.

    Returns
    -------
    Plan
        What would be sent.

    Raises
    ------
    InputError
        Nothing was sent.
    """
    for name, given in (("params", params), ("param_cols", param_cols)):
        if given is not None and not isinstance(given, Mapping):
            raise InputError(
                f"{name}={shown(given)} names no parameter.",
                hint=f'Nothing was sent. Give {name}={{"render": …}}.',
            )
    for name in {*(params or ()), *(param_cols or ())} & set(PARAMETERS):
        raise InputError(
            f"{name!r} has arguments of its own.", hint=f"Nothing was sent. Give {name}= or {name}_col=."
        )
    named = {name: label for name, label in columns.items() if label is not None}
    return make_plan(
        frame,
        columns={**named, **(param_cols or {})},
        values={**values, **(params or {})},
        delivery=delivery,
    )
