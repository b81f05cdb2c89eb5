"""The service, from its start to its end."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import secrets
import socket
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from starlette.types import ASGIApp

from nimble_pandas.local.api.admission import Credentials, RateLimit
from nimble_pandas.local.api.app import Reception, routes
from nimble_pandas.local.api.calls import Api
from nimble_pandas.local.api.journal import Call, Journal
from nimble_pandas.local.clock import Clock
from nimble_pandas.local.faults import Fault, Faults, Scripted
from nimble_pandas.local.fetch import Fetcher
from nimble_pandas.local.loopback import HOST, LoopThread, listening, serving
from nimble_pandas.local.tasks.batches import Batches
from nimble_pandas.local.tasks.delivery import Storage
from nimble_pandas.local.tasks.instant import Instant
from nimble_pandas.local.tasks.outputs import Outputs
from nimble_pandas.local.tasks.results import Results
from nimble_pandas.local.tasks.worker import Worker

_PAGES = ("fetched", "instant")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a service is set up; `serve` explains each of them."""

    credentials: Credentials
    port: int
    shop: bool
    pages: str
    page_seconds: float
    rate_limit: float | None
    burst: int
    max_tasks: int
    max_results_bytes: int
    storage_options: Mapping[str, Any] | None = field(repr=False)
    fetcher_options: Mapping[str, Any] = field(repr=False)


class Service:
    """A running local service; made by `serve`.

    Parameters
    ----------
    settings : Settings
        How it is set up.
    clock : Clock
        The service's time.
    faults : iterable of Fault
        What is to go wrong.
    """

    def __init__(self, settings: Settings, *, clock: Clock, faults: Iterable[Fault] = ()) -> None:
        self.clock = clock
        self._settings = settings
        self._faults = Faults(faults)
        self._journal = Journal()
        self._errors: list[Exception] = []
        self._results = Results(settings.max_results_bytes)
        self._batches = Batches(clock, on_forget=self._results.drop)
        self._listener = listening(settings.port)
        self._shop_listener = listening(0) if settings.shop else None
        self.base_url = _url(self._listener.getsockname()[1])
        self.shop_url = _url(self._shop_listener.getsockname()[1]) if self._shop_listener else None
        self._thread = LoopThread(self._run)

    def __repr__(self) -> str:
        state = "running" if self._thread.alive else "closed"
        return f"<nimble_pandas.local.Service {self.base_url}, {state}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def username(self) -> str:
        """The user that it admits."""
        return self._settings.credentials.username

    @property
    def password(self) -> str:
        """That user's password."""
        return self._settings.credentials.password

    @property
    def api_key(self) -> str | None:
        """The Bearer token that it admits, None where it admits none."""
        return self._settings.credentials.api_key

    @property
    def log(self) -> list[Call]:
        """Every call received, in order; of very many the last 10,000, with the last 32 MiB of bodies."""
        return list(self._journal.calls)

    @property
    def counts(self) -> dict[str, int]:
        """How many calls were received, however many, by what was called: ``submit``, ``progress``, …."""
        return dict(self._journal.counts)

    @property
    def busiest_second(self) -> int:
        """How many calls were received in the second in which they were most."""
        return max(Counter(self._journal.per_second).values(), default=0)

    @property
    def faults(self) -> list[Scripted]:
        """The scripted faults, and how often each was met."""
        return list(self._faults)

    def start(self) -> None:
        """Start; returns when calls are answered.

        Raises
        ------
        Exception
            What kept it from starting; nothing is left running.
        """
        try:
            self._thread.start()
        except BaseException:
            self._close_listeners()
            raise

    def close(self) -> None:
        """Stop, and wait until all is cleared away; what is not done stays undone."""
        self._thread.stop()

    def inject(self, fault: Fault) -> Scripted:
        """Let something go wrong from now on.

        Parameters
        ----------
        fault : Fault
            What, and how often.

        Returns
        -------
        Scripted
            Counts how often it was met.
        """
        return self._faults.add(fault)

    def clear(self) -> None:
        """Forget the log, the faults and the recorded errors; batches go on."""
        self._journal.clear()
        self._faults.clear()
        self._errors.clear()

    def check(self) -> None:
        """Make sure that nothing went wrong but what was meant to.

        Raises
        ------
        Exception
            A bug of the service: the error that it answered with a 500, or that made a task fail. It is
            raised once.
        AssertionError
            A scripted fault was never met.
        """
        if self._errors:
            raise self._errors.pop(0)
        if never := [scripted.fault for scripted in self._faults if not scripted.met]:
            raise AssertionError(f"never met: {never}")

    def client(self) -> Any:  # noqa: ANN401 -- this package knows nothing of the client but its name
        """Make a client of this service.

        Returns
        -------
        nimble_pandas.client.Client
            With its address and credentials.
        """
        client = importlib.import_module("nimble_pandas.client")
        return client.Client(base_url=self.base_url, username=self.username, password=self.password)

    def environ(self) -> dict[str, str]:
        """Tell which variables make a child process use this service.

        Returns
        -------
        dict of str to str
            They hold the credentials.
        """
        return {
            "NIMBLE_BASE_URL": self.base_url,
            "NIMBLE_USERNAME": self.username,
            "NIMBLE_PASSWORD": self.password,
        }

    def _close_listeners(self) -> None:
        for listener in filter(None, (self._listener, self._shop_listener)):
            listener.close()

    async def _run(self, ready: Callable[[], None], stop: asyncio.Event) -> None:
        worker = self._worker()
        apps: dict[socket.socket, ASGIApp] = {self._listener: self._application(worker)}
        if self._shop_listener:
            apps[self._shop_listener] = self._shop()
        async with contextlib.aclosing(worker), serving(apps):
            ready()
            await stop.wait()

    def _shop(self) -> ASGIApp:
        opened_at = self.clock.now()
        shop = importlib.import_module("nimble_pandas.local.shop")
        app: ASGIApp = shop.application(day=lambda: (self.clock.now() - opened_at).days)
        return app

    def _worker(self) -> Worker:
        return Worker(
            outputs=self._outputs(),
            storage=Storage(self._settings.storage_options),
            results=self._results,
            faults=self._faults,
            clock=self.clock,
            errors=self._errors,
            max_tasks=self._settings.max_tasks,
        )

    def _outputs(self) -> Outputs | Instant:
        if self._settings.pages == "instant":
            return Instant(clock=self.clock, page_seconds=self._settings.page_seconds)
        fetcher = Fetcher(shop_url=self.shop_url, **self._settings.fetcher_options)
        return Outputs(fetcher=fetcher, parse=_parse, clock=self.clock, errors=self._errors)

    def _application(self, worker: Worker) -> Reception:
        api = Api(
            base_url=self.base_url,
            batches=self._batches,
            results=self._results,
            faults=self._faults,
            worker=worker,
        )
        rate_limit = RateLimit(self.clock, per_second=self._settings.rate_limit, burst=self._settings.burst)
        inside = routes(
            api,
            faults=self._faults,
            batches=self._batches,
            clock=self.clock,
            base_url=self.base_url,
            errors=self._errors,
        )
        return Reception(
            inside,
            credentials=self._settings.credentials,
            rate_limit=rate_limit,
            journal=self._journal,
            errors=self._errors,
        )


