"""The client against scripted answers over a real socket: every documented one, and what goes wrong."""

import base64
import contextlib
import copy
import io
import logging
import os
import pickle
import socket
import threading
import traceback
from datetime import UTC, datetime

import pytest
import requests
import urllib3
from certificates import tls_server
from clocks import Hand
from replay import Answer, replaying

import nimble_pandas
from nimble_pandas import Client
from nimble_pandas.client import ERRORS
from nimble_pandas.config import resolve_base_url

PASSWORD = "pa55-wörd-secret"
BASIC = "Basic " + base64.b64encode(f"anna:{PASSWORD}".encode()).decode()
BODY = b'{"requests":[{"url":"https://www.walmart.com/ip/1"}],"vendor":"walmart"}'

TASK = {
    "batch_id": "b1",
    "id": "t1",
    "state": "pending",
    "output_url": "s3://bucket/t1.json",
    "callback_url": None,
    "status_url": "https://[base_url]/tasks/t1",
    "created_at": "2025-12-15T14:08:26.079Z",
    "modified_at": "2025-12-15T14:08:26.079Z",
    "input": {"url": "https://www.walmart.com/ip/1", "vendor": "walmart", "parse": "true"},
}
SUBMITTED = {"batch_id": "b1", "batch_size": 1, "tasks": [TASK]}


def client(replay, **settings):
    """Return a client of a scripted server, on a clock that does not wait."""
    return Client(
        **{
            "base_url": replay.base_url,
            "username": "anna",
            "password": PASSWORD,
            "clock": Hand(),
            **settings,
        }
    )


def test_a_submit_is_one_authorised_post():
    """The body goes out as it is, with Basic authentication, to the documented address."""
    with replaying(Answer(body=SUBMITTED)) as replay:
        batch = client(replay).submit(BODY)
    (asked,) = replay.asked
    assert (asked.method, asked.path, asked.body) == ("POST", "/api/v1/batch/ecommerce", BODY)
    assert asked.headers["Authorization"] == BASIC
    assert asked.headers["Content-Type"] == "application/json"
    assert (batch.id, [task.id for task in batch.tasks]) == ("b1", ["t1"])


def test_a_key_goes_out_as_bearer():
    """Later accounts use a key in place of a name and a password."""
    with replaying(Answer(body=SUBMITTED)) as replay:
        Client(base_url=replay.base_url, api_key="k-1").submit(BODY)
    assert replay.asked[0].headers["Authorization"] == "Bearer k-1"


@pytest.mark.parametrize(
    ("answer", "completed", "fraction"),
    [
        ({"status": "success", "completed": False, "progress": 0.333333}, False, 0.333333),
        ({"status": "success", "completed": True, "progress": 1}, True, 1.0),
        ({"id": "b1", "completed": True, "completed_count": 3, "progress": 1.0}, True, 1.0),
        ({"status": "success"}, False, 0.0),
        ({"completed": "true", "progress": "a lot"}, True, 0.0),
        ({"completed": "False", "progress": "0.5"}, False, 0.5),
        ({"completed": 1, "progress": "1"}, True, 1.0),
        ({"progress": 33.5}, False, 0.335),
        ({"progress": 100}, False, 1.0),
        ({"progress": "50%"}, False, 0.5),
        ({"progress": 10**400}, False, 0.0),
        ({"progress": -1, "completed": []}, False, 0.0),
        ({"progress": True}, False, 0.0),
    ],
)
def test_progress_is_read_in_every_generation(answer, completed, fraction):
    """The flag and the fraction are read from old and new answers; nonsense is no progress."""
    with replaying(Answer(body=answer)) as replay:
        progress = client(replay).progress("b1")
    assert (progress.completed, progress.fraction) == (completed, fraction)
    assert (replay.asked[0].method, replay.asked[0].path) == ("GET", "/api/v1/batches/b1/progress")


def test_a_summary_is_read_in_every_generation():
    """States, errors and site codes are read from old and new tasks; null tasks are left out."""
    tasks = [
        None,
        {**TASK, "state": "success"},
        {"id": "t2", "state": "failed", "error": "blocked", "error_type": "site", "status_code": 503},
        {"task_id": "t3", "status": "in_progress", "download_url": "https://elsewhere/t3"},
        {"id": "t4", "state": "teleporting"},
        {"state": "success"},
    ]
    with replaying(Answer(body={"status": "success", "tasks": tasks, "completed": True, "progress": 1})) as r:
        batch = client(r).summary("b1")
    assert r.asked[0].path == "/api/v1/batches/b1"
    read = [(task.id, task.ended, task.succeeded, task.error, task.status_code) for task in batch.tasks]
    assert read == [
        ("t1", True, True, None, None),
        ("t2", True, False, "blocked", 503),
        ("t3", False, False, None, None),
        ("t4", False, False, None, None),
    ]
    assert batch.completed


