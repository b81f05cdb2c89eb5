"""Outputs read on their own: the key goes nowhere else, and what is wrong is said."""

import json

import pandas as pd
import pytest
import servers
from replay import Answer, replaying

import nimble_pandas
from nimble_pandas import Client

PAYLOAD = {"task_id": "t 1", "status": "success", "parsing": {"product": [{"name": "Milk"}]}}


def results(replay, task_id="t%201"):
    """Return the address of an output that a service keeps."""
    return f"{replay.base_url}/api/v1/tasks/{task_id}/results"


def test_the_environments_credentials_go_to_its_own_service(monkeypatch):
    """An output of the configured service is pulled with them, by the id that its address holds."""
    with replaying(Answer(body=PAYLOAD)) as replay:
        monkeypatch.setenv("NIMBLE_BASE_URL", replay.base_url)
        monkeypatch.setenv("NIMBLE_API_KEY", "k-1")
        frame = nimble_pandas.read_outputs(results(replay))
    assert frame.loc[0, ["task_id", "status", "name"]].tolist() == ["t 1", "ok", "Milk"]
    (asked,) = replay.asked
    assert (asked.path, asked.headers["Authorization"]) == ("/api/v1/tasks/t%201/results", "Bearer k-1")


@pytest.mark.parametrize("configured", [None, "https://service.example"])
def test_the_environments_credentials_go_to_no_other_host(configured, monkeypatch):
    """Whoever wrote the URL cannot make the key come to him."""
    monkeypatch.setenv("NIMBLE_USERNAME", "anna")
    monkeypatch.setenv("NIMBLE_PASSWORD", "S3CRET")
    if configured:
        monkeypatch.setenv("NIMBLE_BASE_URL", configured)
    with replaying(Answer(body=PAYLOAD)) as other:
        with pytest.raises(nimble_pandas.ConfigError, match="client=") as raised:
            nimble_pandas.read_outputs([results(other)])
    assert other.asked == []
    assert "S3CRET" not in str(raised.value)


def test_netrc_names_the_host_that_it_is_for(home, monkeypatch):
    """Its credentials are sent to that host, in place of those of the environment."""
    monkeypatch.setenv("NIMBLE_API_KEY", "k-1")
    netrc = home / ".netrc"
    netrc.write_text("machine 127.0.0.1 login bob password builder\n")
    netrc.chmod(0o600)
    with replaying(Answer(body=PAYLOAD)) as replay:
        assert nimble_pandas.read_outputs([results(replay)])["status"].tolist() == ["ok"]
    assert replay.asked[0].headers["Authorization"] == "Basic Ym9iOmJ1aWxkZXI="


def test_a_client_reads_outputs_of_its_own_service_only():
    """Those of another are rows that say so; the client's own are read, however its address is spelled."""
    with replaying(Answer(body=PAYLOAD)) as own, replaying(Answer(body=PAYLOAD)) as other:
        client = Client(base_url=f"{own.base_url}/", api_key="k-1")
        elsewhere = [results(other), "http://service.example/api/v1/tasks/t/results"]
        respelled = [results(own).replace("http", "HTTP"), results(own, "t 1")]
        frame = nimble_pandas.read_outputs([results(own), *respelled, *elsewhere], client=client)
    assert frame["status"].tolist() == ["ok", "ok", "ok", "unreadable", "unreadable"]
    assert frame["error"][3:].str.contains("refused").all()
    assert other.asked == []


def test_a_prefix_with_nothing_in_it_is_no_empty_frame(tmp_path):
    """A folder that is misspelled, or that nothing was delivered to, is an error."""
    for prefix in (tmp_path, tmp_path / "nope"):
        with pytest.raises(nimble_pandas.OutputMissing, match="no outputs under"):
            nimble_pandas.read_outputs(f"{prefix}/")


def test_a_frame_is_not_taken_for_its_columns():
    """Iterating over a frame gives its column names, which nobody means."""
    with pytest.raises(nimble_pandas.InputError, match=r'frame\["output_url"\]'):
        nimble_pandas.read_outputs(pd.DataFrame({"output_url": ["s3://bucket/a.json"]}))


def test_a_store_that_cannot_be_opened_is_named():
    """Nothing was to be sent, and there is no argument `storage_url` here."""
    with pytest.raises(nimble_pandas.ConfigError, match="Check the location") as raised:
        nimble_pandas.read_outputs("nosuchstore://bucket/x/")
    assert "sent" not in str(raised.value)
    assert "storage_url=" not in str(raised.value)


def test_a_store_that_does_not_answer_is_said_before_the_last_output_is_tried():
    """Each output may take long until it is a row that says so."""
    endpoint, once = f"http://127.0.0.1:{servers.free_port()}", {"retries": {"max_attempts": 0}}
    options = {"endpoint_url": endpoint, "key": "me", "secret": "sesame", "config_kwargs": once}
    urls = [f"s3://bucket/{n}.json" for n in range(3)]
    with pytest.warns(
        UserWarning, match=rf"nothing could be read so far: .*{endpoint}.* The other 2 are"
    ) as said:
        frame = nimble_pandas.read_outputs(urls, storage_options=options)
    assert len(said) == 1
    assert frame["status"].tolist() == ["unreadable"] * 3
    assert frame["error"].str.contains(endpoint).all()


def test_outputs_of_a_service_and_of_a_folder_are_read_together(tmp_path):
    """Rows stand in the order given, wherever each output lies."""
    (tmp_path / "a.json").write_text(json.dumps({**PAYLOAD, "task_id": "a"}))
    with replaying(Answer(body=PAYLOAD)) as replay:
        client = Client(base_url=replay.base_url, api_key="k-1")
        frame = nimble_pandas.read_outputs([results(replay), f"{tmp_path}/a.json"], client=client)
    assert frame["task_id"].tolist() == ["t 1", "a"]


def test_a_text_that_names_no_location_is_one_bad_row(tmp_path):
    """Among many it does not keep the others from being read."""
    (tmp_path / "a.json").write_text(json.dumps({**PAYLOAD, "task_id": "a"}))
    nowhere = ["", " ", "s3://", "s3:/bucket/a.json", "gs:///a.json", "s3://bucket/../a.json", "file://"]
    frame = nimble_pandas.read_outputs([*nowhere, f"{tmp_path}/a.json"])
    assert frame["status"].tolist() == ["unreadable"] * len(nowhere) + ["ok"]
    assert frame["error"][:-1].notna().all()
