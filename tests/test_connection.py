"""Sockets, sessions and handshakes: nothing is sent twice, and what never left is known not to have."""

import contextlib
import os
import socket
import threading

import pytest
import requests
import urllib3
from certificates import tls_server
from clocks import Hand
from replay import BODY, SUBMITTED, Answer, client, replaying

import nimble_pandas
from nimble_pandas import Client


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("own", [True, False])
def test_a_forked_child_has_sockets_of_its_own(own):
    """Parent and child on one socket would read each other's answers."""
    with replaying(Answer(body={"progress": 0.5})) as replay, requests.Session() as session:
        asked = client(replay, session=None if own else session)
        asked.progress("before")
        child = os.fork()
        if not child:
            with contextlib.suppress(BaseException):
                asked.progress("child")
                os._exit(0)
            os._exit(1)
        assert os.waitpid(child, 0)[1] == 0
        asked.progress("after")
    ports = [each.port for each in replay.asked]
    assert ports[0] == ports[2] != ports[1]


def test_a_submit_has_a_connection_of_its_own():
    """One that was idle may be closed under it, and nobody could tell that from a submit that was taken."""
    with replaying(Answer(body=SUBMITTED)) as replay:
        asked = client(replay)
        asked.progress("b1")
        asked.progress("b1")
        asked.submit(BODY)
        asked.submit(BODY)
    ports = [each.port for each in replay.asked]
    assert ports[0] == ports[1]
    assert len(set(ports)) == 3


@pytest.mark.parametrize("given", ["session", "transport"])
def test_whoever_sends_a_post_again_by_himself_is_refused(given):
    """Retries of the caller's own would pay twice; those that leave POST alone are welcome."""
    bold = requests.adapters.HTTPAdapter(max_retries=urllib3.Retry(total=3, allowed_methods=None))
    with requests.Session() as session, replaying(Answer(fate="drop")) as replay:
        session.mount("http://", bold)
        with pytest.raises(nimble_pandas.ConfigError, match="paid twice"):
            client(replay, **{given: session if given == "session" else bold})
        session.mount("http://", requests.adapters.HTTPAdapter(max_retries=3))
        with pytest.raises(nimble_pandas.SubmitUnknown):
            client(replay, session=session).submit(BODY)
    assert len(replay.asked) == 1


class Leaping(Hand):
    """A clock on which each look costs two minutes."""

    def monotonic(self):
        """Return two minutes more than the last time."""
        self.seconds += 120
        return self.seconds


def test_an_answer_that_drips_for_ever_ends():
    """A byte now and then keeps every single wait short; the answer as a whole has its time too."""
    with replaying(Answer(fate="drip")) as replay:
        with pytest.raises(nimble_pandas.TransportError, match="too long"):
            client(replay, clock=Leaping()).output("t1")


def asked_over_tls(base_url, session=None):
    """Submit to an address that refuses before anything can be sent; return the error and the pauses."""
    asked = Client(base_url=base_url, api_key="k", clock=Hand(), session=session)
    with pytest.raises(nimble_pandas.TransportError, match="Nothing of this batch was sent") as raised:
        asked.submit(BODY)
    assert not isinstance(raised.value, nimble_pandas.SubmitUnknown)
    return raised.value, asked.clock.slept


def test_a_certificate_that_is_refused_means_that_nothing_left(tmp_path):
    """The handshake comes before the first byte of the submit; a second attempt would change nothing."""
    with tls_server(tmp_path) as base_url:
        error, slept = asked_over_tls(base_url)
    assert "certificate" in str(error).lower()
    assert slept == []


def test_a_server_that_speaks_no_tls_was_sent_nothing():
    """Nor has a plain port, which answers a handshake with a page."""
    with replaying(Answer(body=SUBMITTED)) as replay:
        asked_over_tls(replay.base_url.replace("http:", "https:"))
    assert replay.asked == []


def test_a_server_that_hangs_up_in_the_handshake_was_sent_nothing():
    """It may come back a moment later, so it is tried three times."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        # who is not asked three times does not wait for ever
        server.settimeout(30)

        def hang_up():
            with contextlib.suppress(TimeoutError):
                for _ in range(3):
                    server.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        _, slept = asked_over_tls(f"https://127.0.0.1:{server.getsockname()[1]}")
        thread.join()
    assert len(slept) == 2


def test_a_proxy_that_refuses_the_tunnel_let_nothing_through():
    """What it says stands in the error; asking it again would change nothing."""
    with replaying(Answer(status=407)) as proxy, requests.Session() as session:
        session.trust_env = False
        session.proxies = {"https": proxy.base_url}
        error, slept = asked_over_tls("https://service.invalid", session)
    assert "407" in str(error)
    assert slept == []
    assert [asked.method for asked in proxy.asked] == ["CONNECT"]
