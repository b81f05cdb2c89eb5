"""Values as messages show them: short, whatever they are."""

from __future__ import annotations

import reprlib

import numpy as np

_MAX_CHARS = 80
_repr = reprlib.Repr()
_repr.maxstring = _repr.maxother = _repr.maxlong = _MAX_CHARS
# lists of lists of long texts would multiply
_repr.maxlevel = 2


def shown(value: object) -> str:
    """Return a `repr` of some 80 characters that never fails."""
    try:
        text = _repr.repr(_unboxed(value))
    except Exception:  # noqa: BLE001 -- a foreign __repr__ raises what it likes, integers of 4,300 digits too
        return object.__repr__(value)
    return text if len(text) <= _MAX_CHARS + 2 else f"{text[:_MAX_CHARS]}…"


def _unboxed(value: object) -> object:
    # `1`, where numpy would have it shown as `np.int64(1)`
    if isinstance(value, tuple):
        return tuple(map(_unboxed, value))
    return value.item() if isinstance(value, np.generic) else value
