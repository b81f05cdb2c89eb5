"""Which task answers which request: by what the service echoes, never by position.

Nothing is guessed. An echo may leave fields out, and a service may spell a URL in its own way, so that a task
could often be one of several requests; but each request has a task of its own, and what is certain of the
others decides. What stays open is nobody's.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import SplitResult, unquote, unquote_plus, urlsplit

from nimble_pandas.models import DELIVERY_PARAMETERS, DOCUMENTED_DEFAULTS, PARAMETERS, Task

_DEFAULT_PORTS = {"http": 80, "https": 443}

# how services spell a flag
_FLAGS = {"1": "true", "yes": "true", "on": "true", "0": "false", "no": "false", "off": "false"}

#: Requests, by position, that each task could be.
_Candidates: TypeAlias = Mapping[str, set[int]]


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
        As the service lists them: in any order, some perhaps twice. The more of the batch's tasks they are,
        the more is certain.
    requests : sequence of Mapping
        The requests of the batch, defaults filled in; no two are equal.

    Returns
    -------
    Matching
        In which a task stands only where no other request could be meant.
    """
    listed = {task.id: task for task in tasks}
    index = _Index(requests)
    request_of = _by_the_letter(listed, index)
    request_of |= _by_elimination(listed, index, request_of)
    matching = Matching()
    for task in listed.values():
        if task.id in request_of:
            matching.tasks_of.setdefault(request_of[task.id], []).append(task)
        else:
            matching.strangers.append(task)
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
    if all(name in echo and echo[name] == value for name, value in request.items()):
        # to the letter, as it is nearly always
        return True
    said, echoed = _words(request), _words(echo)
    if "url" in said and "url" in echoed and not same_url(said.pop("url"), echoed.pop("url")):
        return False
    return all(echoed.get(name, word) == word for name, word in said.items())


def same_url(sent: str, echoed: str) -> bool:
    """Say whether an echoed URL can be the service's spelling of the one that was sent.

    Parameters
    ----------
    sent, echoed : str
        URLs.

    Returns
    -------
    bool
        True also where the scheme, ``www.``, the default port, a slash at the end, the host's case or the
        percent-encoding differ, and where the service added to the query.
    """
    if sent == echoed:
        return True
    one, other = _split(sent), _split(echoed)
    if one is None or other is None:
        return False
    if _canonical(one) == _canonical(other):
        return True
    return _place(one) == _place(other) and not _query(one) - _query(other)


class _Index:
    """The requests of a batch, by what echoes may say of them."""

    def __init__(self, requests: Sequence[Mapping[str, object]]) -> None:
        self.requests = requests = list(requests)
        self._saying: dict[tuple[str, str], set[int]] = defaultdict(set)
        self._at: dict[str, set[int]] = defaultdict(set)
        self._said = [set(_items({**DOCUMENTED_DEFAULTS, **request})) for request in requests]
        self._closest: dict[tuple[str, int], set[int]] = {}
        for position, request in enumerate(requests):
            for item in self._said[position]:
                self._saying[item].add(position)
            self._at[_url_place(request)].add(position)

    def fitting(self, echo: Mapping[str, object]) -> set[int]:
        """Return the requests that say all that the echo says."""
        saying = [self._saying.get(item, set()) for item in _items(echo)]
        # the rarest first, for a grid may send one URL a thousand times
        return set.intersection(*sorted(saying, key=len)) if saying else set(range(len(self.requests)))

    def closest(self, echo: Mapping[str, object], candidates: set[int]) -> set[int]:
        """Return those of the candidates that fit best, to the letter and in undocumented parameters too."""
        if len(candidates) < 2:  # noqa: PLR2004 -- there is nothing to choose from
            return candidates
        # a service that echoes nothing asks the same of a thousand candidates a thousand times
        key = str(echo), len(candidates)
        if key not in self._closest:
            distances = {position: self._distance(position, echo) for position in candidates}
            least = min(distances.values())
            self._closest[key] = {each for each, distance in distances.items() if distance == least}
        return self._closest[key]

    def _distance(self, position: int, echo: Mapping[str, object]) -> tuple[int, bool, int]:
        request = self.requests[position]
        beyond = echo.keys() & request.keys() - {*PARAMETERS, *DELIVERY_PARAMETERS}
        return (
            len(set(_items(echo)) - self._said[position]),
            request.get("url") != echo.get("url"),
            sum(request[name] != echo[name] for name in beyond),
        )

    def resembling(self, echo: Mapping[str, object]) -> set[int]:
        """Return the requests that the echo does not contradict, its URL spelled in the service's way."""
        return {each for each in self._at.get(_url_place(echo), ()) if agrees(self.requests[each], echo)}


