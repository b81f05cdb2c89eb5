"""What is logged, and what never is."""

import logging
import re
import subprocess
import sys

import pandas as pd
from clocks import Fast

from nimble_pandas import Client, Ledger
from nimble_pandas.local import Fault, serve, shop


def test_what_happens_to_a_job_is_logged_and_nothing_secret_is(tmp_path, caplog):
    """Submits, what was lost and found, calls made again, the end; by rooms, with no key and no page."""
    caplog.set_level("DEBUG", "nimble_pandas")
    with serve(faults=[Fault("429", on="submit", retry_after=0), Fault("503", on="progress")]) as service:
        client = Client(
            base_url=service.base_url, username=service.username, password=service.password, clock=Fast()
        )
        pages = pd.Series(shop.product_urls(service.shop_url, 2))
        how = {"vendor": "walmart", "progress": "none", "client": client, "ledger": Ledger(tmp_path)}
        pages.nimble.batch(**how)
        service.inject(Fault("lost", on="submit"))
        pages.nimble.batch(**how)
        secrets = [service.password, client._credentials.authorization().partition(" ")[2]]
    records = [record for record in caplog.records if record.name.startswith("nimble_pandas")]
    said = "\n".join(record.getMessage() for record in records)
    for pattern in (
        r"Job \S+: 2 requests",
        r"batch 0: intent",
        r"Told to wait",
        r"batch 0: unknown: the submit may or may not have been taken",
        r"batch 0: found as",
        r"asked again in \S+ s, for \S+ answered 503",
        r"POST /api/v1/batch/ecommerce: 429",
        r"Done: 2 of 2 pages; 2 ok",
    ):
        assert re.search(pattern, said), pattern
    assert {record.name for record in records} <= {"nimble_pandas.job", "nimble_pandas.client"}
    assert not any(secret in said for secret in secrets)
    assert "<html" not in said


def test_nothing_is_said_unless_somebody_listens():
    """Not even a warning goes to standard error by itself; `logging` has a handler that says nothing."""
    code = "import logging, nimble_pandas; logging.getLogger('nimble_pandas.job').warning('a word')"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    assert any(isinstance(each, logging.NullHandler) for each in logging.getLogger("nimble_pandas").handlers)
