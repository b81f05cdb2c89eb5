"""From the body of a submit to the effective requests."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from typing import Any, NoReturn

import jsonschema_rs

from nimble_pandas.local.api.answers import bad_input
from nimble_pandas.local.api.parameters import batch_schema

# Answers nest what they echo a few levels deeper, and the JSON encoder must still reach the bottom.
_MAX_DEPTH = 64
_MAX_PROBLEMS = 20

Request = dict[str, object]


def effective_requests(body: object, *, kind: str) -> list[Request]:
    """Check a body and merge its defaults into its requests.

    One bad request refuses the whole batch: nothing of it is taken.

    Parameters
    ----------
    body : object
        The decoded body.
    kind : {"ecommerce", "web"}
        Which kind of batch.

    Returns
    -------
    list of dict
        One per request, in order; what stands inside ``requests`` wins.

    Raises
    ------
    Refusal
        400: the body breaks a rule; the message names each bad request. Nothing was taken.
    """
    if too_deep(body):
        raise bad_input(f"the body nests more than {_MAX_DEPTH} levels deep")
    if problems := list(_problems(body, kind)):
        more = f"; and {len(problems) - _MAX_PROBLEMS} more" if len(problems) > _MAX_PROBLEMS else ""
        raise bad_input("; ".join(problems[:_MAX_PROBLEMS]) + more)
    assert isinstance(body, dict)  # noqa: S101 -- the schema has just said so
    defaults = {name: value for name, value in body.items() if name != "requests"}
    return [{**defaults, **request} for request in body["requests"]]


def decode(body: bytes) -> object:
    """Decode a body.

    Parameters
    ----------
    body : bytes
        What came over the wire.

    Returns
    -------
    object
        Its JSON value.

    Raises
    ------
    Refusal
        400: it is not JSON in UTF-8, or holds NaN, a lone surrogate, or too deep a nest.
    """
    try:
        text = body.decode()
        decoded = json.loads(text, parse_constant=_no_such_number)
        json.dumps(decoded, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise bad_input(f"the body is not JSON: {error}") from None
    return decoded


def switched_on(value: object) -> bool:
    """Read a switch, which may be a word.

    Parameters
    ----------
    value : object
        ``True``, ``"true"`` or anything else.

    Returns
    -------
    bool
        Whether it is on.
    """
    return value is True or value == "true"


def too_deep(value: object, *, levels: int = _MAX_DEPTH) -> bool:
    """Tell whether a JSON value nests deeper than so many levels.

    Parameters
    ----------
    value : object
        A decoded JSON value.
    levels : int, default 64
        How deep it may go.

    Returns
    -------
    bool
        Whether it goes deeper.
    """
    if not isinstance(value, dict | list):
        return False
    children = value.values() if isinstance(value, dict) else value
    return not levels or any(too_deep(child, levels=levels - 1) for child in children)


def _problems(body: object, kind: str) -> Iterator[str]:
    validator, schema = _rules(kind)
    for error in validator.iter_errors(body):
        place = _place(error.instance_path) or "the body"
        rule = _description(schema, error.schema_path)
        if " must " in rule:
            yield f"{place}: {rule}{_which(body, rule)}"
        else:
            yield f"{place} is {_cut(error.instance)}, must be {rule}"


def _which(body: object, rule: str) -> str:
    """Name the requests that lack the parameter with which a rule begins."""
    name = rule.partition(" ")[0]
    requests = body.get("requests") if isinstance(body, dict) else None
    if not isinstance(requests, list) or "must stand" not in rule:
        return ""
    lacking = [
        f"requests[{n}]"
        for n, request in enumerate(requests)
        if isinstance(request, dict) and name not in request
    ]
    return f"; missing in {', '.join(lacking[:_MAX_PROBLEMS])}"


def _description(schema: Any, path: list[str | int]) -> str:  # noqa: ANN401 -- a JSON Schema, step by step
    """Find the words for the innermost rule on a path that has any."""
    words = schema["description"]
    for step in path:
        schema = schema[step]
        if isinstance(schema, dict) and isinstance(schema.get("description"), str):
            words = schema["description"]
    return str(words)


def _place(path: list[str | int]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def _cut(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."  # noqa: PLR2004 -- a line of the message


def _no_such_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


@functools.cache
def _rules(kind: str) -> tuple[jsonschema_rs.Draft202012Validator, object]:
    schema = batch_schema(kind)
    return jsonschema_rs.Draft202012Validator(schema), schema
