"""What can be made to go wrong with the local service: every kind happens, and is counted."""

import asyncio
import gzip
import json
import time
import zlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
from loopback_site import Caller, eventually, site

from nimble_pandas import local
from nimble_pandas.local import Fault, faults
from nimble_pandas.local.clock import Clock
from nimble_pandas.local.tasks.batches import Batch
from nimble_pandas.local.tasks.delivery import Delivery

STATUSES = ["400", "401", "402", "403", "404", "429", "500", "501", "502", "503", "555"]
TESTED = set(STATUSES)


@pytest.fixture
def web():
    """Run a site to fetch from."""
    with site() as web:
        yield web


@pytest.fixture
def service():
    """Run a service whose faults must all have been met at the end."""
    with local.serve(shop=False) as service:
        yield service
        service.check()


@pytest.fixture
def caller(service):
    """Give a caller of the service."""
    return Caller(service)


def kinds(*names):
    """Say which kinds a test is about."""
    TESTED.update(names)
    return names


@pytest.mark.parametrize("kind", STATUSES)
def test_a_status_in_place_of_the_answer(caller, web, kind):
    """The call is answered with the status, once, and nothing is taken."""
    body = {"vendor": "walmart", "requests": [{"url": web.url}]}
    scripted = caller.service.inject(Fault(kind, on="submit"))
    answer = caller.post("/batch/ecommerce", body)
    assert answer.status_code == int(kind)
    assert answer.json()["status"] in ("failed", "error")
    assert "retry-after" not in answer.headers
    assert scripted.met == 1
    assert caller.get("/batches/list").json()["data"] == []
    assert caller.post("/batch/ecommerce", body).status_code == 200


@pytest.mark.parametrize("endpoint", ["progress", "summary", "task", "results", "tasks", "batches"])
def test_a_status_on_every_call(caller, web, endpoint):
    """A fault can meet each kind of call, and no other."""
    batch = caller.submit(web.url)
    (task,) = caller.wait(batch)
    paths = {
        "progress": f"/batches/{batch['batch_id']}/progress",
        "summary": f"/batches/{batch['batch_id']}",
        "task": f"/tasks/{task['id']}",
        "results": f"/tasks/{task['id']}/results",
        "tasks": "/tasks/list",
        "batches": "/batches/list",
    }
    caller.service.inject(Fault("503", on=endpoint, times=2))
    for _ in range(2):
        answers = {name: caller.get(path).status_code for name, path in paths.items()}
        assert answers == {name: 503 if name == endpoint else 200 for name in paths}
    assert caller.get(paths[endpoint]).status_code == 200


def test_retry_after(caller):
    """A scripted 429 has the header that was asked for, and the two of the rate limit."""
    caller.service.inject(Fault("429", retry_after=7, text="slow down"))
    answer = caller.get("/tasks/list")
    assert answer.headers["retry-after"] == "7"
    assert answer.headers["ratelimit-remaining"] == "0"
    assert answer.json()["msg"] == "slow down"


def test_skip_and_times(caller):
    """Occasions may pass before the first, and after the last all is well."""
    caller.service.inject(Fault("500", skip=2, times=2))
    assert [caller.get("/tasks/list").status_code for _ in range(6)] == [200, 200, 500, 500, 200, 200]


def test_for_ever(caller):
    """A fault without an end goes on."""
    scripted = caller.service.inject(Fault("500", times=None))
    assert {caller.get("/tasks/list").status_code for _ in range(5)} == {500}
    assert scripted.met == 5
    caller.service.clear()
    assert caller.get("/tasks/list").status_code == 200


@pytest.mark.parametrize("kind", kinds("html", "no_body"))
def test_no_json_with_200(caller, kind):
    """200 can come without JSON."""
    caller.service.inject(Fault(kind))
    answer = caller.get("/tasks/list")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html") is (kind == "html")
    with pytest.raises(requests.JSONDecodeError):
        answer.json()


@pytest.mark.parametrize("kind", kinds("cut"))
def test_half_an_answer(caller, web, kind):
    """The connection ends in the middle: the batch was taken, and half of the output came."""
    (task,) = caller.ended(web.url)
    for call in ("submit", "results"):
        caller.service.inject(Fault(kind, on=call))
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        caller.submit(web.url)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        caller.pulled(task)
    assert caller.get("/batches/list").json()["pagination"]["total"] == 2


