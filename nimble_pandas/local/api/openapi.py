"""The service's description of itself, in OpenAPI 3.1.

Left out is ``/batch/serp``, which answers 501 to everything.
"""

from __future__ import annotations

from typing import Any

from nimble_pandas.local.api.admission import MAX_BODY_BYTES
from nimble_pandas.local.api.paging import CURSOR, DEFAULT_LIMIT, MAX_LIMIT
from nimble_pandas.local.api.parameters import batch_schema
from nimble_pandas.local.api.shapes import SHAPES

Document = dict[str, Any]

_REASONS = {
    400: "Bad input; nothing was taken",
    401: "The credentials are missing or wrong",
    404: "There is no such thing, or no longer, or not yet",
    405: "Not with this method",
    413: f"The body is larger than {MAX_BODY_BYTES} bytes",
    429: "Too many calls",
    500: "A bug of the service",
}
_ALWAYS = (401, 405, 413, 429, 500)


def description(base_url: str) -> Document:
    """Describe the service.

    Parameters
    ----------
    base_url : str
        Where it is.

    Returns
    -------
    dict
        An OpenAPI 3.1 document.
    """
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Nimble's batch API on loopback",
            "version": "1",
            "description": "Takes batches of pages, fetches and parses them, and delivers the outputs.",
        },
        "servers": [{"url": base_url}],
        "security": [{"basic": []}, {"bearer": []}],
        "paths": _paths(),
        "components": {
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
            "schemas": SHAPES,
        },
    }


def _paths() -> Document:
    progress = {"parameters": [_id("batch")], "summary": "How far a batch has come"}
    return {
        "/api/v1/batch/ecommerce": {"post": _submit("ecommerce", "Take a batch of product or search pages")},
        "/api/v1/batch/web": {"post": _submit("web", "Take a batch of any pages")},
        "/api/v1/batches/{id}/progress": {
            "get": _call("progress", "Progress", 404, **progress),
            "post": _call("progressByPost", "Progress", 404, **progress),
        },
        "/api/v1/batches/list": {"get": _list("batches", "Batches")},
        "/api/v1/batches/{id}": {
            "get": _call("summary", "Summary", 404, parameters=[_id("batch")], summary="A batch's tasks")
        },
        "/api/v1/tasks/list": {"get": _list("tasks", "Tasks")},
        "/api/v1/tasks/{id}": {
            "get": _call("task", "TaskStatus", 404, parameters=[_id("task")], summary="A task")
        },
        "/api/v1/tasks/{id}/results": {
            "get": _call("results", "Output", 404, parameters=[_id("task")], summary="A task's output")
        },
        "/api/v1/openapi.json": {
            "get": {
                "operationId": "describe",
                "summary": "This document",
                "security": [],
                "responses": {"200": _answer({"type": "object"}, "This document"), **_refusals(405, 413)},
            }
        },
    }


def _submit(kind: str, summary: str) -> Document:
    body = {"required": True, "content": {"application/json": {"schema": batch_schema(kind)}}}
    submit = _call(f"submit_{kind}", "Submitted", 400, summary=summary, requestBody=body)
    submit["responses"]["200"]["links"] = {
        "progress": {"operationId": "progress", "parameters": {"id": "$response.body#/batch_id"}},
        "summary": {"operationId": "summary", "parameters": {"id": "$response.body#/batch_id"}},
        "task": {"operationId": "task", "parameters": {"id": "$response.body#/tasks/0/id"}},
        "results": {"operationId": "results", "parameters": {"id": "$response.body#/tasks/0/id"}},
    }
    return submit


def _list(name: str, shape: str) -> Document:
    limit = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}
    parameters = [
        {"name": "limit", "in": "query", "schema": limit},
        {"name": "cursor", "in": "query", "schema": {"type": "string", "pattern": CURSOR}},
    ]
    return _call(name, shape, 400, parameters=parameters, summary=f"All {name}, the newest first")


def _call(operation: str, shape: str, *refusals: int, **more: object) -> Document:
    answer = _answer({"$ref": f"#/components/schemas/{shape}"}, shape)
    return {
        "operationId": operation,
        "responses": {"200": answer, **_refusals(*refusals, *_ALWAYS)},
        **more,
    }


def _refusals(*status_codes: int) -> Document:
    refusal = {"$ref": "#/components/schemas/Refusal"}
    return {str(status): _answer(refusal, _REASONS[status]) for status in status_codes}


def _answer(schema: Document, words: str) -> Document:
    return {"description": words, "content": {"application/json": {"schema": schema}}}


def _id(of: str) -> Document:
    schema = {"type": "string", "format": "uuid"}
    return {"name": "id", "in": "path", "required": True, "schema": schema, "description": f"The {of}'s id"}
