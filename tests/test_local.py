"""The local service over a socket: what the API documents, and what it leaves open."""

import asyncio
import base64
import contextlib
import gzip
import json
import socket
import threading
import time
from pathlib import Path

import fsspec
import httpx
import pytest
import requests
from loopback_site import Caller, eventually, site

from nimble_pandas import local
from nimble_pandas.local.fetch import Fetcher
from nimble_pandas.local.shop import product_urls
from nimble_pandas.local.tasks.batches import Batches
from nimble_pandas.local.tasks.outputs import Outputs, encode

DAY = 24 * 60 * 60


@pytest.fixture
def web():
    """Run a site to fetch from."""
    with site() as web:
        yield web


@pytest.fixture
def service():
    """Run a service that must not have had a bug at the end."""
    with local.serve(shop=False) as service:
        yield service
        service.check()


@pytest.fixture(params=["s3", "gs"])
def store(request):
    """Run each store that has buckets; gives its protocol."""
    request.getfixturevalue({"s3": "s3", "gs": "gcs"}[request.param])
    return request.param


@pytest.fixture
def caller(service):
    """Give a caller of the service."""
    return Caller(service)


def test_a_caller_that_dies_on_the_way_is_no_bug(caller):
    """A submit that breaks off within its body is taken by nobody, and stands in the log."""
    host, port = caller.service.base_url.removeprefix("http://").split(":")
    account = f"{caller.service.username}:{caller.service.password}".encode()
    lines = [
        "POST /api/v1/batch/ecommerce HTTP/1.1",
        f"Host: {host}",
        f"Authorization: Basic {base64.b64encode(account).decode()}",
        "Content-Length: 100",
        "",
        '{"requests": [',
    ]
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall("\r\n".join(lines).encode())
        eventually(lambda: caller.service.log)
    eventually(lambda: caller.service.log[-1].status_code == 499)
    caller.service.check()
    assert not list(caller.service.client().tasks())


def test_submit_answers_as_the_seed_shows(caller, web):
    """A submit is answered with the batch and its pending tasks, and nothing besides."""
    defaults = {"vendor": "walmart", "parse": True, "storage_url": "s3://bucket/x/", "country": "US"}
    batch = caller.submit({"url": web.url}, {"url": web.url, "country": "FR"}, **defaults)
    assert batch.keys() == {"batch_id", "batch_size", "tasks"}
    assert batch["batch_size"] == 2
    for task, country in zip(batch["tasks"], ["US", "FR"], strict=True):
        expected = {
            "batch_id": batch["batch_id"],
            "id": task["id"],
            "state": "pending",
            "output_url": f"s3://bucket/x/{task['id']}.json",
            "callback_url": None,
            "status_url": f"{caller.service.base_url}/api/v1/tasks/{task['id']}",
            "created_at": task["created_at"],
            "modified_at": task["created_at"],
            "input": {**defaults, "url": web.url, "country": country},
        }
        assert task == expected
    assert len({task["id"] for task in batch["tasks"]}) == 2


def test_output_in_a_folder(caller, web, tmp_path):
    """A task with a storage URL leaves one complete object there, with every documented field."""
    folder = tmp_path / "made" / "on the way"
    (task,) = caller.ended(f"{web.url}/a", parse=True, storage_url=f"file://{folder}/", storage_type="file")
    assert task["state"] == "success"
    assert task["status_code"] == 200
    assert task["output_url"] == f"file://{folder}/{task['id']}.json"
    assert [path.name for path in folder.iterdir()] == [f"{task['id']}.json"]
    output = json.loads((folder / f"{task['id']}.json").read_text())
    assert list(output) == [
        "url",
        "task_id",
        "status",
        "query_time",
        "status_code",
        "html_content",
        "headers",
        "parsing",
        "input_url",
        "notes",
    ]
    assert output["url"] == output["input_url"] == f"{web.url}/a"
    assert output["task_id"] == task["id"]
    assert output["status_code"] == 200
    assert output["html_content"].startswith("<!doctype html>")
    assert output["headers"]["content-type"] == "text/html; charset=utf-8"
    (product,) = output["parsing"]["entities"]["Product"]
    assert product["name"] == "Thing a"
    assert product["offers"]["price"] == 9.5


@pytest.mark.parametrize(
    ("parse", "parsed"), [(True, True), ("true", True), (False, False), ("false", False)]
)
def test_parse_may_be_a_word(caller, web, parse, parsed):
    """``parse`` is a boolean or its word, and comes back as it was sent."""
    (task,) = caller.ended(web.url, parse=parse)
    assert task["input"]["parse"] == parse
    assert ("parsing" in caller.pulled(task)) is parsed


