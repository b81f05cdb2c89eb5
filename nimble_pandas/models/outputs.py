"""What a task delivers: the payload that lies at its ``output_url``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType, structs

from nimble_pandas.errors import OutputUnreadable
from nimble_pandas.models.answers import read_integer, read_text, read_time, reason

_FAILED = frozenset({"failed", "error"})

_OBJECTS = {dict}

_HttpStatus = Annotated[int, Meta(ge=0, le=999)]

# what the service says about the parsing, beside the entities themselves
_ABOUT_PARSING = frozenset({"status", "error", "metrics", "total_entities_count", "entities_count"})


class _Envelope(msgspec.Struct, gc=False):
    """What is read of an output's JSON object; all else in it is passed over, and no object is made of it.

    Each field as it is documented, or unset; what the service says otherwise is read leniently.
    """

    task_id: str | UnsetType | None = UNSET
    input_url: str | UnsetType | None = UNSET
    status: str | UnsetType | None = UNSET
    status_code: _HttpStatus | UnsetType | None = UNSET
    query_time: str | UnsetType | None = UNSET
    html_content: str | UnsetType | None = UNSET
    html: str | UnsetType | None = UNSET
    parsing: Any = UNSET
    data: Any = UNSET
    msg: Any = UNSET
    message: Any = UNSET
    error: Any = UNSET
    detail: Any = UNSET

    @property
    def is_output(self) -> bool:
        """Whether anything in it is a task's: an object without is no output, whatever else it is."""
        return not (
            self.status is UNSET
            and self.parsing is UNSET
            and self.html_content is UNSET
            and self.task_id is UNSET
            and self.data is UNSET
            and self.html is UNSET
        )

    @property
    def reason(self) -> str | None:
        """The explanation in it, whichever name it goes by."""
        given = self.msg or self.message or self.error or self.detail
        return reason(structs.asdict(self)) if given else None


# Reads what `json` reads, to the last digit of a long integer, or refuses it; four times as fast.
_decoded = msgspec.json.Decoder(_Envelope).decode


def _only_text(value: object) -> str | None:
    return value if isinstance(value, str) else None


# How to read what is not as documented; all else stays as it is.
_LENIENT: dict[str, Callable[[object], object]] = {
    "task_id": read_text,
    "input_url": read_text,
    "status": str,
    "status_code": read_integer,
    "query_time": _only_text,
    "html_content": _only_text,
    "html": _only_text,
}


#: What is on a page, in its order: the decoded JSON objects under their type, which is the service's word for
#: them, such as ``"Product"``, or None. No list is empty.
Entities = Mapping[str | None, Sequence[Mapping[str, object]]]


# A million of these are made: a tenth of a dataclass's time, and no garbage collector looks at them.
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
    entities : dict of str or None to list of dict
        What is on the page, by type.
    """

    task_id: str | None = None
    input_url: str | None = None
    failed: bool = False
    error: str | None = None
    status_code: int | None = None
    fetched_at: datetime | None = None
    html: str | None = None
    parsed: bool = False
    entities: Entities = {}


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
    try:
        envelope = _decoded(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return _read_leniently(raw)
    return _output(envelope)


def _read_leniently(raw: bytes) -> Output:
    """Read a page, or what is no JSON by the book."""
    text = raw.removeprefix(b"\xef\xbb\xbf").strip()
    if not text:
        raise OutputUnreadable("the output is empty (0 bytes)")
    if text.startswith(b"<"):
        return Output(html=_decode(text))
    return _output(_enveloped(_load_leniently(text)))


def _decode(page: bytes) -> str:
    try:
        return page.decode()
    except UnicodeDecodeError:
        # what browsers assume of a page that does not say
        return page.decode("cp1252", "replace")


def _enveloped(payload: object) -> _Envelope:
    if not isinstance(payload, dict):
        return _Envelope()
    given = {name: payload.get(name, UNSET) for name in _Envelope.__struct_fields__}
    for name, read in _LENIENT.items():
        if given[name] is not UNSET:
            given[name] = read(given[name])
    return _Envelope(**given)


def _load_leniently(text: bytes) -> object:
    """Load also NaN, infinities, half of a surrogate pair, UTF-16."""
    try:
        return json.loads(text)
    except RecursionError:
        raise OutputUnreadable("the output is JSON nested too deep to read") from None
    except ValueError as exc:
        raise OutputUnreadable(f"the output is no JSON: {exc}") from exc


def _output(envelope: _Envelope) -> Output:
    if not (envelope.status or envelope.is_output):
        raise OutputUnreadable("the output is JSON, but not what a task delivers")
    content = envelope
    if isinstance(envelope.data, dict):
        # later generations nest it
        content = _enveloped({**structs.asdict(envelope), **envelope.data})
    parsing = content.parsing
    html = content.html if content.html_content is UNSET else content.html_content
    return Output(
        task_id=envelope.task_id or None,
        input_url=envelope.input_url or None,
        failed=str(envelope.status).lower() in _FAILED,
        error=envelope.reason or _parsing_error(parsing),
        status_code=None if envelope.status_code is UNSET else envelope.status_code,
        fetched_at=read_time(envelope.query_time) if envelope.query_time else None,
        html=None if html is UNSET else html,
        parsed=parsing is not UNSET and parsing is not None,
        entities=_entities(parsing),
    )


def _parsing_error(parsing: object) -> str | None:
    if not isinstance(parsing, dict) or parsing.get("status") != "error":
        return None
    return reason(parsing) or "the page could not be parsed"


def _entities(parsing: object) -> Entities:
    if isinstance(parsing, list):
        return _sound({None: parsing})
    if not isinstance(parsing, dict):
        return {}
    if "entities" in parsing:
        found = parsing["entities"]
        return _sound(found if isinstance(found, dict) else {None: found})
    content = {name: value for name, value in parsing.items() if name not in _ABOUT_PARSING}
    if content and all(map(_holds_entities, content.values())):
        return _sound(content)
    if content and _parsing_error(parsing) is None:
        return {None: [parsing]}
    return {}


def _holds_entities(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict | None) for item in value)


def _sound(entities: dict[Any, Any]) -> Entities:
    """Leave out what is no object; one that stands by itself, not in a list, is one of its type."""
    for items in entities.values():
        if type(items) is not list or {*map(type, items)} != _OBJECTS:
            break
    else:
        return entities
    found = {}
    for entity_type, items in entities.items():
        objects = [item for item in (items if isinstance(items, list) else [items]) if isinstance(item, dict)]
        if objects:
            found[entity_type] = objects
    return found
