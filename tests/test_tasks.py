"""Tasks find their requests by the echo, however the service lists them."""

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nimble_pandas.models import Task
from nimble_pandas.tasks import agrees, match, same_url

URLS = [f"https://www.walmart.com/ip/{i}" for i in range(3)]


def tasks_of(requests, echoes):
    """Match tasks with the given echoes; return task ids by request, and the ids of strangers."""
    tasks = [Task(id=f"t{i}", state="success", input=echo) for i, echo in enumerate(echoes)]
    matching = match(tasks, requests)
    return (
        {position: [task.id for task in found] for position, found in matching.tasks_of.items()},
        [task.id for task in matching.strangers],
    )


def test_order_does_not_matter():
    """Shuffled tasks find their requests."""
    requests = [{"url": url, "vendor": "walmart"} for url in URLS]
    assert tasks_of(requests, requests[::-1]) == ({0: ["t2"], 1: ["t1"], 2: ["t0"]}, [])


def test_one_url_for_many_countries_is_told_apart_by_the_rest_of_the_echo():
    """Countries may come back in another case, flags as text, and defaults filled in."""
    requests = [
        {"url": URLS[0], "country": "US", "parse": True},
        {"url": URLS[0], "country": "FR", "parse": True},
        {"url": URLS[0], "parse": True},
    ]
    echoes = [
        {"url": URLS[0], "parse": "true", "locale": "en"},
        {"url": URLS[0], "country": "fr", "parse": "True"},
        {"url": URLS[0], "country": "US", "parse": True},
    ]
    assert tasks_of(requests, echoes) == ({2: ["t0"], 1: ["t1"], 0: ["t2"]}, [])


def test_an_echo_that_could_be_two_requests_is_nobodys():
    """Nothing is guessed: such a task is a stranger."""
    requests = [{"url": URLS[0], "country": "US"}, {"url": URLS[0], "country": "FR"}]
    assert tasks_of(requests, [{"url": URLS[0]}, {}]) == ({}, ["t0", "t1"])


def test_an_altered_echo_is_nobodys():
    """Another URL or another country is another request."""
    requests = [{"url": URLS[0], "country": "US"}]
    assert tasks_of(requests, [{"url": URLS[0], "country": "DE"}, {"url": URLS[1]}]) == ({}, ["t0", "t1"])


def test_a_batch_of_one_needs_no_echo():
    """An empty echo contradicts nothing, and there is only one request that it can be."""
    assert tasks_of([{"url": URLS[0]}], [{}]) == ({0: ["t0"]}, [])


def test_a_url_may_be_spelled_another_way_but_the_exact_one_wins():
    """Percent-encoding and the host's case do not matter, unless that would confuse two requests."""
    assert same_url("https://A.com/x y", "https://a.com/x%20y")
    assert not same_url("https://a.com/x?a=1", "https://a.com/x?a=2")
    requests = [{"url": "https://a.com/?q=a&b"}, {"url": "https://a.com/?q=a%26b"}]
    assert tasks_of(requests, requests[::-1]) == ({1: ["t0"], 0: ["t1"]}, [])


def test_a_repeated_task_counts_once_and_a_second_task_is_kept_beside():
    """The same id twice is one task; another id for the same request is another task for it."""
    request = {"url": URLS[0]}
    task = Task(id="t", state="success", input=request)
    other = Task(id="u", state="success", input=request)
    assert [found.id for found in match([task, task, other], [request]).tasks_of[0]] == ["t", "u"]


def test_what_an_echo_leaves_out_it_does_not_contradict():
    """Only a different value is a contradiction; delivery parameters are none."""
    sent = {"url": URLS[0], "country": "US", "render": True}
    assert agrees(sent, {"url": URLS[0]})
    assert agrees(sent, {"url": URLS[0], "country": None, "render": False, "storage_url": "s3://x"})
    assert not agrees(sent, {"url": URLS[0], "country": "GB"})


request = st.fixed_dictionaries(
    {"url": st.sampled_from(URLS)},
    optional={
        "country": st.sampled_from(["US", "FR"]),
        # to say the default, false, is to say nothing
        "parse": st.just(True),
        "zip": st.sampled_from(["02108", "10001"]),
    },
)


@given(st.lists(request, max_size=8, unique_by=lambda each: tuple(sorted(each.items()))), st.randoms())
def test_full_echoes_always_find_their_own_request(requests, random):
    """Whatever distinct requests a batch holds, complete echoes in any order are joined right."""
    order = random.sample(range(len(requests)), len(requests))
    found, strangers = tasks_of(requests, [requests[i] for i in order])
    assert strangers == []
    assert found == {i: [f"t{n}"] for n, i in enumerate(order)}


