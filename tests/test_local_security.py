"""The local service leads nobody to where a machine keeps its keys, and is on this machine alone."""

import asyncio
import contextlib
import datetime as dt
import socket

import pytest
from replay import Answer, replaying

from nimble_pandas.local import serve
from nimble_pandas.local.fetch import Fetcher
from nimble_pandas.local.tasks.batches import Task
from nimble_pandas.local.tasks.callbacks import Callbacks

METADATA = [
    "169.254.169.254",
    "169.254.169.254.",
    "2852039166",
    "0xA9FEA9FE",
    "0xa9.0xfe.0xa9.0xfe",
    "0251.0376.0251.0376",
    "169.254.43518",
    "[::ffff:169.254.169.254]",
    "[::ffff:a9fe:a9fe]",
    "[::169.254.169.254]",
    "[64:ff9b::a9fe:a9fe]",
    "[2002:a9fe:a9fe::]",
    "[fe80::1%25lo]",
    "[fd00:ec2::254]",
    "100.100.100.200",
    "metadata.google.internal",
    "METADATA.google.internal.",
    "\uff11\uff16\uff19.254.169.254",
]


@pytest.mark.parametrize("proxied", [False, True])
def test_no_page_is_fetched_from_where_a_machine_keeps_its_keys(proxied):
    """However the address is spelled; a proxy that would look the name up is not asked, either."""
    with replaying(Answer(body={})) as proxy:
        proxies = {"US": proxy.base_url} if proxied else None

        async def fetch():
            async with contextlib.aclosing(Fetcher(proxies=proxies, respect_robots=False)) as fetcher:
                return [await fetcher.fetch(f"http://{host}/latest", country="US") for host in METADATA]

        refused = {host: page.error_type for host, page in zip(METADATA, asyncio.run(fetch()), strict=True)}
    assert set(refused.values()) <= {"forbidden_address", "invalid_url"}, refused
    assert proxy.asked == []


def task_told(callback_url, loop_factory=None):
    """Return a finished task after its callback was tried."""
    now = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
    task = Task(
        id="t1",
        batch_id="b1",
        number=0,
        position=0,
        input={"url": "https://www.walmart.com/ip/1", "callback_url": callback_url},
        api_type="ecommerce",
        status_url="http://127.0.0.1/t1",
        created_at=now,
        modified_at=now,
    )

    async def tell():
        async with contextlib.aclosing(Callbacks()) as callbacks:
            callbacks.send(task)
            await asyncio.gather(*callbacks._under_way)

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(tell())
    return task


def test_no_callback_goes_to_where_a_machine_keeps_its_keys():
    """Nor does a redirect lead there, for callbacks follow none."""
    for host in METADATA:
        assert task_told(f"http://{host}/").callback_error, host
    there = {"Location": "http://169.254.169.254/"}
    with replaying(Answer(status=307, headers=there)) as replay:
        assert "307" in task_told(f"{replay.base_url}/told").callback_error
    assert len(replay.asked) == 1


class Rebinding(asyncio.SelectorEventLoop):
    """A loop in which a name leads to another address each time that it is asked for."""

    async def getaddrinfo(self, host, port, **options):
        """Answer with 127.0.0.1, then with 127.0.0.2, and so on."""
        if host == "rebinding.example":
            self.n_asked = getattr(self, "n_asked", 0) + 1
            host = f"127.0.0.{self.n_asked}"
        return await super().getaddrinfo(host, port, **options)


def test_a_callback_goes_to_the_address_that_was_judged():
    """A name that leads elsewhere when it is asked again is asked once."""
    with replaying(Answer(body={})) as judged:
        port = int(judged.base_url.rpartition(":")[2])
        with socket.create_server(("127.0.0.2", port)) as elsewhere:
            elsewhere.setblocking(False)
            assert task_told(f"http://rebinding.example:{port}/told", Rebinding).callback_error is None
            with pytest.raises(BlockingIOError):
                elsewhere.accept()
    (asked,) = judged.asked
    assert asked.headers["host"] == f"rebinding.example:{port}"
    assert (asked.method, asked.path, asked.json["id"]) == ("POST", "/told", "t1")


def test_a_callback_does_not_read_what_it_is_answered():
    """A body that never ends holds nothing up."""
    with replaying(Answer(fate="drip")) as replay:
        assert task_told(f"{replay.base_url}/told").callback_error is None


def test_the_local_service_is_on_this_machine_alone():
    """It listens at 127.0.0.1 and nowhere else, and so does its shop."""
    with serve() as service:
        for url in (service.base_url, service.shop_url):
            port = int(url.rpartition(":")[2])
            for host in ("127.0.0.2", socket.gethostbyname(socket.gethostname())):
                if host != "127.0.0.1":
                    with pytest.raises(ConnectionRefusedError):
                        socket.create_connection((host, port), timeout=5)
