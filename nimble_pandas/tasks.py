"""Which task answers which request: by what the service echoes, never by position."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from nimble_pandas.models import PARAMETERS, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """Tasks by the request that they answer.

    Parameters
    ----------
    tasks_of : dict of int to list of Task
        By the request's position; more than one task where the service lists several for it.
    strangers : list of Task
        Tasks whose echo is no request of the batch, or could be more than one.
    """

    tasks_of: dict[int, list[Task]] = field(default_factory=dict)
    strangers: list[Task] = field(default_factory=list)


def match(tasks: Iterable[Task], requests: Sequence[Mapping[str, object]]) -> Matching:
    """Find the request of each task.

    Parameters
    ----------
    tasks : iterable of Task
        As the service lists them: in any order, some perhaps twice.
    requests : sequence of Mapping
        The requests of the batch, defaults filled in; no two are equal.

    Returns
    -------
    Matching
        In which a task stands only where exactly one request fits it best.
    """
    exact: dict[object, list[int]] = defaultdict(list)
    canonical: dict[object, list[int]] = defaultdict(list)
    for position, request in enumerate(requests):
        exact[request.get("url")].append(position)
        canonical[_canonical(request.get("url"))].append(position)
    matching = Matching()
    seen: set[str] = set()
    for task in tasks:
        if task.id in seen:
            continue
        seen.add(task.id)
        url = task.input.get("url")
        spelled = exact.get(url) or canonical.get(_canonical(url)) or ()
        best = _best(task.input, requests, range(len(requests)) if url is None else spelled)
        if best is None:
            matching.strangers.append(task)
        else:
            matching.tasks_of.setdefault(best, []).append(task)
    return matching


def agrees(request: Mapping[str, object], echo: Mapping[str, object]) -> bool:
    """Say whether `echo` can be the service's reading of `request`.

    Parameters
    ----------
    request : Mapping
        What was sent, defaults filled in.
    echo : Mapping
        What the service says that it understood. What it leaves out it does not contradict.

    Returns
    -------
    bool
        False if it names another value for anything that was sent.
    """
    return all(
        _same(name, value, echo[name])
        for name, value in request.items()
        if name in PARAMETERS and echo.get(name) is not None
    )


def same_url(sent: str, echoed: str) -> bool:
    """Say whether two spellings mean one URL: the host's case and percent-encoding do not matter."""
    return sent == echoed or _canonical(sent) == _canonical(echoed)


def _best(
    echo: Mapping[str, object], requests: Sequence[Mapping[str, object]], candidates: Iterable[int]
) -> int | None:
    ranked = sorted(
        (_rank(requests[each], echo), each) for each in candidates if agrees(requests[each], echo)
    )
    if not ranked or (len(ranked) > 1 and ranked[0][0] == ranked[1][0]):
        return None
    return ranked[0][1]


def _rank(request: Mapping[str, object], echo: Mapping[str, object]) -> tuple[int, int]:
    # the request of which the echo leaves out least and, then, that explains most of it
    said = sum(echo.get(name) is not None for name in request)
    return len(request) - said, -said


def _same(name: str, sent: object, echoed: object) -> bool:
    if name == "url":
        return same_url(str(sent), str(echoed))
    # `parse` may come back as the text "true", a country in lower case
    return str(sent).strip().casefold() == str(echoed).strip().casefold()


def _canonical(url: object) -> object:
    if not isinstance(url, str):
        return url
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return url
    return parts._replace(
        scheme=parts.scheme.lower(),
        netloc=parts.netloc.lower(),
        path=unquote(parts.path) or "/",
        query=unquote(parts.query),
        fragment="",
    ).geturl()
