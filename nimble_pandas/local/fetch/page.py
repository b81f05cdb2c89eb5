"""What a fetch gives: a page, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a site answered, or why it could not be asked.

    A page with a 404 is a page: ``error`` is for what never arrived.

    Parameters
    ----------
    url : str
        Where the page was found, after redirects.
    input_url : str
        What was asked for.
    status_code : int, optional
        The site's own status code; missing where no answer was had.
    headers : dict of str to str
        The site's response headers, names in lower case.
    html : str
        The decoded page, empty where none was had.
    error : str, optional
        What went wrong, in a sentence.
    error_type : str, optional
        One word for it: ``invalid_url``, ``forbidden_address``, ``robots``, ``dns``, ``connect``,
        ``proxy``, ``timeout``, ``network``, ``too_many_redirects``, ``too_large``, ``encoding``,
        ``not_text``.
    notes : list of str
        What was asked for and could not be honoured.
    """

    url: str
    input_url: str
    status_code: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    html: str = ""
    error: str | None = None
    error_type: str | None = None
    notes: list[str] = field(default_factory=list)


class PageUnavailableError(Exception):
    """A page cannot be had; never leaves the fetcher.

    Parameters
    ----------
    error_type : str
        One of the words of ``Page.error_type``.
    message : str
        What went wrong, in a sentence.
    """

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(message)
        self.error_type = error_type
