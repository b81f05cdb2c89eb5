"""A way to a store on loopback that can be shut: what is asked then gets no answer, or a late one."""

import contextlib
import socket
import threading
import urllib.parse

# how long whoever is held waits before he looks whether the test is over
_PATIENCE_SECONDS = 60


class HeldStore:
    """Takes connections and hands on what comes over them, or nothing for as long as it is shut.

    Parameters
    ----------
    url : str
        Of the store behind it.
    """

    def __init__(self, url):
        place = urllib.parse.urlsplit(url)
        self._behind = place.hostname, place.port
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.n_held = 0
        self._sockets = []
        self._shut = threading.Event()
        self._late = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def shut(self):
        """Answer nothing that is asked from now on."""
        self._shut.set()

    def open(self):
        """Answer what is asked from now on; what was held gets no answer."""
        self._shut.clear()

    def answer_late(self):
        """Answer what was held, too."""
        self._late.set()

    def close(self):
        """End all connections."""
        for each in [self._listener, *self._sockets]:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._late.set()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                caller, _ = self._listener.accept()
                behind = socket.create_connection(self._behind)
                self._sockets += [caller, behind]
                threading.Thread(target=self._ask, args=(caller, behind), daemon=True).start()
                threading.Thread(target=_hand_on, args=(behind, caller), daemon=True).start()

    def _ask(self, caller, behind):
        def wait():
            if self._shut.is_set():
                self.n_held += 1
                self._late.wait(_PATIENCE_SECONDS)

        _hand_on(caller, behind, wait)


def _hand_on(source, target, before=lambda: None):
    with contextlib.suppress(OSError):
        while said := source.recv(2**16):
            before()
            target.sendall(said)
        target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def held_store(url):
    """Put one in front of a store, for the length of a block."""
    store = HeldStore(url)
    try:
        yield store
    finally:
        store.close()