def test_one_task_is_read_inside_and_outside_its_envelope():
    """The documentation wraps the task, a later answer does not."""
    with replaying(Answer(body={"status": "success", "task": TASK}), Answer(body=TASK)) as replay:
        asked = client(replay)
        assert asked.task("t1") == asked.task("t1")
    assert replay.asked[0].path == "/api/v1/tasks/t1"


def test_ids_cannot_leave_their_place_in_the_address():
    """An id that the service made up ends up as one path segment."""
    with replaying(Answer(body=TASK)) as replay:
        client(replay).task("../../x?y#z")
    assert replay.asked[0].path == "/api/v1/tasks/..%2F..%2Fx%3Fy%23z"


def test_an_output_is_pulled_as_it_is():
    """The bytes are not decoded, and the address is built from the id alone."""
    with replaying(Answer(body=b"\x1f\x8bwhatever")) as replay:
        assert client(replay).output("t1") == b"\x1f\x8bwhatever"
    assert replay.asked[0].path == "/api/v1/tasks/t1/results"


@pytest.mark.parametrize("code", [*ERRORS, 418, 502, 503])
@pytest.mark.parametrize("name", ["msg", "message", "error", "detail"])
def test_every_error_of_the_service_has_its_class(code, name):
    """The class follows the code, the text whichever name it goes by; nothing is sent again."""
    answer = Answer(status=code, body={"status": "failed", name: f"because {code}"})
    with replaying(answer) as replay:
        asked = client(replay)
        asked.clock.seconds = 0.0
        expected = ERRORS.get(code, nimble_pandas.ServerError if code >= 500 else nimble_pandas.ApiError)
        with pytest.raises(expected) as raised:
            asked.output("t1")
    assert type(raised.value) is expected
    assert raised.value.status_code == code
    assert f"because {code}" in str(raised.value)
    assert len(replay.asked) == 1


def test_an_error_without_json_still_says_what_came():
    """A gateway's HTML page is shown, cut."""
    with replaying(Answer(status=502, body=b"<html>Bad gateway</html>" * 100)) as replay:
        with pytest.raises(nimble_pandas.ServerError, match="Bad gateway") as raised:
            client(replay).progress("b1")
    assert len(raised.value.body) == 500


def test_a_forgotten_batch_has_expired():
    """404 for a batch means that its 24 hours are over."""
    with replaying(Answer(status=404, body={"status": "failed", "error": "Batch not found"})) as replay:
        with pytest.raises(nimble_pandas.JobExpired, match="24 hours") as raised:
            client(replay).progress("b1")
    assert raised.value.batch_id == "b1"


@pytest.mark.parametrize(
    "answer",
    [
        Answer(fate="drop"),
        Answer(body=SUBMITTED, fate="cut"),
        Answer(body=b"<html>OK</html>"),
        Answer(body=b""),
        Answer(body=[1]),
        Answer(body={"status": "success"}),
    ],
    ids=["dropped", "cut", "html", "empty", "list", "no id"],
)
def test_a_submit_whose_answer_is_lost_is_unknown_and_never_sent_again(answer):
    """The service may have taken it: sending it again could be paying twice."""
    with replaying(answer) as replay:
        with pytest.raises(nimble_pandas.SubmitUnknown, match="may be running and billed"):
            client(replay).submit(BODY)
    assert len(replay.asked) == 1


@pytest.mark.parametrize("code", [500, 501, 503, 555])
def test_a_submit_that_the_service_stumbles_over_is_not_sent_again(code):
    """A 5xx leaves open whether the batch was taken."""
    with replaying(Answer(status=code, body={"msg": "oops"})) as replay:
        with pytest.raises(nimble_pandas.ServerError):
            client(replay).submit(BODY)
    assert len(replay.asked) == 1


def test_a_submit_that_must_wait_is_sent_when_it_may():
    """429 says that nothing was taken: `Retry-After` is honoured, and without it the pause grows."""
    wait = Answer(status=429, body={"msg": "Rate limit exceeded"}, headers={"Retry-After": "7"})
    with replaying(wait, Answer(status=429), Answer(body=SUBMITTED)) as replay:
        asked = client(replay)
        assert asked.submit(BODY).id == "b1"
    assert len(replay.asked) == 3
    assert asked.clock.slept[0] == 7.0
    assert 1.0 < asked.clock.slept[1] < 3.0