def _parse(html: str, *, url: str, vendor: str | None) -> Mapping[str, object]:
    """Parse with an extraction library that takes half a second to load: not before the first page."""
    parsing: Mapping[str, object] = importlib.import_module("nimble_pandas.local.parse").parse(
        html, url=url, vendor=vendor
    )
    return parsing


def _url(port: int) -> str:
    return f"http://{HOST}:{port}"


def serve(
    *,
    port: int = 0,
    username: str | None = None,
    password: str | None = None,
    api_key: str | None = None,
    shop: bool = True,
    pages: str = "fetched",
    page_seconds: float = 0.0,
    storage_options: Mapping[str, Any] | None = None,
    proxies: Mapping[str, str] | None = None,
    faults: Iterable[Fault] = (),
    clock: Clock | None = None,
    rate_limit: float | None = None,
    burst: int = 10,
    max_tasks: int = 32,
    max_results_bytes: int = 256 * 1024 * 1024,
    respect_robots: bool = True,
) -> Service:
    """Start the local service, on loopback and on a thread of its own.

    Parameters
    ----------
    port : int, default 0
        Where to listen; 0 for any free port.
    username, password : str, optional
        What Basic authentication must give; random by default.
    api_key : str, optional
        A Bearer token that is accepted besides.
    shop : bool, default True
        Open the demo shop as well, on another port.
    pages : {"fetched", "instant"}, default "fetched"
        Where pages come from. With ``"instant"`` nothing is fetched or parsed: each task has a made-up
        product at once, for loads of many batches.
    page_seconds : float, default 0
        With ``"instant"``, how long after its batch was taken each task has its page.
    storage_options : Mapping, optional
        Handed to fsspec when outputs are written; the environment decides otherwise.
    proxies : Mapping of str to str, optional
        A proxy URL per country.
    faults : iterable of Fault, optional
        What is to go wrong.
    clock : Clock, optional
        The service's time; the machine's by default.
    rate_limit : float, optional
        Calls per second that are answered in the long run; no limit by default.
    burst : int, default 10
        Calls that may come at once under a rate limit.
    max_tasks : int, default 32
        Tasks that are worked on at once.
    max_results_bytes : int, default 256 MiB
        Outputs that wait in memory to be pulled; the oldest make room for the newest.
    respect_robots : bool, default True
        Leave alone what a site's robots.txt asks to leave alone.

    Returns
    -------
    Service
        Running; a context manager that stops it at the end.

    Raises
    ------
    OSError
        The port is taken.
    ValueError
        There are no such pages.
    """
    if pages not in _PAGES:
        raise ValueError(f"pages={pages!r} is none of {_PAGES}")
    settings = Settings(
        credentials=Credentials(
            username=username or f"local-{secrets.token_hex(4)}",
            password=password or secrets.token_urlsafe(24),
            api_key=api_key,
        ),
        port=port,
        shop=shop,
        pages=pages,
        page_seconds=page_seconds,
        rate_limit=rate_limit,
        burst=burst,
        max_tasks=max_tasks,
        max_results_bytes=max_results_bytes,
        storage_options=storage_options,
        fetcher_options={"proxies": proxies, "respect_robots": respect_robots},
    )
    service = Service(settings, clock=clock or Clock(), faults=faults)
    service.start()
    return service