def _by_the_letter(tasks: Mapping[str, Task], index: _Index) -> dict[str, int]:
    fitting = {task_id: index.fitting(task.input) for task_id, task in tasks.items()}
    closest = {task_id: index.closest(tasks[task_id].input, each) for task_id, each in fitting.items()}
    claims = _settled(closest)
    n_claims = Counter(claims.values())
    # where two tasks claim one request, either may be that of any other request that it does not contradict
    for task_id, position in claims.items():
        if n_claims[position] > 1:
            fitting[task_id] = fitting[task_id] | index.resembling(tasks[task_id].input)
    return _certain(claims, fitting)


def _by_elimination(tasks: Mapping[str, Task], index: _Index, known: Mapping[str, int]) -> dict[str, int]:
    """Return the requests of tasks that are like one of those that are left, and like no other."""
    taken = set(known.values())
    left = {
        task_id: index.resembling(task.input) - taken
        for task_id, task in tasks.items()
        if not index.fitting(task.input)
    }
    claims = _settled({task_id: index.closest(tasks[task_id].input, each) for task_id, each in left.items()})
    n_claims = Counter(claims.values())
    return _certain({each: position for each, position in claims.items() if n_claims[position] == 1}, left)


def _settled(candidates: _Candidates) -> dict[str, int]:
    """Give each task the only request that the tasks settled before it leave."""
    claims: dict[str, int] = {}
    taken: set[int] = set()
    while True:
        new = {}
        for task_id in candidates.keys() - claims.keys():
            positions = candidates[task_id]
            left = positions - taken if len(positions) > 1 else positions
            if len(left) == 1:
                (new[task_id],) = left
        if not new:
            return claims
        claims |= new
        taken.update(new.values())


def _certain(claims: dict[str, int], candidates: _Candidates) -> dict[str, int]:
    """Keep the claims of tasks that could be no other request without a task of its own."""
    while True:
        taken = set(claims.values())
        kept = {each: position for each, position in claims.items() if candidates[each] <= taken}
        if len(kept) == len(claims):
            return kept
        claims = kept


def _items(parameters: Mapping[str, object]) -> Iterable[tuple[str, str]]:
    words = _words(parameters)
    if "url" in words:
        parts = _split(words["url"])
        words["url"] = words["url"] if parts is None else _canonical(parts)
    return words.items()


def _words(parameters: Mapping[str, object]) -> dict[str, str]:
    """Return the documented parameters as text that can be compared; what is empty says nothing."""
    return {
        name: _word(name, value)
        for name in PARAMETERS
        if (value := parameters.get(name)) is not None and value != ""
    }


def _word(name: str, value: object) -> str:
    # a list or an object is no value of any parameter
    text = str(value).strip() if isinstance(value, str | int | float) else f"a {type(value).__name__}"
    if name == "url":
        return text
    text = text.casefold()
    if name == "zip":
        return text.removesuffix(".0").zfill(5)
    return _FLAGS.get(text, text) if name == "parse" else text


def _split(url: str) -> SplitResult | None:
    """Return the parts of a URL, its host in lower case and without a default port; None if it is none."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        return None
    netloc = parts.netloc.lower()
    if port is not None and port == _DEFAULT_PORTS.get(parts.scheme):
        netloc = netloc.removesuffix(f":{port}")
    return parts._replace(netloc=netloc, path=unquote(parts.path) or "/", fragment="")


def _canonical(parts: SplitResult) -> str:
    return parts._replace(query=unquote_plus(parts.query)).geturl()


def _place(parts: SplitResult) -> str:
    return parts.netloc.removeprefix("www.") + parts.path.rstrip("/")


def _query(parts: SplitResult) -> set[str]:
    # decoded as a whole, for a service that decodes it does so too
    return set(filter(None, unquote_plus(parts.query).split("&")))


def _url_place(parameters: Mapping[str, object]) -> str:
    url = _words(parameters).get("url", "")
    parts = _split(url)
    return url if parts is None else _place(parts)