def test_retry_after_may_be_a_date():
    """The header's other form is a time of day."""
    date = {"Retry-After": "Sun, 01 Nov 2026 00:00:30 GMT"}
    with replaying(Answer(status=429, headers=date)) as replay, pytest.raises(nimble_pandas.RateLimited) as r:
        client(replay).progress("b1")
    assert r.value.retry_after == 30.0


def test_a_storm_of_429_ends():
    """After five minutes of being told to wait, the submit gives up; nothing was sent."""
    with replaying(Answer(status=429, headers={"Retry-After": "60"})) as replay:
        with pytest.raises(nimble_pandas.RateLimited):
            client(replay).submit(BODY)
    assert len(replay.asked) == 6


def test_a_submit_that_never_left_is_tried_again():
    """Where nobody listens nothing can have been taken, so it is safe to try three times."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        asked = Client(base_url=f"http://127.0.0.1:{closed.getsockname()[1]}", api_key="k", clock=Hand())
        with pytest.raises(nimble_pandas.TransportError, match="cannot be reached") as raised:
            asked.submit(BODY)
    assert not isinstance(raised.value, nimble_pandas.SubmitUnknown)
    assert "Nothing of this batch was sent" in str(raised.value)
    assert len(asked.clock.slept) == 2


def test_redirects_are_refused():
    """The key goes to one host, whatever an answer says."""
    with replaying(Answer(body=SUBMITTED)) as other:
        there = {"Location": f"{other.base_url}/api/v1/batch/ecommerce"}
        with replaying(Answer(status=307, headers=there)) as replay:
            with pytest.raises(nimble_pandas.ApiError, match="Redirects are refused"):
                client(replay).submit(BODY)
    assert other.asked == []


def test_a_session_or_a_transport_can_be_handed_in():
    """A caller's session carries its headers; a transport sends in place of the session's own."""
    session = requests.Session()
    session.headers["X-Team"] = "pricing"
    sent = []

    class Recording(requests.adapters.HTTPAdapter):
        def send(self, request, **options):
            sent.append(request.url)
            return super().send(request, **options)

    with replaying(Answer(body=SUBMITTED)) as replay:
        client(replay, session=session, transport=Recording()).submit(BODY)
    session.close()
    assert replay.asked[0].headers["X-Team"] == "pricing"
    assert sent == [f"{replay.base_url}/api/v1/batch/ecommerce"]


def test_credentials_come_from_the_environment(monkeypatch):
    """Name and password come before a key; the address has its variable too."""
    with replaying(Answer(body=SUBMITTED)) as replay:
        monkeypatch.setenv("NIMBLE_BASE_URL", f"{replay.base_url}/api/v1/")
        monkeypatch.setenv("NIMBLE_API_KEY", "k-1")
        Client().submit(BODY)
        monkeypatch.setenv("NIMBLE_USERNAME", "anna")
        monkeypatch.setenv("NIMBLE_PASSWORD", PASSWORD)
        Client().submit(BODY)
    assert [asked.headers["Authorization"] for asked in replay.asked] == ["Bearer k-1", BASIC]


def test_credentials_come_from_netrc(home):
    """The last source is the user's ~/.netrc, by the service's host."""
    with replaying(Answer(body=SUBMITTED)) as replay:
        netrc = home / ".netrc"
        netrc.write_text("machine 127.0.0.1 login bob password builder\n")
        netrc.chmod(0o600)
        Client(base_url=replay.base_url).submit(BODY)
    assert replay.asked[0].headers["Authorization"] == "Basic Ym9iOmJ1aWxkZXI="


def test_no_credentials_names_every_source():
    """The error lists what was looked at, and how to go on without an account."""
    with pytest.raises(nimble_pandas.ConfigError) as raised:
        Client()
    for source in ("username=", "api_key=", "NIMBLE_USERNAME", "NIMBLE_API_KEY", "~/.netrc", "demo"):
        assert source in str(raised.value)


@pytest.mark.parametrize("settings", [{"username": "a"}, {"api_key": "k", "username": "a", "password": "b"}])
def test_half_or_double_credentials_are_refused(settings):
    """One name without a password, or two ways at once, is a mistake."""
    with pytest.raises(nimble_pandas.ConfigError):
        Client(**settings)


@pytest.mark.parametrize("base_url", ["http://api.webit.live", "ftp://x", "api.webit.live", "https://u:p@h"])
def test_the_key_is_never_sent_in_the_clear(base_url):
    """Plain HTTP is for this machine only, and an address holds no credentials."""
    with pytest.raises(nimble_pandas.ConfigError):
        resolve_base_url(base_url)


def test_the_default_address_is_the_documented_one():
    """Without a setting, calls go to Nimble."""
    assert resolve_base_url() == "https://api.webit.live"


def test_no_secret_is_shown_anywhere():
    """Not in a repr, a pickle, an error, or a log at any level, even when the service echoes it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    root.addHandler(handler)
    before = root.level
    root.setLevel(1)
    try:
        with replaying(Answer(status=400, body={"msg": f"{PASSWORD} {BASIC}"})) as replay:
            asked = client(replay)
            with pytest.raises(nimble_pandas.ApiError) as raised:
                asked.submit(BODY)
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
    shown = f"{asked!r} {vars(raised.value)} {raised.value} {stream.getvalue()}".encode()
    shown += pickle.dumps(asked) + pickle.dumps(raised.value)
    for secret in (PASSWORD, BASIC.partition(" ")[2]):
        assert secret.encode() not in shown