@pytest.mark.parametrize("kind", kinds("reset", "lost"))
def test_no_answer(caller, web, kind):
    """The connection ends without an answer: before the batch was taken, or after."""
    caller.service.inject(Fault(kind, on="submit"))
    with pytest.raises(requests.ConnectionError):
        caller.submit(web.url)
    assert caller.get("/batches/list").json()["pagination"]["total"] == (kind == "lost")
    assert len([call for call in caller.service.log if call.method == "POST"]) == 1


@pytest.mark.parametrize("kind", kinds("taken_500", "taken_html"))
def test_taken_and_denied(caller, web, kind):
    """The batch is taken although the answer says otherwise."""
    caller.service.inject(Fault(kind))
    answer = caller.post("/batch/ecommerce", {"vendor": "walmart", "url": web.url, "requests": [{}]})
    assert "batch_id" not in answer.text
    assert caller.get("/batches/list").json()["pagination"]["total"] == 1


@pytest.mark.parametrize("kind", kinds("delay"))
def test_slow_answers(caller, kind):
    """The answer comes late, and holds up no other call."""
    caller.service.inject(Fault(kind, on="tasks", seconds=0.3))
    started = time.monotonic()
    assert caller.get("/tasks/list").status_code == 200
    assert time.monotonic() - started >= 0.3
    caller.service.inject(Fault(kind, on="tasks", seconds=60))
    with pytest.raises(requests.ReadTimeout):
        caller.get("/tasks/list", timeout=0.2)
    assert caller.get("/batches/list").status_code == 200
    caller.service.clock.advance(60)


@pytest.mark.parametrize("kind", kinds("expired"))
def test_expiry_now(caller, web, kind):
    """The batch is forgotten long before its time, for good."""
    batch = caller.submit(web.url)
    (task,) = caller.wait(batch)
    caller.service.inject(Fault(kind, on="task"))
    assert caller.get(f"/tasks/{task['id']}").status_code == 404
    assert caller.get(f"/batches/{batch['batch_id']}").status_code == 404


def _ids(tasks):
    return [task and task["id"] for task in tasks]


@pytest.mark.parametrize("where", ["submit", "summary"])
@pytest.mark.parametrize(
    "kind",
    kinds("shuffled", "null_tasks", "repeated_tasks", "missing_tasks", "foreign_tasks"),
)
def test_lists_of_tasks(caller, web, kind, where):
    """Tasks come in another order, with nulls, twice, not at all, or with strangers among them."""
    caller.service.inject(Fault(kind, on=where))
    batch = caller.submit(*[f"{web.url}/{n}" for n in range(4)])
    summary = caller.get(f"/batches/{batch['batch_id']}").json()["tasks"]
    true = _ids(caller.get(f"/batches/{batch['batch_id']}").json()["tasks"])
    told = _ids(batch["tasks"] if where == "submit" else summary)
    if kind == "shuffled":
        assert told != true
        assert sorted(told) == sorted(true)
    elif kind == "null_tasks":
        assert told == [None, true[0], None, true[1], None, true[2], None, true[3], None]
    elif kind == "repeated_tasks":
        assert told == true * 2
    elif kind == "missing_tasks":
        assert told == true[:3]
    else:
        assert told[4:] == true
        assert not set(told[:4]) & set(true)
        assert caller.get(f"/tasks/{told[0]}").status_code == 404


@pytest.mark.parametrize("kind", kinds("altered_echo", "unknown_state", "literal_base_url"))
def test_altered_tasks(caller, web, kind):
    """A task's echo, state or status URL is not what it should be; the task chosen by its URL alone."""
    caller.service.inject(Fault(kind, url="/b", text="https://x/", on="submit"))
    one, two = caller.submit(f"{web.url}/a", f"{web.url}/b")["tasks"]
    field = {"altered_echo": "input", "unknown_state": "state", "literal_base_url": "status_url"}[kind]
    expected = {
        "input": {"vendor": "walmart", "url": "https://x/"},
        "state": "https://x/",
        "status_url": f"[base_url]/api/v1/tasks/{two['id']}",
    }
    true = caller.get(f"/tasks/{two['id']}").json()["task"]
    assert two[field] == expected[field] != true[field]
    assert one["input"]["url"] == f"{web.url}/a"
    assert one["state"] == "pending"


