"""What a task delivers: the payload that lies at its ``output_url``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, structs

from nimble_pandas.errors import OutputUnreadable
from nimble_pandas.models.answers import read_integer, read_text, read_time, reason

_FAILED = frozenset({"failed", "error"})

# what the service says about the parsing, beside the entities themselves
_ABOUT_PARSING = frozenset({"status", "error", "metrics", "total_entities_count", "entities_count"})


class _Envelope(msgspec.Struct, gc=False):
    """What is read of an output's JSON object; all else in it is passed over, and no object is made of it."""

    task_id: Any = UNSET
    input_url: Any = UNSET
    status: Any = UNSET
    status_code: Any = UNSET
    query_time: Any = UNSET
    html_content: Any = UNSET
    html: Any = UNSET
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
    return _Envelope(**{name: payload[name] for name in _Envelope.__struct_fields__ if name in payload})


def _load_leniently(text: bytes) -> object:
    """Load also NaN, infinities, half of a surrogate pair, UTF-16."""
    try:
        return json.loads(text)
    except RecursionError:
        raise OutputUnreadable("the output is JSON nested too deep to read") from None
    except ValueError as exc:
        raise OutputUnreadable(f"the output is no JSON: {exc}") from exc


def _output(envelope: _Envelope) -> Output:
    if not envelope.is_output:
        raise OutputUnreadable("the output is JSON, but not what a task delivers")
    content = envelope
    if isinstance(envelope.data, dict):
        # later generations nest it
        content = _enveloped({**structs.asdict(envelope), **envelope.data})
    parsing = content.parsing
    html = content.html if content.html_content is UNSET else content.html_content
    return Output(
        task_id=read_text(envelope.task_id),
        input_url=read_text(envelope.input_url),
        failed=envelope.status is not UNSET and str(envelope.status).lower() in _FAILED,
        error=envelope.reason or _parsing_error(parsing),
        status_code=read_integer(envelope.status_code),
        fetched_at=read_time(envelope.query_time),
        html=html if isinstance(html, str) else None,
        parsed=parsing is not UNSET and parsing is not None,
        entities=tuple(_entities(parsing)),
    )


def _parsing_error(parsing: object) -> str | None:
    if not isinstance(parsing, dict) or parsing.get("status") != "error":
        return None
    return reason(parsing) or "the page could not be parsed"


def _entities(parsing: object) -> Iterable[Entity]:
    if isinstance(parsing, list):
        return _grouped(parsing)
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
        entities = {None: entities}
    if not isinstance(entities, dict):
        return []
    return [
        Entity(type=entity_type, fields=item)
        for entity_type, items in entities.items()
        for item in (items if isinstance(items, list) else [items])
        if isinstance(item, dict)
    ]