def test_pull(caller, web):
    """Without a storage URL the output waits at the task's download URL."""
    batch = caller.submit(f"{web.url}/a", {"url": f"{web.url}/b", "storage_url": ""}, no_html=True)
    assert all("output_url" not in task for task in batch["tasks"])
    for task in caller.wait(batch):
        assert task["download_url"] == f"{task['status_url']}/results"
        output = caller.pulled(task)
        assert output["task_id"] == task["id"]
        assert output["input_url"] == task["input"]["url"]
        assert "html_content" not in output


def test_pull_too_early(caller, web):
    """A result asked for too early is a 404 that tells the state, and never looks like an output."""
    batch = caller.submit(f"{web.url}/slow")
    (task,) = batch["tasks"]
    answer = caller.get(task["download_url"])
    assert answer.status_code == 404
    assert answer.json().keys() == {"status", "error", "task_id", "state"}
    assert answer.json()["error"] == "Task has not ended"
    web.gate.set()
    assert caller.pulled(caller.wait(batch)[0])["status"] == "success"


def test_gzip(caller, web, tmp_path):
    """``storage_compress`` packs what is stored, and its name ends in ``.gz``."""
    (task,) = caller.ended(web.url, storage_url=f"file://{tmp_path}", storage_compress=True)
    assert task["output_url"] == f"file://{tmp_path}/{task['id']}.json.gz"
    packed = (tmp_path / f"{task['id']}.json.gz").read_bytes()
    assert json.loads(gzip.decompress(packed))["task_id"] == task["id"]


def test_object_names(caller, web, tmp_path):
    """An object may be named by the caller; the same name twice in a batch overwrites nothing."""
    tasks = caller.ended(
        *[f"{web.url}/{n}" for n in range(3)], storage_url=f"file://{tmp_path}/", storage_object_name="page"
    )
    names = {Path(task["output_url"]).name for task in tasks}
    assert names == {path.name for path in tmp_path.iterdir()}
    assert "page.json" in names
    assert len(names) == 3


def test_progress_by_get_and_post(caller, web):
    """Progress counts what has ended, answers GET and POST alike, and is a whole number at both ends."""
    batch = caller.submit(f"{web.url}/a", f"{web.url}/slow1", f"{web.url}/slow2")
    url = f"/batches/{batch['batch_id']}/progress"
    third = {"status": "success", "completed": False, "progress": 0.333333}
    eventually(lambda: caller.get(url).json() == third)
    assert caller.post(url).json() == third
    summary = caller.get(f"/batches/{batch['batch_id']}").json()
    assert summary.keys() == {"status", "tasks", "completed", "progress"}
    assert [task["state"] for task in summary["tasks"]] == ["success", "in_progress", "in_progress"]
    web.gate.set()
    caller.wait(batch)
    assert caller.get(url).text == '{"status":"success","completed":true,"progress":1}'


def test_states(web, tmp_path):
    """A task is pending, queued, in progress and uploading before it has success."""
    with local.serve(shop=False, max_tasks=1) as service:
        caller = Caller(service)
        batch = caller.submit(f"{web.url}/slow", f"{web.url}/b", storage_url=f"file://{tmp_path}/")
        states = [task["state"] for task in batch["tasks"]]
        assert states == ["pending", "pending"]
        eventually(
            lambda: caller.get(batch["tasks"][0]["status_url"]).json()["task"]["state"] == "in_progress"
        )
        assert caller.get(batch["tasks"][1]["status_url"]).json()["task"]["state"] == "queued"
        web.gate.set()
        assert [task["state"] for task in caller.wait(batch)] == ["success", "success"]
        service.check()


def test_a_site_that_says_404_is_delivered(caller, web):
    """The site's own status stands in the output of a task that has success."""
    (task,) = caller.ended(f"{web.url}/missing")
    assert (task["state"], task["status_code"]) == ("success", 404)
    assert caller.pulled(task)["status_code"] == 404


def test_a_page_that_cannot_be_had_fails_its_task_only(caller, web):
    """One page that cannot be had is one failed task with a reason; progress counts it as ended."""
    good, bad = caller.ended(web.url, "http://127.0.0.1:1/")
    assert (good["state"], bad["state"]) == ("success", "failed")
    assert bad["error"]
    assert bad["error_type"] == "connect"
    answer = caller.get(bad["download_url"])
    assert answer.status_code == 404
    assert answer.json()["error"].startswith("Task failed: ")


