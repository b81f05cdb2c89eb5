"""Tasks find their requests by the echo, however the service lists them."""

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
        "parse": st.booleans(),
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
