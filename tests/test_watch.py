"""A job that is watched, awaited and left while other things run."""

import asyncio
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pandas as pd
import pytest
from held_site import NAME, Site

import nimble_pandas
from nimble_pandas.errors import JobDetached
from nimble_pandas.local import Fault, serve
from nimble_pandas.planning import Plan

TESTS = Path(__file__).parent


class Recorder:
    """A view that keeps the snapshots, and in which threads it was told."""

    def __init__(self):
        self.shown, self.closed, self.threads = [], [], []

    def show(self, snapshot):
        """Keep one."""
        self.shown.append(snapshot)
        self.threads.append(threading.current_thread().name)

    def close(self, snapshot):
        """Keep the last."""
        self.closed.append(snapshot)


@pytest.fixture
def held(tmp_path):
    """Give a job of nine rows, of which three wait for a file; and the file."""
    gate = tmp_path / "gate"
    site = Site(gate)
    with serve(shop=False) as service:
        pages = pd.DataFrame({"url": site.urls(9, held=3, gone=1)}, index=[f"sku-{n}" for n in range(9)])
        call = {"url_col": "url", "vendor": "walmart", "parse": True, "progress": "none"}
        yield pages.nimble.submit(**call, client=service.client()), gate
        gate.touch()
    site.shutdown()
    site.server_close()


def wait_for(condition):
    """Wait until a condition holds."""
    for _ in range(600):
        if condition():
            return
        threading.Event().wait(0.02)
    raise AssertionError("waited in vain")


def test_watch_returns_at_once_and_runs_one_thread(held):
    """A watch is one thread however often it is asked for; meanwhile the partial frame is there."""
    job, gate = held
    first, second = Recorder(), Recorder()
    job.watch(progress=first)
    job.watch(progress=second)
    assert sum(thread.name == f"nimble-pandas {job.id}" for thread in threading.enumerate()) == 1
    wait_for(lambda: (job.frame()["status"] == "ok").sum() == 5)
    assert (job.frame()["status"] == "pending").sum() == 3
    wait_for(lambda: first.shown and first.shown[-1].landed)
    gate.touch()
    assert job.wait().done
    wait_for(lambda: first.closed and second.closed)
    (last,), (other,) = first.closed, second.closed
    assert last == other
    assert (last.state, dict(last.counts)) == ("done", {"ok": 8, "empty": 1})
    assert [(each.status, each.n_rows, each.label) for each in last.problems] == [("empty", 1, "sku-5")]
    assert first.shown[-1].landed[-1].found.startswith(NAME[:20])
    assert set(first.threads) <= {"MainThread", f"nimble-pandas {job.id}"}


def test_detach_ends_the_watch_and_says_how_to_go_on(held):
    """A watch that is left ends as detached, with the line to type; the job can be watched again."""
    job, gate = held
    recorder = Recorder()
    job.watch(progress=recorder)
    assert job.detach() is job
    wait_for(lambda: recorder.closed)
    assert recorder.closed[0].state == "detached"
    assert f'nimble_pandas.attach("{job.id}")' in recorder.closed[0].message
    gate.touch()
    again = Recorder()
    job.watch(progress=again)
    wait_for(lambda: again.closed)
    assert again.closed[0].state == "done"


def test_detach_ends_a_wait(held):
    """A call that waits in another thread raises, and says that the job goes on."""
    job, _ = held
    threading.Timer(0.3, job.detach).start()
    with pytest.raises(JobDetached, match="go on at the service"):
        job.wait()


def test_await_leaves_the_loop_free_and_gives_the_job(held):
    """While a job is awaited, other tasks run; it comes back done."""
    job, gate = held

    async def both():
        async def open_gate():
            await asyncio.sleep(0.2)
            gate.touch()

        opened, awaited = asyncio.create_task(open_gate()), await job
        await opened
        return awaited

    assert asyncio.run(both()) is job
    assert job.done


def test_cancelling_the_task_detaches(held):
    """A task that awaits can be cancelled: the thread ends, and the error says how to go on."""
    job, _ = held

    async def cancelled():
        async def wait():
            await job

        task = asyncio.create_task(wait())
        await asyncio.sleep(0.3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        return caught.value

    assert "nimble_pandas.attach" in asyncio.run(cancelled()).__notes__[0]
    wait_for(lambda: not any(thread.name == f"nimble-pandas {job.id}" for thread in threading.enumerate()))


def test_an_error_in_the_thread_is_not_lost(tmp_path):
    """What ends a watch early is in its view, in the job's repr, and raised where the job is awaited."""
    site = Site(tmp_path / "gate")
    with serve(shop=False, faults=[Fault("401", on="progress", times=None)]) as service:
        pages = pd.DataFrame({"url": site.urls(2)})
        job = pages.nimble.submit(url_col="url", vendor="walmart", progress="none", client=service.client())
        recorder = Recorder()
        job.watch(progress=recorder)
        wait_for(lambda: recorder.closed)
        assert "AuthError" in recorder.closed[0].message
        wait_for(lambda: "The watch has ended: AuthError" in repr(job))
    site.shutdown()
    site.server_close()


def test_a_process_that_ends_leaves_its_watch(tmp_path):
    """The interpreter ends soon and quietly, and the view's last word says how to go on."""
    script = f"""
        import sys
        sys.path.insert(0, {str(TESTS)!r})
        import pandas as pd, nimble_pandas
        from held_site import Site
        from nimble_pandas.local import serve
        service = serve(shop=False)
        pages = pd.DataFrame({{"url": Site({str(tmp_path / "never")!r}).urls(3, held=1)}})
        job = pages.nimble.submit(url_col="url", vendor="walmart", progress="none", client=service.client())
        job.watch(progress="text")
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0
    assert "Detached: " in ended.stderr
    assert "nimble_pandas.attach(" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_view_update_costs_no_more_for_more_tasks(held):
    """What a view is told is made of counters: no request is looked at but those that are shown."""
    job, gate = held
    gate.touch()
    job.wait()
    looked_at = []

    class Counted(Plan):
        def effective(self, position):
            looked_at.append(position)
            return super().effective(position)

    sittings = job._sittings
    fields = {name: getattr(job.plan, name) for name in Plan.__dataclass_fields__}
    sittings._examples._plan = Counted(**fields)
    snapshot = job.snapshot()
    assert len(looked_at) == len(snapshot.landed) == 3


def test_reprs_say_what_went_wrong_and_what_is_next(held):
    """A job's text and HTML name the trouble, an example and what to type; what was scraped is escaped."""
    job, gate = held
    gate.touch()
    job.wait()
    for said in (repr(job), job._repr_html_()):
        for part in (
            "8 ok",
            "1 empty",
            "the site answered 404",
            "sku-5",
            "/gone/5",
            "job.failed() lists them",
        ):
            assert part in said, part
    assert "<script" not in job._repr_html_()
    (line,) = nimble_pandas.jobs().itertuples()
    assert line.next == f'attach("{job.id}").failed()'
