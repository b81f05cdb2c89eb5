"""Scraped text, and text of the service's and the caller's, is never markup, wherever HTML is made."""

import importlib
import pkgutil

import lxml.html
import pandas as pd
import pytest
from replay import Answer, client, replaying

import nimble_pandas
from nimble_pandas.progress import Snapshot
from nimble_pandas.progress.notebook import bundle

EVIL = "\"'><nimble-evil onclick=x>&lt;b&gt;</pre></td></table></div></style><script>evil()</script>"
URL = f"https://www.walmart.com/ip/1?q={EVIL.replace(' ', '+')}"


def classes_with_html():
    """Return every class of the library's that makes HTML of itself."""
    found = set()
    for module in pkgutil.walk_packages(nimble_pandas.__path__, "nimble_pandas."):
        if not module.name.startswith(("nimble_pandas.local", "nimble_pandas.dask", "nimble_pandas.cli")):
            members = vars(importlib.import_module(module.name)).values()
            found |= {each for each in members if isinstance(each, type) and "_repr_html_" in vars(each)}
    return {each for each in found if each.__module__.startswith("nimble_pandas")}


@pytest.fixture
def rendered(tmp_path):
    """Return all that the library shows as HTML of a job in which every text is hostile."""
    rows = pd.DataFrame({EVIL: [URL, "nonsense " + EVIL]}, index=pd.Index([EVIL, "b"], name=EVIL))
    task = {"id": EVIL, "input": {"url": URL, "vendor": "walmart"}, "batch_id": EVIL}
    page = {"task_id": EVIL, "status": "success", "input_url": URL, "parsing": [{EVIL: EVIL, "name": EVIL}]}
    done = Answer(body={"completed": True, "progress": 1})
    ask = {"url_col": EVIL, "vendor": "walmart", "parse": True}
    shown = [rows.nimble.plan(**ask, storage_url=f"s3://bucket/{EVIL}/")]
    for end in ({"state": "success"}, {"state": "failed", "error": EVIL}):
        submitted = Answer(body={"batch_id": EVIL, "tasks": [{**task, "state": "pending"}]})
        summary = Answer(body={"tasks": [{**task, **end}]})
        with replaying(submitted, done, summary, Answer(body=page)) as replay:
            ledger = nimble_pandas.Ledger(tmp_path / "ledger")
            arguments = {"client": client(replay), "ledger": ledger, "progress": "none", "refresh": True}
            job = rows.nimble.submit(**ask, **arguments, invalid="row")
            shown += [job, job.snapshot(EVIL)]
            job.wait()
            frame = job.frame()
            assert set(frame["status"]) == {"ok" if end["state"] == "success" else "failed", "invalid"}
            shown += [job, job.failed(), frame, job.snapshot(EVIL), nimble_pandas.jobs(ledger=ledger)]
            shown.append(nimble_pandas.check(f"s3://{EVIL}", client=client(replay)))
            shown.append(nimble_pandas.check(str(tmp_path / EVIL.replace("/", "")), client=client(replay)))
    return shown


def as_html(shown):
    """Return how a notebook shows something."""
    return bundle(shown)["text/html"] if isinstance(shown, Snapshot) else shown._repr_html_()


def test_no_text_becomes_markup(rendered):
    """Names, columns, labels, URLs, errors, ids, notices and buckets are text in everything that is shown."""
    for shown in rendered:
        html = as_html(shown)
        elements = list(lxml.html.fromstring(f"<div>{html}</div>").iter())
        assert not {element.tag for element in elements} & {"nimble-evil", "script", "b>"}, type(shown)
        assert not [name for element in elements for name in element.attrib if name.startswith("on")]
        assert "<nimble-evil" not in html
        assert "evil()</script>" not in html


def test_everything_that_makes_html_is_tried(rendered):
    """A new class that shows itself as HTML has its place among those above."""
    assert classes_with_html() <= {type(shown) for shown in rendered}
