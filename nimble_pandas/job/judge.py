"""What a delivered output says of its row; pure."""

from __future__ import annotations

from msgspec.structs import replace

from nimble_pandas.frames import Answer, Page
from nimble_pandas.models import Output
from nimble_pandas.tasks import same_url

_CLIENT_ERROR = 400


def judge(
    output: Output, *, known: Answer, parse: bool, url: str | None, http_status: int | None
) -> tuple[Answer, Page | None]:
    """Return what is known of a request once its output has been read.

    Parameters
    ----------
    output : Output
        What was delivered.
    known : Answer
        What was known before: the ids and the location.
    parse : bool
        Whether the page was to be parsed.
    url : str or None
        The page that was asked for; None where nobody knows.
    http_status : int or None
        What the task says that the site answered; the output's own word counts more.

    Returns
    -------
    answer : Answer
        With status ``ok``, ``empty``, ``failed`` or, where the output is another request's, ``mismatch``.
    page : Page or None
        Its page, which belongs to no answer yet; none where the output is another request's.
    """
    stranger = _stranger(output, known.task_id, url)
    if stranger:
        return replace(known, status="mismatch", error=stranger), None
    if output.status_code is not None:
        http_status = output.status_code
    status, error = _verdict(output, parse, http_status)
    answer = replace(known, status=status, error=error, http_status=http_status, fetched_at=output.fetched_at)
    return answer, Page(entities=output.entities, html=None if parse else output.html)


def _stranger(output: Output, task_id: str | None, url: str | None) -> str | None:
    if output.task_id is not None and task_id is not None and output.task_id != task_id:
        return f"the output is that of task {output.task_id}"
    if output.input_url is not None and url is not None and not same_url(url, output.input_url):
        return f"the output is that of {output.input_url}"
    return None


def _verdict(output: Output, parse: bool, http_status: int | None) -> tuple[str, str | None]:
    if output.failed:
        return "failed", output.error or "the service gave no reason"
    if http_status is not None and http_status >= _CLIENT_ERROR:
        return "empty", f"the site answered {http_status}"
    if parse and not output.entities:
        return "empty", output.error or "nothing was found on the page"
    if not parse and not output.html:
        return "empty", output.error or "the page is empty"
    return "ok", None