@pytest.mark.parametrize("kind", kinds("incomplete"))
def test_progress_1_but_not_completed(caller, web, kind):
    """Progress says 1 and completed says false, as often as scripted."""
    batch = caller.submit(web.url)
    caller.wait(batch)
    caller.service.inject(Fault(kind, on="progress", times=2))
    url = f"/batches/{batch['batch_id']}/progress"
    assert [caller.get(url).json()["completed"] for _ in range(3)] == [False, False, True]
    assert [caller.get(url).json()["progress"]] == [1]


@pytest.mark.parametrize("kind", kinds("elsewhere"))
def test_an_output_url_that_points_elsewhere(caller, web, tmp_path, kind):
    """The service tells another place than the one where it writes, from the submit on."""
    caller.service.inject(Fault(kind, task=1, to="s3://not-yours/x.json"))
    batch = caller.submit(f"{web.url}/a", f"{web.url}/b", storage_url=f"file://{tmp_path}/")
    assert batch["tasks"][1]["output_url"] == "s3://not-yours/x.json"
    one, two = caller.wait(batch)
    assert one["output_url"].startswith("file://")
    assert two["output_url"] == "s3://not-yours/x.json"
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("kind", kinds("failed"))
def test_a_task_that_fails(caller, web, kind):
    """The task chosen by its position fails with the text, the others have success."""
    caller.service.inject(Fault(kind, task=1, text="out of luck"))
    tasks = caller.ended(*[f"{web.url}/{n}" for n in range(3)])
    assert [task["state"] for task in tasks] == ["success", "failed", "success"]
    assert tasks[1]["error"] == "out of luck"


def _output(data):
    return json.loads(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)


def _unreadable(data):
    with pytest.raises((ValueError, EOFError, RecursionError, zlib.error)):
        _output(data)
    return True


OUTPUTS = {
    "zero_bytes": lambda data, _: data == b"",
    "truncated": lambda data, _: _unreadable(data),
    "truncated_gzip": lambda data, _: data[:2] == b"\x1f\x8b" and _unreadable(data),
    "bomb": lambda data, _: (
        len(zlib.decompressobj(31).decompress(data, 1 << 24)) == 1 << 24 and len(data) < 1 << 21
    ),
    "nested": lambda data, _: _unreadable(data),
    "foreign_output": lambda data, task: _output(data)["task_id"] != task["id"],
    "foreign_page": lambda data, task: _output(data)["input_url"] != task["input"]["url"],
}
kinds("plain_html", *OUTPUTS)


@pytest.mark.parametrize("delivery", ["pull", "plain", "gzip"])
@pytest.mark.parametrize("kind", OUTPUTS)
def test_outputs(caller, web, tmp_path, kind, delivery):
    """The output of a task that has success is not what it should be, in every way of delivery."""
    caller.service.inject(Fault(kind, task=0))
    storage = {} if delivery == "pull" else {"storage_url": f"file://{tmp_path}/"}
    tasks = caller.ended(f"{web.url}/a", f"{web.url}/b", storage_compress=delivery == "gzip", **storage)

    def data(task):
        if delivery == "pull":
            return caller.get(task["download_url"]).content
        return Path(task["output_url"].removeprefix("file://")).read_bytes()

    assert [task["state"] for task in tasks] == ["success", "success"]
    assert OUTPUTS[kind](data(tasks[0]), tasks[0])
    assert _output(data(tasks[1]))["task_id"] == tasks[1]["id"]


def test_a_page_in_place_of_the_object(caller, web):
    """The output is the page itself, and only once."""
    caller.service.inject(Fault("plain_html"))
    (one,), (two,) = caller.ended(web.url), caller.ended(web.url)
    assert caller.get(one["download_url"]).text.startswith("<!doctype html>")
    assert caller.pulled(two)["html_content"].startswith("<!doctype html>")


