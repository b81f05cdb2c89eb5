"""Outputs are read in every documented shape, and nothing else passes for one."""

import contextlib
import json
from datetime import UTC, datetime

import pytest
from frames_of import by_type
from hypothesis import given
from hypothesis import strategies as st

import nimble_pandas
from nimble_pandas.models import Batch, Output, Progress, Task, read_output

PRODUCT = {"name": "Milk", "price": "$3.49"}
ENVELOPE = {
    "url": "https://www.walmart.com/ip/1?x",
    "task_id": "t1",
    "status": "success",
    "query_time": "2025-12-15T14:08:26.079Z",
    "status_code": 200,
    "html_content": "<!doctype html>",
    "headers": {"Content-Type": "text/html"},
    "input_url": "https://www.walmart.com/ip/1",
}


def read(payload):
    """Read a payload from its JSON."""
    return read_output(json.dumps(payload).encode())


@pytest.mark.parametrize(
    ("parsing", "entities"),
    [
        (
            {
                "status": "success",
                "entities": {"Product": [PRODUCT, None], "SearchResult": [{"id": 1}], "Review": []},
                "total_entities_count": 2,
                "entities_count": {"Product": 1, "SearchResult": 1},
                "metrics": {},
            },
            [("Product", PRODUCT), ("SearchResult", {"id": 1})],
        ),
        ({"product": [PRODUCT]}, [("product", PRODUCT)]),
        ({"product": [], "status": "success"}, []),
        (PRODUCT, [(None, PRODUCT)]),
        ({"name": "Milk", "reviews": [{"stars": 5}]}, [(None, {"name": "Milk", "reviews": [{"stars": 5}]})]),
        ([PRODUCT, None, {"id": 2}], [(None, PRODUCT), (None, {"id": 2})]),
        ({"entities": [PRODUCT]}, [(None, PRODUCT)]),
        ({"entities": {"Product": PRODUCT}}, [("Product", PRODUCT)]),
        ({"status": "success", "entities": {}}, []),
        ({"status": "error", "error": "no rules"}, []),
        ({}, []),
        ([], []),
        (None, []),
    ],
)
def test_the_shapes_of_parsing(parsing, entities):
    """Grouped by type, a flat object or a list: entities come out in page order, null ones left out."""
    output = read({**ENVELOPE, "parsing": parsing})
    assert output.entities == by_type(*entities)
    assert output.parsed is (parsing is not None)


def test_the_envelope_is_read():
    """Whose page it is, when it was fetched, and what the site answered."""
    assert read(ENVELOPE) == Output(
        task_id="t1",
        input_url="https://www.walmart.com/ip/1",
        status_code=200,
        fetched_at=datetime(2025, 12, 15, 14, 8, 26, 79000, tzinfo=UTC),
        html="<!doctype html>",
    )


@pytest.mark.parametrize(
    ("field", "given", "read_as"),
    [
        ("task_id", 7, "7"),
        ("task_id", "", None),
        ("input_url", ["https://shop.example"], None),
        ("status_code", "404", 404),
        ("status_code", 10_000, 10_000),
        ("status_code", "none", None),
        ("query_time", 1_765_807_706, None),
        ("html_content", {"p": 1}, None),
        ("status", 5, False),
        ("status", "ERROR", True),
    ],
)
def test_a_field_that_is_not_as_documented_costs_no_other(field, given, read_as):
    """What else stands in its place is read where it can be, and missing where not; the rest is there."""
    output = read({**ENVELOPE, "parsing": {"entities": {"Product": [PRODUCT]}}, field: given})
    names = {"query_time": "fetched_at", "html_content": "html", "status": "failed"}
    assert getattr(output, names.get(field, field)) == read_as
    assert output.entities == {"Product": [PRODUCT]}


def test_the_oldest_envelope_and_the_newest_are_read():
    """The oldest has three fields; the newest nests its content."""
    oldest = read({"status": "success", "html_content": "<p>", "parsing": {"product": [PRODUCT]}})
    newest = read(
        {"status": "success", "task_id": "t1", "data": {"html": "<p>", "parsing": {"product": [PRODUCT]}}}
    )
    assert oldest.entities == newest.entities == {"product": [PRODUCT]}
    assert oldest.html == newest.html == "<p>"


def test_errors_are_told_apart():
    """A task that failed and a page that could not be parsed both say why."""
    assert read({"status": "failed", "msg": "blocked"}).failed
    assert read({"status": "failed", "msg": "blocked"}).error == "blocked"
    unparsed = read({**ENVELOPE, "parsing": {"status": "error", "error": "no rules"}})
    assert (unparsed.failed, unparsed.error) == (False, "no rules")


