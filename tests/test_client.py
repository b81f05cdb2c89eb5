"""The client against scripted answers over a real socket: every documented one, and what goes wrong."""

import copy
import pickle
import socket
from datetime import UTC, datetime

import pytest
import requests
from clocks import Hand
from replay import BASIC, BODY, SUBMITTED, TASK, Answer, client, replaying

import nimble_pandas
from nimble_pandas import Client
from nimble_pandas.client import ERRORS


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
