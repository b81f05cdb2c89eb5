"""The parameters of a request as JSON Schema: the rules enforced and the rules published are the same object.

A parameter may stand outside ``requests``, as the default for all, or inside, where it wins. So the schema
describes both levels with the same properties. What is wrong only with the two levels together (a ``state``
outside with a ``country`` inside) is not refused: the output's ``notes`` or the task's ``error`` tell it.
"""

from __future__ import annotations

from nimble_pandas.local.api.places import COUNTRIES, STATES

MAX_REQUESTS = 1000

Schema = dict[str, object]

# The parts of a URL (RFC 3986) that every library can take apart again. A name may be written in its own
# script; a user and password may not stand before it.
_LABEL = "[A-Za-z0-9_\u00c0-\u024f\u0370-\u1fff\u3040-\u9fff\uac00-\ud7a3]"
_NAME = rf"{_LABEL}([{_LABEL[1:-1]}.-]*{_LABEL})?\.?"
_GROUP = "[0-9A-Fa-f]{1,4}"
_IPV6 = rf"\[(({_GROUP}:){{7}}{_GROUP}|({_GROUP}(:{_GROUP}){{0,3}})?::({_GROUP}(:{_GROUP}){{0,2}})?)\]"
_PORT = "[0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]"
_REST = r"[/?#][^\s\x00-\x20\x7f]*"
_WEB_URL = rf"^[Hh][Tt][Tt][Pp][Ss]?://({_NAME}|{_IPV6})(:({_PORT}))?({_REST})?$"
_FOLDERS = {
    "s3": r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^\x00-\x1f\x7f]*)?$",
    "gs": r"^gs://[a-z0-9][a-z0-9._-]{1,61}[a-z0-9](/[^\x00-\x1f\x7f]*)?$",
    "file": r"^file:///[^\x00-\x1f\x7f]+$",
}
_SWITCH: Schema = {"enum": [True, False, "true", "false"]}

_PLACE: Schema = {
    "country": {"enum": list(COUNTRIES), "description": "an ISO 3166-1 alpha-2 country code"},
    "state": {"enum": list(STATES), "description": "a US state's two-letter code"},
    "city": {"type": "string", "minLength": 1, "maxLength": 200, "description": "a large city"},
    "zip": {"type": "string", "pattern": "^[0-9]{5}$", "description": "a US ZIP code, text of five digits"},
    "locale": {
        "type": "string",
        "pattern": "^(auto|[a-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,3})$",
        "description": "a locale such as en-US, or auto",
    },
}
_DELIVERY: Schema = {
    "storage_type": {"enum": ["s3", "gs", "file", "", None], "description": "s3, gs or file; blank for pull"},
    "storage_url": {
        "anyOf": [
            *({"type": "string", "pattern": pattern} for pattern in _FOLDERS.values()),
            {"enum": ["", None]},
        ],
        "description": "s3://bucket/prefix/, gs://bucket/prefix/, file:///folder/; blank for pull",
    },
    "storage_compress": {**_SWITCH, "description": "true: the stored output is gzipped"},
    "storage_object_name": {
        "type": "string",
        "pattern": r"^[^/\\\x00-\x1f\x7f]{1,150}$",
        "description": "the stored object's name without its ending, in place of the task id",
    },
    "callback_url": {
        "anyOf": [{"type": "string", "pattern": _WEB_URL, "maxLength": 8192}, {"enum": ["", None]}],
        "description": "an http or https URL that gets each finished task by POST",
    },
}
_PAGE: Schema = {
    "url": {"type": "string", "pattern": _WEB_URL, "maxLength": 8192, "description": "an http or https URL"},
    "parse": {**_SWITCH, "description": "true: structured data beside the page"},
    "no_html": {**_SWITCH, "description": "true: leave the page itself out of the output"},
}
_VENDORS: dict[str, Schema] = {
    "ecommerce": {"enum": ["walmart", "amazon", "homedepot"], "description": "walmart, amazon or homedepot"},
    "web": {"type": "string", "minLength": 1, "maxLength": 100, "description": "a vendor's name"},
}
# Whatever else a request holds is echoed, and noted in the output as not honoured.
HONOURED = frozenset({"vendor", "tag", *_PAGE, *_PLACE, *_DELIVERY})

# What one parameter asks of another on the same level. Written as alternatives: fuzzers that draw from the
# description cannot draw from `if` and `dependentSchemas`.
_AGREEMENTS: list[Schema] = [
    {
        "anyOf": [
            {"not": {"required": ["state"]}},
            {"not": {"required": ["country"]}},
            {"properties": {"country": {"const": "US"}}},
        ],
        "description": "country must be US where state is given",
    },
    {
        "anyOf": [
            {"properties": {"storage_type": {"enum": ["", None]}}},
            *(
                {
                    "properties": {
                        "storage_type": {"const": kind},
                        "storage_url": {"type": "string", "pattern": f"^{kind}://"},
                    }
                }
                for kind in _FOLDERS
            ),
        ],
        "description": "storage_url must begin as storage_type says",
    },
]


def batch_schema(kind: str) -> Schema:
    """Describe the body of a submit.

    Parameters
    ----------
    kind : {"ecommerce", "web"}
        Which kind of batch; only the first needs a vendor.

    Returns
    -------
    dict
        A JSON Schema of the 2020-12 draft.
    """
    properties = {"vendor": _VENDORS[kind], **_PAGE, **_PLACE, **_DELIVERY}
    request: Schema = {
        "type": "object",
        "properties": properties,
        "allOf": _AGREEMENTS,
        "description": "an object",
    }
    required = ("vendor", "url") if kind == "ecommerce" else ("url",)
    return {
        "type": "object",
        "description": "an object with requests",
        "required": ["requests"],
        "properties": {
            **properties,
            "requests": {
                "type": "array",
                "minItems": 1,
                "maxItems": MAX_REQUESTS,
                "items": request,
                "description": f"a list of 1 to {MAX_REQUESTS} requests",
            },
        },
        "allOf": [*_AGREEMENTS, *(_given(name) for name in required)],
    }


def _given(name: str) -> Schema:
    """Say that a parameter stands outside, or inside each request."""
    everywhere: Schema = {"properties": {"requests": {"items": {"required": [name]}}}}
    return {
        "anyOf": [{"required": [name]}, everywhere],
        "description": f"{name} must stand outside requests or inside each of them",
    }
