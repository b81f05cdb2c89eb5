"""What would be sent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from nimble_pandas.errors import InputError
from nimble_pandas.models import Delivery, encode_batch
from nimble_pandas.planning import showing
from nimble_pandas.planning.columns import Codes, Column, fragment, join_objects


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Plan:
    """What would be sent for a frame; made by `plan`, sends nothing.

    Parameters
    ----------
    rows : pandas.DataFrame, shape (n, k)
        The caller's rows as they were; with a grid, each of them once per combination.
    delivery : Delivery
        Where the outputs go.
    defaults : dict
        Parameters for all requests, sent outside ``requests``.
    invalid : pandas.DataFrame
        What is wrong with rows that cannot be sent: position ``row``, index ``label``, ``column`` and
        ``reason``.
    request_of_row : numpy.ndarray, shape (n,)
        Each row's request, -1 for a row that cannot be sent.
    columns : sequence of Column
        What requests say themselves.
    keys : pyarrow.Array of fixed-size binary, length k
        The content key of each request: 16 bytes, equal for equal requests wherever and whenever they are
        sent. To say what the documentation names as the default is to say nothing.
    batches : list of range
        The requests of each batch.
    """

    rows: pd.DataFrame
    delivery: Delivery
    defaults: Mapping[str, object]
    invalid: pd.DataFrame
    request_of_row: Codes
    columns: Sequence[Column]
    keys: pa.Array
    batches: list[range]

    @property
    def n_rows(self) -> int:
        """Rows of the frame, grid included."""
        return len(self.rows)

    @property
    def n_requests(self) -> int:
        """Unique requests: equal rows share one."""
        return len(self.keys)

    @property
    def n_invalid(self) -> int:
        """Rows that cannot be sent."""
        return int((self.request_of_row < 0).sum())

    @property
    def n_duplicates(self) -> int:
        """Rows that share the answer of an equal row before them."""
        return self.n_rows - self.n_invalid - self.n_requests

    @property
    def n_bytes(self) -> int:
        """Bytes of all bodies, up to the few that a batch's own storage prefix adds."""
        # what stands around the requests, and a comma after each but the last
        around = (len(self.body(())) - 1) * len(self.batches) + sum(map(len, self.batches))
        return around + int(self.request_bytes().sum()) if self.batches else 0

    @property
    def wants_html(self) -> bool:
        """Whether any request asks for the page itself."""
        for column in self.columns:
            if column.parameter == "parse":
                return not column.equals(value=True).all()
        return self.defaults.get("parse") is not True

    def request(self, position: int) -> dict[str, object]:
        """Return what one request says itself.

        Parameters
        ----------
        position : int
            Its place among the unique requests.

        Returns
        -------
        dict
            The parameters that differ from the defaults.
        """
        said: dict[str, object] = json.loads(self.encoded([position])[0])
        return said

    def effective(self, position: int) -> dict[str, object]:
        """Return one request with the defaults filled in.

        Parameters
        ----------
        position : int
            Its place among the unique requests.

        Returns
        -------
        dict
            Every parameter that is sent for it.
        """
        return {**self.defaults, **self.request(position)}

    def key(self, position: int) -> bytes:
        """Return one request's content key.

        Parameters
        ----------
        position : int
            Its place among the unique requests.

        Returns
        -------
        bytes
            One of `keys`.
        """
        key: bytes = self.keys[position].as_py()
        return key

    def encoded(self, positions: Iterable[int], *, filled: bool = False) -> list[str]:
        """Return some of the requests as JSON.

        Parameters
        ----------
        positions : iterable of int
            Their places among the unique requests; a range is quickest.
        filled : bool, default False
            Whether the defaults are filled in.

        Returns
        -------
        list of str
            In the order of `positions`.
        """
        some = _places(positions)
        parts = [column.effective(some) if filled else column.fragments(some) for column in self.columns]
        n_requests = some.stop - some.start if isinstance(some, slice) else len(some)
        if filled:
            said = {column.parameter for column in self.columns}
            constant = "".join(fragment(*each) for each in self.defaults.items() if each[0] not in said)
            parts.append(pa.repeat(pa.scalar(constant, pa.large_string()), n_requests))
        texts: list[str] = join_objects(parts, n_requests).to_pylist()
        return texts

    def body(self, positions: Iterable[int], delivery: Delivery | None = None) -> bytes:
        """Return the body that would be sent for some of the requests.

        Parameters
        ----------
        positions : iterable of int
            Their places among the unique requests, such as one of `batches`.
        delivery : Delivery, optional
            Where their outputs go; the plan's own by default.

        Returns
        -------
        bytes
            UTF-8 JSON.
        """
        return encode_batch(self.encoded(positions), self.defaults, delivery or self.delivery)

    def request_bytes(self) -> Codes:
        """Return the size of each unique request as JSON, without building it.

        Returns
        -------
        numpy.ndarray, shape (n_requests,)
            Exact, in bytes.
        """
        sizes = np.zeros(self.n_requests, dtype=np.intp)
        for column in self.columns:
            sizes += column.fragment_bytes()
        # two braces, and no comma before the first
        return sizes + 2 - (sizes > 0)

    def raise_invalid(self) -> None:
        """Raise one error that shows all rows that cannot be sent, if there are any.

        Raises
        ------
        InputError
            Naming index labels, columns and reasons; nothing was sent.
        """
        if self.invalid.empty:
            return
        rows = self.invalid[["label", "column", "reason"]]
        raise InputError(
            "\n".join([f"{self.n_invalid:,} of {self.n_rows:,} rows cannot be sent:", *showing.lines(rows)]),
            rows=rows,
            hint='Nothing was sent. Correct them, or pass invalid="row" to keep them as rows with status '
            "'invalid' and send the rest.",
        )

    def __repr__(self) -> str:
        return showing.text(self)

    def _repr_html_(self) -> str:
        return showing.html(self)


def _places(positions: Iterable[int]) -> slice | Codes:
    if isinstance(positions, range) and positions.step == 1:
        return slice(positions.start, positions.stop)
    return np.fromiter(positions, dtype=np.intp)
