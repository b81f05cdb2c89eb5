"""What a task delivers: the payload that lies at its ``output_url``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from nimble_pandas.errors import OutputUnreadable
from nimble_pandas.models.answers import read_integer, read_text, read_time, reason

# an object with none of these is no output, whatever else it is
_ENVELOPE = frozenset({"status", "parsing", "html_content", "task_id", "data", "html"})

_FAILED = frozenset({"failed", "error"})

# Reads what `json` reads, to the last digit of a long integer, or refuses it; four times as fast.
_decoded = msgspec.json.Decoder().decode

# what the service says about the parsing, beside the entities themselves
_ABOUT_PARSING = frozenset({"status", "error", "metrics", "total_entities_count", "entities_count"})


# A million of these are made: a tenth of a dataclass's time, and no garbage collector looks at them.
class Entity(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One thing found on a page: a product, a search result, a review.

    Parameters
    ----------
    type : str or None
        The service's word for it, such as ``"Product"``.
    fields : Mapping
        Its decoded JSON object.
    """

    type: str | None
    fields: Mapping[str, object]


class Output(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a task delivered.

    Parameters
    ----------
    task_id, input_url : str or None
        Whose output it is, where it says so.
    failed : bool
        Whether the service says that the task went wrong.
    error : str or None
        What went wrong, in the task or in the parsing.
    status_code : int or None
        The target site's HTTP status.
    fetched_at : datetime or None
        When the page was fetched, in UTC.
    html : str or None
        The page itself.
    parsed : bool
        Whether the payload holds a parsing, even an empty one.
    entities : tuple of Entity
        In the order of the page.
    """

    task_id: str | None = None
    input_url: str | None = None
    failed: bool = False
    error: str | None = None
    status_code: int | None = None
    fetched_at: datetime | None = None
    html: str | None = None
    parsed: bool = False
    entities: tuple[Entity, ...] = ()


def read_output(raw: bytes) -> Output:
    """Read the bytes of an output, in any of the documented shapes.

    Parameters
    ----------
    raw : bytes
        The output, unpacked: a JSON object, or a plain HTML page.

    Returns
    -------
    Output
        What the task delivered.

    Raises
    ------
    OutputUnreadable
        The bytes are neither.
    """
    text = raw.removeprefix(b"\xef\xbb\xbf").strip()
    if not text:
        raise OutputUnreadable("the output is empty (0 bytes)")
    if text.startswith(b"<"):
        return Output(html=_decode(text))
    return _from_json(_load(text))


def _decode(page: bytes) -> str:
    try:
        return page.decode()
    except UnicodeDecodeError:
        # what browsers assume of a page that does not say
        return page.decode("cp1252", "replace")


def _load(text: bytes) -> dict[str, object]:
    try:
        payload = _decoded(text)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        payload = _load_leniently(text)
    if not isinstance(payload, dict) or _ENVELOPE.isdisjoint(payload):
        raise OutputUnreadable("the output is JSON, but not what a task delivers")
    return payload


def _load_leniently(text: bytes) -> object:
    """Read also what is no JSON by the book: NaN, infinities, half of a surrogate pair, UTF-16."""
    try:
        return json.loads(text)
    except RecursionError:
        raise OutputUnreadable("the output is JSON nested too deep to read") from None
    except ValueError as exc:
        raise OutputUnreadable(f"the output is no JSON: {exc}") from exc


def _from_json(payload: dict[str, object]) -> Output:
    # later generations nest the content
    nested = payload.get("data")
    content = {**payload, **nested} if isinstance(nested, dict) else payload
    parsing = content.get("parsing")
    html = content.get("html_content", content.get("html"))
    return Output(
        task_id=read_text(payload.get("task_id")),
        input_url=read_text(payload.get("input_url")),
        failed=str(payload.get("status", "success")).lower() in _FAILED,
        error=reason(payload) or _parsing_error(parsing),
        status_code=read_integer(payload.get("status_code")),
        fetched_at=read_time(payload.get("query_time")),
        html=html if isinstance(html, str) else None,
        parsed=parsing is not None,
        entities=tuple(_entities(parsing)),
    )


def _parsing_error(parsing: object) -> str | None:
    if not isinstance(parsing, dict) or parsing.get("status") != "error":
        return None
    return reason(parsing) or "the page could not be parsed"


def _entities(parsing: object) -> Iterable[Entity]:
    if isinstance(parsing, list):
        return _listed(None, parsing)
    if not isinstance(parsing, dict):
        return ()
    if "entities" in parsing:
        return _grouped(parsing["entities"])
    content = {name: value for name, value in parsing.items() if name not in _ABOUT_PARSING}
    if content and all(map(_holds_entities, content.values())):
        return _grouped(content)
    if content and _parsing_error(parsing) is None:
        return [Entity(type=None, fields=parsing)]
    return ()


def _holds_entities(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict | None) for item in value)


def _grouped(entities: object) -> list[Entity]:
    if isinstance(entities, list):
        return _listed(None, entities)
    found: list[Entity] = []
    if isinstance(entities, dict):
        for entity_type, items in entities.items():
            found += _listed(entity_type, items if isinstance(items, list) else [items])
    return found


def _listed(entity_type: str | None, items: list[object]) -> list[Entity]:
    return [Entity(type=entity_type, fields=item) for item in items if isinstance(item, dict)]
