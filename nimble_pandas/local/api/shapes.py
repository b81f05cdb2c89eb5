"""The shapes of the answers, as JSON Schema."""

from __future__ import annotations

from typing import Any

Shape = dict[str, Any]

_TEXT: Shape = {"type": "string"}
_COUNT: Shape = {"type": "integer", "minimum": 0}
_UUID: Shape = {"type": "string", "format": "uuid"}
_MOMENT: Shape = {"type": "string", "format": "date-time"}
_DONE: Shape = {
    "completed": {"type": "boolean"},
    "progress": {"type": "number", "minimum": 0, "maximum": 1},
}


def _object(*optional: str, **properties: Shape) -> Shape:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "required": required, "properties": properties}


def _ref(name: str) -> Shape:
    return {"$ref": f"#/components/schemas/{name}"}


def _list_of(name: str) -> Shape:
    return {"type": "array", "items": _ref(name)}


def _paged(name: str) -> Shape:
    return _object(data=_list_of(name), pagination=_ref("Pagination"))


_TASK = _object(
    "output_url",
    "download_url",
    "status_code",
    "error",
    "error_type",
    "callback_error",
    batch_id=_UUID,
    id=_UUID,
    state={"enum": ["pending", "queued", "in_progress", "uploading", "success", "failed"]},
    output_url=_TEXT,
    download_url=_TEXT,
    callback_url={"type": ["string", "null"]},
    status_url=_TEXT,
    created_at=_MOMENT,
    modified_at=_MOMENT,
    input={"type": "object", "description": "the effective parameters"},
    status_code={"type": "integer", "description": "the site's own"},
    error=_TEXT,
    error_type=_TEXT,
    callback_error=_TEXT,
)

SHAPES: Shape = {
    "Refusal": {
        **_object(status={"enum": ["failed", "error"]}),
        "anyOf": [{"required": ["msg"]}, {"required": ["error"]}],
    },
    "Submitted": _object(
        batch_id=_UUID, batch_size={"type": "integer", "minimum": 1}, tasks=_list_of("Task")
    ),
    "Task": {**_TASK, "oneOf": [{"required": ["output_url"]}, {"required": ["download_url"]}]},
    "Progress": _object(status={"const": "success"}, **_DONE),
    "Summary": _object(status={"const": "success"}, tasks=_list_of("Task"), **_DONE),
    "TaskStatus": _object(status={"const": "success"}, task=_ref("Task")),
    "Output": _object(
        "html_content",
        "parsing",
        url=_TEXT,
        task_id=_UUID,
        status={"const": "success"},
        query_time=_MOMENT,
        status_code={"type": "integer"},
        html_content=_TEXT,
        headers={"type": "object", "additionalProperties": _TEXT},
        parsing={"type": ["object", "array"]},
        input_url=_TEXT,
        notes={"type": "array", "items": _TEXT, "description": "what could not be honoured"},
    ),
    "Pagination": _object(hasNext={"type": "boolean"}, nextCursor={"type": ["string", "null"]}, total=_COUNT),
    "Tasks": _paged("Task"),
    "Batch": _object(id=_UUID, batch_size=_COUNT, completed_count=_COUNT, created_at=_MOMENT, **_DONE),
    "Batches": _paged("Batch"),
}