def test_a_client_that_is_pickled_finds_its_own_key(monkeypatch):
    """Another process has the address from the pickle and the key from its own environment."""
    with replaying(Answer(body=SUBMITTED)) as replay:
        pickled = pickle.dumps(client(replay))
        monkeypatch.setenv("NIMBLE_API_KEY", "k-2")
        pickle.loads(pickled).submit(BODY)
    assert replay.asked[0].headers["Authorization"] == "Bearer k-2"


def test_a_copy_of_a_client_works_where_it_is_made():
    """A copy stays in the process, where the key is: nothing has to be looked for."""
    with replaying(Answer(body=SUBMITTED)) as replay:
        for copied in (copy.copy(client(replay)), copy.deepcopy(client(replay))):
            assert copied.submit(BODY).id == "b1"
    assert {asked.headers["Authorization"] for asked in replay.asked} == {BASIC}


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

        def hang_up():
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


@pytest.mark.parametrize("code", [302, 400, 401, 402, 403, 404, 418])
def test_a_refusal_says_what_became_of_the_batch(code):
    """A batch that was refused is not billed; one that was asked about goes on."""
    with replaying(Answer(status=code, body={"msg": "no"})) as replay:
        with pytest.raises(nimble_pandas.ApiError, match="Nothing of this batch was taken, nor is it billed"):
            client(replay).submit(BODY)
        with pytest.raises(nimble_pandas.ApiError, match="submitted before goes on and is billed"):
            client(replay).output("t1")


def test_a_server_error_to_a_submit_says_that_it_may_run():
    """A 5xx leaves open whether the batch was taken."""
    with replaying(Answer(status=500, body={"msg": "oops"})) as replay:
        with pytest.raises(nimble_pandas.ServerError, match="may be running and billed"):
            client(replay).submit(BODY)


def test_a_rate_limit_says_for_how_long():
    """`Retry-After` is in the text, for whoever waits himself."""
    with replaying(Answer(status=429, headers={"Retry-After": "400"})) as replay:
        with pytest.raises(nimble_pandas.RateLimited, match=r"again in 400 s"):
            client(replay).submit(BODY)


def test_an_answer_that_names_no_batch_says_why():
    """The service's reason is not lost, whatever the status code."""
    with replaying(Answer(body={"status": "failed", "msg": "quota exceeded"})) as replay:
        with pytest.raises(nimble_pandas.SubmitUnknown, match="quota exceeded"):
            client(replay).submit(BODY)


@pytest.mark.parametrize(
    "answer",
    [{"tasks": [TASK]}, {"batchId": "b1", "tasks": []}, {"tasks": [{"id": "t1", "batchId": "b1"}]}],
)
def test_a_batch_is_named_by_its_tasks_too(answer):
    """Each task says which batch it is of, in either spelling."""
    with replaying(Answer(body=answer)) as replay:
        assert client(replay).submit(BODY).id == "b1"


def test_the_list_of_tasks_ends_where_it_gets_too_old():
    """Pages are asked for until one holds nothing from the time in question."""

    def page(n, *days):
        tasks = [{"id": f"t{n}{day}", "created_at": f"2026-10-{day:02}T00:00:00Z"} for day in days]
        return Answer(body={"data": tasks, "pagination": {"hasNext": True, "nextCursor": str(n)}})

    with replaying(page(1, 9, 8), page(2, 8, 4), page(3, 3, 2), page(4, 1)) as replay:
        tasks = [task.id for task in client(replay).tasks(since=datetime(2026, 10, 5, tzinfo=UTC))]
    assert tasks == ["t19", "t18", "t28"]
    assert len(replay.asked) == 3