@pytest.mark.parametrize("compress", [False, True])
def test_output_in_a_bucket(caller, web, store, compress):
    """Outputs are written to S3 and GCS, plain and gzipped."""
    (task,) = caller.ended(
        web.url, storage_type=store, storage_url=f"{store}://bucket/deep/er/", storage_compress=compress
    )
    assert task["state"] == "success", task
    with fsspec.open(task["output_url"], compression="gzip" if compress else None) as output:
        assert json.load(output)["task_id"] == task["id"]


@pytest.mark.usefixtures("s3")
def test_a_missing_bucket_fails_the_task_and_stays_missing(caller, web):
    """A typo in the bucket's name fails the task with the reason, and makes no bucket."""
    (task,) = caller.ended(web.url, storage_url="s3://bukcet/")
    assert task["state"] == "failed"
    assert task["error_type"] == "upload_error"
    assert task["error"].startswith("upload failed: ")
    assert [name.strip("/") for name in fsspec.filesystem("s3").ls("")] == ["bucket"]


def test_storage_options_reach_the_store(web, s3_auth):
    """The service writes with the storage options it was given, and says so when they are refused."""
    good, denied = s3_auth
    states = []
    for keys in (good, denied):
        with local.serve(shop=False, storage_options=dict(keys)) as service:
            (task,) = Caller(service).ended(web.url, storage_url="s3://bucket/")
            states.append((task["state"], task.get("error_type")))
            assert keys["secret"] not in repr(service)
    assert states == [("success", None), ("failed", "upload_error")]


def test_two_levels_that_contradict_each_other_fail_the_task(caller, web):
    """A storage type that only the two levels together make wrong fails the task, with the reason."""
    one, two = caller.ended(
        {"url": web.url}, {"url": web.url, "storage_url": "gs://bucket/"}, storage_type="s3"
    )
    assert one["error"] == "storage_type is s3, but there is no storage_url"
    assert two["error"] == "storage_type is s3, but storage_url begins otherwise"


def test_what_is_not_honoured_is_noted(caller, web):
    """An output says which parameters the service could not honour."""
    (task,) = caller.ended({"url": web.url, "state": "NY"}, country="FR", render=True, tag="mine")
    assert task["input"]["render"] is True
    notes = caller.pulled(task)["notes"]
    assert "render: not honoured by the local service" in notes
    assert "state: only the US has states" in notes
    assert not any(note.startswith("tag") for note in notes)


def test_web_batches_need_no_vendor(caller, web):
    """``/batch/web`` takes any page without a vendor."""
    (task,) = caller.ended(web.url, kind="web", parse=True)
    assert caller.pulled(task)["parsing"]["entities"]["Product"]


def test_search_engines_are_not_here(caller):
    """``/batch/serp`` is answered with 501: nothing is pretended."""
    answer = caller.post("/batch/serp", {"requests": [{"query": "shoes"}]})
    assert answer.status_code == 501
    assert answer.json()["status"] == "failed"


def test_outputs_are_strict_json(caller, web):
    """A page with NaN in its data still gives an output that every JSON decoder takes."""

    def refuse(name):
        raise AssertionError(name)

    (task,) = caller.ended(f"{web.url}/nan", parse=True)
    json.loads(caller.get(task["download_url"]).text, parse_constant=refuse)


def test_who_is_let_in():
    """Every call needs the credentials; a Bearer key is taken where one was set; the description is open."""
    with local.serve(shop=False, username="ana", password="pa:ss", api_key="key") as service:
        url = f"{service.base_url}/api/v1/batches/list"
        refused = [None, ("ana", "wrong"), ("", ""), ("ana", "")]
        for auth in refused:
            answer = requests.get(url, auth=auth, timeout=5)
            assert (answer.status_code, answer.json()["status"]) == (401, "failed")
            assert answer.headers["www-authenticate"].startswith("Basic")
        for header in ("Bearer wrong", "Bearer ", "Basic !!!", "Basic abc", "Basic", "Digest x", "bearer"):
            assert requests.get(url, headers={"authorization": header}, timeout=5).status_code == 401
        assert requests.get(url, auth=("ana", "pa:ss"), timeout=5).status_code == 200
        assert requests.get(url, headers={"authorization": "Bearer key"}, timeout=5).status_code == 200
        assert requests.get(f"{service.base_url}/api/v1/openapi.json", timeout=5).status_code == 200
    with local.serve(shop=False) as service:
        url = f"{service.base_url}/api/v1/batches/list"
        assert requests.get(url, headers={"authorization": "Bearer "}, timeout=5).status_code == 401


