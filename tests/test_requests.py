"""The requests of a batch are a sequence like any other."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nimble_pandas.job.requests import Requests


@given(st.lists(st.dictionaries(st.text(max_size=3), st.text(max_size=5), max_size=2), max_size=5))
def test_requests_are_read_as_they_were_written(requests):
    """One by one, from either end, in slices and as text; line breaks and odd characters included."""
    texts = [json.dumps(each) for each in requests]
    kept = Requests(texts)
    assert list(kept) == requests
    assert kept.texts == texts
    assert list(kept[1:]) == requests[1:]
    assert [kept[-1 - place] for place in range(len(kept))] == requests[::-1]
    with pytest.raises(IndexError):
        kept[len(requests)]