def test_a_list_that_leads_back_ends():
    """Cursors in a circle are followed once."""
    pages = [
        Answer(body={"data": [TASK], "pagination": {"hasNext": True, "nextCursor": cursor}})
        for cursor in ("a", "b", "a")
    ]
    with replaying(*pages) as replay:
        assert len(list(client(replay).tasks())) == 3


@pytest.mark.parametrize(
    "base_url",
    [
        "https://me:S3CRETPW@host",
        "https://me:S3/CRETPW@host",
        "https://h/?k=S3CRETPW",
        "https://h:port",
        "https://h:99999",
        "https://[h",
        "https://a b",
        "S3CRETPW",
    ],
)
@pytest.mark.parametrize("source", ["base_url=", "NIMBLE_BASE_URL"])
def test_an_address_that_is_none_is_refused_and_not_shown(base_url, source, monkeypatch):
    """The error names its source, for a value that is wrong may hold a password."""
    if source != "base_url=":
        monkeypatch.setenv(source, base_url)
    with pytest.raises(nimble_pandas.ConfigError, match=source) as raised:
        resolve_base_url(base_url if source == "base_url=" else None)
    assert "CRETPW" not in str(raised.value)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (" https://API.webit.live/api/v1/ ", "https://api.webit.live"),
        ("https://api.webit.live:443", "https://api.webit.live"),
        ("http://LOCALHOST:8000/", "http://localhost:8000"),
        ("https://proxy.example/Nimble/", "https://proxy.example/Nimble"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
    ],
)
def test_an_address_has_one_spelling(given, meant):
    """Blanks around, the host's case and alphabet, the default port and a slash do not matter."""
    assert resolve_base_url(given) == meant


def test_the_key_goes_to_its_host_however_it_is_spelled():
    """The host's case does not decide whether calls are authorised."""
    with replaying(Answer(body=SUBMITTED)) as replay:
        client(replay, base_url=replay.base_url.replace("127.0.0.1", "LOCALHOST")).submit(BODY)
    assert replay.asked[0].headers["Authorization"] == BASIC


def test_a_key_may_have_been_read_from_a_file():
    """The line break at its end is no part of it."""
    with replaying(Answer(body=SUBMITTED)) as replay:
        Client(base_url=replay.base_url, api_key="k-1\n").submit(BODY)
        Client(base_url=replay.base_url, username="anna\n", password=f"{PASSWORD}\r\n").submit(BODY)
    assert [asked.headers["Authorization"] for asked in replay.asked] == ["Bearer k-1", BASIC]


@pytest.mark.parametrize(
    "settings",
    [
        {"api_key": "S3CRET\nKEY"},
        {"api_key": "S3CRET…"},
        {"api_key": "S3CRET KEY"},
        {"api_key": "\n"},
        {"username": "an:na", "password": "S3CRET"},
        {"username": "anna", "password": "S3CRET\nPW"},
        {"username": "", "password": "S3CRET"},
        {"username": "anna", "password": "S3CRET\ud800"},
        {"username": "anna", "password": "S3CRET", "api_key": "S3CRET"},
        {"password": "S3CRET"},
        {"api_key": "S3CRET", "base_url": "ftp://x"},
    ],
)
def test_what_cannot_be_sent_is_refused_and_not_shown(settings):
    """Not in the message, nor in the local variables that notebooks and logs print with a traceback."""
    try:
        Client(**settings)
    except nimble_pandas.ConfigError as exc:
        error = exc
    # the first frame is this test's own
    shown = traceback.TracebackException(type(error), error, error.__traceback__.tb_next, capture_locals=True)
    assert "S3CRET" not in "".join(shown.format())


def test_a_body_is_masked_wherever_it_is_shown():
    """A page that echoes the password, in any spelling, is shown without it."""
    page = f"<html>hello {PASSWORD} pa55-w&#246;rd {BASIC}".encode()
    for answer in (Answer(body=page), Answer(status=502, body=page), Answer(body={"msg": PASSWORD})):
        with replaying(answer) as replay, pytest.raises(nimble_pandas.NimbleError) as raised:
            client(replay).submit(BODY)
        assert PASSWORD not in str(raised.value)
        assert BASIC.partition(" ")[2] not in str(raised.value)


def test_a_foreign_error_is_not_carried_along():
    """It may hold the call as it was sent, key and all."""
    with replaying(Answer(fate="drop")) as replay, pytest.raises(nimble_pandas.TransportError) as raised:
        client(replay).progress("b1")
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None
