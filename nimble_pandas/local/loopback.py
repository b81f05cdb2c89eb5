"""ASGI servers on loopback, on an event loop and a thread of their own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

HOST = "127.0.0.1"
_GRACE_SECONDS = 1
_BACKLOG = 512


def listening(port: int) -> socket.socket:
    """Open a listening socket.

    Parameters
    ----------
    port : int
        0 for any that is free.

    Returns
    -------
    socket.socket
        On loopback; what connects from now on waits for a server.

    Raises
    ------
    OSError
        The port is taken.
    """
    # asyncio turns Nagle's algorithm off only where the protocol is named: otherwise 40 ms a call
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(_BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


class Protocol(H11Protocol):
    """HTTP/1.1 whose transport is in the ASGI scope, for `answers.NoAnswer` to end."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Put the transport into every scope of this connection.

        Parameters
        ----------
        transport : asyncio.Transport
            The connection.
        """
        super().connection_made(transport)
        self.app = _with_transport(self.app, transport)


def _with_transport(app: ASGIApp, transport: asyncio.Transport) -> ASGIApp:
    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "transport": transport}, receive, send)

    return call


@contextlib.asynccontextmanager
async def serving(apps: Mapping[socket.socket, ASGIApp]) -> AsyncIterator[None]:
    """Serve applications while the block runs.

    Parameters
    ----------
    apps : Mapping
        The ASGI application of each listening socket; the sockets are closed at the end.
    """
    servers = {listener: _Server(_config(app)) for listener, app in apps.items()}
    running = [asyncio.create_task(server.serve([listener])) for listener, server in servers.items()]
    for server in servers.values():
        await server.up.wait()
    try:
        yield
    finally:
        for server in servers.values():
            server.down.set()
        await asyncio.gather(*running)
        for server in servers.values():
            server.leave_connections()
        # they are closed in the next turn of the loop
        await asyncio.sleep(0)


class _Server(uvicorn.Server):
    """Says when it is up, and goes down at once: uvicorn's own looks every 0.1 s."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up, self.down = asyncio.Event(), asyncio.Event()

    async def main_loop(self) -> None:
        self.up.set()
        await self.down.wait()
        await self._stop_accepting()

    async def _stop_accepting(self) -> None:
        """Take no more connections; those taken are known to uvicorn, which tells them to go."""
        loop = asyncio.get_running_loop()
        # Windows' own loop has no readers
        with contextlib.suppress(NotImplementedError):
            for server in self.servers:
                for listener in server.sockets:
                    loop.remove_reader(listener)
        # a turn for the transport, which a closed server would refuse, and one for the protocol
        for _ in range(2):
            await asyncio.sleep(0)

    def leave_connections(self) -> None:
        """End the connections over which the answer is not taken."""
        for connection in list(self.server_state.connections):
            connection.transport.abort()


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


class LoopThread:
    """An event loop on a daemon thread, for as long as `stop` is not called.

    Parameters
    ----------
    main : callable
        ``main(ready, stop)``: calls ``ready()`` when it is up, and ends when the event ``stop`` is set.
    """

    def __init__(self, main: Callable[[Callable[[], None], asyncio.Event], Awaitable[None]]) -> None:
        self._main = main
        self._ready = threading.Event()
        self._stop: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="nimble-local", daemon=True)

    def start(self) -> None:
        """Start, and wait until it is up.

        Raises
        ------
        BaseException
            What kept it from coming up; nothing is left running.
        """
        self._thread.start()
        self._ready.wait()
        if self._error is not None:
            self._thread.join()
            raise self._error

    def stop(self) -> None:
        """Stop, and wait until all is cleared away; nothing happens the second time."""
        if self._loop is not None and self._stop is not None and self._thread.is_alive():
            with contextlib.suppress(RuntimeError):  # the loop has closed in between
                self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 -- raised again by `start` in the caller's thread
            self._error = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        await self._main(self._ready.set, self._stop)