def test_unknown_and_expired(caller, web):
    """The status is kept for 24 hours, then batch, task and result are 404, as if they had never been."""
    batch = caller.submit(web.url)
    (task,) = caller.wait(batch)
    paths = [f"/batches/{batch['batch_id']}/progress", f"/batches/{batch['batch_id']}"]
    paths += [f"/tasks/{task['id']}", f"/tasks/{task['id']}/results"]
    caller.service.clock.advance(DAY - 60)
    assert [caller.get(path).status_code for path in paths] == [200] * 4
    caller.service.clock.advance(61)
    answers = [caller.get(path) for path in paths]
    assert [answer.status_code for answer in answers] == [404] * 4
    assert [answer.json()["error"] for answer in answers] == ["Batch not found"] * 2 + ["Task not found"] * 2
    assert caller.get("/tasks/list").json()["data"] == []
    assert caller.get("/batches/nothing").json() == {"status": "failed", "error": "Batch not found"}


def test_unknown_paths_and_methods(caller):
    """What is not there is a 404 in JSON, a wrong method a 405 that tells the right one."""
    assert caller.get("/nowhere").json() == {"status": "failed", "msg": "Not Found"}
    answer = caller.get("/batch/ecommerce")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.json()["status"] == "failed"


def test_lists(caller, web):
    """The lists go from the newest to the oldest, page by page, and no entry comes twice."""
    batches = [caller.submit(*[f"{web.url}/{n}{m}" for m in range(3)]) for n in range(3)]
    seen, cursor = [], {}
    while True:
        page = caller.get("/tasks/list", params={"limit": 4, **cursor}).json()
        assert page["pagination"]["total"] == 9
        seen += [task["id"] for task in page["data"]]
        if not page["pagination"]["hasNext"]:
            break
        cursor = {"cursor": page["pagination"]["nextCursor"]}
    assert seen == [task["id"] for batch in batches[::-1] for task in batch["tasks"][::-1]]
    listed = caller.get("/batches/list").json()
    assert [batch["id"] for batch in listed["data"]] == [batch["batch_id"] for batch in batches[::-1]]
    assert listed["pagination"] == {"hasNext": False, "nextCursor": None, "total": 3}
    for bad in ("limit=0", "limit=1001", "limit=x", "limit=1&limit=2", "cursor=x", "limit="):
        assert caller.get(f"/tasks/list?{bad}").status_code == 400


def test_rate_limit():
    """Calls beyond the rate are a 429 that says when to come again, and then they are answered."""
    with local.serve(shop=False, rate_limit=0.01, burst=2) as service:
        caller = Caller(service)
        answers = [caller.get("/tasks/list") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["1", "0", "0"]
        assert answers[2].headers["ratelimit-limit"] == "2"
        assert answers[2].json() == {"status": "failed", "msg": "Rate limit exceeded"}
        service.clock.advance(int(answers[2].headers["retry-after"]))
        assert caller.get("/tasks/list").status_code == 200


def test_callbacks(caller, web):
    """Each finished task is POSTed once, well or badly ended, without its data and without credentials."""
    tasks = caller.ended(web.url, "http://127.0.0.1:1/", callback_url=f"{web.url}/done")
    eventually(lambda: len(web.posted) == 2)
    assert {path for path, *_ in web.posted} == {"/done"}
    told = {body["id"]: body for _, body, _ in web.posted}
    assert told == {task["id"]: task for task in tasks}
    assert not any("authorization" in {name.lower() for name in headers} for *_, headers in web.posted)


def test_callbacks_that_fail_are_told(caller, web):
    """A callback that fails, or that leads to a metadata address, stops nothing and is told by the task."""
    broken, metadata = caller.ended(
        {"url": web.url, "callback_url": f"{web.url}/broken"},
        {"url": web.url, "callback_url": "http://169.254.169.254/latest"},
    )

    def error(task):
        return caller.get(task["status_url"]).json()["task"].get("callback_error")

    assert "500" in eventually(lambda: error(broken))
    assert "link-local" in eventually(lambda: error(metadata))
    assert len(web.posted) == 1


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/latest/meta-data", "http://[fe80::1]/", "http://2852039166/"]
)
def test_metadata_addresses_are_not_read(caller, url):
    """A page at a link-local address is refused, however it is spelt."""
    (task,) = caller.ended(url)
    assert (task["state"], task["error_type"]) == ("failed", "forbidden_address")


