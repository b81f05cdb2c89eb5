"""Warnings that point at the line that made the call, not into the library."""

from __future__ import annotations

import inspect
import os
import pathlib
import warnings

_LIBRARY = f"{pathlib.Path(__file__).parent.parent}{os.sep}"


def warn(message: str) -> None:
    """Warn the caller of the library.

    Parameters
    ----------
    message : str
        What to look at.
    """
    frame, level = inspect.currentframe(), 0
    while frame is not None and frame.f_code.co_filename.startswith(_LIBRARY):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, UserWarning, stacklevel=level + 1)
