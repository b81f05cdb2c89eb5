"""However many different keys pages have, the frame stays so wide, and says everything."""

import json

import numpy as np
import pandas as pd
from frames_of import answered, assemble
from hypothesis import given
from hypothesis import strategies as st

from nimble_pandas.frames.chunk import chunk_of
from nimble_pandas.frames.columns import fields


def frame_of(pages):
    """Return the frame of these products, one a row."""
    answers = [answered(status="ok", entities=[("Product", page)]) for page in pages]
    frame = assemble(pd.DataFrame(index=range(len(pages))), answers, np.arange(len(pages)))
    return frame.loc[:, "n_entities":].iloc[:, 1:]


def test_objects_keyed_by_id_stay_whole():
    """Variants under their SKU are one column of JSON; what all pages share is flat as ever."""
    pages = [
        {
            "name": f"p{nth}",
            "offers": {"price": nth, "currency": "USD"},
            "variants": {f"sku-{nth}-{at}": {"price": at, "size": {"w": 1}} for at in range(20)},
        }
        for nth in range(600)
    ]
    frame = frame_of([*pages, {"variants": "none"}])
    assert list(frame.columns) == ["name", "offers.price", "offers.currency", "variants"]
    assert [json.loads(text) for text in frame["variants"][:-1]] == [page["variants"] for page in pages]
    assert frame["variants"].iloc[-1] == "none"
    assert frame["offers.price"].tolist()[:-1] == list(range(600))


def test_the_pages_own_rare_fields_stand_together():
    """The fields of the fewest pages are one column of JSON; the commonest keep theirs, nested ones too."""
    pages = [
        {"name": f"p{nth}", "offers": {"price": nth}, **{f"only-{nth}-{at}": at for at in range(3)}}
        for nth in range(2_000)
    ]
    pages[5]["other_fields"] = "mine"
    frame = frame_of(pages)
    assert len(frame.columns) == 1_000
    assert list(frame.columns[:3]) == ["name", "offers.price", "only-0-0"]
    assert frame["offers.price"].tolist() == list(range(2_000))
    assert json.loads(frame["other_fields"].iloc[-1]) == {f"only-1999-{at}": at for at in range(3)}
    assert json.loads(frame["other_fields"][5]) == {"other_fields": "mine"}


def test_a_thousand_fields_are_not_too_many():
    """The rule begins beyond the thousandth field."""
    page = {"offers": {f"f{at}": at for at in range(1_000)}}
    assert list(frame_of([page]).columns) == [f"offers.f{at}" for at in range(1_000)]
    page["offers"]["more"] = 1
    assert list(frame_of([page]).columns) == ["offers"]


keys = st.sampled_from(["a", "b", "c", "d", "other_fields"]) | st.text(max_size=3)
trees = st.recursive(
    st.just("leaf"), lambda inner: st.dictionaries(keys, inner, min_size=1, max_size=4), max_leaves=12
)


def numbered(tree, prefix):
    """Return a tree whose leaves are all different, and these leaves."""
    if not isinstance(tree, dict):
        return f"<{prefix}>", [f"<{prefix}>"]
    parts = {key: numbered(part, f"{prefix}.{nth}") for nth, (key, part) in enumerate(tree.items())}
    return {key: part for key, (part, _) in parts.items()}, [
        leaf for _, leaves in parts.values() for leaf in leaves
    ]


@given(st.lists(st.dictionaries(keys, trees, max_size=5), max_size=6), st.integers(1, 8))
def test_nothing_is_lost_for_the_width(trees, max_fields):
    """Whatever the pages, there are at most so many columns, and each value is in one of its own row."""
    marked = [numbered(tree, nth) for nth, tree in enumerate(trees)]
    objects, leaves = [page for page, _ in marked], [marks for _, marks in marked]
    found = fields([chunk_of(objects)], np.arange(len(objects)), max_fields)
    assert len(found) <= max_fields
    assert len({field.path for field in found}) == len(found)
    texts = [""] * len(objects)
    for field in found:
        for position, value in zip(field.positions, field.values.to_pylist(), strict=True):  # noqa: PD011 -- Arrow
            texts[position] += value
    for text, expected in zip(texts, leaves, strict=True):
        assert [text.count(leaf) for leaf in expected] == [1] * len(expected)
