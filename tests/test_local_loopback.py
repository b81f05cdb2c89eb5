"""The local service's servers come down whole, whatever their callers are doing."""

import contextlib
import gc
import socket
import threading
import time
import warnings

import pytest

from nimble_pandas.local.loopback import HOST, LoopThread, listening, serving

_MORE_THAN_A_SOCKET_TAKES = 20_000_000
_N_CALLERS = 30


async def _app(_scope, _receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"x" * _MORE_THAN_A_SOCKET_TAKES})


@contextlib.contextmanager
def _server():
    """Yield a server's port; all is down after the block, and what was left open is a warning."""
    listener = listening(0)
    port = listener.getsockname()[1]

    async def main(ready, stop):
        async with serving({listener: _app}):
            ready()
            await stop.wait()

    thread = LoopThread(main)
    thread.start()
    with warnings.catch_warnings(record=True) as left_open:
        warnings.simplefilter("always", ResourceWarning)
        try:
            yield port
        finally:
            thread.stop()
        del thread
        gc.collect()
    assert [str(each.message) for each in left_open] == []


@pytest.mark.parametrize("request_bytes", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"])
def test_callers_are_left(request_bytes):
    """Who says nothing, half a request, or takes no answer, is left, and his connection ended."""
    with contextlib.ExitStack() as callers:
        with _server() as port:
            for _ in range(_N_CALLERS):
                caller = callers.enter_context(socket.create_connection((HOST, port)))
                caller.sendall(request_bytes)
            time.sleep(0.1)


def test_callers_that_come_while_it_goes_down_are_left():
    """A connection that is taken in after the others were told is ended, too."""
    for _ in range(5):
        with contextlib.ExitStack() as callers:
            with _server() as port:
                coming = threading.Thread(target=_come, args=(port, callers))
                coming.start()
                time.sleep(0.002)
            coming.join()


def _come(port, callers):
    with contextlib.suppress(OSError):
        for _ in range(_N_CALLERS):
            callers.enter_context(socket.create_connection((HOST, port)))