def test_an_echo_that_leaves_out_what_tells_two_requests_apart_is_nobodys():
    """The request that says less has no better claim than the one that says more."""
    requests = [{"url": URLS[0]}, {"url": URLS[0], "country": "US"}]
    assert tasks_of(requests, [{"url": URLS[0]}, {"url": URLS[0]}]) == ({}, ["t0", "t1"])
    assert tasks_of(requests, [{"url": URLS[0]}]) == ({}, ["t0"])


def test_what_is_certain_of_one_task_decides_for_the_other():
    """Each request has a task of its own: where one is taken, the other is meant."""
    requests = [{"url": URLS[0]}, {"url": URLS[0], "country": "US"}]
    assert tasks_of(requests, [{"url": URLS[0]}, requests[1]]) == ({0: ["t0"], 1: ["t1"]}, [])
    assert tasks_of(requests, [{"url": URLS[0], "country": "ALL"}]) == ({0: ["t0"]}, [])


def test_documented_defaults_say_nothing():
    """A service that fills them in means the request that left them out."""
    requests = [{"url": URLS[0], "vendor": "walmart"}, {"url": URLS[0], "vendor": "walmart", "country": "US"}]
    filled = {"country": "all", "locale": "en", "parse": "false"}
    assert tasks_of(requests, [{**filled, **each} for each in requests]) == ({0: ["t0"], 1: ["t1"]}, [])


def test_two_requests_that_are_one_when_decoded_are_told_apart_or_nobodys():
    """Two echoes of the same text cannot both be right; the exact ones are."""
    requests = [{"url": "https://a.com/?q=salt%26pepper"}, {"url": "https://a.com/?q=salt&pepper"}]
    decoded = [{"url": "https://a.com/?q=salt&pepper"}] * 2
    assert tasks_of(requests, decoded) == ({}, ["t0", "t1"])
    assert tasks_of(requests, decoded[:1]) == ({}, ["t0"])
    assert tasks_of(requests, requests) == ({0: ["t0"], 1: ["t1"]}, [])


def test_undocumented_parameters_tell_requests_apart():
    """Where they are echoed; a service that translates them does not confuse anything."""
    requests = [{"url": URLS[0], "render": True}, {"url": URLS[0], "render": False}]
    assert tasks_of(requests, requests[::-1]) == ({1: ["t0"], 0: ["t1"]}, [])
    assert tasks_of(requests[:1], [{"url": URLS[0], "render": "js"}]) == ({0: ["t0"]}, [])


@pytest.mark.parametrize(
    ("sent", "echoed"),
    [
        ("https://a.com/x/", "https://a.com/x"),
        ("https://a.com/x", "https://a.com/x/"),
        ("https://a.com", "https://a.com/"),
        ("https://a.com/x", "https://a.com:443/x"),
        ("http://a.com:80/x", "https://a.com/x"),
        ("https://a.com/x?a=1", "https://a.com/x?a=1&utm_source=nimble"),
        ("https://a.com/x?a=1&b=2", "https://a.com/x?b=2&a=1"),
        ("https://www.a.com/x", "https://a.com/x"),
        ("https://a.com/x", "https://WWW.a.com/x#top"),
        ("https://a.com/?q=a+b", "https://a.com/?q=a%20b"),
    ],
)
def test_services_spell_urls_in_their_own_way(sent, echoed):
    """A page that was paid for is not thrown away over a slash."""
    assert same_url(sent, echoed)
    assert tasks_of([{"url": sent}, {"url": "https://a.com/y"}], [{"url": echoed}]) == ({0: ["t0"]}, [])


@pytest.mark.parametrize(
    "echoed",
    [
        "https://a.com/X",
        "https://a.com/x/y",
        "https://b.com/x?a=1",
        "https://a.com:8443/x?a=1",
        "https://a.com/x",
        "https://a.com/x?a=2",
        "https://[a",
        "",
        "x",
    ],
)
def test_another_page_is_another_page(echoed):
    """Another host, port, path or value, or a part of the query that is gone, is not the same."""
    assert not same_url("https://a.com/x?a=1", echoed)


def test_a_spelling_that_could_be_two_requests_is_nobodys():
    """A page number that was added could as well be the other request's own."""
    requests = [{"url": "https://a.com/s?q=1"}, {"url": "https://a.com/s?q=1&page=2"}]
    tagged = [{"url": f"{each['url']}&utm_source=n"} for each in requests]
    assert tasks_of(requests, tagged) == ({0: ["t0"], 1: ["t1"]}, [])
    assert tasks_of(requests, tagged[1:]) == ({}, ["t0"])
    assert tasks_of(requests[:1], tagged) == ({}, ["t0", "t1"])
    slashed = [{"url": "https://a.com/x"}, {"url": "https://a.com/x/"}]
    assert tasks_of(slashed, [slashed[1], slashed[1]]) == ({}, ["t0", "t1"])