def test_foreign_output_is_whole(caller, web):
    """Another task's output is exactly what that task would deliver."""
    caller.service.inject(Fault("foreign_output", task=0))
    one, two = caller.ended(f"{web.url}/a", f"{web.url}/b")
    foreign, own = caller.pulled(one), caller.pulled(two)
    assert {**foreign, "query_time": "", "headers": {}} == {**own, "query_time": "", "headers": {}}


def test_foreign_output_of_a_task_alone(caller, web):
    """A task that is alone in its batch gets a stranger's output of the same page."""
    caller.service.inject(Fault("foreign_output"))
    (task,) = caller.ended(web.url)
    foreign = caller.pulled(task)
    assert foreign["task_id"] != task["id"]
    assert foreign["input_url"] == web.url


@pytest.mark.parametrize("kind", kinds("missing"))
def test_a_missing_output(caller, web, tmp_path, kind):
    """The task has success, and nothing is ever there."""
    caller.service.inject(Fault(kind, task=0))
    one, two = caller.ended(f"{web.url}/a", f"{web.url}/b", storage_url=f"file://{tmp_path}/")
    assert one["state"] == two["state"] == "success"
    assert [path.stem for path in tmp_path.iterdir()] == [two["id"]]


@pytest.mark.parametrize("kind", kinds("late"))
def test_a_late_output(caller, web, tmp_path, kind):
    """Success comes first; the output follows after so many seconds, or so many polls."""
    caller.service.inject(Fault(kind, task=0, seconds=3600))
    caller.service.inject(Fault(kind, task=1, polls=3))
    batch = caller.submit(f"{web.url}/a", f"{web.url}/b", storage_url=f"file://{tmp_path}/")
    by_time, by_polls = (tmp_path / f"{task['id']}.json" for task in caller.wait(batch))
    for _ in range(3):
        caller.get(f"/batches/{batch['batch_id']}")
    eventually(by_polls.exists)
    assert not by_time.exists()
    caller.service.clock.advance(3600)
    eventually(by_time.exists)


def test_polls_count_from_the_moment_that_an_output_is_late():
    """Who has seen the success and polls so often is given it, however soon that was."""

    async def come():
        batch = Batch(id="b", number=1, created_at=datetime.now(UTC))
        ready = Delivery(batch=batch, task=None, data=b"{}", clock=Clock(), produce=None)
        held = await faults.KINDS["late"].apply(Fault("late", polls=2), ready)
        batch.polls += 2
        await asyncio.wait_for(held.wait(), 5)

    asyncio.run(come())


def test_faults_from_the_start(web):
    """Faults can be given to ``serve``, and ``faults`` tells how often each was met."""
    script = [Fault("500"), Fault("failed", times=2)]
    with local.serve(shop=False, faults=script) as service:
        caller = Caller(service)
        assert caller.get("/tasks/list").status_code == 500
        caller.ended(web.url, web.url, web.url)
        assert [(scripted.fault, scripted.met) for scripted in service.faults] == [
            (script[0], 1),
            (script[1], 2),
        ]
        service.check()


def test_a_fault_that_was_never_met():
    """``check`` fails when a scripted fault has not happened."""
    with local.serve(shop=False) as service:
        service.inject(Fault("incomplete"))
        with pytest.raises(AssertionError, match=r"never met.*incomplete"):
            service.check()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"kind": "no_such"}, "no fault is called 'no_such'; there are: 400"),
        ({"kind": "shuffled", "on": "progress"}, "cannot meet 'progress', only: submit, summary"),
        ({"kind": "500", "task": 1}, "meets a call, not a task"),
    ],
)
def test_faults_that_cannot_be(more, words):
    """A fault that could never happen is refused when it is written."""
    with pytest.raises(ValueError, match=words):
        Fault(**more)


def test_every_kind_is_tested_and_explained():
    """Each kind has its test here and its line in the table."""
    assert set(faults.KINDS) == TESTED
    for kind in set(faults.KINDS) - set(STATUSES):
        assert f"``{kind}``" in faults.__doc__
    for kind in STATUSES:
        assert kind in faults.__doc__