@pytest.mark.parametrize("page", ["<!doctype html><p>é", "  <html>", "\ufeff<html>"])
def test_a_plain_page_is_an_output(page):
    """With `parse` off, the page itself may be what is delivered."""
    assert read_output(page.encode()).html == page.strip().removeprefix("\ufeff")


def test_a_page_in_an_old_encoding_is_still_a_page():
    """Bytes that are no UTF-8 are read as browsers would."""
    assert read_output("<p>9 €".encode("cp1252")).html == "<p>9 €"


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "0 bytes"),
        (b"  \n", "0 bytes"),
        (b'{"status": "succ', "no JSON"),
        (b"[" * 100_000, "too deep"),
        (b'{"a":' * 100_000, "too deep"),
        (b"[1, 2]", "not what a task delivers"),
        (b'"text"', "not what a task delivers"),
        (b'{"hello": "world"}', "not what a task delivers"),
        (b"\x00\x01\x02", "no JSON"),
        (b'{"status": ' + b"9" * 5000 + b"}", "no JSON"),
    ],
)
def test_what_is_no_output_is_unreadable(raw, said):
    """Whatever lies there in its place, the error says what is wrong."""
    with pytest.raises(nimble_pandas.OutputUnreadable, match=said):
        read_output(raw)


@pytest.mark.parametrize("time", [None, 5, "", "yesterday", "2025-13-45", "0001-01-01T00:00:00+23:59"])
def test_a_time_that_is_none_is_missing(time):
    """Nonsense is no time, and no error."""
    assert read({**ENVELOPE, "query_time": time}).fetched_at is None


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
names = st.sampled_from([*ENVELOPE, "parsing", "data", "html", "msg", "error", "entities"])


@given(st.dictionaries(names, json_values, max_size=6), json_values)
def test_reading_never_fails_in_another_way(payload, parsing):
    """Any JSON is an output or unreadable."""
    for each in (payload, {**ENVELOPE, "parsing": parsing}, parsing):
        try:
            output = read(each)
        except nimble_pandas.OutputUnreadable:
            continue
        assert all(type(fields) is dict for group in output.entities.values() for fields in group)


@given(st.binary())
def test_any_bytes_are_read_or_unreadable(raw):
    """No bytes raise anything else."""
    with contextlib.suppress(nimble_pandas.OutputUnreadable):
        read_output(raw)


@pytest.mark.parametrize(
    ("state", "ended", "succeeded"),
    [
        ("success", True, True),
        ("Completed", True, True),
        ("done", True, True),
        ("failed", True, False),
        ("cancelled", True, False),
        ("expired", True, False),
        ("in_progress", False, False),
        ("teleporting", False, False),
    ],
)
def test_a_task_has_ended_where_its_state_says_so(state, ended, succeeded):
    """Documented words and plain ones are understood; any other means that the task still runs."""
    task = Task.from_json({"id": "t1", "state": state})
    assert (task.ended, task.succeeded) == (ended, succeeded)


@pytest.mark.parametrize("echo", ["{", "[1]", "null", "[" * 100_000, 5, None, ["url"]])
def test_an_echo_that_is_no_object_says_nothing(echo):
    """Whatever stands in its place, the task is read."""
    assert Task.from_json({"id": "t1", "input": echo}).input == {}


def test_an_echo_may_be_an_object_in_text():
    """Some services put the object into text on its way."""
    assert Task.from_json({"id": "t1", "input": '{"url": "https://a.com/"}'}).input == {
        "url": "https://a.com/"
    }


@pytest.mark.parametrize(
    ("code", "read_as"), [(404, 404), ("404", 404), (10**30, None), (True, None), ("x", None)]
)
def test_a_status_code_fits_a_column_of_integers(code, read_as):
    """What no column of the frame could hold is no code."""
    assert Task.from_json({"id": "t1", "status_code": code}).status_code == read_as
    assert read({**ENVELOPE, "status_code": code}).status_code == read_as


@given(
    json_values, st.dictionaries(st.sampled_from(["progress", "completed", "tasks", "batch_id"]), json_values)
)
def test_any_answer_is_read(value, answer):
    """No JSON in the place of a task, a batch or progress raises anything."""
    Task.from_json(value)
    Task.from_json({"id": "t1", "input": value, "status_code": value, "created_at": value, "state": value})
    assert 0.0 <= Progress.from_json(answer).fraction <= 1.0
    assert Batch.from_json(answer).completed in {True, False}