@pytest.mark.parametrize(
    ("sent", "echoed"),
    [
        ({"zip": "02108"}, {"zip": 2108}),
        ({"zip": "02108"}, {"zip": "2108.0"}),
        ({"parse": True}, {"parse": 1}),
        ({"parse": True}, {"parse": "1"}),
        ({"parse": False}, {"parse": 0}),
        ({"parse": False}, {"parse": ""}),
        ({"country": "US"}, {"country": "us"}),
        ({"country": "US"}, {"locale": "en-US"}),
    ],
)
def test_values_may_come_back_in_another_type(sent, echoed):
    """Numbers for zips and flags, another case, and what the service made up itself."""
    url = {"url": URLS[0]}
    assert agrees({**url, **sent}, {**url, **echoed})
    assert tasks_of([{**url, **sent}], [{**url, **echoed}]) == ({0: ["t0"]}, [])


def test_a_grid_over_one_url_is_matched_in_no_time():
    """A thousand requests with one URL are found by what tells them apart, not by trying each."""
    requests = [{"url": URLS[0], "zip": f"{n:05}"} for n in range(1000)]
    found, strangers = tasks_of(requests, requests[::-1])
    assert strangers == []
    assert found == {n: [f"t{999 - n}"] for n in range(1000)}


def test_a_service_that_echoes_nothing_takes_no_longer():
    """A thousand tasks that could be any of a thousand requests are nobody's, at once."""
    requests = [{"url": URLS[0], "zip": f"{n:05}"} for n in range(1000)]
    found, strangers = tasks_of(requests, [{}] * 1000)
    assert (found, len(strangers)) == ({}, 1000)


LIKE = [
    "https://a.com/?q=a%26b",
    "https://a.com/?q=a&b",
    "https://a.com/?q=a",
    "https://a.com/x",
    "https://a.com/x/",
]
alike = st.lists(
    st.fixed_dictionaries(
        {"url": st.sampled_from(LIKE)},
        optional={"country": st.sampled_from(["US", "FR"]), "zip": st.just("02108"), "parse": st.just(True)},
    ),
    max_size=8,
    unique_by=lambda each: tuple(sorted(each.items())),
)
DEFAULTS = {"country": "ALL", "locale": "en", "parse": "false"}


def matched_right(requests, echoes):
    """Say whether no task stands for another request than its own, which has the same place."""
    found, _ = tasks_of(requests, echoes)
    return all(tasks in ([], [f"t{position}"]) for position, tasks in found.items())


@given(alike, st.data())
def test_no_row_gets_another_rows_page_whatever_is_left_out(requests, data):
    """Fields left out of any echo, defaults filled in, URLs decoded, tasks not listed: nothing is guessed."""
    echoes = []
    for each in requests:
        said = data.draw(st.sampled_from([each, DEFAULTS | each, each | {"url": unquote(each["url"])}]))
        silent = data.draw(st.sets(st.sampled_from(["country", "zip", "parse", "locale"])))
        echoes.append({name: value for name, value in said.items() if name not in silent})
    tasks = [Task(id=f"t{n}", state="success", input=echo) for n, echo in enumerate(echoes)]
    listed = data.draw(st.lists(st.sampled_from(tasks), unique_by=lambda task: task.id)) if tasks else []
    for position, found in match(listed, requests).tasks_of.items():
        assert [task.id for task in found] == [f"t{position}"]


SPELLINGS = [
    lambda url: url.replace("https:", "http:"),
    lambda url: url.replace("//a", "//www.a"),
    lambda url: url + ("&" if "?" in url else "?") + "utm_source=n",
    lambda url: url.rstrip("/"),
    lambda url: url if "?" in url or url.endswith("/") else f"{url}/",
    unquote,
]


@given(alike, st.sampled_from(SPELLINGS), st.sampled_from(SPELLINGS))
def test_no_row_gets_another_rows_page_however_urls_are_spelled(requests, one, other):
    """A service that respells all URLs confuses nothing, though requests differ in just that."""
    echoes = [{**each, "url": one(other(each["url"]))} for each in requests]
    assert matched_right(requests, echoes)


anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.lists(st.dictionaries(st.sampled_from(["url", "country", "zip", "parse", "render"]), anything)))
def test_any_echo_is_matched_or_nobodys(echoes):
    """Whatever JSON the service echoes, every task is accounted for."""
    requests = [{"url": URLS[0], "render": True}, {"url": URLS[0], "zip": "02108"}]
    found, strangers = tasks_of(requests, echoes)
    ids = [task_id for tasks in found.values() for task_id in tasks]
    assert sorted(ids + strangers) == sorted(f"t{n}" for n in range(len(echoes)))