def test_results_in_memory_are_bounded(web):
    """Of more results than fit, the oldest make room, and asking for one of them is a 404."""
    with local.serve(shop=False, max_results_bytes=1500, max_tasks=1) as service:
        caller = Caller(service)
        tasks = caller.ended(*[f"{web.url}/{n}" for n in range(4)])
        codes = [caller.get(task["download_url"]).status_code for task in tasks]
        assert (codes[0], codes[-1]) == (404, 200)


def test_log(caller, web):
    """The log has every call in order, refused ones too, with bodies and without credentials."""
    batch = caller.submit(web.url)
    caller.get("/tasks/list?limit=5", auth=None)
    log = caller.service.log
    assert [(call.method, call.path) for call in log] == [
        ("POST", "/api/v1/batch/ecommerce"),
        ("GET", "/api/v1/tasks/list"),
    ]
    assert log[0].body == {"vendor": "walmart", "requests": [{"url": web.url}]}
    assert log[1].body is None
    assert caller.service.password not in repr(log) + repr(caller.service) + repr(vars(caller.service))
    caller.wait(batch)
    caller.service.clear()
    assert caller.service.log == []


def test_environ_and_client(service):
    """A child process and a client find the service with its address and credentials."""
    assert service.environ() == {
        "NIMBLE_BASE_URL": service.base_url,
        "NIMBLE_USERNAME": service.username,
        "NIMBLE_PASSWORD": service.password,
    }
    assert type(service.client()).__name__ == "Client"


