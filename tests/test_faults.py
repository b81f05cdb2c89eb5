"""One table: what the service does wrong, and what each row says in the end."""

import pandas as pd
import pytest
from clocks import Fast

from nimble_pandas import Client
from nimble_pandas.local import Fault, serve, shop

N = 6

# the fault, and how many rows end with each status; where it is not said, it is the same for both deliveries
TABLE = [
    (Fault("shuffled", on="submit"), {"ok": 6}),
    (Fault("shuffled", on="summary", times=None), {"ok": 6}),
    (Fault("null_tasks", on="submit"), {"ok": 6}),
    (Fault("null_tasks", on="summary", times=None), {"ok": 6}),
    (Fault("repeated_tasks", on="submit"), {"ok": 6}),
    (Fault("repeated_tasks", on="summary", times=None), {"ok": 6}),
    (Fault("foreign_tasks", on="submit"), {"ok": 6}),
    (Fault("foreign_tasks", on="summary", times=None), {"ok": 6}),
    (Fault("missing_tasks", on="submit", task=2), {"ok": 6}),
    (Fault("missing_tasks", on="summary", task=2, times=None), {"ok": 6}),
    (Fault("altered_echo", on="submit", task=2), {"ok": 6}),
    (Fault("altered_echo", on="summary", task=2, times=None), {"ok": 5, "mismatch": 1}),
    (Fault("literal_base_url", on="submit"), {"ok": 6}),
    (Fault("unknown_state", on="summary", text="teleporting"), {"ok": 6}),
    (Fault("incomplete", on="progress", times=None), {"ok": 6}),
    (Fault("html", on="progress", times=3), {"ok": 6}),
    (Fault("html", on="summary", times=2), {"ok": 6}),
    (Fault("no_body", on="progress", times=3), {"ok": 6}),
    (Fault("500", on="progress", times=3), {"ok": 6}),
    (Fault("501", on="summary", times=2), {"ok": 6}),
    (Fault("555", on="progress", times=2), {"ok": 6}),
    (Fault("429", on="progress", times=3), {"ok": 6}),
    (Fault("429", on="progress", times=2, retry_after=2), {"ok": 6}),
    (Fault("429", on="submit", times=2), {"ok": 6}),
    (Fault("429", on="submit", times=1, retry_after=3), {"ok": 6}),
    (Fault("reset", on="progress", times=3), {"ok": 6}),
    (Fault("lost", on="summary", times=2), {"ok": 6}),
    (Fault("lost", on="submit"), {"ok": 6}),
    (Fault("reset", on="submit"), {"unknown": 6}),
    (Fault("500", on="submit"), {"unknown": 6}),
    (Fault("html", on="submit"), {"unknown": 6}),
    (Fault("failed", task=3), {"ok": 5, "failed": 1}),
    (Fault("late", task=3, seconds=0.3), {"ok": 6}),
    (Fault("missing", task=3), {"ok": 5, "not_delivered": 1}),
    (Fault("zero_bytes", task=3), {"ok": 5, "unreadable": 1}),
    (Fault("truncated", task=3), {"ok": 5, "unreadable": 1}),
    (Fault("truncated_gzip", task=3), {"ok": 5, "unreadable": 1}),
    (Fault("bomb", task=3), {"ok": 5, "unreadable": 1}),
    (Fault("nested", task=3), {"ok": 5, "unreadable": 1}),
    (Fault("plain_html", task=3), {"ok": 5, "empty": 1}),
    (Fault("foreign_output", task=3), {"ok": 5, "mismatch": 1}),
    (Fault("foreign_page", task=3), {"ok": 5, "mismatch": 1}),
]


@pytest.mark.parametrize("stored", [False, True], ids=["pull", "file"])
@pytest.mark.parametrize(
    ("fault", "counts"),
    TABLE,
    ids=[f"{fault.kind}-{fault.on or 'output'}-{n}" for n, (fault, _) in enumerate(TABLE)],
)
def test_every_fault_has_its_statuses(fault, counts, stored, tmp_path):
    """Each fault is met, and every row is accounted for in the way that the table says."""
    with serve(faults=[fault]) as service:
        client = Client(
            base_url=service.base_url, username=service.username, password=service.password, clock=Fast()
        )
        frame = pd.DataFrame({"url": shop.product_urls(service.shop_url, N)})
        answer = frame.nimble.batch(
            url_col="url",
            vendor="walmart",
            parse=True,
            storage_url=str(tmp_path) if stored else None,
            progress="none",
            client=client,
        )
        service.check()
    assert answer["status"].value_counts().to_dict() == counts
    assert answer.loc[answer["status"] != "ok", "error"].notna().all()
    assert answer.loc[answer["status"] == "ok", "error"].isna().all()
    # a row that is ok holds its own page
    own = answer[answer["status"] == "ok"]
    assert own["output_url"].is_unique


@pytest.mark.parametrize("stored", [False, True], ids=["pull", "file"])
def test_a_forgotten_batch_keeps_what_was_delivered(stored, tmp_path):
    """After the service has forgotten the batch, outputs in the caller's store are still read."""
    with serve() as service:
        client = Client(
            base_url=service.base_url, username=service.username, password=service.password, clock=Fast()
        )
        frame = pd.DataFrame({"url": shop.product_urls(service.shop_url, N)})
        job = frame.nimble.submit(
            url_col="url",
            vendor="walmart",
            parse=True,
            storage_url=str(tmp_path) if stored else None,
            progress="none",
            client=client,
        )
        while not client.progress(job.batch_ids[0]).completed:
            pass
        service.clock.advance(25 * 3600)
        answer = job.wait().frame()
    assert answer["status"].tolist() == (["ok"] if stored else ["expired"]) * N


def test_an_output_elsewhere_is_refused(tmp_path):
    """A location that the job did not ask for is not read, and its row says so."""
    secret = tmp_path / "secret.json"
    secret.write_text('{"status": "success", "parsing": [{"name": "stolen"}]}')
    with serve(faults=[Fault("elsewhere", task=1, to=f"file://{secret}")]) as service:
        frame = pd.DataFrame({"url": shop.product_urls(service.shop_url, 3)})
        answer = frame.nimble.batch(
            url_col="url",
            vendor="walmart",
            parse=True,
            storage_url=str(tmp_path / "outputs"),
            progress="none",
            client=service.client(),
        )
        service.check()
    assert answer["status"].tolist() == ["ok", "unreadable", "ok"]
    assert "refused" in answer["error"][1]
    assert "stolen" not in answer.to_csv()