def test_start_and_close():
    """It starts within a second and leaves no thread, no socket and no port behind."""
    before = threading.active_count()
    started = time.monotonic()
    service = local.serve(shop=False)
    assert time.monotonic() - started < 1
    port = int(service.base_url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        local.serve(shop=False, port=port)
    with httpx.Client() as idle:
        assert idle.get(f"{service.base_url}/api/v1/openapi.json").status_code == 200
        assert "running" in repr(service)
        service.close()
        service.close()
    assert "closed" in repr(service)
    assert threading.active_count() == before
    with local.serve(shop=False, port=port) as again:
        assert again.base_url == service.base_url


def test_close_does_not_wait_for_the_work(web):
    """Closing gives up the pages under way."""
    with local.serve(shop=False) as service:
        Caller(service).submit(*[f"{web.url}/slow{n}" for n in range(50)], callback_url=f"{web.url}/done")
        started = time.monotonic()
    assert time.monotonic() - started < 3
    assert web.posted == []


def test_a_bug_of_the_service_is_raised_by_check():
    """An error inside a handler is a 500 to the caller and is raised again, once, by ``check``."""

    class Stopped(local.Clock):
        def now(self):
            if getattr(self, "broken", False):
                raise RuntimeError("the clock stands still")
            return super().now()

    clock = Stopped()
    with local.serve(shop=False, clock=clock) as service:
        caller = Caller(service)
        service.check()
        clock.broken = True
        answer = caller.get("/batches/list")
        assert answer.status_code == 500
        assert answer.json()["status"] == "error"
        with pytest.raises(RuntimeError, match="stands still"):
            service.check()
        service.check()


def test_the_demo_shop_is_open():
    """The shop is the service's web: each country has its own prices, and the output needs no excuse."""
    with local.serve() as service:
        caller = Caller(service)
        url = product_urls(service.shop_url, 1)[0]
        tasks = caller.ended({"url": url, "country": "US"}, {"url": url, "country": "FR"}, parse=True)
        outputs = [caller.pulled(task) for task in tasks]
        offers = [output["parsing"]["entities"]["Product"][0]["offers"] for output in outputs]
        assert [offer["priceCurrency"] for offer in offers] == ["USD", "EUR"]
        assert [output["notes"] for output in outputs] == [[], []]
        service.check()


def test_many_pages_do_not_hold_up_the_answers():
    """While hundreds of pages are fetched and parsed, each call is answered at once."""
    with local.serve() as service:
        caller = Caller(service)
        batch = caller.submit(*product_urls(service.shop_url, 150), parse=True, country="DE")
        slowest, completed = 0.0, False
        while not completed:
            asked = time.monotonic()
            completed = caller.get(f"/batches/{batch['batch_id']}/progress").json()["completed"]
            slowest = max(slowest, time.monotonic() - asked)
            time.sleep(0.05)
        assert slowest < 1
        assert {task["state"] for task in caller.wait(batch)} == {"success"}
        service.check()


def test_what_json_and_utf8_cannot_say():
    """NaN becomes null and a lone surrogate is escaped; all else is UTF-8 as it stands."""
    assert encode({"a": "käse"}) == '{"a": "käse"}'.encode()
    assert encode({"a": float("nan"), "b": [float("inf")]}) == b'{"a": null, "b": [null]}'
    assert json.loads(encode({"a": "\ud800"})) == {"a": "\ud800"}


def test_a_bug_of_the_parser_costs_no_page(web):
    """When the parser breaks the page is delivered all the same, with the error as its parsing."""
    errors = []

    def broken(_html, **_):
        raise LookupError("no idea")

    async def produce():
        outputs = Outputs(fetcher=Fetcher(), parse=broken, clock=local.Clock(), errors=errors)
        async with contextlib.aclosing(outputs):
            (task,) = Batches(local.Clock(), on_forget=print).take([request], kind="web", base_url="").tasks
            return json.loads(await outputs.produce(task))

    request = {"url": web.url, "parse": True}
    output = asyncio.run(produce())
    assert output["html_content"]
    assert output["parsing"] == {"status": "error", "error": "LookupError: no idea"}
    assert [type(error) for error in errors] == [LookupError]


def test_instant_pages_are_made_up_at_once(tmp_path):
    """Nothing is fetched: each task has a product of its own, written or to be pulled, in both shapes."""
    urls = [f"https://www.walmart.com/ip/{n}" for n in range(300)]
    with local.serve(shop=False, pages="instant") as service:
        caller = Caller(service)
        pulled = caller.ended(*urls, parse=True)
        stored = caller.ended(
            *urls[:3], parse=False, storage_compress=True, storage_url=f"file://{tmp_path}/"
        )
        outputs = [caller.get(f"/tasks/{task['id']}/results").json() for task in pulled[:2]]
        service.check()
    assert {task["state"] for task in [*pulled, *stored]} == {"success"}
    assert [output["input_url"] for output in outputs] == urls[:2]
    assert len({output["parsing"]["entities"]["Product"][0]["sku"] for output in outputs}) == 2
    page = json.loads(gzip.decompress(Path(stored[0]["output_url"].removeprefix("file://")).read_bytes()))
    assert urls[0] in page["html_content"]


def test_instant_pages_take_the_time_that_they_are_told_to():
    """With `page_seconds` a batch runs for so long, by the service's clock."""
    with local.serve(shop=False, pages="instant", page_seconds=3600) as service:
        caller = Caller(service)
        batch = caller.submit({"url": "https://www.walmart.com/ip/1"}, vendor="walmart")
        assert caller.get(f"/batches/{batch['batch_id']}/progress").json()["progress"] == 0
        service.clock.advance(3601)
        eventually(lambda: caller.get(f"/batches/{batch['batch_id']}/progress").json()["completed"])
        service.check()


def test_pages_that_there_are_none_of_are_refused():
    """A word that is none is said to be none."""
    with pytest.raises(ValueError, match="pages='quick'"):
        local.serve(pages="quick")


def test_calls_are_counted_however_many(caller, web):
    """By what was called and by the second; each call says when it came and what was answered."""
    for path in ("/batches/list", "/tasks/list", "/tasks/x", "/tasks/x/results", "/batches/x", "/x"):
        caller.get(path)
    batch = caller.submit(web.url)
    caller.get(f"/batches/{batch['batch_id']}/progress")
    counts = {"batches": 1, "tasks": 1, "task": 1, "results": 1, "summary": 1, "other": 1, "submit": 1}
    assert caller.service.counts == {**counts, "progress": 1}
    assert 1 <= caller.service.busiest_second <= 8
    log = caller.service.log
    assert [call.status_code for call in log] == [200, 200, 404, 404, 404, 404, 200, 200]
    assert [call.at for call in log] == sorted(call.at for call in log)


def test_the_log_keeps_the_last_bodies(caller):
    """The oldest bodies make room; the calls stay."""
    body = b'{"requests": []' + b" " * (4 * 2**20) + b"}"
    for _ in range(10):
        requests.post(
            f"{caller.service.base_url}/api/v1/batch/web",
            data=body,
            auth=(caller.service.username, caller.service.password),
        )
    bodies = [call.body for call in caller.service.log]
    assert bodies == [None] * 3 + [{"requests": []}] * 7
